//! Endings to exit codes. One table, printed by `sortie explain exit-codes`.

use std::process::ExitCode;

use crate::faces::ending::Ending;

/// Ending, code, meaning.
static TABLE: &[(Ending, u8, &str)] = &[
    (Ending::Success, 0, "success; a rescued job included, the summary says so"),
    (Ending::JobFailed, 1, "the job failed"),
    (Ending::Usage, 2, "the playbook, the arguments or the settings are wrong"),
    (Ending::Refused, 3, "refused: the order makes no sense now, or a policy or requirement forbids it"),
    (Ending::Rejected, 4, "rejected at a gate, or not approved in time"),
    (Ending::Surroundings, 5, "the surroundings are in the way: store, lock, engine, disk, secrets"),
    (Ending::RolledBack, 10, "the job failed, and what it had done was undone"),
    (Ending::RollbackFailed, 11, "something that the job had done could not be undone"),
    (Ending::Bug, 101, "a bug in sortie"),
    (Ending::TimedOut, 124, "the job's own time limit passed (`policy.timeout`)"),
    (Ending::Cancelled, 130, "cancelled: by key, order, Ctrl-C or a signal"),
];

/// Returns the number that the shell sees.
#[must_use]
pub(super) fn code(ending: Ending) -> u8 {
    TABLE.iter().find(|(it, _, _)| *it == ending).map_or(101, |(_, code, _)| *code)
}

/// Returns the same for `main`.
#[must_use]
pub(super) fn exit_code(ending: Ending) -> ExitCode {
    ExitCode::from(code(ending))
}

/// Returns every code with its meaning.
#[must_use]
pub(super) fn table() -> Vec<(u8, &'static str)> {
    TABLE.iter().map(|(_, code, meaning)| (*code, *meaning)).collect()
}
