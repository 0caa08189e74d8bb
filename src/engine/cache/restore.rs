//! Compares the outputs on the disk with those of an entry, and puts back what differs: all of it or nothing.
//!
//! Files are written under other names first, then swapped in one by one. Should one of them fail, the others are swapped
//! back. A note in the database says meanwhile which entry it is, and how its files were before: if this process dies in
//! between, the next one restores that entry to its end (`Worker::finish`), but for what somebody changed since.
//!
//! What nobody has made, as far as is known, is not destroyed: such files are moved into the folder of the job.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, RenameFlags};

use super::db::Db;
use super::entry::{Body, Bytes, Digest, Entry, Output, What};
use super::files::{Look, Root, Trouble, shown, split};
use super::memo::{Memo, Reading};
use super::point;
use super::shelf::Shelf;
use super::stat::{Stamp, Stat, stat_at};
use crate::logic::cache::pattern::Patterns;

/// A change that has to be made.
#[derive(Debug)]
pub(super) enum Todo<'a> {
    File {
        path: &'a [u8],
        mode: u32,
        body: &'a Body,
        /// What is there now, if anything is.
        before: Option<Stat>,
    },
    Link {
        path: &'a [u8],
        target: &'a [u8],
        before: Option<Stat>,
    },
    Folder {
        path: &'a [u8],
    },
    /// A file that does not belong there.
    Remove {
        path: Vec<u8>,
        is_folder: bool,
    },
}

/// What is needed to restore.
pub(super) struct Restorer<'a> {
    pub(super) shelf: &'a Shelf,
    pub(super) memo: &'a Memo,
    /// Where it is noted what is being restored. Without it, a restoring that is cut off is not finished by others.
    pub(super) db: Option<&'a Db>,
    /// Without it, what is replaced is not looked at.
    pub(super) aside: Option<Aside<'a>>,
}

/// Where files go that nobody has made, as far as is known.
#[derive(Clone, Copy)]
pub(super) struct Aside<'a> {
    pub(super) folder: &'a Path,
    /// Says of something at its path whether it was made.
    pub(super) is_made: &'a dyn Fn(&Output) -> bool,
}

/// The folder of those in that of a job.
pub(super) const ASIDE: &str = "replaced";

/// Says where in a project they have gone, in words.
pub(super) fn aside_words(folder: &Path, root: &Path) -> String {
    format!("moved to `{}`", folder.strip_prefix(root).unwrap_or(folder).display())
}

/// What was restored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Restored {
    /// Files, folders and links that were put back or removed.
    pub(super) count: u32,
    /// Files that do not belong to the result and are gone; earlier results had them.
    pub(super) removed: Vec<String>,
    /// Files that no result has had, and that are aside now.
    pub(super) aside: Vec<String>,
    /// Those of them that could not be moved there, and where they are, in words.
    pub(super) stuck: Vec<(String, String)>,
}

/// How files were before they were restored, by their paths.
type Before = Vec<(Bytes, Option<Stamp>)>;

/// Returns what is written down before files are restored.
fn note(todo: &[Todo<'_>]) -> Vec<u8> {
    let before: Before = todo
        .iter()
        .filter_map(|it| match it {
            Todo::File { path, before, .. } | Todo::Link { path, before, .. } => {
                Some((Bytes(path.to_vec()), before.map(|it| it.stamp)))
            }
            Todo::Folder { .. } | Todo::Remove { .. } => None,
        })
        .collect();
    rmp_serde::to_vec(&before).expect("numbers and bytes can always be written")
}

/// Takes out of a list what is not as it was when a note was written; returns the paths.
pub(super) fn leave_changed(note: &[u8], todo: &mut Vec<Todo<'_>>) -> Vec<String> {
    let before: Before = rmp_serde::from_slice(note).unwrap_or_default();
    let mut changed = Vec::new();
    todo.retain(|it| {
        let (path, now) = match it {
            Todo::File { path, before, .. } | Todo::Link { path, before, .. } => (*path, before),
            Todo::Folder { .. } => return true,
            Todo::Remove { .. } => return false,
        };
        let now = now.map(|it| it.stamp);
        let is_same = before.iter().any(|(at, stamp)| at.0 == path && *stamp == now);
        if !is_same {
            changed.push(shown(path));
        }
        is_same
    });
    if !changed.is_empty() {
        // Somebody may have removed them, too.
        todo.retain(|it| !matches!(it, Todo::Folder { .. }));
    }
    changed
}

/// The reason for what is in the way of a file that is to be put somewhere.
pub(super) const IN_THE_WAY: &str = "output-in-the-way";

fn in_way(message: String) -> Trouble {
    Trouble::new(IN_THE_WAY, message)
}

/// Returns the part of a path that is a file although more follows.
fn file_above<'a>(root: &Root, path: &'a [u8]) -> &'a [u8] {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let mut parts = ends.map(|at| &path[..at]);
    parts
        .find(|part| matches!(stat_at(root.fd(), *part), Ok(Some(found)) if !found.is_folder() && !found.is_link()))
        .unwrap_or(path)
}

