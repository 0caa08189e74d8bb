//! Settings: what there is, what each accepts, and which layer a value comes from.
//!
//! Not here: reading files and the environment (`app/settings.rs`). Start with `TABLE` and `Settings::resolve`.
//! Layers, each stronger than the one before: built in, the user's file, the project's file, environment
//! variables `SORTIE_SET_<SECTION>_<KEY>`, flags.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cache::Trust;
use super::diag::Diagnostic;
use super::playbook::share::Totals;
use super::playbook::source::{Source, Span};
use super::playbook::tree::{self, Kind as NodeKind};
use super::text::{listed_names, near_miss, parse_duration, parse_size, shortened};

#[path = "settings_totals.rs"]
mod totals;

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
    /// Folders below the project's root: a list, or one text with commas.
    Folders,
    /// A theme's name, or the path of its file.
    Theme,
    /// A number of bytes with a unit.
    Size,
    /// Names with amounts; as one text `cpu=4 memory=8GiB gpu=1`. A section of its own, with free keys.
    Totals,
    /// Names with lists of names; as one text `ops=ann,ben dev=zoe`. A section of its own, with free keys.
    Groups,
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
        accepts: Accepts::Words(&["auto", "stop", "keep"]),
        default: "auto",
        flag: "--on-loss",
        about: "what becomes of a job's processes if sortie dies; `auto` keeps them where there is a terminal",
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
        key: "gates.claims",
        accepts: Accepts::Flag,
        default: "false",
        flag: "",
        about: "lets a name given with `--as` count at gates; otherwise it is only recorded beside the user's own",
    },
    Setting {
        key: "groups",
        accepts: Accepts::Groups,
        default: "",
        flag: "",
        about: "who belongs to the groups that `approvers` of gates name, such as `groups: {ops: [ann, ben]}`",
    },
    Setting {
        key: "engine.jobs",
        accepts: Accepts::Count,
        default: "",
        flag: "",
        about: "most jobs of the project that run at once; the others wait in line. Without it there is no limit",
    },
    Setting {
        key: "engine.slots",
        accepts: Accepts::Count,
        default: "",
        flag: "",
        about: "most cells that run at once over all jobs of the project; without it each job has slots of its own only",
    },
    Setting {
        key: "resources",
        accepts: Accepts::Totals,
        default: "",
        flag: "",
        about: "what the stages of all jobs share, such as `resources: {cpu: 4, memory: 8GiB, gpu: 1}`; what is not named here has no limit",
    },
    Setting {
        key: "services.engine",
        accepts: Accepts::Words(&["auto", "docker", "podman"]),
        default: "auto",
        flag: "",
        about: "what runs containers of `services`; `auto` takes what works, and prefers a `process` where a service has one",
    },
    Setting {
        key: "cache.trust",
        accepts: Accepts::Words(&["own", "shared", "untrusted"]),
        default: "own",
        flag: "--cache-trust",
        about: "how far jobs are trusted that are started here; a job uses no result that was made by one of a lower class",
    },
    Setting {
        key: "scripts.folders",
        accepts: Accepts::Folders,
        default: "scripts,automation-scripts",
        flag: "",
        about: "folders of numbered scripts below the project's root, looked into with all that is in them",
    },
    Setting {
        key: "store.dir",
        accepts: Accepts::Folder,
        default: ".sortie",
        flag: "--state",
        about: "folder for jobs and their logs",
    },
    Setting {
        key: "jobs.keep",
        accepts: Accepts::Count,
        default: "1000",
        flag: "",
        about: "jobs that `store prune` keeps, the newest ones; nothing is removed without that command",
    },
    Setting {
        key: "jobs.keep-for",
        accepts: Accepts::Duration,
        default: "90d",
        flag: "",
        about: "how long `store prune` keeps a job after its end",
    },
    Setting {
        key: "jobs.keep-size",
        accepts: Accepts::Size,
        default: "10GiB",
        flag: "",
        about: "bytes of logs that `store prune` keeps, those of the newest jobs",
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

    /// Returns `auto`, `stop` or `keep`.
    #[must_use]
    pub fn on_loss(&self) -> &str {
        self.text("run.on-loss")
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

    /// Returns what `store prune` keeps: so many jobs, for so long, with so many bytes of logs.
    #[must_use]
    pub fn keep(&self) -> (Option<usize>, Option<Duration>, Option<u64>) {
        let text = |key| self.text(key);
        (
            text("jobs.keep").parse().ok(),
            parse_duration(text("jobs.keep-for")).ok(),
            parse_size(text("jobs.keep-size")),
        )
    }

    /// Says whether a name that somebody gives as theirs counts at gates.
    #[must_use]
    pub fn claims_count(&self) -> bool {
        self.text("gates.claims") == "true"
    }

    /// Returns the people of each group.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<String, Vec<String>> {
        read_groups(self.text("groups")).unwrap_or_default()
    }

    /// Returns what all jobs share.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            jobs: self.text("engine.jobs").parse().ok(),
            slots: self.text("engine.slots").parse().ok(),
            others: totals::read(self.text("resources")).unwrap_or_default(),
        }
    }

    /// Returns what runs containers: `docker`, `podman`, or `auto` for what works.
    #[must_use]
    pub fn container_engine(&self) -> &str {
        self.text("services.engine")
    }

    /// Returns how far jobs are trusted that are started here.
    #[must_use]
    pub fn cache_trust(&self) -> Trust {
        Trust::of_word(self.text("cache.trust")).unwrap_or_default()
    }

    /// Returns the folders of numbered scripts, from the project's root, each without a slash at its end.
    #[must_use]
    pub fn script_folders(&self) -> Vec<String> {
        let folders =
            self.text("scripts.folders").split(',').map(|it| it.trim().trim_end_matches('/').to_owned());
        folders.collect()
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
        Accepts::Folders => value.split(',').all(is_inside),
        Accepts::Size => parse_size(value).is_some(),
        Accepts::Groups => read_groups(value).is_some(),
        Accepts::Totals => totals::read(value).is_some(),
    };
    if fits { Ok(()) } else { Err(expected(setting)) }
}

