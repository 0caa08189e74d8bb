//! The numbered script library: which scripts there are, and which of them a selector means.
//!
//! A script is a file whose name begins with four digits and `_`: `0402_Run-Tests.sh`. What is asked of it (stage, tags,
//! parameters) it says itself in its first lines. Not here: looking into the folders (`engine/scripts.rs`), steps that run
//! them (`read_script.rs`). Start with `Library::select`.

mod head;
mod selector;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::logic::text::{listed_names, plural, shortened};

pub use head::{HEAD, script};
pub use selector::{Selector, Wrong, is_selection, selectors};

/// Stands for the list of all scripts among the files that a playbook needs; no file has such a path.
pub const LISTING: &str = ":scripts";

/// All scripts of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Where scripts are looked for, from the project's root.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Ascending by number, and by path where two have the same.
    pub scripts: Vec<Script>,
}

/// A script and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    pub number: u16,
    /// From the project's root.
    pub path: String,
    /// What starts it, before its path; nothing if it starts by itself.
    pub by: Vec<String>,
    /// What `# Stage:` says.
    pub stage: Option<String>,
    /// What `# Tags:` says.
    pub tags: Vec<String>,
    /// What it takes besides its environment.
    pub parameters: Vec<Parameter>,
}

/// Something that a script takes on its command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    /// It has no value of its own: it is there or not.
    pub is_switch: bool,
}

/// Why a selection is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// A number that no script has, and one that is near.
    Unknown { number: u16, near: Option<u16> },
    /// Two scripts have that number.
    Double { number: u16, paths: Vec<String> },
    /// Nothing is left.
    Empty,
}

/// What a selection came to.
#[derive(Debug)]
pub struct Selection<'l> {
    /// Ascending, each once.
    pub scripts: Vec<&'l Script>,
    /// Selectors that chose nothing, by their places, where others did.
    pub idle: Vec<usize>,
}

impl Script {
    /// Returns its name: that of its file, without what stands behind the last dot.
    #[must_use]
    pub fn name(&self) -> &str {
        let file = self.path.rsplit('/').next().unwrap_or(&self.path);
        file.rsplit_once('.').map_or(file, |(stem, _)| stem)
    }

    /// Returns the command that starts it, for a shell, with so many arguments behind its parameters. Parameters that have no
    /// value are left out when it runs.
    #[must_use]
    pub fn command(&self, args: usize) -> String {
        let mut words: Vec<String> = self.by.clone();
        words.push(format!("\"$SORTIE_WORKSPACE\"/{}", quoted(&self.path)));
        let is_powershell = self.by.first().is_some_and(|by| by == "pwsh");
        for it in &self.parameters {
            let (name, dashes) = (variable(&it.name), if is_powershell { "-" } else { "--" });
            words.push(match it.is_switch {
                true => format!("${{SORTIE_PARAMETER_{name}:+{dashes}{}}}", it.name),
                false => {
                    format!("${{SORTIE_PARAMETER_{name}+{dashes}{} \"$SORTIE_PARAMETER_{name}\"}}", it.name)
                }
            });
        }
        words.extend((1..=args).map(|number| format!("\"${}\"", argument(number))));
        words.join(" ")
    }
}

impl Library {
    /// Makes a library of the scripts in some folders, in any order.
    #[must_use]
    pub fn new(folders: Vec<String>, mut scripts: Vec<Script>) -> Self {
        scripts.sort_by(|a, b| (a.number, &a.path).cmp(&(b.number, &b.path)));
        // Folders may lie in each other.
        scripts.dedup_by(|a, b| a.path == b.path);
        Self { folders, scripts }
    }

