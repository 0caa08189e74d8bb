//! Copies of a store that were made while a job ran, and lost a part: cut at and between all borders of pages, with a page
//! that holds something else, with letters changed. Every command gives what is whole, or a sentence with the way out.
//!
//! Not here: a store that was cut afterwards (`history.rs`), disks that are full (`full.rs`).

use std::path::{Path, PathBuf};

use crate::kit::{Sandbox, eventually, nothing_is_left};

const PAGE: usize = 4096;

/// A frame of the write-ahead log: a page and what stands before it.
const FRAME: usize = PAGE + 24;

/// What stands before all frames.
const HEAD: usize = 32;

const PLAYBOOK: &str = r#"version: 3
name: torn
defaults: { cancel: { grace: 300ms } }
stages:
  a: { matrix: { n: [1, 2, 3] }, run: "echo hello; echo more" }
  b: { needs: a, run: "echo begun; touch waits; until test -e go; do sleep 0.02; done" }
"#;

/// A copy of the store of a job that runs, and what the job had told by then.
struct Copied {
    sandbox: Sandbox,
    database: Vec<u8>,
    log: Vec<u8>,
    told: Vec<String>,
}

impl Copied {
    /// Takes the copy while the second of two jobs waits; the first has ended, and is in the database if `is_copied_in`.
    fn new(is_copied_in: bool) -> Self {
        let sandbox = Sandbox::new().file("torn.yml", PLAYBOOK).file("go", "");
        sandbox.sortie(["run", "torn.yml"]).run().code(0).done();
        if is_copied_in {
            let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db"));
            let store = store.expect("it is there");
            store.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("nobody uses it");
        }
        for name in ["go", "waits"] {
            std::fs::remove_file(sandbox.project().join(name)).expect("it is there");
        }
        let words = ["run", "torn.yml", "--ui", "json", "--on-loss", "stop"];
        let live = sandbox.sortie(words).start();
        // From now on nothing is recorded until it may go on.
        eventually("the step that waits", || sandbox.project().join("waits").exists());
        let state = sandbox.project().join(".sortie");
        let (database, log) = (read(&state.join("sortie.db")), read(&state.join("sortie.db-wal")));
        let copy = sandbox.base().join("copy");
        copy_folder(&state.join("jobs"), &copy.join("jobs"));
        let told = sandbox.sortie(["jobs", "events", "2"]).run().code(0).out;
        let told = told.lines().map(str::to_owned).collect();
        std::fs::write(sandbox.project().join("go"), "").expect("it is ours");
        live.wait().code(0).done();
        Self { sandbox, database, log, told }
    }

    /// Puts a copy with those files in the place of the store.
    fn lay(&self, database: &[u8], log: &[u8]) {
        let state = self.sandbox.project().join(".sortie");
        std::fs::remove_dir_all(&state).expect("it is ours");
        copy_folder(&self.sandbox.base().join("copy"), &state);
        std::fs::write(state.join("sortie.db"), database).expect("it is ours");
        std::fs::write(state.join("sortie.db-wal"), log).expect("it is ours");
    }

