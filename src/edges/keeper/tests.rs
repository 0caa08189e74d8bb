//! A real keeper with real children: how attempts begin (`start`) and end, what their logs hold, and that nothing is left
//! behind.
//!
//! The keeper is this test program itself, started again under the hidden subcommand, which the test harness takes
//! for the name of the one test that runs it.

#[path = "../../../tests/it/hostile.rs"]
mod hostile;
#[path = "start_tests.rs"]
mod start;
#[path = "adopted_tests.rs"]
mod taken_over;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc::{SIGKILL, SIGTERM};
use tempfile::TempDir;

use self::hostile::{HOSTILE, Hostile};
use super::procfs::Process;
use super::{Fresh, Keeper, exits, orphans, process};
use crate::logic::job::effect::{KeepChildren, Launch, Program, Rung};
use crate::logic::job::report::{AttemptKey, End, Exit, Report, Usage};
use crate::logic::log_index::{self, Stream};
use crate::port::keeper::{FromKeeper, Given, Hello, OnLoss, ToKeeper, VERSION};

#[test]
#[expect(non_snake_case, reason = "the name must hold the hidden subcommand")]
fn this_program_runs_as___keeper_when_it_is_told_to() {
    if std::env::args().nth(1).as_deref() == Some(super::SUBCOMMAND) {
        let _ = process::main();
        std::process::exit(0);
    }
}

struct Rig {
    dir: TempDir,
    keeper: Keeper,
    uuid: String,
    grew: Vec<(AttemptKey, u64)>,
}

fn rig_with(slots: u32, masks: &[&str]) -> Rig {
    rig_in(TempDir::new().unwrap(), slots, masks)
}

/// Another keeper with one slot in the same folder.
fn again(rig: Rig) -> Rig {
    rig_in(rig.dir, 1, &[])
}

fn hello(dir: &TempDir, slots: u32, masks: &[&str]) -> Hello {
    Hello {
        version: VERSION,
        epoch: 1,
        job_id: format!("test-{}", dir.path().file_name().unwrap().to_string_lossy()),
        dir: dir.path().to_str().unwrap().to_owned(),
        spare: dir.path().join("spare").to_str().unwrap().to_owned(),
        slots,
        first_slots: 0,
        env: Vec::new(),
        on_loss: OnLoss::Stop,
        masks: masks.iter().map(|mask| (*mask).to_owned()).collect(),
        grace_ms: 300,
        signal: SIGTERM,
        given: Given::default(),
    }
}

fn rig_in(dir: TempDir, slots: u32, masks: &[&str]) -> Rig {
    let hello = hello(&dir, slots, masks);
    rig_of(dir, &hello)
}

fn rig_of(dir: TempDir, hello: &Hello) -> Rig {
    let uuid = hello.job_id.clone();
    let mut keeper = Fresh::start().unwrap();
    keeper.greet(hello).unwrap();
    let keeper = keeper.connect().unwrap();
    Rig { dir, keeper, uuid, grew: Vec::new() }
}

fn key(cell: u32) -> AttemptKey {
    AttemptKey { cell, run: 1, step: 0, attempt: 1 }
}

impl Rig {
    fn launch(&self, cell: u32, script: &str) -> Launch {
        let pids = self.pids().to_str().unwrap().to_owned() + "-" + &cell.to_string();
        Launch {
            key: key(cell),
            program: Program::Direct(vec!["sh".into(), "-c".into(), script.into()]),
            cwd: self.dir.path().to_str().unwrap().into(),
            env: vec![("HOSTILE_PIDS".into(), Some(pids))],
            log: format!("logs/{cell}.log"),
            tag: self.tag(cell).into(),
            keep_children: KeepChildren::StageEnd,
            is_last: false,
            after: None,
            is_extra: false,
            is_closed: false,
            after_end: Vec::new(),
        }
    }

    fn tag(&self, cell: u32) -> String {
        format!("{}.{cell}.1", self.uuid)
    }

    fn pids(&self) -> PathBuf {
        self.dir.path().join("pids")
    }

