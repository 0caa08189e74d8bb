//! A playbook that is written anew: nobody's work is lost, and nothing is left behind.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Original, open};
use crate::engine::{ErrorKind, Project};

const TEXT: &str = "version: 3\nstages: {a: {run: x}}\n";

fn project(root: &Path) -> Project {
    Project::new(root.to_path_buf(), root.join(".sortie"))
}

struct Place {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.yml");
        fs::write(&path, TEXT).unwrap();
        Self { folder, path }
    }

    fn original(&self) -> Original {
        open(&project(self.folder.path()), &self.path).unwrap().1
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

#[test]
fn another_text_takes_the_place_of_the_first() {
    let place = Place::new();
    // What a crash left behind is in nobody's way.
    fs::write(place.folder.path().join(format!(".one.yml.{}.part", std::process::id())), "half").unwrap();
    place.original().write("new").unwrap();
    assert_eq!((place.text().as_str(), place.files()), ("new", 1));
}

#[test]
fn what_somebody_wrote_meanwhile_stays() {
    let place = Place::new();
    let original = place.original();
    fs::write(&place.path, "by somebody else").unwrap();
    let error = original.write("new").unwrap_err();
    assert_eq!((error.kind, place.text().as_str()), (ErrorKind::Refused, "by somebody else"));
    assert_eq!(place.files(), 1, "something was left behind");
    let gone = place.original();
    fs::remove_file(&place.path).unwrap();
    let error = gone.write("new").unwrap_err();
    assert_eq!((error.kind, place.files()), (ErrorKind::Surroundings, 0));
}

#[test]
fn selectors_of_scripts_and_folders_are_no_files() {
    let place = Place::new();
    for name in ["0402", "nowhere.yml", "."] {
        let error = open(&project(place.folder.path()), &place.folder.path().join(name)).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Usage, "{name}: {error}");
    }
}