/// Says what has to be done for the outputs on the disk to be those of an entry. `exact` are folders that hold nothing else.
///
/// # Errors
/// What is in the way.
pub(super) fn survey<'a>(
    look: &mut Look<'_>,
    memo: &Memo,
    entry: &'a Entry,
    exact: Option<&Patterns>,
) -> Result<Vec<Todo<'a>>, Trouble> {
    let mut todo = Vec::new();
    for Output { path, what } in &entry.head.files {
        let path = path.0.as_slice();
        if !look.is_inside(path) {
            let message =
                format!("the output `{}` is reached by a link that leaves the project", shown(path));
            return Err(Trouble::new("leaves-project", message));
        }
        let found = match stat_at(look.root.fd(), path) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let part = shown(file_above(look.root, path));
                return Err(in_way(format!("`{part}` is a file where a folder of the result goes")));
            }
            found => {
                found.map_err(|e| in_way(format!("the output `{}` cannot be looked at: {e}", shown(path))))?
            }
        };
        match (what, found) {
            (What::File { mode, body }, found) => {
                if !is_file_there(look.root, memo, path, *mode, body, found)? {
                    todo.push(Todo::File { path, mode: *mode, body, before: found });
                }
            }
            (What::Folder, None) => todo.push(Todo::Folder { path }),
            (What::Folder, Some(found)) if found.is_folder() => {}
            (What::Folder, Some(_)) => {
                return Err(in_way(format!("`{}` is a file where a folder of the result goes", shown(path))));
            }
            (What::Link { target }, found) => {
                let is_link = found.is_some_and(|it| it.is_link());
                if found.is_some_and(|it| it.is_folder()) {
                    return Err(in_way(format!(
                        "`{}` is a folder where a link of the result goes",
                        shown(path)
                    )));
                }
                let now = || rustix::fs::readlinkat(look.root.fd(), path, Vec::new()).ok();
                if !is_link || now().is_none_or(|it| it.as_bytes() != target.0) {
                    todo.push(Todo::Link { path, target: &target.0, before: found });
                }
            }
        }
    }
    if let Some(patterns) = exact {
        for folder in patterns.whole_folders() {
            add_extra(look, entry, (folder, patterns), &mut todo)?;
        }
    }
    Ok(todo)
}

/// Says whether a file is as it was.
fn is_file_there(
    root: &Root,
    memo: &Memo,
    path: &[u8],
    mode: u32,
    body: &Body,
    found: Option<Stat>,
) -> Result<bool, Trouble> {
    let Some(found) = found else { return Ok(false) };
    if found.is_folder() {
        return Err(in_way(format!("`{}` is a folder where a file of the result goes", shown(path))));
    }
    if found.is_link() {
        return Ok(false);
    }
    if !found.is_file() {
        return Err(in_way(format!("`{}` is neither a file nor a folder", shown(path))));
    }
    let is_same = found.stamp.size == body.size
        && found.is_executable() == (mode & 0o100 != 0)
        && memo.read(root.fd(), path, &found, || root.full(path)).is_ok_and(|it| it.hash == body.hash.0);
    if !is_same && found.mode & 0o200 == 0 && mode & 0o200 != 0 {
        return Err(in_way(format!("`{}` is read-only and not as it was made", shown(path))));
    }
    Ok(is_same)
}