    fn log(&self, cell: u32) -> String {
        fs::read_to_string(self.dir.path().join(format!("logs/{cell}.log"))).unwrap_or_default()
    }

    fn run(&mut self, launches: Vec<Launch>) {
        self.keeper.send(&[ToKeeper::Run { launches }]).unwrap();
    }

    /// Reads answers until `enough` says so, and returns the reports among them.
    async fn reports(&mut self, mut enough: impl FnMut(&Report) -> bool) -> Vec<Report> {
        let mut seen = Vec::new();
        let limit = Duration::from_secs(60);
        loop {
            let answer = tokio::time::timeout(limit, self.keeper.next()).await.expect("the keeper is silent");
            match answer.expect("the keeper is gone") {
                FromKeeper::Reports { reports, .. } => {
                    let mut done = false;
                    for report in reports {
                        done |= enough(&report);
                        seen.push(report);
                    }
                    if done {
                        return seen;
                    }
                }
                FromKeeper::Grew { logs } => self.grew.extend(logs),
                _ => {}
            }
        }
    }

    async fn exits(&mut self, count: usize) -> Vec<Exit> {
        let mut left = count;
        let reports = self
            .reports(|report| {
                left -= usize::from(matches!(report, Report::Exited(_) | Report::NotStarted { .. }));
                left == 0
            })
            .await;
        reports
            .into_iter()
            .filter_map(|report| if let Report::Exited(exit) = report { Some(exit) } else { None })
            .collect()
    }

    async fn one(&mut self, script: &str) -> Exit {
        let launch = self.launch(0, script);
        self.run(vec![launch]);
        self.exits(1).await.remove(0)
    }

    async fn sweep(&mut self, cell: u32, grace_ms: u64) -> Vec<String> {
        let tag = self.tag(cell);
        self.keeper
            .send(&[ToKeeper::Sweep { cell, run: 1, tag, grace_ms, signal: SIGTERM, remove: Vec::new() }])
            .unwrap();
        let reports = self
            .reports(|report| matches!(report, Report::Swept { cell: swept, .. } if *swept == cell))
            .await;
        let Some(Report::Swept { survivors, .. }) = reports.last() else { unreachable!() };
        survivors.clone()
    }

    async fn finish(&mut self) -> Vec<String> {
        self.keeper.send(&[ToKeeper::Finish]).unwrap();
        let mut found = None;
        while let Some(answer) = self.keeper.next().await {
            if let FromKeeper::Finished { survivors } = answer {
                found = Some(survivors);
            }
        }
        wait_until("the keeper has ended", || self.keeper.reap());
        found.expect("the keeper said that it finished")
    }

    /// Numbers that hostile children wrote down and that are still processes.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for entry in fs::read_dir(self.dir.path()).unwrap().flatten() {
            if !entry.file_name().to_string_lossy().starts_with("pids-") {
                continue;
            }
            for line in fs::read_to_string(entry.path()).unwrap().lines() {
                let process = line.parse().ok().and_then(Process::look);
                if let Some(process) = process.filter(|process| !process.is_dead()) {
                    left.push(format!("{:?}: {}", entry.file_name(), process.describe()));
                }
            }
        }
        left
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn an_attempt_ends_with_its_code_or_signal_and_a_silent_one_makes_no_log() {
    block_on(async {
        let mut rig = rig_with(2, &[]);
        let launches =
            ["true", "exit 7", "kill -9 $$"].iter().zip(0..).map(|(script, cell)| rig.launch(cell, script));
        let launches = launches.collect();
        rig.run(launches);
        let mut ends: Vec<(u32, End)> =
            rig.exits(3).await.iter().map(|exit| (exit.key.cell, exit.end)).collect();
        ends.sort_by_key(|(cell, _)| *cell);
        assert_eq!(ends, [(0, End::Code(0)), (1, End::Code(7)), (2, End::Signal(SIGKILL))]);
        assert!(!rig.dir.path().join("logs").exists());
        assert_eq!(exits::read(rig.dir.path()).unwrap().len(), 3);
        assert_eq!(rig.finish().await, Vec::<String>::new());
    });
}

