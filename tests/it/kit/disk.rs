//! What of a folder is on the disk: a file as it was at its last sync, a name as it was at the last sync of its folder. All
//! else a power cut may take, leave, or tear apart.
//!
//! That is harsher than most file systems are. Not here: where the calls come from (`trace.rs`).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::trace::{Asked, Place, Trace};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// All of it is lost.
    Lost,
    /// None of it is.
    Kept,
    /// What came first is kept, up to a point.
    Late(u64),
    /// Any of it is kept, some of it in part.
    Torn(u64),
}

/// What happens on the way through a trace.
pub(crate) enum News<'a> {
    /// Somebody has written to a file outside the folder.
    Said(&'a Path, &'a [u8]),
    /// A sync is about to be done: what waits for it has not been said yet.
    Sync,
}

/// A folder, as programs see it and as the disk has it.
pub(crate) struct Disk {
    root: PathBuf,
    files: Vec<File>,
    /// What programs see: a file by its number, or a folder.
    seen: BTreeMap<PathBuf, Option<usize>>,
    synced: BTreeMap<PathBuf, Option<usize>>,
    /// Changes of names that are not synced, in order.
    names: Vec<Name>,
    /// How many of them there have been.
    count: usize,
}

#[derive(Clone, Debug)]
struct Name {
    number: usize,
    path: PathBuf,
    /// Nothing where it was removed.
    is: Option<Option<usize>>,
}

#[derive(Default)]
struct File {
    seen: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<Change>,
    /// How many changes there have been.
    count: usize,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(*length, 0),
            Self::Write(offset, bytes) => {
                if to.len() < offset + bytes.len() {
                    to.resize(offset + bytes.len(), 0);
                }
                to[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl File {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
        self.count += 1;
    }

    /// Everything up to that change has come to the disk.
    fn sync(&mut self, count: usize) {
        let later = self.count - count;
        let now = self.pending.len().saturating_sub(later);
        for change in self.pending.drain(..now) {
            change.apply(&mut self.synced);
        }
    }

    fn after(&self, cut: Cut, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let kept = match cut {
            Cut::Lost => 0,
            Cut::Kept | Cut::Torn(_) => self.pending.len(),
            Cut::Late(_) => chance.below(self.pending.len() + 1),
        };
        for change in &self.pending[..kept] {
            match (cut, change) {
                (Cut::Torn(_), Change::Write(offset, data)) => match chance.below(4) {
                    0 => {}
                    1 => {
                        // A sector that it shares with what is there stays as it was.
                        let end = offset + chance.below(data.len() + 1);
                        let end = (end / SECTOR * SECTOR).max(*offset);
                        Change::Write(*offset, data[..end - offset].to_vec()).apply(&mut bytes);
                    }
                    _ => change.apply(&mut bytes),
                },
                (Cut::Torn(_), Change::Length(_)) if chance.below(2) == 0 => {}
                _ => change.apply(&mut bytes),
            }
        }
        bytes
    }
}

/// Numbers that look drawn by lot, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("a number has 64 bits here") % limit
    }
}

