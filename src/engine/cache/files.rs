//! Finds the files that patterns name, and what they are now.
//!
//! Not here: what a pattern is (`logic/cache/pattern.rs`). Nothing is followed out of the project: a folder is opened below
//! the root by the system, which refuses a way that leaves it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blake3::Hash;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};

use super::beside::Beside;
use super::memo::Memo;
use super::stat::{Stamp, Stat, stat_at};
use crate::logic::cache::key::{Input, InputKind};
use crate::logic::cache::pattern::{Patterns, Source};
use crate::logic::cache::{Inputs, Recipe};

/// A reason for which no result can be looked for: a slug, and the same in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Trouble {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// The folder of the project.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    fd: OwnedFd,
    /// Our own state, if it is below the root.
    state: Option<Vec<u8>>,
}

/// Something that patterns name.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
}

/// What inputs are now, with the patterns that name them, if there are any.
pub(super) type FoundInputs = (Arc<Resolved>, Option<Arc<Patterns>>);

/// State of an input itself, and of the file that it leads to. Folders have none: they change with what is in them.
type States = (Option<Stamp>, Option<Stamp>);

/// Inputs and the states that they were in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Sorted by path.
    pub(super) inputs: Vec<Input>,
    /// Of each of them.
    pub(super) states: Vec<States>,
}

impl Root {
    /// Opens it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(path: &Path, state: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let state = state.canonicalize().unwrap_or_else(|_| state.to_path_buf());
        let state = state.strip_prefix(path).ok().map(|it| it.as_os_str().as_bytes().to_vec());
        Ok(Self { path: path.to_path_buf(), fd, state: state.filter(|it| !it.is_empty()) })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns the whole path of our own state, if it is below the root.
    pub(super) fn state_path(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|it| self.full(it))
    }

    /// Returns the whole path of something below the root.
    pub(super) fn full(&self, path: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(path))
    }

    /// Says whether something is not the project's content but git's or ours.
    fn is_left_out(&self, path: &[u8], name: &[u8]) -> bool {
        name == b".git" || self.state.as_deref() == Some(path)
    }

    /// Opens a folder below the root, by no way that leaves it.
    ///
    /// # Errors
    /// What the system says: `EXDEV` if the way leaves the root.
    pub(super) fn open_folder(&self, path: &[u8]) -> io::Result<OwnedFd> {
        let shown: &[u8] = if path.is_empty() { b"." } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&self.fd, shown, flags, Mode::empty(), how) {
                // Somebody moved something while the system looked.
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                    return self.open_checked(path, flags);
                }
                other => return Ok(other?),
            }
        }
    }

    /// The same where the system cannot refuse by itself.
    fn open_checked(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let full = self.full(path).canonicalize()?;
        if !full.starts_with(&self.path) {
            return Err(rustix::io::Errno::XDEV.into());
        }
        Ok(rustix::fs::open(&full, flags | OFlags::NOFOLLOW, Mode::empty())?)
    }
}

/// Splits a path into its folder and its name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// For messages.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// One look at the project: what is found out about folders holds for its time.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) root: &'a Root,
    memo: &'a Memo,
    /// Folders by whose way nothing leaves the project.
    inside: HashMap<Vec<u8>, bool>,
    resolved: HashMap<Vec<String>, Result<FoundInputs, Trouble>>,
}

impl<'a> Look<'a> {
    pub(super) fn new(root: &'a Root, memo: &'a Memo) -> Self {
        Self { root, memo, inside: HashMap::new(), resolved: HashMap::new() }
    }

    /// Says whether the folder of a path is inside of the project, or not there.
    pub(super) fn is_inside(&mut self, path: &[u8]) -> bool {
        let (folder, _) = split(path);
        if folder.is_empty() {
            return true;
        }
        if let Some(known) = self.inside.get(folder) {
            return *known;
        }
        let leaves = Some(rustix::io::Errno::XDEV.raw_os_error());
        let is = self.root.open_folder(folder).err().is_none_or(|error| error.raw_os_error() != leaves);
        self.inside.insert(folder.to_vec(), is);
        is
    }

    /// Forgets what was found out, because files were changed.
    pub(super) fn forget(&mut self) {
        self.inside.clear();
        self.resolved.clear();
    }

    /// Returns what patterns name, sorted by path. Links are not followed.
    ///
    /// # Errors
    /// A folder that cannot be read, or that leaves the project.
    pub(super) fn list(&mut self, patterns: &Patterns) -> Result<Vec<Item>, Trouble> {
        self.list_with(patterns, false)
    }