/// Finds what is in a folder besides what an entry has there. What the patterns take out again is not theirs to be removed, and
/// neither are the folders around it.
fn add_extra<'a>(
    look: &mut Look<'_>,
    entry: &'a Entry,
    (folder, patterns): (&str, &Patterns),
    todo: &mut Vec<Todo<'a>>,
) -> Result<(), Trouble> {
    use std::collections::BTreeSet;
    let mut known: BTreeSet<Vec<u8>> = BTreeSet::new();
    for Output { path, .. } in &entry.head.files {
        let mut path = path.0.as_slice();
        while !path.is_empty() && known.insert(path.to_vec()) {
            path = split(path).0;
        }
    }
    if !patterns.only_add() {
        look.walk(folder.as_bytes(), None, &mut |path, stat, _| {
            let is_ours = std::str::from_utf8(path).is_ok_and(|text| patterns.name(text));
            let mut path = path;
            while !(is_ours || stat.is_folder() || path.is_empty()) && known.insert(path.to_vec()) {
                path = split(path).0;
            }
        })?;
    }
    let mut extra = Vec::new();
    look.walk(folder.as_bytes(), None, &mut |path, stat, _| {
        if !known.contains(path) {
            extra.push(Todo::Remove { path: path.to_vec(), is_folder: stat.is_folder() });
        }
    })?;
    // What is in a folder goes before it.
    extra.reverse();
    extra.sort_by_key(|it| matches!(it, Todo::Remove { is_folder: true, .. }));
    todo.extend(extra);
    Ok(())
}

/// What was done, so that it can be undone.
#[derive(Debug)]
enum Done {
    Folder(PathBuf),
    /// It is new; what is left of it is under the other name afterwards.
    Made(PathBuf, PathBuf),
    /// The old one has the other name now.
    Swapped(PathBuf, PathBuf),
    RemovedFolder(PathBuf),
}

/// So many files of one path are put aside in a job.
const MOST_ASIDE: u32 = 100;

/// A file or link that waits under another name.
struct Ready {
    end: PathBuf,
    now: PathBuf,
}

