//! The live loop: saved files are seen in the launcher and in the run view, and start jobs again with `run --on-change`.
//!
//! Not here: each way of saving by itself (`src/engine/watching`), how long it takes (`tests/bench/reload.rs`).

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::kit::{Live, Sandbox, Terminal, nothing_is_left};

const SIZE: (u16, u16) = (100, 30);

const SLOW: &str = "version: 3
name: slow
stages:
  wait: { run: 'echo up; sleep 600' }
";

/// A playbook of two stages, each with its inputs.
const PARTS: &str = "version: 3
name: parts
stages:
  docs: { cache: { inputs: ['docs/**'] }, run: 'cat docs/*' }
  code: { cache: { inputs: ['src/**'], outputs: [made/all] }, run: 'mkdir -p made; cat src/a >made/all' }
";

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    fs::write(sandbox.project().join(name), text).expect("the project is writable");
}

/// Saves as editors do that put a new file in the place of the old one.
fn save(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.project().join(name);
    let beside = path.with_file_name(".saving");
    fs::write(&beside, text).expect("the project is writable");
    fs::rename(&beside, &path).expect("renamed");
}

/// Saves as vim does with a backup.
fn save_as_vim(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.project().join(name);
    let file = path.file_name().expect("a name").to_string_lossy().into_owned();
    let (swap, probe, backup) = (
        path.with_file_name(format!(".{file}.swp")),
        path.with_file_name("4913"),
        path.with_file_name(format!("{file}~")),
    );
    fs::write(&swap, "swap").expect("a file");
    fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)).expect("a file");
    fs::rename(&path, &backup).expect("renamed");
    fs::write(&path, text).expect("a file");
    fs::remove_file(&backup).and_then(|()| fs::remove_file(&swap)).expect("removed");
}

fn press(terminal: &mut Terminal, question: &str, key: &str) {
    terminal.answer(question, key);
}

fn stages(count: usize) -> String {
    let all: String = (0..count).map(|at| format!("  s{at}: {{ run: 'true' }}\n")).collect();
    format!("version: 3\nname: slow\nstages:\n{all}")
}

// ------------------------------------------------------------------------------------------------ the launcher

