//! What starts by itself: schedules, changed files, ended jobs, with the real service. The clock is one that is wrong by a
//! distance (`SORTIE_FAULT_CLOCK`), so that the next minute is always two seconds away, and any day can be today.
//!
//! Not here: zones, odd days and missed fires one by one (`src/logic/schedule/tests.rs`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::kit::{Live, Ran, Sandbox, eventually, nothing_is_left};

/// Nothing is waited for; this only covers the two looks that a count takes.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Writes down why it runs.
const NIGHTLY: &str = r#"version: 3
on: { schedule: ["* * * * *"] }
stages:
  a: { run: 'echo "$WHY" >> ran', env: { WHY: "${{ run.trigger }} ${{ github.event_name }} ${{ run.event.schedule }} ${{ run.event.nominal }}" } }
"#;

/// Runs until there is a file `go`.
const GATED: &str = r#"version: 3
on: { schedule: [{ cron: "* * * * *", overlap: OVERLAP }] }
defaults: { cancel: { grace: 300ms } }
stages:
  a: { run: "until test -e go; do sleep 0.05; done; echo done >> ran" }
"#;

/// Returns by how many seconds a clock is wrong that shows that time.
fn wrong(time: &str) -> String {
    let time: jiff::Timestamp = time.parse().expect("it is a time");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than that").as_secs();
    (time.as_second() - i64::try_from(now).expect("it fits")).to_string()
}

/// Starts the service of a sandbox at a time.
fn service(sandbox: &Sandbox, time: &str) -> Live {
    sandbox.sortie(["engine", "--json"]).env("SORTIE_FAULT_CLOCK", &wrong(time)).start()
}

/// A project whose triggers a person has said yes to.
fn trusted(sandbox: Sandbox) -> Sandbox {
    sandbox.sortie(["schedule", "trust", "--yes"]).run().code(0).done();
    sandbox
}

/// Ends a service; returns the lines of one type.
fn end(mut service: Live) -> Vec<Value> {
    service.signal(Signal::SIGTERM);
    let ran = service.wait().code(0).says("the service ends; jobs that it started go on");
    ran.json_lines()
}

fn of_type<'a>(lines: &'a [Value], what: &str) -> Vec<&'a str> {
    lines.iter().filter(|it| it["type"] == what).filter_map(|it| it["message"].as_str()).collect()
}

fn jobs(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.sortie(["jobs", "list", "--json"]).run().code(0);
    listed.json_lines()[0].as_array().expect("it is a list").clone()
}

fn triggers(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.sortie(["schedule", "list", "--json"]).run().code(0);
    listed.json_lines()[0]["triggers"].as_array().expect("it is a list").clone()
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.project().join(name)).unwrap_or_default()
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.project().join(name);
    std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the project is writable");
    std::fs::write(path, text).expect("the project is writable");
}

fn wait(sandbox: &Sandbox, job: &str) -> Ran {
    sandbox.sortie(["jobs", "wait", job]).run()
}

