//! Settings: what there is, what each accepts, and which layer a value comes from.
//!
//! Not here: reading files and the environment (`app/settings.rs`). Start with `TABLE` and `Settings::resolve`.
//! Layers, each stronger than the one before: built in, the user's file, the project's file, environment
//! variables `SORTIE_SET_<SECTION>_<KEY>`, flags.

use std::time::Duration;

use super::diag::Diagnostic;
use super::playbook::source::{Source, Span};
use super::playbook::tree::{self, Kind as NodeKind};
use super::text::{listed_names, near_miss, parse_duration, shortened};

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;

/// Begins the name of every environment variable that is a setting.
pub const VARIABLE_PREFIX: &str = "SORTIE_SET_";

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// `section.key`.
    pub key: &'static str,
    pub accepts: Accepts,
    /// As it would be written in a file; empty if there is none.
    pub default: &'static str,
    /// The flag that sets it; empty if there is none.
    pub flag: &'static str,
    /// What it does, as a sentence without full stop.
    pub about: &'static str,
}

/// What a setting accepts.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    Words(&'static [&'static str]),
    /// A whole number from 1.
    Count,
    /// `true` or `false`.
    Flag,
    /// A time with a unit.
    Duration,
    /// A folder; a relative one begins at the project's root.
    Folder,
    /// A theme's name, or the path of its file.
    Theme,
}

/// Every setting, in the order `config explain` prints them.
pub static TABLE: &[Setting] = &[
    Setting {
        key: "run.ui",
        accepts: Accepts::Words(&["auto", "full", "inline", "plain", "json"]),
        default: "auto",
        flag: "--ui",
        about: "how `run` shows a job; `auto` means bars on a terminal, else lines",
    },
    Setting {
        key: "run.max-parallel",
        accepts: Accepts::Count,
        default: "",
        flag: "--max-parallel",
        about: "most cells that run at once; without it the playbook decides",
    },
    Setting {
        key: "run.on-loss",
        accepts: Accepts::Words(&["stop"]),
        default: "stop",
        flag: "--on-loss",
        about: "what becomes of a job's processes if sortie dies",
    },
    Setting {
        key: "ui.color",
        accepts: Accepts::Words(&["auto", "always", "never"]),
        default: "auto",
        flag: "--color",
        about: "colours; `auto` means on a terminal only, and never with NO_COLOR",
    },
    Setting {
        key: "ui.ascii",
        accepts: Accepts::Flag,
        default: "false",
        flag: "--ascii",
        about: "plain ASCII instead of symbols",
    },
    Setting {
        key: "ui.heartbeat",
        accepts: Accepts::Duration,
        default: "30s",
        flag: "--heartbeat",
        about: "silence after which a line says what still runs",
    },
    Setting {
        key: "ui.theme",
        accepts: Accepts::Theme,
        default: "terminal",
        flag: "",
        about: "colours and attributes of the screens",
    },
    Setting {
        key: "ui.motion",
        accepts: Accepts::Words(&["full", "reduced", "none"]),
        default: "full",
        flag: "",
        about: "how much moves: spinners and clocks, clocks only, clocks every ten seconds; REDUCED_MOTION=1 asks for `reduced`",
    },
    Setting {
        key: "store.dir",
        accepts: Accepts::Folder,
        default: ".sortie",
        flag: "--state",
        about: "folder for jobs and their logs",
    },
];

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// A file's name and the line, from 1.
    File {
        name: String,
        line: u32,
    },
    /// The variable's name.
    Variable(String),
    /// The flag's name.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value that some layer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub key: &'static str,
    pub value: String,
    pub origin: Origin,
}

/// A setting's value, and what it won over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub value: String,
    pub origin: Origin,
    /// Weaker layers that gave a value, the strongest first.
    pub overrode: Vec<(String, Origin)>,
}

/// All settings with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One for each entry of `TABLE`, same positions.
    rows: Vec<Resolved>,
}