#[test]
fn a_log_holds_the_masked_bytes_and_its_index_the_streams() {
    block_on(async {
        let mut rig = rig_with(1, &["hunter2"]);
        let exit = rig
            .one("printf 'a hunter2\\n::add-mask::later\\nlater\\n'; sleep 0.06; echo '::error file=x::bad later' >&2")
            .await;
        let log = "a ***\n::add-mask::***\n***\n::error file=x::bad ***\n";
        assert_eq!(rig.log(0), log);
        assert_eq!(exit.log_bytes, log.len() as u64);
        assert_eq!(rig.grew.last(), Some(&(key(0), exit.log_bytes)));
        let marks = log_index::parse(&fs::read(rig.dir.path().join("logs/0.log.idx")).unwrap());
        let streams: Vec<Stream> = marks.iter().map(|mark| mark.stream).collect();
        assert_eq!(streams, [Stream::Out, Stream::Err]);
        rig.finish().await;
    });
}

#[test]
fn step_files_come_back_and_are_empty_for_the_next() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let exit = rig
            .one("echo a=1 >>\"$SORTIE_OUTPUT\"; echo b=2 >\"$GITHUB_ENV\"; echo '::set-output name=c::3'")
            .await;
        assert!(exit.files.output.starts_with("a=1\nc<<"), "{}", exit.files.output);
        assert_eq!(exit.files.env, "b=2\n");
        assert!(rig.one("true").await.files.is_empty());
        let exit = rig
            .one("rm \"$SORTIE_PATH\"; echo x >n; mv n \"$SORTIE_STATE\"; mkfifo p; mv p \"$SORTIE_ENV\"")
            .await;
        assert_eq!((exit.files.state.as_str(), exit.files.path.as_str()), ("x\n", ""));
        assert!(exit.files.problem.is_some_and(|problem| problem.contains("no file")));
        let exit =
            rig.one("for f in OUTPUT ENV PATH STATE SUMMARY; do eval cat \\$SORTIE_$f || exit 1; done").await;
        assert_eq!((exit.end, exit.log_bytes), (End::Code(0), 0));
        let exit = rig.one("printf '\\377' >\"$SORTIE_SUMMARY\"").await;
        assert!(exit.files.problem.is_some_and(|problem| problem.contains("UTF-8")));
        rig.finish().await;
    });
}

#[test]
fn a_full_disk_is_reported_and_the_child_does_not_hang() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        fs::create_dir(rig.dir.path().join("logs")).unwrap();
        std::os::unix::fs::symlink("/dev/full", rig.dir.path().join("logs/0.log")).unwrap();
        let exit = rig
            .one("i=0; while [ $i -lt 5000 ]; do echo some line that nobody will ever read; i=$((i+1)); done")
            .await;
        assert_eq!((exit.end, exit.log_bytes), (End::Code(0), 0));
        assert!(exit.log_problem.is_some_and(|problem| problem.ends_with("the disk is full")));
        rig.finish().await;
    });
}

#[test]
fn step_files_go_from_job_to_job_unless_somebody_may_still_write_to_them() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let (files, spare) = (rig.dir.path().join("files"), rig.dir.path().join("spare"));
        let inode = || fs::metadata(spare.join("0-1.output")).unwrap().ino();
        let write = "echo a=b >> \"$SORTIE_OUTPUT\"; rm \"$SORTIE_ENV\"; ln -s /nowhere \"$SORTIE_ENV\"";
        assert_eq!(rig.one(write).await.files.output, "a=b\n");
        assert!(rig.finish().await.is_empty());
        let left: Vec<u64> =
            fs::read_dir(&spare).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).collect();
        assert_eq!((left, files.exists()), (vec![0; 5], false));
        let before = inode();
        rig = again(rig);
        assert_eq!(
            rig.one("test -e \"$SORTIE_OUTPUT\" && test ! -s \"$SORTIE_OUTPUT\"").await.end,
            End::Code(0)
        );
        assert!(!spare.exists());
        rig.finish().await;
        assert_eq!(inode(), before);
        rig = again(rig);
        rig.one(":").await;
        fs::create_dir(&spare).unwrap();
        fs::write(spare.join("of-another-job"), "").unwrap();
        rig.finish().await;
        assert_eq!((spare.join("of-another-job").exists(), files.exists()), (true, false));
        fs::remove_dir_all(&spare).unwrap();
        rig = again(rig);
        rig.one("exec > /dev/null 2>&1; sleep 1000 & echo a=b >> \"$SORTIE_OUTPUT\"").await;
        rig.finish().await;
        assert_eq!((spare.exists(), files.exists()), (false, true));
    });
}

