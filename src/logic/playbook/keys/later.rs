//! Rows of the table for places that the reader does not visit yet: the key that leads there is refused with `not-yet`.
//!
//! Not here: the places that are read (`honoured.rs`). Start with `of`.

use super::{Key, Place, later};

/// Returns the rows of a place that is not read yet.
pub(super) fn of(place: Place) -> &'static [Key] {
    match place {
        Place::Environment => ENVIRONMENT,
        Place::Container => CONTAINER,
        Place::Sidecar => SIDECAR,
        Place::Notifications => NOTIFICATIONS,
        Place::Service => SERVICE,
        Place::DeployEnvironment => DEPLOY_ENVIRONMENT,
        _ => &[],
    }
}

const E: Place = Place::Environment;
static ENVIRONMENT: &[Key] = &[
    later(E, "name", "text", "Name of the environment"),
    later(E, "url", "text with expressions", "Where to see the result"),
];

const CO: Place = Place::Container;
static CONTAINER: &[Key] = &[
    later(CO, "image", "text", "Image of the container"),
    later(CO, "env", "a map of text", "Its environment"),
    later(CO, "ports", "a list", "Ports that it opens"),
    later(CO, "volumes", "a list", "Folders that it sees"),
    later(CO, "options", "text", "Further options of the container engine"),
    later(CO, "credentials", "a map", "How to log in at the registry"),
    later(CO, "user", "text", "User in the container"),
];

const SC: Place = Place::Sidecar;
static SIDECAR: &[Key] = &[
    later(SC, "image", "text", "Image of the container"),
    later(SC, "env", "a map of text", "Its environment"),
    later(SC, "ports", "a list", "Ports that it opens"),
    later(SC, "volumes", "a list", "Folders that it sees"),
    later(SC, "options", "text", "Further options of the container engine"),
    later(SC, "credentials", "a map", "How to log in at the registry"),
    later(SC, "entrypoint", "text", "Replaces the image's entry point"),
    later(SC, "command", "text", "Replaces the image's command"),
    later(SC, "process", "a map", "A process instead of a container"),
    later(SC, "ready", "a map", "How to see that it is ready"),
];

const N: Place = Place::Notifications;
static NOTIFICATIONS: &[Key] = &[
    later(N, "channels", "a map", "Ways to reach people"),
    later(N, "routes", "a list", "Which event goes where"),
];

const SV: Place = Place::Service;
static SERVICE: &[Key] = &[
    later(SV, "api", "`svc/v1`", "Version of the format"),
    later(SV, "name", "a name", "Name of the service"),
    later(SV, "owner", "text", "Who looks after it"),
    later(SV, "tier", "`critical`, `standard` or `batch`", "How much depends on it"),
    later(SV, "provides", "a list", "What others may rely on"),
    later(SV, "depends_on", "a list", "Services that it relies on"),
    later(SV, "on_failure", "`stop_dependents`, `stop_all` or `continue`", "What its failure does to others"),
    later(SV, "artifact", "a map", "What is brought out"),
    later(SV, "runtime", "a map", "How instances run"),
    later(SV, "health", "a map", "How to see that it works"),
    later(SV, "router", "a map", "How requests reach it"),
    later(SV, "circuit", "a map", "When calls are held back"),
    later(SV, "deploy", "a map", "How a release is brought out"),
    later(SV, "analysis", "a list", "What is measured meanwhile"),
    later(SV, "rollback", "a map", "How a release is taken back"),
    later(SV, "secrets", "a map", "Where its secrets come from"),
    later(SV, "notifications", "a map", "Whom to tell"),
    later(SV, "policies", "a list", "Rules that a deploy has to keep"),
    later(SV, "slo", "a map", "What it promises"),
    later(SV, "dora", "a map", "Where figures about deliveries come from"),
];

const DE: Place = Place::DeployEnvironment;
static DEPLOY_ENVIRONMENT: &[Key] = &[
    later(DE, "name", "a name", "Name of the environment"),
    later(DE, "extends", "a name", "Environment that it builds on"),
    later(DE, "must_override", "a list of paths", "Values that have to be set here"),
    later(DE, "forbid", "a map", "What may not be set here"),
    later(DE, "confirm", "`typed`, `yes` or `none`", "What a person is asked before a deploy"),
    later(DE, "regions", "a map", "Its regions and their order"),
    later(DE, "lock", "a map", "Keeps deploys apart"),
    later(DE, "services", "a map", "Differences for single services"),
];
