//! The table of claims: what counts, what is removed, who gives way.

use tempfile::TempDir;

use super::*;
use crate::engine::Project;
use crate::engine::store::NewJob;
use crate::logic::playbook::share::Reach;
use crate::port::keeper::OnLoss;

struct Scene {
    _dir: TempDir,
    store: Store,
    project: Project,
}

/// An owner that cannot live: no process has this number.
fn dead() -> Owner {
    Owner { pid: u32::MAX, start: 1, ..Owner::this() }
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let project = Project::new(dir.path().to_path_buf(), dir.path().join(".sortie"));
        Store::prepare(&project).unwrap();
        Self { store: Store::open(&project).unwrap(), project, _dir: dir }
    }

    fn job(&mut self, owner: &Owner, on_loss: OnLoss, parent: Option<&str>) -> u64 {
        let id = uuid::Uuid::now_v7().to_string();
        let job = NewJob {
            id: &id,
            name: "deploy",
            playbook: "deploy.yml",
            source: "",
            request: "{}",
            actor: "ann",
            parent,
            created: 0,
            on_loss,
            retry_of: None,
            fire: None,
            start: None,
        };
        self.store.create_job(&job, Some(owner), |_| Ok(String::new())).unwrap()
    }

    fn living(&mut self) -> u64 {
        self.job(&Owner::this(), OnLoss::Stop, None)
    }

    /// Asks for the job as a whole; returns what came of it.
    fn ask(&mut self, job: u64, claims: &[Claim]) -> Option<Verdict> {
        self.ask_more(job, &[(None, claims)], 0).into_iter().next().map(|(_, verdict)| verdict)
    }

    fn ask_more(
        &mut self,
        job: u64,
        wanted: &[(Option<u32>, &[Claim])],
        room: u32,
    ) -> Vec<(Option<u32>, Verdict)> {
        let wishes: Vec<Wish<'_>> = wanted
            .iter()
            .map(|&(cell, claims)| Wish {
                cell,
                run: 1,
                claims,
                priority: (0, 0),
                is_first: false,
                since: Timestamp(1),
                width: u32::from(cell.is_some()),
            })
            .collect();
        let told = self.store.ask(&mut Ask {
            job,
            wishes: &wishes,
            room,
            holding: &[],
            place: &|cell| format!("c{cell}"),
            beyond: &mut |_, _| Ok(()),
            now: Timestamp(2),
        });
        told.unwrap().verdicts.into_iter().map(|(cell, _, verdict)| (cell, verdict)).collect()
    }

    fn list(&self) -> Vec<String> {
        let rows = History::open(&self.project).unwrap().unwrap().claims().unwrap();
        let line = |it: &ClaimRow| {
            let state = if it.is_held { "holds" } else { "waits for" };
            format!("#{} {state} {}{}", it.job, it.claim.words(), if it.is_left { ", left" } else { "" })
        };
        rows.iter().map(line).collect()
    }
}

fn lock(name: &str) -> Claim {
    Claim::whole(Kind::Lock, name, Reach::Project)
}

fn group(is_single: bool, cancels: bool) -> Claim {
    Claim { is_single, cancels, ..Claim::whole(Kind::Group, "g", Reach::Project) }
}

fn is_behind(verdict: Option<&Verdict>, job: u64) -> bool {
    matches!(verdict, Some(Verdict::Blocked { by }) if by[0].job == job)
}

#[test]
fn a_lock_is_free_again_when_it_is_released_and_when_its_engine_has_died() {
    let mut scene = Scene::new();
    let (one, two) = (scene.living(), scene.living());
    assert_eq!(scene.ask(one, &[lock("a")]), Some(Verdict::Held));
    assert!(is_behind(scene.ask(two, &[lock("a")]).as_ref(), one));
    assert_eq!(scene.list(), ["#1 holds lock `a`", "#2 waits for lock `a`"]);
    release(scene.store.connection(), one, Release::Job).unwrap();
    assert_eq!(scene.ask(two, &[lock("a")]), Some(Verdict::Held));
    let gone = scene.job(&dead(), OnLoss::Stop, None);
    assert_eq!(scene.ask(gone, &[lock("b")]), Some(Verdict::Held));
    assert_eq!(scene.ask(one, &[lock("b")]), Some(Verdict::Held), "nobody lives who holds it");
    assert_eq!(scene.list(), ["#2 holds lock `a`", "#1 holds lock `b`"]);
}

