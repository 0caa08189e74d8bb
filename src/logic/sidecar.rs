//! What this program is asked to do for a sidecar when it is started again as a step of its own.
//!
//! Plain data. Not here: where it comes from (`logic/job/sidecar.rs`), and carrying it out (`edges/sidecar`).

use serde::{Deserialize, Serialize};

use crate::logic::job::report::AttemptKey;

/// The hidden subcommand.
pub const COMMAND: &str = "__service";

/// The variable with the errand, as JSON. It may hold secrets, so it is no argument, which everybody could read.
pub const ERRAND: &str = "SORTIE_SERVICE_ERRAND";

/// Where the sidecars of a cell are reached.
pub const HOST: &str = "127.0.0.1";

/// The output in which an errand that failed says why.
pub const PROBLEM: &str = "problem";

/// The output with the ports of a sidecar: a JSON object of texts.
pub const PORTS: &str = "ports";

/// The label that all containers of jobs have, with the tag of their cell.
pub const LABEL: &str = "dev.sortie.cell";

/// What runs containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Containers {
    /// The program, once it is known to work.
    pub engine: Option<String>,
    /// A service that says how to run it as a process and as a container is run as a container.
    pub preferred: bool,
    /// Why there is none, after a look.
    #[serde(skip)]
    pub problem: String,
}

impl Containers {
    /// Says whether nothing is known of them.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    Prepare(Prepare),
    /// Begins the command in the arguments, in the place of this program.
    Alone(Alone),
    /// Runs a process that is asked to end by a command.
    Process(Process),
    Container(Container),
    Wait(Wait),
}

/// Finds free ports, and gets the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    pub ports: Vec<WantedPort>,
    /// Ports that other sidecars of the cell were given.
    pub avoid: Vec<u16>,
    /// The address by which it will be seen to be ready: nobody else may listen there.
    pub silent: Option<Target>,
    pub image: Option<Image>,
}

/// A port to find, or to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedPort {
    /// As expressions name it.
    pub name: String,
    pub outer: Option<u16>,
    pub is_udp: bool,
}

/// An image to get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The program that runs containers.
    pub engine: String,
    pub name: String,
    /// User and password at its registry.
    pub login: Option<(String, String)>,
    /// An absolute path for the folder of that log-in, which nobody else uses.
    pub folder: String,
}

/// A process that is begun once nobody else listens where it is to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    pub silent: Target,
}

/// A process to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Nobody else may listen there when it begins.
    #[serde(default)]
    pub silent: Option<Target>,
    pub run: Vec<String>,
    pub stop: Vec<String>,
}

/// A container to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub engine: String,
    /// Its name, which no other container has.
    pub name: String,
    /// Words for the engine's `run` before the image.
    pub options: Vec<String>,
    /// The image and the words behind it.
    pub image: Vec<String>,
    pub env: Vec<(String, String)>,
    /// How long it may take to end once it was asked to, in seconds.
    pub grace_s: u64,
}

/// A sidecar to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Engine and name of the container, if it is one.
    pub container: Option<(String, String)>,
    pub look: Look,
    /// Inner and outer numbers of its ports.
    pub ports: Vec<(String, u16)>,
    pub interval_ms: u64,
    pub timeout_ms: u64,
    /// The sidecar's log, absolute.
    pub log: String,
    /// The folder of the job, absolute.
    pub dir: String,
    /// The try of the sidecar.
    pub of: AttemptKey,
}

/// How to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    Tcp(Target),
    Http {
        target: Target,
        path: String,
    },
    Run(Vec<String>),
    /// What the container engine says.
    Health,
}

/// What is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub host: String,
    pub port: u16,
    /// The port of the sidecar behind it; a container in the network of the host has that one.
    pub inner: Option<u16>,
}

/// Takes text apart into words as a shell does: blanks part them, quotes and backslashes hold them together.
///
/// # Errors
/// What is not closed, in words.
pub fn split_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(inner) => word.push(inner),
                        None => return Err("a `'` is never closed".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => match letters.next() {
                            Some(kept @ ('"' | '\\' | '$' | '`')) => word.push(kept),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err("a `\"` is never closed".to_owned()),
                        },
                        Some(inner) => word.push(inner),
                        None => return Err("a `\"` is never closed".to_owned()),
                    }
                }
            }
            '\\' => match letters.next() {
                Some(kept) => word.get_or_insert_default().push(kept),
                None => return Err("nothing stands behind the last `\\`".to_owned()),
            },
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split_words;

    #[test]
    fn words_are_parted_and_quoted_as_in_a_shell() {
        let words = |text| split_words(text).expect("it is closed");
        assert_eq!(
            words("  -v data:/d\n--health-cmd \"redis-cli \\\"ping\\\"\""),
            ["-v", "data:/d", "--health-cmd", "redis-cli \"ping\""]
        );
        assert_eq!(words(r"a' b 'c d\ e '' "), ["a b c", "d e", ""]);
        assert_eq!(words(r#""\n""#), [r"\n"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn what_is_not_closed_is_told() {
        assert_eq!(split_words("a 'b"), Err("a `'` is never closed".to_owned()));
        assert_eq!(split_words("a \"b\\"), Err("a `\"` is never closed".to_owned()));
        assert_eq!(split_words("a\\"), Err("nothing stands behind the last `\\`".to_owned()));
    }
}
