//! The branch that a project is on, as git's own files say.

use std::fs;
use std::path::{Path, PathBuf};

/// What results of a project are told apart by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Branches {
    /// Without `refs/heads/`; that of a commit if no branch is checked out. None outside of git.
    pub(super) own: Option<String>,
    /// The one whose results may be used on all others, as far as it is known.
    pub(super) default: Option<String>,
}

/// Reads them.
pub(super) fn branches(root: &Path) -> Branches {
    let Some(git) = root.ancestors().find_map(git_folder) else { return Branches::default() };
    let head = fs::read_to_string(git.join("HEAD")).unwrap_or_default();
    let head = head.trim();
    let own = match head.strip_prefix("ref: ") {
        Some(name) => name.strip_prefix("refs/heads/").unwrap_or(name).to_owned(),
        None => format!("commit {head}"),
    };
    // Another worktree has its own head, and shares the rest.
    let common = fs::read_to_string(git.join("commondir")).map_or(git.clone(), |text| git.join(text.trim()));
    let remote = fs::read_to_string(common.join("refs/remotes/origin/HEAD")).unwrap_or_default();
    let of_remote = remote.trim().strip_prefix("ref: refs/remotes/origin/").map(str::to_owned);
    let usual = || {
        let packed = fs::read_to_string(common.join("packed-refs")).unwrap_or_default();
        let is_there = |name: &&str| {
            let full = format!("refs/heads/{name}");
            common.join(&full).exists()
                || packed.lines().any(|line| line.split(' ').nth(1) == Some(full.as_str()))
        };
        ["main", "master"].into_iter().find(is_there).map(str::to_owned)
    };
    Branches { own: Some(own), default: of_remote.or_else(usual) }
}

/// Returns the folder in which git keeps what belongs to a checkout.
pub(super) fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(folder.join(text.trim().strip_prefix("gitdir: ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn a_checkout_says_its_branch_and_the_default_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        assert_eq!(branches(root).own, None);
        write(root.join(".git/HEAD"), "ref: refs/heads/feature/x\n");
        assert_eq!(branches(root), Branches { own: Some("feature/x".to_owned()), default: None });
        write(root.join(".git/packed-refs"), "# pack-refs\n0123 refs/heads/master\n");
        assert_eq!(branches(root).default.as_deref(), Some("master"));
        write(root.join(".git/refs/remotes/origin/HEAD"), "ref: refs/remotes/origin/trunk\n");
        assert_eq!(branches(&root.join("sub")).default.as_deref(), Some("trunk"));
        write(root.join(".git/HEAD"), "0123abc\n");
        assert_eq!(branches(root).own.as_deref(), Some("commit 0123abc"));
    }

    #[test]
    fn a_worktree_has_its_own_branch_and_shares_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("main/.git");
        write(main.join("HEAD"), "ref: refs/heads/main\n");
        write(main.join("refs/heads/main"), "0123\n");
        write(main.join("worktrees/w/HEAD"), "ref: refs/heads/w\n");
        write(main.join("worktrees/w/commondir"), "../..\n");
        write(folder.path().join("w/.git"), &format!("gitdir: {}\n", main.join("worktrees/w").display()));
        let found = branches(&folder.path().join("w"));
        assert_eq!((found.own.as_deref(), found.default.as_deref()), (Some("w"), Some("main")));
    }
}
