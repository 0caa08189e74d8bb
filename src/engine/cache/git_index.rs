//! The files that git tracks, as its own index says: read here, because a job whose results are all there starts no process.
//!
//! Only names are read. Where more would be needed to be exact, more files count than git tracks: that makes something run
//! once more, and never takes a wrong result.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::branch::git_folder;

/// Bytes of an entry before the digest of its content, and those of its flags.
const FRONT: usize = 40;
const FLAGS: usize = 2;

/// Kinds of entries that are files or links.
const KINDS: [u32; 2] = [0o10, 0o12];

/// Returns the paths below a folder that git tracks; none if it is not in git.
///
/// # Errors
/// In words, if there is an index that cannot be read.
pub(super) fn tracked(root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let Some((top, git)) = root.ancestors().find_map(|it| Some((it, git_folder(it)?))) else {
        return Ok(Vec::new());
    };
    let bytes = match fs::read(git.join("index")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let digest = digest_length(&git);
    let read = |bytes: &[u8]| read(bytes, digest).ok_or("it is not as this version of sortie knows it");
    let (mut names, is_split) = read(&bytes)?;
    if is_split {
        // Most of it is in another file then. Which of those names are none any more is not looked at.
        for shared in shared_indexes(&git).map_err(|error| error.to_string())? {
            names.extend(read(&shared)?.0);
        }
    }
    let below = root.strip_prefix(top).unwrap_or(Path::new("")).as_os_str().as_bytes();
    if below.is_empty() {
        return Ok(names);
    }
    let own = |name: Vec<u8>| name.strip_prefix(below)?.strip_prefix(b"/").map(<[u8]>::to_vec);
    Ok(names.into_iter().filter_map(own).collect())
}

fn shared_indexes(git: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(git)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(b"sharedindex.") {
            found.push(fs::read(entry.path())?);
        }
    }
    Ok(found)
}

/// Bytes of the digests of a repository.
fn digest_length(git: &Path) -> usize {
    let common = fs::read_to_string(git.join("commondir"))
        .map_or_else(|_| git.to_path_buf(), |it| git.join(it.trim()));
    let config = fs::read_to_string(common.join("config")).unwrap_or_default().to_ascii_lowercase();
    let is_long = config.lines().any(|line| {
        line.split_once('=')
            .is_some_and(|(name, value)| name.trim() == "objectformat" && value.trim() == "sha256")
    });
    if is_long { 32 } else { 20 }
}

/// Reads the names of files and links, and whether others are in a shared index. Versions 2 to 4; none if it is something else.
fn read(bytes: &[u8], digest: usize) -> Option<(Vec<Vec<u8>>, bool)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let version = number(4)?;
    if bytes.get(..4)? != b"DIRC" || !(2..=4).contains(&version) {
        return None;
    }
    let count = number(8)?;
    let (mut at, mut name, mut names) = (12, Vec::new(), Vec::new());
    for _ in 0..count {
        let start = at;
        let kind = number(start + 24)? >> 12;
        let flags = u16::from_be_bytes(
            bytes.get(start + FRONT + digest..start + FRONT + digest + FLAGS)?.try_into().ok()?,
        );
        at = start + FRONT + digest + FLAGS;
        if flags & 0x4000 != 0 {
            at += 2;
        }
        if version == 4 {
            let (cut, next) = variable(bytes, at)?;
            name.truncate(name.len().checked_sub(cut)?);
            at = next;
        } else {
            name.clear();
        }
        let length = memchr::memchr(0, bytes.get(at..)?)?;
        name.extend(&bytes[at..at + length]);
        at += length + 1;
        if version < 4 {
            // Filled up to a multiple of eight, with one zero at least.
            at = start + (at - 1 - start + 8) / 8 * 8;
        }
        if KINDS.contains(&kind) && !name.is_empty() {
            names.push(name.clone());
        }
    }
    Some((names, is_split(bytes, at, digest)?))
}

