//! Rows of the table for all places that the reader visits.
//!
//! Not here: looking up (`mod.rs`). Start with `of`. A key goes from `later` to `yes` in the change that honours it.

use super::{Key, Place, later, yes};

/// Returns the rows of a place, if the reader visits it.
pub(super) fn of(place: Place) -> Option<&'static [Key]> {
    Some(match place {
        Place::Playbook => PLAYBOOK,
        Place::Input => INPUT,
        Place::Secret => SECRET,
        Place::SecretFrom => SECRET_FROM,
        Place::Defaults => DEFAULTS,
        Place::DefaultsRun => DEFAULTS_RUN,
        Place::Policy => POLICY,
        Place::Requires => REQUIRES,
        Place::Assertion => ASSERTION,
        Place::Output => OUTPUT,
        Place::Stage => STAGE,
        Place::Strategy => STRATEGY,
        Place::Cancel => CANCEL,
        Place::Retry => RETRY,
        Place::Backoff => BACKOFF,
        Place::Workspace => WORKSPACE,
        Place::Log => LOG,
        Place::Step => STEP,
        Place::Trigger => TRIGGER,
        Place::Schedule => SCHEDULE,
        Place::Dst => DST,
        Place::Watch => WATCH,
        Place::AfterRun => AFTER_RUN,
        Place::Approve => APPROVE,
        Place::Concurrency => CONCURRENCY,
        Place::Profile => PROFILE,
        Place::Lock => LOCK,
        Place::Resources => RESOURCES,
        Place::Cache => CACHE,
        Place::Artifacts => ARTIFACTS,
        Place::ArtifactOut => ARTIFACT_OUT,
        Place::ArtifactIn => ARTIFACT_IN,
        Place::CacheFiles => CACHE_FILES,
        Place::Sidecar => SIDECAR,
        Place::SidecarProcess => SIDECAR_PROCESS,
        Place::Credentials => CREDENTIALS,
        Place::Ready => READY,
        Place::Reporting => REPORTING,
        Place::Action => ACTION,
        Place::ActionInput => ACTION_INPUT,
        Place::ActionOutput => ACTION_OUTPUT,
        Place::ActionRuns => ACTION_RUNS,
        _ => return None,
    })
}

const P: Place = Place::Playbook;
static PLAYBOOK: &[Key] = &[
    yes(P, "version", "the number 3", "Version of the language; required"),
    yes(P, "name", "text", "Name of the playbook; the file's name without ending if there is none"),
    yes(P, "description", "text", "What the playbook is for"),
    yes(P, "category", "text", "A word to group playbooks by"),
    yes(P, "tags", "a list of words", "Words to find the playbook by"),
    yes(
        P,
        "run-name",
        "text with expressions",
        "Name of each job; may use `run`, `inputs`, `vars` and `github`",
    ),
    yes(P, "inputs", "a map of inputs", "Values that a job is started with"),
    yes(P, "secrets", "a map of secrets", "Secrets that the playbook may use; others are out of reach"),
    yes(P, "vars", "a map of values", "Defaults of the context `vars`"),
    yes(P, "env", "a map of text", "Environment of all steps"),
    yes(P, "defaults", "a map", "What stages and steps use where they say nothing"),
    yes(P, "policy", "a map", "Limits of the whole job"),
    yes(P, "requires", "a map", "Tools, platforms and environment variables without which nothing starts"),
    yes(P, "pre", "a list of conditions", "Conditions that hold before anything runs"),
    yes(P, "post", "a list of conditions", "Conditions that hold after the stages"),
    yes(P, "stages", "a map or a list of stages", "What is done; required"),
    yes(
        P,
        "finally",
        "a map or a list of stages",
        "Stages that run when all others have ended, however they ended",
    ),
    yes(P, "outputs", "a map of outputs", "Values that the playbook returns"),
    yes(P, "on", "a word, a list or a map", "What starts a job; only a person if there is none"),
    later(P, "order", "`sequential`", "Lets each stage of a list need the one before"),
    yes(
        P,
        "profiles",
        "a map of profiles",
        "Named choices of variables, stages and matrix values: `--profile`",
    ),
    yes(P, "concurrency", "text or a map", "Jobs of one group run one after the other"),
    later(P, "notifications", "a map", "Whom to tell about the job, and where"),
    yes(P, "reporting", "a map", "Reports that are written when the job ends"),
    later(P, "hooks", "a map", "Commands at events of the job"),
    later(P, "services", "a map of services", "Containers or processes beside all stages"),
    later(P, "locks", "a list of locks", "Locks that the whole job holds"),
    later(P, "artifacts", "a map", "Files that the job keeps"),
    later(P, "rollback", "a map", "What is undone when the job fails"),
];

