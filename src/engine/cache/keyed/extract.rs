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
use super::super::restore::place_beside;
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

/// So often a file is looked at again that somebody replaces while it is put aside.
const TRIES: u32 = 8;

/// Puts all files of a manifest in their places. What was done is told besides, whether all could be or not.
pub(super) fn put_back(
    shelf: &Shelf,
    place: &Place,
    paths: &[String],
    manifest: &Manifest,
    aside: Aside<'_>,
) -> (Put, Result<(), String>) {
    let named = match named(paths) {
        Ok(named) => named,
        Err(why) => return (Put::default(), Err(why)),
    };
    let own = fs::metadata(&shelf.folder).map_or(0, |it| it.dev());
    let (folders, made) = (HashMap::new(), HashSet::new());
    let put = Put::default();
    let mut it = Putting { shelf, place, aside, put, named, folders, made, own, pack: None };
    let done = it.put_all(manifest);
    (it.put, done)
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

    fn put_all(&mut self, manifest: &Manifest) -> Result<(), String> {
        for item in &manifest.items {
            self.put.written += usize::from(self.put(item, manifest)?);
        }
        // Last: nothing can be written into a folder that is read-only.
        for item in manifest.items.iter().rev() {
            let Kept::Folder { mode } = item.what else { continue };
            let full = self.full(item)?;
            if self.made.contains(&full) {
                fs::set_permissions(&full, Permissions::from_mode(mode))
                    .map_err(|error| failed(&full, &error))?;
            }
        }
        Ok(())
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
                self.place_aside(item, &full)?;
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

    /// Gives what is in the way of a file a second place, unless it was kept once and can be had again. Other cells may do
    /// the same at the same moment.
    fn place_aside(&mut self, item: &Item, full: &Path) -> io::Result<()> {
        let path = Path::new(OsStr::from_bytes(&item.path.0));
        let (folder, start) = match item.base {
            Base::Project => (self.aside.folder.to_path_buf(), ""),
            Base::Home => (self.aside.folder.join("~"), "~/"),
            Base::System => (self.aside.folder.join("root"), "/"),
        };
        let which = |it: &fs::Metadata| (it.dev(), it.ino());
        for _ in 0..TRIES {
            let placed = fs::symlink_metadata(full).and_then(|there| {
                let is_kept = self.is_kept(item, full, &there)?;
                let placed = if is_kept { None } else { Some(place_beside(full, &folder.join(path))?) };
                Ok((there, placed))
            });
            let (there, (placed, is_new)) = match placed {
                Ok((there, Some(placed))) => (there, placed),
                Ok((_, None)) => return Ok(()),
                // Somebody was quicker, and nothing is in the way any more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
            let is_there = |at: &Path| fs::symlink_metadata(at).is_ok_and(|it| which(&it) == which(&there));
            if is_there(&placed) || is_there(full) {
                self.put.aside.push(format!("{start}{}", path.display()));
                return Ok(());
            }
            // It is not what was looked at, but what somebody has put in its place meanwhile.
            if is_new {
                fs::remove_file(&placed)?;
            }
        }
        Err(io::Error::other("somebody else replaces it again and again"))
    }

    /// Says whether what is there was kept once.
    fn is_kept(&self, item: &Item, full: &Path, there: &fs::Metadata) -> io::Result<bool> {
        let target = match there.is_symlink() {
            true => Some(fs::read_link(full)?.into_os_string().into_vec()),
            false => None,
        };
        let content = match &target {
            Some(target) => Err(target.as_slice()),
            None if there.is_file() => Ok(Reading::begin(rustix::fs::CWD, full)?.hash()?),
            // Nobody keeps a pipe or a socket.
            None => return Ok(false),
        };
        let found = Found { base: item.base, path: &item.path.0, content: Some(content) };
        Ok((self.aside.is_kept)(&found))
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
