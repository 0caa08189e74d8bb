//! Editors: yaml-language-server, as most of them run it, completes, explains and refuses by the committed schema.
//!
//! Not here: the schema against the reader (`logic/playbook/schema/tests.rs`). `tests/editor` has the program that speaks to
//! the server; `tests/all` installs the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::kit::Sandbox;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document with questions about it.
struct Document {
    text: String,
    ask: Vec<Json>,
}

/// Takes the questions out of a text: `|` is where a completion is asked for, `^` stands behind a word to be explained.
fn document(text: &str) -> Document {
    let mut document = Document { text: String::new(), ask: Vec::new() };
    for (line, written) in text.lines().enumerate() {
        for (mark, kind) in [('|', "completion"), ('^', "hover")] {
            if let Some(at) = written.find(mark) {
                let at = if mark == '^' { at - 1 } else { at };
                document.ask.push(json!({ "kind": kind, "line": line, "character": at }));
            }
        }
        document.text.push_str(&written.replace(['|', '^'], ""));
        document.text.push('\n');
    }
    document
}

/// What the server says of a document: problems, and an answer for each question.
struct Told {
    problems: Vec<String>,
    answers: Vec<Json>,
}

impl Told {
    #[track_caller]
    fn offers(&self, at: usize, words: &[&str]) {
        let offered: Vec<&str> =
            self.answers[at].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        for word in words {
            assert!(offered.contains(word), "`{word}` is not offered: {offered:?}");
        }
    }

    #[track_caller]
    fn does_not_offer(&self, at: usize, word: &str) {
        let offered = self.answers[at].as_array().cloned().unwrap_or_default();
        assert!(!offered.is_empty() && !offered.contains(&json!(word)), "{offered:?}");
    }
}