const RE: Place = Place::Reporting;
static REPORTING: &[Key] = &[
    yes(
        RE,
        "formats",
        "a list of `html`, `json`, `markdown`, `xml` (JUnit) and `csv`",
        "Kinds of reports; `html` and `markdown` if there is none",
    ),
    yes(
        RE,
        "path",
        "text with expressions",
        "Folder below the project, or the file of a single report; may use `run`, `inputs`, `vars` and `github`; \
         `reports/orchestration` if there is none",
    ),
];

const I: Place = Place::Input;
static INPUT: &[Key] = &[
    yes(
        I,
        "type",
        "`string`, `number`, `boolean`, `choice` or `json`",
        "Kind of the value; `string` if there is none",
    ),
    yes(I, "required", "`true` or `false`", "Whether a job needs a value for it"),
    yes(I, "default", "a value of the type", "Value if none is given"),
    yes(I, "options", "a list of words", "What a `choice` may be"),
    yes(I, "pattern", "a regular expression", "What a `string` has to match as a whole"),
    yes(I, "description", "text", "What the input is for"),
];

const SEC: Place = Place::Secret;
static SECRET: &[Key] = &[
    yes(SEC, "required", "`true` or `false`", "Whether a job needs it"),
    yes(
        SEC,
        "from",
        "a map with one key",
        "Where the value comes from; without it the environment variable of the same name",
    ),
    yes(SEC, "description", "text", "What the secret is for"),
];

const SF: Place = Place::SecretFrom;
static SECRET_FROM: &[Key] = &[
    yes(SF, "env", "a name", "An environment variable"),
    yes(SF, "file", "a path", "The content of a file"),
    yes(SF, "command", "a command line", "What a command prints"),
    later(SF, "store", "a name", "An entry of a secret store"),
];

const D: Place = Place::Defaults;
static DEFAULTS: &[Key] = &[
    yes(D, "run", "a map", "Defaults of steps with `run`"),
    yes(D, "timeout", "a duration", "Of each stage"),
    yes(D, "retry", "a map", "Of each step with `run`"),
    yes(D, "cancel", "a map", "How processes are asked to stop"),
    yes(D, "cache", "a map", "Of each stage of the playbook that does not say `cache: false`"),
    yes(
        D,
        "on-interrupt",
        "`auto`, `rerun`, `fail`, `resume` or `ask`",
        "What happens to a step that was running when sortie died",
    ),
    later(D, "isolation", "a word", "How the processes of a stage are kept together"),
];

const DR: Place = Place::DefaultsRun;
static DEFAULTS_RUN: &[Key] = &[
    yes(DR, "shell", "a shell", "Shell of each `run`"),
    yes(DR, "working-directory", "a path", "Folder of each `run`"),
];

