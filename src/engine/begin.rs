//! Beginning a job: recovering an empty journal. Going on with one: the same, with a longer journal.
//!
//! Not here: the loop itself (`turn.rs`).

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::bus::Bus;
use super::handle::{Handle, LocalOrder};
use super::leave::WrittenReport;
use super::only::{LETTING_GO, Only};
use super::store::{NewJob, Owner, Store, StoredJob, Syncer};
use super::turn::{Engine, no_keeper, start_keeper};
use super::unchanged::{self, Question};
use super::{EngineError, ErrorKind, JobId, Project, clock, reports};
use crate::logic::job::apply::apply;
use crate::logic::job::cached::is_needed;
use crate::logic::job::event::{Cause, Envelope, Outcome};
use crate::logic::job::launch::job_variables;
use crate::logic::job::order::Asked;
use crate::logic::job::scope::{TITLE, run_name};
use crate::logic::job::state::{JobState, Setting};
use crate::logic::plan::{Plan, PlanRequest};
use crate::logic::playbook::source::Source;
use crate::logic::secret::Masker;
use crate::logic::time::Timestamp;
use crate::logic::value::{Object, Value};
use crate::port::keeper::{Given, Hello, OnLoss, VERSION, job_of};
use crate::port::{Starting, World};

#[cfg(test)]
#[path = "begin_tests.rs"]
mod tests;

/// What a job is started with.
pub struct Start {
    pub source: Source,
    /// The playbook's path as it was given.
    pub path: PathBuf,
    pub plan: Plan,
    pub request: PlanRequest,
    /// Additions of `--env-file`.
    pub env: Vec<(String, String)>,
    pub secrets: Vec<(String, String)>,
    pub actor: String,
    pub on_loss: OnLoss,
    /// Number of the job that this one repeats with other inputs.
    pub retry_of: Option<u64>,
    /// What starts it, if no person does.
    pub fired: Option<Fired>,
    /// An id of the starter's for this start: with one that was used before nothing is started, and
    /// [`super::History::started`] has the job that was.
    pub id: Option<String>,
    /// Of [`get_ready`].
    pub ahead: Ahead,
}

/// What starts a job where no person does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Number of the fire in the ledger.
    pub fire: u64,
    /// `schedule`, `watch` or `run`.
    pub kind: String,
    /// `run.event` of expressions, as JSON.
    pub event: String,
}

impl Fired {
    /// Returns the name and the members of the event as GitHub has them.
    fn github(&self) -> (&'static str, Value) {
        let event = serde_json::from_str(&self.event).map_or(Value::Null, |json| Value::from_json(&json));
        match self.kind.as_str() {
            "schedule" => ("schedule", event),
            "run" => ("workflow_run", event),
            // There is no such event there.
            _ => ("watch", event),
        }
    }
}

/// A job that is recorded and waits for an engine of another process.
#[derive(Clone, Debug)]
pub struct Queued {
    pub number: u64,
    pub id: JobId,
    pub dir: PathBuf,
    /// What that engine cannot read in the store.
    pub given: Given,
}

/// What was begun before it was known whether there will be a job. Dropped, it ends.
#[derive(Default)]
pub struct Ahead {
    keeper: Option<Box<dyn Starting>>,
    store: Option<Receiver<Store>>,
    results: Option<super::cache::Ahead>,
    reading: Option<super::readings::Remembered>,
}

impl Ahead {
    /// Has it remembered what the playbook was read to, once there is a job.
    pub(crate) fn has_read(&mut self, reading: Option<super::readings::Remembered>) {
        self.reading = reading;
    }
}

/// Begins what every job needs and what takes a moment. To be called before playbooks are read and checked.
#[must_use]
pub fn get_ready(world: World) -> Ahead {
    // What goes wrong here goes wrong again when the job is started, and is told there.
    Ahead { keeper: start_keeper(world).ok(), ..Ahead::default() }
}

/// Says whether anything was kept so far that a job could find in the cache.
#[must_use]
pub fn has_results(project: &Project) -> bool {
    super::cache::Ahead::has_results(&project.state)
}

