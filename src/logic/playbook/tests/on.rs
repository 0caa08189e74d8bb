//! Tests of `on`: what starts jobs.

use std::time::Duration;

use expect_test::expect;

use super::{check_full, read_text};
use crate::logic::playbook::model::{RunEnd, Triggers};
use crate::logic::schedule::{Bound, CatchUp, Missing, Overlap, Repeated};

fn triggers(text: &str) -> Triggers {
    let (source, reading) = read_text(&format!("{text}\nstages:\n  a: {{run: x}}\n"));
    let problems = super::full(&source, &reading);
    reading.playbook.unwrap_or_else(|| panic!("{problems}")).triggers
}

#[test]
fn a_person_may_start_everything_however_it_is_written() {
    for text in ["on: manual", "on: [manual, call]", "on: {manual: , call: }", "name: x"] {
        assert!(triggers(text).is_empty(), "{text}");
    }
}

#[test]
fn a_schedule_has_its_defaults() {
    let found = triggers("on: {schedule: [{cron: '30 2 * * *'}]}");
    let [it] = found.schedules.as_slice() else { panic!("{found:?}") };
    assert_eq!((it.cron.source(), &*it.zone), ("30 2 * * *", "UTC"));
    assert_eq!((it.dst.missing, it.dst.repeated), (Missing::Shift, Repeated::First));
    assert_eq!((it.catch_up, it.window), (CatchUp::Last, Duration::from_secs(3600)));
    assert_eq!((it.overlap, it.jitter), (Overlap::Skip, Duration::ZERO));
    assert_eq!((it.start, it.end), (None, None));
    // Who says every hour means that none is left out.
    assert_eq!(triggers("on: {schedule: '5 * * * *'}").schedules[0].dst.repeated, Repeated::Both);
}

#[test]
fn a_schedule_may_say_everything() {
    let text = "on:\n  schedule:\n    - '0 0 * * *'\n    - cron: \"30  2 * *   MON\"\n      timezone: europe/berlin\n      \
                dst: {missing: skip, repeated: last}\n      catch-up: all\n      catch-up-window: 6h\n      \
                overlap: cancel-running\n      jitter: 10m\n      start: 2026-12-01\n      end: 2027-01-31T08:00\n";
    let found = triggers(text);
    let [first, it] = found.schedules.as_slice() else { panic!("{found:?}") };
    assert_eq!(first.cron.source(), "0 0 * * *");
    assert_eq!((it.cron.source(), &*it.zone), ("30 2 * * MON", "Europe/Berlin"));
    assert_eq!((it.dst.missing, it.dst.repeated), (Missing::Skip, Repeated::Last));
    assert_eq!((it.catch_up, it.window), (CatchUp::All, Duration::from_secs(6 * 3600)));
    assert_eq!((it.overlap, it.jitter), (Overlap::CancelRunning, Duration::from_secs(600)));
    assert!(matches!((it.start, it.end), (Some(Bound::Day(_)), Some(Bound::Wall(_)))));
    assert_eq!(
        triggers("on: {schedule: [{cron: '0 0 * * *', jitter: 0s}]}").schedules[0].jitter,
        Duration::ZERO
    );
}

#[test]
fn files_and_ends_of_jobs_are_triggers() {
    for text in ["on: {watch: 'src/**'}", "on: {watch: ['src/**']}", "on: {watch: {globs: src/**}}"] {
        let it = triggers(text).watch.expect("it watches");
        assert_eq!(it.globs, ["src/**"], "{text}");
        assert_eq!((it.debounce, it.overlap), (Duration::from_millis(500), Overlap::Queue));
    }
    let it = triggers("on: {watch: {globs: ['a/*.{rs,md}', '!a/b.md'], debounce: 2s, overlap: skip}}");
    let it = it.watch.expect("it watches");
    assert_eq!((it.globs.len(), it.debounce, it.overlap), (2, Duration::from_secs(2), Overlap::Skip));
    let it = triggers("on: {run: {playbooks: ci}}").after.expect("it follows");
    assert_eq!((it.playbooks, it.types), (vec!["ci".to_owned()], vec![RunEnd::Completed]));
    let it = triggers("on: {run: {playbooks: [ci, deploy/all], types: [failed, cancelled]}}");
    let it = it.after.expect("it follows");
    assert_eq!((it.playbooks.len(), it.types), (2, vec![RunEnd::Failed, RunEnd::Cancelled]));
}