const PO: Place = Place::Policy;
static POLICY: &[Key] = &[
    yes(PO, "timeout", "a duration", "Of the whole job, `finally` excluded"),
    yes(
        PO,
        "cleanup-timeout",
        "a duration",
        "Of all that runs after a cancel or the timeout, `finally` included; 5m if there is none",
    ),
    yes(PO, "max-parallel", "a number", "Most cells that run together"),
    yes(PO, "strict", "`true` or `false`", "Turns warnings into errors"),
    yes(PO, "matrix-limit", "a number", "Most cells of one matrix; 256 if there is none"),
    later(PO, "keep-workspace", "a word", "When the folders of stages are kept"),
];

const R: Place = Place::Requires;
static REQUIRES: &[Key] = &[
    yes(R, "tools", "a list such as `git >= 2.30`", "Programs that must be there"),
    yes(R, "platforms", "a list of `linux` and `macos`", "Systems on which the playbook runs"),
    yes(R, "env", "a list of names", "Environment variables that must be set"),
];

const A: Place = Place::Assertion;
static ASSERTION: &[Key] = &[
    yes(A, "name", "text", "What is asserted"),
    yes(A, "if", "a condition", "What has to hold; required"),
    yes(A, "message", "text with expressions", "What to say if it does not hold"),
];

const O: Place = Place::Output;
static OUTPUT: &[Key] = &[
    yes(O, "value", "text with expressions", "The value; required"),
    yes(O, "description", "text", "What the value is"),
];

const S: Place = Place::Stage;
static STAGE: &[Key] = &[
    yes(S, "id", "a name", "Name of a stage that stands in a list"),
    yes(S, "name", "text with expressions", "Name for people"),
    yes(S, "needs", "a name or a list of names", "Stages that have to end before this one starts"),
    yes(S, "if", "a condition", "Whether the stage runs; `success()` if there is none"),
    yes(
        S,
        "run-when",
        "`all-success`, `none-failed`, `any-success`, `any-failed` or `all-done`",
        "Whether the stage runs, by the results of its needs",
    ),
    yes(S, "strategy", "a map", "Runs the stage once for each combination of a matrix"),
    yes(S, "matrix", "a map or an expression", "Short for `strategy.matrix`"),
    yes(S, "env", "a map of text", "Environment of the stage's steps"),
    yes(S, "defaults", "a map", "What the stage's steps use where they say nothing"),
    yes(S, "working-directory", "a path", "Folder of the stage's steps"),
    yes(
        S,
        "timeout",
        "a duration",
        "From the first step's start to the last step's end; 6h if there is none",
    ),
    yes(S, "cleanup-timeout", "a duration", "Of what runs after a cancel or timeout; 5m if there is none"),
    yes(S, "cancel", "a map", "How processes are asked to stop"),
    yes(S, "retry", "a map", "Tries a failed cell again as a whole"),
    yes(S, "continue-on-error", "`true`, `false` or a condition", "Lets a failed cell count as a success"),
    yes(S, "outputs", "a map of text", "Values for stages that need this one"),
    yes(S, "run", "text for a shell", "Short for one step with `run`"),
    yes(S, "steps", "a list of steps", "What the stage does"),
    yes(S, "runs-on", "`host`", "Where the steps run"),
    yes(S, "priority", "a whole number", "Among cells that could start, higher ones go first"),
    yes(S, "workspace", "`shared` or `scratch`", "The folder of the steps: the project, or a new empty one"),
    yes(S, "log", "a map", "How much of each step's log is shown"),
    yes(S, "approve", "text or a map", "Waits for people before its cells start"),
    yes(S, "rollback", "`on-failure`", "Undoes completed steps if the stage fails"),
    later(S, "container", "text or a map", "Runs the steps in a container"),
    yes(S, "services", "a map of services", "Processes or containers beside the steps of each cell"),
    later(S, "environment", "text or a map", "A named target with variables, secrets and rules"),
    yes(S, "concurrency", "text or a map", "Cells of one group run one after the other, over all jobs"),
    yes(S, "locks", "a list of locks", "Locks that are taken together before a cell starts"),
    yes(S, "resources", "a map", "Share of the machine that each cell needs"),
    yes(S, "cache", "a map, or `false`", "Takes the result of an earlier equal run"),
    yes(S, "uses", "a path such as `./lib/build.yml`", "Runs another playbook of the project as this stage"),
    yes(S, "with", "a map of values", "Inputs of the playbook in `uses`"),
    yes(S, "secrets", "`inherit` or a map", "Secrets of the playbook in `uses`"),
    yes(
        S,
        "on-interrupt",
        "`auto`, `rerun`, `fail`, `resume` or `ask`",
        "What happens if sortie dies while it runs",
    ),
    later(S, "isolation", "a word", "How its processes are kept together"),
    yes(S, "artifacts", "a map", "Files that it keeps or takes"),
    later(S, "deploy", "a map", "Brings a service to an environment"),
    later(S, "reporting", "a map", "Reports that are written when it ends"),
];

