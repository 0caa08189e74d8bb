//! What the context `github` knows of the repository at hand, asked of git itself.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns members of the context `github`: `sha`, `ref`, `ref_name`, `ref_type`, `repository` and its owner. What
/// git does not know is left out.
#[must_use]
pub fn github_members(root: &Path) -> Vec<(String, String)> {
    let mut members = Vec::new();
    let mut add = |name: &str, value: String| members.push((name.to_owned(), value));
    if let Some(sha) = git(root, &["rev-parse", "--verify", "HEAD"]) {
        add("sha", sha);
    }
    if let Some(branch) = git(root, &["symbolic-ref", "--short", "HEAD"]) {
        add("ref", format!("refs/heads/{branch}"));
        add("ref_name", branch);
        add("ref_type", "branch".to_owned());
    } else if let Some(tag) = git(root, &["describe", "--tags", "--exact-match"]) {
        add("ref", format!("refs/tags/{tag}"));
        add("ref_name", tag);
        add("ref_type", "tag".to_owned());
    }
    if let Some(url) = git(root, &["remote", "get-url", "origin"])
        && let Some((owner, name)) = owner_and_name(&url)
    {
        add("repository", format!("{owner}/{name}"));
        add("repository_owner", owner.to_owned());
    }
    members
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Reads the last two parts of an address such as `git@host:owner/name.git` or `https://host/owner/name`.
fn owner_and_name(url: &str) -> Option<(&str, &str)> {
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let (rest, name) = path.rsplit_once('/')?;
    let owner = rest.rsplit(['/', ':']).next()?;
    (!owner.is_empty() && !name.is_empty()).then_some((owner, name))
}
