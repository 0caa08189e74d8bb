//! Jobs that find everything as an earlier one has left it: what comes of them is what would come of them anyway.
//!
//! Each is compared with a twin: a copy of the project, in which no file is the one that was seen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::kit::{SORTIE, Sandbox, nothing_is_left};

/// Stages of all kinds that a cache knows, and enough plain ones that a job of them leaves a sheet.
fn playbook() -> String {
    let mut text = r#"version: 3
name: p
stages:
  glob: { run: "cat src/*.txt > all; true", cache: { inputs: ["src/*.txt"], outputs: [all] } }
  tree:
    needs: glob
    run: "rm -rf dist; mkdir -p dist/sub; cp all dist/sub/a; echo x > dist/b; chmod +x dist/b"
    cache: { inputs: [all], outputs: ["dist/**"] }
  tell:
    steps: [{ id: t, run: 'echo "v=$(cat in/0)" >> "$SORTIE_OUTPUT"' }]
    outputs: { v: "${{ steps.t.outputs.v }}" }
    cache: { inputs: [in/0] }
  after:
    needs: tell
    if: ${{ needs.tell.outputs.v != 'no' }}
    run: echo "${{ needs.tell.outputs.v }}" > after
    cache: { inputs: [], outputs: [after] }
  cell:
    matrix: { k: [a, b, c] }
    run: "cp in/1 cell-${{ matrix.k }}"
    cache: { inputs: [in/1], outputs: ["cell-${{ matrix.k }}"] }
  word: { run: "echo $WORD > word", cache: { inputs: [], env: [WORD], outputs: [word] } }
  link: { run: cp link linked, cache: { inputs: [link], outputs: [linked] } }
  tool: { run: ./bin/tool > tool.out, cache: { inputs: [bin/tool], outputs: [tool.out] } }
"#
    .to_owned();
    for at in 0..28 {
        text += &format!(
            "  c{at}: {{ run: cp in/{at} out/{at}, cache: {{ inputs: [in/{at}], outputs: [out/{at}] }} }}\n"
        );
    }
    text
}

fn project() -> Sandbox {
    let mut sandbox = Sandbox::new()
        .file("p.yml", &playbook())
        .file("out/.keep", "")
        .file("src/a.txt", "a")
        .file("src/b.txt", "b")
        .file("other", "another file")
        .file("bin/tool", "#!/bin/sh\necho tool\n");
    for at in 0..28 {
        sandbox = sandbox.file(&format!("in/{at}"), &format!("{at}"));
    }
    let path = |name: &str| sandbox.project().join(name);
    fs::set_permissions(path("bin/tool"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    std::os::unix::fs::symlink("in/2", path("link")).expect("the project is ours");
    sandbox
}

/// A job of the project or its twin.
struct Job {
    code: Option<i32>,
    /// All events without times and numbers, in some order.
    events: Vec<String>,
    /// Events as one that was there before had them have one time but for the last.
    is_repeated: bool,
    /// What is in the project but for our own, by path.
    tree: BTreeMap<PathBuf, String>,
    /// The logs of the job, by path.
    logs: BTreeMap<PathBuf, String>,
}

/// Runs the playbook in that folder beside the project.
fn run(sandbox: &Sandbox, folder: &str, (word, more): (&str, &[&str])) -> Job {
    let there = |words: &[&str]| {
        let start = ["-c", "cd \"../$0\" && exec \"$@\"", folder, SORTIE];
        sandbox.program("sh", start.into_iter().chain(words.iter().copied())).env("WORD", word).run()
    };
    let words: Vec<&str> =
        ["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied()).collect();
    let code = there(&words);
    let code = (0..8).find(|wanted| code.is_code(*wanted));
    let events = there(&["jobs", "events"]).json_lines();
    let mut times: Vec<&Value> = events.iter().map(|it| &it["time"]).collect();
    times.pop();
    let is_repeated = !times.is_empty() && times.iter().all(|it| *it == times[0]);
    let mut plain: Vec<String> = events.iter().map(without_times).collect();
    plain.sort();
    let root = sandbox.base().join(folder);
    let shown = there(&["jobs", "show", "last", "--json"]).json_lines();
    let dir = PathBuf::from(shown[0]["dir"].as_str().expect("a job has a folder"));
    let tree = files(&root, &|path| path.starts_with(".sortie"));
    let logs = files(&dir, &|path| !path.to_string_lossy().ends_with(".log"));
    Job { code, events: plain, is_repeated, tree, logs }
}

/// An event without what is another thing in each job.
fn without_times(event: &Value) -> String {
    let mut event = event.clone();
    if let Some(members) = event.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "time" | "seq" | "job" | "v"));
    }
    event.to_string()
}

/// All files below a folder with their kinds, permissions and contents.
fn files(root: &Path, is_left_out: &dyn Fn(&Path) -> bool) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.expect("it can be listed");
        let path = entry.path().strip_prefix(root).expect("it is below").to_path_buf();
        let kind = entry.file_type();
        if is_left_out(&path) {
            continue;
        }
        let what = if kind.is_symlink() {
            format!("link to {}", fs::read_link(entry.path()).expect("it is a link").display())
        } else if kind.is_file() {
            let mode = entry.metadata().expect("it is there").mode() & 0o777;
            format!("{mode:o} {}", String::from_utf8_lossy(&fs::read(entry.path()).expect("it is ours")))
        } else {
            "folder".to_owned()
        };
        found.insert(path, what);
    }
    found
}

