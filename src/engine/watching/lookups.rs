//! Which names in which folders decide what a path means: each folder on its way, each link, and the file itself.
//!
//! So a change is heard of whatever is done: a save by rename, a link that leads elsewhere, a folder that is moved away and
//! comes back. Not here: hearing of them (`ear.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// So many links are followed; the system follows no more.
const MOST_LINKS: usize = 40;

/// Names that are looked up, by the folders that they are looked up in, without links in their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lookups {
    names: BTreeMap<PathBuf, BTreeSet<OsString>>,
    /// Folders of which everything counts.
    whole: BTreeSet<PathBuf>,
}

impl Lookups {
    /// Adds a file; of the folders on its way those at or below the root count, and links wherever they are.
    pub(super) fn add_file(&mut self, root: &Path, path: &Path) {
        let mut links = 0;
        self.walk(root, path, &mut links);
    }

    /// Adds a folder with everything that lies in it, but not deeper.
    pub(super) fn add_folder(&mut self, root: &Path, path: &Path) {
        self.add_file(root, path);
        if let Ok(real) = path.canonicalize()
            && real.is_dir()
        {
            self.whole.insert(real);
        }
    }

    /// Returns the folders to listen to.
    pub(super) fn folders(&self) -> BTreeSet<PathBuf> {
        self.names.keys().chain(&self.whole).cloned().collect()
    }

    /// Says whether what happened to a path may matter.
    pub(super) fn concern(&self, path: &Path) -> bool {
        let is_named = |folder: &Path, name: &OsStr| {
            self.names.get(folder).is_some_and(|names| names.contains(name)) || self.whole.contains(folder)
        };
        path.parent().zip(path.file_name()).is_some_and(|(folder, name)| is_named(folder, name))
            || self.names.contains_key(path)
            || self.whole.contains(path)
    }

    fn walk(&mut self, root: &Path, path: &Path, links: &mut usize) {
        let mut here = PathBuf::from("/");
        let parts: Vec<Component<'_>> = path.components().collect();
        for (at, part) in parts.iter().enumerate() {
            let name = match part {
                Component::Normal(name) => *name,
                Component::ParentDir => {
                    here.pop();
                    continue;
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => continue,
            };
            let next = here.join(name);
            let target = std::fs::read_link(&next).ok();
            let is_last = at + 1 == parts.len();
            if is_last || target.is_some() || here.starts_with(root) {
                self.names.entry(here.clone()).or_default().insert(name.to_owned());
            }
            let Some(target) = target else {
                if !is_last && !next.is_dir() {
                    // What is below it can only come after it.
                    if !here.starts_with(root) {
                        self.names.entry(here).or_default().insert(name.to_owned());
                    }
                    return;
                }
                here = next;
                continue;
            };
            *links += 1;
            if *links > MOST_LINKS {
                return;
            }
            let mut whole = here.join(target);
            whole.extend(&parts[at + 1..]);
            return self.walk(root, &whole, links);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn of(root: &Path, path: &Path) -> Lookups {
        let mut lookups = Lookups::default();
        lookups.add_file(root, path);
        lookups
    }

    #[test]
    fn each_folder_below_the_root_counts_and_neighbours_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir(root.join("a")).expect("a folder");
        let it = of(&root, &root.join("a/b.yml"));
        assert!(it.concern(&root.join("a/b.yml")) && it.concern(&root.join("a")));
        assert!(!it.concern(&root.join("a/c.yml")) && !it.concern(&root.join("d")));
        assert!(!it.concern(&root.join("a/.b.yml.swp")) && !it.concern(&root.join("a/b.yml~")));
        assert_eq!(it.folders(), [root.clone(), root.join("a")].into());
    }

    #[test]
    fn a_link_counts_and_what_it_leads_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().canonicalize().expect("it is there");
        let root = base.join("project");
        std::fs::create_dir_all(root.join("books")).expect("a folder");
        std::fs::create_dir_all(base.join("else/where")).expect("a folder");
        std::fs::write(base.join("else/where/x.yml"), "").expect("a file");
        symlink("../../else/where/x.yml", root.join("books/x.yml")).expect("a link");
        let it = of(&root, &root.join("books/x.yml"));
        assert!(it.concern(&root.join("books/x.yml")) && it.concern(&base.join("else/where/x.yml")));
        symlink("books", root.join("there")).expect("a link");
        let it = of(&root, &root.join("there/x.yml"));
        assert!(it.concern(&root.join("there")) && it.concern(&root.join("books/x.yml")));
        assert!(!it.concern(&base.join("else/where/y.yml")));
    }

    #[test]
    fn a_ring_of_links_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        symlink("b", root.join("a")).expect("a link");
        symlink("a", root.join("b")).expect("a link");
        let it = of(&root, &root.join("a"));
        assert!(it.concern(&root.join("a")) && it.concern(&root.join("b")));
    }

    #[test]
    fn where_a_folder_is_missing_its_coming_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        let it = of(&root, &root.join("gone/deep/x.yml"));
        assert!(it.concern(&root.join("gone")));
        assert_eq!(it.folders(), [root].into());
    }
}
