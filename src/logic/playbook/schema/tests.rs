//! The schemas against the reader: the same keys, and the same judgement on every playbook that is at hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use jsonschema::Validator;
use serde_json::{Value as Json, json};

use super::{PARTS, Part, action, definition, entry, keymap, playbook, settings};
use crate::logic::diag::Severity;
use crate::logic::job::property_playbooks::{Dice, random_playbook};
use crate::logic::playbook::keys::{self, Place, Status};
use crate::logic::playbook::scalar::{self, Core};
use crate::logic::playbook::source::Source;
use crate::logic::playbook::testing::read_whole;
use crate::logic::playbook::tree::{self, Kind, NodeId, Tree};

/// Faults of form, which a schema has to see.
const STRUCTURAL: &[&str] = &[
    "missing-version",
    "wrong-version",
    "unknown-key",
    "not-yet",
    "misplaced-key",
    "missing-key",
    "wrong-type",
    "unknown-value",
    "bad-number",
    "bad-duration",
    "bad-size",
    "bad-signal",
    "bad-id",
    "bad-requirement",
    "unknown-shell",
    "empty-stages",
    "empty-stage",
    "empty-steps",
    "no-action",
    "several-actions",
    "bad-port",
    "secret-source",
    "matrix-not-a-map",
    "matrix-not-a-list",
    "matrix-entry-not-a-map",
    "call-key",
    "call-not-local",
];

/// Playbooks whose structural faults are beyond a schema, each with what it would have to know.
const BEYOND: &[(&str, &str)] = &[
    ("tests/fixtures/broken/call-given.yml", "what is inside of values of any kind"),
    ("tests/fixtures/broken/port-of-two-stages.yml", "two stages at a time"),
];

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[expect(clippy::disallowed_methods, reason = "the playbooks of the project are files")]
fn bytes_of(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("the file can be read")
}

/// All files below a folder with one of these endings.
fn files(path: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walkdir::WalkDir::new(folder(path))
        .into_iter()
        .map(|entry| entry.expect("the folder is part of the project").into_path())
        .filter(|it| it.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)))
        .collect();
    found.sort();
    found
}

/// The examples of a page in Markdown.
fn examples(page: &Path) -> Vec<String> {
    let text = String::from_utf8(bytes_of(page)).expect("pages are text");
    text.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(it, _)| it.to_owned())
        .collect()
}

pub(crate) fn validator(schema: &Json) -> Validator {
    jsonschema::draft7::new(schema).expect("the schema is one")
}

fn json_of(tree: &Tree<'_>, id: NodeId) -> Json {
    match &tree.node(id).kind {
        Kind::Scalar(scalar) => match scalar::resolve(scalar) {
            Core::Null => Json::Null,
            Core::Bool(value) => json!(value),
            Core::Int(value) => json!(value),
            Core::Float(value) => json!(value),
            Core::Text(text) => json!(text),
        },
        Kind::Seq(items) => items.iter().map(|item| json_of(tree, *item)).collect(),
        Kind::Map(entries) => {
            let members = entries.iter().map(|it| (tree.key(*it).to_owned(), json_of(tree, it.value)));
            Json::Object(members.collect())
        }
    }
}

/// Returns the first file of a text as an editor sees it; nothing if it is no YAML.
pub(crate) fn parsed(text: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(text).ok()?;
    let first = text.split("\n# file: ").next().unwrap_or_default();
    let source = Source::new("test.yml", format!("{first}\n"));
    let (tree, found) = tree::parse(&source);
    let tree = tree.filter(|_| found.iter().all(|it| it.severity != Severity::Error))?;
    Some(json_of(&tree, tree.root))
}

pub(crate) fn problems(validator: &Validator, value: &Json) -> String {
    let mut text = String::new();
    for error in validator.iter_errors(value) {
        let _ = writeln!(text, "  {}: {error}", error.instance_path());
    }
    text
}

fn is_action(text: &[u8]) -> bool {
    let first = String::from_utf8_lossy(text).split("\n# file: ").next().unwrap_or_default().to_owned();
    first.lines().any(|line| line.starts_with("runs:"))
}

/// What reader and schema say of a text, if they disagree on it.
fn disagreement(name: &str, text: &[u8], schema: &Validator) -> Option<String> {
    let value = parsed(text)?;
    let reading = read_whole("test.yml", text).1;
    let faults: Vec<&str> =
        reading.diagnostics.iter().filter(|it| it.severity == Severity::Error).map(|it| it.slug).collect();
    let seen = problems(schema, &value);
    let is_beyond = BEYOND.iter().any(|(known, _)| *known == name);
    // What belongs to another file, or what nothing but the whole tells, is no fault of form.
    let structural: Vec<&&str> = faults.iter().filter(|slug| STRUCTURAL.contains(*slug)).collect();
    if faults.is_empty() && !seen.is_empty() {
        Some(format!("{name}: the reader takes it, and the schema says\n{seen}"))
    } else if !structural.is_empty() && seen.is_empty() && !is_beyond {
        Some(format!("{name}: the schema takes it, and the reader says {structural:?}\n"))
    } else {
        None
    }
}