#[test]
fn the_launcher_shows_what_is_saved_and_keeps_its_place() {
    let sandbox = Sandbox::new().file("playbooks/one.yml", &stages(1)).file("playbooks/two.yml", SLOW);
    let mut terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("2 found");
    terminal.keys("/one<enter>");
    terminal.wait_for("Matches 1/2");
    save(&sandbox, "playbooks/one.yml", &stages(3));
    terminal.wait_for("3 stages");
    save_as_vim(&sandbox, "playbooks/one.yml", "version: 3\nname: one\nstges: {}\n");
    terminal.wait_for("a playbook has no key `stges`");
    terminal.wait_for("1 broken");
    write(&sandbox, "playbooks/one.yml", &stages(4));
    terminal.wait_for("4 stages");
    terminal.wait_gone("1 broken");
    fs::create_dir(sandbox.project().join("playbooks/new")).expect("a folder");
    write(&sandbox, "playbooks/new/one-more.yml", &stages(2));
    let shot = terminal.wait_for("Matches 2/3");
    assert!(shot.has("one-more"), "the filter stays: {}", shot.text());
    fs::remove_file(sandbox.project().join("playbooks/new/one-more.yml")).expect("removed");
    terminal.wait_for("Matches 1/2");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_form_that_is_filled_in_stays_when_its_file_is_saved() {
    let book = |about: &str| {
        format!(
            "version: 3\nname: greet\ndescription: {about}\ninputs: {{who: {{required: true}}}}\nstages: {{hello: {{run: 'true'}}}}\n"
        )
    };
    let sandbox = Sandbox::new().file("playbooks/greet.yml", &book("first"));
    let mut terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("first");
    terminal.keys("<enter>");
    terminal.wait_for("Inputs of greet");
    terminal.keys("half");
    terminal.wait_for("half");
    save(&sandbox, "playbooks/greet.yml", &book("second"));
    save(&sandbox, "playbooks/other.yml", SLOW);
    terminal.wait_for("2 found");
    let shot = terminal.shot();
    assert!(shot.has("Inputs of greet") && shot.has("half"), "{}", shot.text());
    terminal.keys("<esc>");
    terminal.wait_for("second");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

// ------------------------------------------------------------------------------------------------- the run view

/// The events of a job, as they stand in its journal.
fn events(sandbox: &Sandbox, job: &str) -> Vec<Value> {
    let ran = sandbox.sortie(["jobs", "events", job]).run().code(0);
    let lines = ran.json_lines();
    ran.done();
    lines
}

#[test]
fn a_changed_playbook_is_told_and_starts_a_new_job_beside_the_one_that_runs() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    let mut terminal = sandbox.terminal(["run", "slow", "--watch"], SIZE).start();
    terminal.wait_for("up");
    let before = events(&sandbox, "1");
    save(&sandbox, "playbooks/slow.yml", &SLOW.replace("echo up", "echo again"));
    terminal.wait_for("slow.yml changed: 1 stage differs");
    terminal.keys("C");
    terminal.wait_for("~ stage wait");
    terminal.keys("<esc>");
    terminal.wait_gone("~ stage wait");
    save_as_vim(&sandbox, "playbooks/slow.yml", "version: 3\nstges: {}\n");
    terminal.wait_for("slow.yml:2:1: a playbook has no key `stges`");
    terminal.keys("<c-r>");
    terminal.wait_for("nothing was started");
    write(&sandbox, "playbooks/slow.yml", SLOW);
    terminal.wait_for("slow.yml says again what this job runs");
    save(&sandbox, "playbooks/slow.yml", &SLOW.replace("echo up", "echo again"));
    terminal.wait_for("slow.yml changed: 1 stage differs");
    assert_eq!(events(&sandbox, "1"), before, "the job is not touched by what is saved");
    terminal.keys("<c-r>");
    press(&mut terminal, "Start a new job from the changed playbook?", "y");
    terminal.wait_for("slow  #2");
    terminal.wait_for("again");
    terminal.keys("X");
    press(&mut terminal, "Cancel job #2?", "y");
    terminal.keys("X");
    terminal.wait_for("R retries the rest");
    terminal.keys("q");
    terminal.wait_for_end().code(130).shows("job #1 `slow` goes on").done();
    sandbox.sortie(["jobs", "cancel", "1", "--force"]).run().code(0).done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn a_new_job_can_wait_for_the_end_of_the_one_that_is_cancelled_for_it() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    let mut terminal = sandbox.terminal(["run", "slow", "--watch"], SIZE).start();
    terminal.wait_for("up");
    write(&sandbox, "playbooks/slow.yml", &SLOW.replace("echo up", "echo again"));
    terminal.wait_for("slow.yml changed: 1 stage differs");
    terminal.keys("<c-r>");
    press(&mut terminal, "Start a new job from the changed playbook?", "c");
    terminal.wait_for("slow  #2");
    terminal.wait_for("again");
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn of_a_job_that_has_ended_a_new_one_starts_with_its_inputs() {
    let book = |word: &str| {
        format!(
            "version: 3\nname: greet\ninputs: {{who: {{required: true}}}}\nstages:\n  hello: {{env: {{WHO: '${{{{ inputs.who }}}}'}}, run: 'echo {word} $WHO; false'}}\n"
        )
    };
    let sandbox = Sandbox::new().file("playbooks/greet.yml", &book("hello"));
    let mut terminal = sandbox.terminal(["run", "greet", "--watch", "-i", "who=crew"], SIZE).start();
    terminal.wait_for("hello crew");
    terminal.wait_for("1 stage failed");
    write(&sandbox, "playbooks/greet.yml", &book("goodbye"));
    terminal.wait_for("greet.yml changed");
    terminal.keys("<c-r>");
    terminal.wait_for("goodbye crew");
    terminal.wait_for("greet  #2");
    terminal.wait_for("1 stage failed");
    terminal.keys("q");
    terminal.wait_for_end().code(1).done();
}

#[test]
fn lines_on_a_terminal_tell_of_a_change_once() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    for ui in ["plain", "inline"] {
        write(&sandbox, "playbooks/slow.yml", SLOW);
        let terminal = sandbox.terminal(["run", "slow", "--ui", ui], SIZE).start();
        terminal.wait_for("| up");
        save(&sandbox, "playbooks/slow.yml", &SLOW.replace("up", "down"));
        terminal.wait_for("note: slow.yml changed: 1 stage differs; this job keeps what it began with");
        save(&sandbox, "playbooks/slow.yml", "version: 3\nstges: {}\n");
        let shot = terminal.wait_for("note: slow.yml is broken now:");
        assert_eq!(shot.text().matches("slow.yml changed").count(), 1, "{}", shot.text());
        terminal.signal(Signal::SIGTERM);
        terminal.wait_for_end().code(130).done();
    }
}

#[test]
fn a_theme_that_is_saved_applies_at_once() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    let themes = sandbox.base().join("home/config/sortie/themes");
    fs::create_dir_all(&themes).expect("a folder");
    fs::write(themes.join("mine.yml"), "name: mine\nextends: terminal\n").expect("a file");
    let call = sandbox.terminal(["run", "slow", "--watch"], SIZE).env("SORTIE_SET_UI_THEME", "mine");
    let terminal = call.env("TERM", "xterm-256color").start();
    terminal.wait_for("up");
    let saving = |text: &str| {
        fs::write(themes.join(".saving"), text).expect("a file");
        fs::rename(themes.join(".saving"), themes.join("mine.yml")).expect("renamed");
    };
    let is_underlined = |shot: &crate::kit::Shot| {
        shot.find("echo up").is_some_and(|(row, column)| shot.style(row, column).is_underlined())
    };
    saving("name: mine\nextends: terminal\ntokens:\n  text: { attr: [bald] }\n");
    terminal.wait_for("mine.yml:4:");
    assert!(!is_underlined(&terminal.shot()), "the last good one stays");
    saving(
        "name: mine\nextends: terminal\ntokens:\n  text: { attr: [underline] }\n  muted: { attr: [underline] }\n",
    );
    terminal.wait_until("underlined", is_underlined);
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).done();
}

