//! One service for a project: a lock that the system takes back when the process ends, however it ends.
//!
//! It only keeps two services from doing the same work; that a fire starts one job is the ledger's doing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::engine::{EngineError, Project};

/// Between two looks whether a service that has died is quite gone, and how many.
const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: u32 = 100;

/// The lock of a service. Dropped, the next one may begin.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock lives as long as its file is open")] File);

fn path(project: &Project) -> PathBuf {
    project.state.join("run").join("service.lock")
}

impl Lock {
    /// Takes the lock, and writes down whose it is.
    ///
    /// # Errors
    /// If another service has it, or the folder cannot be written.
    pub(super) fn take(project: &Project) -> Result<Self, EngineError> {
        let path = path(project);
        let cannot = |e: std::io::Error| {
            EngineError::surroundings(format!("the service's lock `{}` cannot be used: {e}", path.display()))
        };
        let folder = project.state.join("run");
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(cannot)?;
        let mut left = LOOKS;
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            file.rewind().map_err(cannot)?;
            let is_alive = holder(&mut file).is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists());
            if !is_alive && left > 0 {
                // It is just going.
                left -= 1;
                std::thread::sleep(PAUSE);
                continue;
            }
            file.rewind().map_err(cannot)?;
            let who = holder(&mut file).map_or_else(String::new, |pid| format!(" (process {pid})"));
            return Err(EngineError::refused(format!("a service already runs for this project{who}"))
                .help("one is enough; stop it first to start another one"));
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(cannot)?;
        file.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(cannot)?;
        Ok(Self(file))
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Returns the process number of the service that runs for a project, if one does.
#[must_use]
pub fn running(project: &Project) -> Option<u32> {
    let mut file = File::open(path(project)).ok()?;
    // Shared, so that two who look do not take each other for a service.
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return None;
    }
    holder(&mut file)
}