fn ask(schema: &Path, documents: &[Document]) -> Vec<Told> {
    let server = root().join("target/editor/node_modules/yaml-language-server/bin/yaml-language-server");
    assert!(
        server.is_file(),
        "yaml-language-server is missing; install it with: mkdir -p target/editor && cp tests/editor/package*.json \
         target/editor && npm ci --prefix target/editor"
    );
    let questions = json!({
        "schema": schema,
        "documents": documents.iter().map(|it| json!({ "text": it.text, "ask": it.ask })).collect::<Vec<_>>(),
    });
    let mut child = Command::new("node")
        .arg(root().join("tests/editor/ask.mjs"))
        .arg(server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`node` is missing; install it with: apt-get install nodejs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(questions.to_string().as_bytes()).expect("node reads all of it first");
    drop(input);
    let output = child.wait_with_output().expect("it was started");
    assert!(output.status.success(), "{}", output.status);
    let told: Vec<Json> = serde_json::from_slice(&output.stdout).expect("it answers in JSON");
    assert_eq!(told.len(), documents.len());
    told.into_iter()
        .map(|one| Told {
            problems: serde_json::from_value(one["diagnostics"].clone()).expect("a list of texts"),
            answers: one["answers"].as_array().cloned().unwrap_or_default(),
        })
        .collect()
}

fn committed() -> PathBuf {
    root().join("assets/schema/playbook.schema.json")
}

#[test]
fn an_editor_knows_keymaps() {
    let right = [
        "bind:\n  |",
        "bind:\n  log:\n    |",
        "bind:\n  log:\n    ctrl-g: |",
        "bind:\n  log:\n    w^: time\n    1: view-run\n    C-G: follow\n    '!': next-section\n    e: ~\n  any: {T: null}",
    ];
    let wrong = [
        ("bind:\n  lod: {}", "1: Property lod is not allowed."),
        ("bind:\n  log:\n    f5: follow", "2: expected a letter, a sign in quotes"),
        ("bind:\n  log:\n    ctrl-c: quit", "2: expected a letter, a sign in quotes"),
        ("bind:\n  log:\n    ctrl-g: folow", "2: expected an action that does something in log"),
        ("bind:\n  log:\n    ctrl-g: transpose", "2: expected an action that does something in log"),
        ("bind:\n  log:\n    ctrl-g: [follow]", "2: expected an action"),
        ("log: {e: wrap}", "0: Property log is not allowed."),
    ];
    let sandbox = Sandbox::new();
    sandbox.sortie(["schema", "keymap", "--out", "keymap.schema.json"]).run().code(0).done();
    let schema = sandbox.project().join("keymap.schema.json");
    let all: Vec<Document> =
        right.iter().copied().chain(wrong.iter().map(|(text, _)| *text)).map(document).collect();
    let told = ask(&schema, &all);
    told[0].offers(0, &["any", "verbs", "list", "log", "matrix", "launcher"]);
    told[1].offers(0, &["w", "ctrl-g", "space"]);
    told[1].does_not_offer(0, "ctrl-c");
    told[2].offers(0, &["follow", "pause"]);
    told[2].does_not_offer(0, "transpose");
    let hover = told[3].answers[0].as_str().expect("a text");
    assert!(hover.contains("By default `wrap` (wrap: long lines, or cut them)."), "{hover}");
    assert!(told[3].problems.is_empty(), "{:?}", told[3].problems);
    for ((text, expected), told) in wrong.iter().zip(&told[right.len()..]) {
        assert!(told.problems.iter().any(|it| it.starts_with(expected)), "{text}\n{:?}", told.problems);
    }
}

#[test]
fn an_editor_completes_and_explains() {
    let texts = [
        "version: 3\nstages: {a: {run: x}}\n|",
        "version: 3\nstages:\n  build:\n    run: make\n    |",
        "version: 3\non:\n  |\nstages: {a: {run: x}}",
        "version: 3\nstages:\n  build:\n    run: make\n    run-when: |",
        "version: 3\nstages:\n  build:\n    steps:\n      - run: x\n        |",
        "version: 3\nstages:\n  build:\n    run: make\n    timeout^: 5m\n    needs^: []",
        "version: 3\nstages:\n  build:\n    run: make\n    retry:\n      |",
        "version: 3\nstages:\n  build:\n    run: make\n    defaults: {run: {shell: |}}",
    ];
    let documents: Vec<Document> = texts.iter().map(|text| document(text)).collect();
    let told = ask(&committed(), &documents);
    told[0].offers(0, &["name", "inputs", "on", "policy", "finally"]);
    told[0].does_not_offer(0, "hooks");
    told[1].offers(0, &["needs", "if", "matrix", "run-when", "cache", "artifacts"]);
    told[1].does_not_offer(0, "container");
    told[2].offers(0, &["schedule", "watch", "run"]);
    told[3].offers(0, &["all-success", "none-failed", "any-success", "any-failed", "all-done"]);
    told[4].offers(0, &["if", "env", "ok-exit-codes", "undo"]);
    let hovers: Vec<&str> = told[5].answers.iter().filter_map(Json::as_str).collect();
    assert!(hovers[0].contains("From the first step's start to the last step's end"), "{}", hovers[0]);
    assert!(hovers[0].contains("timeout: 30m"), "{}", hovers[0]);
    assert!(hovers[1].contains("Stages that have to end before this one starts"), "{}", hovers[1]);
    told[6].offers(0, &["attempts", "on", "backoff", "deadline"]);
    told[7].offers(0, &["bash", "sh", "python"]);
}

#[test]
fn an_editor_refuses_what_the_reader_would() {
    let wrong = [
        ("version: 3\nstags: {}\nstages: {a: {run: x}}", "1: Property stags is not allowed."),
        ("version: 3\nstages: {a: {run: x, timeout: 5}}", "1: expected a duration with a unit"),
        (
            "version: 3\nstages:\n  a:\n    run: x\n    run-when: never",
            "4: Value is not accepted. Valid values",
        ),
        ("version: 3\nstages: {a: {run: x, env: [A]}}", "1: Incorrect type."),
        ("version: 3\nstages: {a: {run: x, steps: [{run: x}]}}", "1: a stage has run or steps, and not both"),
        (
            "version: 3\nstages: {a: {steps: [{name: b}]}}",
            "1: one of these keys has to be here: approve, run",
        ),
        ("stages: {a: {run: x}}", "0: Missing property \"version\"."),
    ];
    let documents: Vec<Document> = wrong.iter().map(|(text, _)| document(text)).collect();
    for ((text, expected), told) in wrong.iter().zip(ask(&committed(), &documents)) {
        assert!(told.problems.iter().any(|it| it.starts_with(expected)), "{text}\n{:?}", told.problems);
    }
}

#[test]
fn an_editor_takes_the_playbooks_of_the_project_by_the_schema_that_is_printed() {
    let sandbox = Sandbox::new();
    let ran = sandbox.sortie(["schema", "--out", "made/playbook.schema.json"]).run().code(0);
    ran.says("the schema is in `made/playbook.schema.json`").done();
    // One that is there already is replaced, and nothing else is.
    sandbox.sortie(["schema", "-o", "made/playbook.schema.json"]).run().code(0).done();
    std::fs::write(sandbox.project().join("notes.json"), "{}").expect("the project is writable");
    sandbox.sortie(["schema", "-o", "notes.json"]).run().code(5).complains("no schema of sortie").done();
    let mut documents = Vec::new();
    let mut names = Vec::new();
    let mut folders = vec![root().join("playbooks")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yml") && !path.ends_with("action.yml") {
                let text = std::fs::read_to_string(&path).expect("playbooks are text");
                documents.push(Document { text, ask: Vec::new() });
                names.push(path);
            }
        }
    }
    assert!(documents.len() > 10, "{names:?}");
    let schema = sandbox.project().join("made/playbook.schema.json");
    for (name, told) in names.iter().zip(ask(&schema, &documents)) {
        assert!(told.problems.is_empty(), "{}: {:?}", name.display(), told.problems);
    }
}
