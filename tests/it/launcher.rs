//! The launcher: `sortie` without a command, on a terminal and without one.
//!
//! Not here: its pictures (snapshots beside its code), the run view.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::kit::{Sandbox, Terminal, nothing_is_left};

const SORTIE: &str = env!("CARGO_BIN_EXE_sortie");

const GREET: &str = "version: 3
name: greet
inputs:
  who: { type: string, required: true }
stages:
  hello: { env: { WHO: '${{ inputs.who }}' }, run: 'echo \"hello, $WHO\"' }
";

const SLOW: &str = "version: 3\nname: slow\nstages:\n  wait: { run: 'echo up; sleep 600' }\n";
const BROKEN: &str = "version: 3\nname: broken\nstages:\n  a: { needs: b, run: 'true' }\n";
const NEEDY: &str = "version: 3
name: needy
requires: { env: [NOT_SET_ANYWHERE] }
stages:
  a: { run: 'true' }
";
const SECRET: &str = "version: 3
name: secret
secrets:
  TOKEN: { from: { command: 'echo quiet' }, required: true }
stages:
  use: { env: { TOKEN: '${{ secrets.TOKEN }}' }, run: 'echo \"it is $TOKEN\"' }
";

fn shop() -> Sandbox {
    Sandbox::new()
        .file("playbooks/greet.yml", GREET)
        .file("playbooks/slow.yml", SLOW)
        .file("playbooks/broken.yml", BROKEN)
        .file("playbooks/needy.yml", NEEDY)
        .file("playbooks/secret.yml", SECRET)
}

/// The launcher, with the state of the line before it began.
fn open(sandbox: &Sandbox) -> (Terminal, crate::kit::Modes) {
    let mut terminal =
        sandbox.terminal_of("sh", ["-c", "echo ready; read go; exec \"$0\"", SORTIE], (100, 30)).start();
    terminal.wait_for("ready");
    let before = terminal.modes();
    terminal.keys("<enter>");
    terminal.wait_for("5 found, 1 broken");
    (terminal, before)
}

/// Filters for a playbook.
fn go_to(terminal: &mut Terminal, name: &str) {
    terminal.keys(&format!("/{name}<enter>"));
    terminal.wait_for("Matches 1/5");
}

#[test]
fn a_job_is_run_from_it_and_it_comes_back() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    go_to(&mut terminal, "gree");
    terminal.keys("<enter>");
    terminal.wait_for("Inputs of greet");
    terminal.keys("<enter>");
    terminal.wait_for("`who` is required");
    terminal.keys("crew<enter>");
    let shot = terminal.wait_for("hello, crew");
    assert!(shot.is_alternate(), "the run view is on the same screen");
    terminal.wait_for("1 stage passed");
    terminal.keys("q");
    let shot = terminal.wait_for("#1 just now");
    assert!(shot.has("Playbooks in"), "{}", shot.text());
    terminal.keys("q");
    let ended = terminal.wait_for_end().code(0).shows("job #1 passed in");
    assert!(!ended.shot.has("Playbooks"), "{}", ended.shot.text());
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn what_keeps_a_job_from_starting_is_told_on_its_screen() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    go_to(&mut terminal, "needy");
    terminal.keys("<enter>");
    terminal.wait_for("Nothing was started");
    assert!(terminal.shot().has("NOT_SET_ANYWHERE"));
    terminal.keys("<esc>");
    terminal.wait_gone("Nothing was started");
    terminal.keys("<esc>");
    terminal.wait_gone("Matches");
    go_to(&mut terminal, "broken");
    terminal.wait_for("stage `a` needs `b`");
    terminal.keys("<enter>");
    terminal.wait_for("it has 1 error; d shows all of it");
    terminal.keys("d");
    let shot = terminal.wait_gone("Matches");
    assert!(shot.has("error: stage `a` needs `b`") && shot.has("esc back"), "{}", shot.text());
    terminal.keys("<c-c>");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

#[test]
fn commands_for_secrets_are_asked_about_once() {
    let sandbox = shop();
    let (mut terminal, _) = open(&sandbox);
    go_to(&mut terminal, "secret");
    terminal.keys("<enter>");
    terminal.wait_for("TOKEN: echo quiet");
    terminal.keys("<esc>");
    terminal.wait_for("was not trusted");
    terminal.keys("<enter>");
    terminal.wait_for("Trust these commands?");
    // A dialog is deaf for a quarter of a second; what is typed then is lost, so it is typed until it counts.
    let mut presses = 0;
    while terminal.shot().has("Trust these commands?") {
        terminal.keys("y");
        presses += 1;
        assert!(presses < 1_000, "the answer is not heard");
        terminal.bytes_during(Duration::from_millis(50));
    }
    terminal.wait_for("1 stage passed");
    terminal.wait_for("it is ***");
    terminal.keys("q");
    terminal.wait_for("#1 just now");
    terminal.keys("<enter>");
    terminal.wait_for("secret  #2");
    terminal.wait_for("1 stage passed");
    terminal.wait_for("it is ***");
    terminal.keys("qq");
    terminal.wait_for_end().code(0).shows("job #2 passed").done();
}