    /// The same; `with_ways` also lists links to folders that a star in the middle of a pattern leads through. Shells read what
    /// is behind them.
    fn list_with(&mut self, patterns: &Patterns, with_ways: bool) -> Result<Vec<Item>, Trouble> {
        let mut found = BTreeMap::new();
        for source in patterns.sources() {
            self.list_source(patterns, &source, with_ways, &mut found)?;
        }
        Ok(found.into_iter().map(|(path, stat)| Item { path, stat }).collect())
    }

    fn list_source(
        &mut self,
        patterns: &Patterns,
        source: &Source,
        with_ways: bool,
        found: &mut BTreeMap<Vec<u8>, Stat>,
    ) -> Result<(), Trouble> {
        let base = source.base.as_bytes();
        if !self.is_inside(base) {
            let message = format!("`{}` is reached by a link that leaves the project", source.base);
            return Err(Trouble::new("leaves-project", message));
        }
        if !base.is_empty() {
            let Some(stat) = self.stat(base)? else { return Ok(()) };
            if patterns.name(&source.base) {
                found.insert(base.to_vec(), stat);
            }
            // A link to a folder is walked into where a pattern goes on behind it.
            if !stat.is_folder() && (source.is_literal || !stat.is_link()) {
                return Ok(());
            }
        }
        let root = self.root;
        self.walk(base, source.depth, &mut |path, stat, text| {
            let is_way =
                || with_ways && stat.is_link() && patterns.lead_through(text) && root.full(path).is_dir();
            if patterns.name(text) || is_way() {
                found.insert(path.to_vec(), *stat);
            }
        })
    }

    /// Returns what is at a path.
    ///
    /// # Errors
    /// If the system does not say.
    pub(super) fn stat(&self, path: &[u8]) -> Result<Option<Stat>, Trouble> {
        match stat_at(self.root.fd(), path) {
            Ok(found) => Ok(found),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    /// Tells all that is below a folder, up to so many levels, and our own and git's files not.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(super) fn walk(
        &mut self,
        folder: &[u8],
        depth: Option<usize>,
        tell: &mut dyn FnMut(&[u8], &Stat, &str),
    ) -> Result<(), Trouble> {
        let leaves = Some(rustix::io::Errno::XDEV.raw_os_error());
        let opened = match self.root.open_folder(folder) {
            Ok(opened) => opened,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) if error.raw_os_error() == leaves => {
                let message = format!("`{}` is reached by a link that leaves the project", shown(folder));
                return Err(Trouble::new("leaves-project", message));
            }
            Err(error) => return Err(unreadable(folder, &error)),
        };
        let cannot = |error: rustix::io::Errno| unreadable(folder, &error.into());
        let mut below = Vec::new();
        let mut path = folder.to_vec();
        if !folder.is_empty() {
            path.push(b'/');
        }
        let front = path.len();
        let mut entries = Dir::new(opened).map_err(cannot)?;
        while let Some(entry) = entries.read() {
            let entry = entry.map_err(cannot)?;
            let name = entry.file_name().to_bytes();
            path.truncate(front);
            path.extend(name);
            if name == b"." || name == b".." || self.root.is_left_out(&path, name) {
                continue;
            }
            let at = entries.fd().map_err(cannot)?;
            let stat = stat_at(at, entry.file_name()).map_err(|error| unreadable(&path, &error))?;
            // It was removed meanwhile.
            let Some(stat) = stat else { continue };
            tell(&path, &stat, &String::from_utf8_lossy(&path));
            if stat.is_folder() && depth.is_none_or(|left| left > 1) {
                below.push(path.clone());
            }
        }
        drop(entries);
        for path in below {
            self.walk(&path, depth.map(|left| left - 1), tell)?;
        }
        Ok(())
    }

    /// Returns the inputs of a result and their digests; of a whole project with what was made before, and with what was written
    /// beside any outputs.
    ///
    /// # Errors
    /// What cannot be read or vouched for.
    pub(super) fn inputs_of(&mut self, recipe: &Recipe, beside: &Beside) -> Result<FoundInputs, Trouble> {
        let Inputs::Project(texts) = &recipe.inputs else { return self.inputs(&recipe.inputs) };
        let items = super::project::files(self, texts, (&recipe.made, beside))?;
        Ok((Arc::new(self.resolve(items)?), None))
    }

