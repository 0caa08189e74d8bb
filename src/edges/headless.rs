//! Starts an engine without a face, for a job that this process does not work on (any more): this program again, as
//! `sortie engine JOB`, away from the terminal.
//!
//! Not here: which jobs need one, what it does (`faces/cli/engine.rs`).

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::logic::job::order::Asked;
use crate::port::keeper::Given;

/// Where its errors go, in a job's folder.
pub const LOG: &str = "engine.log";

/// Why the last one did not take the job, in the same folder.
const FAILED: &str = "engine.failed";

/// For so long a failed start is not repeated by those who were not asked to.
const LATELY: Duration = Duration::from_secs(60);

/// The answer of an engine that owns its job.
pub const READY: &str = "ready";

/// Engines that this process has started.
static STARTED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Returns the process numbers of the engines that this process has started. They are its children, but nothing of the
/// jobs that it works on itself is.
#[must_use]
pub fn started() -> Vec<i32> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whose engine is started, and where.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub root: &'a Path,
    pub state: &'a Path,
    pub job: &'a str,
    /// The job's folder.
    pub dir: &'a Path,
}

/// What it reads from its standard input.
#[derive(Serialize)]
struct Handed<'a> {
    #[serde(flatten)]
    given: &'a Given,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a Asked>,
}

/// Starts an engine for a job and waits until it owns it, and has carried out the order.
///
/// # Errors
/// If it could not be started or did not take the job, in the words that it said.
pub fn start(place: Place<'_>, given: &Given, order: Option<&Asked>) -> io::Result<()> {
    // A power cut may take the folder and leave the job, which was synced.
    DirBuilder::new().recursive(true).mode(0o700).create(place.dir)?;
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(place.dir.join(LOG))?;
    let mut child = Command::new("/proc/self/exe")
        // Lists of processes show it by this name.
        .arg0("sortie")
        .arg("--state")
        .arg(place.state)
        .args(["engine", place.job, LAST_WORD])
        .current_dir(place.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    STARTED.lock().unwrap_or_else(PoisonError::into_inner).push(child.id().cast_signed());
    if let Some(mut stdin) = child.stdin.take() {
        // An engine that is gone already says why, or nothing.
        let _outcome = serde_json::to_vec(&Handed { given, order })
            .map_err(io::Error::from)
            .and_then(|words| stdin.write_all(&words));
    }
    let mut answer = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut answer)?;
    }
    let answer = answer.trim().to_owned();
    if answer.is_empty() {
        // The system closes what a process had open a moment before it is dead: until then it seems to own the job.
        let _end = child.wait();
    }
    // Somebody has to wait for its end, in a process that lives longer; where there is no thread for that, nobody does.
    let _waiting =
        std::thread::Builder::new().name("engine's end".to_owned()).stack_size(64 * 1024).spawn(move || {
            let pid = child.id().cast_signed();
            let _end = child.wait();
            // Its number may be another process's from now on.
            STARTED.lock().unwrap_or_else(PoisonError::into_inner).retain(|started| *started != pid);
        });
    match answer.as_str() {
        READY => Ok(()),
        "" => Err(io::Error::other(format!(
            "its engine ended before it took the job over; `{}` may say why",
            place.dir.join(LOG).display()
        ))),
        why => Err(io::Error::other(why.to_owned())),
    }
}

/// Keeps why an engine did not take a job, with the job's folder, or forgets it.
pub fn remember(dir: &Path, why: Option<&str>) {
    let note = dir.join(FAILED);
    // A folder that is full or gone keeps nothing: then the next one tries again.
    let _kept = match why {
        None => std::fs::remove_file(note),
        Some(why) => std::fs::write(note, why),
    };
}

/// Returns why the last start of an engine for a job failed, with the job's folder, if that was less than a minute ago.
#[must_use]
pub fn failed_lately(dir: &Path) -> Option<String> {
    let note = dir.join(FAILED);
    let age = std::fs::metadata(&note).ok()?.modified().ok()?.elapsed().ok()?;
    if age > LATELY {
        return None;
    }
    // Where there was no room for it, room may have been made since.
    std::fs::read_to_string(note).ok().filter(|why| !why.is_empty())
}

/// Closes what this process has inherited besides its standard streams: a lock or a pipe of whoever started it, who may
/// wait for its end, is not to be held for as long as a job takes.
pub fn let_go_of_inherited() {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let open: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in open.into_iter().filter(|number| *number > 2) {
        // The descriptor of the listing itself is among them, and closed by now.
        let _outcome = nix::unistd::close(number);
    }
}

/// The last word of a command that is started here.
pub const LAST_WORD: &str = "--given";
