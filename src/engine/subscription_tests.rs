//! A listener of another process, while engines come and go: engines are played by a store and a socket.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::*;
use crate::engine::store::{NewJob, Owner, Store};
use crate::logic::job::event::Outcome;
use crate::logic::time::Timestamp;
use crate::port::keeper::OnLoss;

const SOURCE: &str = "version: 3\nname: t\nstages:\n  a: { run: echo a }\n";
const ID: &str = "11111111-1111-4111-8111-111111111111";
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

struct Scene {
    /// Goes with the store.
    _dir: TempDir,
    project: Project,
    store: Store,
    epoch: u64,
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
        Store::prepare(&project).unwrap();
        let mut store = Store::open(&project).unwrap();
        let job = NewJob {
            id: ID,
            name: "t",
            playbook: "t.yml",
            source: SOURCE,
            request: "{}",
            actor: "ann",
            parent: None,
            created: 0,
            on_loss: OnLoss::Keep,
            retry_of: None,
            fire: None,
            start: None,
        };
        store.create_job(&job, Some(&Owner::this()), |_| Ok(String::new())).unwrap();
        Self { _dir: dir, project, store, epoch: 1 }
    }

    fn append(&mut self, events: impl IntoIterator<Item = (u64, Event)>) -> Vec<Arc<Envelope>> {
        let events: Vec<Envelope> = events
            .into_iter()
            .map(|(seq, event)| Envelope { seq, time: Timestamp(i64::try_from(seq).unwrap()), event })
            .collect();
        self.store.append(1, self.epoch, (&events, None), &[]).unwrap();
        events.into_iter().map(Arc::new).collect()
    }

    fn subscription(&self, after: u64) -> Subscription {
        let socket = self.project.state.join("run");
        Subscription::remote(self.project.clone(), id(), socket, after)
    }

    fn engine(&self, last: u64) -> Engine {
        Engine::start(&self.project, last)
    }
}

fn id() -> JobId {
    JobId(Arc::from(ID))
}

fn paused() -> Event {
    Event::JobPaused { by: "ann".to_owned(), order: String::new(), freeze: false }
}

fn finished() -> Event {
    Event::JobFinished {
        outcome: Outcome::Success,
        cause: None,
        rescued: false,
        outputs: Vec::new(),
        survivors: Vec::new(),
    }
}

/// What an engine shows of itself: a socket, behind it a bus.
struct Engine {
    bus: Arc<Bus>,
    die: Sender<()>,
    thread: JoinHandle<()>,
}

impl Engine {
    fn start(project: &Project, last: u64) -> Self {
        let bus = Arc::new(Bus::starting_at(last));
        let (die, death) = channel::<()>();
        let (dir, shared) = (project.state.join("run"), Arc::clone(&bus));
        let (ready, is_ready) = channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            let (orders, _inbox) = mpsc::unbounded_channel();
            local.block_on(&runtime, async {
                let _served = link::serve(&dir, &id(), &shared, &orders).unwrap();
                ready.send(()).unwrap();
                let dead = tokio::task::spawn_blocking(move || death.recv());
                let _gone = dead.await;
            });
        });
        is_ready.recv().unwrap();
        Self { bus, die, thread }
    }

    /// As `kill -9` would: without a word to its listeners.
    fn kill(self) {
        drop(self.die);
        self.thread.join().unwrap();
    }
}

/// The numbers of the next events, and what was said between them.
fn heard(subscription: &mut Subscription, last: u64) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match subscription.next(PATIENCE) {
            Next::Event(event) => {
                all.push(event.seq.to_string());
                if event.seq == last {
                    return all;
                }
            }
            Next::Grew(..) => {}
            other => {
                all.push(format!("{other:?}"));
                if matches!(other, Next::End | Next::Timeout) {
                    return all;
                }
            }
        }
    }
}

#[test]
fn a_listener_goes_on_with_the_next_engine_and_hears_each_event_once() {
    let mut scene = Scene::new();
    scene.append([(1, Event::JobStarted { attempt: 1, title: None }), (2, paused()), (3, paused())]);
    let first = scene.engine(3);
    let mut subscription = scene.subscription(0);
    let events = scene.append([(4, paused()), (5, paused())]);
    first.bus.publish(&events);
    assert_eq!(heard(&mut subscription, 5), ["1", "2", "3", "4", "5"]);
    // Committed, and its engine died before it could tell anybody.
    scene.append([(6, paused())]);
    first.kill();
    assert_eq!(heard(&mut subscription, 6), ["6"]);
    scene.store.drop_lease(1, scene.epoch).unwrap();
    assert!(matches!(subscription.next(PATIENCE), Next::Unowned));
    // Nobody is told twice, and it is waited as long as is asked for.
    assert!(matches!(subscription.next(Some(Duration::from_millis(1))), Next::Timeout));
    scene.epoch = scene.store.take_lease(1, &Owner::this()).unwrap();
    scene.append([(7, Event::JobRecovered { epoch: 2 })]);
    let second = scene.engine(7);
    assert_eq!(heard(&mut subscription, 7), ["Owned", "7"]);
    let events = scene.append([(8, finished())]);
    second.bus.publish(&events);
    second.bus.end();
    assert_eq!(heard(&mut subscription, 9), ["8", "End"]);
    second.kill();
}

#[test]
fn an_engine_that_cannot_be_talked_to_is_heard_by_what_it_writes() {
    let mut scene = Scene::new();
    let mut subscription = scene.subscription(1);
    scene.append([(1, Event::JobStarted { attempt: 1, title: None }), (2, paused())]);
    assert_eq!(heard(&mut subscription, 2), ["2"]);
    scene.append([(3, finished())]);
    assert_eq!(heard(&mut subscription, 4), ["3", "End"]);
    assert!(matches!(scene.subscription(3).next(PATIENCE), Next::End));
}

#[test]
fn others_are_looked_at_while_no_engine_answers() {
    let mut scene = Scene::new();
    scene.append([(1, Event::JobStarted { attempt: 1, title: None })]);
    let mut subscription = scene.subscription(1);
    let bell = Bell::new().unwrap();
    bell.ring();
    for _ in 0..3 {
        let next = subscription.next_unless(&[bell.as_fd()], Duration::from_secs(20));
        assert!(matches!(next, Next::Timeout));
    }
}

#[test]
fn what_is_heard_without_holding_up_a_thread_is_the_same() {
    let mut scene = Scene::new();
    scene.append([(1, Event::JobStarted { attempt: 1, title: None }), (2, finished())]);
    let mut events = scene.subscription(0).into_events().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seqs = runtime.block_on(async {
        let mut seqs = Vec::new();
        while let Some(next) = events.next().await {
            let Next::Event(event) = next else { continue };
            seqs.push(event.seq);
        }
        seqs
    });
    assert_eq!(seqs, [1, 2]);
}
