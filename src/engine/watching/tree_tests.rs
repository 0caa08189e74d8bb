//! Watching real trees: what is told, and that it is told once.

use std::fs;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// How long news may take to come.
const LIMIT: Duration = Duration::from_secs(20);

struct Yard {
    _folder: tempfile::TempDir,
    root: PathBuf,
    trees: Option<Trees>,
    told: Receiver<TreeNews>,
}

impl Yard {
    fn new(what: What, without: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        for (name, text) in [
            ("src/a.c", "a"),
            ("src/deep/b.c", "b"),
            ("made/x", "x"),
            ("p.yml", "p"),
            (".gitignore", "*.log\nbuild/\n"),
            ("build/z", "z"),
            (".sortie/db", "d"),
        ] {
            fs::create_dir_all(root.join(name).parent().expect("a folder")).expect("a folder");
            fs::write(root.join(name), text).expect("a file");
        }
        let without: Vec<String> = without.iter().map(|&it| it.to_owned()).collect();
        let without = Patterns::read(&without).into_iter().filter(|_| !without.is_empty()).collect();
        let (book, state) = (BTreeSet::from([root.join("p.yml")]), root.join(".sortie"));
        let (tell, told) = channel();
        let scope = Scope { root: root.clone(), what, without, book, state };
        let trees = watch(scope, move |news| tell.send(news).is_ok()).expect("a thread");
        Self { _folder: folder, root, trees: Some(trees), told }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn assert_ready(&self, count: usize) {
        self.assert_ready_but(count, &[]);
    }

    #[track_caller]
    fn assert_ready_but(&self, files: usize, unmatched: &[&str]) {
        let unmatched = unmatched.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(self.told.recv_timeout(LIMIT), Ok(TreeNews::Ready { files, unmatched }));
    }

    #[track_caller]
    fn assert_next(&self, names: &[&str]) -> Batch {
        match self.told.recv_timeout(LIMIT) {
            Ok(TreeNews::Changed(batch)) => {
                assert_eq!(batch.files.iter().map(String::as_str).collect::<Vec<_>>(), names);
                batch
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn all_that_git_does_not_ignore_counts_but_what_the_job_makes() {
    let yard = Yard::new(What::Everything, &["made/**"]);
    yard.assert_ready(4);
    yard.write("src/deep/b.c", "other");
    // By then what was in the files is known.
    yard.assert_next(&["src/deep/b.c"]);
    yard.write("x.log", "ignored");
    yard.write("build/z", "ignored");
    yard.write("made/y", "made");
    yard.write(".sortie/db", "state");
    yard.write("src/a.c", "a");
    yard.write("src/new/c.c", "new");
    assert!(!yard.assert_next(&["src/new/c.c"]).has_book);
    yard.write("src/new/c.c", "newer");
    yard.assert_next(&["src/new/c.c"]);
    fs::remove_dir_all(yard.root.join("src/deep")).expect("removed");
    yard.assert_next(&["src/deep/b.c"]);
    yard.write("p.yml", "other");
    assert!(yard.assert_next(&["p.yml"]).has_book);
}

#[test]
fn globs_and_inputs_say_what_counts() {
    let globs = What::Globs(vec!["src/**".to_owned(), "!src/deep/**".to_owned()]);
    let inputs = What::Inputs(vec![
        Patterns::read(&["src/**".to_owned(), "!src/deep/**".to_owned()]).expect("patterns"),
    ]);
    for what in [globs, inputs] {
        let yard = Yard::new(what, &[]);
        yard.assert_ready(2);
        yard.write("made/x", "other");
        yard.write("src/deep/b.c", "other");
        yard.write("src/a.c", "other");
        yard.assert_next(&["src/a.c"]);
        // Its folder comes first.
        yard.write("src/more/and/more.c", "new");
        yard.assert_next(&["src/more/and/more.c"]);
    }
}

#[test]
fn globs_that_name_no_file_are_told_and_watched_still() {
    let globs = ["src/**", "none/**", "src/deep/*", "!src/deep/**"].map(str::to_owned).to_vec();
    let yard = Yard::new(What::Globs(globs), &[]);
    yard.assert_ready_but(2, &["none/**", "src/deep/*"]);
    yard.write("none/yet", "new");
    yard.assert_next(&["none/yet"]);
    let yard = Yard::new(What::Globs(vec!["!src/**".to_owned()]), &[]);
    yard.assert_ready_but(1, &["!src/**"]);
    // The playbook is watched in any case, and may be named as well.
    let yard = Yard::new(What::Globs(vec!["*.yml".to_owned()]), &[]);
    yard.assert_ready(1);
}

#[test]
fn a_thousand_files_at_once_are_one_change() {
    let yard = Yard::new(What::Everything, &[]);
    yard.assert_ready(5);
    for at in 0..1000 {
        yard.write(&format!("src/many/{at}.c"), "new");
    }
    yard.write("src/a.c", "last");
    let mut seen = BTreeSet::new();
    // A machine that is busy may take longer for them than anybody waits.
    while !seen.contains("src/a.c") {
        match yard.told.recv_timeout(LIMIT) {
            Ok(TreeNews::Changed(batch)) => {
                assert!(batch.files.iter().all(|file| seen.insert(file.clone())), "told twice");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen.len(), 1001);
}

#[test]
fn another_scope_counts_from_then_on() {
    let yard = Yard::new(What::Globs(vec!["src/**".to_owned()]), &[]);
    yard.assert_ready(3);
    let scope = Scope {
        root: yard.root.clone(),
        what: What::Globs(vec!["made/**".to_owned()]),
        without: Vec::new(),
        book: BTreeSet::new(),
        state: yard.root.join(".sortie"),
    };
    yard.trees.as_ref().expect("it watches").set(scope);
    yard.assert_ready(1);
    yard.write("src/a.c", "other");
    yard.write("made/x", "other");
    yard.assert_next(&["made/x"]);
}
