//! Stories of services: when they begin and end, and what their ends mean to the cell.

use std::collections::BTreeMap;

use crate::logic::job::Input;
use crate::logic::job::effect::{Launch, Program, Rung};
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::job::launch::launch;
use crate::logic::job::order::{Asked, Order, Target as Aim};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, StepFiles};
use crate::logic::job::sidecar::removals;
use crate::logic::job::state::JobState;
use crate::logic::job::testing::{exit, new_state, new_state_with};
use crate::logic::job::turn;
use crate::logic::plan::PlanRequest;
use crate::logic::sidecar::{Alone, COMMAND, Containers, ERRAND, Errand, Look, Target};
use crate::logic::time::Timestamp;

/// A job of one stage with these services and steps, begun. Its steps are told by their names.
struct Story {
    state: JobState,
    now: Timestamp,
}

impl Story {
    fn of(services: &str, steps: &str) -> Self {
        Self::with(services, steps, "")
    }

    fn with(services: &str, steps: &str, more: &str) -> Self {
        let text =
            format!("version: 3\nstages: {{ t: {{ {more} services: {services}, steps: {steps} }} }}\n");
        Self::begun(new_state(&text, 1))
    }

    fn in_containers(services: &str, steps: &str) -> Self {
        let text = format!("version: 3\nstages: {{ t: {{ services: {services}, steps: {steps} }} }}\n");
        let engine = Some("/bin/podman".to_owned());
        let containers = Containers { engine, ..Containers::default() };
        let request = PlanRequest { containers, ..PlanRequest::default() };
        Self::begun(new_state_with(&text, &request))
    }

    fn begun(state: JobState) -> Self {
        let mut story = Self { state, now: Timestamp(1_000_000) };
        story.tell(&Input::Begin { epoch: 1 });
        story
    }

    fn tell(&mut self, input: &Input) {
        turn(&mut self.state, input, self.now, &mut Vec::new()).expect("it makes sense");
    }

    fn name(&self, step: u32) -> String {
        crate::logic::job::follow::step_name(&self.state.setting.plan.playbook.stages[0], step as usize)
    }

    /// What runs, by name.
    fn live(&self) -> Vec<String> {
        let mut names: Vec<String> = self.state.live_of(0).map(|key| self.name(key.step)).collect();
        names.sort();
        names
    }

    fn key(&self, name: &str) -> AttemptKey {
        let found = self.state.live_of(0).find(|key| self.name(key.step) == name);
        found.unwrap_or_else(|| panic!("`{name}` does not run, but {:?}", self.live()))
    }

    fn ends(&mut self, name: &str, code: i32) {
        self.ends_with(name, code, "");
    }

    fn ends_with(&mut self, name: &str, code: i32, output: &str) {
        let Report::Exited(it) = exit(self.key(name), End::Code(code)) else { return };
        let files = StepFiles { output: output.to_owned(), ..StepFiles::default() };
        self.tell(&Input::Report(Report::Exited(Exit { files, ..it })));
    }

    fn swept(&mut self) {
        let run = self.state.cells[0].run;
        let report = Report::Swept { cell: 0, run, ended: 0, survivors: Vec::new() };
        self.tell(&Input::Report(report));
    }

    /// What a step came to, and why.
    fn came_to(&self, name: &str) -> (Option<Outcome>, Option<Cause>) {
        let steps = self.state.cells[0].steps.len();
        let at =
            (0..steps).find(|&at| self.name(u32::try_from(at).unwrap_or(0)) == name).expect("it is there");
        let done = self.state.cells[0].steps[at].done();
        (done.and_then(|it| it.conclusion), done.and_then(|it| it.cause.clone()))
    }

    fn cell(&self) -> Option<Outcome> {
        self.state.cells[0].outcome()
    }

    /// How hard a step is asked to stop.
    fn rung(&self, name: &str) -> Option<Rung> {
        self.state.index.live[&self.key(name)]
    }

    fn cancels(&mut self, force: bool) {
        let order = Order::Cancel { target: Aim::Job, force };
        let id = if force { "2" } else { "1" }.to_owned();
        self.tell(&Input::Order(Asked { id, by: "ann".to_owned(), order, expected_seq: None }));
    }

    fn launch(&self, name: &str) -> Launch {
        launch(&self.state, self.key(name)).expect("its texts can be evaluated")
    }

