//! Looks at the machine for `sortie doctor`: folder, disk, limits, and what can be tried without leaving a trace.
//!
//! Not here: what it means (`logic/doctor`), the recorded jobs (`engine/store/examine.rs`). Start with `survey`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Access, FlockOperation, StatVfsMountFlags, access, flock, statvfs};
use rustix::process::{Resource, getpid, getrlimit, set_child_subreaper};

use crate::logic::doctor::{Disk, Machine, State, Trial};

/// Most files that are counted.
const MOST_FILES: usize = 200_000;
/// Longest path of a socket; a longer one is reached through its folder, which is not what is tried here.
const LONGEST_SOCKET: usize = 100;

/// Looks at the machine on which a project's state is kept. What concerns keepers and their processes is not in it.
#[must_use]
pub fn survey(state: &Path) -> Machine {
    let folder = nearest(state);
    let limit = |resource| {
        let limit = getrlimit(resource);
        (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX))
    };
    Machine {
        state: look_at(state, &folder),
        disk: disk(&folder),
        tried: tried(&folder),
        open_files: Some(limit(Resource::Nofile)),
        processes: Some(limit(Resource::Nproc).0),
        has_proc: fs::read("/proc/self/stat").is_ok(),
        watches: fs::read_to_string("/proc/sys/fs/inotify/max_user_watches")
            .ok()
            .and_then(|it| it.trim().parse().ok()),
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|it| i64::try_from(it.as_micros()).ok())
            .unwrap_or(0),
        zone: jiff::tz::TimeZone::try_system().ok().and_then(|zone| zone.iana_name().map(str::to_owned)),
        left: Vec::new(),
    }
}

/// Returns the folder itself, or the one above it that is there.
fn nearest(folder: &Path) -> PathBuf {
    folder.ancestors().find(|it| it.is_dir()).unwrap_or(Path::new("/")).to_path_buf()
}

fn look_at(state: &Path, folder: &Path) -> State {
    let found = fs::metadata(state).ok();
    let (mut files, mut is_more) = (0, false);
    let bytes = below(state, &mut files, &mut is_more);
    let cache_bytes = below(&state.join("cache"), &mut 0, &mut is_more);
    State {
        path: state.display().to_string(),
        mode: found.as_ref().map(MetadataExt::mode),
        is_own: found.is_none_or(|it| it.uid() == rustix::process::geteuid().as_raw()),
        is_writable: access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        bytes,
        cache_bytes,
        is_more,
    }
}

/// Adds up the files below a folder, as far as they are counted.
fn below(folder: &Path, files: &mut usize, is_more: &mut bool) -> u64 {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        *files += 1;
        if *files > MOST_FILES {
            *is_more = true;
            break;
        }
        bytes += entry.metadata().ok().filter(|it| it.is_file()).map_or(0, |it| it.len());
    }
    bytes
}

fn disk(folder: &Path) -> Option<Disk> {
    let found = statvfs(folder).ok()?;
    Some(Disk {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        kind: kind_of(folder).unwrap_or_else(|| "unknown file system".to_owned()),
        is_read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// Returns the kind of the file system that a folder is on: that of the innermost mount point above it.
fn kind_of(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let Some((head, tail)) = line.split_once(" - ") else { continue };
        let Some(point) = head.split(' ').nth(4).map(|it| it.replace("\\040", " ")) else { continue };
        let depth = Path::new(&point).components().count();
        // The later one of two at the same place lies above the earlier one.
        if folder.starts_with(&point) && best.as_ref().is_none_or(|(known, _)| depth >= *known) {
            best = Some((depth, tail.split(' ').next().unwrap_or_default().to_owned()));
        }
    }
    best.map(|(_, kind)| kind)
}

fn tried(folder: &Path) -> Vec<(Trial, Result<(), String>)> {
    let mut tried = Vec::new();
    let words = |error: io::Error| error.to_string();
    // Where nothing can be written that has been said already.
    if access(folder, Access::WRITE_OK).is_ok() {
        tried.push((Trial::Socket, try_socket(folder).map_err(words)));
        tried.push((Trial::Lock, try_lock(folder).map_err(words)));
    }
    let subreaper = set_child_subreaper(Some(getpid())).map_err(|error| words(error.into()));
    tried.push((Trial::Subreaper, subreaper));
    tried
}

/// A name that nobody else has at this moment.
fn name(folder: &Path) -> PathBuf {
    folder.join(format!(".sortie-doctor-{}", std::process::id()))
}

fn try_socket(folder: &Path) -> io::Result<()> {
    let here = name(folder);
    let path = if here.as_os_str().len() > LONGEST_SOCKET { name(&std::env::temp_dir()) } else { here };
    let bound = UnixListener::bind(&path);
    let removed = if bound.is_ok() { fs::remove_file(&path) } else { Ok(()) };
    bound.and(removed)
}

fn try_lock(folder: &Path) -> io::Result<()> {
    let path = name(folder);
    let file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from);
    let removed = fs::remove_file(&path);
    locked.and(removed)
}