#[test]
fn orders_sent_ahead_wait_for_a_slot_and_can_be_withdrawn() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let go = rig.dir.path().join("go");
        let first = rig.launch(0, "while [ ! -e go ]; do sleep 0.01; done");
        let launches = vec![first, rig.launch(1, "true"), rig.launch(2, "true")];
        rig.run(launches);
        rig.keeper.send(&[ToKeeper::Withdraw { keys: vec![key(1)] }]).unwrap();
        let reports = rig.reports(|_| true).await;
        assert_eq!(reports, [Report::Withdrawn { key: key(1) }]);
        fs::write(go, "").unwrap();
        let cells: Vec<u32> = rig.exits(2).await.iter().map(|exit| exit.key.cell).collect();
        assert_eq!(cells, [0, 2]);
        rig.finish().await;
    });
}

#[test]
fn a_child_that_holds_the_pipe_writes_on_marked_late_until_the_sweep() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let exit =
            rig.one("(while [ ! -e go ]; do sleep 0.01; done; echo late; exec sleep 1000) & echo main").await;
        assert_eq!((exit.end, exit.left_running > 0), (End::Code(0), true));
        assert_eq!(rig.log(0), "main\n");
        fs::write(rig.dir.path().join("go"), "").unwrap();
        wait_until("the late line is there", || rig.log(0) == "main\nlate\n");
        assert_eq!(rig.sweep(0, 300).await, Vec::<String>::new());
        let marks = log_index::parse(&fs::read(rig.dir.path().join("logs/0.log.idx")).unwrap());
        assert_eq!(marks.iter().map(|mark| mark.late).collect::<Vec<bool>>(), [false, true]);
        rig.finish().await;
    });
}

#[test]
fn children_that_may_not_outlive_their_step_are_ended_with_it() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launch = rig.launch(0, HOSTILE[0].script);
        launch.keep_children = KeepChildren::StepEnd;
        rig.run(vec![launch]);
        let exit = rig.exits(1).await.remove(0);
        assert_eq!((exit.end, exit.left_running), (End::Code(0), 0));
        assert_eq!(rig.left(), Vec::<String>::new());
        rig.finish().await;
    });
}

#[test]
fn a_cell_is_swept_without_touching_another() {
    block_on(async {
        let mut rig = rig_with(2, &[]);
        let launches = vec![rig.launch(0, HOSTILE[0].script), rig.launch(1, HOSTILE[1].script)];
        rig.run(launches);
        rig.exits(2).await;
        assert_eq!(rig.left().len(), 2);
        assert_eq!(rig.sweep(0, 300).await, Vec::<String>::new());
        assert_eq!(rig.left().len(), 1, "{:?}", rig.left());
        assert_eq!(rig.sweep(1, 300).await, Vec::<String>::new());
        assert_eq!(rig.left(), Vec::<String>::new());
        rig.finish().await;
    });
}

/// Ends of `count` attempts, each as its cell, how it ended, and the cell that was begun in its slot.
async fn ends(rig: &mut Rig, count: usize) -> Vec<(u32, End, Option<u32>)> {
    let exits = rig.exits(count).await;
    exits.iter().map(|exit| (exit.key.cell, exit.end, exit.next.map(|key| key.cell))).collect()
}