    fn errand(&self, name: &str) -> Errand {
        let launch = self.launch(name);
        assert!(matches!(&launch.program, Program::Direct(argv) if argv[0] == "/proc/self/exe"));
        let text = launch.env.iter().find(|(name, _)| name == ERRAND).and_then(|(_, value)| value.clone());
        serde_json::from_str(&text.expect("it has an errand")).expect("it can be read")
    }
}

const TWO: &str = "{ a: { process: x, ready: { run: t } }, b: { process: y } }";

#[test]
fn services_begin_together_and_the_steps_wait_until_they_are_ready() {
    let mut story = Story::of(
        "{ a: { process: x, ports: [1], ready: { tcp: 1 } }, b: { process: y, ports: [2] } }",
        "[{ run: z }]",
    );
    assert_eq!(story.live(), ["services.a.prepare"]);
    story.ends_with("services.a.prepare", 0, "ports={\"1\":20001}\n");
    assert_eq!(story.live(), ["services.b.prepare"]);
    let Errand::Prepare(second) = story.errand("services.b.prepare") else { panic!("it finds ports") };
    assert_eq!(second.avoid, [20001]);
    story.ends_with("services.b.prepare", 0, "ports={\"2\":20002}\n");
    assert_eq!(story.live(), ["services.a", "services.a.ready", "services.b"]);
    story.ends("services.a.ready", 0);
    assert_eq!(story.live(), ["1", "services.a", "services.b"]);
    let env: BTreeMap<String, Option<String>> = story.launch("1").env.into_iter().collect();
    assert_eq!(env["SORTIE_SERVICE_A_PORT"].as_deref(), Some("20001"));
    assert_eq!(env["SORTIE_SERVICE_B_PORT_2"].as_deref(), Some("20002"));
    assert_eq!(env["SORTIE_STEP"].as_deref(), Some("1"), "numbers of steps stay");
}

#[test]
fn services_end_last_and_in_reverse_and_however_they_do_the_cell_has_passed() {
    let mut story = Story::of(TWO, "[{ run: z, background: true }, { run: w }]");
    story.ends("services.a.ready", 0);
    story.ends("2", 0);
    assert_eq!(story.live(), ["1", "services.a", "services.b"], "what runs in the background may need them");
    story.ends("1", 0);
    assert_eq!((story.rung("services.b"), story.rung("services.a")), (Some(Rung::Polite), None));
    story.ends("services.b", 143);
    assert_eq!(story.rung("services.a"), Some(Rung::Polite));
    story.now = Timestamp(story.now.0 + 11_000_000);
    story.tell(&Input::Wake);
    assert_eq!(story.rung("services.a"), Some(Rung::Kill), "the grace is over");
    story.ends("services.a", 137);
    story.swept();
    assert_eq!(
        (story.came_to("services.a"), story.cell()),
        ((Some(Outcome::Success), None), Some(Outcome::Success))
    );
}

#[test]
fn a_service_that_fails_lets_nothing_begin_but_cleanup_and_stops_the_wait_for_it() {
    let steps = "[{ run: z }, { if: failure(), run: c }]";
    let mut story = Story::of(TWO, steps);
    story.ends("services.a", 1);
    assert_eq!(story.rung("services.a.ready"), Some(Rung::Polite));
    story.ends("services.a.ready", 143);
    let beside = Cause::Together { step: "services.a".to_owned() };
    assert_eq!(story.came_to("services.a.ready"), (Some(Outcome::Cancelled), Some(beside)));
    assert_eq!(
        (story.came_to("1").0, story.live()),
        (Some(Outcome::Skipped), vec!["2".to_owned(), "services.b".to_owned()])
    );
    story.ends("2", 0);
    story.ends("services.b", 0);
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Failure));
}

#[test]
fn a_service_that_fails_while_a_step_runs_fails_the_cell_though_the_step_passes() {
    let mut story = Story::of(
        "{ a: { process: x } }",
        "[{ run: z, retry: { attempts: 3 } }, { block: [{ run: w }], rescue: [{ run: r }] }]",
    );
    story.ends("services.a", 3);
    assert_eq!(story.live(), ["1"], "what runs is not disturbed");
    story.ends("1", 0);
    story.swept();
    assert_eq!((story.came_to("1").0, story.cell()), (Some(Outcome::Success), Some(Outcome::Failure)));
    let why = story.state.cells[0].phase.clone();
    assert!(format!("{why:?}").contains("services.a"), "{why:?}");
}

#[test]
fn a_step_is_not_tried_again_without_its_service() {
    let mut story =
        Story::of("{ a: { process: x } }", "[{ run: z, retry: { attempts: 3, backoff: { first: 10s } } }]");
    story.ends("1", 1);
    story.ends("services.a", 3);
    assert_eq!(story.live(), [""; 0]);
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Failure));
}