    /// Returns inputs and their digests. Equal patterns are looked up once in the time of this look.
    ///
    /// # Errors
    /// What cannot be read or vouched for.
    pub(super) fn inputs(&mut self, inputs: &Inputs) -> Result<FoundInputs, Trouble> {
        let patterns = match inputs {
            Inputs::Globs(texts) => {
                if let Some(known) = self.resolved.get(texts) {
                    return known.clone();
                }
                Arc::new(read_patterns(texts)?)
            }
            Inputs::Project(texts) => {
                let items = super::project::files(self, texts, (&[], &Beside::new()))?;
                return Ok((Arc::new(self.resolve(items)?), None));
            }
        };
        let resolved = self.list_with(&patterns, true).and_then(|items| self.resolve(items));
        let found = resolved.map(|resolved| (Arc::new(resolved), Some(Arc::clone(&patterns))));
        // A path alone is quicker looked up again.
        if patterns.texts().len() > 1 || !patterns.are_literal() {
            self.resolved.insert(patterns.texts().to_vec(), found.clone());
        }
        found
    }

    /// Returns the digests of what was found, and of what links lead to.
    fn resolve(&mut self, items: Vec<Item>) -> Result<Resolved, Trouble> {
        let mut waiting = items;
        let mut it = BTreeMap::new();
        while let Some(item) = waiting.pop() {
            if it.contains_key(&item.path) {
                continue;
            }
            let (kind, state) = match item.stat.kind() {
                FileType::Directory => (InputKind::Folder, (None, None)),
                FileType::RegularFile => {
                    let (hash, stamp) = self.digest(&item)?;
                    let is_executable = item.stat.is_executable();
                    (InputKind::File { is_executable, hash }, (Some(stamp), None))
                }
                FileType::Symlink => self.link(&item, &mut waiting)?,
                _ => {
                    let message = format!("the input `{}` is no file, folder or link", shown(&item.path));
                    return Err(Trouble::new("unreadable-input", message));
                }
            };
            it.insert(item.path, (kind, state));
        }
        let (inputs, states) =
            it.into_iter().map(|(path, (kind, state))| (Input { path, kind }, state)).unzip();
        Ok(Resolved { inputs, states })
    }

    fn digest(&self, item: &Item) -> Result<(Hash, Stamp), Trouble> {
        let full = || self.root.full(&item.path);
        let read = self.memo.read(self.root.fd(), item.path.as_slice(), &item.stat, full);
        read.map(|it| (it.hash, it.stat.stamp)).map_err(|error| unreadable(&item.path, &error))
    }

    /// Looks where a link leads to. What is in a folder that it leads to are inputs, too.
    fn link(&self, item: &Item, waiting: &mut Vec<Item>) -> Result<(InputKind, States), Trouble> {
        let cannot = |error: rustix::io::Errno| unreadable(&item.path, &error.into());
        let target =
            rustix::fs::readlinkat(self.root.fd(), item.path.as_slice(), Vec::new()).map_err(cannot)?;
        let target = target.into_bytes();
        let own = Some(item.stat.stamp);
        let leaves = || {
            let message = format!(
                "the input `{}` is a link to `{}`, which leaves the project: what is there cannot be vouched for",
                shown(&item.path),
                shown(&target)
            );
            Trouble::new("leaves-project", message)
        };
        let end = match self.root.full(&item.path).canonicalize() {
            Ok(end) => end,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !stays(&item.path, &target) {
                    return Err(leaves());
                }
                return Ok((InputKind::Link { target, to: None }, (own, None)));
            }
            Err(error) => return Err(unreadable(&item.path, &error)),
        };
        let end = end.strip_prefix(&self.root.path).map_err(|_| leaves())?.as_os_str().as_bytes().to_vec();
        let Some(stat) = (if end.is_empty() { None } else { self.stat(&end)? }) else { return Err(leaves()) };
        if stat.is_file() {
            let (hash, stamp) = self.digest(&Item { path: end, stat })?;
            let to = Some((stat.is_executable(), hash));
            return Ok((InputKind::Link { target, to }, (own, Some(stamp))));
        }
        if stat.is_folder() {
            let mut look = Look::new(self.root, self.memo);
            look.walk(&end, None, &mut |path, stat, _| {
                waiting.push(Item { path: path.to_vec(), stat: *stat });
            })?;
            waiting.push(Item { path: end, stat });
        }
        Ok((InputKind::Link { target, to: None }, (own, None)))
    }
}

/// Says whether a link to that text stays below the root, as far as the text alone tells.
pub(super) fn stays(path: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return false;
    }
    let mut depth = path.iter().filter(|byte| **byte == b'/').count();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

fn unreadable(path: &[u8], error: &io::Error) -> Trouble {
    let path = if path.is_empty() { b"." } else { path };
    Trouble::new("unreadable-input", format!("`{}` cannot be read: {error}", shown(path)))
}

/// Reads patterns.
///
/// # Errors
/// The first one that is none.
pub(super) fn read_patterns(texts: &[String]) -> Result<Patterns, Trouble> {
    Patterns::read(texts).map_err(|message| Trouble::new("bad-pattern", message))
}