// --------------------------------------------------------------------------------------------------- on change

/// `run --on-change --ui json`, and what it said.
struct OnChange<'a> {
    sandbox: &'a Sandbox,
    live: Live,
}

impl<'a> OnChange<'a> {
    fn of(sandbox: &'a Sandbox, more: &[&str]) -> Self {
        let words = ["run", "book", "--on-change", "--ui", "json"].iter().chain(more).copied();
        Self { sandbox, live: sandbox.sortie(words).start() }
    }

    /// Waits until that round has ended and changes are waited for.
    fn wait_for_round(&mut self, round: u32) {
        self.live.wait_for(&format!("\"type\":\"round.waiting\",\"data\":{{\"round\":{round},"));
    }

    /// Ends it; returns what it said, and how many jobs there are.
    fn end(mut self, code: i32) -> (Vec<Value>, usize) {
        self.live.signal(Signal::SIGINT);
        let ran = self.live.wait().code(code);
        let lines = ran.json_lines();
        ran.done();
        let jobs = self.sandbox.sortie(["jobs", "list", "--json"]).run().code(0);
        let count = jobs.json_lines()[0].as_array().map_or(0, Vec::len);
        jobs.done();
        (lines, count)
    }
}

fn of_type<'a>(lines: &'a [Value], what: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == what).collect()
}

