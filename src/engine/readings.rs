//! What large playbooks were read to, so that the next start need not read them again.
//!
//! A memory and nothing else: reading is a function of the text and of this program, and a file here is believed for
//! that very text and that very program only. Not here: reading itself (`logic/playbook`).
#![expect(clippy::disallowed_methods, reason = "its files are read and written here")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use blake3::{Hash, Hasher};
use rustix::fs::OFlags;

use super::cache::Sheet;
use crate::logic::playbook::Reading;
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::source::Source;

/// Smaller texts are read as quickly as such a file.
const LEAST: usize = 8 * 1024;

/// So many playbooks are remembered for a project.
const MOST: usize = 64;

/// None is longer, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Bytes of a digest.
const DIGEST: usize = 32;

/// What a playbook was read to, and where it is to be remembered.
#[derive(Debug)]
pub(crate) struct Remembered {
    file: PathBuf,
    bytes: Vec<u8>,
}

/// Where it is remembered what a project's playbooks were read to.
pub(super) fn folder(cache: &Path) -> PathBuf {
    cache.join("readings")
}

fn file_of(state: &Path, path: &Path) -> PathBuf {
    let name = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    folder(&state.join("cache")).join(&name.as_str()[..16])
}

/// Says what was read, and by whom; nothing if the program cannot be looked at.
fn stamp(source: &Source) -> Option<Hash> {
    let mut hasher = of_program()?;
    hasher.update(&source.name.len().to_le_bytes()).update(source.name.as_bytes());
    Some(hasher.update(source.text.as_bytes()).finalize())
}

/// Begins a digest with what tells this very program from others; nothing if it cannot be looked at.
pub(super) fn of_program() -> Option<Hasher> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let mut hasher = Hasher::new();
    for number in [program.dev(), program.ino(), program.size()] {
        hasher.update(&number.to_le_bytes());
    }
    // The time of the last change of anything, which nobody can set.
    for time in [program.ctime(), program.ctime_nsec()] {
        hasher.update(&time.to_le_bytes());
    }
    Some(hasher)
}

/// Returns the bytes of a file; nothing if it is none, or too large to be one of these.
fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    // A pipe without a writer would hold us up.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let found = file.metadata().ok().filter(|it| it.is_file() && it.len() <= MOST_BYTES)?;
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).ok()?);
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Returns what a job has left behind for the next one like it, if it is whole.
pub(super) fn sheet(path: &Path) -> Option<Sheet> {
    let bytes = bytes_of(path)?;
    let (head, body) = bytes.split_at_checked(DIGEST)?;
    (head == blake3::hash(body).as_bytes()).then(|| postcard::from_bytes(body).ok()).flatten()
}

/// Leaves a sheet there.
pub(super) fn keep_sheet(path: PathBuf, sheet: &Sheet) {
    let Ok(body) = postcard::to_stdvec(sheet) else { return };
    let bytes = [blake3::hash(&body).as_bytes().as_slice(), &body].concat();
    Remembered { file: path, bytes }.keep();
}

/// Returns what a text was read to when there was nothing to say about it, if that is remembered.
pub(super) fn recall(state: &Path, path: &Path, source: &Source) -> Option<Reading> {
    if source.text.len() < LEAST {
        return None;
    }
    let bytes = bytes_of(&file_of(state, path))?;
    let (head, body) = bytes.split_at_checked(2 * DIGEST)?;
    if head[..DIGEST] != *stamp(source)?.as_bytes() || head[DIGEST..] != *blake3::hash(body).as_bytes() {
        return None;
    }
    let playbook: Playbook = postcard::from_bytes(body).ok()?;
    Some(Reading {
        playbook: Some(playbook),
        diagnostics: Vec::new(),
        called: Vec::new(),
        missing: Vec::new(),
    })
}

/// Returns what is to be remembered of a reading: nothing where there is something to say about the text, where it
/// depends on other files, or is small.
pub(super) fn remember(state: &Path, path: &Path, source: &Source, reading: &Reading) -> Option<Remembered> {
    let playbook = reading.playbook.as_ref()?;
    let is_alone = source.called.is_empty() && reading.called.is_empty() && playbook.called.is_empty();
    if source.text.len() < LEAST || !is_alone || !reading.diagnostics.is_empty() {
        return None;
    }
    let body = postcard::to_stdvec(playbook).ok()?;
    let mut bytes = stamp(source)?.as_bytes().to_vec();
    bytes.extend(blake3::hash(&body).as_bytes());
    bytes.extend(body);
    Some(Remembered { file: file_of(state, path), bytes })
}

impl Remembered {
    /// Writes it down, if the project keeps results at all.
    pub(super) fn keep(&self) {
        // Only an optimisation: what is missing is read once more.
        let _outcome = self.write();
    }

    fn write(&self) -> std::io::Result<()> {
        let Some(folder) = self.file.parent() else { return Ok(()) };
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        forget_oldest(folder)?;
        let beside = self.file.with_extension(std::process::id().to_string());
        let mut file = fs::File::create(&beside)?;
        let written = file.write_all(&self.bytes).and_then(|()| fs::rename(&beside, &self.file));
        if written.is_err() {
            fs::remove_file(&beside)?;
        }
        written
    }
}

/// Makes room for one more.
fn forget_oldest(folder: &Path) -> std::io::Result<()> {
    let mut all: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        all.push((entry.metadata()?.modified()?, entry.path()));
    }
    all.sort();
    let many = (all.len() + 1).saturating_sub(MOST);
    all.iter().take(many).try_for_each(|(_, path)| fs::remove_file(path))
}

#[cfg(test)]
#[path = "readings_tests.rs"]
mod tests;
