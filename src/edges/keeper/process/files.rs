//! The files by which a step hands back outputs, environment, path, state and summary; pooled per slot.
//!
//! Making five files costs more than starting a process, so a slot keeps its files as long as nobody wrote to them
//! and no child is left that still could, and a job leaves them to the next one ([`take_over`], [`hand_on`]). A step may
//! also delete or replace a file: files are read by path, and whether one is still as it was made is told by its number of
//! links and the time of its last change.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, fstat, statat};

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

/// Takes over the step files that an earlier job of the project left.
pub(crate) fn take_over(spare: &str, dir: &Path) {
    if !spare.is_empty() {
        // Mostly there are none, or another job was faster: then they are made when they are needed.
        let _taken = fs::rename(spare, folder(dir));
    }
}

/// Leaves the step files to the next job. Only after an orderly end: nobody is left who could write to them.
pub(crate) fn hand_on(spare: &str, dir: &Path) {
    if !spare.is_empty() && fs::rename(folder(dir), spare).is_err() {
        // Another job has left its files already. What cannot be removed is empty, and goes with the job's folder.
        let _removed = fs::remove_dir_all(folder(dir));
    }
}

/// Where the step files of a job are, and its scripts.
pub(crate) fn folder(dir: &Path) -> PathBuf {
    dir.join("files")
}

/// The step files of one slot.
#[derive(Debug)]
pub(crate) struct Pool {
    folder: PathBuf,
    slot: u32,
    generation: u32,
    set: Option<Set>,
    gave_up: bool,
}

#[derive(Debug)]
struct Set {
    folder: OwnedFd,
    names: Vec<CString>,
    paths: [PathBuf; 5],
    files: [Made; 5],
    made: Instant,
    /// The attempt began long enough after the files were made for their times to tell a change.
    is_settled: bool,
    variables: Vec<CString>,
}

/// A file as it was made.
#[derive(Debug)]
struct Made {
    file: File,
    inode: u64,
    changed: (i64, i64),
}

/// File systems take the time from a clock that ticks at least so often.
const TICK: Duration = Duration::from_millis(20);

impl Pool {
    /// The pool of a slot; files are made when first asked for.
    pub(crate) fn new(dir: &Path, slot: u32) -> Self {
        Self { folder: folder(dir), slot, generation: 0, set: None, gave_up: false }
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
        let Some(set) = &mut self.set else { return Ok(&[]) };
        set.is_settled = set.made.elapsed() > TICK;
        Ok(&set.variables)
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
            self.gave_up = true;
        }
        files
    }

    /// Says whether files were given up, to which somebody may still write.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }
}

impl Set {
    fn make(folder: &Path, stem: &str) -> io::Result<Self> {
        let paths = KINDS.map(|(ending, _, _)| folder.join(format!("{stem}.{ending}")));
        let [output, env, path, state, summary] = &paths;
        let files = [make(output)?, make(env)?, make(path)?, make(state)?, make(summary)?];
        let mut variables = Vec::with_capacity(10);
        for (path, (_, ours, github)) in paths.iter().zip(KINDS) {
            let path = path.as_os_str().as_encoded_bytes();
            variables.extend([ours, github].iter().filter_map(|name| entry(name.as_bytes(), path)));
        }
        let folder = OwnedFd::from(File::open(folder)?);
        let names =
            paths.iter().filter_map(|path| CString::new(path.file_name()?.as_encoded_bytes()).ok()).collect();
        Ok(Self { folder, names, paths, files, made: Instant::now(), is_settled: false, variables })
    }

    fn is_untouched(&self) -> bool {
        // This is looked at after every attempt, and five paths take their time.
        if self.is_settled {
            return self.files.iter().all(Made::is_as_made);
        }
        self.names.iter().zip(&self.files).all(|(name, made)| {
            let found = statat(&self.folder, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW);
            found.is_ok_and(|found| found.st_ino == made.inode && found.st_size == 0)
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
        for (path, made) in self.paths.iter().zip(&mut self.files) {
            let same = fs::symlink_metadata(path).is_ok_and(|found| found.ino() == made.inode);
            if same && let Ok(file) = OpenOptions::new().write(true).open(path) {
                file.set_len(0)?;
                *made = Made::of(file)?;
                continue;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => *made = make(path)?,
            }
        }
        self.made = Instant::now();
        Ok(())
    }
}

impl Made {
    fn of(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self { inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()), file })
    }

    /// Says whether nobody has written to the file, removed it, moved it or given it another name.
    fn is_as_made(&self) -> bool {
        fstat(&self.file).is_ok_and(|found| {
            let changed = i64::try_from(found.st_ctime_nsec).map(|nanos| (found.st_ctime, nanos));
            found.st_size == 0 && found.st_nlink == 1 && changed == Ok(self.changed)
        })
    }
}

fn make(path: &Path) -> io::Result<Made> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_CLOEXEC;
    // One of an earlier job is empty already, and cutting it off would cost as much as making it.
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(flags);
    let open = || options.open(path);
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
        Err(error) => {
            // If something else is in its place, that is no file of ours.
            fs::remove_file(path).map_err(|_| error)?;
            open()?
        }
        Ok(file) => file,
    };
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() != 1 {
        fs::remove_file(path)?;
        return Made::of(open()?);
    }
    if found.len() > 0 {
        file.set_len(0)?;
    }
    Made::of(file)
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
