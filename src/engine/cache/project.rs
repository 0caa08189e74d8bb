//! The project as a whole: the files that git tracks or does not ignore, and a listing that shows what was written.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::ffi::OsStrExt;

use ignore::WalkBuilder;

use super::beside::Beside;
use super::files::{Item, Look, Trouble, read_patterns, shown};
use super::stat::Stamp;
use crate::logic::cache::pattern::Patterns;

/// Returns the files of the project that git tracks, or does not ignore; of those what patterns name, if there are any. What
/// was made before, each list of patterns by itself, and what was written beside any outputs is there in any case.
///
/// # Errors
/// A folder that cannot be read, or a pattern that is none.
pub(super) fn files(
    look: &mut Look<'_>,
    texts: &[String],
    (made, beside): (&[Vec<String>], &Beside),
) -> Result<Vec<Item>, Trouble> {
    let patterns = if texts.is_empty() { None } else { Some(read_patterns(texts)?) };
    let root = look.root;
    let state = root.state_path();
    let walk = WalkBuilder::new(&root.path)
        .hidden(false)
        .ignore(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            entry.depth() == 0 || (entry.file_name() != ".git" && state.as_deref() != Some(entry.path()))
        })
        .build();
    let mut found = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            Trouble::new("unreadable-input", format!("the files of the project cannot be listed: {error}"))
        })?;
        let Ok(path) = entry.path().strip_prefix(&root.path) else { continue };
        let path = path.as_os_str().as_bytes();
        let is_named = patterns.as_ref().is_none_or(|it| it.name(&shown(path)));
        if path.is_empty() || !is_named {
            continue;
        }
        // It was removed meanwhile.
        let Some(stat) = look.stat(path)? else { continue };
        found.push(Item { path: path.to_vec(), stat });
    }
    add_tracked(look, patterns.as_ref(), &mut found)?;
    for texts in made {
        // What is there twice is looked at once.
        found.extend(look.list(&read_patterns(texts)?)?);
    }
    for path in beside {
        let stat = if look.is_inside(path) { look.stat(path)? } else { None };
        // That one is not there is told by the list of them.
        found.extend(stat.filter(|it| !it.is_folder()).map(|stat| Item { path: path.clone(), stat }));
    }
    Ok(found)
}

/// Adds what git tracks although it ignores it: that is as much part of the project as all else.
fn add_tracked(
    look: &mut Look<'_>,
    patterns: Option<&Patterns>,
    found: &mut Vec<Item>,
) -> Result<(), Trouble> {
    let root = look.root;
    let tracked = super::git_index::tracked(&root.path).map_err(|why| {
        let message =
            format!("it is not certain which files git tracks, because its index cannot be read: {why}");
        Trouble::new("unreadable-input", message)
    })?;
    if tracked.is_empty() {
        return Ok(());
    }
    let known: HashSet<Vec<u8>> = found.iter().map(|item| item.path.clone()).collect();
    let state = root.state_path();
    for path in tracked {
        let is_ours = state.as_ref().is_some_and(|state| root.full(&path).starts_with(state));
        let is_named = patterns.is_none_or(|it| it.name(&shown(&path)));
        if known.contains(&path) || is_ours || !is_named || !look.is_inside(&path) {
            continue;
        }
        // It was removed, and git will hear of it.
        let Some(stat) = look.stat(&path)? else { continue };
        if !stat.is_folder() {
            found.push(Item { path, stat });
        }
    }
    Ok(())
}

/// All files of the project and their states, those that git ignores and the heads of git's branches included.
#[derive(Debug, Default)]
pub(super) struct Listing(BTreeMap<Vec<u8>, Stamp>);

/// What git itself writes when a step commits, tags or fetches.
const OF_GIT: [&str; 3] = [".git/HEAD", ".git/packed-refs", ".git/refs"];

/// Lists the project.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn listing(look: &mut Look<'_>) -> Result<Listing, Trouble> {
    let mut found = BTreeMap::new();
    // A folder changes with what is in it, which tells enough; only its coming and going is looked at.
    let mut add = |path: &[u8], stat: &super::stat::Stat, _: &str| {
        let stamp = if stat.is_folder() { FOLDER } else { stat.stamp };
        found.insert(path.to_vec(), stamp);
    };
    look.walk(b"", None, &mut add)?;
    for path in OF_GIT {
        if let Some(stat) = look.stat(path.as_bytes())? {
            add(path.as_bytes(), &stat, path);
            if stat.is_folder() {
                look.walk(path.as_bytes(), None, &mut add)?;
            }
        }
    }
    Ok(Listing(found))
}

/// Stands for a folder.
pub(super) const FOLDER: Stamp = Stamp { device: 0, inode: 0, size: 0, modified: 0, changed: 0 };

impl Listing {
    /// Returns what was made, changed or removed since, but for what those patterns name, what was changed after a moment, and
    /// what is known to be no write of a stage.
    pub(super) fn written(
        &self,
        now: &Self,
        declared: &[std::sync::Arc<Patterns>],
        until: i64,
        is_placed: &dyn Fn(&[u8], &Stamp) -> bool,
    ) -> Vec<String> {
        let is_declared = |path: &[u8], is_folder: bool| {
            let text = shown(path);
            let above = format!("{text}/");
            declared.iter().any(|it| {
                // The folder of an output is made with it.
                it.name(&text)
                    || (is_folder && it.sources().any(|at| format!("{}/", at.base).starts_with(&above)))
            })
        };
        let changed = now.0.iter().filter(|(path, stamp)| self.0.get(*path) != Some(stamp));
        let changed = changed.filter(|(path, stamp)| stamp.changed <= until && !is_placed(path, stamp));
        let gone = self.0.iter().filter(|(path, _)| !now.0.contains_key(*path));
        let mut found: Vec<String> = changed
            .chain(gone)
            .filter(|(path, stamp)| !is_declared(path, **stamp == FOLDER))
            .map(|(path, _)| shown(path))
            .collect();
        found.sort();
        found.dedup();
        found
    }
}