/// What somebody does to a project, as a line for a shell.
const DEEDS: [&str; 24] = [
    "echo new > in/3",
    "echo NEW > in/3",
    "touch in/4",
    "touch -d '2001-01-01' in/5; printf 6 > in/5; touch -d '2001-01-01' in/5",
    "rm out/6",
    "echo by hand > out/7",
    "echo c > src/c.txt",
    "rm -f src/c.txt",
    "mv src src2; mkdir src; cp src2/* src; rm -r src2",
    "echo more > dist/more",
    "mkdir -p dist/empty/one",
    "rm -rf dist/sub",
    "chmod -x dist/b",
    "chmod -x bin/tool; chmod +x bin/tool",
    "printf '#!/bin/sh\\necho other\\n' > bin/tool",
    "ln -sfn ../other link; rm link; ln -s other link",
    "rm link; ln -s in/2 link",
    "echo two > in/2",
    "mv in real; ln -s real in",
    "test ! -L in || { rm in; mv real in; }",
    "rm out/8; ln -s 9 out/8",
    "cp in/9 in/.9; mv in/.9 in/9",
    "printf no > in/0",
    "printf 0 > in/0",
];

/// Numbers that look like chance and are the same each time.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).expect("it is small")
}

fn compare(sandbox: &Sandbox, how: (&str, &[&str]), what: &str) -> bool {
    // What earlier jobs have left is not looked at.
    let copy = "rm -rf ../twin .sortie/jobs; cp -a . ../twin; rm -f ../twin/.sortie/cache/readings/*.job";
    sandbox.program("sh", ["-c", copy]).run().code(0).done();
    let (one, twin) = (run(sandbox, "project", how), run(sandbox, "twin", how));
    assert!(!twin.is_repeated, "{what}");
    assert_eq!(one.code, twin.code, "{what}");
    if one.is_repeated {
        // What is run takes its time, and tells of it.
        assert_eq!(one.events, twin.events, "{what}");
    }
    assert_eq!(one.tree, twin.tree, "{what}");
    assert_eq!(one.logs, twin.logs, "{what}");
    one.is_repeated
}

#[test]
fn what_comes_of_a_job_that_finds_all_as_it_was_is_what_would_come_of_it_anyway() {
    let sandbox = project();
    let mut state = 0x5eed_1234_u64;
    let mut repeated = 0;
    let mut word = "one";
    for round in 0..12 {
        let deed = DEEDS[next(&mut state) % DEEDS.len()];
        if next(&mut state).is_multiple_of(6) {
            word = if word == "one" { "two" } else { "one" };
        }
        sandbox.program("sh", ["-c", deed]).run().done();
        for again in 0..3 {
            let what = format!("round {round}, `{deed}`, WORD={word}, run {again}");
            repeated += usize::from(compare(&sandbox, (word, &[]), &what));
        }
    }
    assert!(repeated >= 4, "only {repeated} of 36 jobs were like an earlier one");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn each_deed_after_a_job_like_an_earlier_one_counts() {
    let sandbox = project();
    let mut repeated = 0;
    for deed in DEEDS {
        for again in 0..2 {
            repeated +=
                usize::from(compare(&sandbox, ("one", &[]), &format!("before `{deed}`, run {again}")));
        }
        sandbox.program("sh", ["-c", deed]).run().done();
        compare(&sandbox, ("one", &[]), &format!("after `{deed}`"));
    }
    assert!(repeated >= 8, "only {repeated} jobs were like an earlier one");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_an_expression_reads_of_the_job_itself_is_another_thing_each_time() {
    for condition in
        ["run.number != 4", "RUN['Number'] != 4", "!contains(toJSON(github), '\"run_number\": \"4\"')"]
    {
        let stage = format!(
            "  odd: {{ if: \"${{{{ {} }}}}\", run: echo odd > odd, cache: {{ inputs: [], outputs: [odd] }} }}\n",
            condition.replace('"', "\\\"")
        );
        let sandbox = project().file("p.yml", &(playbook() + &stage));
        for number in 1..=5 {
            let ran = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
            let all = if number == 4 { "1 skipped" } else { "37 stages passed" };
            ran.says(all).done();
        }
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
}

/// The same with some that print.
fn printing(many: usize) -> String {
    let mut text = playbook();
    for at in 0..many {
        text += &format!(
            "  say{at}: {{ run: echo said; cp in/{at} said{at}, cache: {{ inputs: [in/{at}], outputs: [said{at}] }} }}\n"
        );
    }
    text
}

#[test]
fn logs_are_those_of_one_run_however_often_something_changes() {
    let sandbox = project().file("p.yml", &printing(3));
    let jobs = sandbox.project().join(".sortie/jobs");
    for _ in 0..4 {
        for _ in 0..3 {
            sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0).done();
            // Their names are in the order of their jobs.
            let newest = fs::read_dir(&jobs).expect("there is a job").flatten().map(|it| it.path()).max();
            let logs = files(&newest.expect("there is a job").join("logs"), &|_| false);
            let said: usize = logs.values().map(|text| text.matches("said").count()).sum();
            assert_eq!(said, 3, "{logs:?}");
        }
        sandbox.program("sh", ["-c", "echo more >> in/2; echo more >> in/27"]).run().code(0).done();
    }
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_is_no_sheet_is_none() {
    let sandbox = project();
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    let spoil = |how: &str| {
        let every = format!("for it in .sortie/cache/readings/*.job; do test -e $it || exit 1; {how}; done");
        sandbox.program("sh", ["-c", &every]).run().code(0).done();
    };
    run().done();
    for how in
        ["rm $it; mkfifo $it", "rm $it; mkdir $it", ": > $it", "rm $it; truncate -s 3G $it", "echo x >> $it"]
    {
        // The first one leaves it, where the one before it could not be believed.
        run().done();
        run().done();
        spoil(how);
        run().says("38 of 38 from the cache").done();
        spoil("rm -rf $it");
    }
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
