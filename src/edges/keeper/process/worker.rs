//! A worker: one thread that takes launches from the queue and sees each through to its report.
//!
//! A thread for each live attempt that spawns, reads and reaps was the fastest of the designs tried: no hand-over
//! between threads, and orders sent ahead start without a round trip to the engine. There are as many as slots, and
//! others, from a queue of their own, for what runs beside another attempt of its cell. Start at [`run`].

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustix::process::Pid;

use super::child::Child;
use super::environment::{Environment, Here, entry};
use super::files::{self, Pool};
use super::log::Log;
use super::pump::{Buffer, Taps};
use super::removal;
use super::shared::{Shared, State};
use super::spawn::{NotStarted, Spawner};
use super::stop::{self, Whose};
use crate::logic::job::effect::{KeepChildren, Launch, Program};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, StartFailure, StepFiles, Usage};
use crate::logic::secret::Masker;
use crate::port::keeper::{ANY_JOB, JOB_VARIABLE, TAG_VARIABLE};
use crate::port::words;

/// A worker needs little stack; what is large lives on the heap.
const STACK_BYTES: usize = 256 * 1024;

/// More workers are not started ahead, however many slots there are: the first orders come a moment later anyway.
const MOST_AHEAD: u32 = 16;

/// Which launches a worker takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Those that have a slot.
    Slot,
    /// Those that run beside another attempt of their cell, in the slot of that.
    Extra,
}

/// Starts workers for what waits in the queues, up to the number of slots, and wakes idle ones.
pub(crate) fn hire(shared: &Arc<Shared>) {
    let mut state = shared.state();
    if !state.extra.is_empty() {
        drop(state);
        hire_extra(shared);
        state = shared.state();
    }
    let waiting = u32::try_from(state.queue.len()).unwrap_or(u32::MAX);
    let wanted = waiting.saturating_sub(state.idle);
    add(shared, &mut state, wanted);
    for _ in 0..waiting.min(state.idle) {
        shared.work.notify_one();
    }
    if state.workers == 0 {
        // Out of threads altogether: nobody would ever come for them.
        let refused: Vec<Report> = state.queue.drain(..).map(no_thread).collect();
        drop(state);
        shared.link.report_all(refused);
    }
}

fn no_thread(launch: Launch) -> Report {
    let message = "no thread could be started for it: the limit of processes is reached (`ulimit -u`, or that of \
                   the container)";
    Report::NotStarted { key: launch.key, why: StartFailure::Other, message: message.to_owned() }
}

/// Starts as many workers beside the slots as there are launches for them: what they wait for may be one another.
fn hire_extra(shared: &Arc<Shared>) {
    let mut state = shared.state();
    let waiting = u32::try_from(state.extra.len()).unwrap_or(u32::MAX);
    for _ in 0..waiting.min(state.extra_idle) {
        shared.extra_work.notify_one();
    }
    let mut missing = waiting.saturating_sub(state.extra_idle);
    while missing > 0 {
        // Numbers beyond those of the slots, because step files are named after them.
        let number = shared.hello.slots.max(1) + state.extra_workers;
        if !start(shared, number, Lane::Extra) {
            break;
        }
        state.extra_workers += 1;
        missing -= 1;
    }
    // Those at the end of the queue have nobody who would come for them soon.
    let refused: Vec<Report> = (0..missing).filter_map(|_| state.extra.pop_back()).map(no_thread).collect();
    drop(state);
    shared.link.report_all(refused);
}

/// Starts so many workers before there is work, up to the number of slots; they get ready meanwhile.
pub(crate) fn hire_ahead(shared: &Arc<Shared>, count: u32) {
    add(shared, &mut shared.state(), count.min(MOST_AHEAD));
}

fn add(shared: &Arc<Shared>, state: &mut State, count: u32) {
    for _ in 0..count.min(shared.hello.slots.max(1).saturating_sub(state.workers)) {
        if !start(shared, state.workers, Lane::Slot) {
            // Out of threads: those there are do the work, one after the other.
            break;
        }
        state.workers += 1;
    }
}

/// Starts a worker; says whether there was a thread for it.
fn start(shared: &Arc<Shared>, slot: u32, lane: Lane) -> bool {
    let shared = Arc::clone(shared);
    let builder = std::thread::Builder::new().name(format!("slot {slot}")).stack_size(STACK_BYTES);
    builder.spawn(move || run(&shared, slot, lane)).is_ok()
}

