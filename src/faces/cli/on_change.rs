//! `run --on-change`: runs a playbook, waits for changes of the files that it depends on, and runs it again.
//!
//! Each round is a job of its own. What a change does not concern is not run again where it is cached: its result is found
//! there, as in any other job. Not here: hearing of changes (`engine/watching/tree.rs`), what they mean (`logic/rounds.rs`),
//! stopping a job that they overtake (`faces/rounds.rs`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::args::RunArgs;
use super::begin::Caught;
use super::{opened, prepare, run};
use crate::engine::watching::{self, Scope, Trees, Version, What};
use crate::engine::{self, clock, library};
use crate::faces::context::{Context, Signal};
use crate::faces::ending::{Ending, Failure};
use crate::faces::live::{Heard, Note, Notes};
use crate::faces::modes::Face;
use crate::faces::out::Out;
use crate::faces::rounds::{KEYS, Pending, Rounds, first, more, named, record};
use crate::faces::show::{self, OwnScreen, RoundLeft, Shown, Skin, Waited};
use crate::faces::steering::Steering;
use crate::faces::summary::Volume;
use crate::logic::cache::pattern::Patterns;
use crate::logic::plan::{Plan, PlanRequest};
use crate::logic::rounds::{Affected, affected, all_inputs, outputs};
use crate::logic::text::listed_names;

/// How long the first round waits for the list of files; whatever is changed meanwhile counts in any case.
const READY: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// Everything that keeps the first round from starting, or an engine that gave up.
pub(super) fn on_change(
    context: &Context,
    args: &RunArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let mut request = prepare::request(context, &args.request)?;
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    request.env_file = args.env_file.as_ref().map(|path| absolute(path).display().to_string());
    let wanted = match &args.playbook {
        Some(wanted) => opened::one(wanted, &args.more)?,
        None => run::last(context, &mut request, notes)?,
    };
    if run::own_output(args)?.is_some() {
        return Err(Failure::usage("with `--on-change` a summary goes to a file: each round writes it")
            .help("name a file, or leave `--summary` out"));
    }
    request.summary = args.summary.as_deref().map(run::summary_path);
    let is_there = context.surroundings.stdin && context.surroundings.stdout;
    request.gates.unattended = context.surroundings.is_ci && !is_there && !args.wait_at_gates;
    // Without a way back, and also if it is gone for a moment later on.
    let path = absolute(&opened::find(&context.project, &wanted, notes)?);
    if let Some(bad) = args.globs.iter().find_map(|glob| Patterns::read(std::slice::from_ref(glob)).err()) {
        return Err(Failure::usage(format!("`--globs`: {bad}")));
    }
    let skin = run::skin(context, args.quiet, args.verbose, notes)?;
    let skin = Skin { is_round: true, stays: true, ..skin };
    let first = planned(context, &path, &request, notes)?;
    let screen = match skin.face {
        Face::Full => Some(OwnScreen::open(context)?),
        _ => None,
    };
    let with_stops = matches!(skin.face, Face::Full | Face::Inline);
    let steering = Steering::start(context, (None, None), with_stops)?;
    let told = Notes::default();
    let cannot = |error: std::io::Error| Failure::surroundings(format!("files cannot be watched: {error}"));
    let rounds = Rounds::new(&told, steering.orders()).map_err(cannot)?;
    let hears = rounds.clone();
    let scope = scope(context, args, &first.1, &first.0);
    let tell = move |news| {
        hears.hear(news);
        true
    };
    let trees = watching::watch(scope, tell).map_err(cannot)?;
    rounds.wait_ready(READY);
    let mut session = Session {
        context,
        args,
        path,
        request,
        skin,
        screen,
        steering,
        told,
        rounds,
        trees,
        last: None,
        previous: None,
        shown: None,
    };
    let ending = session.run(first, out, notes);
    if let Some(screen) = &mut session.screen {
        screen.leave();
    }
    show::settle(&session.steering, out);
    ending
}

