//! The files by which a step hands back outputs, environment, path, state and summary; pooled per slot.
//!
//! Making five files costs more than starting a process, so a slot keeps its files as long as nobody wrote to them
//! and no child is left that still could. A step may also delete or replace a file: files are looked at by path.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, statat};

use super::environment::entry;
use crate::logic::job::report::StepFiles;

/// All files of an attempt together may hold so many bytes.
const MOST_BYTES: u64 = 50 * 1024 * 1024;

/// Ending of the file, and the two variables that name it.
const KINDS: [(&str, &str, &str); 5] = [
    ("output", "SORTIE_OUTPUT", "GITHUB_OUTPUT"),
    ("env", "SORTIE_ENV", "GITHUB_ENV"),
    ("path", "SORTIE_PATH", "GITHUB_PATH"),
    ("state", "SORTIE_STATE", "GITHUB_STATE"),
    ("summary", "SORTIE_SUMMARY", "GITHUB_STEP_SUMMARY"),
];

/// The step files of one slot.
#[derive(Debug)]
pub(crate) struct Pool {
    folder: PathBuf,
    slot: u32,
    generation: u32,
    set: Option<Set>,
}

#[derive(Debug)]
struct Set {
    folder: OwnedFd,
    names: Vec<CString>,
    paths: [PathBuf; 5],
    inodes: [u64; 5],
    variables: Vec<CString>,
}

impl Pool {
    /// The pool of a slot; files are made when first asked for.
    pub(crate) fn new(dir: &Path, slot: u32) -> Self {
        Self { folder: dir.join("files"), slot, generation: 0, set: None }
    }

    /// Empty files for an attempt, as entries of its environment.
    ///
    /// # Errors
    /// If the files cannot be made.
    pub(crate) fn variables(&mut self) -> io::Result<&[CString]> {
        if self.set.is_none() {
            self.generation += 1;
            self.set = Some(Set::make(&self.folder, &format!("{}-{}", self.slot, self.generation))?);
        }
        Ok(self.set.as_ref().map_or(&[], |set| &set.variables))
    }

    /// What the attempt wrote. `left` says that a child is left which may still write: the files are given up then.
    pub(crate) fn collect(&mut self, left: bool) -> StepFiles {
        let Some(set) = &mut self.set else { return StepFiles::default() };
        let mut files = StepFiles::default();
        let clean = set.is_untouched();
        if !clean {
            files = set.read();
        }
        if left || (!clean && set.empty().is_err()) {
            self.set = None;
        }
        files
    }
}

impl Set {
    fn make(folder: &Path, stem: &str) -> io::Result<Self> {
        let paths = KINDS.map(|(ending, _, _)| folder.join(format!("{stem}.{ending}")));
        let mut inodes = [0; 5];
        for (path, inode) in paths.iter().zip(&mut inodes) {
            *inode = make(path)?;
        }
        let mut variables = Vec::with_capacity(10);
        for (path, (_, ours, github)) in paths.iter().zip(KINDS) {
            let path = path.as_os_str().as_encoded_bytes();
            variables.extend([ours, github].iter().filter_map(|name| entry(name.as_bytes(), path)));
        }
        let folder = OwnedFd::from(File::open(folder)?);
        let names =
            paths.iter().filter_map(|path| CString::new(path.file_name()?.as_encoded_bytes()).ok()).collect();
        Ok(Self { folder, names, paths, inodes, variables })
    }

    fn is_untouched(&self) -> bool {
        // By the open folder: this is looked at after every attempt, and five long paths take their time.
        self.names.iter().zip(&self.inodes).all(|(name, inode)| {
            let found = statat(&self.folder, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW);
            found.is_ok_and(|found| found.st_ino == *inode && found.st_size == 0)
        })
    }

    fn read(&self) -> StepFiles {
        let mut files = StepFiles::default();
        let mut room = MOST_BYTES;
        let StepFiles { output, env, path, state, summary, problem } = &mut files;
        for ((place, file), kind) in
            [output, env, path, state, summary].into_iter().zip(&self.paths).zip(KINDS)
        {
            match read(file, room) {
                Ok(text) => {
                    room -= text.len() as u64;
                    *place = text;
                }
                Err(words) => {
                    problem.get_or_insert_with(|| format!("the file `{}` {words}", kind.1));
                }
            }
        }
        files
    }

    /// Makes all files empty again, replaced ones anew.
    fn empty(&mut self) -> io::Result<()> {
        for (path, inode) in self.paths.iter().zip(&mut self.inodes) {
            let same = fs::symlink_metadata(path).is_ok_and(|found| found.ino() == *inode);
            if same && let Ok(file) = OpenOptions::new().write(true).open(path) {
                file.set_len(0)?;
                continue;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => *inode = make(path)?,
            }
        }
        Ok(())
    }
}

fn make(path: &Path) -> io::Result<u64> {
    let open = || OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path);
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                // Only this one: a job's folder that somebody removed is not to come back.
                match fs::create_dir(folder) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            open()?
        }
        result => result?,
    };
    Ok(file.metadata()?.ino())
}

/// The text of a file of at most `room` bytes; a missing one is empty.
fn read(path: &Path, room: u64) -> Result<String, String> {
    // A step may have put a pipe in the place of its file: opening that must not wait for a writer.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(format!("could not be read: {error}")),
    };
    let is_file = file.metadata().is_ok_and(|found| found.is_file());
    if !is_file {
        return Err("was replaced by something that is no file".to_owned());
    }
    let text = take(file, room).map_err(|error| format!("could not be read: {error}"))?;
    if text.len() as u64 > room {
        return Err("is too large: all files of a step together may hold 50 MiB".to_owned());
    }
    String::from_utf8(text).map_err(|_| "is not UTF-8 text".to_owned())
}

fn take(file: File, room: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(room + 1).read_to_end(&mut text)?;
    Ok(text)
}