const ST: Place = Place::Strategy;
static STRATEGY: &[Key] = &[
    yes(ST, "matrix", "a map or an expression", "Axes whose combinations the stage runs for"),
    yes(
        ST,
        "fail-fast",
        "`true` or `false`",
        "Whether a failed cell cancels the others; `true` if there is none",
    ),
    yes(ST, "max-parallel", "a number", "Most cells of this stage that run together"),
    yes(ST, "if-empty", "`error` or `skip`", "What an empty matrix does"),
];

const C: Place = Place::Cancel;
static CANCEL: &[Key] = &[
    yes(C, "signal", "a signal such as `SIGINT`", "Asks processes to stop; `SIGTERM` if there is none"),
    yes(C, "grace", "a duration", "Time until they are killed; 10s if there is none"),
];

const RT: Place = Place::Retry;
static RETRY: &[Key] = &[
    yes(RT, "attempts", "a number from 1 to 100", "Most tries, the first one included"),
    yes(
        RT,
        "on",
        "a list of `failure`, `timeout`, `interrupted`, `start`, `exit:N` and `exit:N-M`",
        "What is tried again; failures and timeouts if there is none",
    ),
    yes(RT, "backoff", "a map", "Time between tries"),
    yes(RT, "deadline", "a duration", "Most time for all tries together"),
    later(RT, "reset", "a command", "What is run between tries"),
];

const B: Place = Place::Backoff;
static BACKOFF: &[Key] = &[
    yes(B, "first", "a duration", "Wait before the second try; 1s if there is none"),
    yes(B, "factor", "a number from 1", "By what each wait grows; 2 if there is none"),
    yes(B, "max", "a duration", "Longest wait; 1m if there is none"),
    yes(B, "jitter", "a number from 0 to 1", "Part of each wait that is left to chance; 0 if there is none"),
];

static WORKSPACE: &[Key] =
    &[yes(Place::Workspace, "mode", "`shared` or `scratch`", "The folder of the steps")];

static LOG: &[Key] =
    &[yes(Place::Log, "limit", "a size such as `10MiB`", "Most that lines show; the log is always whole")];