#[test]
fn at_a_gate_locks_and_resources_are_free_and_the_group_is_not() {
    let mut scene = Scene::new();
    let (one, two) = (scene.living(), scene.living());
    let all = [group(false, false), lock("a"), Claim::part("gpu", 1, 1)];
    assert_eq!(scene.ask_more(one, &[(Some(0), &all)], 1), [(Some(0), Verdict::Held)]);
    release(scene.store.connection(), one, Release::Part { cell: 0, with_locks: false }).unwrap();
    assert_eq!(scene.list(), ["#1 holds group `g`", "#1 holds lock `a`"]);
    release(scene.store.connection(), one, Release::Part { cell: 0, with_locks: true }).unwrap();
    assert_eq!(scene.list(), ["#1 holds group `g`"]);
    assert_eq!(scene.ask(two, &[lock("a"), Claim::part("gpu", 1, 1)]), Some(Verdict::Held));
}

#[test]
fn a_job_that_was_rolled_back_holds_nothing() {
    let mut scene = Scene::new();
    let (one, two) = (scene.living(), scene.living());
    assert_eq!(scene.ask(one, &[lock("a")]), Some(Verdict::Held));
    scene.store.connection().execute("UPDATE jobs SET state = 'rolled-back' WHERE number = 1", []).unwrap();
    assert_eq!(scene.ask(two, &[lock("a")]), Some(Verdict::Held));
}

#[test]
fn what_is_kept_for_the_next_engine_counts_on_and_its_place_in_line_does_not() {
    let mut scene = Scene::new();
    let (kept, other, waits) = (scene.job(&dead(), OnLoss::Keep, None), scene.living(), scene.living());
    assert_eq!(scene.ask(kept, &[lock("a")]), Some(Verdict::Held));
    let verdict = scene.ask(other, &[lock("a")]);
    assert!(matches!(&verdict, Some(Verdict::Blocked { by }) if by[0].is_left), "{verdict:?}");
    assert_eq!(scene.list()[0], "#1 holds lock `a`, left");
    let (line, first) = (scene.job(&dead(), OnLoss::Keep, None), scene.living());
    assert_eq!(scene.ask(first, &[lock("b")]), Some(Verdict::Held));
    assert!(is_behind(scene.ask(line, &[lock("b")]).as_ref(), first));
    release(scene.store.connection(), first, Release::Job).unwrap();
    assert_eq!(scene.ask(waits, &[lock("b")]), Some(Verdict::Held), "nobody works on the one before it");
}

#[test]
fn a_newer_one_takes_the_place_of_the_one_that_waits_or_cancels_the_one_that_runs() {
    let mut scene = Scene::new();
    let jobs: Vec<u64> = (0..4).map(|_| scene.living()).collect();
    assert_eq!(scene.ask(jobs[0], &[group(true, false)]), Some(Verdict::Held));
    assert!(is_behind(scene.ask(jobs[1], &[group(true, false)]).as_ref(), jobs[0]));
    assert!(is_behind(scene.ask(jobs[2], &[group(true, false)]).as_ref(), jobs[0]));
    let gone = Some(Verdict::Superseded { by: "job #3 `deploy`".to_owned() });
    assert_eq!(scene.ask(jobs[1], &[group(true, false)]), gone);
    assert!(is_behind(scene.ask(jobs[3], &[group(true, true)]).as_ref(), jobs[0]));
    let gone = Some(Verdict::Superseded { by: "job #4 `deploy`".to_owned() });
    assert_eq!(scene.ask(jobs[0], &[]), gone, "what runs is told, too");
    assert_eq!(scene.ask(jobs[2], &[group(true, false)]), gone);
}

#[test]
fn a_hundred_wait_and_the_next_one_is_refused() {
    let mut scene = Scene::new();
    let jobs: Vec<u64> = (0..102).map(|_| scene.living()).collect();
    for &job in &jobs[..101] {
        scene.ask(job, &[group(false, false)]);
    }
    let verdict = scene.ask(jobs[101], &[group(false, false)]);
    assert_eq!(verdict, Some(Verdict::Refused { message: "100 wait in the group `g` already".to_owned() }));
}

