//! From bytes of the store to files: each is written under another name and put in its place in one step, so that none is ever
//! torn. No way leads through a link that the person who wrote the paths has not written.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use blake3::Hash;

use super::super::memo::Reading;
use super::super::point;
use super::super::restore::move_away;
use super::super::shelf::Shelf;
use super::Place;
use super::pack::{Found, Item, Kept, Manifest};
use crate::logic::cache::keyed::{Base, base_of};
use crate::logic::cache::pattern::Patterns;

/// What has been found out about the folders that are written to.
struct Putting<'a> {
    shelf: &'a Shelf,
    place: &'a Place,
    aside: Aside<'a>,
    put: Put,
    /// Folders that the paths themselves name, and those above them.
    named: HashSet<(Base, PathBuf)>,
    /// Folders that were looked at, and the disks that they are on.
    folders: HashMap<PathBuf, u64>,
    made: HashSet<PathBuf>,
    /// The disk that the store is on.
    own: u64,
    /// The pack that was read last.
    pack: Option<(u32, Vec<u8>)>,
}

/// Where files go that are in the way and that nobody has kept.
#[derive(Clone, Copy)]
pub(super) struct Aside<'a> {
    pub(super) folder: &'a Path,
    pub(super) is_kept: &'a dyn Fn(&Found<'_>) -> bool,
}

/// What was put in its place.
#[derive(Debug, Default)]
pub(super) struct Put {
    pub(super) written: usize,
    /// What was moved aside for it, as it is named in paths.
    pub(super) aside: Vec<String>,
}

/// Puts all files of a manifest in their places.
pub(super) fn put_back(
    shelf: &Shelf,
    place: &Place,
    paths: &[String],
    manifest: &Manifest,
    aside: Aside<'_>,
) -> Result<Put, String> {
    let own = fs::metadata(&shelf.folder).map_or(0, |it| it.dev());
    let (folders, made) = (HashMap::new(), HashSet::new());
    let named = named(paths)?;
    let put = Put::default();
    let mut it = Putting { shelf, place, aside, put, named, folders, made, own, pack: None };
    for item in &manifest.items {
        it.put.written += usize::from(it.put(item, manifest)?);
    }
    // Last: nothing can be written into a folder that is read-only.
    for item in manifest.items.iter().rev() {
        let Kept::Folder { mode } = item.what else { continue };
        let full = it.full(item)?;
        if it.made.contains(&full) {
            fs::set_permissions(&full, Permissions::from_mode(mode))
                .map_err(|error| failed(&full, &error))?;
        }
    }
    Ok(it.put)
}

fn named(paths: &[String]) -> Result<HashSet<(Base, PathBuf)>, String> {
    let mut named = HashSet::new();
    for path in paths {
        let (base, rest) = base_of(path).map_err(|why| format!("the path `{path}` cannot be kept: {why}"))?;
        for source in Patterns::read(&[rest])?.sources() {
            let above = Path::new(&source.base).ancestors().map(|it| (base, it.to_path_buf()));
            named.extend(above.filter(|(_, it)| !it.as_os_str().is_empty()));
        }
    }
    Ok(named)
}

fn failed(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => format!("`{}` cannot be put back: the disk is full", path.display()),
        _ => format!("`{}` cannot be put back: {error}", path.display()),
    }
}