impl Disk {
    /// A folder that is not there yet, in one that is.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            files: Vec::new(),
            seen: BTreeMap::new(),
            synced: BTreeMap::new(),
            names: Vec::new(),
            count: 0,
        }
    }

    /// Goes through all calls in order; `tell` hears of what is said, and of each sync just before it is done.
    pub(crate) fn follow(&mut self, trace: &Trace, tell: &mut dyn FnMut(&Self, News<'_>)) {
        let mut syncs: HashMap<usize, usize> = HashMap::new();
        for place in &trace.places {
            match *place {
                Place::Began(number) => {
                    let asked = &trace.asked[number];
                    if matches!(asked.name.as_str(), "fsync" | "fdatasync") {
                        let file = self.file(&asked.files[0]);
                        let is_folder = self.is_folder(&asked.files[0]);
                        let count =
                            if is_folder { Some(self.count) } else { file.map(|it| self.files[it].count) };
                        syncs.extend(count.map(|count| (number, count)));
                    } else {
                        self.change(asked, tell);
                    }
                }
                Place::Ended(number) => {
                    let Some(count) = syncs.remove(&number) else { continue };
                    let path = &trace.asked[number].files[0];
                    tell(self, News::Sync);
                    if let Some(file) = self.file(path) {
                        self.files[file].sync(count);
                    } else {
                        self.sync_names(path, count);
                    }
                }
            }
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.root.parent() == Some(path) || self.seen.get(path) == Some(&None)
    }

    fn file(&self, path: &Path) -> Option<usize> {
        self.seen.get(path).copied().flatten()
    }

    fn change(&mut self, asked: &Asked, tell: &mut dyn FnMut(&Self, News<'_>)) {
        match asked.name.as_str() {
            "write" | "pwrite64" | "writev" => self.write(asked, tell),
            "ftruncate" => {
                if let Some(file) = self.file(&asked.files[0]) {
                    self.files[file].change(Change::Length(asked.last_number()));
                }
            }
            "open" | "openat" => self.open(asked),
            "mkdir" | "mkdirat" => self.name(&path_of(asked, 0), Some(None)),
            "unlink" | "unlinkat" | "rmdir" => self.name(&path_of(asked, 0), None),
            "rename" | "renameat" | "renameat2" => {
                let (from, to) = (path_of(asked, 0), path_of(asked, 1));
                let is = self.seen.get(&from).copied();
                // Folders of step files go to and fro; what is in them is worth nothing to the next engine.
                self.seen.retain(|path, _| !path.starts_with(&from) || *path == from);
                self.name(&from, None);
                if let Some(is) = is {
                    self.name(&to, Some(is));
                }
            }
            other => {
                let is_ours = asked.files.iter().any(|path| path.starts_with(&self.root))
                    || asked.strings.iter().any(|it| String::from_utf8_lossy(it).contains("/.sortie"));
                assert!(!is_ours, "nothing is known of `{other}`: {asked:?}");
            }
        }
    }

    fn write(&mut self, asked: &Asked, tell: &mut dyn FnMut(&Self, News<'_>)) {
        let path = &asked.files[0];
        let mut bytes = asked.strings.concat();
        bytes.truncate(asked.result);
        let Some(file) = self.file(path) else { return tell(self, News::Said(path, &bytes)) };
        let file = &mut self.files[file];
        // Whatever is not written to a place is appended, here.
        let offset = if asked.name == "pwrite64" { asked.last_number() } else { file.seen.len() };
        file.change(Change::Write(offset, bytes));
    }

    fn open(&mut self, asked: &Asked) {
        let path = path_of(asked, 0);
        if !path.starts_with(&self.root) {
            return;
        }
        if asked.words.contains("O_CREAT") && !self.seen.contains_key(&path) {
            self.files.push(File::default());
            self.name(&path, Some(Some(self.files.len() - 1)));
        }
        if asked.words.contains("O_TRUNC")
            && let Some(file) = self.file(&path)
        {
            self.files[file].change(Change::Length(0));
        }
    }

    fn name(&mut self, path: &Path, is: Option<Option<usize>>) {
        if !path.starts_with(&self.root) {
            return;
        }
        match is {
            Some(is) => drop(self.seen.insert(path.to_owned(), is)),
            None => drop(self.seen.remove(path)),
        }
        self.count += 1;
        self.names.push(Name { number: self.count, path: path.to_owned(), is });
    }

    fn sync_names(&mut self, folder: &Path, count: usize) {
        for name in std::mem::take(&mut self.names) {
            if name.number <= count && name.path.parent() == Some(folder) {
                put(&mut self.synced, &name);
            } else {
                self.names.push(name);
            }
        }
    }

    /// Writes the folder as it is after a power cut at this moment; nothing may be there yet.
    pub(crate) fn build(&self, cut: Cut) {
        for (path, file) in self.after(cut) {
            match file {
                Some(bytes) => std::fs::write(path, bytes).expect("the project is writable"),
                None => std::fs::create_dir(path).expect("the project is writable"),
            }
        }
    }

    /// What there is after a power cut: folders, and files with their bytes.
    pub(crate) fn after(&self, cut: Cut) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut chance = Chance(match cut {
            Cut::Late(seed) | Cut::Torn(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            Cut::Lost | Cut::Kept => 1,
        });
        let mut names = self.synced.clone();
        // A journal of a file system keeps their order.
        let kept = match cut {
            Cut::Lost => 0,
            Cut::Kept => self.names.len(),
            Cut::Late(_) | Cut::Torn(_) => chance.below(self.names.len() + 1),
        };
        self.names[..kept].iter().for_each(|name| put(&mut names, name));
        let mut there: BTreeMap<PathBuf, Option<Vec<u8>>> = BTreeMap::new();
        for (path, is) in names {
            let parent = path.parent().expect("it lies in a folder");
            if path == self.root || there.get(parent) == Some(&None) {
                there.insert(path, is.map(|file| self.files[file].after(cut, &mut chance)));
            }
        }
        there
    }
}

fn put(names: &mut BTreeMap<PathBuf, Option<usize>>, name: &Name) {
    match name.is {
        Some(is) => drop(names.insert(name.path.clone(), is)),
        None => drop(names.remove(&name.path)),
    }
}

/// The path of a call: as it is, or in the folder that is named before it.
fn path_of(asked: &Asked, number: usize) -> PathBuf {
    let name = PathBuf::from(String::from_utf8_lossy(&asked.strings[number]).into_owned());
    let folder = asked.files.get(number).or(asked.files.first());
    folder.map_or_else(|| name.clone(), |folder| folder.join(&name))
}
