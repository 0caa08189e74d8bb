//! Summaries of jobs: made from their events, and the files that an engine leaves when its job ends.
//!
//! Not here: what a summary says and how it looks (`logic/summary`). What cannot be written is a warning: no job fails for it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::logs;
use crate::logic::job::gate::text_of;
use crate::logic::job::report::AttemptKey;
use crate::logic::plan::Plan;
use crate::logic::secret::Masker;
use crate::logic::summary::{About, Format, Story, Summary};
use crate::logic::text::clean::clean;
use crate::logic::text::shortened;
use crate::logic::time::Timestamp;
use crate::logic::value::Value;
use crate::port::words;

/// So many lines of the output of what failed are told.
const LINES: usize = 30;
/// The rest of a longer line is in the log.
const WIDEST: usize = 400;

/// What is told of a job beside its events.
pub struct Told<'a> {
    pub number: u64,
    pub id: &'a str,
    /// As people name it.
    pub playbook: &'a str,
    pub actor: &'a str,
    pub retry_of: Option<u64>,
    /// Its folder, with the logs.
    pub dir: &'a Path,
    pub plan: &'a Plan,
    /// Inputs and variables that hold values of secrets.
    pub hidden: &'a [String],
    /// The time up to which it is told, if it has not ended.
    pub now: Timestamp,
}

/// Makes the summary of a job. Reads the ends of logs of what failed.
#[must_use]
pub fn summary(story: &Story, told: &Told<'_>) -> Summary {
    let tail = |key: AttemptKey| {
        let (lines, is_cut) = logs::last_lines(&logs::path(told.dir, key), LINES);
        let text = |line: &Vec<u8>| shortened(&clean(line, false), WIDEST);
        (lines.iter().map(text).collect(), is_cut)
    };
    let about = About {
        number: told.number,
        id: told.id,
        name: &told.plan.playbook.name,
        playbook: told.playbook,
        actor: told.actor,
        retry_of: told.retry_of,
        slots: told.plan.slots,
        inputs: &told.plan.inputs,
        vars: &told.plan.vars,
        hidden: told.hidden,
        tail: &tail,
        now: told.now,
    };
    Summary::of(story, &about)
}

/// Name of what [`hidden_names`] returned, among what is known of a job.
pub(super) const HIDDEN: &str = "hidden";

/// Returns which inputs and variables of a plan hold values of secrets, with spaces between.
#[must_use]
pub(super) fn hidden_names(plan: &Plan, secrets: &[(String, String)]) -> String {
    let values: Vec<&str> = secrets.iter().map(|(_, value)| value.as_str()).collect();
    let masker = Masker::new(&values);
    if masker.is_empty() {
        return String::new();
    }
    let mut names = Vec::new();
    for (context, values) in [("inputs", &plan.inputs), ("vars", &plan.vars)] {
        let Value::Object(values) = values else { continue };
        for (name, value) in values.iter() {
            let text = text_of(&value.to_json()).to_string();
            if masker.mask_text(&text) != text {
                names.push(format!("{context}.{name}"));
            }
        }
    }
    names.join(" ")
}

/// Returns these names from what is known of a job.
pub(super) fn hidden(facts: &str) -> Vec<String> {
    let facts: serde_json::Value = serde_json::from_str(facts).unwrap_or_default();
    let names = facts.get(HIDDEN).and_then(serde_json::Value::as_str).unwrap_or("");
    names.split_whitespace().map(str::to_owned).collect()
}

/// Writes a file in one piece, its folders included: nobody ever reads half of it. Returns the outermost folder that had to
/// be made.
///
/// # Errors
/// What went wrong, in words.
pub fn write(path: &Path, bytes: &[u8]) -> Result<Option<PathBuf>, String> {
    write_kind(path, bytes, &REPORT)
}

/// A kind of files that are written for people, who may have another one in their place.
pub struct Kind {
    /// Says whether a text that begins like this is one of the kind.
    pub is_one: fn(&str) -> bool,
    /// In words, for "a pipe is there, and ... are plain files".
    pub words: &'static str,
    /// One of them in words, for "a file is there that is no ...".
    pub one: &'static str,
}

const REPORT: Kind = Kind { is_one: is_report, words: "reports", one: "report of a job" };

fn is_report(start: &str) -> bool {
    Format::ALL.iter().any(|it| it.is_one(start))
}

/// The same for a file of any kind: only one of its own kind is replaced.
///
/// # Errors
/// What went wrong, in words.
pub fn write_kind(path: &Path, bytes: &[u8], of: &Kind) -> Result<Option<PathBuf>, String> {
    if is_own_output(path) {
        return to_own_output(path, bytes).map(|()| None).map_err(|error| words(&error));
    }
    let name = path.file_name().ok_or("it is no name of a file")?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let kind = may_write_kind(path, of)?;
    let made = folder.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.exists()).last();
    let made = made.map(Path::to_path_buf);
    fs::create_dir_all(folder).map_err(|error| words(&error))?;
    // A device, such as `/dev/null` or a terminal, is written to and not replaced.
    match kind {
        Some(_) => fs::write(path, bytes).map_err(|error| words(&error))?,
        None => put(folder, name, bytes)?,
    }
    Ok(made)
}

