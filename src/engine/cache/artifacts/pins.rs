//! What keeps files of artifacts in the store: a name in the folder of the job, of the list and of the time it is kept.
//!
//! So they go with the job, and the store of results knows what it must not remove without asking any database.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use blake3::Hash;

use super::super::entry::What;
use super::super::files::shown;
use super::super::memo::Memo;
use super::super::point;
use super::super::shelf::Shelf;
use super::manifest::{Manifest, Unreadable};
use crate::logic::time::Timestamp;

/// The folder of them, below that of a job.
const FOLDER: &str = "artifacts";

/// One of them.
#[derive(Clone, Debug)]
pub(in crate::engine::cache) struct Pin {
    path: PathBuf,
    manifest: Hash,
    until: Timestamp,
}

/// Keeps an artifact until that time, whatever happens to the machine from now on.
///
/// # Errors
/// What the system says.
pub(super) fn pin(job_dir: &Path, manifest: &Hash, until: Timestamp) -> io::Result<()> {
    let folder = job_dir.join(FOLDER);
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        File::open(job_dir)?.sync_all()?;
    }
    let path = folder.join(format!("{}.{}", manifest.to_hex(), until.0));
    File::create(path)?.sync_all()?;
    File::open(&folder)?.sync_all()?;
    point();
    Ok(())
}

/// Returns all of them of a project.
pub(in crate::engine::cache) fn pins(state: &Path) -> Vec<Pin> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let jobs = entries(&state.join("jobs"));
    let files = jobs.flat_map(|job| entries(&job.path().join(FOLDER)));
    files.filter_map(|file| read(&file.path())).collect()
}

fn read(path: &Path) -> Option<Pin> {
    let (hash, until) = path.file_name()?.to_str()?.split_once('.')?;
    let manifest = Hash::from_hex(hash).ok()?;
    Some(Pin { path: path.to_path_buf(), manifest, until: Timestamp(until.parse().ok()?) })
}

impl Pin {
    /// Says whether it is of the job that has that folder.
    pub(super) fn is_of(&self, job_dir: &Path) -> bool {
        self.path.starts_with(job_dir)
    }

    /// Returns where the list of its files is.
    pub(super) fn manifest(&self) -> &Hash {
        &self.manifest
    }

    /// Says whether its time is over.
    pub(in crate::engine::cache) fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }

    /// Says what is wrong with its files; nothing if all of them are there as they were.
    pub(in crate::engine::cache) fn problem(&self, shelf: &Shelf, memo: &Memo) -> Option<String> {
        let folder = self.path.parent().and_then(Path::parent).and_then(Path::file_name).unwrap_or_default();
        let start = format!(
            "artifact {:.16} of the job in `jobs/{}`",
            self.manifest.to_hex(),
            folder.to_string_lossy()
        );
        let manifest = match Manifest::load(shelf, &self.manifest) {
            Ok(manifest) => manifest,
            Err(Unreadable::Missing) => return Some(format!("{start}: the list of its files is missing")),
            Err(Unreadable::Damaged(why)) => return Some(format!("{start}: {why}")),
        };
        let wrong = manifest.bodies().find(|(_, body)| !shelf.is_whole(&body.hash.0, body.size, memo));
        wrong.map(|(path, _)| format!("{start}: its file `{}` is missing or damaged", shown(path)))
    }

    /// Gives the artifact up. Its files go with the next pruning.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::engine::cache) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// Returns the contents of all files and links of artifacts that are kept, as [`content`] has them.
pub(super) fn contents(state: &Path, shelf: &Shelf) -> HashSet<Vec<u8>> {
    let manifests: BTreeSet<[u8; 32]> = pins(state).iter().map(|pin| *pin.manifest.as_bytes()).collect();
    // What a list has that cannot be read is unknown, which is the careful answer.
    let manifests = manifests.into_iter().filter_map(|it| Manifest::load(shelf, &Hash::from_bytes(it)).ok());
    manifests.flat_map(|it| it.pieces).map(|piece| content(&piece.output.what)).collect()
}

/// Returns what is in a file, or where a link leads, in short.
pub(super) fn content(what: &What) -> Vec<u8> {
    match what {
        What::File { body, .. } => [b"file ", body.hash.0.as_bytes().as_slice()].concat(),
        What::Link { target } => [b"link ", target.0.as_slice()].concat(),
        What::Folder => Vec::new(),
    }
}

/// Returns the files of the store that pinned artifacts need. A list that cannot be read keeps itself only.
pub(in crate::engine::cache) fn needed<'a>(
    shelf: &Shelf,
    pins: impl IntoIterator<Item = &'a Pin>,
) -> BTreeSet<PathBuf> {
    let manifests: BTreeSet<[u8; 32]> = pins.into_iter().map(|pin| *pin.manifest.as_bytes()).collect();
    let mut needed = BTreeSet::new();
    for manifest in manifests.into_iter().map(Hash::from_bytes) {
        needed.insert(shelf.path_of(&manifest));
        if let Ok(manifest) = Manifest::load(shelf, &manifest) {
            needed.extend(manifest.bodies().map(|(_, body)| shelf.path_of(&body.hash.0)));
        }
    }
    needed
}
