//! Writes a playbook anew: in one piece, with its mode and owner, and only if nobody else changed it meanwhile.
//!
//! Not here: what it becomes (`logic/author`), finding and reading it (`library.rs`). Start with `Original`.
#![expect(clippy::disallowed_methods, reason = "files of playbooks are written here")]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::library::{self, Opened};
use super::{EngineError, Project};

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;

/// A byte order mark, which is no part of a playbook's text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file as it was read, to be written again.
pub struct Original {
    /// The file itself, links followed.
    path: PathBuf,
    /// How messages name it.
    name: String,
    bytes: Vec<u8>,
}

/// Reads a playbook that is to be changed.
///
/// # Errors
/// If it is no file, or cannot be read.
pub fn open(project: &Project, path: &Path) -> Result<(Opened, Original), EngineError> {
    let name = library::shown(&project.root, path);
    let real = path.canonicalize().map_err(|error| match error.kind() {
        // Selectors of scripts are found as a playbook, too.
        ErrorKind::NotFound => {
            EngineError::usage(format!("`{name}` is no file, so there is nothing to change"))
                .help("`sortie playbooks list` shows what there is")
        }
        _ => EngineError::usage(format!("`{name}` cannot be read: {error}")),
    })?;
    let opened = library::open(project, path)?;
    let bytes =
        fs::read(&real).map_err(|error| EngineError::usage(format!("`{name}` cannot be read: {error}")))?;
    let original = Original { path: real, name, bytes };
    match original.text() {
        // What it was read to and what it is compared with later is the same text.
        Some(text) if text == &*opened.source.text => Ok((opened, original)),
        Some(_) => Err(original.changed()),
        // Why it is no text has been found by reading it.
        None => Ok((opened, original)),
    }
}

impl Original {
    /// Returns its text without a byte order mark; nothing if it is no text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.strip_prefix(MARK).unwrap_or(&self.bytes)).ok()
    }

    /// Writes another text in its place. Whoever reads the file meanwhile has the old one or the new one.
    ///
    /// # Errors
    /// If the file is not to be written, somebody changed it since it was read, or the disk says no.
    pub fn write(&self, text: &str) -> Result<(), EngineError> {
        let wrong = |error: &Error| EngineError::io(format!("`{}` cannot be written", self.name), error);
        let found = fs::metadata(&self.path).map_err(|error| wrong(&error))?;
        // Another file in its place would be there in spite of its mode, which somebody set on purpose.
        let is_closed = found.mode() & 0o222 == 0;
        if is_closed || accessat(CWD, &self.path, Access::WRITE_OK, AtFlags::EACCESS).is_err() {
            return Err(EngineError::surroundings(format!("`{}` is read-only", self.name))
                .help("make it writable first, as with `chmod u+w`"));
        }
        let (Some(folder), Some(file)) = (self.path.parent(), self.path.file_name()) else {
            return Err(EngineError::usage(format!("`{}` is no name of a file", self.name)));
        };
        let mut half = OsString::from(".");
        half.push(file);
        half.push(format!(".{}.part", std::process::id()));
        let half = folder.join(half);
        let written = self.write_half(&half, text, found.mode(), (found.uid(), found.gid()));
        let done = written.map_err(|error| wrong(&error)).and_then(|()| {
            // As late as possible: what somebody wrote meanwhile is his.
            let now = fs::read(&self.path).map_err(|error| wrong(&error))?;
            if now != self.bytes {
                return Err(self.changed());
            }
            fs::rename(&half, &self.path).map_err(|error| wrong(&error))
        });
        if done.is_err() {
            let _removed = fs::remove_file(&half);
        }
        done
    }

    fn write_half(&self, half: &Path, text: &str, mode: u32, owner: (u32, u32)) -> Result<(), Error> {
        let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(half);
        let mut file: File = open().or_else(|error| {
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(error);
            }
            // One that a crash left.
            fs::remove_file(half)?;
            open()
        })?;
        if self.bytes.starts_with(MARK) {
            file.write_all(MARK)?;
        }
        file.write_all(text.as_bytes())?;
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != owner {
            // Only root may give files away; for everybody else it is his own from here on.
            let _given = std::os::unix::fs::fchown(&file, Some(owner.0), Some(owner.1));
        }
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode & 0o7777))?;
        // A power cut after the rename must not leave an empty file.
        file.sync_all()
    }

    fn changed(&self) -> EngineError {
        EngineError::refused(format!("`{}` was changed by somebody else meanwhile", self.name))
            .help("nothing was written; look at it, and try again")
    }
}
