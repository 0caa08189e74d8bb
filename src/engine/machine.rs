//! Locks that reach beyond a project: files in a folder of the user's, locked by the engine. They are free when it dies.
//!
//! Not here: claims within a project (`store/claims.rs`), which are taken besides and keep the order of asking. Beyond it
//! there is no order: whoever looks first when a lock comes free has it.
//! The folder is `$XDG_RUNTIME_DIR/sortie/locks`, or `/tmp/sortie-UID/locks` where there is no such variable. Where
//! neither can be made, what asks for such a lock is refused.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::store::Beyond;
use crate::logic::claims::{Blocker, Claim, Kind};
use crate::logic::job::share::is_of_machine;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

/// Who holds a lock, as it stands in its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    project: String,
    job: u64,
    name: String,
    place: String,
    since: i64,
}

/// The locks that this engine holds.
#[derive(Debug, Default)]
pub(super) struct MachineLocks {
    held: BTreeMap<(Option<u32>, String), (Kind, File)>,
}

/// Whose they are.
pub(super) struct Whose<'a> {
    pub(super) project: &'a str,
    pub(super) job: u64,
    pub(super) name: &'a str,
    pub(super) place: String,
    pub(super) now: Timestamp,
}

impl MachineLocks {
    /// Takes all locks among those claims that reach beyond the project, or none.
    pub(super) fn take(
        &mut self,
        cell: Option<u32>,
        claims: &[Claim],
        whose: &Whose<'_>,
    ) -> Result<(), Beyond> {
        if !claims.iter().any(is_of_machine) {
            return Ok(());
        }
        let folder = folder().map_err(|error| {
            Beyond::Never(format!(
                "locks of the machine need a folder of yours, and none can be made: {error}; set XDG_RUNTIME_DIR"
            ))
        })?;
        self.take_in(&folder, cell, claims, whose)
    }

    fn take_in(
        &mut self,
        folder: &Path,
        cell: Option<u32>,
        claims: &[Claim],
        whose: &Whose<'_>,
    ) -> Result<(), Beyond> {
        let mut taken = Vec::new();
        for claim in claims.iter().filter(|claim| is_of_machine(claim)) {
            let name = file_name(claim);
            if self.held.contains_key(&(cell, name.clone())) {
                continue;
            }
            match take_one(&folder.join(&name), claim, whose) {
                Ok(file) => taken.push((name, (claim.kind, file))),
                // Those that were taken before are given back by being dropped.
                Err(why) => return Err(why),
            }
        }
        self.held.extend(taken.into_iter().map(|(name, file)| ((cell, name), file)));
        Ok(())
    }

    /// Gives back what a cell has, or the job as a whole.
    pub(super) fn give_back(&mut self, cell: Option<u32>) {
        self.held.retain(|(of, _), _| *of != cell);
    }

    /// Gives back the locks of a cell, and keeps its group.
    pub(super) fn give_back_locks(&mut self, cell: u32) {
        self.held.retain(|(of, _), (kind, _)| *of != Some(cell) || *kind != Kind::Lock);
    }
}

fn file_name(claim: &Claim) -> String {
    // A name may hold anything, and may be longer than that of a file.
    blake3::hash(format!("{}\0{}", claim.kind.word(), claim.name).as_bytes()).to_hex()[..32].to_owned()
}

fn take_one(path: &Path, claim: &Claim, whose: &Whose<'_>) -> Result<File, Beyond> {
    let cannot = |error: std::io::Error| {
        Beyond::Never(format!("the lock of the machine `{}` cannot be used: {error}", path.display()))
    };
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(cannot)?;
    let how = if claim.is_shared {
        FlockOperation::NonBlockingLockShared
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    match flock(&file, how) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(Beyond::Held(Box::new(holder(&mut file, claim)))),
        Err(error) => return Err(cannot(error.into())),
    }
    let holder = Holder {
        project: whose.project.to_owned(),
        job: whose.job,
        name: whose.name.to_owned(),
        place: whose.place.clone(),
        since: whose.now.0,
    };
    let text = serde_json::to_string(&holder).unwrap_or_default();
    // Only for people: what counts is the lock.
    let _written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    Ok(file)
}

fn holder(file: &mut File, claim: &Claim) -> Blocker {
    let mut text = String::new();
    let _read = file.read_to_string(&mut text);
    let holder: Option<Holder> = serde_json::from_str(&text).ok();
    let (job, name, place, since, project) = match holder {
        Some(it) => (it.job, it.name, it.place, Timestamp(it.since), it.project),
        // It has just been taken, and its holder writes.
        None => (0, String::new(), String::new(), Timestamp::default(), String::new()),
    };
    Blocker { claim: claim.clone(), job, name, place, since, waits: false, is_left: false, project }
}

/// Returns the folder of the user's locks, which nobody else can write to.
fn folder() -> std::io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    let user = rustix::process::getuid().as_raw();
    let base = match runtime {
        Some(dir) => dir.join("sortie"),
        None => std::env::temp_dir().join(format!("sortie-{user}")),
    };
    for dir in [&base, &base.join("locks")] {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = std::fs::symlink_metadata(dir)?;
        if !found.is_dir() || found.uid() != user || found.mode() & 0o022 != 0 {
            let message = format!("`{}` is not a folder that only you can write to", dir.display());
            return Err(std::io::Error::other(message));
        }
    }
    Ok(base.join("locks"))
}