#[test]
fn signals_give_the_terminal_back() {
    for (signal, code) in [(Signal::SIGTERM, 130), (Signal::SIGINT, 130)] {
        let sandbox = shop();
        let (terminal, before) = open(&sandbox);
        terminal.signal(signal);
        terminal.wait_for_end().code(code).done();
        terminal.assert_restored(&before);
    }
    let sandbox = shop();
    let (terminal, before) = open(&sandbox);
    terminal.kill();
    terminal.wait_for_end().signalled(Signal::SIGKILL).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
    terminal.assert_restored(&before);
}

#[test]
fn a_signal_cancels_the_job_that_runs() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    go_to(&mut terminal, "slow");
    terminal.keys("<enter>");
    terminal.wait_for("Stage 1/1");
    terminal.wait_for("up");
    terminal.wait_for("running");
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).shows("cancelled").done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_job_goes_to_the_scrollback_and_comes_back() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    go_to(&mut terminal, "slow");
    terminal.keys("<enter>");
    terminal.wait_for("Stage 1/1");
    terminal.wait_for("up");
    terminal.keys("S");
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.has("| up"));
    terminal.keys("S");
    terminal.wait_until("the full screen", |shot| shot.is_alternate() && shot.has("1 running"));
    terminal.keys("S");
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate());
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).shows("job #1 cancelled").done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn it_can_be_suspended() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    terminal.keys("<c-z>");
    terminal.wait_stopped();
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.is_cursor_visible());
    terminal.assert_restored(&before);
    terminal.bring_to_front();
    terminal.wait_running();
    terminal.wait_for("5 found, 1 broken");
    assert!(terminal.shot().is_alternate());
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

