//! Puts the files of artifacts into folders: all of them or none, and nothing outside of these folders.

use std::collections::BTreeMap;

use super::super::entry::{Body, Bytes, Entry, Output, What};
use super::super::files::{Look, Root, Trouble, shown, split};
use super::super::keep::some_of;
use super::super::memo::Memo;
use super::super::restore::{Aside, IN_THE_WAY, Restorer, Todo, may_write, survey};
use super::super::shelf::Shelf;
use super::super::stat::stat_at;
use super::manifest::{Manifest, Piece};
use crate::logic::cache::pattern::Patterns;
use crate::logic::text::{listed_names, plural};

/// What is put where.
pub(super) struct Parcel {
    pub(super) name: String,
    pub(super) manifest: Manifest,
    /// Below the root; empty for that itself.
    pub(super) folder: String,
}

impl Parcel {
    /// Leaves out what patterns of files below the root name.
    ///
    /// # Errors
    /// A pattern that is none.
    pub(super) fn without(mut self, patterns: &[String]) -> Result<Self, String> {
        let patterns = Patterns::read(patterns)?;
        self.manifest.pieces.retain(|it| !patterns.name(&shown(&place(&self.folder, &it.output.path.0))));
        Ok(self)
    }

    /// Returns where its files and folders go, below the root.
    pub(super) fn paths(&self) -> impl Iterator<Item = Vec<u8>> {
        self.manifest.pieces.iter().map(|it| place(&self.folder, &it.output.path.0))
    }
}

/// What is needed to put files into place.
pub(super) struct Extractor<'a> {
    pub(super) root: &'a Root,
    pub(super) shelf: &'a Shelf,
    pub(super) memo: &'a Memo,
    /// Files that are there and are other ones are replaced.
    pub(super) overwrites: bool,
    /// Where those of them go that nobody has made; without it they are gone.
    pub(super) aside: Option<Aside<'a>>,
}

/// What was put into place, of each.
#[derive(Debug, Default)]
pub(super) struct Extracted {
    /// Files that were written.
    pub(super) written: u32,
    /// Files that were moved aside for them.
    pub(super) aside: Vec<String>,
    /// Where those are that could not be, in words.
    pub(super) stuck: Vec<String>,
}

/// So many files are named in a message.
const NAMED: usize = 5;

/// Says what cannot be put into place, and what to do.
fn in_way(parcels: &[Parcel], trouble: Trouble) -> String {
    if trouble.reason != IN_THE_WAY {
        return trouble.message;
    }
    let names: Vec<String> = parcels.iter().map(|it| it.name.clone()).collect();
    let what = if names.len() == 1 { "the artifact" } else { "one of the artifacts" };
    let message = trouble.message.replace(" of the result", " of it");
    format!("{what} {} cannot be put into place: {message}; remove what is there first", some_of(&names))
}

