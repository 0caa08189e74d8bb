//! Asking the history: by everything that can be asked, alone and together, and with ten thousand jobs.

use tempfile::TempDir;

use super::*;
use crate::engine::Project;
use crate::engine::store::{NewJob, Owner, Store};
use crate::logic::job::event::{Envelope, Event, Outcome};
use crate::port::keeper::OnLoss;

const DEPLOY: &str = "version: 3\nname: deploy\ninputs:\n  env: { type: string, default: test }\n  \
                      Size: { type: number, default: 3 }\nstages:\n  a: { run: echo a }\n";

struct Past {
    /// Goes with the store.
    _dir: TempDir,
    project: Project,
    store: Store,
}

impl Past {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
        Store::prepare(&project).unwrap();
        let store = Store::open(&project).unwrap();
        Self { _dir: dir, project, store }
    }

    /// Records a job: playbook, who, when, what it was given, how it ended.
    fn job(&mut self, name: &str, actor: &str, created: i64, request: &str, outcome: Option<Outcome>) {
        let id = uuid::Uuid::now_v7().to_string();
        let playbook = format!("/p/playbooks/{name}.yml");
        let job = NewJob {
            id: &id,
            name,
            playbook: &playbook,
            source: DEPLOY,
            request,
            actor,
            parent: None,
            created,
            on_loss: OnLoss::Stop,
            retry_of: None,
            fire: None,
            start: None,
        };
        let number = self.store.create_job(&job, Some(&Owner::this()), |_| Ok(String::new())).unwrap();
        let mut events = vec![Event::JobStarted { attempt: 1, title: None }];
        events.extend(outcome.map(|outcome| Event::JobFinished {
            outcome,
            cause: None,
            rescued: false,
            outputs: Vec::new(),
            survivors: Vec::new(),
        }));
        let envelopes: Vec<Envelope> =
            (1..).zip(events).map(|(seq, event)| Envelope { seq, time: Timestamp(created), event }).collect();
        self.store.append(number, 1, (&envelopes, None), &[]).unwrap();
    }

    fn asked(&self, filter: &JobFilter) -> Vec<u64> {
        let history = History::open(&self.project).unwrap().unwrap();
        history.query(filter, 50).unwrap().iter().map(|it| it.number).collect()
    }
}

fn several() -> Past {
    let mut past = Past::new();
    let given = r#"{"inputs":[["env","prod"],["size",5]]}"#;
    past.job("deploy", "ann", 100, "{}", Some(Outcome::Success));
    past.job("deploy", "bob", 200, given, Some(Outcome::Failure));
    past.job("test_it", "ann", 300, "{}", Some(Outcome::Failure));
    past.job("deploy", "ann", 400, given, None);
    past.store.take_lease(4, &Owner::this()).unwrap();
    past.job("testXit", "ann", 500, "{}", None);
    past.store.drop_lease(5, 1).unwrap();
    past
}

#[test]
fn jobs_are_found_by_what_is_asked() {
    let past = several();
    let any = JobFilter::default;
    let words = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let pairs = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(past.asked(&any()), [5, 4, 3, 2, 1]);
    assert_eq!(past.asked(&JobFilter { playbooks: words(&["deploy"]), ..any() }), [4, 2, 1]);
    assert_eq!(past.asked(&JobFilter { playbooks: words(&["/p/playbooks/deploy.yml"]), ..any() }), [4, 2, 1]);
    // The underscore of a name stands for itself.
    assert_eq!(past.asked(&JobFilter { playbooks: words(&["playbooks/test_it"]), ..any() }), [3]);
    assert_eq!(past.asked(&JobFilter { outcomes: words(&["failure"]), ..any() }), [3, 2]);
    assert_eq!(past.asked(&JobFilter { outcomes: words(&["failure", "success"]), ..any() }), [3, 2, 1]);
    assert_eq!(past.asked(&JobFilter { states: words(&["running"]), ..any() }), [4]);
    assert_eq!(past.asked(&JobFilter { states: words(&["interrupted"]), ..any() }), [5]);
    assert_eq!(past.asked(&JobFilter { states: words(&["finished"]), ..any() }), [3, 2, 1]);
    assert_eq!(past.asked(&JobFilter { states: words(&["finished", "running"]), ..any() }), [4, 3, 2, 1]);
    assert_eq!(past.asked(&JobFilter { since: Some(Timestamp(300)), ..any() }), [5, 4, 3]);
    assert_eq!(past.asked(&JobFilter { until: Some(Timestamp(300)), ..any() }), [2, 1]);
    assert_eq!(past.asked(&JobFilter { actor: Some("bob".to_owned()), ..any() }), [2]);
    assert_eq!(past.asked(&JobFilter { inputs: pairs("env", "prod"), ..any() }), [4, 2]);
    assert_eq!(past.asked(&JobFilter { inputs: pairs("SIZE", "5"), ..any() }), [4, 2]);
    assert_eq!(past.asked(&JobFilter { inputs: pairs("env", "test"), ..any() }), [5, 3, 1]);
    assert_eq!(past.asked(&JobFilter { inputs: pairs("size", "3"), ..any() }), [5, 3, 1]);
    let all = JobFilter {
        playbooks: words(&["deploy"]),
        outcomes: words(&["failure"]),
        states: words(&["finished"]),
        since: Some(Timestamp(150)),
        until: Some(Timestamp(250)),
        active_since: Some(Timestamp(200)),
        below: Some(3),
        actor: Some("bob".to_owned()),
        inputs: pairs("env", "prod"),
    };
    let active = JobFilter { active_since: Some(Timestamp(201)), ..any() };
    assert_eq!(past.asked(&active), [5, 4, 3]);
    assert_eq!(past.asked(&all), [2]);
    assert!(past.asked(&JobFilter { actor: Some("ann".to_owned()), ..all }).is_empty());
}

#[test]
fn rows_of_ten_thousand_jobs_are_not_read_one_after_the_other() {
    let past = several();
    let plan = |filter: &JobFilter| -> String {
        let (condition, values) = condition(filter, 100);
        let text = format!(
            "EXPLAIN QUERY PLAN SELECT name FROM jobs WHERE {condition} ORDER BY number DESC LIMIT 20"
        );
        let mut query = past.store.connection().prepare(&text).unwrap();
        let lines = query.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        lines.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    };
    let words = |word: &str| vec![word.to_owned()];
    for (filter, index) in [
        (JobFilter { outcomes: words("failure"), ..JobFilter::default() }, "jobs_by_outcome"),
        (JobFilter { actor: Some("bob".to_owned()), ..JobFilter::default() }, "jobs_by_actor"),
        (JobFilter { states: words("running"), ..JobFilter::default() }, "jobs_finished"),
    ] {
        assert!(plan(&filter).contains(index), "{}", plan(&filter));
    }
}