/// The same for a job that may need no keeper, as all of it may be found in the cache: only a store that is there is
/// opened. What that playbook took of the cache the last time is read.
#[must_use]
pub fn get_store_ready(project: &Project, playbook: Option<&Path>) -> Ahead {
    if !project.state.join("sortie.db").is_file() {
        return Ahead::default();
    }
    let theirs = project.clone();
    let (tell, store) = std::sync::mpsc::channel();
    let open = move || {
        // As above.
        let Ok(store) = Store::prepare(&theirs).and_then(|()| Store::open(&theirs)) else { return };
        store.tidy_ahead();
        // Perhaps there is no job after all.
        let _told = tell.send(store);
    };
    let path = playbook.and_then(|it| std::path::absolute(it).ok());
    let has_results = has_results(project);
    // In one thread, the store first, as it is needed first: a third one would wait for a processor on a small machine.
    let results = match path.filter(|_| has_results) {
        Some(path) => super::cache::Ahead::begin(project, &path, open),
        None => {
            // As above.
            let _thread = std::thread::Builder::new().name("store".to_owned()).spawn(open);
            None
        }
    };
    Ahead { store: Some(store), results, ..Ahead::default() }
}

/// A job that runs in this process.
pub struct Running {
    pub number: u64,
    pub id: JobId,
    pub dir: PathBuf,
    pub handle: Handle,
    /// It goes on if this process dies or loses its terminal.
    pub is_kept: bool,
    /// What an engine after this one cannot read in the store.
    pub given: Given,
    /// Tells how the engine ended, once all is let go of that others may want.
    ended: Receiver<Result<Driven, EngineError>>,
}

/// What became of the engine of a job.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Driven {
    /// The job has ended.
    Ended(JobEnd),
    /// The job goes on without this engine, and waits for another one.
    HandedOver,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEnd {
    pub outcome: Outcome,
    pub cause: Option<Cause>,
    /// Something failed and a `rescue` made it good.
    pub rescued: bool,
    /// Reports that were asked for.
    pub reports: Vec<WrittenReport>,
    /// What could not be written of them, in words.
    pub warnings: Vec<String>,
}

impl Running {
    /// Waits for the end of the job.
    ///
    /// # Errors
    /// If the engine could not go on, such as a full disk. The children have been stopped then.
    pub fn wait(self) -> Result<JobEnd, EngineError> {
        match self.join()? {
            Driven::Ended(end) => Ok(end),
            Driven::HandedOver => Err(EngineError::refused("the job was handed over to another engine")),
        }
    }

    /// Waits for the end of the job, or until its engine was let go; then nothing is returned.
    ///
    /// # Errors
    /// If the engine could not go on. The children have been stopped then.
    pub fn finish(self) -> Result<Option<JobEnd>, EngineError> {
        match self.join()? {
            Driven::Ended(end) => Ok(Some(end)),
            Driven::HandedOver => Ok(None),
        }
    }

    /// Lets go of the job, which goes on: what runs runs, and an engine of another process is to take it over. If it has
    /// ended meanwhile, that is returned.
    ///
    /// # Errors
    /// If the engine could not go on. The children have been stopped then.
    pub fn hand_over(self) -> Result<Option<JobEnd>, EngineError> {
        self.handle.let_go();
        self.finish()
    }

    fn join(self) -> Result<Driven, EngineError> {
        let panicked = |_| Err(EngineError::bug("the engine's thread panicked".to_owned()));
        self.ended.recv().unwrap_or_else(panicked)
    }
}

/// Starts a job in this process.
///
/// # Errors
/// If the state folder, the store or the keeper cannot be used. Then nothing was started.
pub fn start(project: &Project, mut start: Start, world: World) -> Result<Running, EngineError> {
    Store::prepare(project)?;
    let id = Uuid::now_v7().to_string();
    let made = Made(Some(job_dir(project, &id)?));
    let dir = made.path();
    let given = Given::of(&start);
    let hello = hello(project, &start.plan, (&id, dir), start.on_loss, given, 1);
    // Where results may be found, one is started only when something is to run.
    let mut keeper = match start.ahead.keeper.take() {
        None if !is_needed(&start.plan) => Some(start_keeper(world)?),
        keeper => keeper,
    };
    if let Some(keeper) = &mut keeper {
        // Before the store is opened: it gets ready meanwhile.
        keeper.greet(&hello).map_err(|e| no_keeper(&e))?;
    }
    if is_needed(&start.plan) && !start.plan.cache.off && !has_results(project) {
        // As above.
        start.ahead.results = super::cache::Ahead::make(project);
    }
    let opened = start.ahead.store.take().and_then(|it| it.recv().ok());
    let mut store = opened.map_or_else(|| Store::open(project), Ok)?;
    let number = create(project, &mut store, &start, (&id, dir), Some(&Owner::this()), world)
        .map_err(|error| store.named(error))?;
    let dir = made.keep();
    let stored = store.job(&id)?;
    let only = Only::take(&dir, || false)
        .ok_or_else(|| EngineError::bug("a new job has an engine already".to_owned()))?;
    let (ahead, reading) = (start.ahead.results.take(), start.ahead.reading.take());
    let parts = Parts { store, stored, plan: start.plan, hello, keeper, fetch: None, only, ahead, reading };
    run(project, parts, Vec::new(), None, dir, world).map(|running| Running { number, ..running })
}