#[test]
fn what_was_submitted_begins_in_the_slot_of_a_success_and_after_nothing_else() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let launch = |cell, script: &str| Launch { is_last: true, ..rig.launch(cell, script) };
        let submitted = vec![
            Launch { after: Some(key(9)), ..launch(4, "true") },
            launch(1, "exit 3"),
            launch(2, "true"),
            launch(3, "true"),
        ];
        let first = launch(0, "true");
        rig.keeper.send(&[ToKeeper::Submit { launches: submitted }]).unwrap();
        rig.run(vec![first]);
        // The second fails, so the third waits for the engine.
        assert_eq!(ends(&mut rig, 2).await, [(0, End::Code(0), Some(1)), (1, End::Code(3), None)]);
        rig.keeper.send(&[ToKeeper::Withdraw { keys: vec![key(3), key(4)] }]).unwrap();
        let mut left = 2;
        let answers = rig
            .reports(|report| {
                left -= u32::from(matches!(report, Report::Withdrawn { .. }));
                left == 0
            })
            .await;
        assert_eq!(answers.len(), 2, "{answers:?}");
        rig.keeper.send(&[ToKeeper::Promote { keys: vec![key(2), key(3)] }]).unwrap();
        assert_eq!(ends(&mut rig, 1).await, [(2, End::Code(0), None)]);
        rig.finish().await;
        let recorded = exits::read(rig.dir.path()).unwrap();
        assert_eq!(recorded.iter().map(|exit| exit.key.cell).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(recorded[0].next, Some(key(1)));
    });
}

#[test]
fn what_waits_for_one_end_begins_after_that_end_alone() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let launch = |cell| Launch { is_last: true, ..rig.launch(cell, "true") };
        let behind = Launch { after: Some(key(1)), ..launch(2) };
        let firsts = vec![launch(0), launch(1)];
        rig.keeper.send(&[ToKeeper::Submit { launches: vec![behind] }]).unwrap();
        rig.run(firsts);
        let expected = [(0, End::Code(0), None), (1, End::Code(0), Some(2)), (2, End::Code(0), None)];
        assert_eq!(ends(&mut rig, 3).await, expected);
        rig.finish().await;
    });
}

#[test]
fn a_cell_that_leaves_something_behind_keeps_its_slot_until_the_engine_has_a_say() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let server = Launch { is_last: true, ..rig.launch(0, HOSTILE[0].script) };
        let next = Launch { is_last: true, ..rig.launch(1, "true") };
        rig.keeper.send(&[ToKeeper::Submit { launches: vec![next] }]).unwrap();
        rig.run(vec![server]);
        assert_eq!(ends(&mut rig, 1).await, [(0, End::Code(0), None)]);
        assert_eq!(rig.sweep(0, 300).await, Vec::<String>::new());
        rig.keeper.send(&[ToKeeper::Promote { keys: vec![key(1)] }]).unwrap();
        assert_eq!(ends(&mut rig, 1).await, [(1, End::Code(0), None)]);
        rig.finish().await;
    });
}

/// Starts hostile children, all at once, and waits until each has made its trouble.
async fn unleash(rig: &mut Rig, which: impl Fn(&Hostile) -> bool) -> Vec<u32> {
    let mut cells = Vec::new();
    let mut ends = 0;
    let mut launches = Vec::new();
    for (hostile, cell) in HOSTILE.iter().zip(0..).filter(|(hostile, _)| which(hostile)) {
        launches.push(rig.launch(cell, hostile.script));
        cells.push(cell);
        ends += usize::from(!hostile.lasts);
    }
    rig.run(launches);
    if ends > 0 {
        rig.exits(ends).await;
    }
    for cell in &cells {
        let file = format!("{}-{cell}", rig.pids().display());
        wait_until("every child has begun", || {
            fs::metadata(Path::new(&file)).is_ok_and(|found| found.len() > 0)
        });
    }
    // One that forks again and again is between two numbers now and then.
    wait_until("every child is there", || rig.left().len() >= cells.len());
    cells
}

#[test]
fn no_hostile_child_outlives_the_success_of_its_cell() {
    block_on(async {
        let mut rig = rig_with(12, &[]);
        for cell in unleash(&mut rig, |hostile| !hostile.lasts).await {
            assert_eq!(rig.sweep(cell, 300).await, Vec::<String>::new());
        }
        // One cleared its environment and changed its session: it goes with the last cell that is open.
        assert_eq!(rig.left(), Vec::<String>::new());
        assert_eq!(rig.finish().await, Vec::<String>::new());
    });
}