impl Restorer<'_> {
    /// Makes changes, all of them or none.
    ///
    /// # Errors
    /// What the system says; nothing has changed then.
    pub(super) fn apply(
        &self,
        root: &Root,
        id: i64,
        entry: &Entry,
        todo: &[Todo<'_>],
    ) -> Result<Restored, Trouble> {
        if todo.is_empty() {
            return Ok(Restored::default());
        }
        // One file is swapped in one step.
        let noted_in = self.db.filter(|_| todo.len() > 1);
        let failed = |error: &io::Error| {
            let message = format!("what was missing could not be restored, and nothing was changed: {error}");
            Trouble::new("restore-failed", message)
        };
        if let Some(db) = noted_in {
            let note = db.restoring(id, &note(todo));
            note.map_err(|error| Trouble::new("restore-failed", format!("the store of results: {error}")))?;
            point();
        }
        let mut done = Vec::new();
        let mut ready = Vec::new();
        let outcome = self
            .prepare(root, entry, todo, &mut done, &mut ready)
            .and_then(|()| self.swap_all(root, &ready, todo, &mut done));
        let mut restored = Restored::default();
        if outcome.is_err() {
            done.into_iter().rev().for_each(undo);
            for it in &ready {
                // What stays there is removed with the next pruning.
                let _removed = fs::remove_file(&it.now);
            }
        } else {
            for it in done {
                if let Done::Swapped(end, old) = it {
                    self.put_away(root, todo, (&end, &old), &mut restored);
                    point();
                }
            }
        }
        if let Some(db) = noted_in {
            // If it stays, the next job restores the entry once more.
            let _outcome = db.restored(id);
            point();
        }
        outcome.map_err(|error| failed(&error))?;
        for it in &ready {
            self.memo.is_young(it.end.clone());
        }
        restored.count = u32::try_from(todo.len()).unwrap_or(u32::MAX);
        Ok(restored)
    }

    /// Removes what another file has taken the place of, or puts it aside if nobody knows who has made it.
    fn put_away(&self, root: &Root, todo: &[Todo<'_>], (end, old): (&Path, &Path), restored: &mut Restored) {
        let path = end.strip_prefix(&root.path).unwrap_or(end);
        let bytes = path.as_os_str().as_bytes();
        let Some(aside) = self.aside.filter(|aside| !self.is_made(aside, bytes, todo, old)) else {
            // What stays there is removed with the next pruning.
            let _removed = fs::remove_file(old);
            if todo.iter().any(|it| matches!(it, Todo::Remove { path, .. } if path == bytes)) {
                restored.removed.push(shown(bytes));
            }
            return;
        };
        match move_away(old, &aside.folder.join(path)) {
            Ok(()) => restored.aside.push(shown(bytes)),
            Err(error) => restored.stuck.push((
                shown(bytes),
                format!(
                    "what was in the place of `{}` could not be moved to `{}` ({error}) and is `{}` until results are pruned the next time",
                    shown(bytes),
                    aside.folder.display(),
                    old.display()
                ),
            )),
        }
    }

    fn is_made(&self, aside: &Aside<'_>, path: &[u8], todo: &[Todo<'_>], old: &Path) -> bool {
        let Ok(Some(stat)) = stat_at(CWD, old) else { return true };
        let what = if stat.is_link() {
            let target = rustix::fs::readlinkat(CWD, old, Vec::new());
            target.map(|target| What::Link { target: Bytes(target.into_bytes()) }).ok()
        } else {
            let before = todo.iter().find_map(|it| match it {
                Todo::File { path: at, before, .. } if *at == path => *before,
                _ => None,
            });
            let remembered = before.and_then(|it| self.memo.of(&it.stamp));
            let hash = remembered.or_else(|| Reading::begin(CWD, old).ok()?.hash().ok());
            hash.map(|hash| What::File {
                mode: 0,
                body: Body { size: stat.stamp.size, hash: Digest(hash), at: None },
            })
        };
        let Some(what) = what else { return false };
        (aside.is_made)(&Output { path: Bytes(path.to_vec()), what })
    }

    /// Writes what is missing under other names, and makes folders.
    fn prepare(
        &self,
        root: &Root,
        entry: &Entry,
        todo: &[Todo<'_>],
        done: &mut Vec<Done>,
        ready: &mut Vec<Ready>,
    ) -> io::Result<()> {
        for it in todo {
            let path = match it {
                Todo::File { path, .. } | Todo::Link { path, .. } => path,
                Todo::Folder { path } => {
                    make_folders(root, path, done)?;
                    continue;
                }
                Todo::Remove { .. } => continue,
            };
            let folder = make_folders(root, split(path).0, done)?;
            let now = self.name_near(root, path, &folder)?;
            ready.push(Ready { end: root.full(path), now: now.clone() });
            match it {
                Todo::File { mode, body, .. } => self.write(&now, entry, *mode, body)?,
                Todo::Link { target, .. } => rustix::fs::symlinkat(*target, CWD, &now)?,
                Todo::Folder { .. } | Todo::Remove { .. } => {}
            }
            point();
        }
        Ok(())
    }

    /// Returns a path on the same disk as a folder: in our own if that is on it.
    fn name_near(&self, root: &Root, path: &[u8], folder: &OwnedFd) -> io::Result<PathBuf> {
        let device = super::stat::stat_of(folder)?.stamp.device;
        let own = stat_at(CWD, &self.shelf.folder)?.map(|it| it.stamp.device);
        if own == Some(device) {
            return Ok(self.shelf.new_path());
        }
        let near = root.full(split(path).0);
        Ok(near.join(format!(".sortie-{}", self.shelf.new_name())))
    }

    fn write(&self, path: &Path, entry: &Entry, mode: u32, body: &Body) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode | 0o200).open(path)?;
        match entry.inside(body) {
            Some(bytes) => file.write_all(bytes)?,
            None if body.at.is_some() => return Err(io::Error::other("a part of the result is missing")),
            None => {
                let mut from = File::open(self.shelf.path_of(&body.hash.0))?;
                let copied = io::copy(&mut from, &mut file)?;
                if copied != body.size {
                    return Err(io::Error::other("a part of the result is missing"));
                }
            }
        }
        // The mask of this process may differ from that of the one that made it.
        file.set_permissions(fs::Permissions::from_mode(mode & 0o777))
    }

    fn swap_all(
        &self,
        root: &Root,
        ready: &[Ready],
        todo: &[Todo<'_>],
        done: &mut Vec<Done>,
    ) -> io::Result<()> {
        for Ready { end, now } in ready {
            done.push(swap(now, end)?);
            point();
        }
        for it in todo {
            let Todo::Remove { path, is_folder } = it else { continue };
            let full = root.full(path);
            if *is_folder {
                fs::remove_dir(&full)?;
                done.push(Done::RemovedFolder(full));
            } else {
                let folder = root.open_folder(split(path).0)?;
                let away = self.name_near(root, path, &folder)?;
                fs::rename(&full, &away)?;
                done.push(Done::Swapped(full, away));
            }
            point();
        }
        Ok(())
    }
}