/// Records a job for an engine of another process, which begins it with [`resume`].
///
/// # Errors
/// If the state folder or the store cannot be used. Then there is no job.
pub fn enqueue(project: &Project, start: &Start, world: World) -> Result<Queued, EngineError> {
    Store::prepare(project)?;
    let id = Uuid::now_v7().to_string();
    let made = Made(Some(job_dir(project, &id)?));
    let mut store = Store::open(project)?;
    let number = create(project, &mut store, start, (&id, made.path()), None, world)
        .map_err(|error| store.named(error))?;
    // Whoever is told the number may rely on the job.
    store.sync()?;
    Ok(Queued { number, id: JobId(Arc::from(id.as_str())), dir: made.keep(), given: Given::of(start) })
}

impl Given {
    fn of(start: &Start) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let surroundings = surroundings(&start.plan);
        Self { secrets: start.secrets.clone(), env: start.env.clone(), path, surroundings }
    }
}

/// Records a new job, owned by this process or by nobody yet.
fn create(
    project: &Project,
    store: &mut Store,
    start: &Start,
    (id, dir): (&str, &Path),
    owner: Option<&Owner>,
    world: World,
) -> Result<u64, EngineError> {
    let request = serde_json::to_string(&start.request)
        .map_err(|e| EngineError::bug(format!("the request could not be written: {e}")))?;
    let created = clock::now();
    let path = start.path.display().to_string();
    let wants_repository = start.source.stored().contains("github");
    let repository = if wants_repository { (world.repository)(&project.root) } else { Vec::new() };
    let parent = job_of(|name| std::env::var(name).ok());
    let make_facts = |number: u64| {
        let mut known = facts(start, project, dir, (id, number), &repository);
        if start.plan.playbook.run_name.is_some() {
            known = titled(start, project, (id, dir), known)?;
        }
        Ok(Value::object(known).to_json().to_string())
    };
    let job = NewJob {
        id,
        name: &start.plan.playbook.name,
        playbook: &path,
        source: &start.source.stored(),
        request: &request,
        actor: &start.actor,
        parent: parent.as_deref(),
        created: created.0,
        on_loss: start.on_loss,
        retry_of: start.retry_of,
        fire: start.fired.as_ref().map(|it| it.fire),
        start: start.id.as_deref(),
    };
    store.create_job(&job, owner, make_facts)
}

/// Gets what a job was given, where nobody is left who knows.
pub type Fetch = Box<dyn FnOnce() -> Result<Given, EngineError> + Send>;

/// What a job is gone on with.
#[derive(Default)]
pub struct Again {
    /// Given first, such as a retry.
    pub order: Option<Asked>,
    /// What is not stored with a job.
    pub given: Given,
    /// Gets that, if it is missing and no keeper of the job is left that knows it.
    pub fetch: Option<Fetch>,
}

/// Goes on with a job that no living engine owns, in this process.
///
/// # Errors
/// If a living engine owns the job, also one of this process, the order is refused, or the store cannot be used.
pub fn resume(project: &Project, job: &JobId, again: Again, world: World) -> Result<Running, EngineError> {
    Store::prepare(project)?;
    let mut store = Store::open(project)?;
    let owner = Owner::this();
    let stored = store.job(&job.0)?;
    let plan = super::store::plan_again(&stored.playbook, &stored.source, &stored.request)?;
    let dir = job_dir(project, &stored.id)?;
    let has_ended = || store.has_ended(stored.number);
    let only = Only::take(&dir, has_ended).ok_or_else(|| {
        let number = stored.number;
        EngineError::refused(format!(
            "job #{number} is owned by another engine of this very process, which takes orders about it"
        ))
    })?;
    let epoch = take_lease(&mut store, stored.number, &owner).map_err(|error| store.named(error))?;
    let journal = store.events(stored.number, 0, usize::MAX >> 1)?;
    if again.given != Given::default() {
        let facts = serde_json::from_str(&stored.facts).map_or(Value::Null, |json| Value::from_json(&json));
        has_all_secrets(&facts, &again.given)?;
    }
    let hello = hello(project, &plan, (&stored.id, &dir), stored.on_loss, again.given, epoch);
    let parts = Parts {
        store,
        stored,
        plan,
        hello,
        keeper: None,
        fetch: again.fetch,
        only,
        ahead: None,
        reading: None,
    };
    run(project, parts, journal, again.order, dir, world)
}

