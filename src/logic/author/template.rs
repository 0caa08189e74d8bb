//! Whole playbooks to start from: those of `assets/templates`, embedded, and those of the user.
//!
//! A template is a playbook like any other, so it can be checked and run as it is; a copy has another name at the top. Not here:
//! finding those of the user (`engine/authoring.rs`).

use super::answers::Answers;
use super::scalar;
use crate::logic::playbook::source::Source;
use crate::logic::playbook::tree::{self, Kind, Tree};

/// Lists templates by their names; each is the file of that name.
macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../assets/templates/", $name, ".yml")))),*]
    };
}

/// Name and text of each, in the order in which they are offered.
static ALL: &[(&str, &str)] =
    templates!["rust", "node", "python", "go", "matrix", "release", "deploy", "nightly"];

/// A playbook to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub name: String,
    /// What it is for, as it says itself.
    pub description: String,
    pub text: String,
    /// Where it lies, if it is not one of those that are always there.
    pub path: Option<String>,
}

impl Template {
    /// Makes one of a text.
    #[must_use]
    pub fn new(name: &str, text: &str, path: Option<String>) -> Self {
        let source = Source::new(name, text);
        let description = tree::parse(&source).0.and_then(|tree| {
            let value = tree.get(tree.root, "description")?;
            let Kind::Scalar(scalar) = &tree.node(value).kind else { return None };
            Some(scalar.text.trim().to_owned())
        });
        Self {
            name: name.to_owned(),
            description: description.unwrap_or_default(),
            text: text.to_owned(),
            path,
        }
    }
}

/// Returns those that are always there.
#[must_use]
pub fn bundled() -> Vec<Template> {
    ALL.iter().map(|(name, text)| Template::new(name, text, None)).collect()
}

/// Returns the text of a template with what was answered at its top; everything else is as it was.
pub(super) fn copy(template: &Template, answers: &Answers) -> String {
    let mut text = template.text.clone();
    let name = answers.name.rsplit('/').next().unwrap_or_default();
    // Each is put behind the one before where it is not there yet.
    let keys = [
        ("name", name, "version"),
        ("description", &answers.description, "name"),
        ("category", &answers.category, "description"),
    ];
    for (key, value, behind) in keys {
        if !value.is_empty() {
            text = with(&text, key, value, behind);
        }
    }
    text
}

/// Sets a key at the top. A text that cannot be read stays as it is: the reader says why.
fn with(text: &str, key: &str, value: &str, behind: &str) -> String {
    let source = Source::new("template", text);
    let Some(tree) = tree::parse(&source).0 else { return text.to_owned() };
    let Kind::Map(entries) = &tree.node(tree.root).kind else { return text.to_owned() };
    let value = scalar::text(value);
    let span_of = |tree: &Tree<'_>, id| {
        let span = tree.node(id).span;
        (span.start as usize, span.end as usize)
    };
    if let Some(entry) = entries.iter().find(|it| tree.key(**it) == key) {
        let (start, end) = span_of(&tree, entry.value);
        // A block ends with the line.
        let tail = if text[start..end].ends_with('\n') { "\n" } else { "" };
        return format!("{}{value}{tail}{}", &text[..start], &text[end..]);
    }
    let before = [behind, "name", "version"];
    let entry = before.iter().find_map(|key| entries.iter().find(|it| tree.key(**it) == *key));
    let at = entry.map_or(0, |entry| {
        let (_, end) = span_of(&tree, entry.value);
        // Behind its line, comments included.
        if text[..end].ends_with('\n') {
            end
        } else {
            text[end..].find('\n').map_or(text.len(), |it| end + it + 1)
        }
    });
    let gap = if at > 0 && !text[..at].ends_with('\n') { "\n" } else { "" };
    format!("{}{gap}{key}: {value}\n{}", &text[..at], &text[at..])
}
