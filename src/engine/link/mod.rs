//! The owner's socket: one engine per job, many processes that give it orders and listen.
//!
//! One JSON object a line each way. The socket is private (0600 in a 0700 folder) and bound through a directory
//! handle, because the path of a project may be longer than a socket address. The actor of an order is whoever the
//! system says is at the other end, not what the order claims.

mod serve;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use serve::serve;

use super::JobId;
use crate::logic::job::event::Envelope;
use crate::logic::job::order::{Asked, Refusal};
use crate::logic::job::report::AttemptKey;

/// From a client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    Order(Asked),
    Subscribe {
        after: u64,
    },
    /// What is shared between jobs has changed.
    Look,
}

/// From the engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Done {
        words: String,
    },
    Refused(Refusal),
    /// It could not be recorded, so it was not carried out.
    Failed {
        why: String,
    },
    Event(Envelope),
    Grew {
        key: AttemptKey,
        bytes: u64,
    },
    End,
}

fn file_name(job: &JobId) -> String {
    format!("{job}.sock")
}

/// Opens the folder and returns a short path to the socket in it, good while the folder stays open.
fn short_path(dir: &Path, job: &JobId) -> io::Result<(File, PathBuf)> {
    let folder = File::open(dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), file_name(job)));
    Ok((folder, path))
}

fn make_folder(dir: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// Connects to the engine of a job.
pub(super) fn connect(dir: &Path, job: &JobId) -> io::Result<UnixStream> {
    let (_folder, path) = short_path(dir, job)?;
    UnixStream::connect(path)
}

/// Writes one object and a line break.
pub(super) fn write_line(stream: &mut UnixStream, it: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(it)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Lets the engine of a job look at what is shared. Where nobody listens, nobody waits.
pub(super) fn wake(dir: &Path, job: &JobId) {
    if let Ok(mut stream) = connect(dir, job) {
        // It looks by itself a little later.
        let _sent = write_line(&mut stream, &Request::Look);
    }
}