#[test]
fn a_block_is_not_tried_again_without_its_service_either() {
    let steps = "[{ block: [{ run: z }], retry: { attempts: 3, backoff: { first: 1s } } }]";
    let mut story = Story::of("{ a: { process: x } }", steps);
    story.ends("services.a", 3);
    story.ends("2", 1);
    assert_eq!((story.came_to("1").0, story.live()), (Some(Outcome::Failure), Vec::new()));
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Failure));
}

#[test]
fn a_service_that_ends_with_0_went_to_the_background() {
    let mut story = Story::of("{ a: { process: x } }", "[{ run: z }, { run: w }]");
    story.ends("services.a", 0);
    story.ends("1", 0);
    assert_eq!(story.live(), ["2"]);
    story.ends("2", 0);
    assert_eq!(story.cell(), None, "it is looked for what it left");
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Success));
}

#[test]
fn why_a_service_is_not_ready_is_told_by_whoever_waited() {
    let mut story = Story::of(TWO, "[{ run: z }]");
    story.ends_with("services.a.ready", 1, "problem=was not ready within 1m: nobody listens there\n");
    let message = "was not ready within 1m: nobody listens there".to_owned();
    let cause = Cause::Service { service: "a".to_owned(), message };
    assert_eq!(story.came_to("services.a.ready"), (Some(Outcome::Failure), Some(cause)));
    assert_eq!(story.live(), ["services.a", "services.b"]);
}

#[test]
fn a_cancel_stops_steps_first_and_services_after_cleanup() {
    let mut story = Story::of(TWO, "[{ run: z }, { if: always(), run: c }]");
    story.ends("services.a.ready", 0);
    story.cancels(false);
    assert_eq!(
        (story.rung("1"), story.rung("services.a"), story.rung("services.b")),
        (Some(Rung::Polite), None, None)
    );
    story.ends("1", 143);
    assert_eq!(story.live(), ["2", "services.a", "services.b"]);
    assert_eq!(story.rung("services.b"), None);
    story.ends("2", 0);
    assert_eq!(story.rung("services.b"), Some(Rung::Polite));
    story.cancels(true);
    assert_eq!((story.rung("services.a"), story.rung("services.b")), (Some(Rung::Kill), Some(Rung::Kill)));
    story.ends("services.a", 137);
    story.ends("services.b", 137);
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Cancelled));
}

#[test]
fn a_cancel_before_services_are_ready_ends_them_too() {
    let mut story = Story::of(TWO, "[{ run: z }]");
    story.cancels(false);
    assert_eq!(story.rung("services.a.ready"), Some(Rung::Polite));
    story.ends("services.a.ready", 143);
    assert_eq!(story.rung("services.b"), Some(Rung::Polite));
    story.ends("services.b", 143);
    story.ends("services.a", 143);
    story.swept();
    assert_eq!((story.came_to("1").0, story.cell()), (Some(Outcome::Skipped), Some(Outcome::Cancelled)));
}

#[test]
fn a_step_that_is_lost_with_its_services_is_not_run_again_by_itself() {
    let mut story =
        Story::with(TWO, "[{ run: z, idempotent: true }]", "retry: { attempts: 2, backoff: { first: 1s } },");
    story.ends("services.a.ready", 0);
    for name in ["1", "services.a", "services.b"] {
        let key = story.key(name);
        story.tell(&Input::Report(Report::Lost { key, message: "gone".to_owned() }));
    }
    assert_eq!(story.live(), [""; 0]);
    assert_eq!(story.came_to("1").1, Some(Cause::Interrupted { message: "gone".to_owned() }));
    story.swept();
    story.now = Timestamp(story.now.0 + 5_000_000);
    story.tell(&Input::Wake);
    assert_eq!(
        story.live(),
        ["services.a", "services.a.ready", "services.b"],
        "the cell as a whole begins again"
    );
}

#[test]
fn the_time_of_a_stage_does_not_run_out_while_services_end() {
    let mut story = Story::with(TWO, "[{ run: z }]", "timeout: 5s, cancel: { grace: 1m },");
    story.ends("services.a.ready", 0);
    story.ends("1", 0);
    story.now = Timestamp(story.now.0 + 30_000_000);
    story.tell(&Input::Wake);
    story.ends("services.b", 0);
    story.ends("services.a", 0);
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Success));
}