impl Extractor<'_> {
    /// Puts everything into place.
    ///
    /// # Errors
    /// What is missing, damaged, in the way or there twice; nothing has changed then.
    pub(super) fn extract(&self, parcels: &[Parcel]) -> Result<Vec<Extracted>, String> {
        for it in parcels {
            self.check_whole(it)?;
        }
        let (entry, owners) = together(parcels)?;
        let mut look = Look::new(self.root, self.memo);
        for it in parcels {
            self.check_links(it)?;
        }
        let todo = survey(&mut look, self.memo, &entry, None).map_err(|trouble| in_way(parcels, trouble))?;
        may_write(self.root, &todo).map_err(|trouble| trouble.message)?;
        if !self.overwrites {
            self.refuse_others(&todo)?;
        }
        let restorer = Restorer { shelf: self.shelf, memo: self.memo, db: None, aside: self.aside };
        let restored = restorer.apply(self.root, 0, &entry, &todo).map_err(|trouble| trouble.message)?;
        let mut each: Vec<Extracted> = parcels.iter().map(|_| Extracted::default()).collect();
        for it in &todo {
            if let Todo::File { path, .. } | Todo::Link { path, .. } = it
                && let Some(owner) = owners.get(*path)
            {
                each[*owner].written += 1;
            }
        }
        for name in restored.aside {
            if let Some(owner) = owners.get(name.as_bytes()) {
                each[*owner].aside.push(name);
            }
        }
        for (name, words) in restored.stuck {
            if let Some(owner) = owners.get(name.as_bytes()) {
                each[*owner].stuck.push(words);
            }
        }
        Ok(each)
    }

    /// Refuses an artifact whose files are not in the store as they were.
    fn check_whole(&self, it: &Parcel) -> Result<(), String> {
        let wrong =
            it.manifest.bodies().find(|(_, body)| !self.shelf.is_whole(&body.hash.0, body.size, self.memo));
        match wrong {
            None => Ok(()),
            Some((path, _)) => Err(format!(
                "the artifact `{}` is damaged: its file `{}` is missing in the store, or is another one",
                it.name,
                shown(path)
            )),
        }
    }

    /// Refuses links on the way to files, below the folder of an artifact: they may lead out of it.
    fn check_links(&self, it: &Parcel) -> Result<(), String> {
        let mut known: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
        for Piece { output, .. } in &it.manifest.pieces {
            let mut above = split(&output.path.0).0;
            while !above.is_empty() && known.insert(above.to_vec(), ()).is_none() {
                let path = place(&it.folder, above);
                let found = stat_at(self.root.fd(), path.as_slice()).ok().flatten();
                if found.is_some_and(|found| found.is_link()) {
                    return Err(format!(
                        "`{}` is a link where a folder of the artifact `{}` goes; remove it first",
                        shown(&path),
                        it.name
                    ));
                }
                above = split(above).0;
            }
        }
        Ok(())
    }

    fn refuse_others(&self, todo: &[Todo<'_>]) -> Result<(), String> {
        let paths = todo.iter().filter_map(|it| match it {
            Todo::File { path, .. } | Todo::Link { path, .. } => Some(*path),
            Todo::Folder { .. } | Todo::Remove { .. } => None,
        });
        let there: Vec<String> = paths
            .filter(|path| matches!(stat_at(self.root.fd(), *path), Ok(Some(_))))
            .map(|path| self.root.full(path).display().to_string())
            .collect();
        if there.is_empty() {
            return Ok(());
        }
        let more = there.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = listed_names(&there[..there.len().min(NAMED)], "and");
        Err(format!("{} would be replaced by another one: {shown}{more}", plural(there.len(), "file")))
    }
}

/// Returns where a path of an artifact goes, below the root.
pub(super) fn place(folder: &str, path: &[u8]) -> Vec<u8> {
    if folder.is_empty() { path.to_vec() } else { [folder.as_bytes(), b"/", path].concat() }
}

/// Returns everything as one entry, and to which artifact each path belongs.
fn together(parcels: &[Parcel]) -> Result<(Entry, BTreeMap<Vec<u8>, usize>), String> {
    let mut all: BTreeMap<Vec<u8>, (usize, What)> = BTreeMap::new();
    let mut inside = Vec::new();
    for (at, parcel) in parcels.iter().enumerate() {
        let from =
            u32::try_from(inside.len()).map_err(|_| "these are too many small files at once".to_owned())?;
        inside.extend(&parcel.manifest.inside);
        for Piece { output, .. } in &parcel.manifest.pieces {
            let path = place(&parcel.folder, &output.path.0);
            let what = moved(&output.what, from);
            match all.get(&path) {
                None => {
                    all.insert(path, (at, what));
                }
                Some((_, known)) if is_same(known, &what) => {}
                Some((other, _)) => return Err(clash(parcels, (*other, at), &path)),
            }
        }
    }
    for (path, (at, _)) in &all {
        let mut above = split(path).0;
        while !above.is_empty() {
            if let Some((other, What::File { .. } | What::Link { .. })) = all.get(above) {
                return Err(clash(parcels, (*other, *at), above));
            }
            above = split(above).0;
        }
    }
    let owners = all.iter().map(|(path, (at, _))| (path.clone(), *at)).collect();
    let files = all.into_iter().map(|(path, (_, what))| Output { path: Bytes(path), what }).collect();
    Ok((Entry::bare(files, inside), owners))
}

/// Moves the place of bytes inside.
fn moved(what: &What, by: u32) -> What {
    match what {
        What::File { mode, body } => {
            let at = body.at.map(|at| at.saturating_add(by));
            What::File { mode: *mode, body: Body { at, ..body.clone() } }
        }
        other => other.clone(),
    }
}

fn is_same(a: &What, b: &What) -> bool {
    match (a, b) {
        (What::File { mode: a, body: x }, What::File { mode: b, body: y }) => {
            x.hash == y.hash && x.size == y.size && a & 0o100 == b & 0o100
        }
        (a, b) => a == b,
    }
}

fn clash(parcels: &[Parcel], (one, other): (usize, usize), path: &[u8]) -> String {
    format!(
        "the artifacts `{}` and `{}` both have `{}`, and not the same; leave out `merge`, or take them into folders of their own",
        parcels[one].name,
        parcels[other].name,
        shown(path)
    )
}