impl Putting<'_> {
    fn full(&self, item: &Item) -> Result<PathBuf, String> {
        Ok(self.place.of(item.base)?.join(OsStr::from_bytes(&item.path.0)))
    }

    /// Puts one in its place, unless it is there; says whether it had to.
    fn put(&mut self, item: &Item, manifest: &Manifest) -> Result<bool, String> {
        let full = self.full(item)?;
        let path = Path::new(OsStr::from_bytes(&item.path.0));
        // Nobody but a broken store says so.
        let is_plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !is_plain || path.as_os_str().is_empty() {
            return Err(format!("`{}` is no path that could be put back", path.display()));
        }
        if let Kept::Folder { .. } = item.what {
            return self.folder(item.base, path).map(|_| false);
        }
        let disk = self.folder(item.base, path.parent().unwrap_or(Path::new("")))?;
        let there = fs::symlink_metadata(&full).ok();
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(format!(
                "`{}` is a folder where a file of the cache goes; remove it",
                full.display()
            ));
        }
        let now = match disk == self.own {
            true => self.shelf.new_path(),
            false => full.with_file_name(format!(".sortie-{}", self.shelf.new_name())),
        };
        let put = match &item.what {
            Kept::Folder { .. } => return Ok(false),
            Kept::Link { target } => {
                let target = Path::new(OsStr::from_bytes(&target.0));
                if fs::read_link(&full).is_ok_and(|it| it == target) {
                    return Ok(false);
                }
                symlink(target, &now)
            }
            Kept::File { mode, changed, size, hash, at } => {
                let is_same = there.as_ref().is_some_and(|it| {
                    it.is_file() && it.len() == *size && it.permissions().mode() & 0o777 == *mode
                });
                if is_same && has_content(&full, hash.0) {
                    return Ok(false);
                }
                match at {
                    Some((pack, from)) => {
                        let bytes = self.small(manifest, (*pack, *from), *size, hash.0)?;
                        write(&now, *mode, *changed, &mut |file| file.write_all(bytes))
                    }
                    None => {
                        let from = self.shelf.path_of(&hash.0);
                        write(&now, *mode, *changed, &mut |file| {
                            let copied = io::copy(&mut File::open(&from)?, file)?;
                            if copied == *size {
                                Ok(())
                            } else {
                                Err(io::Error::other("it is cut off in the store"))
                            }
                        })
                    }
                }
            }
        };
        point();
        let done = put.and_then(|()| {
            if there.is_some() {
                self.move_aside(item, &full)?;
            }
            fs::rename(&now, &full)
        });
        if done.is_err() {
            // What stays is removed with the next pruning, if it lies with the store.
            let _removed = fs::remove_file(&now);
        }
        point();
        done.map(|()| true).map_err(|error| failed(&full, &error))
    }

    /// Moves what is in the way of a file out of it, unless it was kept once and can be had again.
    fn move_aside(&mut self, item: &Item, full: &Path) -> io::Result<()> {
        let target = fs::read_link(full).ok().map(|it| it.into_os_string().into_vec());
        let content = match &target {
            Some(target) => Err(target.as_slice()),
            None => Ok(Reading::begin(rustix::fs::CWD, full)?.hash()?),
        };
        let found = Found { base: item.base, path: &item.path.0, content: Some(content) };
        if (self.aside.is_kept)(&found) {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(&item.path.0));
        let (folder, start) = match item.base {
            Base::Project => (self.aside.folder.to_path_buf(), ""),
            Base::Home => (self.aside.folder.join("~"), "~/"),
            Base::System => (self.aside.folder.join("root"), "/"),
        };
        move_away(full, &folder.join(path))?;
        self.put.aside.push(format!("{start}{}", path.display()));
        Ok(())
    }

    /// Makes a folder and those above it, as far as they are not there; returns the disk that it is on.
    fn folder(&mut self, base: Base, path: &Path) -> Result<u64, String> {
        let full = self.place.of(base)?.join(path);
        if let Some(disk) = self.folders.get(&full) {
            return Ok(*disk);
        }
        if let Some(above) = path.parent() {
            self.folder(base, above)?;
        }
        let meta = match fs::symlink_metadata(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::create_dir(&full) {
                    Ok(()) => {
                        self.made.insert(full.clone());
                    }
                    // Another job was first.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(failed(&full, &error)),
                }
                fs::symlink_metadata(&full)
            }
            other => other,
        };
        let mut meta = meta.map_err(|error| failed(&full, &error))?;
        if meta.is_symlink()
            && (path.as_os_str().is_empty() || self.named.contains(&(base, path.to_path_buf())))
        {
            meta = fs::metadata(&full).map_err(|error| failed(&full, &error))?;
        } else if meta.is_symlink() {
            return Err(format!("`{}` is a link, and files are not put back through links", full.display()));
        }
        if !meta.is_dir() {
            return Err(format!(
                "`{}` is a file where a folder of the cache goes; remove it",
                full.display()
            ));
        }
        self.folders.insert(full, meta.dev());
        Ok(meta.dev())
    }

    /// Returns the bytes of a small file.
    fn small(
        &mut self,
        manifest: &Manifest,
        (pack, from): (u32, u32),
        size: u64,
        hash: Hash,
    ) -> Result<&[u8], String> {
        if self.pack.as_ref().is_none_or(|(known, _)| *known != pack) {
            let known = manifest.packs.get(pack as usize).ok_or("the store has lost a part of it")?;
            let path = self.shelf.path_of(&known.0.0);
            self.pack = Some((pack, fs::read(&path).map_err(|error| failed(&path, &error))?));
        }
        let bytes = self.pack.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = bytes.get(from as usize..).and_then(|rest| rest.get(..size));
        bytes
            .filter(|it| blake3::hash(it) == hash)
            .ok_or_else(|| "the store has lost a part of it".to_owned())
    }
}

fn has_content(path: &Path, hash: Hash) -> bool {
    Reading::begin(rustix::fs::CWD, path).and_then(|mut it| it.hash()).is_ok_and(|it| it == hash)
}

fn write(
    path: &Path,
    mode: u32,
    changed: (i64, u32),
    fill: &mut dyn FnMut(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    fill(&mut file)?;
    // Tools compare times to see what is new.
    if let Ok(seconds) = u64::try_from(changed.0) {
        file.set_modified(UNIX_EPOCH + Duration::new(seconds, changed.1))?;
    }
    file.set_permissions(Permissions::from_mode(mode))
}
