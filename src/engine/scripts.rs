//! Finds the numbered scripts of a project, and reads what they say of themselves.
//!
//! Not here: what a script is, and what selectors mean (`logic/playbook/scripts`).
#![expect(clippy::disallowed_methods, reason = "scripts are looked for here")]

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Project;
use crate::logic::playbook::scripts::{HEAD, Library, Script, script};

/// Deepest folder that is looked into, so that a loop of links ends.
const DEEPEST: usize = 8;

/// Returns all numbered scripts of a project. What cannot be looked at is none.
#[must_use]
pub fn library(project: &Project) -> Library {
    let mut found = Vec::new();
    for folder in &project.scripts {
        walk(&project.root, folder, 0, &mut found);
    }
    Library::new(project.scripts.clone(), found)
}

fn walk(root: &Path, below: &str, depth: usize, found: &mut Vec<Script>) {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = format!("{below}/{name}");
        // Through a link as well.
        let Ok(about) = std::fs::metadata(root.join(&path)) else { continue };
        if about.is_dir() && depth < DEEPEST {
            walk(root, &path, depth + 1, found);
        }
        // A name that is none is no reason to open anything.
        let is_candidate = about.is_file() && name.as_bytes().first().is_some_and(u8::is_ascii_digit);
        if is_candidate {
            let is_executable = about.permissions().mode() & 0o111 != 0;
            found.extend(script(&path, is_executable, &head(&root.join(&path))));
        }
    }
}

/// Returns the first bytes of a file.
fn head(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // One that cannot be read may still be executed; it says nothing of itself then.
    let _read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut bytes));
    bytes
}
