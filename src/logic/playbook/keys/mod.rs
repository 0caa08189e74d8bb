//! The one table of keys: every key of the language, where it stands, what it takes, and whether it is honoured.
//!
//! Not here: reading their values (`read_*.rs`). Start with `of`, the keys of one place; the rows are in
//! `honoured.rs` (all places that are read today) and `later.rs` (places that only exist in the table so far).

mod honoured;
mod later;

use crate::logic::text::{listed_names, near_miss};

/// A kind of map in which keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Playbook,
    Input,
    Secret,
    SecretFrom,
    Defaults,
    DefaultsRun,
    Policy,
    Requires,
    Assertion,
    Output,
    Stage,
    Strategy,
    Cancel,
    Retry,
    Backoff,
    Workspace,
    Log,
    Step,
    Trigger,
    Schedule,
    Profile,
    Concurrency,
    Lock,
    Resources,
    Environment,
    Container,
    Sidecar,
    SidecarProcess,
    Credentials,
    Ready,
    Cache,
    CacheFiles,
    Approve,
    Artifacts,
    ArtifactOut,
    ArtifactIn,
    Reporting,
    Notifications,
    Service,
    DeployEnvironment,
    Dst,
    Watch,
    AfterRun,
    Action,
    ActionInput,
    ActionOutput,
    ActionRuns,
}

impl Place {
    /// All places, in the order in which the table is printed.
    pub const ALL: [Self; 47] = [
        Self::Playbook,
        Self::Input,
        Self::Secret,
        Self::SecretFrom,
        Self::Defaults,
        Self::DefaultsRun,
        Self::Policy,
        Self::Requires,
        Self::Assertion,
        Self::Output,
        Self::Stage,
        Self::Strategy,
        Self::Cancel,
        Self::Retry,
        Self::Backoff,
        Self::Workspace,
        Self::Log,
        Self::Step,
        Self::Trigger,
        Self::Schedule,
        Self::Profile,
        Self::Concurrency,
        Self::Lock,
        Self::Resources,
        Self::Environment,
        Self::Container,
        Self::Sidecar,
        Self::SidecarProcess,
        Self::Credentials,
        Self::Ready,
        Self::Cache,
        Self::CacheFiles,
        Self::Approve,
        Self::Artifacts,
        Self::ArtifactOut,
        Self::ArtifactIn,
        Self::Reporting,
        Self::Notifications,
        Self::Service,
        Self::DeployEnvironment,
        Self::Dst,
        Self::Watch,
        Self::AfterRun,
        Self::Action,
        Self::ActionInput,
        Self::ActionOutput,
        Self::ActionRuns,
    ];

    /// Returns the place as it is named in messages: `a stage`, `` `retry` ``.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Playbook => "a playbook",
            Self::Input => "an input",
            Self::Secret => "a secret",
            Self::SecretFrom => "`from` of a secret",
            Self::Defaults => "`defaults`",
            Self::DefaultsRun => "`defaults.run`",
            Self::Policy => "`policy`",
            Self::Requires => "`requires`",
            Self::Assertion => "an entry of `pre` or `post`",
            Self::Output => "an output",
            Self::Stage => "a stage",
            Self::Strategy => "`strategy`",
            Self::Cancel => "`cancel`",
            Self::Retry => "`retry`",
            Self::Backoff => "`backoff`",
            Self::Workspace => "`workspace`",
            Self::Log => "`log`",
            Self::Step => "a step",
            Self::Trigger => "`on`",
            Self::Schedule => "an entry of `schedule`",
            Self::Profile => "a profile",
            Self::Concurrency => "`concurrency`",
            Self::Lock => "an entry of `locks`",
            Self::Resources => "`resources`",
            Self::Environment => "`environment`",
            Self::Container => "`container`",
            Self::Sidecar => "an entry of `services`",
            Self::SidecarProcess => "`process`",
            Self::Credentials => "`credentials`",
            Self::Ready => "`ready`",
            Self::Cache => "`cache`",
            Self::CacheFiles => "`cache-files`",
            Self::Approve => "`approve`",
            Self::Artifacts => "`artifacts`",
            Self::ArtifactOut => "an entry of `artifacts.out`",
            Self::ArtifactIn => "an entry of `artifacts.in`",
            Self::Reporting => "`reporting`",
            Self::Notifications => "`notifications`",
            Self::Service => "a `service.yml`",
            Self::DeployEnvironment => "an environment file",
            Self::Dst => "`dst`",
            Self::Watch => "`watch`",
            Self::AfterRun => "`run` of `on`",
            Self::Action => "an action",
            Self::ActionInput => "an input of an action",
            Self::ActionOutput => "an output of an action",
            Self::ActionRuns => "`runs`",
        }
    }
}