#[test]
fn no_hostile_child_outlives_a_timeout() {
    block_on(async {
        let mut rig = rig_with(12, &[]);
        let cells = unleash(&mut rig, |hostile| hostile.lasts).await;
        let polite = cells.iter().map(|cell| ToKeeper::Signal {
            key: key(*cell),
            rung: Rung::Polite,
            signal: SIGTERM,
        });
        rig.keeper.send(&polite.collect::<Vec<ToKeeper>>()).unwrap();
        let mut ended = 0;
        while ended < 2 {
            ended += rig.exits(1).await.len();
        }
        let kill =
            cells.iter().map(|cell| ToKeeper::Signal { key: key(*cell), rung: Rung::Kill, signal: SIGKILL });
        rig.keeper.send(&kill.collect::<Vec<ToKeeper>>()).unwrap();
        if ended < cells.len() {
            rig.exits(cells.len() - ended).await;
        }
        for cell in cells {
            assert_eq!(rig.sweep(cell, 0).await, Vec::<String>::new());
        }
        assert_eq!(rig.left(), Vec::<String>::new());
        rig.finish().await;
    });
}

#[test]
fn no_hostile_child_outlives_the_end_of_the_job() {
    block_on(async {
        let mut rig = rig_with(12, &[]);
        unleash(&mut rig, |_| true).await;
        assert_eq!(rig.finish().await, Vec::<String>::new());
        assert_eq!(rig.left(), Vec::<String>::new());
        assert_eq!(exits::read(rig.dir.path()).unwrap().len(), HOSTILE.len());
    });
}

#[test]
fn no_hostile_child_outlives_the_loss_of_the_engine() {
    block_on(async {
        let mut rig = rig_with(12, &[]);
        unleash(&mut rig, |_| true).await;
        // The end of a killed engine reaches the keeper as this does: its socket closes, nothing is said.
        let other = rig_with(1, &[]);
        let lost = std::mem::replace(&mut rig.keeper, other.keeper);
        let pid = lost.pid();
        drop(lost);
        wait_until("the keeper has ended", || Process::look(pid).is_none_or(|process| process.is_dead()));
        assert_eq!(rig.left(), Vec::<String>::new());
        assert_eq!(exits::read(rig.dir.path()).unwrap().len(), HOSTILE.len());
        rig.finish().await;
    });
}

#[test]
fn what_a_dead_keeper_leaves_is_found_by_its_tag() {
    block_on(async {
        let mut rig = rig_with(12, &[]);
        unleash(&mut rig, |hostile| !hostile.name.contains("empty-environment")).await;
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(rig.keeper.pid()),
            nix::sys::signal::Signal::SIGKILL,
        )
        .unwrap();
        while rig.keeper.next().await.is_some() {}
        wait_until("the keeper is reaped", || rig.keeper.reap());
        let ended = orphans::sweep_tagged(&rig.uuid, false, &[], SIGTERM, Duration::from_millis(300));
        assert!(ended.survivors.is_empty(), "{ended:?}");
        assert_eq!(rig.left(), Vec::<String>::new());
    });
}

#[test]
fn a_torn_exit_record_is_ignored() {
    let dir = TempDir::new().unwrap();
    let log = exits::ExitLog::open(dir.path()).unwrap();
    let exit = |cell| Exit {
        key: key(cell),
        end: End::Code(3),
        log_bytes: 9,
        log_problem: None,
        usage: Usage::default(),
        files: crate::logic::job::report::StepFiles::default(),
        left_running: 0,
        next: None,
        undisturbed: false,
    };
    for cell in 0..3 {
        log.append(&exit(cell)).unwrap();
    }
    let whole = fs::read(dir.path().join(crate::port::keeper::EXITS)).unwrap();
    let record = whole.len() / 3;
    for length in 0..=whole.len() {
        fs::write(dir.path().join(crate::port::keeper::EXITS), &whole[..length]).unwrap();
        assert_eq!(exits::read(dir.path()).unwrap().len(), length / record, "cut at {length}");
    }
}