/// Says whether a path stays below the folder that it begins in.
fn is_inside(path: &str) -> bool {
    let path = path.trim();
    !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| part != "..")
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
        Accepts::Folders => {
            "folders below the project's, such as `scripts` or `[scripts, tools/nightly]`".to_owned()
        }
        Accepts::Theme => "a theme's name, or the path of its file".to_owned(),
        Accepts::Size => "a size, such as `500MiB` or `10GiB`".to_owned(),
        Accepts::Totals => "names with amounts, such as `cpu=4 memory=8GiB gpu=1`".to_owned(),
        Accepts::Groups => "groups with their people, such as `ops=ann,ben dev=zoe`".to_owned(),
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
        if let Some(setting) = find(name).filter(|it| matches!(it.accepts, Accepts::Groups | Accepts::Totals))
        {
            let line = source.place(at.start).line;
            let read =
                if matches!(setting.accepts, Accepts::Totals) { totals::from_file } else { file_groups };
            match read(&tree, section.value, setting) {
                Ok(value) => given.push(Given {
                    key: setting.key,
                    value,
                    origin: Origin::File { name: source.name.to_string(), line },
                }),
                Err(problem) => found.push(*problem),
            }
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
        NodeKind::Seq(items) if matches!(setting.accepts, Accepts::Folders) => {
            let texts = items.iter().map(|item| match &tree.node(*item).kind {
                // One with a comma in it would be two.
                NodeKind::Scalar(scalar) if !scalar.text.contains(',') => &*scalar.text,
                _ => "",
            });
            texts.collect::<Vec<_>>().join(",")
        }
        NodeKind::Seq(_) => "a list".to_owned(),
        NodeKind::Map(_) => "a map".to_owned(),
    };
    // Some settings would take these words for a name.
    let is_value = match &node.kind {
        NodeKind::Scalar(_) => true,
        NodeKind::Seq(_) => matches!(setting.accepts, Accepts::Folders),
        NodeKind::Map(_) => false,
    };
    let checked = if is_value { check(setting, &text) } else { Err(expected(setting)) };
    checked.map(|()| text.clone()).map_err(|expected| {
        let message =
            format!("the setting `{}` takes {expected}, found `{}`", setting.key, shortened(&text, 60));
        let help = format!("sortie config explain {}", setting.key);
        Box::new(Diagnostic::error("bad-setting", node.span, message).help(help))
    })
}

/// Reads `ops=ann,ben dev=zoe`; nothing if it is something else.
fn read_groups(text: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let mut groups = BTreeMap::new();
    for part in text.split_whitespace() {
        let (name, people) = part.split_once('=')?;
        let people: Vec<String> = people.split(',').map(str::to_owned).collect();
        if name.is_empty() || name.contains(',') || people.iter().any(|it| it.is_empty() || it.contains('='))
        {
            return None;
        }
        if groups.insert(name.to_owned(), people).is_some() {
            return None;
        }
    }
    Some(groups)
}

/// Reads a map of groups with lists of people, to the text of the setting.
fn file_groups(
    tree: &tree::Tree<'_>,
    id: tree::NodeId,
    setting: &Setting,
) -> Result<String, Box<Diagnostic>> {
    let wrong = |at: Span, message: String| {
        let help = "write for example:\ngroups:\n  ops: [ann, ben]";
        Box::new(Diagnostic::error("bad-setting", at, message).help(help))
    };
    let node = tree.node(id);
    let NodeKind::Map(entries) = &node.kind else {
        return Err(wrong(
            node.span,
            "`groups` holds names of groups, each with a list of people".to_owned(),
        ));
    };
    let mut groups = Vec::with_capacity(entries.len());
    for &entry in entries {
        let (name, value) = (tree.key(entry), tree.node(entry.value));
        let people: Vec<&str> = match &value.kind {
            NodeKind::Scalar(scalar) => vec![&scalar.text],
            NodeKind::Seq(items) => items
                .iter()
                .filter_map(|item| match &tree.node(*item).kind {
                    NodeKind::Scalar(scalar) => Some(&*scalar.text),
                    _ => None,
                })
                .collect(),
            NodeKind::Map(_) => Vec::new(),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains([' ', '\t', '\n', ',', '=']);
        if people.is_empty() || !is_name(name) || !people.iter().all(|it| is_name(it)) {
            let message = format!("the group `{}` needs a list of names of people", shortened(name, 60));
            return Err(wrong(value.span, message));
        }
        groups.push(format!("{name}={}", people.join(",")));
    }
    let text = groups.join(" ");
    check(setting, &text)
        .map(|()| text)
        .map_err(|expected| wrong(node.span, format!("the setting `{}` takes {expected}", setting.key)))
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