const T: Place = Place::Step;
static STEP: &[Key] = &[
    yes(T, "id", "a name", "Name for `steps.NAME` in expressions"),
    yes(T, "name", "text with expressions", "Name for people"),
    yes(T, "run", "text for a shell", "What the step does"),
    yes(T, "block", "a list of steps", "Steps that succeed or fail as one"),
    yes(
        T,
        "rescue",
        "a list of steps",
        "Steps that run if the block fails; their success is the block's success",
    ),
    yes(T, "always", "a list of steps", "Steps that run in any case, after block and rescue"),
    yes(T, "if", "a condition", "Whether the step runs; `success()` if there is none"),
    yes(
        T,
        "shell",
        "a shell",
        "`bash`, `sh`, `pwsh`, `python`, `node`, or a command line with `{0}` for the script",
    ),
    yes(T, "env", "a map of text", "Environment of the step"),
    yes(T, "working-directory", "a path", "Folder of the step"),
    yes(T, "timeout", "a duration", "Of one attempt"),
    yes(T, "continue-on-error", "`true`, `false` or a condition", "Goes on if the step fails"),
    yes(T, "retry", "a map", "Tries again"),
    yes(T, "ok-exit-codes", "a list of numbers", "Exit codes that are a success; 0 if there is none"),
    yes(T, "skip-exit-code", "a number or a list", "Exit codes that mark the step as skipped"),
    yes(T, "durable", "`true` or `false`", "Has its completion on disk before the next step starts"),
    yes(
        T,
        "keep-children",
        "`stage-end` or `step-end`",
        "When processes that the step left running are stopped",
    ),
    yes(T, "log", "a map", "How much of the log is shown"),
    yes(T, "approve", "text or a map", "Waits for people; what they give are its outputs"),
    yes(T, "parallel", "a list of steps", "Steps that run together"),
    yes(
        T,
        "fail-fast",
        "`true` or `false`",
        "Whether a failed step of `parallel` stops the others; `true` if there is none",
    ),
    yes(T, "background", "`true` or `false`", "Starts, and the next step begins; ten at once at most"),
    yes(T, "wait", "a name or a list of names", "Waits for background steps; fails if one of them failed"),
    yes(T, "wait-all", "`true`", "Waits for all background steps that run; fails if one of them failed"),
    yes(T, "cancel", "a name or a list of names", "Stops background steps and waits for their end"),
    yes(T, "rollback", "`true`", "Undoes what the cell has completed, newest first"),
    yes(T, "undo", "a map with `run`", "How the step is undone once it has succeeded"),
    yes(
        T,
        "script",
        "a selector such as `0402` or `0400-0499`, or a list",
        "Scripts of the numbered library",
    ),
    yes(T, "args", "a list of text with expressions", "Further words for the command line of `script`"),
    later(T, "stdin", "text", "Standard input of the step"),
    yes(T, "uses", "a path such as `./actions/setup`", "Runs the steps of an action of the project"),
    yes(T, "with", "a map of values", "Inputs of `uses`"),
    yes(T, "cache", "a map", "Takes the result of an earlier equal run"),
    yes(T, "cache-files", "a map", "Puts files of earlier jobs back, and saves them at the end of the cell"),
    yes(T, "idempotent", "`true` or `false`", "May run again after a crash"),
    yes(
        T,
        "on-interrupt",
        "`auto`, `rerun`, `fail`, `resume` or `ask`",
        "What happens if sortie dies while it runs",
    ),
    later(T, "secrets", "a list of names", "Secrets that the step gets as environment"),
    later(T, "artifacts", "a map", "Files that it keeps or takes"),
    later(T, "tty", "`true` or `false`", "Runs the step in a terminal"),
    later(T, "deploy", "a map", "Brings a service to an environment"),
];

const TR: Place = Place::Trigger;
static TRIGGER: &[Key] = &[
    yes(TR, "manual", "nothing", "A person starts it, which is always possible"),
    yes(TR, "call", "nothing", "Another playbook may call it"),
    yes(TR, "schedule", "a list", "The clock starts it; a `sortie engine` has to run"),
    yes(TR, "watch", "globs or a map", "Changed files start it; a `sortie engine` has to run"),
    yes(TR, "run", "a map", "The end of another playbook's job starts it; a `sortie engine` has to run"),
    later(TR, "webhook", "a map", "A web request starts it"),
];