/// Puts a file in its place, and what was there in the place where the file was.
fn swap(now: &Path, end: &Path) -> io::Result<Done> {
    let by = |flags| rustix::fs::renameat_with(CWD, now, CWD, end, flags);
    match by(RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(Done::Made(end.to_path_buf(), now.to_path_buf())),
        Err(rustix::io::Errno::EXIST) => {}
        // The file system knows only the plain way.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => return swap_plainly(now, end),
        Err(error) => return Err(error.into()),
    }
    match by(RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Done::Swapped(end.to_path_buf(), now.to_path_buf())),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => swap_plainly(now, end),
        Err(error) => Err(error.into()),
    }
}

/// The same where the system cannot swap: the old file gets a second name first.
fn swap_plainly(now: &Path, end: &Path) -> io::Result<Done> {
    let old = now.with_added_extension("old");
    let is_there = match fs::hard_link(end, &old) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    fs::rename(now, end)?;
    let end = end.to_path_buf();
    Ok(if is_there { Done::Swapped(end, old) } else { Done::Made(end, now.to_path_buf()) })
}

/// Moves a file to a place of that name, or of one like it if there is something.
pub(super) fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    for number in 0..MOST_ASIDE {
        let to = if number == 0 { to.to_path_buf() } else { to.with_added_extension(number.to_string()) };
        match rustix::fs::renameat_with(CWD, from, CWD, &to, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::EXIST) => {}
            Err(rustix::io::Errno::XDEV | rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                match copy(from, &to) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    other => return other.and_then(|()| fs::remove_file(from)),
                }
            }
            other => return Ok(other?),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives a file a second place of that name, or of one like it if there is something else; returns where, and whether it
/// is new. So it can be replaced in one step, and is never missing.
pub(super) fn place_beside(from: &Path, to: &Path) -> io::Result<(PathBuf, bool)> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    for number in 0..MOST_ASIDE {
        let to = if number == 0 { to.to_path_buf() } else { to.with_added_extension(number.to_string()) };
        let placed = match fs::hard_link(from, &to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            // It is on another disk, or one that knows no second names, or is not ours to name.
            Err(_) => copy(from, &to),
            Ok(()) => Ok(()),
        };
        match placed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_same_file(from, &to) {
                    return Ok((to, false));
                }
            }
            other => return other.map(|()| (to, true)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let which = |path| fs::symlink_metadata(path).map(|it| (it.dev(), it.ino())).ok();
    which(one).is_some_and(|it| which(other) == Some(it))
}