impl Settings {
    /// Lets stronger layers win; `layers` come weakest first, without the built-in one, and hold checked values.
    #[must_use]
    pub fn resolve(layers: &[Vec<Given>]) -> Self {
        let rows = TABLE
            .iter()
            .map(|setting| {
                let built_in = Resolved {
                    value: setting.default.to_owned(),
                    origin: Origin::Default,
                    overrode: Vec::new(),
                };
                layers.iter().flatten().filter(|given| given.key == setting.key).fold(
                    built_in,
                    |mut weaker, given| {
                        weaker.overrode.insert(0, (weaker.value, weaker.origin));
                        Resolved {
                            value: given.value.clone(),
                            origin: given.origin.clone(),
                            overrode: weaker.overrode,
                        }
                    },
                )
            })
            .collect();
        Self { rows }
    }

    /// Iterates over the settings with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Resolved)> {
        TABLE.iter().zip(&self.rows)
    }

    /// Returns a setting's value and origin.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Resolved> {
        self.iter().find(|(setting, _)| setting.key == key).map(|(_, resolved)| resolved)
    }

    fn text(&self, key: &str) -> &str {
        self.get(key).map_or("", |resolved| &resolved.value)
    }

    /// Returns the face of `run`: `auto`, `full`, `inline`, `plain` or `json`.
    #[must_use]
    pub fn ui(&self) -> &str {
        self.text("run.ui")
    }

    /// Returns the most cells that run at once, if somebody set it.
    #[must_use]
    pub fn max_parallel(&self) -> Option<u32> {
        self.text("run.max-parallel").parse().ok()
    }

    /// Returns `auto`, `always` or `never`.
    #[must_use]
    pub fn color(&self) -> &str {
        self.text("ui.color")
    }

    /// Says whether symbols outside of ASCII are avoided.
    #[must_use]
    pub fn ascii(&self) -> bool {
        self.text("ui.ascii") == "true"
    }

    /// Returns the silence after which a line says what still runs.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        parse_duration(self.text("ui.heartbeat")).unwrap_or(Duration::from_secs(30))
    }

    /// Returns a theme's name or the path of its file, as it was written.
    #[must_use]
    pub fn theme(&self) -> &str {
        self.text("ui.theme")
    }

    /// Returns `full`, `reduced` or `none`. The variable `REDUCED_MOTION` has a say where nothing was set.
    #[must_use]
    pub fn motion(&self, reduced_motion: Option<&str>) -> &str {
        let is_asked = reduced_motion.is_some_and(|value| !matches!(value, "" | "0" | "false"));
        match self.get("ui.motion") {
            Some(Resolved { origin: Origin::Default, .. }) if is_asked => "reduced",
            _ => self.text("ui.motion"),
        }
    }

    /// Returns the folder for jobs and logs as it was written.
    #[must_use]
    pub fn store_dir(&self) -> &str {
        self.text("store.dir")
    }
}

/// Finds a setting by its key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.key == key)
}

/// Checks a value.
///
/// # Errors
/// What is accepted, as the end of the sentence "it takes".
pub fn check(setting: &Setting, value: &str) -> Result<(), String> {
    let fits = match setting.accepts {
        Accepts::Words(words) => words.contains(&value),
        Accepts::Count => value.parse::<u32>().is_ok_and(|count| count > 0),
        Accepts::Flag => value == "true" || value == "false",
        Accepts::Duration => parse_duration(value).is_ok_and(|time| !time.is_zero()),
        Accepts::Folder | Accepts::Theme => !value.is_empty(),
    };
    if fits { Ok(()) } else { Err(expected(setting)) }
}

/// Says what a setting accepts.
#[must_use]
pub fn expected(setting: &Setting) -> String {
    match setting.accepts {
        Accepts::Words(words) => listed_names(words, "or"),
        Accepts::Count => "a whole number from 1".to_owned(),
        Accepts::Flag => "`true` or `false`".to_owned(),
        Accepts::Duration => "a time with a unit, such as `30s`".to_owned(),
        Accepts::Folder => "a folder".to_owned(),
        Accepts::Theme => "a theme's name, or the path of its file".to_owned(),
    }
}

/// Returns the environment variable of a setting: `SORTIE_SET_RUN_MAX_PARALLEL`.
#[must_use]
pub fn variable(setting: &Setting) -> String {
    format!("{VARIABLE_PREFIX}{}", setting.key.to_ascii_uppercase().replace(['.', '-'], "_"))
}

