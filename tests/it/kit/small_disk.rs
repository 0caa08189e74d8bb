//! A disk of 4 MiB for the state folder of a sandbox, which can be filled to the last page and emptied again.
//!
//! It is a tmpfs in a mount namespace of the test's own thread and of what it starts, so nobody else sees it and nothing of
//! it is left behind, however the test ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

use super::sandbox::Sandbox;

/// Pages of a tmpfs, in bytes: less is never taken.
pub(crate) const PAGE: u64 = 4096;

/// The disk while it is mounted.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk in the place of the state folder of the project.
    #[track_caller]
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let folder = sandbox.project().join(".sortie");
        std::fs::create_dir_all(&folder).expect("the project is writable");
        unshare(CloneFlags::CLONE_NEWNS).unwrap_or_else(|error| {
            panic!("a mount namespace (unshare(CLONE_NEWNS)): {error}; run the tests as root")
        });
        mount(&["--make-rprivate", "/"]);
        let it = Self { folder };
        it.fresh();
        it
    }

    /// Puts an empty disk in its place.
    pub(crate) fn fresh(&self) {
        let folder = self.folder.display().to_string();
        unmount(&self.folder);
        mount(&["-t", "tmpfs", "-o", "size=4m", "tmpfs", &folder]);
    }

    /// Fills it up to so many bytes.
    #[track_caller]
    pub(crate) fn leave(&self, free: u64) {
        self.make_room();
        let found = rustix::fs::statvfs(&self.folder).expect("it is mounted");
        let taken =
            (found.f_bavail * found.f_frsize).checked_sub(free).expect("there is more room than that");
        let filler = vec![b'x'; usize::try_from(taken).expect("it is a small disk")];
        let mut file = std::fs::File::create(self.filler()).expect("the disk has files left");
        match file.write_all(&filler) {
            // Somebody wrote at the same moment, and there is no room left at all.
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {}
            written => written.expect("there was so much room"),
        }
    }

    /// Takes away what fills it.
    pub(crate) fn make_room(&self) {
        match std::fs::remove_file(self.filler()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("the filler stays: {error}"),
            _ => {}
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.folder);
    }
}

#[track_caller]
fn mount(words: &[&str]) {
    let made = Command::new("mount").args(words).output();
    let made = made.unwrap_or_else(|error| panic!("the program `mount`: {error}; `apt-get install mount`"));
    assert!(made.status.success(), "mount {words:?}: {}", String::from_utf8_lossy(&made.stderr));
}

fn unmount(folder: &Path) {
    // Nothing is mounted there at first. What still uses it keeps it for as long as it lives.
    let _ended = Command::new("umount").arg("--lazy").arg(folder).output();
}