#[test]
fn what_only_looks_for_others_is_numbered_behind_all_that_earlier_versions_had() {
    let services = "{ a: { process: x, ready: { tcp: '127.0.0.1:7' } }, b: { process: y, ports: [2] } }";
    let mut story = Story::of(services, "[{ run: z }]");
    let steps = u32::try_from(story.state.cells[0].steps.len()).expect("they are few");
    let names: Vec<String> = (0..steps).map(|step| story.name(step)).collect();
    assert_eq!(
        names,
        ["1", "services.a", "services.a.ready", "services.b.prepare", "services.b", "services.a.prepare"]
    );
    story.ends_with("services.b.prepare", 0, "ports={\"2\":20002}\n");
    let place = Target { host: "127.0.0.1".to_owned(), port: 7, inner: None };
    let Errand::Prepare(prepare) = story.errand("services.a.prepare") else { panic!("it looks for others") };
    assert_eq!(prepare.silent, Some(place.clone()));
    story.ends("services.a.prepare", 0);
    assert_eq!(story.live(), ["services.a", "services.a.ready", "services.b"]);
    let launch = story.launch("services.a");
    let Program::Direct(argv) = &launch.program else { panic!("{:?}", launch.program) };
    assert_eq!(argv[..2], ["/proc/self/exe", COMMAND], "it looks once more before it is the service");
    assert_eq!(argv.last().map(String::as_str), Some("x"));
    assert_eq!(story.errand("services.a"), Errand::Alone(Alone { silent: place }));
    assert!(launch_has_no_errand(&story.launch("services.b")));
    story.ends_with("services.a", 1, "problem=would be taken for ready at once: q listens there\n");
    let message = "would be taken for ready at once: q listens there".to_owned();
    let cause = Cause::Service { service: "a".to_owned(), message };
    assert_eq!(story.came_to("services.a"), (Some(Outcome::Failure), Some(cause)));
}

fn launch_has_no_errand(launch: &Launch) -> bool {
    launch.env.iter().all(|(name, _)| name != ERRAND)
}

/// A job of an earlier version, taken over in the midst of its work: its service listens already.
#[test]
fn nobody_is_looked_for_once_the_service_has_begun() {
    let mut story = Story::of("{ a: { process: x, ready: { tcp: '127.0.0.1:7' } } }", "[{ run: z }]");
    story.ends("services.a.prepare", 0);
    let key = AttemptKey { step: 3, ..story.key("services.a") };
    assert_eq!(story.name(key.step), "services.a.prepare");
    let launch = launch(&story.state, key).expect("its texts can be evaluated");
    let errand = launch.env.into_iter().find(|(name, _)| name == ERRAND).and_then(|(_, value)| value);
    let errand = serde_json::from_str(&errand.expect("it has one")).expect("it can be read");
    let Errand::Prepare(prepare) = errand else { panic!("{errand:?}") };
    assert_eq!(prepare.silent, None);
}

#[test]
fn a_container_is_removed_by_whoever_is_left() {
    let services = "{ db: { image: postgres:16, ports: [5432], ready: { http: /x } } }";
    let mut story = Story::in_containers(services, "[{ run: z }]");
    let Errand::Prepare(prepare) = story.errand("services.db.prepare") else { panic!("it gets the image") };
    assert_eq!(prepare.image.expect("it is one").name, "postgres:16");
    assert_eq!(removals(&story.state, 0), [[""; 0]; 0], "nothing was begun");
    story.ends_with("services.db.prepare", 0, "ports={\"5432\":20001}\n");
    let name = "sortie-0190-test-0-1-db";
    let remove = ["/bin/podman", "rm", "--force", "--volumes", name];
    assert_eq!(story.launch("services.db").after_end, remove);
    assert_eq!(removals(&story.state, 0), [remove]);
    let Errand::Container(container) = story.errand("services.db") else { panic!("it is one") };
    assert_eq!((container.name.as_str(), container.image), (name, vec!["postgres:16".to_owned()]));
    assert!(container.options.contains(&"127.0.0.1:20001:5432".to_owned()), "{:?}", container.options);
    let Errand::Wait(wait) = story.errand("services.db.ready") else { panic!("it waits") };
    assert!(
        matches!(&wait.look, Look::Http { target, path } if target.port == 20001 && path == "/x"),
        "{wait:?}"
    );
    let key = story.key("services.db");
    story.tell(&Input::Report(Report::Lost { key, message: "gone".to_owned() }));
    assert_eq!(removals(&story.state, 0), [remove], "nobody has seen its end");
    story.ends("services.db.ready", 143);
    story.swept();
    assert_eq!(story.cell(), Some(Outcome::Failure));
}
