//! A keeper that one engine after the other takes over.

use super::super::{adopt, exits};
use super::*;
use crate::port::keeper::SOCKET;

fn given(value: &str) -> Given {
    Given {
        secrets: vec![("TOKEN".to_owned(), value.to_owned())],
        env: Vec::new(),
        path: "/bin".to_owned(),
        surroundings: Vec::new(),
    }
}

/// A keeper that is kept, with a child that waits for the file `go`.
fn kept(given: Given) -> (Rig, Hello) {
    let dir = TempDir::new().unwrap();
    let hello = Hello { on_loss: OnLoss::Keep, given, ..hello(&dir, 1, &[]) };
    (rig_of(dir, &hello), hello)
}

/// The engine goes without a word.
fn lose(rig: Rig) -> TempDir {
    rig.dir
}

/// Takes the keeper over for the engine of that epoch; returns what the one before was given.
async fn take_over(dir: TempDir, hello: &Hello) -> (Rig, Given) {
    let keeper = adopt(hello).unwrap().expect("the keeper lives").connect().unwrap();
    let mut rig = Rig { dir, keeper, uuid: hello.job_id.clone(), grew: Vec::new() };
    let limit = Duration::from_secs(60);
    let answer = tokio::time::timeout(limit, rig.keeper.next()).await.expect("the keeper is silent");
    let Some(FromKeeper::Ready { given, held, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(held.len(), 1);
    (rig, given)
}

/// Lets the child end well, and the keeper, which would keep what it was given for another engine.
async fn finish(mut rig: Rig) {
    fs::write(rig.dir.path().join("go"), "").unwrap();
    assert_eq!(rig.exits(1).await[0].end, End::Code(0));
    rig.keeper.send(&[ToKeeper::Finish]).unwrap();
    let limit = Duration::from_secs(60);
    while tokio::time::timeout(limit, rig.keeper.next()).await.expect("the keeper is silent").is_some() {}
}

const WAITS: &str = "echo begun > begun; until test -e go; do sleep 0.02; done; echo went $$";

#[test]
fn what_a_later_engine_was_given_is_kept_for_the_one_after_it() {
    block_on(async {
        let (mut rig, first) = kept(given("old"));
        rig.run(vec![rig.launch(0, WAITS)]);
        wait_until("the child has begun", || rig.dir.path().join("begun").exists());
        let (rig, _) = take_over(lose(rig), &Hello { epoch: 2, given: given("new"), ..first.clone() }).await;
        let (rig, third) =
            take_over(lose(rig), &Hello { epoch: 3, given: Given::default(), ..first.clone() }).await;
        assert_eq!(third, given("new"));
        // One that was given nothing takes nothing away.
        let (rig, fourth) = take_over(lose(rig), &Hello { epoch: 4, given: Given::default(), ..first }).await;
        assert_eq!(fourth, given("new"));
        finish(rig).await;
    });
}

/// Sockets that a process has open.
fn sockets(pid: i32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let paths = open.filter_map(|it| fs::read_link(it.path()).ok());
    paths.filter(|path| path.to_string_lossy().starts_with("socket:")).count()
}

#[test]
fn a_keeper_that_has_no_room_for_a_socket_keeps_what_runs_and_is_found_later() {
    block_on(async {
        let (mut rig, first) = kept(Given::default());
        rig.run(vec![rig.launch(0, WAITS)]);
        wait_until("the child has begun", || rig.dir.path().join("begun").exists());
        // Nothing can be bound there.
        let door = rig.dir.path().join(SOCKET);
        fs::create_dir_all(door.join("full")).unwrap();
        let (pid, before) = (rig.keeper.pid(), sockets(rig.keeper.pid()));
        let dir = lose(rig);
        wait_until("the keeper has noticed that its engine is gone", || sockets(pid) < before);
        fs::remove_dir_all(&door).unwrap();
        let (rig, _) = take_over(dir, &Hello { epoch: 2, ..first }).await;
        finish(rig).await;
    });
}

#[test]
fn a_keeper_without_a_socket_ends_what_it_holds_when_the_system_asks_for_that() {
    block_on(async {
        let (mut rig, _) = kept(Given::default());
        rig.run(vec![rig.launch(0, WAITS)]);
        wait_until("the child has begun", || rig.dir.path().join("begun").exists());
        fs::create_dir_all(rig.dir.path().join(SOCKET).join("full")).unwrap();
        let (pid, before) = (rig.keeper.pid(), sockets(rig.keeper.pid()));
        let dir = lose(rig);
        wait_until("the keeper has noticed that its engine is gone", || sockets(pid) < before);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM).unwrap();
        wait_until("the keeper has ended", || !exits::is_claimed(dir.path()).unwrap());
        let ends = exits::read(dir.path()).unwrap();
        assert_eq!(ends.iter().map(|it| it.end).collect::<Vec<_>>(), [End::Signal(SIGTERM)]);
    });
}