/// A playbook that was read and planned.
type Planned = (library::Opened, Plan, PlanRequest);

fn planned(
    context: &Context,
    path: &std::path::Path,
    request: &PlanRequest,
    notes: &mut Out,
) -> Result<Planned, Failure> {
    let mut request = request.clone();
    let (opened, playbook) = opened::open_to_run(&context.project, &path.display().to_string(), notes)?;
    prepare::containers(context, &playbook, &mut request);
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    Ok((opened, plan, request))
}

/// Returns which files count: those that were asked for, else what stages declare, else all of the project.
fn scope(context: &Context, args: &RunArgs, plan: &Plan, opened: &library::Opened) -> Scope {
    let inputs = all_inputs(plan);
    let what = match () {
        () if !args.globs.is_empty() => What::Globs(args.globs.clone()),
        () if !inputs.is_empty() => What::Inputs(inputs),
        () => What::Everything,
    };
    let mut without = outputs(plan);
    let summary = plan.summary.as_deref().filter(|path| !path.is_empty());
    let summary =
        summary.and_then(|path| std::path::Path::new(path).strip_prefix(&context.project.root).ok());
    without.extend(summary.and_then(|path| Patterns::read(&[path.display().to_string()]).ok()));
    let (book, _) = watching::made_of(&context.project, opened);
    Scope { root: context.project.root.clone(), what, without, book, state: context.project.state.clone() }
}

struct Session<'a> {
    context: &'a Context,
    args: &'a RunArgs,
    path: PathBuf,
    request: PlanRequest,
    skin: Skin,
    screen: Option<OwnScreen>,
    steering: Steering,
    told: Notes,
    rounds: Rounds,
    trees: Trees,
    /// How the last round ended that was not overtaken.
    last: Option<Ending>,
    /// Number of the job of the last round.
    previous: Option<u64>,
    /// That job, where a screen can show it once more.
    shown: Option<Shown>,
}

/// What follows a round.
enum Then {
    Round,
    Leave,
}

