//! Programs under `strace`: what they asked of the file system, in one order for all of them, and when each call began and
//! ended.
//!
//! Every sync is held up, as by a slow disk, so that whoever does not wait for one is seen to run ahead of it. Not here:
//! what of it a power cut leaves (`disk.rs`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ran::Call;
use super::sandbox::{SORTIE, Sandbox};

/// What may change files or make a change last; what `disk.rs` does not know fails the test where it meets it.
const CALLS: &str = "trace=open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,\
                     fsync,fdatasync,sync_file_range,msync,sync,syncfs,rename,renameat,renameat2,unlink,unlinkat,mkdir,\
                     mkdirat,rmdir,link,linkat,symlink,symlinkat,copy_file_range,sendfile,splice,io_uring_setup";

/// Every sync takes so much longer, in microseconds.
const SLOW_DISK: &str = "inject=fsync,fdatasync:delay_enter=25000";

/// One call that succeeded.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(super) name: String,
    /// All arguments as they were printed, strings decoded and taken out.
    pub(super) words: String,
    /// Strings among the arguments, in order.
    pub(super) strings: Vec<Vec<u8>>,
    /// Files behind descriptors among the arguments, in order.
    pub(super) files: Vec<PathBuf>,
    pub(super) result: usize,
}

/// Where in the order something lies.
#[derive(Debug)]
pub(crate) enum Place {
    /// From here on it may have happened.
    Began(usize),
    /// From here on it has happened.
    Ended(usize),
}

/// What programs asked for.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(super) asked: Vec<Asked>,
    pub(super) places: Vec<Place>,
}

/// Returns a shell script in the project, ready to run under `strace`, which writes to that file. `$sortie` is the program.
pub(crate) fn traced(sandbox: &Sandbox, script: &str, into: &Path) -> Call {
    assert!(
        Command::new("strace").arg("--version").output().is_ok_and(|it| it.status.success()),
        "`strace` is missing, without which a power cut cannot be shown; install it with: apt-get install strace"
    );
    let mut command = Command::new("strace");
    // A string longer than that would be cut.
    command.args([
        "-f",
        "-y",
        "-xx",
        "-qq",
        "-s",
        "16777216",
        "-e",
        CALLS,
        "-e",
        SLOW_DISK,
        "-e",
        "signal=none",
        "-o",
    ]);
    command.arg(into).args(["sh", "-c", script]);
    command.current_dir(sandbox.project()).env_clear().envs(sandbox.environment()).env("sortie", SORTIE);
    Call::new(command)
}

impl Trace {
    /// Reads what `strace` wrote.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("strace has written it");
        let mut trace = Self::default();
        let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
        for line in text.lines() {
            let (thread, said) = line.split_once(' ').expect("a line begins with the thread");
            let said = said.trim_start();
            if let Some(first) = said.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, (first.to_owned(), trace.places.len()));
                // Filled in once it is known how it ended.
                trace.places.push(Place::Began(usize::MAX));
                continue;
            }
            if let Some((_, rest)) = said.strip_prefix("<... ").and_then(|it| it.split_once(" resumed>")) {
                let (first, place) = begun.remove(thread).expect("it was begun");
                if let Some(asked) = Asked::read(&format!("{first}{rest}")) {
                    trace.places[place] = Place::Began(trace.asked.len());
                    trace.places.push(Place::Ended(trace.asked.len()));
                    trace.asked.push(asked);
                }
                continue;
            }
            if let Some(asked) = Asked::read(said) {
                let number = trace.asked.len();
                trace.places.extend([Place::Began(number), Place::Ended(number)]);
                trace.asked.push(asked);
            }
        }
        // Calls that failed, and those of threads that were ended in the middle, which write nothing here.
        trace.places.retain(|place| !matches!(place, Place::Began(usize::MAX)));
        trace
    }
}

impl Asked {
    /// Reads one call; none if it failed, or it is no call.
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        // Arguments have their equals signs in strings, which are all digits here.
        let (words, result) = rest.rsplit_once(" = ")?;
        let result: String = result.chars().take_while(char::is_ascii_digit).collect();
        let result = result.parse().ok()?;
        let words = words.trim_end().strip_suffix(')')?;
        let (mut plain, mut strings, mut files) = (String::new(), Vec::new(), Vec::new());
        let mut left = words;
        while let Some(at) = left.find(['"', '<']) {
            plain.push_str(&left[..at]);
            let end = if left[at..].starts_with('"') { '"' } else { '>' };
            let (inner, rest) = left[at + 1..].split_once(end)?;
            // Longer ones end in dots, and nothing is known of the rest.
            assert!(!rest.starts_with("..."), "a string was cut: {}", &line[..line.len().min(200)]);
            match end {
                '"' => strings.push(decoded(inner)),
                _ => files.push(PathBuf::from(String::from_utf8_lossy(&decoded(inner)).into_owned())),
            }
            left = rest;
        }
        plain.push_str(left);
        Some(Self { name: name.to_owned(), words: plain, strings, files, result })
    }

    /// The number behind the last comma of the arguments.
    pub(super) fn last_number(&self) -> usize {
        let word = self.words.rsplit(',').next().unwrap_or_default().trim();
        word.parse().unwrap_or_else(|_| panic!("no number at the end of {self:?}"))
    }
}

/// `\x41b` is `Ab`.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut left = text;
    while !left.is_empty() {
        if let Some(rest) = left.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two digits follow"));
            left = &rest[2..];
        } else {
            bytes.push(left.as_bytes()[0]);
            left = &left[1..];
        }
    }
    bytes
}