const SH: Place = Place::Schedule;
static SCHEDULE: &[Key] = &[
    yes(SH, "cron", "five fields", "When it fires: minute, hour, day of the month, month, day of the week"),
    yes(SH, "timezone", "a zone such as `Europe/Zurich`", "Zone of the fields; `UTC` if there is none"),
    yes(SH, "dst", "a map", "What a time does that a changed clock leaps over or shows twice"),
    yes(
        SH,
        "catch-up",
        "`none`, `last` or `all`",
        "Which fires that nobody was there for are made up for; `last` if nobody says so",
    ),
    yes(SH, "catch-up-window", "a duration", "How old a missed fire may be; 1h if nobody says so"),
    yes(
        SH,
        "overlap",
        "`skip`, `queue`, `cancel-running` or `allow`",
        "What a fire does while the last job still runs; `skip` if nobody says so, which is recorded",
    ),
    yes(SH, "jitter", "a duration", "Most delay of a fire; each one has its own, the same on all machines"),
    yes(SH, "start", "a day or a time", "No fire before"),
    yes(SH, "end", "a day or a time", "No fire after"),
];

const DS: Place = Place::Dst;
static DST: &[Key] = &[
    yes(
        DS,
        "missing",
        "`shift` or `skip`",
        "A time that the clock leaps over: as much later, or not at all; `shift` if nobody says so",
    ),
    yes(
        DS,
        "repeated",
        "`first`, `last` or `both`",
        "A time that the clock shows twice; `first` if nobody says so, `both` where the hour is `*`",
    ),
];

const W: Place = Place::Watch;
static WATCH: &[Key] = &[
    yes(W, "globs", "a list of globs", "Files below the project's root; `!` in front takes files out again"),
    yes(W, "debounce", "a duration", "How long files have to be left alone; 500ms if nobody says so"),
    yes(
        W,
        "overlap",
        "a word as of `schedule`",
        "What a change does while the last job still runs; `queue` if nobody says so",
    ),
];

const AF: Place = Place::AfterRun;
static AFTER_RUN: &[Key] = &[
    yes(AF, "playbooks", "a list of names", "Playbooks whose jobs count"),
    yes(
        AF,
        "types",
        "a list of `completed`, `failed` and `cancelled`",
        "Ends that count; `completed` if nobody says so",
    ),
    yes(
        AF,
        "overlap",
        "a word as of `schedule`",
        "What an end does while the last job still runs; `queue` if nobody says so",
    ),
];

const AP: Place = Place::Approve;
static APPROVE: &[Key] = &[
    yes(AP, "message", "text with expressions", "What is asked"),
    yes(
        AP,
        "approvers",
        "a name or a list of names",
        "Who may answer: users, and groups of `sortie.yml`; everybody who can reach the job if there is none",
    ),
    yes(AP, "count", "a number", "How many people have to approve; 1 if there is none"),
    yes(AP, "not-actor", "`true` or `false`", "Whether who started the job is kept from answering"),
    yes(AP, "timeout", "a duration", "Longest wait"),
    yes(
        AP,
        "on-timeout",
        "`reject`, `approve` or `skip`",
        "What the end of the wait means; `reject` if there is none",
    ),
    yes(AP, "inputs", "a map of inputs", "Values that an answer brings"),
    yes(AP, "hold", "`true` or `false`", "Keeps the slot while a step waits"),
    yes(AP, "remind", "a duration", "Time between reminders"),
];

const PF: Place = Place::Profile;
const CC: Place = Place::Concurrency;
static PROFILE: &[Key] = &[
    yes(PF, "description", "text", "What the profile is for"),
    yes(PF, "variables", "a map of values", "Values of `vars`; `--var` goes before them"),
    yes(
        PF,
        "include",
        "a list of stages",
        "Stages that run, beside those of `finally`; all if there is none",
    ),
    yes(PF, "exclude", "a list of stages", "Stages that do not run; what needs them goes on"),
    yes(PF, "matrix", "a map", "Axes to replace or add, as `--matrix` does, which goes before them"),
];

static CONCURRENCY: &[Key] = &[
    yes(CC, "group", "text with expressions", "Name of the group; upper and lower case are the same"),
    yes(CC, "cancel-in-progress", "`true` or `false`", "A newer one cancels the one that runs"),
    yes(
        CC,
        "queue",
        "`max` or `single`",
        "Up to 100 wait in order, or one does and a newer one takes its place; `max` if nobody says so",
    ),
    yes(CC, "scope", "`project` or `machine`", "How far the name reaches"),
];

