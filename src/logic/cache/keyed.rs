//! Files that are kept between jobs by a key that a person writes: what a key and a path may be, and which of the kept ones
//! will do. Plain data and pure rules.
//!
//! Not here: files (`engine/cache/keyed`), the steps that ask for it (`logic/job/files.rs`).

use serde::{Deserialize, Serialize};

use super::Trust;

/// The hidden subcommand.
pub const COMMAND: &str = "__cache-files";

/// The variable with the errand, as JSON.
pub const ERRAND: &str = "SORTIE_FILES_ERRAND";

/// Outputs of a step with `cache-files`: whether the very key was there, that key, the key that was taken, and the paths as
/// they were filled in, as JSON.
pub const HIT: &str = "cache-hit";
pub const PRIMARY: &str = "cache-primary-key";
pub const MATCHED: &str = "cache-matched-key";
pub const PATHS: &str = "cache-paths";

/// Most bytes of a key.
const LONGEST: usize = 512;

/// What this program is asked to do, started again as a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesErrand {
    pub task: FilesTask,
    /// The folder of the project, where the steps of the cell run, and that of the project's state.
    pub root: String,
    pub folder: String,
    pub state: String,
    /// The folder of the job.
    pub dir: String,
    /// Number of the job.
    pub job: u64,
    pub trust: Trust,
    pub paths: Vec<String>,
    pub key: String,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilesTask {
    Restore {
        /// Beginnings of keys that will do as well, in order.
        restore_keys: Vec<String>,
        /// Nothing is to be looked for.
        off: bool,
    },
    Save {
        /// Takes the place of what is kept already.
        replaces: bool,
    },
}

/// Checks a key.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("it is empty".to_owned());
    }
    if key.len() > LONGEST {
        return Err(format!("it has {} bytes, and {LONGEST} are the most", key.len()));
    }
    match key.chars().find(|c| *c == ',' || c.is_control()) {
        Some(',') => Err("it has a comma".to_owned()),
        Some(_) => Err("it has a line break or another control character".to_owned()),
        None => Ok(()),
    }
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    Project,
    Home,
    /// The root of the whole system, which has to be written out.
    System,
}

/// Takes a path, or a pattern of paths, apart into where it begins and the rest, with the `!` in front of it.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn base_of(path: &str) -> Result<(Base, String), String> {
    let (sign, plain) = match path.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", path),
    };
    if plain.split('/').any(|part| part == "..") {
        return Err("it goes up by `..`".to_owned());
    }
    let (base, rest) = if plain == "~" {
        (Base::Home, "")
    } else if let Some(rest) = plain.strip_prefix("~/") {
        (Base::Home, rest)
    } else if plain.starts_with('~') {
        return Err("only the home of whoever runs the job can be named, as `~/`".to_owned());
    } else if let Some(rest) = plain.strip_prefix('/') {
        (Base::System, rest)
    } else {
        (Base::Project, plain)
    };
    let rest: Vec<&str> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if rest.is_empty() {
        return Err("it names all that there is".to_owned());
    }
    let is_ours = matches!(rest[0], ".git" | ".sortie") && base == Base::Project && sign.is_empty();
    if is_ours {
        return Err(format!("`{}` is not for steps to put back", rest[0]));
    }
    Ok((base, format!("{sign}{}", rest.join("/"))))
}

/// Something that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: i64,
    pub key: String,
    /// The branch that it was made on.
    pub scope: String,
    pub trust: Trust,
    pub made: i64,
}

/// Returns which of the kept ones will do, the best first: of each branch in turn the one with that key, then for each of
/// the other beginnings those that have it, the newest first. What was made for somebody less trusted is none of them.
#[must_use]
pub fn choose<'a>(
    all: &'a [Candidate],
    (key, restore_keys): (&str, &[String]),
    scopes: &[String],
    trust: Trust,
) -> Vec<&'a Candidate> {
    let mut chosen: Vec<&Candidate> = Vec::new();
    for scope in scopes {
        let mut here: Vec<&Candidate> =
            all.iter().filter(|it| it.scope == *scope && it.trust >= trust).collect();
        here.sort_by_key(|it| std::cmp::Reverse((it.made, it.id)));
        let exact = here.iter().filter(|it| it.key == key);
        let begun =
            restore_keys.iter().flat_map(|begin| here.iter().filter(|it| it.key.starts_with(&**begin)));
        for it in exact.chain(begun) {
            if !chosen.iter().any(|known| known.id == it.id) {
                chosen.push(it);
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_no_comma_and_512_bytes_at_most() {
        assert_eq!(check_key("deps-linux-0a1b"), Ok(()));
        assert_eq!(check_key(&"k".repeat(512)), Ok(()));
        for (key, why) in
            [("", "empty"), ("a,b", "comma"), ("a\nb", "control"), (&*"k".repeat(513), "513 bytes")]
        {
            assert!(check_key(key).is_err_and(|it| it.contains(why)), "{key}");
        }
    }

    #[test]
    fn paths_begin_in_the_project_at_home_or_are_written_out() {
        let ok = |path: &str| base_of(path).expect("it is a path");
        assert_eq!(ok("target/./debug/"), (Base::Project, "target/debug".to_owned()));
        assert_eq!(ok("~/.cargo/registry"), (Base::Home, ".cargo/registry".to_owned()));
        assert_eq!(ok("!~/.cargo/bin"), (Base::Home, "!.cargo/bin".to_owned()));
        assert_eq!(ok("/opt/tool/**"), (Base::System, "opt/tool/**".to_owned()));
        for bad in
            ["", ".", "~", "~/", "/", "../x", "a/../../b", "~/../x", "~other/x", ".git/config", ".sortie"]
        {
            assert!(base_of(bad).is_err(), "{bad}");
        }
        assert!(base_of(".gitignore").is_ok() && base_of("~/.git").is_ok());
    }

    #[test]
    fn the_own_branch_goes_first_and_the_very_key_before_beginnings() {
        let it = |id, key: &str, scope: &str, made| Candidate {
            id,
            key: key.to_owned(),
            scope: scope.to_owned(),
            trust: Trust::Own,
            made,
        };
        let all = [
            it(1, "deps-a", "main", 1),
            it(2, "deps-b", "topic", 2),
            it(3, "deps-c", "topic", 3),
            it(4, "deps-d", "main", 9),
            it(5, "deps-a", "other", 9),
            Candidate { trust: Trust::Untrusted, ..it(6, "deps-a", "topic", 10) },
        ];
        let scopes = ["topic".to_owned(), "main".to_owned()];
        let ids = |keys: &[&str], trust| -> Vec<i64> {
            let keys: Vec<String> = keys.iter().map(|&it| it.to_owned()).collect();
            choose(&all, ("deps-a", &keys), &scopes, trust).iter().map(|it| it.id).collect()
        };
        assert_eq!(ids(&[], Trust::Own), [1]);
        assert_eq!(ids(&["deps-", "de"], Trust::Own), [3, 2, 1, 4]);
        assert_eq!(ids(&["deps-b", "deps-"], Trust::Own), [2, 3, 1, 4]);
        assert_eq!(ids(&[], Trust::Untrusted), [6, 1]);
    }
}