/// How often it is looked whether the engine of a job that has ended has let it go.
const LOOK: Duration = Duration::from_millis(5);

/// Takes a job over. An engine of another process whose job has ended lets go of it in a moment, and is waited for.
fn take_lease(store: &mut Store, number: u64, ours: &Owner) -> Result<u64, EngineError> {
    let until = clock::elapsed() + LETTING_GO;
    loop {
        match store.take_lease(number, ours) {
            Err(error)
                if error.kind == ErrorKind::Refused
                    && store.has_ended(number)
                    && clock::elapsed() < until =>
            {
                std::thread::sleep(LOOK);
            }
            taken => return taken,
        }
    }
}

struct Parts {
    store: Store,
    stored: StoredJob,
    plan: Plan,
    hello: Hello,
    keeper: Option<Box<dyn Starting>>,
    fetch: Option<Fetch>,
    only: Only,
    ahead: Option<super::cache::Ahead>,
    reading: Option<super::readings::Remembered>,
}

fn run(
    project: &Project,
    parts: Parts,
    journal: Vec<Envelope>,
    order: Option<Asked>,
    dir: PathBuf,
    world: World,
) -> Result<Running, EngineError> {
    let id = JobId(Arc::from(parts.stored.id.as_str()));
    let number = parts.stored.number;
    let is_kept = parts.hello.on_loss == OnLoss::Keep;
    let given = parts.hello.given.clone();
    let plan = Arc::new(parts.plan);
    let setting = setting(project, &plan, &parts.stored, &dir, &parts.hello.given);
    let sheet = parts.ahead.as_ref().and_then(|ahead| ahead.path(&project.state));
    let digest = sheet.as_ref().and_then(|_| unchanged::asked(&setting, &parts.stored));
    let asked = digest.zip(sheet).map(|(digest, sheet)| Question { digest, sheet });
    let mut state = JobState::new(setting);
    let last = journal.last().map_or(0, |e| e.seq);
    for it in &journal {
        apply(&mut state, &it.event, it.time);
    }
    let bus = Arc::new(Bus::starting_at(last));
    let (orders, inbox) = mpsc::unbounded_channel::<LocalOrder>();
    let handle =
        Handle::local(project.clone(), id.clone(), Arc::clone(&bus), orders.clone(), Arc::clone(&plan));
    let syncer = Syncer::start(&parts.store);
    let mut engine = Engine {
        state,
        store: parts.store,
        syncer,
        bus,
        world,
        keeper: parts.keeper,
        fetch: parts.fetch,
        only: Some(parts.only),
        left_over: Vec::new(),
        has_adopted: false,
        number,
        epoch: parts.hello.epoch,
        hello: parts.hello,
        next_seq: last + 1,
        first_order: order,
        socket_dir: project.state.join("run"),
        id: id.clone(),
        orders,
        unpublished: Vec::new(),
        silent_keepers: 1,
        sharing: super::sharing::Sharing::default(),
        results: None,
        ahead: parts.ahead,
        asked,
        parcels: super::artifacts::Parcels::default(),
        left: super::leave::Left::default(),
        clock: clock::Steady::after(journal.last().map_or(Timestamp(i64::MIN), |it| it.time)),
    };
    let (ready, begun) = std::sync::mpsc::channel();
    let (tell, ended) = std::sync::mpsc::channel();
    let body = move || {
        let outcome = engine.run(inbox, &ready);
        if let Some(reading) = parts.reading {
            // Now there is a store of results, if this playbook needs one.
            reading.keep();
        }
        engine.leave_sheet(&outcome);
        engine.let_go_of_all();
        // Whoever waits for the end need not wait until the memory is given back. Perhaps nobody waits.
        let _sent = tell.send(outcome);
    };
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(body)
        .map_err(|e| EngineError::surroundings(format!("no thread for the engine: {e}")))?;
    match begun.recv() {
        Ok(Ok(())) => Ok(Running { number, id, dir, handle, is_kept, given, ended }),
        Ok(Err(error)) => {
            // Whoever tries again at once finds nothing of it any more; how it ended is told already.
            let _ended = thread.join();
            Err(error)
        }
        Err(_) => Err(EngineError::bug("the engine's thread ended before the job began".to_owned())),
    }
}