fn run(shared: &Arc<Shared>, slot: u32, lane: Lane) {
    let mut worker = Worker {
        lane,
        shared: Arc::clone(shared),
        spawner: Spawner::new(),
        pool: Pool::new(&shared.dir, slot),
        base: Environment::default(),
        base_of: None,
        here: Here::default(),
        buffer: Buffer::default(),
        following: None,
        unsent: None,
        spare: None,
        spent: None,
    };
    {
        // One after the other: all at once the workers would burn their time waiting for each other at the folder.
        let _turn = shared.making.lock().unwrap_or_else(PoisonError::into_inner);
        // What goes wrong here goes wrong again at the attempt that needs it, and is told there.
        let _made = worker.pool.variables();
    }
    worker.spare = Taps::new().ok();
    while let Some(launch) = worker.next() {
        worker.see_through(&launch);
        let mut state = shared.state();
        state.gave_up |= worker.pool.gave_up();
        state.busy -= 1;
        if state.busy == 0 {
            shared.calm.notify_all();
        }
    }
}

struct Worker {
    lane: Lane,
    shared: Arc<Shared>,
    spawner: Spawner,
    pool: Pool,
    /// What all attempts of this slot have in common.
    base: Environment,
    /// The first variable of the step files that it names.
    base_of: Option<CString>,
    here: Here,
    buffer: Buffer,
    /// The submitted launch that has this slot next; counted as live already.
    following: Option<Launch>,
    /// The end before it, told once it has begun.
    unsent: Option<Exit>,
    /// Pipes for the next attempt, made while this one runs.
    spare: Option<Taps>,
    /// Pipes of the attempt before, closed once the next one runs, or nothing does.
    spent: Option<Taps>,
}

/// A process that was started, and what was opened for it.
struct Started {
    pid: i32,
    handle: Option<OwnedFd>,
    taps: Taps,
    script: Option<PathBuf>,
}

impl Worker {
    /// The next launch; waits for one. None when nothing is to be started any more.
    fn next(&mut self) -> Option<Launch> {
        if let Some(launch) = self.following.take() {
            return Some(launch);
        }
        self.spent = None;
        let mut state = self.shared.state();
        loop {
            if state.stopping {
                return None;
            }
            let (queue, work) = match self.lane {
                Lane::Slot => (&mut state.queue, &self.shared.work),
                Lane::Extra => (&mut state.extra, &self.shared.extra_work),
            };
            if let Some(launch) = queue.pop_front() {
                state.take(&launch, attempt_tag(&launch.tag, launch.key));
                return Some(launch);
            }
            *state.idle_in(self.lane) += 1;
            state = work.wait(state).expect("no thread panics while it holds the state");
            *state.idle_in(self.lane) -= 1;
        }
    }

    fn see_through(&mut self, launch: &Launch) {
        let key = launch.key;
        super::fault_point();
        let started = self.start(launch);
        super::fault_point();
        self.spent = None;
        if let Some(exit) = self.unsent.take() {
            self.tell(exit);
        }
        match started {
            Ok(started) => {
                self.spare = Taps::new().ok();
                let exit = self.attend(launch, started);
                // What begins in this slot comes first: the end is written down, and told while that runs.
                if exit.next.is_some() {
                    self.unsent = Some(exit);
                } else {
                    self.tell(exit);
                }
            }
            Err(NotStarted { why, message }) => {
                // First: an engine that comes in between is to hear of it in one way or the other.
                self.shared.link.report(Report::NotStarted { key, why, message });
                self.shared.state().live.remove(&key);
            }
        }
    }

    /// Tells how an attempt ended; until then it counts as one that is ending.
    fn tell(&self, exit: Exit) {
        let key = exit.key;
        self.shared.link.report(Report::Exited(exit));
        self.shared.state().ending.remove(&key);
    }

