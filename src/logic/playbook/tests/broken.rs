//! The collection of broken playbooks, and the pages of `sortie explain`.
//!
//! A playbook `NAME.yml` lies beside `NAME.expect` with a line `severity slug line:column` for each of its faults.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::logic::playbook::testing::read_whole;
use crate::logic::playbook::{keys, slugs};

/// Slugs without an example on their page, because it would be too large or no text.
const WITHOUT_EXAMPLE: &[&str] =
    &["not-text", "file-too-large", "too-many-aliases", "expression-too-long", "script-double"];

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(path: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder(path)).expect("the folder is part of the project");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "fixtures are files, and this is their only reader")]
fn bytes_of(file: &PathBuf) -> Vec<u8> {
    std::fs::read(file).expect("the file can be read")
}

#[test]
fn every_broken_playbook_has_exactly_its_faults() {
    let files = files("tests/fixtures/broken", "yml");
    assert!(files.len() >= 67, "only {} broken playbooks are left", files.len());
    for file in files {
        let (source, reading) = read_whole("broken.yml", &bytes_of(&file));
        assert!(reading.playbook.is_none(), "{} is not broken", file.display());
        let mut found = String::new();
        for problem in &reading.diagnostics {
            let place = source.place(problem.span.start);
            let _ = writeln!(
                found,
                "{} {} {}:{}",
                problem.severity.word(),
                problem.slug,
                place.line,
                place.column
            );
        }
        for (source, problems) in &reading.called {
            for problem in problems {
                let place = source.place(problem.span.start);
                let (severity, name) = (problem.severity.word(), &source.name);
                let _ = writeln!(found, "{severity} {} {name}:{}:{}", problem.slug, place.line, place.column);
            }
        }
        expect_test::expect_file![file.with_extension("expect")].assert_eq(&found);
    }
}

#[test]
fn every_fault_of_the_collection_is_in_the_table() {
    for file in files("tests/fixtures/broken", "yml") {
        let reading = read_whole("broken.yml", &bytes_of(&file)).1;
        let called = reading.called.into_iter().flat_map(|(_, problems)| problems);
        for problem in reading.diagnostics.into_iter().chain(called) {
            assert!(
                slugs::find(problem.slug).is_some(),
                "`{}` is missing in the table of slugs",
                problem.slug
            );
            assert!(!problem.message.ends_with('.'), "{}", problem.message);
        }
    }
}

#[test]
fn every_slug_has_a_page_whose_example_shows_it() {
    for slug in slugs::ALL {
        let page = bytes_of(&folder("assets/explain").join(format!("{}.md", slug.name)));
        let page = String::from_utf8(page).expect("pages are text");
        assert!(
            page.starts_with(&format!("# {}\n", slug.name)),
            "the page of `{}` has another title",
            slug.name
        );
        let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        if WITHOUT_EXAMPLE.contains(&slug.name) {
            continue;
        }
        let example = example.unwrap_or_else(|| panic!("the page of `{}` has no example", slug.name));
        let (source, reading) = read_whole("example.yml", example.as_bytes());
        let mut found: Vec<&str> = reading.diagnostics.iter().map(|problem| problem.slug).collect();
        // What is wrong may stand in a file that is called; that its callers cannot run is no news then.
        if slug.name != "call-broken" {
            let called = reading.called.iter().flat_map(|(_, problems)| problems);
            found.extend(called.map(|problem| problem.slug));
            found.retain(|found| *found != "call-broken");
        }
        assert_eq!(found, [slug.name], "{}\n{}", slug.name, super::full(&source, &reading));
    }
}

#[test]
fn every_key_stands_once_in_its_place_and_says_what_it_does() {
    for place in keys::Place::ALL {
        let keys = keys::of(place);
        assert!(!keys.is_empty(), "{place:?} has no keys");
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(key.place, place, "{}", key.name);
            assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "{}", key.name);
            assert!(keys[..at].iter().all(|other| other.name != key.name), "{} stands twice", key.name);
        }
    }
    assert!(keys::all().count() > 200);
}
