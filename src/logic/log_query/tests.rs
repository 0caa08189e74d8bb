//! Questions that are understood, questions that are not, levels of lines.

use jiff::tz::TimeZone;

use super::*;

/// 2026-11-22 10:14:11 in UTC.
const NOW: Timestamp = Timestamp(1_795_342_451_000_000);

fn query(text: &str) -> Query {
    parse(text, NOW, &TimeZone::UTC).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

/// Each problem with what it marks.
fn wrong(text: &str) -> Vec<String> {
    let problems = parse(text, NOW, &TimeZone::UTC).expect_err(text);
    problems
        .into_iter()
        .map(|it| {
            let help = it.help.map_or_else(String::new, |help| format!(" ({help})"));
            format!("`{}`: {}{help}", &text[it.place], it.message)
        })
        .collect()
}

const LINE: OfLine<'_> = OfLine {
    time: NOW,
    level: Level::Warning,
    stream: Stream::Err,
    text: "Could not open a, b: no such file",
};
const TRY: OfTry<'_> = OfTry {
    stage: "build",
    cell: "build[os=linux, n=1]",
    cell_id: "build.1a2b3c4d",
    step: "compile",
    step_number: 2,
    attempt: 1,
};
const JOB: OfJob<'_> = OfJob {
    number: 12,
    id: "01a202c6-aa9c",
    is_last: true,
    name: "nightly",
    playbook: "/p/playbooks/ops/deploy.yml",
};

#[test]
fn every_key_asks_for_what_it_says() {
    for (text, fit) in [
        ("", true),
        ("job:12", true),
        ("job:#12,13", true),
        ("job:last", true),
        ("job:01a202", true),
        ("job:1", false),
        ("-job:12", false),
        ("playbook:nightly", true),
        ("playbook:ops/deploy", true),
        ("playbook:deploy.yml", true),
        ("playbook:ploy", false),
        ("playbook:night*", true),
        ("stage:build", true),
        ("STAGE:Bui*", true),
        ("stage:test,build", true),
        ("-stage:test", true),
        ("cell:build[os=linux, n=1]", false),
        ("cell:\"build[os=linux, n=1]\"", true),
        ("cell:*os=linux*", true),
        ("cell:build.1a2b3c4d", true),
        ("step:compile", true),
        ("step:2", true),
        ("step:1", false),
        ("attempt:1", true),
        ("attempt:2,3", false),
        ("stream:stderr", true),
        ("stream:out", false),
        ("level:warning", true),
        ("level:error", false),
        ("level:notice+", true),
        ("level:error+", false),
        ("-level:debug,info", true),
        ("since:1h", true),
        ("until:1h", false),
        ("since:2026-11-22 until:2026-11-22", true),
        ("text:\"could not\"", true),
        ("text:Could", true),
        ("text:COULD", false),
        ("could open", true),
        ("could -open", false),
        ("\"a, b: no\"", true),
        ("text:nothing,file", true),
        ("stage:build level:warning since:1h text:\"no such\"", true),
        ("stage:build level:warning since:1h text:\"no such\" -step:compile", false),
    ] {
        let query = query(text);
        let found = query.fits_job(&JOB) && query.fits_try(&TRY) && query.fits_line(&LINE);
        assert_eq!(found, fit, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_all_at_once_with_its_place() {
    assert_eq!(
        wrong("lvel:error stage: attempt:0 since:soon stream:x"),
        [
            "`lvel`: a record has no `lvel` (did you mean `level`?)",
            "`stage`: `stage` needs a value (it takes a stage)",
            "`0`: `attempt` takes a whole number from 1, found `0`",
            "`soon`: `since` takes a time such as `2h` or `7d` (so long ago), `10:30`, `today`, `2026-11-22`, \
             `2026-11-22 10:30` or RFC 3339, found `soon`",
            "`x`: `stream` takes `stdout` or `stderr`, found `x`",
        ]
    );
    assert_eq!(wrong("text:\"open"), ["`\"`: this quote is not closed (put a `\"` at the end of the text)"]);
    assert_eq!(wrong("-since:1h"), ["`1h`: `since` cannot be turned round (use `until`)"]);
    assert!(wrong("http://x")[0].contains("a text with a colon stands in quotes"));
    assert!(wrong("level:loud")[0].contains("`debug`, `info`, `notice`, `warning` or `error`, found `loud`"));
    assert_eq!(
        wrong("since:1h until:2h"),
        ["`since:1h until:2h`: `until` is not later than `since`, so nothing can fit"]
    );
}

#[test]
fn any_text_is_a_question_or_has_problems_inside_of_it() {
    for text in
        ["\"", "-", "--", ":", "-:", "a\\", "\"\\", "é:ü", "text:\"ü\\\"", "-\u{a0}x", ",", "job:,", "🦀:🦀"]
    {
        if let Err(problems) = parse(text, NOW, &TimeZone::UTC) {
            assert!(problems.iter().all(|it| text.get(it.place.clone()).is_some()), "{text}: {problems:?}");
        }
    }
}

#[test]
fn a_line_says_how_grave_it_is() {
    use Level::{Debug, Error, Info, Notice, Warning};
    for (text, level) in [
        ("::error file=a.c,line=3::broken", Error),
        ("::warning::odd", Warning),
        ("::notice::look", Notice),
        ("::debug::deep", Debug),
        ("::error", Info),
        ("error: could not compile", Error),
        ("error[E0063]: missing fields", Error),
        ("a.c:3:4: warning: unused", Warning),
        ("2026-11-22T10:14:11Z ERROR app::main: broken", Error),
        ("2026-11-22 10:14:11,123 WARN  [main] odd", Warning),
        ("[warn] odd", Warning),
        ("[ERROR] bad", Error),
        ("time=1 level=error msg=x", Error),
        ("{\"level\":\"warn\",\"msg\":\"x\"}", Warning),
        ("{\"time\":1,\"level\": \"debug\"}", Debug),
        ("FATAL: no memory", Error),
        ("INFO starting", Info),
        ("TRACE x", Debug),
        ("no error was found", Info),
        ("0 errors, 0 warnings", Info),
        ("ERROR_COUNT=3", Info),
        ("the file error.txt", Info),
        ("", Info),
    ] {
        assert_eq!(level_of(text, Stream::Out), level, "{text}");
    }
    assert_eq!(level_of("cat: x: No such file", Stream::Err), Notice);
    assert_eq!(level_of("DEBUG x", Stream::Err), Debug);
    let long = format!("{}ERROR", "x".repeat(78));
    assert_eq!(level_of(&long, Stream::Out), Info);
}