#[test]
fn a_schedule_starts_a_job_on_time_and_the_job_knows_why() {
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", NIGHTLY));
    let mut service = service(&sandbox, "2026-05-01T11:59:58Z");
    service.wait_for("fires next at 2026-05-01T12:00:00");
    service.wait_for("started job #1");
    wait(&sandbox, "1").code(0).done();
    end(service);
    assert_eq!(read(&sandbox, "ran"), "schedule schedule * * * * * 2026-05-01T12:00:00.000000Z\n");
    let trigger = &triggers(&sandbox)[0];
    assert_eq!((&trigger["last"]["job"], &trigger["last"]["state"]), (&1.into(), &"started".into()));
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_job_outlives_the_service_that_started_it() {
    let sandbox = trusted(Sandbox::new().file("playbooks/long.yml", &GATED.replace("OVERLAP", "skip")));
    let mut service = service(&sandbox, "2026-05-01T11:59:58Z");
    service.wait_for("started job #1");
    end(service);
    assert_eq!(jobs(&sandbox)[0]["state"], "running");
    write(&sandbox, "go", "");
    wait(&sandbox, "1").code(0).done();
    assert_eq!(read(&sandbox, "ran"), "done\n");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_fire_that_meets_a_running_job_is_skipped_and_that_is_recorded() {
    let sandbox = trusted(Sandbox::new().file("playbooks/long.yml", &GATED.replace("OVERLAP", "skip")));
    let mut first = service(&sandbox, "2026-05-01T11:59:58Z");
    first.wait_for("started job #1");
    end(first);
    let mut second = service(&sandbox, "2026-05-01T12:00:58Z");
    second.wait_for("overlap: job #1 has not ended");
    end(second);
    let last = &triggers(&sandbox)[0]["last"];
    assert_eq!(
        (&last["state"], &last["nominal"]),
        (&"skipped".into(), &"2026-05-01T12:01:00.000000Z".into())
    );
    sandbox.sortie(["schedule", "list"]).run().says("skipped, overlap: job #1 has not ended").done();
    assert_eq!(jobs(&sandbox).len(), 1);
    // By hand it is refused as well, with the reason.
    sandbox.sortie(["schedule", "run", "long"]).run().code(3).complains("job #1 has not ended").done();
    write(&sandbox, "go", "");
    wait(&sandbox, "1").code(0).done();
    let ran = sandbox.sortie(["schedule", "run", "long", "--json"]).run().code(0);
    assert_eq!(ran.json_lines()[0]["job"], 2);
    wait(&sandbox, "2").code(0).done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_fire_that_waits_starts_when_the_job_before_it_has_ended() {
    let sandbox = trusted(Sandbox::new().file("playbooks/long.yml", &GATED.replace("OVERLAP", "queue")));
    let mut first = service(&sandbox, "2026-05-01T11:59:58Z");
    first.wait_for("started job #1");
    end(first);
    let mut second = service(&sandbox, "2026-05-01T12:00:58Z");
    second.wait_for("fire.waiting");
    write(&sandbox, "go", "");
    second.wait_for("started job #2");
    end(second);
    wait(&sandbox, "2").code(0).done();
    assert_eq!(read(&sandbox, "ran"), "done\ndone\n");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_fire_may_cancel_the_job_before_it() {
    let sandbox =
        trusted(Sandbox::new().file("playbooks/long.yml", &GATED.replace("OVERLAP", "cancel-running")));
    let mut first = service(&sandbox, "2026-05-01T11:59:58Z");
    first.wait_for("started job #1");
    end(first);
    let mut second = service(&sandbox, "2026-05-01T12:00:58Z");
    second.wait_for("job #1 is cancelled for it");
    second.wait_for("started job #2");
    end(second);
    wait(&sandbox, "1").code(130).done();
    write(&sandbox, "go", "");
    wait(&sandbox, "2").code(0).done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn what_was_missed_is_made_up_for_once_and_the_rest_is_recorded() {
    let hourly = NIGHTLY.replace("\"* * * * *\"", "\"0 * * * *\"");
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", &hourly));
    let mut first = service(&sandbox, "2026-05-01T09:30:00Z");
    first.wait_for("fires next at 2026-05-01T10:00:00");
    end(first);
    let mut second = service(&sandbox, "2026-05-01T13:30:00Z");
    second.wait_for("started job #1");
    let lines = end(second);
    let missed = of_type(&lines, "fire.missed");
    assert_eq!(missed.len(), 3, "{missed:?}");
    assert!(missed[0].starts_with("2026-05-01T10:00:00.000000Z: nobody was there for it"), "{missed:?}");
    wait(&sandbox, "1").code(0).done();
    assert!(read(&sandbox, "ran").ends_with("2026-05-01T13:00:00.000000Z\n"));
    // The clock is put back by an hour: what has fired does not fire again, and what was given up is not dug out.
    let mut third = service(&sandbox, "2026-05-01T12:30:00Z");
    third.wait_for("fires next at 2026-05-01T14:00:00");
    let lines = end(third);
    assert_eq!(of_type(&lines, "fire.started"), Vec::<&str>::new());
    assert_eq!(jobs(&sandbox).len(), 1);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn two_services_that_see_one_fire_start_one_job() {
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", NIGHTLY));
    let start = || {
        let call = sandbox.sortie(["engine", "--json"]).env("SORTIE_FAULT_NO_LOCK", "1");
        call.env("SORTIE_FAULT_CLOCK", &wrong("2026-05-01T11:59:58Z")).start()
    };
    let mut both = [start(), start()];
    for service in &mut both {
        service.wait_for("fires next at 2026-05-01T12:00:00");
    }
    eventually("one of them has a job", || both.iter().any(|it| it.has_said("started job #1")));
    wait(&sandbox, "1").code(0).done();
    let lines = both.map(end).concat();
    assert_eq!(of_type(&lines, "fire.started").len(), 1, "{lines:?}");
    // A third one, to which it is not yet that time, sees in the ledger that the fire has been.
    let mut third = start();
    third.wait_for("fires next at 2026-05-01T12:01:00");
    end(third);
    assert_eq!(jobs(&sandbox).len(), 1);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_second_service_is_refused_and_the_first_is_shown() {
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", NIGHTLY));
    sandbox.sortie(["schedule", "list"]).run().says("no service runs for this project").done();
    let mut first = service(&sandbox, "2026-05-01T11:59:01Z");
    first.wait_for("fires next");
    let words = format!("a service already runs for this project (process {})", first.id());
    sandbox.sortie(["engine"]).run().code(3).complains(&words).done();
    let words = format!("a service runs for this project (process {})", first.id());
    sandbox.sortie(["schedule", "list"]).run().says(&words).done();
    // Killed, it leaves nothing in the way of the next one.
    first.signal(Signal::SIGKILL);
    first.wait().signalled(Signal::SIGKILL).done();
    let mut second = service(&sandbox, "2026-05-01T11:59:01Z");
    second.wait_for("fires next");
    end(second);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn wherever_the_service_is_killed_a_fire_has_one_job_in_the_end() {
    for place in 1..=4 {
        let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", NIGHTLY));
        let killed =
            sandbox.sortie(["engine", "--json"]).env("SORTIE_FAULT_CLOCK", &wrong("2026-05-01T11:59:58Z"));
        let mut killed = killed.env("SORTIE_FAULT_SERVICE_KILL_AT", &place.to_string()).start();
        if place == 4 {
            // There is no fourth place on the way of one fire.
            killed.wait_for("started job #1");
            killed.signal(Signal::SIGKILL);
        }
        killed.wait().signalled(Signal::SIGKILL).done();
        let mut next = service(&sandbox, "2026-05-01T12:00:20Z");
        next.wait_for("fires next at 2026-05-01T12:0");
        // At the third place its process has begun, and may have told and done all before this service looks.
        if place < 3 {
            next.wait_for("started job #1");
        }
        end(next);
        wait(&sandbox, "1").code(0).done();
        assert_eq!(jobs(&sandbox).len(), 1, "place {place}");
        assert_eq!(
            read(&sandbox, "ran"),
            "schedule schedule * * * * * 2026-05-01T12:00:00.000000Z\n",
            "place {place}"
        );
        nothing_is_left(&sandbox, AT_ONCE);
    }
}

#[test]
fn nothing_starts_by_itself_before_somebody_said_yes() {
    let sandbox = Sandbox::new().file("playbooks/nightly.yml", NIGHTLY);
    let mut first = service(&sandbox, "2026-05-01T11:59:58Z");
    first.wait_for("nobody has said yes to it yet");
    first.wait_for("fire.skipped");
    // Nobody can be asked without a terminal, and a yes counts from the next fire on, without a new service.
    sandbox.sortie(["schedule", "trust"]).run().code(3).complains("nobody can be asked").done();
    end(first);
    sandbox
        .sortie(["schedule", "trust", "--yes"])
        .run()
        .code(0)
        .says("yes is remembered for `nightly`")
        .done();
    let mut second = service(&sandbox, "2026-05-01T12:00:58Z");
    second.wait_for("started job #1");
    end(second);
    wait(&sandbox, "1").code(0).done();
    // Another promise needs another yes.
    write(&sandbox, "playbooks/nightly.yml", &NIGHTLY.replace("\"* * * * *\"", "\"*/2 * * * *\""));
    let mut third = service(&sandbox, "2026-05-01T12:01:58Z");
    third.wait_for("fire.skipped");
    end(third);
    assert_eq!(jobs(&sandbox).len(), 1);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_job_that_cannot_be_started_is_a_failed_fire_with_its_reason() {
    let text = NIGHTLY.replace("stages:", "secrets: { TOKEN: { required: true } }\nstages:");
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", &text));
    let mut service = service(&sandbox, "2026-05-01T11:59:58Z");
    service.wait_for("fire.failed");
    let lines = end(service);
    assert!(of_type(&lines, "fire.failed")[0].contains("TOKEN"), "{lines:?}");
    let last = &triggers(&sandbox)[0]["last"];
    assert_eq!((&last["state"], &last["job"]), (&"failed".into(), &Value::Null));
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn playbooks_are_read_again_when_they_change() {
    let sandbox = trusted(Sandbox::new().file("playbooks/nightly.yml", NIGHTLY));
    let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
    service.wait_for("fires next at 2026-05-01T11:31:00");
    write(&sandbox, "playbooks/nightly.yml", &NIGHTLY.replace("\"* * * * *\"", "\"0 9 * * *\""));
    service.wait_for("0 9 * * * UTC");
    service.wait_for("is not there any more");
    write(&sandbox, "playbooks/more/weekly.yml", &NIGHTLY.replace("\"* * * * *\"", "\"0 9 * * mon\""));
    service.wait_for("0 9 * * mon UTC");
    write(&sandbox, "playbooks/nightly.yml", "version: 3\n");
    service.wait_for("rests until `playbooks/nightly.yml` is mended");
    let lines = end(service);
    let broken = of_type(&lines, "playbook.broken");
    assert!(broken[0].starts_with("playbooks/nightly.yml:1:1: "), "{broken:?}");
    assert!(
        broken[0].ends_with("; nothing starts `playbooks/nightly.yml` until that is mended"),
        "{broken:?}"
    );
    // The schedule that was changed, and not the one whose playbook is broken.
    assert_eq!(of_type(&lines, "trigger.removed").len(), 1, "{lines:?}");
    let listed = sandbox.sortie(["schedule", "list"]).run().code(0);
    listed.says("playbooks/nightly.yml:1:1: ").says("nothing starts `playbooks/nightly.yml`").done();
    nothing_is_left(&sandbox, AT_ONCE);
}

const WATCHING: &str = r#"version: 3
on: { watch: { globs: ["src/**/*.rs", "!src/made/**"], debounce: 100ms } }
stages:
  a: { run: 'echo "$FILES" >> ran', env: { FILES: "${{ run.trigger }} ${{ join(run.event.files) }}" } }
"#;

#[test]
fn changed_files_start_a_job_others_do_not() {
    let sandbox = trusted(Sandbox::new().file("playbooks/build.yml", WATCHING).file("src/a.rs", ""));
    let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
    service.wait_for("watches files");
    write(&sandbox, "src/notes.txt", "not meant");
    write(&sandbox, "src/made/b.rs", "left out");
    write(&sandbox, "src/a.rs", "changed");
    service.wait_for("started job #1");
    wait(&sandbox, "1").code(0).done();
    assert_eq!(read(&sandbox, "ran"), "watch src/a.rs\n");
    // In a folder that was not there before, and as editors save: written beside, then renamed.
    write(&sandbox, "src/deep/er/new.tmp", "new");
    let folder = sandbox.project().join("src/deep/er");
    std::fs::rename(folder.join("new.tmp"), folder.join("new.rs")).expect("it is there");
    service.wait_for("started job #2");
    wait(&sandbox, "2").code(0).done();
    assert_eq!(read(&sandbox, "ran"), "watch src/a.rs\nwatch src/deep/er/new.rs\n");
    end(service);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn what_changes_while_a_playbook_is_broken_starts_its_job_once_that_is_mended() {
    let sandbox = trusted(Sandbox::new().file("playbooks/build.yml", WATCHING).file("src/a.rs", ""));
    let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
    service.wait_for("watches files");
    write(&sandbox, "playbooks/build.yml", &WATCHING.replace("stages:", "stage:"));
    service.wait_for("rests until");
    write(&sandbox, "src/a.rs", "changed");
    write(&sandbox, "playbooks/build.yml", WATCHING);
    service.wait_for("started job #1");
    wait(&sandbox, "1").code(0).done();
    assert_eq!(read(&sandbox, "ran"), "watch src/a.rs\n");
    let lines = end(service);
    assert_eq!(of_type(&lines, "trigger.removed"), Vec::<&str>::new(), "{lines:?}");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn what_changed_while_no_service_was_there_is_told_and_starts_a_job_once() {
    let old = |it: Sandbox| it.file("src/a.rs", "").file("src/b.rs", "").file("src/c.rs", "");
    let sandbox = trusted(old(Sandbox::new().file("playbooks/build.yml", WATCHING)));
    let begin = || {
        let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
        service.wait_for("watches files");
        service
    };
    let lines = end(begin());
    assert_eq!(of_type(&lines, "files.changed"), Vec::<&str>::new(), "nothing from before it is known");
    write(&sandbox, "src/a.rs", "changed");
    std::fs::rename(sandbox.project().join("src/c.rs"), sandbox.project().join("src/d.rs"))
        .expect("it is there");
    let mut second = begin();
    second.wait_for("started job #1");
    wait(&sandbox, "1").code(0).done();
    let lines = end(second);
    let told = ["`src/a.rs` and 1 file more changed while no service was there"];
    assert_eq!(of_type(&lines, "files.changed"), told, "{lines:?}");
    assert_eq!(read(&sandbox, "ran"), "watch src/a.rs,src/d.rs\n");
    let lines = end(begin());
    assert_eq!(of_type(&lines, "files.changed"), Vec::<&str>::new(), "it was seen to");
    assert_eq!(jobs(&sandbox).len(), 1);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn where_the_system_tells_nothing_files_are_looked_at_and_that_is_said() {
    let sandbox = trusted(Sandbox::new().file("playbooks/build.yml", WATCHING).file("src/a.rs", ""));
    let call = sandbox.sortie(["engine", "--json"]).env("SORTIE_FAULT_NO_INOTIFY", "1");
    let mut service = call.start();
    service.wait_for("files are looked at every 2 seconds");
    service.wait_for("watches files");
    write(&sandbox, "src/a.rs", "changed");
    // Such looks tell seconds apart, and this test is faster.
    let file = std::fs::File::options().append(true).open(sandbox.project().join("src/a.rs"));
    let later = SystemTime::now() + Duration::from_secs(5);
    file.and_then(|file| file.set_modified(later)).expect("the file is ours");
    service.wait_for("started job #1");
    wait(&sandbox, "1").code(0).done();
    end(service);
    nothing_is_left(&sandbox, AT_ONCE);
}

fn chained(after: &str, types: &str) -> String {
    format!(
        "version: 3\non: {{ run: {{ playbooks: [{after}], types: [{types}] }} }}\nstages:\n  \
         a: {{ run: 'echo \"$WHY\" >> ran', env: {{ WHY: '${{{{ run.trigger }}}} ${{{{ github.event_name }}}} \
         ${{{{ run.event.playbook }}}} ${{{{ github.event.workflow_run.conclusion }}}}' }} }}\n"
    )
}

#[test]
fn the_end_of_a_job_starts_another_one_if_it_is_the_end_that_is_meant() {
    let good = "version: 3\nstages:\n  a: { run: 'true' }\n";
    let sandbox = Sandbox::new()
        .file("playbooks/good.yml", good)
        .file("playbooks/bad.yml", &good.replace("true", "false"));
    let sandbox = sandbox.file("playbooks/cheer.yml", &chained("good, bad", "completed"));
    let sandbox = trusted(sandbox.file("playbooks/mend.yml", &chained("bad", "failed, cancelled")));
    let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
    service.wait_for("cheer");
    service.wait_for("waits for jobs to end");
    let clock = wrong("2026-05-01T11:30:02Z");
    let run = |name| sandbox.sortie(["run", name]).env("SORTIE_FAULT_CLOCK", &clock).run();
    run("good").code(0).done();
    service.wait_for("started job #2");
    wait(&sandbox, "2").code(0).done();
    run("bad").code(1).done();
    service.wait_for("started job #4");
    wait(&sandbox, "4").code(0).done();
    end(service);
    assert_eq!(read(&sandbox, "ran"), "run workflow_run good success\nrun workflow_run bad failure\n");
    assert_eq!(jobs(&sandbox).len(), 4);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn playbooks_that_start_each_other_in_a_circle_come_to_an_end() {
    let sandbox = Sandbox::new().file("playbooks/ping.yml", &chained("pong", "completed"));
    let sandbox = trusted(sandbox.file("playbooks/pong.yml", &chained("ping", "completed")));
    let mut service = service(&sandbox, "2026-05-01T11:30:01Z");
    service.wait_for("waits for jobs to end");
    sandbox
        .sortie(["run", "ping"])
        .env("SORTIE_FAULT_CLOCK", &wrong("2026-05-01T11:30:02Z"))
        .run()
        .code(0)
        .done();
    service.wait_for("do these playbooks run in a circle?");
    end(service);
    assert_eq!(jobs(&sandbox).len(), 9);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn the_next_fires_are_printed_with_what_is_odd_about_them() {
    let text = "version: 3\non: { schedule: [{ cron: '30 2 * * *', timezone: Europe/Berlin, dst: { repeated: both } }] }\n\
                stages: { a: { run: 'true' } }\n";
    let sandbox = Sandbox::new().file("playbooks/nightly.yml", text);
    let autumn = ["schedule", "next", "-n", "3", "--after", "2026-10-24T12:00:00Z"];
    let ran = sandbox.sortie(autumn).run().code(0);
    let ran = ran.says("Sun 2026-10-25 02:30 +02:00  Europe/Berlin  nightly  30 2 * * *  first of two");
    let ran = ran.says("Sun 2026-10-25 02:30 +01:00  Europe/Berlin  nightly  30 2 * * *  second of two");
    ran.says("Mon 2026-10-26 02:30 +01:00").done();
    let spring = ["schedule", "next", "nightly", "-n", "1", "--json", "--after", "2026-03-28T12:00:00Z"];
    let rows = sandbox.sortie(spring).run().code(0).json_lines();
    assert_eq!(rows[0][0]["nominal"], "2026-03-29T01:30:00.000000Z");
    assert_eq!(rows[0][0]["note"], "shifted, the clock leaps from +01 to +02");
}

#[test]
fn a_unit_file_names_this_project() {
    let sandbox = Sandbox::new();
    let ran = sandbox.sortie(["engine", "--print-unit"]).run().code(0);
    let folder = format!("WorkingDirectory={}\n", sandbox.project().display());
    ran.says(&folder).says("KillMode=process").says("/sortie engine\n").done();
}