    fn start(&mut self, launch: &Launch) -> Result<Started, NotStarted> {
        let variables = self
            .pool
            .variables()
            .map_err(|error| failed(&format!("no step files could be made: {}", words(&error))))?;
        if variables.first() != self.base_of.as_ref() {
            self.base = self.shared.base.fix(self.shared.fixed.iter().chain(variables));
            self.base_of = variables.first().cloned();
        }
        let changed = match launch.is_closed {
            true => self.base.close(&launch.env),
            false => self.base.change(&launch.env),
        };
        let mut environment = changed.map_err(|name| {
            failed(&format!(
                "the variable `{}` cannot be set: its name or value is not allowed",
                name.escape_debug()
            ))
        })?;
        if launch.is_closed
            && let Some(any) = entry(JOB_VARIABLE.as_bytes(), ANY_JOB.as_bytes())
        {
            environment.set(any);
        }
        let mut tag = attempt_tag(&launch.tag, launch.key);
        if let Some(outer) = &self.shared.outer_tag {
            tag = format!("{tag},{outer}");
        }
        if let Some(tag) = entry(TAG_VARIABLE.as_bytes(), tag.as_bytes()) {
            environment.set(tag);
        }
        let (written, script);
        let argv = match &launch.program {
            Program::Direct(argv) | Program::Simple { by_shell: argv, .. } => {
                script = None;
                argv
            }
            Program::Script { argv, text, extension } => {
                let path = write_script(&self.shared, launch.key, text, extension)?;
                let shown = path.to_string_lossy();
                written = argv.iter().map(|word| word.replace("{0}", &shown)).collect::<Vec<String>>();
                script = Some(path);
                &written
            }
        };
        let spare = self.spare.take().map_or_else(Taps::new, Ok);
        let mut taps = spare.map_err(|errno| failed(&format!("no pipe: {errno}")))?;
        let [out, err] = taps.writers().ok_or_else(|| failed("no pipe"))?;
        let folder = std::path::Path::new(&*launch.cwd);
        let words = match &launch.program {
            Program::Simple { words, .. } if !environment.has_functions() => {
                if let Some(here) = self.here.entry(&launch.cwd, environment.get("PWD")) {
                    environment.set(here);
                }
                words
            }
            _ => argv,
        };
        let spawner = &mut self.spawner;
        let mut start = |argv| spawner.start(argv, folder, &environment, out.as_fd(), err.as_fd());
        // What cannot be started by itself is the shell's to explain.
        let spawned = start(words).or_else(|error| if words == argv { Err(error) } else { start(argv) });
        let Child { pid, handle } = spawned.inspect_err(|_| forget(script.as_deref()))?;
        self.shared.began(launch.key, pid);
        if handle.is_none() {
            // The end of both pipes is all that can be waited for then.
            taps.let_go();
        }
        Ok(Started { pid, handle, taps, script })
    }

    /// Reads the attempt's output to its end and says how it ended.
    fn attend(&mut self, launch: &Launch, started: Started) -> Exit {
        let Started { pid, handle, mut taps, script } = started;
        let key = launch.key;
        let mut log = Log::new(Arc::clone(&self.shared), key, &launch.log);
        // Without a handle only the end of both pipes can be waited for, and then the process.
        taps.run(handle.as_ref(), None, &mut log, &mut self.buffer);
        taps.drain(&mut log, &mut self.buffer);
        let mut left = self.left_behind(pid, launch);
        if left > 0 && launch.keep_children == KeepChildren::StepEnd {
            let whose = Whose::Attempt { tag: attempt_tag(&launch.tag, key), session: pid };
            let grace = Duration::from_millis(self.shared.hello.grace_ms);
            let ended = stop::sweep(&self.shared, &whose, self.shared.hello.signal, grace);
            left = u32::try_from(ended.survivors.len()).unwrap_or(u32::MAX);
        }
        if left == 0 {
            // Whoever still holds a pipe is not of the attempt: mostly a process that another worker is just starting.
            taps.finish(&mut log);
        } else {
            taps.let_go();
        }
        let (end, usage) = self.reap(key, pid, handle.is_some());
        let mut files = self.pool.collect(left > 0);
        add_lines(&mut files.output, log.outputs());
        add_lines(&mut files.state, log.states());
        // They go into the exit record and the journal, and nothing secret may reach the disk.
        if !files.is_empty() {
            mask_files(&mut files, &self.shared.masks.current());
        }
        log.settle();
        forget(script.as_deref().filter(|_| left == 0));
        let not_removed = removal::run(&launch.after_end, &launch.env).err();
        let mut exit = Exit {
            key,
            end,
            log_bytes: log.bytes(),
            log_problem: log.problem().or(not_removed),
            usage,
            files,
            left_running: left,
            next: None,
            undisturbed: !self.shared.state().stopping,
        };
        super::fault_point();
        exit.next = self.follow_up(launch, &exit);
        if let Err(error) = self.shared.exits.append(&exit) {
            // The report goes out all the same; only a crash of the engine right now would lose it.
            exit.log_problem
                .get_or_insert_with(|| format!("the exit record could not be written: {}", words(&error)));
        }
        super::fault_point();
        log.tell(false);
        if left > 0 && taps.is_open() {
            log.set_late();
            read_late(&self.shared, &launch.tag, log, taps);
        } else {
            self.spent = Some(taps);
        }
        exit
    }

    /// Takes a submitted launch into the slot of a cell that has succeeded and left nothing behind.
    ///
    /// After anything else the engine has a say first: it may stop the job, end what is left, or go on in the cell.
    fn follow_up(&mut self, launch: &Launch, exit: &Exit) -> Option<AttemptKey> {
        let is_clean = launch.is_last && exit.left_running == 0;
        let is_success = exit.end == End::Code(0) && exit.log_problem.is_none() && exit.files.is_empty();
        if !is_clean {
            return None;
        }
        let mut state = self.shared.state();
        state.cells.remove(&*launch.tag);
        if !is_success || state.stopping {
            return None;
        }
        // What waits for this very end first: nothing else can begin it.
        let fits = |after: Option<AttemptKey>| state.submitted.iter().position(|it| it.after == after);
        let at = fits(Some(launch.key)).or_else(|| fits(None))?;
        let next = state.submitted.remove(at)?;
        state.cells.insert(next.tag.to_string());
        state.take(&next, attempt_tag(&next.tag, next.key));
        drop(state);
        Some(self.following.insert(next).key)
    }