/// The files of each round.
fn files(lines: &[Value]) -> Vec<Vec<String>> {
    let names = |line: &&Value| {
        line["data"]["files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    };
    of_type(lines, "round.started").iter().map(names).collect()
}

fn parts() -> Sandbox {
    Sandbox::new().file("playbooks/book.yml", PARTS).file("docs/a", "a").file("src/a", "a")
}

#[test]
fn each_save_is_one_round_whatever_way_it_is_done() {
    let sandbox = parts();
    let mut run = OnChange::of(&sandbox, &[]);
    run.wait_for_round(1);
    save(&sandbox, "src/a", "b");
    run.wait_for_round(2);
    write(&sandbox, "src/a", "c");
    run.wait_for_round(3);
    save_as_vim(&sandbox, "src/a", "d");
    run.wait_for_round(4);
    // No change: a touch, the same again, what nobody reads.
    let touched = fs::File::options().append(true).open(sandbox.project().join("src/a"));
    touched.and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH)).expect("it can be touched");
    save(&sandbox, "src/a", "d");
    write(&sandbox, "unread", "x");
    write(&sandbox, "docs/a", "b");
    run.wait_for_round(5);
    let (lines, jobs) = run.end(0);
    assert_eq!(jobs, 5);
    let src = || vec!["src/a".to_owned()];
    assert_eq!(files(&lines), [vec![], src(), src(), src(), vec!["docs/a".to_owned()]]);
    let last = of_type(&lines, "round.started")[4];
    assert_eq!(
        (&last["data"]["stages"], &last["data"]["unaffected"]),
        (&serde_json::json!(["docs"]), &serde_json::json!(["code"]))
    );
    // What is unaffected comes from the cache.
    let of_last = |line: &&&Value| line["job"] == last["job"];
    assert_eq!(of_type(&lines, "cache.hit").iter().filter(of_last).count(), 1);
}

#[test]
fn a_thousand_files_at_once_are_one_round() {
    let sandbox = parts();
    let mut run = OnChange::of(&sandbox, &[]);
    run.wait_for_round(1);
    // Moved there together: a machine that is busy may take longer to write them than anybody waits.
    let many = sandbox.project().join("many");
    fs::create_dir(&many).expect("a folder");
    for at in 0..1000 {
        fs::write(many.join(at.to_string()), "new").expect("a file");
    }
    fs::rename(&many, sandbox.project().join("src/many")).expect("renamed");
    fs::write(sandbox.project().join("src/a"), "b").expect("a file");
    run.wait_for_round(2);
    let (lines, jobs) = run.end(0);
    assert_eq!(jobs, 2);
    let second = &of_type(&lines, "round.started")[1]["data"];
    assert_eq!((second["files"].as_array().map(Vec::len), second["more"].as_u64()), (Some(100), Some(901)));
}

#[test]
fn a_broken_playbook_waits_for_a_good_one() {
    let sandbox = parts();
    let mut run = OnChange::of(&sandbox, &[]);
    run.wait_for_round(1);
    save(&sandbox, "playbooks/book.yml", "version: 3\nstges: {}\n");
    run.live.wait_for("\"type\":\"round.refused\"");
    save(&sandbox, "playbooks/book.yml", &PARTS.replace("cat docs/*", "cat docs/a"));
    run.wait_for_round(2);
    let (lines, jobs) = run.end(0);
    assert_eq!(jobs, 2);
    let refused = of_type(&lines, "round.refused");
    assert_eq!(refused.len(), 1);
    let message = refused[0]["data"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("playbooks/book.yml:2:1: "), "{message}");
}

#[test]
fn a_change_stops_the_job_that_runs_and_a_gate_holds_it_up() {
    let slow = SLOW.replace("name: slow", "name: book");
    let sandbox = Sandbox::new().file("playbooks/book.yml", &slow).file("src/a", "a");
    let mut run = OnChange::of(&sandbox, &["--globs", "src/**"]);
    run.live.wait_for("\"type\":\"step.started\"");
    write(&sandbox, "src/a", "b");
    run.live.wait_for("\"type\":\"round.stopped\"");
    run.live.wait_for("\"round\":2");
    let gated = "version: 3\nname: book\nstages:\n  ask: { approve: { message: \"Go on?\" }, run: 'true' }\n";
    save(&sandbox, "playbooks/book.yml", gated);
    run.live.wait_for("\"type\":\"gate.opened\"");
    write(&sandbox, "src/a", "c");
    run.live.wait_for("\"type\":\"round.held\"");
    sandbox.sortie(["jobs", "approve", "3", "ask"]).run().code(0).done();
    run.live.wait_for("\"round\":4");
    run.live.signal(Signal::SIGINT);
    let ran = run.live.wait().code(130);
    let lines = ran.json_lines();
    ran.done();
    let held = of_type(&lines, "round.held");
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["data"]["reason"], "`ask` waits for an answer");
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn what_a_job_writes_itself_does_not_start_it_for_ever() {
    // Another content each time.
    let own = "version: 3\nname: book\nstages:\n  make: { run: 'date +%s%N >made.txt' }\n";
    let sandbox = Sandbox::new().file("playbooks/book.yml", own).file("src/a", "a");
    let mut run = OnChange::of(&sandbox, &[]);
    // It comes to rest by itself, and waits then for something else.
    run.live.wait_for("\"type\":\"round.started\"");
    let list = || {
        let ran = sandbox.sortie(["jobs", "list", "--json"]).run().code(0);
        let count = ran.json_lines()[0].as_array().map_or(0, Vec::len);
        ran.done();
        count
    };
    crate::kit::eventually("seven rounds or so are all", || {
        let before = list();
        before >= 6 && { std::iter::repeat_with(list).take(10).all(|count| count == before) }
    });
    let before = list();
    assert!(before <= 12, "{before} rounds");
    write(&sandbox, "src/a", "b");
    crate::kit::eventually("a save is a reason still", || list() > before);
    run.wait_for_round(u32::try_from(list()).expect("not that many"));
    let (_, _) = run.end(0);
}

