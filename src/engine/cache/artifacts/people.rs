//! Artifacts for people, after a job: what there is of one, and putting it into a folder of theirs.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::entry::What;
use super::super::memo::Memo;
use super::super::shelf::Shelf;
use super::extract::{Extractor, Parcel};
use super::manifest::{self, Piece};
use super::{damaged, load, no_store, open};
use crate::engine::{EngineError, Project};
use crate::logic::artifact::Artifact;
use crate::logic::time::Timestamp;

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFile {
    /// Below the root of the artifact.
    pub path: PathBuf,
    pub kind: ArtifactKind,
}

/// What a file of an artifact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactKind {
    File {
        bytes: u64,
        /// In hex.
        sha256: String,
        is_executable: bool,
    },
    Link {
        target: PathBuf,
    },
    Folder,
}

/// Whether an artifact can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactState {
    There,
    /// Its time is over, and it goes, or has gone.
    Expired,
    /// It should be there, and is not, or not as it was.
    Damaged,
}

/// Says whether an artifact can be had, without reading its files, and returns what is in it as far as it can be had.
#[must_use]
pub fn look_at_artifact(
    project: &Project,
    artifact: &Artifact,
    now: Timestamp,
) -> (ArtifactState, Vec<ArtifactFile>) {
    let shelf = Shelf::at(&project.state);
    let Ok((manifest, _)) = load(&shelf, artifact) else {
        let is_over = artifact.until <= now;
        return (if is_over { ArtifactState::Expired } else { ArtifactState::Damaged }, Vec::new());
    };
    let is_there = manifest.bodies().all(|(_, body)| shelf.path_of(&body.hash.0).is_file());
    let state = match is_there {
        _ if artifact.until <= now => ArtifactState::Expired,
        true => ArtifactState::There,
        false => ArtifactState::Damaged,
    };
    (state, manifest.pieces.iter().map(file_of).collect())
}

fn file_of(piece: &Piece) -> ArtifactFile {
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let kind = match &piece.output.what {
        What::Folder => ArtifactKind::Folder,
        What::Link { target } => ArtifactKind::Link { target: path(&target.0) },
        What::File { mode, body } => ArtifactKind::File {
            bytes: body.size,
            sha256: piece.sha256.as_ref().map(|it| manifest::hex(&it.0)).unwrap_or_default(),
            is_executable: mode & 0o100 != 0,
        },
    };
    ArtifactFile { path: path(&piece.output.path.0), kind }
}

/// Puts the files of an artifact into a folder, which is made if it is not there. Returns how many were written.
///
/// # Errors
/// If it is expired or damaged, or if other files are in the way and nobody said that they may be replaced.
pub fn get_artifact(
    project: &Project,
    artifact: &Artifact,
    to: &Path,
    overwrites: bool,
) -> Result<u32, EngineError> {
    let failed = |why: String| EngineError::surroundings(why);
    let shelf = Shelf::at(&project.state);
    if !shelf.folder.is_dir() {
        return Err(failed(damaged(&artifact.name, "there is no store")));
    }
    let _gate = shelf.gate(false).map_err(|error| failed(no_store(&error)))?;
    let (manifest, _) = load(&shelf, artifact).map_err(failed)?;
    std::fs::create_dir_all(to)
        .map_err(|error| EngineError::io(format!("`{}` cannot be made", to.display()), &error))?;
    let root = open(to, &project.state).map_err(failed)?;
    let memo = Memo::default();
    let extractor = Extractor { root: &root, shelf: &shelf, memo: &memo, overwrites, aside: None };
    let parcel = Parcel { name: artifact.name.to_string(), manifest, folder: String::new() };
    let written = extractor.extract(&[parcel]).map_err(failed)?;
    Ok(written.iter().map(|it| it.written).sum())
}