/// Whether a key does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Read, checked and carried out.
    Honoured,
    /// Known, and refused with `not-yet` until it is carried out.
    NotYet,
}

/// A row of the table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub place: Place,
    /// What it takes, in words: `a duration`.
    pub takes: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    pub status: Status,
}

const fn yes(place: Place, name: &'static str, takes: &'static str, doc: &'static str) -> Key {
    Key { name, place, takes, doc, status: Status::Honoured }
}

const fn later(place: Place, name: &'static str, takes: &'static str, doc: &'static str) -> Key {
    Key { name, place, takes, doc, status: Status::NotYet }
}

/// Returns the keys that may stand in a place.
#[must_use]
pub fn of(place: Place) -> &'static [Key] {
    honoured::of(place).unwrap_or_else(|| later::of(place))
}

/// Returns the row of a key.
#[must_use]
pub fn find(place: Place, name: &str) -> Option<&'static Key> {
    of(place).iter().find(|key| key.name == name)
}

/// Returns all rows, place by place.
pub fn all() -> impl Iterator<Item = &'static Key> {
    Place::ALL.into_iter().flat_map(of)
}

/// Returns the way out where a place holds no keys: which it takes.
#[must_use]
pub fn outline(place: Place) -> Option<String> {
    const MOST: usize = 6;
    if matches!(place, Place::Stage | Place::Step) {
        return Some("write what it runs: `run: COMMAND`".to_owned());
    }
    let honoured = of(place).iter().filter(|key| key.status == Status::Honoured);
    let names: Vec<&str> = honoured.map(|key| key.name).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("its key is `{only}`")),
        few if few.len() <= MOST => Some(format!("its keys are {}", listed_names(few, "and"))),
        many => Some(format!(
            "among its keys are {}; `sortie explain keys` lists all",
            listed_names(&many[..MOST], "and")
        )),
    }
}

/// Returns the way out for a key that a place does not have: the key that was meant, or where this one belongs.
#[must_use]
pub fn advice(place: Place, name: &str) -> Option<String> {
    let plain = name.replace('_', "-").to_lowercase();
    let renamed = match (place, plain.as_str()) {
        (Place::Playbook, "jobs") => Some("stages"),
        (Place::Stage | Place::Step | Place::Policy, "timeout-minutes") => Some("timeout"),
        (Place::Stage, "depends-on" | "dependson" | "depends" | "after") => Some("needs"),
        (Place::Stage | Place::Step, "environment-variables" | "variables") => Some("env"),
        (Place::Stage | Place::Step, "when" | "condition") => Some("if"),
        (Place::Step, "command" | "cmd" | "exec") => Some("run"),
        (Place::Step, "cwd" | "dir" | "workdir") => Some("working-directory"),
        (Place::Step | Place::Stage, "retries") => Some("retry"),
        (Place::Step | Place::Stage, "ignore-errors" | "allow-failure") => Some("continue-on-error"),
        _ => None,
    };
    if let Some(meant) = renamed {
        return Some(format!("write `{meant}`"));
    }
    if let Some(near) = near_miss(&plain, of(place).iter().map(|key| key.name)) {
        return Some(format!("did you mean `{near}`?"));
    }
    let homes: Vec<&str> = [
        Place::Playbook,
        Place::Stage,
        Place::Step,
        Place::Policy,
        Place::Strategy,
        Place::Retry,
        Place::Defaults,
    ]
    .into_iter()
    .filter(|home| *home != place && find(*home, &plain).is_some())
    .map(Place::words)
    .collect();
    if !homes.is_empty() {
        return Some(format!("`{plain}` is a key of {}", crate::logic::text::listed(&homes, "and of")));
    }
    let there = match place {
        Place::Playbook | Place::Stage | Place::Step => None,
        _ => outline(place),
    };
    let there = there.unwrap_or_else(|| "`sortie explain keys` lists all keys".to_owned());
    Some(format!("{there}; keys of your own begin with `x-`"))
}
