//! Readings that are remembered: whole, for their text only, and never where there is something to say.

use super::*;
use crate::engine::Project;
use crate::logic::playbook::{self, source::Unread};

/// A text that is long enough to be remembered, with something of most kinds.
fn long(stages: usize) -> String {
    let mut text = "version: 3\nname: long\non:\n  schedule: [{cron: '5 4 * * 1-5', timezone: Europe/Berlin}]\n\
                    inputs: {level: {type: choice, options: [a, b], default: a}}\nvars: {deep: 2.5}\nstages:\n"
        .to_owned();
    for at in 0..stages {
        text += &format!(
            "  s{at}:\n    if: inputs.level == 'a' && always()\n    strategy: {{matrix: {{k: [1, two, true]}}}}\n    \
             run: echo ${{{{ matrix.k }}}} {at} ${{{{ vars.deep }}}}\n    cache: {{inputs: [in/{at}], \
             outputs: ['out/{at}-${{{{ matrix.k }}}}']}}\n    retry: {{attempts: 3, on: [failure, 'exit:3-9']}}\n"
        );
    }
    text
}

fn read(text: &str) -> (Source, Reading) {
    let source = Source::new("long.yml", text);
    let reading = playbook::read(&source);
    (source, reading)
}

#[test]
fn every_playbook_of_the_project_is_remembered_as_it_was_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Project::new(root.to_path_buf(), root.join(".sortie"));
    let mut seen = 0;
    for folder in ["playbooks", "tests/fixtures"] {
        for entry in walkdir::WalkDir::new(root.join(folder)) {
            let path = entry.expect("it can be listed").into_path();
            if path.extension().is_none_or(|it| it != "yml") {
                continue;
            }
            let reading = crate::engine::library::open(&project, &path).expect("it can be read").reading;
            let Some(playbook) = reading.playbook else { continue };
            let bytes = postcard::to_stdvec(&playbook).expect("it can be written");
            let again: Playbook = postcard::from_bytes(&bytes).expect("it can be read");
            assert_eq!(format!("{again:#?}"), format!("{playbook:#?}"), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 25, "only {seen} playbooks were found");
}

#[test]
fn what_was_read_is_remembered_for_that_text_only() {
    let state = tempfile::tempdir().expect("a folder");
    let path = Path::new("/p/long.yml");
    let (source, reading) = read(&long(60));
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    let remembered =
        remember(state.path(), path, &source, &reading).expect("there is nothing to say about it");
    // Without a store of results nothing is kept.
    remembered.keep();
    assert!(recall(state.path(), path, &source).is_none());
    fs::create_dir(state.path().join("cache")).expect("a folder");
    remembered.keep();
    let again = recall(state.path(), path, &source).expect("it is remembered");
    assert_eq!(format!("{:?}", again.playbook), format!("{:?}", reading.playbook));
    // Another text, another name, another path.
    let (changed, _) = read(&long(60).replace("in/7]", "in/8]"));
    assert!(recall(state.path(), path, &changed).is_none());
    let named = Source::new("other.yml", source.text.clone());
    assert!(recall(state.path(), path, &named).is_none());
    assert!(recall(state.path(), Path::new("/p/other.yml"), &source).is_none());
}

#[test]
fn a_file_that_is_not_whole_is_not_believed() {
    let state = tempfile::tempdir().expect("a folder");
    fs::create_dir(state.path().join("cache")).expect("a folder");
    let path = Path::new("/p/long.yml");
    let (source, reading) = read(&long(60));
    remember(state.path(), path, &source, &reading).expect("there is nothing to say about it").keep();
    let file = file_of(state.path(), path);
    let whole = fs::read(&file).expect("it is there");
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).expect("it is written");
        assert!(recall(state.path(), path, &source).is_none(), "byte {at}");
        fs::write(&file, &whole[..at]).expect("it is written");
        assert!(recall(state.path(), path, &source).is_none(), "{at} bytes");
    }
    fs::write(&file, &whole).expect("it is written");
    assert!(recall(state.path(), path, &source).is_some());
}

#[test]
fn what_there_is_to_say_about_a_text_is_said_each_time_and_small_ones_are_read() {
    let state = tempfile::tempdir().expect("a folder");
    let path = Path::new("/p/long.yml");
    let (source, mut reading) = read(&long(2));
    assert!(remember(state.path(), path, &source, &reading).is_none());
    let (source, warned) = read(&long(60).replace("name: long\n", "name: long\nunknown-key: 1\n"));
    assert!(!warned.diagnostics.is_empty());
    assert!(remember(state.path(), path, &source, &warned).is_none());
    reading = read(&long(60)).1;
    let called = Source::new("long.yml", long(60)).with_called(std::sync::Arc::new(
        [("x.yml".into(), Err(Unread::NotThere(None)))].into_iter().collect(),
    ));
    assert!(remember(state.path(), path, &called, &reading).is_none());
}

#[test]
fn only_so_many_are_remembered() {
    let state = tempfile::tempdir().expect("a folder");
    fs::create_dir(state.path().join("cache")).expect("a folder");
    let (source, reading) = read(&long(60));
    for at in 0..MOST + 9 {
        let path = format!("/p/{at}.yml");
        remember(state.path(), Path::new(&path), &source, &reading).expect("nothing to say").keep();
    }
    assert_eq!(fs::read_dir(folder(&state.path().join("cache"))).expect("a folder").count(), MOST);
}