#[test]
fn what_is_wrong_with_a_schedule_is_said_where_it_stands() {
    check_full(
        "on:\n  schedule:\n    - {cron: 0 24 * * *}\n    - {timezone: UTC}\n    - {cron: \"0 0 31 2 *\", timezone: CEST}\n    \
         - {cron: '0 0 * * *', timezone: zurich, catch-up: some, jitter: 2d, start: soon}\n    \
         - {cron: '0 0 1 * fri', overlap: drop, dst: {missing: fist, again: first}}\n    \
         - {cron: '0 0 29 2 *', start: 2026-01-01, end: 2027-12-31}\n    - 7\n    - {cron: [1]}\nstages:\n  a: {run: x}\n",
        expect![[r#"
            3:16 bad-cron: the hour goes from 0 to 23, found `24`
              help: midnight is hour 0
            4:7 missing-key: a schedule needs the key `cron`
              help: write `cron: '30 2 * * *'`
            5:19 never-fires: `0 0 31 2 *` never fires: no such month has a day 31
              help: the longest of these months has 29 days
            5:38 unknown-zone: there is no time zone `CEST`
              help: did you mean `CET`?
            6:37 unknown-zone: there is no time zone `zurich`
              help: did you mean `Europe/Zurich`?
            6:55 unknown-value: expected `none`, `last` or `all`, found `some`
            6:69 bad-duration: a jitter is at most one day
              help: it only spreads fires; the cron line says when they are
            6:80 bad-time: expected a day or a time such as `2026-12-01` or `2026-12-01T08:00`, found `soon`
              help: without a distance from UTC, such as `Z` or `+01:00`, it is a time of the schedule's zone
            7:14 either-day: a day of the month and a day of the week are given, and either of them is enough
              help: let one of them be `*`; where both are to hold, let a first step look at one of them
            7:38 unknown-value: expected `skip`, `queue`, `cancel-running` or `allow`, found `drop`
            7:59 unknown-value: expected `shift` or `skip`, found `fist`
            7:65 unknown-key: `dst` has no key `again`
              help: its keys are `missing` and `repeated`; keys of your own begin with `x-`
            8:52 never-fires: `0 0 29 2 *` never fires between `start` and `end`
              help: put `end` later, or leave it out
            9:7 bad-cron: a cron line has five fields, found one
              help: the fields are minute, hour, day of the month, month and day of the week, as in `30 2 * * mon-fri`
            10:14 wrong-type: expected a cron line such as `30 2 * * mon-fri`, found a list
        "#]],
    );
}

#[test]
fn what_is_wrong_with_other_triggers_is_said_where_it_stands() {
    check_full(
        "on: [schedule, watch, run, webhook, cron]\nstages:\n  a: {run: x}\n",
        expect![[r#"
            1:6 missing-key: the trigger `schedule` needs the key `cron`
              help: write `on: {schedule: [{cron: '30 2 * * *'}]}`
            1:16 missing-key: the trigger `watch` needs the key `globs`
              help: write `on: {watch: {globs: ['src/**']}}`
            1:23 missing-key: the trigger `run` needs the key `playbooks`
              help: write `on: {run: {playbooks: [NAME]}}`
            1:28 not-yet: the trigger `webhook` is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
            1:37 unknown-value: expected `manual`, `call`, `schedule`, `watch`, `run` or `webhook`, found `cron`
        "#]],
    );
    check_full(
        "on:\n  manual: yes\n  schedule: []\n  watch: {globs: [/etc/x, ../y, 'a[', '']}\n  run: {types: [ended]}\n  \
         webhook: {}\ninputs: {x: {required: true}}\nstages:\n  a: {run: x}\n",
        expect![[r#"
            2:11 wrong-type: expected nothing, found `yes`
              help: write `manual:` without a value
            3:3 missing-key: `schedule` needs the key `cron`
              help: write `schedule: [{cron: '30 2 * * *'}]`
            3:3 trigger-needs-input: a schedule cannot give the input `x`, which is required
              7:10 the input
              help: give the input a default
            4:3 trigger-needs-input: a changed file cannot give the input `x`, which is required
              7:10 the input
              help: give the input a default
            4:19 bad-glob: the glob `/etc/x` leads out of the project
              help: globs begin at the project's root, such as `src/**`
            4:27 bad-glob: the glob `../y` leads out of the project
              help: globs begin at the project's root, such as `src/**`
            4:33 bad-glob: the glob `a[` cannot be read: unclosed character class; missing ']'
              help: `*` is any part of a name, `**` any folders, `{a,b}` a choice
            4:39 bad-glob: a glob is empty
              help: name files, such as `src/**`
            5:3 missing-key: `run` of `on` needs the key `playbooks`
              help: write `run: {playbooks: [NAME]}`
            5:3 trigger-needs-input: the end of another job cannot give the input `x`, which is required
              7:10 the input
              help: give the input a default
            5:17 unknown-value: expected `completed`, `failed` or `cancelled`, found `ended`
            6:3 not-yet: the key `webhook` of `on` is not supported yet
              help: remove it for now; `sortie explain keys` says what works today
        "#]],
    );
    check_full(
        "on: {run: {playbooks: [other, test]}, watch: '!x'}\nstages:\n  a: {run: x}\n",
        expect![[r#"
            1:31 self-trigger: this playbook would start again whenever its own job ends, for ever
              help: to try again after a failure, use `retry`; to repeat, use `schedule`
            1:46 bad-glob: none of these globs names files to watch
              help: write `watch: {globs: ['src/**']}`
        "#]],
    );
}