impl Session<'_> {
    fn run(&mut self, planned: Planned, out: &mut Out, notes: &mut Out) -> Result<Ending, Failure> {
        let mut next = Some((planned, Pending::default()));
        loop {
            let then = match next.take() {
                Some((planned, why)) => self.round(planned, &why, out, notes)?,
                None => self.stay(out)?,
            };
            if matches!(then, Then::Leave) || self.steering.was_asked_to_end() {
                return Ok(self.last.unwrap_or(Ending::Cancelled));
            }
            next = self.prepare(out, notes);
        }
    }

    /// Reads the playbook for the next round. What is wrong with it is told, and the last one that was good stays.
    fn prepare(&mut self, out: &mut Out, notes: &mut Out) -> Option<(Planned, Pending)> {
        let why = self.rounds.take();
        if let Some(wrong) = watching::wrong(&self.context.project, &self.path) {
            self.refuse(&why, &wrong, out);
            return None;
        }
        let caught = Caught::default();
        let mut remarks = caught.out();
        match planned(self.context, &self.path, &self.request, &mut remarks) {
            Ok(planned) => {
                self.remark(&caught.lines(&mut remarks), notes);
                Some((planned, why))
            }
            Err(failure) => {
                let lines = caught.told(self.context, &mut remarks, &failure);
                self.refuse(&why, &lines.join("; "), out);
                None
            }
        }
    }

    /// Prints what the command line would have printed, where there is no screen in the way.
    fn remark(&self, lines: &[String], notes: &mut Out) {
        if self.screen.is_none() {
            lines.iter().for_each(|line| notes.line(line));
            notes.flush();
        }
    }

    /// Says why no round can begin.
    fn refuse(&self, why: &Pending, words: &str, out: &mut Out) {
        let file = library::shown(&self.context.project.root, &self.path);
        let version = Version::Broken { file, why: words.to_owned() };
        if self.screen.is_some() {
            self.told.tell(Note::Book(version));
            return;
        }
        if self.skin.face == Face::Json {
            let data = json!({"round": self.rounds.next(), "files": first(&why.files), "message": words});
            out.line(record("round.refused", None, data));
        } else {
            out.line(format!(
                "{} no round begins: {words}",
                out.paint.sign(crate::faces::signs::State::Failed)
            ));
        }
        out.flush();
    }

    /// Starts the job of a round and shows it.
    fn round(
        &mut self,
        (opened, plan, request): Planned,
        why: &Pending,
        out: &mut Out,
        notes: &mut Out,
    ) -> Result<Then, Failure> {
        let round = self.rounds.next();
        if round > 1 {
            self.trees.set(scope(self.context, self.args, &plan, &opened));
        }
        let about = affected(&plan, &why.files);
        let all = why.has_book || why.is_asked || round == 1;
        let ahead = engine::get_ready(self.context.outside.world);
        let env = prepare::env(&request)?;
        let began = clock::elapsed();
        let wanted = run::Wanted {
            opened,
            plan,
            request,
            env,
            retry_of: self.previous,
            id: None,
            said: Vec::new(),
            ahead,
        };
        let caught = Caught::default();
        let mut remarks = caught.out();
        let (trust, has_screen) = (self.args.trust, self.screen.is_some());
        let started = if round == 1 {
            run::start(self.context, wanted, trust, &mut prepare::here, notes)
        } else {
            run::start(self.context, wanted, trust, &mut prepare::nobody, &mut remarks)
        };
        let mut shown = match started {
            Ok(shown) => shown,
            Err(failure) if round == 1 => return Err(failure),
            Err(failure) => {
                let lines = caught.told(self.context, &mut remarks, &failure);
                self.refuse(why, &lines.join("; "), out);
                return self.stay(out);
            }
        };
        self.remark(&caught.lines(&mut remarks), notes);
        shown.notes = self.told.clone();
        self.previous = Some(shown.number);
        // What was to be made anew was made anew.
        self.request.cache.refresh = false;
        let handle = shown.handle.clone();
        if let Some(handle) = &handle {
            self.tell_round((round, all), (why, &about), handle, out);
            let begun = self.rounds.begin(shown.number, handle, began);
            begun.map_err(|error| Failure::surroundings(format!("the round cannot be followed: {error}")))?;
        }
        if has_screen {
            self.told.tell(Note::Waits(self.rounds.waits(KEYS)));
        }
        self.show(shown, out)
    }

    fn show(&mut self, shown: Shown, out: &mut Out) -> Result<Then, Failure> {
        let screen = self.screen.as_mut();
        let (left, shown) = show::round(self.context, &self.steering, screen, out, (shown, &mut self.skin))?;
        self.shown = shown;
        if self.skin.face != Face::Full {
            self.screen = None;
        }
        let (RoundLeft::Ended(ending) | RoundLeft::Due(ending) | RoundLeft::Seen(ending)) = left else {
            self.last = Some(Ending::Success);
            return Ok(Then::Leave);
        };
        self.rounds.wait_ended();
        let is_overtaken = ending == Ending::Cancelled && self.rounds.was_stopped();
        if !is_overtaken {
            self.last = Some(ending);
        }
        Ok(match left {
            RoundLeft::Seen(_) => Then::Leave,
            _ if self.steering.was_asked_to_end() => {
                self.last = Some(ending);
                Then::Leave
            }
            RoundLeft::Due(_) => {
                if !self.rounds.is_due() {
                    self.rounds.ask();
                }
                Then::Round
            }
            _ => self.wait(out),
        })
    }

    /// Says that a round begins, and what it is about.
    fn tell_round(
        &self,
        (round, is_all): (u32, bool),
        (why, about): (&Pending, &Affected),
        job: &engine::Handle,
        out: &mut Out,
    ) {
        let none = Vec::new();
        let others = if is_all { &none } else { &about.others };
        if self.skin.face == Face::Json {
            let mut stages: Vec<&String> = about.stages.iter().collect();
            if is_all {
                stages.extend(&about.others);
            }
            let data = json!({
                "round": round,
                "files": first(&why.files),
                "more": more(&why.files),
                "stages": stages,
                "unaffected": others,
                "watched": self.rounds.files(),
            });
            out.line(record("round.started", Some(job), data));
            return;
        }
        if round == 1 || self.skin.volume == Volume::Quiet || self.screen.is_some() {
            return;
        }
        let cause = if why.files.is_empty() {
            "asked for".to_owned()
        } else {
            format!("{} changed", named(&why.files))
        };
        let unaffected = match others.len() {
            0 => String::new(),
            1 => format!("; {} is unaffected", listed_names(others, "and")),
            _ => format!("; {} are unaffected", listed_names(others, "and")),
        };
        out.line(format!("round {round}: {cause}{unaffected}"));
    }

    /// Waits where no round could begin: on a screen with the job of the last one.
    fn stay(&mut self, out: &mut Out) -> Result<Then, Failure> {
        match self.shown.take().filter(|_| self.screen.is_some()) {
            Some(shown) => {
                self.told.tell(Note::Waits(self.rounds.waits(KEYS)));
                self.show(shown, out)
            }
            None => Ok(self.wait(out)),
        }
    }

    /// Waits for the next round, or until somebody leaves.
    fn wait(&mut self, out: &mut Out) -> Then {
        if self.rounds.is_due() {
            return Then::Round;
        }
        let Some(heard) = Heard::of(&self.told) else { return Then::Leave };
        let is_inline = self.skin.face == Face::Inline;
        if !is_inline {
            // Before anybody is told that it waits: whoever leaves then leaves a loop that waits, and no job.
            self.listen();
        }
        if self.skin.face == Face::Json {
            let data = json!({"round": self.rounds.next() - 1, "watched": self.rounds.files()});
            out.line(record("round.waiting", None, data));
        } else if !is_inline && self.skin.volume != Volume::Quiet {
            out.line(self.rounds.waits("Ctrl-C leaves"));
        }
        out.flush();
        let then = self.hear(out, &heard, is_inline);
        if !is_inline {
            self.steering.set_listener(None);
            // What came while the listener was still there.
            if self.tell(out, heard.take()) {
                return Then::Leave;
            }
        }
        then
    }

    /// Lets signals say that somebody leaves.
    fn listen(&self) {
        let told = self.told.clone();
        self.steering.set_listener(Some(Box::new(move |signal| {
            if matches!(signal, Signal::Interrupt | Signal::Terminate | Signal::HangUp) {
                told.tell(Note::Left);
            }
            true
        })));
    }

    /// Waits for what is told until a round is due or somebody leaves.
    fn hear(&mut self, out: &mut Out, heard: &Heard, is_inline: bool) -> Then {
        loop {
            let told = if is_inline {
                let words = self.rounds.waits(KEYS);
                match show::wait_in_row(self.context, &self.steering, out, heard, &words) {
                    Waited::Told(told) => told,
                    Waited::Again => {
                        self.rounds.ask();
                        Vec::new()
                    }
                    Waited::Left => return Then::Leave,
                }
            } else {
                heard.next().into_iter().collect()
            };
            if self.tell(out, told) {
                return Then::Leave;
            }
            if self.rounds.is_due() {
                return Then::Round;
            }
        }
    }

    /// Prints what is told; says whether somebody leaves.
    fn tell(&self, out: &mut Out, told: Vec<Note>) -> bool {
        for note in told {
            if note == Note::Left {
                return true;
            }
            show::tell_note(self.context, out, &note, self.skin.face == Face::Json);
            out.flush();
        }
        false
    }
}