/// Copies a file, or makes a link of the same target, where there is nothing.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if !kind.is_file() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no file, and cannot be copied"));
    }
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = io::copy(&mut source, &mut target).and_then(|_| {
        let meta = source.metadata()?;
        target.set_modified(meta.modified()?)?;
        target.set_permissions(meta.permissions())
    });
    if copied.is_err() {
        // Half of it is of no use; the whole is where it was.
        let _removed = fs::remove_file(to);
    }
    copied
}

/// Takes back what was done, the last first.
fn undo(done: Done) {
    // What cannot be taken back is not as it was; the next look at these outputs finds and tells it.
    let _outcome = match done {
        Done::Folder(path) => fs::remove_dir(path),
        Done::Made(end, now) => fs::rename(end, now),
        Done::Swapped(end, old) => {
            match rustix::fs::renameat_with(CWD, &old, CWD, &end, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(()),
                Err(_) => fs::rename(old, end),
            }
        }
        Done::RemovedFolder(path) => fs::create_dir(path),
    };
}

/// Opens a folder below the root, making it and those above it where they are missing.
fn make_folders(root: &Root, path: &[u8], done: &mut Vec<Done>) -> io::Result<OwnedFd> {
    match root.open_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    let (above, name) = split(path);
    let folder = make_folders(root, above, done)?;
    match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
        Ok(()) => done.push(Done::Folder(root.full(path))),
        Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    point();
    root.open_folder(path)
}

/// Says whether this process may change what is in the folders of all that has to be done.
pub(super) fn may_write(root: &Root, todo: &[Todo<'_>]) -> Result<(), Trouble> {
    for it in todo {
        let path = match it {
            Todo::File { path, .. } | Todo::Link { path, .. } | Todo::Folder { path } => path,
            Todo::Remove { path, .. } => path.as_slice(),
        };
        let folder = std::ffi::OsStr::from_bytes(split(path).0);
        let near = if folder.is_empty() { std::ffi::OsStr::new(".") } else { folder };
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        match rustix::fs::accessat(root.fd(), near, access, AtFlags::EACCESS) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => {
                return Err(in_way(format!("`{}` cannot be written: {error}", near.to_string_lossy())));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_on_another_disk_is_what_was_there_and_takes_no_place_of_anything() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").expect("a file");
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o640)).expect("it is ours");
        fs::create_dir(at("folder")).expect("a folder");
        for target in ["nowhere", "folder", "file"] {
            let (from, to) = (at(&format!("to-{target}")), at(&format!("copy-{target}")));
            std::os::unix::fs::symlink(target, &from).expect("a link");
            copy(&from, &to).expect("a link can be made");
            assert_eq!(fs::read_link(&to).expect("it is a link"), Path::new(target));
        }
        copy(&at("file"), &at("copy")).expect("it can be read");
        assert_eq!(fs::read_to_string(at("copy")).expect("it is there"), "text");
        let (old, new) =
            (fs::metadata(at("file")).expect("a file"), fs::metadata(at("copy")).expect("a file"));
        assert_eq!((old.mode(), old.mtime_nsec()), (new.mode(), new.mtime_nsec()));
        for taken in ["copy", "to-nowhere", "folder"] {
            let error = copy(&at("file"), &at(taken)).expect_err("something is there");
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{taken}");
        }
        assert!(!at("nowhere").exists());
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert_eq!(copy(&at("pipe"), &at("new")).expect_err("it is none").kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn a_second_place_is_made_once_for_a_file_and_takes_no_place_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), "one").expect("a file");
        fs::write(at("two"), "two").expect("a file");
        let to = at("aside/file");
        assert_eq!(place_beside(&at("one"), &to).expect("it can be made"), (to.clone(), true));
        assert_eq!(place_beside(&at("one"), &to).expect("it is there"), (to.clone(), false));
        assert_eq!(place_beside(&at("two"), &to).expect("it can be made"), (at("aside/file.1"), true));
        assert_eq!(fs::read_to_string(&to).expect("it is there"), "one");
        assert_eq!(fs::read_to_string(at("two")).expect("it is where it was"), "two");
        let gone = place_beside(&at("three"), &to).expect_err("it is nowhere");
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
