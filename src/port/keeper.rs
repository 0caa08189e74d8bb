//! What an engine and the keeper of its job say to each other, over one stream socket.
//!
//! Plain data only; framing, sockets and processes are in `edges::keeper`. The first frame each way says the version,
//! so that a new engine can talk to the keeper an older one left behind: fields are added, never changed.

use serde::{Deserialize, Serialize};

use crate::logic::job::effect::{Launch, Rung};
use crate::logic::job::report::{AttemptKey, Report};

/// Version of these messages. A keeper of another version is told to finish and is not adopted.
pub const VERSION: u32 = 1;

/// Name of the socket in a job's folder at which a keeper waits for another engine, once it has lost its own.
pub const SOCKET: &str = "keeper.sock";

/// Name of the file in a job's folder with how its tries ended. A living keeper has it locked.
pub const EXITS: &str = "exits";

/// Name of the file in a job's folder with the epoch of the newest engine: a keeper of an older one begins nothing.
pub const EPOCH: &str = "epoch";

/// The variable that marks every process of a job. Its value is a list of places, the innermost first, parted by
/// commas: `<job uuid>.<cell>.<run>.<step>.<attempt>`. A job started inside a step puts its own place before.
pub const TAG_VARIABLE: &str = "SORTIE_TAG";

/// The variable that names the job to its steps.
pub const JOB_VARIABLE: &str = "SORTIE_JOB";

/// What it says to what is cached: the id is another one in each job, and must not get into a result.
pub const ANY_JOB: &str = "00000000-0000-0000-0000-000000000000";

/// Returns the id of the job that a process belongs to, by its variables.
pub fn job_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let named = variable(JOB_VARIABLE)?;
    if named != ANY_JOB {
        return Some(named);
    }
    let tag = variable(TAG_VARIABLE)?;
    tag.split(['.', ',']).next().map(str::to_owned)
}

/// From the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToKeeper {
    /// The first frame of a connection.
    Hello(Hello),
    /// Start these as slots come free, in this order.
    Run { launches: Vec<Launch> },
    /// Start these in this order, each in the slot of a cell that has just succeeded and left nothing behind. Answered
    /// by `next` in the report of its end.
    Submit { launches: Vec<Launch> },
    /// A slot is free for these: what of them has not begun is started as with `Run`.
    Promote { keys: Vec<AttemptKey> },
    /// Send a signal to a live attempt: to its group with [`Rung::Polite`], SIGKILL to all of it with [`Rung::Kill`].
    Signal { key: AttemptKey, rung: Rung, signal: i32 },
    /// End what is left of a cell: `signal`, then after `grace_ms` SIGKILL. Answered by [`Report::Swept`].
    /// Then these programs are run with their arguments: they remove what is no process.
    Sweep {
        cell: u32,
        run: u32,
        tag: String,
        grace_ms: u64,
        signal: i32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<Vec<String>>,
    },
    /// Forget those of these that have not started. Answered by [`Report::Withdrawn`] for each that had not.
    Withdraw { keys: Vec<AttemptKey> },
    /// Further secrets for every log of the job, from now on.
    Mask { values: Vec<String> },
    /// Reports before this number are in the journal and may be forgotten.
    Ack { report_seq: u64 },
    /// End everything, answer [`FromKeeper::Finished`], exit.
    Finish,
    /// From now on this becomes of children when the engine is gone, such as when it hands the job over.
    OnLoss(OnLoss),
    /// Stop the processes of these where they stand, or as soon as they have any.
    Freeze { keys: Vec<AttemptKey> },
    /// Let them go on.
    Thaw { keys: Vec<AttemptKey> },
}

/// What a keeper must know about its job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    /// Of the lease under which the engine owns the job; a connection with a higher one replaces an older.
    pub epoch: u64,
    /// The job's UUID, the beginning of every tag.
    pub job_id: String,
    /// The job's folder, absolute; it exists.
    pub dir: String,
    /// A folder of empty step files, taken over if it is there and left there at an orderly end; none if empty.
    #[serde(default)]
    pub spare: String,
    /// How many attempts may be live at once.
    pub slots: u32,
    /// So many of them will be wanted at once: they are got ready before the first orders.
    #[serde(default)]
    pub first_slots: u32,
    /// Variables of every attempt, over all that its launch says.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    pub on_loss: OnLoss,
    /// Secrets known so far.
    pub masks: Vec<String>,
    /// Between the signal and SIGKILL where no order says otherwise, in milliseconds.
    pub grace_ms: u64,
    /// The signal that asks processes to end where no order says otherwise.
    pub signal: i32,
    /// Kept for an engine that comes after this one, in memory only. In the greeting of a later engine it takes the place of
    /// what the keeper had, unless it is empty.
    #[serde(default)]
    pub given: Given,
}

/// What an engine was given at the start of a job and cannot read in the store: it is never written to a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// Values of the declared secrets.
    pub secrets: Vec<(String, String)>,
    /// Additions of `--env-file`.
    pub env: Vec<(String, String)>,
    /// `PATH` of whoever started the job.
    pub path: String,
    /// All of the environment, if something of the job is cached: what runs in a closed one gets parts of it.
    pub surroundings: Vec<(String, String)>,
}

impl Given {
    /// Says whether there is something that is written down nowhere.
    #[must_use]
    pub fn has_gifts(&self) -> bool {
        !self.secrets.is_empty() || !self.env.is_empty()
    }
}

/// A try that a keeper holds, or whose end it has reported without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub key: AttemptKey,
    pub how: Hold,
    /// How hard it was asked to stop.
    #[serde(default)]
    pub rung: Option<Rung>,
}

/// How far a try is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// It begins in the slot of another.
    Submitted,
    /// It begins as soon as a worker is free.
    Queued,
    /// It was begun.
    Live,
    /// Its report is on the way, for the second time perhaps.
    Reported,
}

/// What becomes of children when the engine is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnLoss {
    /// They are stopped: signal, grace, SIGKILL.
    Stop,
    /// They go on to their end, and so do the orders given; nothing else is started.
    Keep,
}

/// From the keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromKeeper {
    /// The first frame of a connection. `start_time` is the keeper's own, in clock ticks since boot.
    ///
    /// A keeper that had another engine before tells what it holds, which cells it sweeps, and what it was given.
    Ready {
        version: u32,
        pid: u32,
        start_time: u64,
        #[serde(default)]
        held: Vec<Held>,
        #[serde(default)]
        sweeps: Vec<(u32, u32)>,
        #[serde(default)]
        given: Given,
    },
    /// Reports from number `from_seq` on, each with the next number. They are kept until acknowledged.
    Reports { from_seq: u64, reports: Vec<Report> },
    /// Logs that grew to so many bytes; often merged, and never after the attempt's exit except for late output.
    Grew { logs: Vec<(AttemptKey, u64)> },
    /// All is ended but the processes named here, which would not die.
    Finished { survivors: Vec<String> },
}
