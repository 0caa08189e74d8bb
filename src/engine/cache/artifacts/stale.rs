//! Files of earlier artifacts in the folders that others go to: nobody has removed them, and no key of a result has them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use blake3::Hash;

use super::super::entry::{Body, Bytes, Digest, What};
use super::super::files::{Look, Root};
use super::super::memo::Memo;
use super::super::shelf::Shelf;
use super::super::stat::Stat;
use super::extract::{Parcel, place};
use super::manifest::Manifest;
use super::pins::{content, pins};

/// Returns what lies in the folders of artifacts that were put into place, is part of none of them nor of any other one of this
/// job, and is just what an artifact of an earlier job has there, as far as that is still kept. Paths are below the root.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn stale(
    (state, job_dir): (&Path, &Path),
    shelf: &Shelf,
    (root, memo): (&Root, &Memo),
    parcels: &[Parcel],
) -> Result<Vec<Vec<u8>>, String> {
    let own: BTreeSet<Vec<u8>> = parcels.iter().flat_map(Parcel::paths).collect();
    let folders: BTreeSet<&str> = parcels.iter().map(|it| it.folder.as_str()).collect();
    let mut look = Look::new(root, memo);
    let mut found = BTreeSet::new();
    for folder in folders {
        let mut others: Vec<(Vec<u8>, Stat)> = Vec::new();
        let mut tell = |path: &[u8], stat: &Stat, _: &str| {
            if !stat.is_folder() && !own.contains(path) {
                others.push((path.to_vec(), *stat));
            }
        };
        look.walk(folder.as_bytes(), None, &mut tell).map_err(|trouble| trouble.message)?;
        if others.is_empty() {
            continue;
        }
        let known = known(state, job_dir, shelf, folder);
        for (path, stat) in others {
            let Some(contents) = known.get(&path) else { continue };
            // What cannot be read is none of them.
            let content = now(root, memo, &path, &stat);
            if content.is_some_and(|content| contents.get(&content) == Some(&Age::Earlier)) {
                found.insert(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Whose artifacts have something; the last one counts where several do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Earlier,
    OfThisJob,
}

/// What artifacts have at each path, and whose they are.
type Known = HashMap<Vec<u8>, BTreeMap<Vec<u8>, Age>>;

/// Returns where files of all artifacts that are kept would be in a folder, and what is in them.
fn known(state: &Path, job_dir: &Path, shelf: &Shelf, folder: &str) -> Known {
    let mut found = Known::new();
    let age = |is_own: bool| if is_own { Age::OfThisJob } else { Age::Earlier };
    let manifests: BTreeSet<([u8; 32], Age)> =
        pins(state).iter().map(|pin| (*pin.manifest().as_bytes(), age(pin.is_of(job_dir)))).collect();
    for (manifest, age) in manifests {
        // Of a list that cannot be read nothing is known.
        let Ok(manifest) = Manifest::load(shelf, &Hash::from_bytes(manifest)) else { continue };
        for piece in manifest.pieces {
            let contents = found.entry(place(folder, &piece.output.path.0)).or_default();
            let known = contents.entry(content(&piece.output.what)).or_insert(age);
            *known = age.max(*known);
        }
    }
    found
}

/// Returns what is in a file, or where a link leads, as the lists of artifacts have it.
fn now(root: &Root, memo: &Memo, path: &[u8], stat: &Stat) -> Option<Vec<u8>> {
    if stat.is_link() {
        let target = rustix::fs::readlinkat(root.fd(), path, Vec::new()).ok()?.into_bytes();
        return Some(content(&What::Link { target: Bytes(target) }));
    }
    let read = memo.read(root.fd(), path, stat, || root.full(path)).ok().filter(|_| stat.is_file())?;
    let body = Body { size: stat.stamp.size, hash: Digest(read.hash), at: None };
    Some(content(&What::File { mode: 0, body }))
}