/// Makes the folders above a file so that only the person may write to them: some programs read nothing that others may
/// have put there.
///
/// # Errors
/// What went wrong, in words.
pub fn make_folders(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(folder) = path.parent() else { return Ok(()) };
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
    made.map_err(|error| format!("its folder cannot be made: {}", words(&error)))
}

/// Says whether a plain file holds these bytes, and nothing else.
#[must_use]
pub fn holds(path: &Path, bytes: &[u8]) -> bool {
    let is_one = fs::metadata(path)
        .is_ok_and(|it| it.is_file() && usize::try_from(it.len()).is_ok_and(|len| len == bytes.len()));
    is_one && fs::read(path).is_ok_and(|found| found == bytes)
}

/// Says whether a path is the output of this program itself, whatever that is: it is written to, and never replaced.
#[must_use]
pub fn is_own_output(path: &Path) -> bool {
    OUT.iter().chain(&ERR).any(|it| path == Path::new(it))
}

/// Says whether it is the one for errors.
#[must_use]
pub fn is_own_error(path: &Path) -> bool {
    ERR.iter().any(|it| path == Path::new(it))
}

const OUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
const ERR: [&str; 3] = ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"];

fn to_own_output(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // As it was opened: a file that is opened anew would be written from its beginning.
    let own = match is_own_error(path) {
        true => std::io::stderr().as_fd().try_clone_to_owned()?,
        false => std::io::stdout().as_fd().try_clone_to_owned()?,
    };
    fs::File::from(own).write_all(bytes)
}

/// Says whether a report may be written to a path: where nothing is, an earlier report, or a device. Returns what is there
/// if it is no plain file.
///
/// # Errors
/// What is there, in words.
pub fn may_write(path: &Path) -> Result<Option<fs::FileType>, String> {
    may_write_kind(path, &REPORT)
}

fn may_write_kind(path: &Path, of: &Kind) -> Result<Option<fs::FileType>, String> {
    if is_own_output(path) {
        return Ok(None);
    }
    let Ok(found) = fs::metadata(path) else { return Ok(None) };
    if !found.is_file() {
        // Opening some of them waits for somebody at the other end, maybe for ever.
        return match strange(found.file_type()) {
            Some(what) => Err(format!("{what} is there, and {} are plain files", of.words)),
            None => Ok(Some(found.file_type())),
        };
    }
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    read.map_err(|error| words(&error))?;
    let start = String::from_utf8_lossy(&start);
    let is_ours = start.trim().is_empty() || (of.is_one)(&start);
    if is_ours { Ok(None) } else { Err(format!("a file is there that is no {}", of.one)) }
}

/// So much of a file is looked at.
const START: u64 = 4096;

/// Names what can take no report; none if it is a device that takes bytes one after the other.
fn strange(kind: fs::FileType) -> Option<&'static str> {
    match () {
        () if kind.is_char_device() => None,
        () if kind.is_fifo() => Some("a pipe"),
        () if kind.is_socket() => Some("a socket"),
        () if kind.is_dir() => Some("a folder"),
        () => Some("a disk"),
    }
}

/// File in a job's folder with what went wrong with its reports: whoever ended it may have had nobody to tell.
const WARNINGS: &str = "warnings.json";

/// Keeps warnings with a job, or forgets those of an earlier end.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn keep_warnings(dir: &Path, warnings: &[String]) -> Result<(), String> {
    if warnings.is_empty() {
        return match fs::remove_file(dir.join(WARNINGS)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(words(&error)),
            _ => Ok(()),
        };
    }
    put(dir, WARNINGS.as_ref(), serde_json::Value::from(warnings).to_string().as_bytes())
}

/// Returns what went wrong with the reports of a job that has ended, with its folder.
#[must_use]
pub fn warnings(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join(WARNINGS)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The same in a folder that is there, for a plain file.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn put(folder: &Path, name: &OsStr, bytes: &[u8]) -> Result<(), String> {
    let half = half(folder, name);
    let open = || fs::OpenOptions::new().write(true).create_new(true).open(&half);
    let opened = open().or_else(|error| {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        // One that a crash left, or a link that somebody put there.
        fs::remove_file(&half)?;
        open()
    });
    let written =
        opened.and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&half, folder.join(name)));
    written.map_err(|error| {
        // Half of it helps nobody, and takes room.
        let _removed = fs::remove_file(&half);
        words(&error)
    })
}

/// Name of a file that is not whole yet: one of this process alone.
fn half(folder: &Path, name: &OsStr) -> PathBuf {
    let mut half = OsString::from(".");
    half.push(name);
    half.push(format!(".{}.part", std::process::id()));
    folder.join(half)
}