    /// Returns the text that it is kept as with a job.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Self::to_text`] gave.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns what selectors mean together.
    ///
    /// # Errors
    /// A number that no script or more than one has, or nothing being left.
    pub fn select(&self, selectors: &[Selector]) -> Result<Selection<'_>, Nothing> {
        let mut chosen = vec![false; self.scripts.len()];
        let mut idle = Vec::new();
        for (at, selector) in selectors.iter().enumerate() {
            let mut has_some = false;
            for (script, chosen) in self.scripts.iter().zip(&mut chosen) {
                if selector.means(script) {
                    has_some = true;
                    *chosen |= !selector.is_out;
                }
            }
            match selector.number() {
                Some(number) if !has_some && !selector.is_out => {
                    return Err(Nothing::Unknown { number, near: self.near(number) });
                }
                _ if !has_some => idle.push(at),
                _ => {}
            }
        }
        for out in selectors.iter().filter(|it| it.is_out) {
            for (script, chosen) in self.scripts.iter().zip(&mut chosen) {
                *chosen &= !out.means(script);
            }
        }
        let scripts: Vec<&Script> =
            self.scripts.iter().zip(chosen).filter_map(|(it, chosen)| chosen.then_some(it)).collect();
        let mut same = scripts.chunk_by(|one, other| one.number == other.number);
        if let Some(pair) = same.find(|it| it.len() > 1) {
            let paths = pair.iter().map(|it| it.path.clone()).collect();
            return Err(Nothing::Double { number: pair[0].number, paths });
        }
        if scripts.is_empty() { Err(Nothing::Empty) } else { Ok(Selection { scripts, idle }) }
    }

    /// Returns the scripts that selectors mean together, each text with one or several of them.
    ///
    /// # Errors
    /// Why they mean none, and the way out.
    pub fn meant<T: AsRef<str>>(&self, wanted: &[T]) -> Result<Vec<&Script>, (String, String)> {
        let read = wanted.iter().map(|it| selectors(it.as_ref())).collect::<Result<Vec<_>, _>>();
        let all = read.map(|it| it.concat()).and_then(|all| Selector::check(&all).map(|()| all));
        let all = all.map_err(|wrong| wrong.words())?;
        let found = self.select(&all).map_err(|nothing| no_scripts(&nothing, &all, self))?;
        Ok(found.scripts)
    }

    /// Says that there are none at all, and where they would have to lie.
    #[must_use]
    pub fn nothing(&self) -> String {
        format!(
            "this project has no scripts: they lie in {} and are called `0402_NAME.sh` or the like",
            self.places()
        )
    }

    fn places(&self) -> String {
        listed_names(&self.folders.iter().map(|it| format!("{it}/")).collect::<Vec<_>>(), "or")
    }

    fn near(&self, number: u16) -> Option<u16> {
        let numbers = self.scripts.iter().map(|it| it.number);
        numbers.min_by_key(|it| it.abs_diff(number)).filter(|it| it.abs_diff(number) < 100)
    }
}

/// Returns the variable that a step keeps an argument of its scripts in; the first one is number 1.
#[must_use]
pub fn argument(number: usize) -> String {
    format!("SORTIE_ARGUMENT_{number}")
}

/// Returns how a name stands in names of environment variables: capitals, digits and `_`.
#[must_use]
pub fn variable(name: &str) -> String {
    name.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' }).collect()
}

/// Says why a selection is none, and the way out.
#[must_use]
pub fn no_scripts(nothing: &Nothing, asked: &[Selector], library: &Library) -> (String, String) {
    let folders = library.places();
    let other = || match library.scripts.len() {
        0 => library.nothing(),
        count => format!("`sortie playbooks scripts` lists the {} that there are", plural(count, "script")),
    };
    match nothing {
        Nothing::Unknown { number, near } => {
            let near = near.map_or_else(String::new, |near| format!("did you mean `{near:04}`? "));
            (format!("there is no script {number:04} in {folders}"), near + &other())
        }
        Nothing::Double { number, paths } => {
            let message =
                format!("several scripts have the number {number:04}: {}", listed_names(paths, "and"));
            (message, "give one of them another number".to_owned())
        }
        Nothing::Empty => {
            let asked: Vec<&str> = asked.iter().map(|it| it.text.as_str()).collect();
            (format!("`{}` means no script in {folders}", shortened(&asked.join(", "), 60)), other())
        }
    }
}

fn quoted(path: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._-/+@%".contains(it);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