/// The folder of a job that is not yet recorded. Dropped, it is removed.
struct Made(Option<PathBuf>);

impl Made {
    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    /// The job is recorded, and the folder stays.
    fn keep(mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(dir) = self.0.take() {
            // The reason why there is no job is told already, and an empty folder more does no harm.
            let _outcome = fs::remove_dir_all(dir);
        }
    }
}

/// The project's folder without links.
fn root(project: &Project) -> String {
    fs::canonicalize(&project.root).unwrap_or_else(|_| project.root.clone()).display().to_string()
}

/// The path of this program, for steps that call it; its name, if it is removed by now.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "sortie".to_owned(), |path| path.display().to_string())
}

/// What a keeper is told about a job.
fn hello(
    project: &Project,
    plan: &Plan,
    (id, dir): (&str, &Path),
    on_loss: OnLoss,
    given: Given,
    epoch: u64,
) -> Hello {
    let cancel = plan.playbook.defaults.cancel.unwrap_or_default();
    // Where no order says otherwise, such as after the loss of this engine, nobody gets less than was promised.
    let grace = plan.playbook.stages.iter().map(|stage| stage.cancel.grace).max().unwrap_or(cancel.grace);
    Hello {
        version: VERSION,
        epoch,
        job_id: id.to_owned(),
        dir: dir.display().to_string(),
        spare: project.state.join("run").join("files").display().to_string(),
        slots: plan.slots,
        first_slots: plan.first_cells(),
        env: job_variables(id, &root(project), &program()),
        on_loss,
        masks: given.secrets.iter().map(|(_, value)| value.clone()).collect(),
        given,
        grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
        signal: cancel.signal,
    }
}

fn job_dir(project: &Project, id: &str) -> Result<PathBuf, EngineError> {
    let dir = project.state.join("jobs").join(id);
    // Closed to others even where the state folder is not.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(|e| EngineError::io(format!("the job's folder `{}` cannot be made", dir.display()), &e))?;
    Ok(fs::canonicalize(&dir).unwrap_or(dir))
}

/// How many cells are with the keeper beyond the slots: at least and at most. Enough for the slots to go on while the
/// engine writes down what ended, few enough to be asked back in a moment.
const AHEAD: (u32, u32) = (16, 24);

pub(super) fn setting(
    project: &Project,
    plan: &Arc<Plan>,
    stored: &StoredJob,
    dir: &Path,
    given: &Given,
) -> Setting {
    let facts = serde_json::from_str(&stored.facts).map_or(Value::Null, |json| Value::from_json(&json));
    know(bare(project, plan, &stored.id, facts, dir), given)
}

/// Returns a setting without what a job is given.
fn bare(project: &Project, plan: &Arc<Plan>, id: &str, facts: Value, dir: &Path) -> Setting {
    Setting {
        plan: Arc::clone(plan),
        facts,
        root: Arc::from(root(project)),
        dir: Arc::from(dir.display().to_string()),
        job_id: Arc::from(id),
        secrets: Value::Null,
        env: Vec::new(),
        ahead: (plan.slots * 3).clamp(AHEAD.0, AHEAD.1),
        has_bash: false,
        path: Arc::from(""),
        surroundings: Arc::from([]),
    }
}

/// Returns a setting with what the job was given.
pub(super) fn know(setting: Setting, given: &Given) -> Setting {
    let Given { secrets, env, path, surroundings: around } = given;
    let around = if around.is_empty() { surroundings(&setting.plan) } else { around.clone() };
    // Of a job that an older sortie began, nobody knows whose it was.
    let path = if path.is_empty() { std::env::var("PATH").unwrap_or_default() } else { path.clone() };
    Setting {
        secrets: Value::object(
            secrets.iter().map(|(k, v)| (k.as_str(), Value::string(v.as_str()))).collect(),
        ),
        env: env.iter().map(|(k, v)| (Arc::from(k.as_str()), Arc::from(v.as_str()))).collect(),
        has_bash: std::env::split_paths(&path).any(|folder| folder.join("bash").is_file()),
        path: Arc::from(path),
        surroundings: Arc::from(around),
        ..setting
    }
}