/// Reads the layer of environment variables; every name without the prefix is left alone.
///
/// # Errors
/// A sentence for each variable that is no setting or has an unfitting value.
pub fn from_environment(variables: &[(String, String)]) -> Result<Vec<Given>, Vec<String>> {
    let mut given = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
        let Some(setting) = TABLE.iter().find(|setting| variable(setting) == *name) else {
            let names: Vec<String> = TABLE.iter().map(variable).collect();
            let near = near_miss(name, names.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            problems.push(format!("the variable `{name}` names no setting{hint}"));
            continue;
        };
        match check(setting, value) {
            Ok(()) => given.push(Given {
                key: setting.key,
                value: value.clone(),
                origin: Origin::Variable(name.clone()),
            }),
            Err(expected) => {
                problems.push(format!(
                    "the variable `{name}` takes {expected}, found `{}`",
                    shortened(value, 60)
                ));
            }
        }
    }
    if problems.is_empty() { Ok(given) } else { Err(problems) }
}

/// Reads a file of settings: sections with keys, nothing deeper. An empty file sets nothing.
#[must_use]
pub fn from_file(source: &Source) -> (Vec<Given>, Vec<Diagnostic>) {
    if source.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return (Vec::new(), Vec::new());
    }
    let (tree, mut found) = tree::parse(source);
    let mut given = Vec::new();
    let Some(tree) = tree else { return (given, found) };
    let root = tree.node(tree.root);
    let NodeKind::Map(sections) = &root.kind else {
        found.push(not_a_map(root.span, "a file of settings"));
        return (given, found);
    };
    for &section in sections {
        let name = tree.key(section);
        let at = tree.node(section.key).span;
        let known = TABLE.iter().any(|setting| setting.key.split('.').next() == Some(name));
        if name.starts_with("x-") {
            continue;
        }
        if !known {
            let names = TABLE.iter().filter_map(|setting| setting.key.split('.').next());
            found.push(unknown(
                at,
                &format!("no section of the settings has the name `{name}`"),
                near_miss(name, names),
            ));
            continue;
        }
        let value = tree.node(section.value);
        let NodeKind::Map(entries) = &value.kind else {
            found.push(not_a_map(value.span, &format!("the section `{name}`")));
            continue;
        };
        for &entry in entries {
            let key = format!("{name}.{}", tree.key(entry));
            let at = tree.node(entry.key).span;
            let Some(setting) = find(&key) else {
                let near = near_miss(&key, TABLE.iter().map(|setting| setting.key));
                found.push(unknown(at, &format!("there is no setting `{key}`"), near));
                continue;
            };
            match read_value(&tree, entry.value, setting) {
                Ok(value) => given.push(Given {
                    key: setting.key,
                    value,
                    origin: Origin::File { name: source.name.to_string(), line: source.place(at.start).line },
                }),
                Err(problem) => found.push(*problem),
            }
        }
    }
    (given, found)
}

fn read_value(tree: &tree::Tree<'_>, id: tree::NodeId, setting: &Setting) -> Result<String, Box<Diagnostic>> {
    let node = tree.node(id);
    let text = match &node.kind {
        NodeKind::Scalar(scalar) => scalar.text.to_string(),
        NodeKind::Seq(_) => "a list".to_owned(),
        NodeKind::Map(_) => "a map".to_owned(),
    };
    check(setting, &text).map(|()| text.clone()).map_err(|expected| {
        let message =
            format!("the setting `{}` takes {expected}, found `{}`", setting.key, shortened(&text, 60));
        let help = format!("sortie config explain {}", setting.key);
        Box::new(Diagnostic::error("bad-setting", node.span, message).help(help))
    })
}

fn unknown(at: Span, message: &str, near: Option<&str>) -> Diagnostic {
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`sortie explain settings` lists them".to_owned(),
    };
    Diagnostic::error("unknown-setting", at, message).help(help)
}

fn not_a_map(at: Span, what: &str) -> Diagnostic {
    Diagnostic::error("bad-setting", at, format!("{what} holds keys with values"))
        .help("write for example:\nrun:\n  max-parallel: 4")
}