    /// Asks everything of what lies there. `is_cut` says that what is left is as it was.
    fn holds(&self, place: &str, is_cut: bool) {
        let sandbox = &self.sandbox;
        for words in [
            &["jobs", "list"][..],
            &["jobs", "show", "1"],
            &["jobs", "show", "last"],
            &["jobs", "logs", "last"],
            &["logs", "--query", "hello"],
            &["store", "verify"],
            &["store", "export"],
            &["jobs", "events", "2"],
            &["jobs", "recover", "2"],
            &["jobs", "wait", "2"],
            &["run", "torn.yml", "-q"],
        ] {
            let ran = sandbox.sortie(words.iter().copied()).run();
            let said = format!("{place}: {words:?}\n{}\n{}", ran.out, ran.err);
            assert!(!ran.err.contains("panicked") && !ran.err.contains("this is a bug"), "{said}");
            if words[1] == "events" && is_cut && ran.is_code(0) {
                let lines: Vec<&str> = ran.out.lines().collect();
                assert!(lines.len() <= self.told.len(), "{said}");
                assert!(lines.iter().zip(&self.told).all(|(is, was)| is == was), "{said}");
            }
            // The job that was interrupted fails, as its step was lost, and what is not there cannot be asked.
            let is_answered = [0, 1, 2, 3].iter().any(|code| ran.is_code(*code));
            let is_told = ran.is_code(5)
                && ["error: ", "left out: ", "problem", "could not be gone on with: "]
                    .iter()
                    .any(|words| ran.err.contains(words) || ran.out.contains(words));
            assert!(is_answered || is_told, "{said}");
            if ran.is_code(5) && ran.err.contains("error: ") {
                assert!(ran.err.contains("help: "), "{said}");
            }
        }
        nothing_is_left(sandbox, std::time::Duration::from_secs(5));
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("it is there")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the sandbox is writable");
    for entry in std::fs::read_dir(from).expect("it is there").flatten() {
        let to: PathBuf = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else if entry.path().is_file() {
            std::fs::copy(entry.path(), to).expect("the sandbox is writable");
        }
    }
}

#[test]
fn a_copy_of_a_running_store_has_all_that_was_told_before_it() {
    let copied = Copied::new(false);
    copied.lay(&copied.database, &copied.log);
    let events = copied.sandbox.sortie(["jobs", "events", "2"]).run().code(0).out;
    assert_eq!(events.lines().collect::<Vec<_>>(), copied.told);
    copied.sandbox.sortie(["jobs", "list"]).run().code(0).says("interrupted").says("passed").done();
    copied.sandbox.sortie(["store", "verify"]).run().code(0).says("the store is whole: 2 jobs").done();
    copied.holds("whole", true);
}

#[test]
fn a_log_of_the_database_that_was_cut_anywhere_gives_what_is_before_the_cut() {
    let copied = Copied::new(false);
    let frames = (copied.log.len() - HEAD) / FRAME;
    assert!(frames > 20, "{frames} frames are little");
    let borders = (0..=frames).map(|frame| HEAD + frame * FRAME);
    // At the border, in what stands before a page, and in the page.
    let places = borders.enumerate().map(|(at, border)| border + [0, 12, 2000][at % 3]);
    for length in places.chain([0, 16]).map(|length| length.min(copied.log.len())) {
        copied.lay(&copied.database, &copied.log[..length]);
        copied.holds(&format!("log of {length} bytes"), true);
    }
}

#[test]
fn a_database_that_was_cut_anywhere_is_told_as_damaged() {
    let copied = Copied::new(true);
    let pages = copied.database.len() / PAGE;
    assert!(pages > 10, "{pages} pages are little");
    for page in 0..pages {
        let length = page * PAGE + [0, 100, 2000][page % 3];
        for log in [&copied.log[..], &[]] {
            copied.lay(&copied.database[..length], log);
            copied.holds(&format!("database of {length} bytes, log of {}", log.len()), false);
        }
    }
}

#[test]
fn a_page_that_holds_something_else_and_numbers_that_make_no_sense_are_told() {
    let copied = Copied::new(true);
    for page in 0..copied.database.len() / PAGE {
        let mut database = copied.database.clone();
        let it = &mut database[page * PAGE..][..PAGE];
        match page % 2 {
            0 => it.fill(0x5a),
            // Cells of events that there are not.
            _ => it
                .windows(7)
                .enumerate()
                .filter(|(_, it)| *it == b"\"cell\":")
                .map(|(at, _)| at + 7)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|at| {
                    if let Some(digit) = it.get_mut(at) {
                        *digit = b'9'
                    }
                }),
        }
        copied.lay(&database, &copied.log);
        copied.holds(&format!("page {page}"), false);
    }
}
