//! Digests of files, for `hashFiles`: SHA-256 over the SHA-256 of each file, as GitHub's runner makes it.

use std::fs::File;
use std::io;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

/// Folders that hold the history and our own state, not the project's content.
const LEFT_OUT: [&str; 2] = [".git", ".sortie"];

/// Returns the digest of the files below `root` that the patterns name, in lower-case hex; empty if none is named.
///
/// Patterns count in order; one that begins with `!` takes away what earlier ones named.
///
/// # Errors
/// A pattern that is none, or a file that cannot be read, in words.
pub fn hash_files(root: &Path, patterns: &[String]) -> Result<String, String> {
    let rules: Vec<(bool, GlobMatcher)> = patterns.iter().map(|text| rule(text)).collect::<Result<_, _>>()?;
    let mut digest = Sha256::new();
    let mut is_any = false;
    let entries = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() != 1 || !LEFT_OUT.iter().any(|&name| entry.file_name() == name));
    for entry in entries {
        let entry = entry.map_err(|e| format!("the files could not be listed: {e}"))?;
        let Ok(relative) = entry.path().strip_prefix(root) else { continue };
        let is_named = rules
            .iter()
            .fold(false, |named, (adds, glob)| if glob.is_match(relative) { *adds } else { named });
        if !is_named || !entry.path().is_file() {
            continue;
        }
        let mut one = Sha256::new();
        let mut file =
            File::open(entry.path()).map_err(|e| format!("`{}` cannot be read: {e}", relative.display()))?;
        io::copy(&mut file, &mut one).map_err(|e| format!("`{}` cannot be read: {e}", relative.display()))?;
        digest.update(one.finalize());
        is_any = true;
    }
    if !is_any {
        return Ok(String::new());
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn rule(text: &str) -> Result<(bool, GlobMatcher), String> {
    let (adds, pattern) = match text.strip_prefix('!') {
        Some(rest) => (false, rest),
        None => (true, text),
    };
    let pattern = pattern.trim_start_matches("./");
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|e| format!("`{text}` is not a pattern for files: {}", e.kind()))?;
    Ok((adds, glob.compile_matcher()))
}