#[test]
fn every_key_has_a_form_and_an_example_that_fits() {
    let places = Place::ALL.into_iter().map(|place| Part { name: "", place, has: |_| true });
    let parts = PARTS.into_iter().chain(places);
    let mut definitions = serde_json::Map::new();
    for mut schema in [playbook(), action()] {
        definitions.extend(schema["definitions"].as_object_mut().map(std::mem::take).unwrap_or_default());
    }
    let mut found = String::new();
    for part in parts {
        let place = part.place;
        if matches!(place, Place::Stage | Place::Step | Place::Cache | Place::Approve) && part.name.is_empty()
        {
            continue;
        }
        for key in keys::of(place).iter().filter(|key| (part.has)(key.name)) {
            let Some(entry) = entry(&part, key.name) else {
                if key.status == Status::Honoured {
                    let _ = writeln!(found, "{place:?} {}: no form", key.name);
                }
                continue;
            };
            if key.status == Status::NotYet {
                let _ = writeln!(found, "{place:?} {}: has a form, and is not supported yet", key.name);
            }
            let mut schema = entry.form;
            schema.insert("definitions".to_owned(), Json::Object(definitions.clone()));
            let wrong = problems(&validator(&Json::Object(schema)), &entry.example);
            if !wrong.is_empty() {
                let _ = writeln!(found, "{place:?} {}: its example does not fit\n{wrong}", key.name);
            }
        }
    }
    assert_eq!(found, "");
}

#[test]
fn keys_that_are_not_supported_are_not_in_the_schema() {
    for place in Place::ALL {
        let body = Json::Object(definition(&Part { name: "", place, has: |_| true }));
        for key in keys::of(place).iter().filter(|key| key.status == Status::NotYet) {
            assert!(body["properties"].get(key.name).is_none(), "{place:?} {}", key.name);
        }
    }
}

#[test]
fn the_committed_schemas_are_those_that_are_made() {
    let all =
        [("playbook", playbook()), ("action", action()), ("settings", settings()), ("keymap", keymap())];
    for (name, schema) in all {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("it is JSON"));
        expect_file![folder(&format!("assets/schema/{name}.schema.json"))].assert_eq(&text);
    }
}

#[test]
fn the_reader_and_the_schema_agree_on_every_playbook_of_the_project() {
    let schemas = [validator(&playbook()), validator(&action())];
    let mut found = String::new();
    let mut count = 0;
    let mut look = |name: String, text: &[u8]| {
        count += 1;
        if !is_action(text) {
            found.extend(disagreement(&name, text, &schemas[0]));
        } else if let Some(value) = parsed(text) {
            let seen = problems(&schemas[1], &value);
            if !seen.is_empty() {
                found.push_str(&format!("{name}: {seen}\n"));
            }
        }
    };
    let folders = ["playbooks", "tests", "assets/templates"];
    for file in folders.into_iter().flat_map(|folder| files(folder, &["yml", "yaml"])) {
        let name = file.strip_prefix(folder("")).expect("it is below").display().to_string();
        look(name, &bytes_of(&file));
    }
    let mut pages = files("assets/explain", &["md"]);
    pages.push(folder("README.md"));
    for page in pages {
        for (at, example) in examples(&page).iter().enumerate() {
            let name = page.file_name().expect("it is a file").to_string_lossy();
            look(format!("{name} {at}"), example.as_bytes());
        }
    }
    assert!(count > 200, "only {count} playbooks were looked at");
    assert_eq!(found, "");
}

#[test]
fn random_playbooks_fit() {
    let schema = validator(&playbook());
    for seed in 1..400 {
        let text = random_playbook(&mut Dice(seed));
        let reading = read_whole("test.yml", text.as_bytes()).1;
        assert!(reading.playbook.is_some(), "seed {seed} is no playbook");
        assert_eq!(disagreement(&format!("seed {seed}"), text.as_bytes(), &schema), None, "{text}");
    }
}

#[test]
fn settings_of_the_table_fit_and_others_do_not() {
    let schema = validator(&settings());
    let good =
        json!({ "run": { "ui": "full", "max-parallel": 3 }, "groups": { "ops": ["ann"] }, "x-own": 1 });
    assert_eq!(problems(&schema, &good), "");
    for bad in [json!({ "run": { "uy": 1 } }), json!({ "run": { "ui": "loud" } }), json!({ "ruin": {} })] {
        assert!(!schema.is_valid(&bad), "{bad}");
    }
}
