//! Themes in real folders: whose wins, what is listed, what cannot be read.

use std::path::Path;

use super::{Places, file, names, open};
use crate::logic::theme::{Attributes, Color, Token};

struct Folders {
    root: tempfile::TempDir,
    user: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), user: tempfile::tempdir().unwrap() }
    }

    fn places(&self) -> Places<'_> {
        Places { user: Some(self.user.path()), root: self.root.path() }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn a_theme_of_the_user_stands_before_a_bundled_one() {
    let folders = Folders::new();
    Folders::write(folders.user.path(), "mono.yml", "extends: mono\ntokens: {error: {fg: 1}}\n");
    Folders::write(folders.user.path(), "harbor.yaml", "extends: mono\n");
    Folders::write(folders.user.path(), "notes.txt", "no theme");
    Folders::write(folders.user.path(), ".harbor.yml", "of an editor");
    let places = folders.places();
    let all = names(places);
    assert_eq!(all, ["terminal", "mono", "night", "day", "okabe-ito-dark", "okabe-ito-light", "harbor"]);
    let mono = open(places, "mono").unwrap().theme.unwrap();
    assert_eq!(mono.style(Token::Error).fg, Some(Color::Index(1)));
    assert_eq!(mono.style(Token::Title).attributes, Attributes::BOLD, "from the bundled one");
    let harbor = open(places, "harbor").unwrap().theme.unwrap();
    assert_eq!((harbor.name.as_str(), harbor.style(Token::Error)), ("harbor", mono.style(Token::Error)));
    assert_eq!(file(places, "harbor"), Some(folders.user.path().join("harbor.yaml")));
    assert_eq!(file(places, "night"), None);
}

#[test]
fn a_path_begins_at_the_projects_root() {
    let folders = Folders::new();
    Folders::write(folders.root.path(), "ours.yml", "\u{feff}tokens: {eror: {}}\n");
    let reading = open(folders.places(), "ours.yml").unwrap();
    assert!(reading.theme.is_none());
    let (source, found) = &reading.faults[0];
    assert_eq!((&*source.name, found[0].slug), ("ours.yml", "unknown-token"));
    assert_eq!(source.place(found[0].span.start).column, 10);
}

#[test]
fn what_is_not_there_is_told_in_words() {
    let folders = Folders::new();
    let told = |wanted: &str| {
        let error = open(folders.places(), wanted).unwrap_err();
        (
            error.message.replace(&*folders.root.path().to_string_lossy(), "ROOT"),
            error.help.unwrap_or_default(),
        )
    };
    assert_eq!(told("nigth"), ("there is no theme `nigth`".to_owned(), "did you mean `night`?".to_owned()));
    assert_eq!(told("..").0, "there is no theme `..`");
    assert_eq!(
        told("./ours.yml").0,
        "the theme `ours.yml` cannot be read: No such file or directory (os error 2)"
    );
    std::fs::File::create(folders.root.path().join("large.yml")).unwrap().set_len(300_000).unwrap();
    assert_eq!(told("large.yml").0, "the theme `large.yml` cannot be read: it is larger than 256 KiB");
    let nobody = Places { user: None, root: folders.root.path() };
    assert!(open(nobody, "night").unwrap().theme.is_some());
}