    /// How many processes of the attempt outlived its main process. Mostly the list of orphans is empty.
    fn left_behind(&self, pid: i32, launch: &Launch) -> u32 {
        if self.shared.orphans().is_empty() {
            return 0;
        }
        let tag = attempt_tag(&launch.tag, launch.key);
        self.shared.state().sessions.insert(pid, tag.clone());
        let found = stop::find(&self.shared, &Whose::Attempt { tag, session: pid });
        u32::try_from(found.len()).unwrap_or(u32::MAX)
    }

    fn reap(&self, key: AttemptKey, pid: i32, ended: bool) -> (End, Usage) {
        if let Some(pid) = Pid::from_raw(pid).filter(|_| !ended) {
            use rustix::process::{WaitId, WaitIdOptions, waitid};
            // Waits outside the lock, and leaves the process to be reaped under it.
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        let mut state = self.shared.state();
        state.live.remove(&key);
        state.ending.insert(key);
        state.frozen.remove(&key);
        // Only a process that is not our child fails here, and this one is.
        state.reap(pid).unwrap_or((End::Signal(nix::libc::SIGKILL), Usage::default()))
    }
}

impl State {
    fn idle_in(&mut self, lane: Lane) -> &mut u32 {
        match lane {
            Lane::Slot => &mut self.idle,
            Lane::Extra => &mut self.extra_idle,
        }
    }
}

impl Shared {
    /// Takes note of an attempt's process and sends the signal that came too early for it.
    fn began(&self, key: AttemptKey, pid: i32) {
        let mut state = self.state();
        let Some(live) = state.live.get_mut(&key) else { return };
        live.pid = Some(pid);
        let pending = live.pending.take();
        state.stop_group(key);
        if let Some((_, signal)) = pending {
            state.signal_group(key, signal);
        }
    }
}

/// The place of an attempt, inside its cell's.
pub(crate) fn attempt_tag(cell: &str, key: AttemptKey) -> String {
    format!("{cell}.{}.{}", key.step, key.attempt)
}

/// Hands pipes that outlive their attempt to a thread that writes on to the same log.
fn read_late(shared: &Arc<Shared>, tag: &Arc<str>, mut log: Log, mut taps: Taps) {
    *shared.state().late.entry(tag.to_string()).or_default() += 1;
    let tag_copy = Arc::clone(tag);
    let (reader, tag) = (Arc::clone(shared), Arc::clone(tag));
    let builder = std::thread::Builder::new().name("late".to_owned()).stack_size(STACK_BYTES);
    let spawned = builder.spawn(move || {
        taps.run(None, None, &mut log, &mut Buffer::default());
        log.tell(true);
        log.settle();
        reader.late_ended(&tag);
    });
    if spawned.is_err() {
        // Nobody reads on: the log ends here, and the child may block when the pipe is full.
        shared.late_ended(&tag_copy);
    }
}

fn failed(message: &str) -> NotStarted {
    NotStarted { why: StartFailure::Other, message: message.to_owned() }
}

fn forget(script: Option<&std::path::Path>) {
    if let Some(script) = script {
        // What cannot be removed goes with the job's folder.
        let _ = fs::remove_file(script);
    }
}

fn write_script(
    shared: &Shared,
    key: AttemptKey,
    text: &str,
    extension: &str,
) -> Result<PathBuf, NotStarted> {
    let AttemptKey { cell, run, step, attempt } = key;
    let mut name = format!("script-{cell}-{run}-{step}-{attempt}");
    if !extension.is_empty() {
        name = format!("{name}.{}", extension.trim_start_matches('.'));
    }
    let path = files::folder(&shared.dir).join(name);
    fs::write(&path, text)
        .map_err(|error| failed(&format!("the script could not be written: {}", words(&error))))?;
    Ok(path)
}

fn mask_files(files: &mut StepFiles, masker: &Masker) {
    let texts = [&mut files.output, &mut files.env, &mut files.path, &mut files.state, &mut files.summary];
    for text in texts {
        if !text.is_empty() {
            *text = masker.mask_text(text);
        }
    }
}

/// Appends what older commands set, in the form of the step files.
fn add_lines(text: &mut String, set: &[(String, String)]) {
    for (name, value) in set {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let mut word = "end_of_value".to_owned();
        while value.contains(&word) {
            word.push('_');
        }
        text.push_str(&format!("{name}<<{word}\n{value}\n{word}\n"));
    }
}