const LK: Place = Place::Lock;
static LOCK: &[Key] = &[
    yes(LK, "name", "text with expressions", "Name of the lock"),
    yes(
        LK,
        "mode",
        "`exclusive` or `shared`",
        "Whether others may hold it too; `exclusive` if nobody says so",
    ),
    yes(LK, "scope", "`project`, `machine` or `run`", "How far the name reaches"),
    yes(LK, "wait", "a duration", "Longest wait for it, after which the cell fails"),
];

const RS: Place = Place::Resources;
static RESOURCES: &[Key] = &[
    yes(RS, "slots", "a number", "Slots that each cell takes; 1 if nobody says so"),
    yes(RS, "cpu", "a number", "Processors, of `cpu` in the setting `resources`"),
    yes(RS, "memory", "a size", "Memory, of `memory` in the setting `resources`"),
    yes(RS, "custom", "a map of numbers", "Other things that the setting `resources` counts"),
];

const CA: Place = Place::Cache;
static CACHE: &[Key] = &[
    yes(CA, "inputs", "a list of globs", "Files that the result depends on"),
    yes(CA, "outputs", "a list of globs", "Files that are the result"),
    yes(CA, "env", "a list of names", "Environment variables that the result depends on"),
    yes(CA, "tools", "a list of commands", "Commands whose output the result depends on"),
    yes(CA, "key", "text with expressions", "Whatever else the result depends on"),
    yes(CA, "mode", "`read-write`, `read`, `write` or `off`", "What the cache is used for"),
    yes(CA, "outputs-exact", "`true` or `false`", "Removes other files from output folders"),
    yes(CA, "secrets", "`refuse` or `include`", "What happens with secrets"),
    yes(CA, "max-size", "a size", "Largest result that is kept"),
    yes(CA, "share", "`project`, `branch` or `none`", "Who may use the result"),
    yes(CA, "failures", "`true` or `false`", "Keeps failures, too, of what makes no files"),
    yes(CA, "strict", "`true` or `false`", "Watches for undeclared writes"),
];

const CF: Place = Place::CacheFiles;
static CACHE_FILES: &[Key] = &[
    yes(
        CF,
        "path",
        "a list of paths",
        "Files and folders: of the project, at home (`~/`), or whole paths; required",
    ),
    yes(
        CF,
        "key",
        "text with expressions",
        "What they are known by, such as `deps-${{ hashFiles('*.lock') }}`; required",
    ),
    yes(CF, "restore-keys", "a list of text", "Beginnings of keys that will do as well, in order"),
];

const ARTS: Place = Place::Artifacts;
static ARTIFACTS: &[Key] = &[
    yes(ARTS, "out", "a list", "Files that each cell keeps under a name when its steps have passed"),
    yes(ARTS, "in", "a list", "Kept files that are there before the first step"),
];

const KEPT: Place = Place::ArtifactOut;
static ARTIFACT_OUT: &[Key] = &[
    yes(KEPT, "name", "text with expressions", "Name, once in a job; required"),
    yes(KEPT, "path", "a glob or a list of them", "Files that are kept; required"),
    yes(KEPT, "if-none", "`warn`, `error` or `ignore`", "What it means if there is no such file; `warn`"),
    yes(KEPT, "retention", "a duration", "How long it is kept; `14d`"),
    yes(KEPT, "hidden", "`true` or `false`", "Takes files and folders whose names begin with a dot"),
    yes(KEPT, "overwrite", "`true` or `false`", "Takes the place of one that has the name already"),
];