/// Looks at what follows the entries.
fn is_split(bytes: &[u8], mut at: usize, digest: usize) -> Option<bool> {
    let end = bytes.len().checked_sub(digest)?;
    while at + 8 <= end {
        if bytes.get(at..at + 4)? == b"link" {
            return Some(true);
        }
        at += 8 + u32::from_be_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?) as usize;
    }
    Some(false)
}

/// Reads a number of as many bytes as it needs; returns it and where it ends.
fn variable(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut number = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        number = (number.checked_add(1)?.checked_mul(128)?) + usize::from(byte & 0x7f);
    }
    Some((number, at + 1))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, words: &[&str]) {
        let run = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
            .args(words)
            .current_dir(folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", folder)
            .output()
            .expect("git is there");
        assert!(run.status.success(), "{words:?}: {}", String::from_utf8_lossy(&run.stderr));
    }

    fn text(names: &[Vec<u8>]) -> Vec<String> {
        let mut names: Vec<String> =
            names.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// A repository with tracked files, some of them ignored, and what git itself says of it.
    fn repository(words: &[&str]) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        git(folder.path(), &[&["init", "-q"], words].concat());
        fs::create_dir_all(at("sub/deep")).expect("a folder");
        for name in
            ["a", "sub/b", "sub/bcd", "sub/deep/e", "sub/deep/f g", "made.o", ".gitignore", "zzzzzzzz"]
        {
            fs::write(at(name), "*.o\n").expect("a file");
        }
        std::os::unix::fs::symlink("a", at("link")).expect("a link");
        git(folder.path(), &["add", "-f", "."]);
        let told = Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(folder.path())
            .output()
            .expect("git is there");
        let names: Vec<Vec<u8>> =
            told.stdout.split(|byte| *byte == 0).filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect();
        (folder, text(&names))
    }

    #[test]
    fn every_version_of_the_index_is_read_as_git_reads_it() {
        for version in ["2", "3", "4"] {
            let (folder, names) = repository(&[]);
            if version == "3" {
                // Only what git means to add has the longer flags that make it a version 3.
                fs::write(folder.path().join("meant"), "x").expect("a file");
                git(folder.path(), &["add", "-N", "meant"]);
            }
            git(folder.path(), &["update-index", "--index-version", version]);
            let mut names = names;
            if version == "3" {
                names.push("meant".to_owned());
                names.sort();
            }
            let bytes = fs::read(folder.path().join(".git/index")).expect("it is there");
            assert_eq!(bytes[7].to_string(), version);
            assert_eq!(text(&tracked(folder.path()).expect("it is read")), names, "version {version}");
        }
    }

    #[test]
    fn long_digests_and_split_indexes_are_read_too() {
        let (folder, names) = repository(&["--object-format=sha256"]);
        assert_eq!(text(&tracked(folder.path()).expect("it is read")), names);
        let (folder, mut names) = repository(&[]);
        git(folder.path(), &["update-index", "--split-index"]);
        fs::write(folder.path().join("later"), "x").expect("a file");
        git(folder.path(), &["add", "later"]);
        names.push("later".to_owned());
        names.sort();
        assert_eq!(text(&tracked(folder.path()).expect("it is read")), names);
    }

    #[test]
    fn a_folder_below_knows_its_own_and_no_git_knows_none() {
        let (folder, _) = repository(&[]);
        let below = folder.path().join("sub");
        assert_eq!(text(&tracked(&below).expect("it is read")), ["b", "bcd", "deep/e", "deep/f g"]);
        let other = tempfile::tempdir().expect("a folder");
        assert_eq!(tracked(other.path()), Ok(Vec::new()));
    }

    #[test]
    fn every_cut_and_every_other_version_is_an_error_or_less_and_no_panic() {
        let (folder, _) = repository(&[]);
        let path = folder.path().join(".git/index");
        let whole = fs::read(&path).expect("it is there");
        for end in 0..whole.len() - 20 {
            let _outcome = read(&whole[..end], 20);
        }
        assert_eq!(read(&whole[..40], 20), None);
        let mut newer = whole.clone();
        newer[7] = 9;
        fs::write(&path, newer).expect("it is ours");
        assert!(tracked(folder.path()).is_err());
    }
}