/// The environment of this process, if a plan has something that runs in a closed one.
fn surroundings(plan: &Plan) -> Vec<(String, String)> {
    if !is_needed(plan) {
        return Vec::new();
    }
    // What is no text cannot stand in a journal or a key, so what is cached does not get it.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Names of the secrets that had a value when the job began, among what is known of it; no expression sees them.
const HAD: &str = "secrets";

/// Refuses what a job would go on with if a secret is missing that it had at its start: its steps would take an empty value
/// for the real one.
///
/// # Errors
/// If one is missing.
pub(super) fn has_all_secrets(facts: &Value, given: &Given) -> Result<(), EngineError> {
    let had = match facts {
        Value::Object(facts) => facts.get(HAD).cloned(),
        _ => None,
    };
    // An older sortie did not write them down.
    let Some(Value::String(had)) = had else { return Ok(()) };
    let has = |name: &str| given.secrets.iter().any(|(known, value)| known == name && !value.is_empty());
    match had.split_whitespace().find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => Err(EngineError::surroundings(format!(
            "the secret `{name}` had a value when the job began, and there is none here"
        ))
        .help("give it as at the start, or cancel the job with `--force`, which needs none")),
    }
}

/// Collects what expressions may know about this job and machine, fixed at its start.
fn facts(
    start: &Start,
    project: &Project,
    dir: &Path,
    (id, number): (&str, u64),
    repository: &[(String, String)],
) -> Object {
    let text = |value: &str| Value::string(value);
    let fired = start.fired.as_ref();
    let trigger = fired.map_or("manual", |it| it.kind.as_str());
    let (event_name, event) = fired.map_or(("workflow_dispatch", Value::Null), Fired::github);
    let run: Object = [
        ("id", text(id)),
        ("number", Value::Number(f64::from(u32::try_from(number).unwrap_or(u32::MAX)))),
        ("name", text(&start.plan.playbook.name)),
        ("actor", text(&start.actor)),
        ("trigger", text(trigger)),
        ("event", event.clone()),
        ("started-at", text(&clock::now().rfc3339())),
        ("dir", text(&dir.display().to_string())),
    ]
    .into_iter()
    .collect();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let os = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "X64",
        "aarch64" => "ARM64",
        other => other,
    };
    let runner: Object = [
        ("os", text(os)),
        ("arch", text(arch)),
        ("name", text("local")),
        ("environment", text("self-hosted")),
        ("temp", text(&std::env::temp_dir().display().to_string())),
        ("cpus", Value::Number(f64::from(u32::try_from(cpus).unwrap_or(u32::MAX)))),
    ]
    .into_iter()
    .collect();
    let mut github: Object = [
        ("actor", text(&start.actor)),
        ("event_name", text(event_name)),
        ("event", event),
        ("run_id", text(id)),
        ("run_number", text(&number.to_string())),
        ("run_attempt", text("1")),
        ("workflow", text(&start.plan.playbook.name)),
        ("workspace", text(&project.root.display().to_string())),
    ]
    .into_iter()
    .collect();
    for (name, value) in repository {
        github.insert(name.as_str(), text(value));
    }
    let had = start.secrets.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str());
    [
        ("run", Value::object(run)),
        ("runner", Value::object(runner)),
        ("github", Value::object(github)),
        (HAD, text(&had.collect::<Vec<_>>().join(" "))),
        (reports::HIDDEN, text(&reports::hidden_names(&start.plan, &start.secrets))),
    ]
    .into_iter()
    .collect()
}

/// Adds what `run-name` comes to, without the values of secrets: it stands in lists and titles of terminals.
fn titled(
    start: &Start,
    project: &Project,
    (id, dir): (&str, &Path),
    mut facts: Object,
) -> Result<Object, EngineError> {
    let stored = Value::object(facts.clone());
    let setting = bare(project, &Arc::new(start.plan.clone()), id, stored, dir);
    let title = run_name(&JobState::new(setting)).map_err(|error| {
        EngineError::refused(format!("its `run-name` cannot be evaluated: {error}"))
            .help("mend the expression of `run-name`, or leave it out")
    })?;
    if let Some(title) = title {
        let secrets: Vec<&str> = start.secrets.iter().map(|(_, value)| value.as_str()).collect();
        facts.insert(TITLE, Value::string(Masker::new(&secrets).mask_text(&title)));
    }
    Ok(facts)
}