#[test]
fn cells_of_one_job_get_as_much_as_there_are_slots_for() {
    let mut scene = Scene::new();
    let job = scene.living();
    let slot = [Claim::part("slots", 1, 10)];
    let wanted: Vec<(Option<u32>, &[Claim])> = (0..4).map(|cell| (Some(cell), &slot[..])).collect();
    let held = |told: &[(Option<u32>, Verdict)]| told.iter().filter(|(_, it)| *it == Verdict::Held).count();
    assert_eq!(held(&scene.ask_more(job, &wanted, 2)), 2);
    // Those that are not asked for now rest, and nobody waits behind them.
    let other = scene.living();
    scene.ask_more(job, &[], 0);
    assert_eq!(scene.ask(other, &[Claim::part("slots", 8, 10)]), Some(Verdict::Held));
}

#[test]
fn a_cell_of_a_matrix_takes_the_place_of_the_one_before_it_in_line() {
    let mut scene = Scene::new();
    let job = scene.living();
    let one = [group(true, false)];
    let wanted: Vec<(Option<u32>, &[Claim])> = (0..3).map(|cell| (Some(cell), &one[..])).collect();
    let mut told = scene.ask_more(job, &wanted, 8);
    told.sort_by_key(|(cell, _)| *cell);
    assert_eq!(told[0].1, Verdict::Held);
    assert_eq!(told[1].1, Verdict::Superseded { by: "job #1 `deploy` (c2)".to_owned() });
    assert!(is_behind(Some(&told[2].1), job), "{told:?}");
}

#[test]
fn a_job_in_a_step_of_the_holder_is_refused_instead_of_waiting_for_ever() {
    let mut scene = Scene::new();
    let parent = scene.living();
    assert_eq!(scene.ask(parent, &[lock("a")]), Some(Verdict::Held));
    let sql = "SELECT id FROM jobs WHERE number = ?1";
    let id: String = scene.store.connection().query_row(sql, [parent], |row| row.get(0)).unwrap();
    let child = scene.job(&Owner::this(), OnLoss::Stop, Some(&id));
    let verdict = scene.ask(child, &[lock("a")]);
    assert!(
        matches!(&verdict, Some(Verdict::Refused { message }) if message.contains("for ever")),
        "{verdict:?}"
    );
}

#[test]
fn who_is_waited_for_and_who_waits_are_known_of_all_that_hangs_together() {
    let mut scene = Scene::new();
    let (one, two) = (scene.living(), scene.living());
    let id = |scene: &Scene, job: u64| -> String {
        let sql = "SELECT id FROM jobs WHERE number = ?1";
        scene.store.connection().query_row(sql, [job], |row| row.get(0)).unwrap()
    };
    let parent = id(&scene, two);
    let below = scene.job(&Owner::this(), OnLoss::Stop, Some(&parent));
    let history = History::open(&scene.project).unwrap().unwrap();
    assert_eq!(scene.ask(one, &[group(false, false)]), Some(Verdict::Held));
    assert!(!history.may_be_waited_for(one).unwrap(), "it is alone");
    assert!(is_behind(scene.ask(below, &[group(false, false)]).as_ref(), one));
    assert!(history.may_be_waited_for(one).unwrap());
    assert!(!history.may_be_waited_for(two).unwrap() && !history.may_be_waited_for(below).unwrap());
    assert!(history.is_held_up(&id(&scene, below)).unwrap());
    assert!(history.is_held_up(&parent).unwrap(), "one of its steps waits for that job");
    assert!(!history.is_held_up(&id(&scene, one)).unwrap() && !history.is_held_up("nobody").unwrap());
    let alone = scene.living();
    let of_all = Claim::whole(Kind::Lock, "m", Reach::Machine);
    assert_eq!(scene.ask(alone, &[of_all]), Some(Verdict::Held));
    assert!(history.may_be_waited_for(alone).unwrap(), "who waits for it in another project is not known");
}