const TAKEN: Place = Place::ArtifactIn;
static ARTIFACT_IN: &[Key] = &[
    yes(TAKEN, "name", "text with expressions", "Takes the artifact of that name"),
    yes(TAKEN, "pattern", "a glob for names", "Takes all artifacts whose names fit"),
    yes(TAKEN, "path", "a path", "The folder that the files go to; required"),
    yes(
        TAKEN,
        "merge",
        "`true` or `false`",
        "Of a `pattern`: all in that folder, instead of a folder for each",
    ),
];

const SC: Place = Place::Sidecar;
static SIDECAR: &[Key] = &[
    yes(SC, "process", "a command or a map", "Runs it as a process of the host"),
    yes(
        SC,
        "image",
        "text with expressions",
        "Runs it in a container of this image, by `docker` or `podman`",
    ),
    yes(SC, "env", "a map of text", "Its environment"),
    yes(
        SC,
        "ports",
        "a list",
        "Ports that it opens: `5432` for a free one of the host, `15432:5432` for a certain one",
    ),
    yes(SC, "ready", "a map", "How to see that it is ready; the health check of the image if there is none"),
    yes(SC, "volumes", "a list", "Folders that the container sees"),
    yes(SC, "options", "words", "Further options of the container engine"),
    yes(SC, "credentials", "a map", "How to log in at the registry of the image"),
    yes(SC, "entrypoint", "text with expressions", "Replaces the image's entry point"),
    yes(SC, "command", "words", "Replaces the image's command"),
];

const SP: Place = Place::SidecarProcess;
static SIDECAR_PROCESS: &[Key] = &[
    yes(SP, "run", "text for a shell", "Runs it, in the foreground; required"),
    yes(SP, "stop", "text for a shell", "Asks it to end; the stage's signal if there is none"),
    yes(SP, "ready", "a map", "The same as `ready` beside `process`"),
];

const CR: Place = Place::Credentials;
static CREDENTIALS: &[Key] = &[
    yes(CR, "username", "text with expressions", "Name at the registry; required"),
    yes(CR, "password", "text with expressions", "Password, best a secret; required"),
];

const RD: Place = Place::Ready;
static READY: &[Key] = &[
    yes(RD, "tcp", "a port", "Ready when it accepts connections"),
    yes(RD, "http", "a path or an address", "Ready when it answers with a status below 400"),
    yes(RD, "run", "text for a shell", "Ready when this ends with code 0"),
    yes(
        RD,
        "interval",
        "a duration",
        "Time between two looks, the first ones come faster; 1s if there is none",
    ),
    yes(RD, "timeout", "a duration", "How long it may take; 60s if there is none"),
];

const AC: Place = Place::Action;
static ACTION: &[Key] = &[
    yes(AC, "name", "text", "Name of the action"),
    yes(AC, "description", "text", "What it is for"),
    yes(AC, "author", "text", "Who made it"),
    yes(AC, "branding", "a map", "How a market shows it; has no meaning here"),
    yes(AC, "inputs", "a map of inputs", "What `with` can give it"),
    yes(AC, "outputs", "a map of outputs", "Values for the steps behind it"),
    yes(AC, "runs", "a map", "Its steps"),
];

const AI: Place = Place::ActionInput;
static ACTION_INPUT: &[Key] = &[
    yes(AI, "description", "text", "What it is for"),
    yes(AI, "required", "`true` or `false`", "Whether it has to be given; `false` if there is none"),
    yes(AI, "default", "text", "Its value if none is given"),
    yes(AI, "deprecationMessage", "text", "Says that it is not to be used any more; has no meaning here"),
];

const AO: Place = Place::ActionOutput;
static ACTION_OUTPUT: &[Key] = &[
    yes(AO, "value", "text with expressions", "Its value, from `steps` and `inputs` of the action"),
    yes(AO, "description", "text", "What it is"),
];

const AN: Place = Place::ActionRuns;
static ACTION_RUNS: &[Key] = &[
    yes(AN, "using", "`composite`", "What kind of action it is"),
    yes(AN, "steps", "a list of steps", "What it does"),
];