#[test]
fn a_job_of_somebody_else_is_announced_and_can_be_watched() {
    let sandbox = shop();
    let (mut terminal, _) = open(&sandbox);
    let mut job = sandbox.terminal(["run", "slow"], (80, 24)).start();
    terminal.wait_for("#1 slow is running: w watches it");
    terminal.keys("w");
    terminal.wait_for("watching");
    terminal.keys("q");
    terminal.wait_for("Playbooks in");
    job.keys("<c-c>");
    job.wait_for_end().code(130).done();
    terminal.wait_gone("is running");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_playbook_that_is_written_meanwhile_appears() {
    let sandbox = Sandbox::new();
    let mut terminal = sandbox.terminal([], (80, 24)).start();
    terminal.wait_for("no playbooks yet");
    let sandbox = sandbox.file("playbooks/slow.yml", SLOW);
    terminal.wait_for("1 found");
    terminal.wait_for("1 stage");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    drop(sandbox);
}

#[test]
fn without_a_screen_the_help_says_why() {
    let sandbox = shop();
    let bare = sandbox.sortie([]).run().code(2).complains("Usage: sortie [OPTIONS] [COMMAND]");
    bare.complains(
        "note: the full screen needs a terminal, and standard output is none, so there is no launcher; \
        `sortie playbooks list` shows what there is, `sortie run NAME` runs one",
    )
    .done();
    let elsewhere = sandbox.sortie(["--state", "my jobs"]).run().code(2).complains("Usage: sortie");
    elsewhere.complains("`sortie --state 'my jobs' run NAME` runs one").done();
    for (name, value, why) in [
        ("TERM", "dumb", "TERM says that this one cannot, so there is no launcher"),
        ("CI", "true", "the variable CI says that nobody sits here, so there is no launcher"),
        (
            "ACCESSIBLE",
            "1",
            "the variable ACCESSIBLE asks for lines instead of screens, so there is no launcher",
        ),
    ] {
        let terminal = sandbox.terminal([], (200, 50)).env(name, value).start();
        terminal.wait_for_end().code(2).shows("Usage: sortie").shows(why).done();
    }
    let mut small = sandbox.terminal([], (30, 5)).start();
    let shot = small.wait_for("needed");
    assert!(shot.has("30x5 is too small") && shot.has("40x10") && shot.has("q quit"), "{}", shot.text());
    small.keys("q");
    small.wait_for_end().code(0).done();
}

/// A secret that does not come until somebody writes into a pipe.
fn shop_with_a_pipe() -> Sandbox {
    let text = "version: 3\nname: slow\nsecrets:\n  TOKEN: { from: { command: 'read word < waiter; echo x' } }\n\
        stages:\n  use: { run: 'true' }\n";
    let sandbox = Sandbox::new().file("playbooks/slow.yml", text);
    let path = sandbox.project().join("waiter");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("the project is writable");
    sandbox
}

#[test]
fn a_terminal_that_goes_away_while_a_job_is_started_ends_the_launcher() {
    let sandbox = shop_with_a_pipe();
    let script = "trap '' HUP; \"$0\"; echo $? > code";
    let mut terminal = sandbox.terminal_of("sh", ["-c", script, SORTIE], (100, 30)).start();
    terminal.wait_for("1 found");
    terminal.keys("<enter>");
    terminal.wait_for("Trust these commands?");
    while terminal.shot().has("Trust these commands?") {
        terminal.keys("y");
        let _bytes = terminal.bytes_during(Duration::from_millis(50));
    }
    terminal.wait_for("starting");
    terminal.hang_up();
    // Not only after the command has been given up.
    terminal.wait_for_end().code(0).done();
    let code = std::fs::read_to_string(sandbox.project().join("code")).expect("the shell went on");
    assert_eq!(code.trim(), "130");
    drop(terminal);
    let open = std::fs::OpenOptions::new().read(true).write(true).open(sandbox.project().join("waiter"));
    let mut waiter = open.expect("it is a pipe");
    std::io::Write::write_all(&mut waiter, b"word\n").expect("somebody reads");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn the_screen_is_left_although_something_beside_it_stands_still() {
    let sandbox = shop_with_a_pipe();
    let mut terminal = sandbox.terminal([], (100, 30)).start();
    let before = terminal.modes();
    terminal.wait_for("1 stage");
    // Whoever reads the playbook now waits.
    let path = sandbox.project().join("playbooks/slow.yml");
    std::fs::remove_file(&path).expect("it is there");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("the project is writable");
    terminal.keys("d");
    let _bytes = terminal.bytes_during(Duration::from_millis(200));
    terminal.keys("q");
    terminal.wait_until("the normal screen", |shot| !shot.is_alternate() && shot.is_cursor_visible());
    terminal.assert_restored(&before);
    drop(std::fs::OpenOptions::new().read(true).write(true).open(&path));
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_playbook_that_is_written_elsewhere_is_shown_as_it_is_now() {
    let sandbox = shop();
    let (mut terminal, before) = open(&sandbox);
    go_to(&mut terminal, "broken");
    terminal.wait_for("needs `b`");
    // As editors do it: another file with the same name.
    let path = sandbox.project().join("playbooks/broken.yml");
    let new = path.with_extension("new");
    std::fs::write(&new, "version: 3\nname: broken\nstages:\n  mended: { run: 'true' }\n").unwrap();
    std::fs::rename(new, &path).unwrap();
    terminal.wait_for("mended");
    terminal.wait_for("5 found");
    // In place.
    std::fs::write(&path, "version: 3\nname: broken\nstages:\n  another: { run: 'true' }\n").unwrap();
    terminal.wait_for("another");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    terminal.assert_restored(&before);
}

#[test]
fn a_job_that_waits_for_people_is_marked_in_the_list() {
    let gate = "version: 3\nname: gate\nstages: { ship: { approve: 'Ship it?', run: 'true' } }\n";
    let sandbox = Sandbox::new().file("playbooks/gate.yml", gate);
    let mut job = sandbox.sortie(["run", "gate"]).start();
    job.wait_for("Ship it?");
    let mut terminal = sandbox.terminal([], (100, 30)).start();
    terminal.wait_for("? #1 waits for ship: approval");
    sandbox.sortie(["jobs", "approve", "1"]).run().code(0).done();
    job.wait().code(0).done();
    // It looks again by itself.
    terminal.wait_gone("waits for ship");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

const PROFILES: &str = "version: 3
name: ci
vars: { depth: 1 }
profiles:
  quick: { description: A look before the commit, exclude: [e2e] }
  full: { variables: { depth: 3 } }
  nothing: { exclude: [test, e2e] }
stages:
  test: { env: { DEPTH: '${{ vars.depth }}' }, run: 'echo \"depth is $DEPTH\"' }
  e2e: { needs: test, run: 'echo from end to end' }
";

#[test]
fn a_profile_is_chosen_in_the_form_and_only_its_stages_run() {
    let sandbox = Sandbox::new().file("playbooks/ci.yml", PROFILES);
    let mut terminal = sandbox.terminal([], (80, 24)).start();
    terminal.wait_for("2 stages");
    terminal.keys("<enter>");
    let shot = terminal.wait_for("Profile of ci");
    assert!(shot.has("<all stages>") && shot.has("the playbook as it is"), "{}", shot.text());
    terminal.keys("<left>");
    terminal.wait_for("<nothing>");
    terminal.keys("<enter>");
    terminal.wait_for("the profile `nothing` leaves no stage to run");
    terminal.keys("q");
    terminal.wait_for("A look before the commit");
    terminal.wait_gone("leaves no stage");
    terminal.keys("<enter>");
    terminal.wait_for("depth is 1");
    let shot = terminal.wait_for("1 skipped");
    assert!(shot.is_alternate() && shot.has("1 stage passed"), "{}", shot.text());
    terminal.keys("q");
    terminal.wait_for("#1 just now");
    // The plan is that of the profile that was chosen last.
    terminal.keys("d");
    terminal.wait_for("Plan of ci, profile quick");
    terminal.wait_for("left out by the profile `quick`");
    terminal.keys("<esc><enter>");
    terminal.wait_for("<quick>");
    terminal.keys("f<enter>");
    terminal.wait_for("2 stages passed");
    terminal.keys("q");
    terminal.wait_for("#2 just now");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    sandbox.sortie(["jobs", "logs", "1"]).run().code(0).says("depth is 1").done();
    let log = sandbox.sortie(["jobs", "logs", "2"]).run().code(0).says("depth is 3");
    log.says("from end to end").done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}
