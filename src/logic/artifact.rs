//! Artifacts: files that a stage keeps under a name, for later stages and for people. Plain data and pure rules.
//!
//! Not here: when they are published or taken (`logic/job/artifacts.rs`), files and the store (`engine/cache/artifacts`).

use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::text::shortened;
use super::time::Timestamp;

/// How long an artifact is kept if nobody says so.
pub const RETENTION: Duration = Duration::from_secs(14 * 24 * 3600);

/// Longest name, in bytes.
pub const LONGEST_NAME: usize = 256;

/// Characters that no name has: file systems and other tools cannot carry them.
const REFUSED: [char; 9] = ['"', ':', '<', '>', '|', '*', '?', '\\', '/'];

/// What it means if no file is there for an artifact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfNone {
    #[default]
    Warn,
    /// The stage fails.
    Error,
    Ignore,
}

/// An artifact that was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: Arc<str>,
    /// Where the list of its files is in the store: BLAKE3 of that list, in hex.
    pub manifest: String,
    /// SHA-256 of what is in it, in hex; equal for equal files.
    pub digest: String,
    /// Files and links.
    pub files: u32,
    /// Of all files, before compression.
    pub bytes: u64,
    /// It is kept until then.
    pub until: Timestamp,
}

/// What is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub name: Arc<str>,
    /// Patterns of files below the folder that the cell works in.
    pub patterns: Vec<String>,
    pub with_hidden: bool,
    pub until: Timestamp,
    /// Its files are those of an earlier result; nothing if that had none.
    pub kept: Option<Option<Artifact>>,
}

/// What came of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offered {
    Whole(Artifact),
    /// No file was there, in words.
    Nothing(String),
}

/// Files that are wanted in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    pub artifact: Artifact,
    /// Below the folder that the cell works in; empty for that itself.
    pub folder: String,
    /// Patterns of files that are left as they are: outputs of a result that is taken again.
    pub except: Vec<String>,
}

/// What was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub name: Arc<str>,
    pub folder: String,
    pub digest: String,
    /// Files that were missing or different, and were written.
    pub written: u32,
    /// What people should know besides, such as files of theirs that were in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Says what is wrong with the name of an artifact, as the end of a sentence; nothing if it may have it.
#[must_use]
pub fn name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return Some(format!("has {} bytes, and {LONGEST_NAME} is the most", name.len()));
    }
    if name == "." || name == ".." {
        return Some("is a folder on every system".to_owned());
    }
    if let Some(found) = name.chars().find(|it| REFUSED.contains(it)) {
        return Some(format!("holds `{found}`"));
    }
    name.chars().any(char::is_control).then(|| "holds a line break or another control character".to_owned())
}

/// The way out of a name that is none.
pub const NAME_HELP: &str =
    "a name has at most 256 bytes, and none of `\" : < > | * ? \\ /` and line breaks: `dist-linux`, for one";

/// Reads a pattern of names.
///
/// # Errors
/// If it is none, in words.
pub fn name_pattern(text: &str) -> Result<GlobMatcher, String> {
    let shown = || shortened(text, 60);
    if text.is_empty() {
        return Err("an empty pattern names no artifact".to_owned());
    }
    Glob::new(text)
        .map(|it| it.compile_matcher())
        .map_err(|error| format!("`{}` is not a pattern for names: {}", shown(), error.kind()))
}

/// Reads the folder that artifacts go to: below the project, not our own and not git's.
///
/// # Errors
/// If it is another one, in words.
pub fn folder(text: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(format!("`{}` leaves the project", shortened(text, 60))),
            part => parts.push(part),
        }
    }
    if text.is_empty() || text.starts_with('/') || text.contains('\0') {
        return Err(format!("`{}` is no folder below the project", shortened(text, 60)));
    }
    if matches!(parts.first(), Some(&(".git" | ".sortie"))) {
        return Err(format!("`{}` is not a folder for files of the project", shortened(text, 60)));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_every_file_system_and_tool_can_carry() {
        for good in ["dist", "dist-linux x86", ".hidden", "ä", &"x".repeat(256)] {
            assert_eq!(name_problem(good), None, "{good}");
        }
        let bad =
            ["", ".", "..", "a/b", "a\\b", "a:b", "a\"b", "a<b", "a>b", "a|b", "a*", "a?", "a\nb", "a\rb"];
        for bad in bad.into_iter().chain([&*"x".repeat(257)]) {
            assert!(name_problem(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn artifacts_go_below_the_project_only() {
        assert_eq!(folder("."), Ok(String::new()));
        assert_eq!(folder("./a//b/"), Ok("a/b".to_owned()));
        for bad in ["", "/a", "..", "a/../b", ".git/hooks", ".sortie", "a\0b"] {
            assert!(folder(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_of_names_is_a_glob() {
        let it = name_pattern("dist-*").expect("it is one");
        assert!(it.is_match("dist-linux") && !it.is_match("docs"));
        assert!(name_pattern("").is_err() && name_pattern("[").is_err());
    }
}
