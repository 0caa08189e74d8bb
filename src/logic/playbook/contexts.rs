//! Which contexts and functions may be used in which key.
//!
//! Not here: looking at expressions (`expressions.rs`). Start with `Spot`. It follows GitHub's published table,
//! with `run` and the names of this program added.

/// A kind of place for expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    RunName,
    PlaybookEnv,
    PlaybookDefaults,
    PlaybookOutput,
    Pre,
    Post,
    StageIf,
    StageName,
    Strategy,
    StageContinue,
    StageEnv,
    StageFolder,
    StageOutput,
    StepIf,
    StepName,
    StepContinue,
    StepEnv,
    StepFolder,
    StepRun,
    StageApprove,
    StepApprove,
    /// `concurrency` of a playbook.
    PlaybookShare,
    /// `concurrency` and `locks` of a stage.
    StageShare,
    /// `services` of a stage.
    Sidecar,
    /// `with` of a stage.
    StageWith,
    /// `secrets` of a stage.
    StageSecrets,
    /// `with` of a step.
    StepWith,
    /// `outputs` of an action.
    ActionOutput,
    /// `artifacts.out` of a stage.
    ArtifactOut,
    /// `artifacts.in` of a stage.
    ArtifactIn,
}

/// Names of all contexts, aliases behind their names.
pub const ALL: &[&str] = &[
    "run", "github", "inputs", "vars", "secrets", "env", "needs", "matrix", "strategy", "steps", "stage",
    "job", "stages", "jobs", "runner", "gate", "error",
];

const STEP: &[&str] = &[
    "run", "github", "inputs", "vars", "secrets", "env", "needs", "matrix", "strategy", "steps", "stage",
    "job", "runner", "gate", "error",
];
const STEP_WITHOUT_SECRETS: &[&str] = &[
    "run", "github", "inputs", "vars", "env", "needs", "matrix", "strategy", "steps", "stage", "job",
    "runner", "gate", "error",
];

const SIDECAR: &[&str] = &[
    "run", "github", "inputs", "vars", "secrets", "env", "needs", "matrix", "strategy", "stage", "job",
    "runner", "gate",
];

impl Spot {
    /// Returns the names of the contexts that may be used here.
    #[must_use]
    pub fn contexts(self) -> &'static [&'static str] {
        match self {
            Self::RunName | Self::Pre | Self::PlaybookDefaults | Self::PlaybookShare => {
                &["run", "github", "inputs", "vars"]
            }
            Self::PlaybookEnv => &["run", "github", "inputs", "vars", "secrets"],
            Self::PlaybookOutput | Self::Post => &["run", "github", "inputs", "vars", "stages", "jobs"],
            Self::StageIf | Self::StageApprove => &["run", "github", "inputs", "vars", "needs"],
            Self::Strategy => &["run", "github", "inputs", "vars", "needs", "gate"],
            Self::StageName | Self::StageContinue | Self::StageShare | Self::StageWith | Self::ArtifactIn => {
                &["run", "github", "inputs", "vars", "needs", "matrix", "strategy", "gate"]
            }
            Self::StageEnv | Self::StageSecrets => {
                &["run", "github", "inputs", "vars", "secrets", "needs", "matrix", "strategy", "gate"]
            }
            Self::StageFolder => {
                &["run", "github", "inputs", "vars", "env", "needs", "matrix", "strategy", "gate"]
            }
            Self::StageOutput => &STEP[..STEP.len() - 1],
            Self::ArtifactOut => &STEP_WITHOUT_SECRETS[..STEP_WITHOUT_SECRETS.len() - 1],
            Self::Sidecar => SIDECAR,
            Self::StepIf | Self::StepName | Self::StepApprove => STEP_WITHOUT_SECRETS,
            Self::StepContinue | Self::StepEnv | Self::StepFolder | Self::StepRun | Self::StepWith => STEP,
            Self::ActionOutput => {
                &["run", "github", "inputs", "steps", "runner", "strategy", "matrix", "env"]
            }
        }
    }

    /// Says whether `success()`, `failure()`, `cancelled()` and `always()` may be used here.
    #[must_use]
    pub fn has_status(self) -> bool {
        matches!(self, Self::StageIf | Self::StepIf | Self::Post)
    }

    /// Says whether `hashFiles` may be used here.
    #[must_use]
    pub fn has_hash(self) -> bool {
        matches!(
            self,
            Self::StepIf
                | Self::StepName
                | Self::StepContinue
                | Self::StepEnv
                | Self::StepFolder
                | Self::StepRun
                | Self::StepWith
                | Self::StageOutput
        )
    }

    /// Returns the place as messages name it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RunName => "`run-name`",
            Self::PlaybookEnv => "`env` of the playbook",
            Self::PlaybookDefaults => "`defaults` of the playbook",
            Self::PlaybookOutput => "`outputs` of the playbook",
            Self::Pre => "`pre`",
            Self::Post => "`post`",
            Self::StageIf => "the `if` of a stage",
            Self::StageName => "the name of a stage",
            Self::Strategy => "`strategy`",
            Self::StageContinue => "`continue-on-error` of a stage",
            Self::StageEnv => "`env` of a stage",
            Self::StageFolder => "`working-directory` of a stage",
            Self::StageOutput => "`outputs` of a stage",
            Self::StepIf => "the `if` of a step",
            Self::StepName => "the name of a step",
            Self::StepContinue => "`continue-on-error` of a step",
            Self::StepEnv => "`env` of a step",
            Self::StepFolder => "`working-directory` of a step",
            Self::StepRun => "`run`",
            Self::StageApprove => "`approve` of a stage",
            Self::StepApprove => "`approve` of a step",
            Self::PlaybookShare => "`concurrency` of a playbook",
            Self::StageShare => "`concurrency` and `locks` of a stage",
            Self::Sidecar => "`services`",
            Self::StageWith => "`with` of a stage",
            Self::StageSecrets => "`secrets` of a stage",
            Self::StepWith => "`with` of a step",
            Self::ActionOutput => "`outputs` of an action",
            Self::ArtifactOut => "`artifacts.out` of a stage",
            Self::ArtifactIn => "`artifacts.in` of a stage",
        }
    }
}