#[test]
fn the_faces_say_what_they_wait_for_and_take_keys() {
    let sandbox = parts();
    let mut terminal = sandbox.terminal(["run", "book", "--on-change", "--watch"], SIZE).start();
    let shot = terminal.wait_for("watching 3 files; r runs again, q leaves");
    assert!(shot.has("r run again") && !shot.has("retry"), "keys do what is said: {}", shot.text());
    save(&sandbox, "src/a", "b");
    terminal.wait_for("parts  #2");
    terminal.wait_for("watching 3 files");
    save(&sandbox, "playbooks/book.yml", "version: 3\nstges: {}\n");
    terminal.wait_for("not taken: playbooks/book.yml:2:1");
    terminal.keys("C");
    let shot = terminal.wait_for("Once the file is mended, the next");
    assert!(!shot.has("starts a new job"), "{}", shot.text());
    terminal.keys("<esc>");
    terminal.wait_gone("Once the file is mended");
    save(&sandbox, "playbooks/book.yml", PARTS);
    terminal.wait_for("parts  #3");
    terminal.wait_for("watching 3 files");
    terminal.keys("r");
    terminal.wait_for("parts  #4");
    terminal.wait_for("watching 3 files");
    terminal.keys("q");
    terminal.wait_for_end().code(0).shows("job #4 passed").done();

    let mut terminal = sandbox.terminal(["run", "book", "--on-change", "--ui", "inline"], SIZE).start();
    terminal.wait_for("watching 3 files; r runs again, q leaves");
    save(&sandbox, "src/a", "c");
    terminal.wait_for("round 2: `src/a` changed; `docs` is unaffected");
    terminal.wait_for("job #6 passed");
    terminal.wait_for("watching 3 files");
    terminal.keys("r");
    terminal.wait_for("round 3: asked for");
    terminal.wait_for("job #7 passed");
    terminal.wait_for("watching 3 files");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn a_job_that_ends_below_a_question_leaves_the_files_watched() {
    let book =
        "version: 3\nname: book\nstages:\n  a: { run: 'echo up; until [ -e go ]; do sleep 0.1; done' }\n";
    let sandbox = Sandbox::new().file("playbooks/book.yml", book).file("src/a", "a");
    let words = ["run", "book", "--on-change", "--watch", "--globs", "src/**"];
    let mut terminal = sandbox.terminal(words, SIZE).start();
    terminal.wait_for("up");
    terminal.keys("q");
    terminal.wait_for("Leave?");
    write(&sandbox, "go", "");
    let shot = terminal.wait_for("the job has ended; watching 2 files; r runs again, q leaves");
    assert!(!shot.has("Leave?"), "{}", shot.text());
    save(&sandbox, "src/a", "b");
    terminal.wait_for("book  #2");
    terminal.wait_for("watching 2 files");
    // A change overtakes the job below a question, too.
    fs::remove_file(sandbox.project().join("go")).expect("removed");
    terminal.keys("r");
    terminal.wait_for("book  #3");
    terminal.wait_for("up");
    terminal.keys("q");
    terminal.wait_for("Leave?");
    save(&sandbox, "src/a", "c");
    terminal.wait_for("book  #4");
    write(&sandbox, "go", "");
    terminal.wait_for("watching 2 files");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn globs_that_match_no_file_are_told_in_every_face_and_waited_for() {
    const TOLD: &str = "`--globs`: `nomatch/**` matches no file now; one that comes later starts a round";
    let sandbox = parts();
    let come = |name: &str| {
        fs::create_dir_all(sandbox.project().join("nomatch")).expect("a folder");
        write(&sandbox, name, "new");
    };
    let none = || fs::remove_dir_all(sandbox.project().join("nomatch")).expect("removed");
    let mut run = OnChange::of(&sandbox, &["--globs", "nomatch/**"]);
    run.wait_for_round(1);
    come("nomatch/a");
    run.wait_for_round(2);
    let (lines, jobs) = run.end(0);
    assert_eq!(jobs, 2);
    let told: Vec<&Value> = of_type(&lines, "round.unmatched").iter().map(|line| &line["data"]).collect();
    assert_eq!(told, [&serde_json::json!({"globs": ["nomatch/**"], "watched": 1})]);
    assert_eq!(files(&lines), [vec![], vec!["nomatch/a".to_owned()]]);

    none();
    let words =
        |face| ["run", "book", "--on-change", "--globs", "nomatch/**", "--globs", "src/**", "--ui", face];
    let mut live = sandbox.sortie(words("plain")).start();
    live.wait_for(&format!("note: {TOLD}"));
    live.wait_for("watching 2 files, none for `nomatch/**`; Ctrl-C leaves");
    live.signal(Signal::SIGINT);
    live.wait().code(0).done();

    let mut terminal = sandbox.terminal(words("inline"), SIZE).start();
    terminal.wait_for(&format!("note: {TOLD}"));
    terminal.wait_for("watching 2 files, none for `nomatch/**`; r runs again, q leaves");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();

    let mut terminal = sandbox.terminal(words("full"), SIZE).start();
    terminal.wait_for(TOLD);
    terminal.wait_for("watching 2 files, none for `nomatch/**`; r runs again, q leaves");
    come("nomatch/b");
    terminal.wait_for("watching 3 files; r runs again, q leaves");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn ctrl_c_leaves_with_the_code_of_the_last_round() {
    let failing = "version: 3\nname: book\nstages:\n  a: { run: 'exit 3' }\n";
    let sandbox = Sandbox::new().file("playbooks/book.yml", failing);
    let mut run = OnChange::of(&sandbox, &[]);
    run.wait_for_round(1);
    run.end(1);
    write(&sandbox, "playbooks/book.yml", &SLOW.replace("name: slow", "name: book"));
    let mut run = OnChange::of(&sandbox, &[]);
    run.live.wait_for("\"type\":\"step.started\"");
    run.end(130);
    assert!(Path::new(&sandbox.project()).is_dir());
}

#[cfg(feature = "faults")]
#[test]
fn where_the_system_tells_nothing_files_are_looked_at_and_that_is_said() {
    let sandbox = parts();
    let words = ["run", "book", "--on-change", "--ui", "plain"];
    let mut live = sandbox.sortie(words).env("SORTIE_FAULT_NO_INOTIFY", "1").start();
    live.wait_for("watching 3 files");
    live.wait_for("note: files are looked at every second, because the system does not tell about them");
    save(&sandbox, "src/c", "b");
    live.wait_for("round 2: `src/c`");
    live.wait_for("job #2 passed");
    // It waits again, and knows one more.
    live.wait_for("watching 4 files");
    live.signal(Signal::SIGINT);
    live.wait().code(0).done();

    let call = sandbox.terminal(["run", "book", "--watch"], SIZE).env("SORTIE_FAULT_NO_INOTIFY", "1");
    write(&sandbox, "playbooks/book.yml", SLOW);
    let terminal = call.start();
    terminal.wait_for("files are looked at every second");
    save(&sandbox, "playbooks/book.yml", PARTS);
    terminal.wait_for("book.yml changed: 2 stages added, 1 removed");
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).done();
}
