//! What is left of a job: its result, its summary in each format, read by those who read them, and its outputs.
//!
//! Not here: what a summary says in every detail, and hostile names (`logic/summary/tests`).

use std::path::{Path, PathBuf};

use crate::handover::{engine, kill_hard};
use crate::kit::{SORTIE, Sandbox, eventually, nothing_is_left};

/// A matrix of which one cell fails until `mended` is there, a step that needs two tries, and outputs.
const MATRIX: &str = r#"version: 3
name: release
inputs: { channel: { type: string, default: nightly } }
reporting: { formats: [html, json, markdown, xml, csv], path: "out/${{ run.number }}" }
stages:
  fetch:
    steps:
      - id: get
        run: |
          echo "rev=abc123" >> "$SORTIE_OUTPUT"
          printf '## Fetched\n\n| file | size |\n|---|---|\n| a | 1 |\n' >> "$SORTIE_SUMMARY"
          echo '::warning file=src/a.rs,line=3::slow | <network>'
    outputs: { rev: "${{ steps.get.outputs.rev }}" }
  test:
    needs: [fetch]
    strategy: { fail-fast: false, matrix: { os: [linux, macos], v: [1, 2] } }
    steps:
      - name: "unit <tests> | all"
        run: |
          test "${{ matrix.os }}${{ matrix.v }}" != macos2 || test -e mended || { echo 'left: <3> & right: "4"'; exit 101; }
  flaky:
    steps:
      - { run: "test -e once || { touch once; exit 3; }", retry: { attempts: 2, backoff: { first: 60ms } } }
  pack: { needs: [test], run: "echo packed" }
outputs: { rev: { value: "${{ stages.fetch.outputs.rev }}" } }
"#;

fn matrix() -> Sandbox {
    Sandbox::new().file("playbooks/release.yml", MATRIX)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of a job.
fn folder(sandbox: &Sandbox, number: u64) -> PathBuf {
    let shown = sandbox.sortie(["jobs", "show", &number.to_string(), "--json"]).run().code(0).json_lines();
    shown[0]["dir"].as_str().expect("a job has a folder").into()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn reports_are_understood_by_those_who_read_them() {
    let sandbox = matrix();
    let ran = sandbox.sortie(["run", "release", "--summary"]).run().code(1);
    let ran = ran.says("report out/1/summary.html").says("report reports/orchestration/summary-");
    assert!(!ran.out.contains("could not be written"), "{}", ran.out);
    let out = sandbox.project().join("out/1");
    let usual = std::fs::read_dir(sandbox.project().join("reports/orchestration")).expect("it was written");
    let usual: Vec<PathBuf> = usual.flatten().map(|entry| entry.path()).collect();
    assert_eq!(read(&usual[0]), read(out.join("summary.md")), "{usual:?}");

    // JUnit: the structure by one reader, the figures by another.
    let junit = out.join("junit.xml").display().to_string();
    sandbox.program("xmllint", ["--noout", &junit]).run().code(0).done();
    let script = "import sys, junitparser\n\
                  suites = junitparser.JUnitXml.fromfile(sys.argv[1])\n\
                  print(suites.name, suites.tests, suites.failures, suites.errors)\n\
                  bad = [c for s in suites for c in s if any(isinstance(r, junitparser.Failure) for r in c.result)]\n\
                  print([(c.classname, c.name, c.result[0].message, c.result[0].text) for c in bad])\n\
                  print([(s.name, s.tests, s.skipped) for s in suites])\n";
    let told = sandbox.program("/usr/bin/python3", ["-c", script, &junit]).run().code(0);
    let expected = "release 7 1 0\n\
                    [('test[os=macos, v=2]', '1 unit <tests> | all', 'exited with code 101', 'left: <3> & right: \"4\"')]\n\
                    [('fetch', 1, 0), ('test', 4, 0), ('flaky', 1, 0), ('pack', 1, 1)]\n";
    assert_eq!(told.out, expected, "{}", read(&junit));

    // Markdown: each table is one, and what steps wrote is in it.
    let markdown = out.join("summary.md").display().to_string();
    let page = sandbox.program("cmark-gfm", ["-e", "table", &markdown]).run().code(0).out.clone();
    let rows = page.matches("<tr>").count();
    assert_eq!(page.matches("\n|").count(), 0, "a row of a table is no text: {page}");
    assert!(page.matches("<table>").count() >= 8 && rows >= 30, "{page}");
    for text in
        ["<h1>✗ release: job #1 failed", "slow | &lt;network&gt;", "<h2>Fetched</h2>", "<td>abc123</td>"]
    {
        assert!(page.contains(text), "no `{text}` in {page}");
    }

    // CSV and JSON.
    let csv = read(out.join("summary.csv"));
    assert_eq!(csv.lines().count(), 1 + 1 + 4 + 1 + 1, "{csv}");
    let all = json(&read(out.join("summary.json")));
    assert_eq!((&all["schema"], &all["job"]["outcome"]), (&1.into(), &"failure".into()));
    assert_eq!(all["failures"][0]["lines"][0], "left: <3> & right: \"4\"");
    nothing_is_left(&sandbox, std::time::Duration::from_secs(2));
}

/// Lets a browser without a screen open a page; returns what it prints.
fn browse(sandbox: &Sandbox, page: &Path, options: &[&str]) -> String {
    let address = format!("file://{}", page.display());
    let data = format!("--user-data-dir={}", sandbox.base().join("tmp/browser").display());
    let mut words = vec!["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    words.extend(["--disable-breakpad", "--no-first-run", "--hide-scrollbars", &data]);
    words.extend(options);
    words.push(&address);
    sandbox.program("chromium", words).run().code(0).out.clone()
}

/// Width and height of a picture.
fn size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "it is a picture");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[test]
fn the_page_is_drawn_by_a_browser_in_light_and_dark() {
    let sandbox = matrix();
    sandbox.sortie(["run", "release", "-q"]).run().code(1).done();
    let page = sandbox.project().join("out/1/summary.html");
    let shown = browse(&sandbox, &page, &["--dump-dom"]);
    for text in ["What failed", "left: &lt;3&gt; &amp; right: \"4\"", "Timeline", "os \\ v", "Slowest"] {
        assert!(shown.contains(text), "no `{text}` in {shown}");
    }
    assert!(shown.contains("<h5>Fetched</h5>") && !shown.contains("<network>"), "{shown}");
    let mut pictures = Vec::new();
    for (name, scheme) in [("light", "1"), ("dark", "0")] {
        let picture = sandbox.base().join(format!("tmp/{name}.png"));
        let to = format!("--screenshot={}", picture.display());
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        browse(&sandbox, &page, &["--window-size=1000,1200", &to, &scheme]);
        let bytes = std::fs::read(&picture).expect("a picture was made");
        assert_eq!(size(&bytes), (1000, 1200));
        assert!(bytes.len() > 20_000, "an empty page is smaller: {}", bytes.len());
        pictures.push(bytes);
    }
    assert_ne!(pictures[0], pictures[1], "dark is not light");
}

#[test]
fn a_job_leaves_its_result_and_its_outputs_are_asked_for_by_name() {
    let sandbox = matrix();
    sandbox.sortie(["run", "release", "-q"]).run().code(1).done();
    let result = read(folder(&sandbox, 1).join("result.json"));
    let told = json(&result);
    assert_eq!((&told["schema"], &told["outcome"], &told["job"]), (&1.into(), &"failure".into(), &1.into()));
    assert_eq!(told["outputs"]["rev"], "abc123");
    assert_eq!(told["stages"]["test"]["cells"]["test[os=macos, v=2]"]["outcome"], "failure");
    assert_eq!(sandbox.sortie(["jobs", "outputs", "--json"]).run().code(0).out, result);
    for name in ["rev", "fetch.rev", "fetch/get.rev"] {
        let ran = sandbox.sortie(["jobs", "outputs", "1", name]).run().code(0);
        assert_eq!(ran.out, "abc123\n", "{name}");
    }
    let all = sandbox.sortie(["jobs", "outputs"]).run().code(0);
    assert_eq!(all.out, "rev = abc123\nfetch.rev = abc123\nfetch/get.rev = abc123\n");
    let slip = sandbox.sortie(["jobs", "outputs", "1", "fetch.rew"]).run().code(2);
    slip.complains("job #1 has no output `fetch.rew`").complains("did you mean `fetch.rev`?").done();
}

#[test]
fn a_summary_is_made_when_somebody_asks_also_while_the_job_runs() {
    let text = "version: 3\nstages: {a: {run: 'echo ok'}, b: {needs: [a], run: 'touch begun; until test -e go; do sleep 0.02; done'}}\n";
    let sandbox = Sandbox::new().file("playbooks/slow.yml", text);
    sandbox.sortie(["run", "slow", "--detach"]).run().code(0).done();
    eventually("the second stage", || sandbox.project().join("begun").exists());
    let ran = sandbox.sortie(["jobs", "summary", "--format", "text"]).run().code(0);
    ran.says("job #1 running for").complains("job #1 has not ended").done();
    let none = sandbox.sortie(["jobs", "outputs", "1", "a.x"]).run().code(3);
    none.complains("has no output `a.x` so far").complains("jobs wait 1").done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    let page = sandbox.project().join("page.html").display().to_string();
    let ran = sandbox.sortie(["jobs", "summary", "1", "--output", &page]).run().code(0);
    ran.says("the summary of job #1 is in").done();
    assert!(read(&page).starts_with("<!doctype html>"));
    let printed = sandbox.sortie(["jobs", "summary", "1", "--format", "junit"]).run().code(0);
    assert!(printed.out.starts_with("<?xml") && printed.err.is_empty(), "{}{}", printed.out, printed.err);
    let printed = sandbox.sortie(["jobs", "summary"]).run().code(0);
    assert!(printed.out.starts_with("# ✓ slow: job #1 passed"), "{}", printed.out);
    let lost = sandbox.sortie(["jobs", "summary", "1", "--output", "go/x.md"]).run().code(5);
    lost.complains("the summary cannot be written to `go/x.md`").complains("name a file").done();
    nothing_is_left(&sandbox, std::time::Duration::from_secs(5));
}

#[test]
fn what_was_asked_for_is_written_by_whoever_ends_the_job_and_anew_after_a_retry() {
    let text = "version: 3\nreporting: {formats: [csv], path: all.csv}\n\
                stages:\n  a: {run: 'touch begun; until test -e go; do sleep 0.02; done'}\n  b: {needs: [a], run: 'test -e mended'}\n";
    let sandbox = Sandbox::new().file("playbooks/long.yml", text);
    let report = sandbox.project().join("end.md");
    sandbox.sortie(["run", "long", "--detach", "--summary=end.md"]).run().code(0).done();
    eventually("the first stage", || sandbox.project().join("begun").exists());
    kill_hard(engine(&sandbox));
    sandbox.sortie(["jobs", "recover"]).run().code(0).says("goes on").done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
    // Whoever is told the end finds everything.
    assert!(read(&report).starts_with("# ✗ long: job #1 failed"), "{}", read(&report));
    assert!(read(sandbox.project().join("all.csv")).contains(",b,b,1,test -e mended,failed,failure,"));
    let page = folder(&sandbox, 1).join("summary.html");
    assert!(read(&page).contains("<b>failed after"), "it took long enough for all of it");
    std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "retry", "1"]).run().code(0).says("report end.md").done();
    assert!(read(&report).starts_with("# ✓ long: job #1 passed"), "{}", read(&report));
    assert!(read(&page).contains("<b>passed in"));
    assert_eq!(json(&read(folder(&sandbox, 1).join("result.json")))["attempt"], 2);
    let halves = std::fs::read_dir(sandbox.project()).expect("it is there").flatten();
    let halves: Vec<_> = halves.filter(|it| it.file_name().to_string_lossy().ends_with(".part")).collect();
    assert!(halves.is_empty(), "{halves:?}");
    nothing_is_left(&sandbox, std::time::Duration::from_secs(5));
}

#[test]
fn a_report_that_cannot_be_written_fails_no_job() {
    let text = "version: 3\ninputs: {to: {type: string, default: way/out}}\n\
                reporting: {formats: [html], path: '${{ inputs.to }}'}\nstages: {a: {run: 'true'}}\n";
    let sandbox = Sandbox::new().file("playbooks/p.yml", text).file("plain", "");
    std::os::unix::fs::symlink(sandbox.base().join("home"), sandbox.project().join("way"))
        .expect("it is new");
    let ran = |to: &str| sandbox.sortie(["run", "p", "-q", "--input", &format!("to={to}")]).run().code(0);
    ran("way/out")
        .says("warning: the report `way/out/summary.html` could not be written: a link leads out")
        .done();
    ran("../x")
        .says("warning: the reports could not be written: reports are written below the project")
        .done();
    ran("plain/x").says("warning: the report `plain/x/summary.html` could not be written").done();
    assert!(!sandbox.base().join("home/out").exists() && !sandbox.base().join("x").exists());
    sandbox.sortie(["run", "p", "-q", "--input", "to=fine"]).run().code(0).done();
    assert!(read(sandbox.project().join("fine/summary.html")).contains("passed in"));
}

#[test]
fn a_full_disk_is_a_warning_and_values_of_secrets_are_in_no_report() {
    let text = "version: 3\nsecrets: {KEY: {}}\ninputs: {word: {type: string, default: x}}\nreporting: {formats: [json, markdown], path: out}\n\
                stages:\n  a:\n    env: {KEY: '${{ secrets.KEY }}'}\n    steps:\n\
      \x20     - {id: s, run: 'echo \"got=$KEY\" >> $SORTIE_OUTPUT; echo \"is $KEY\" >> $SORTIE_SUMMARY; echo $KEY; exit 1'}\n\
                \x20   outputs: {got: '${{ steps.s.outputs.got }}'}\n";
    let sandbox = Sandbox::new().file("playbooks/p.yml", text);
    let call = sandbox.sortie(["run", "p", "-q", "--input", "word=hunter22", "--summary=/dev/full"]);
    let ran = call.env("KEY", "hunter22").run().code(1);
    ran.says("warning: the report `/dev/full` could not be written: the disk is full").done();
    let mut seen = 0;
    for folder in [sandbox.project().join("out"), folder(&sandbox, 1)] {
        for file in
            std::fs::read_dir(folder).expect("it was written").flatten().filter(|it| it.path().is_file())
        {
            seen += 1;
            let text =
                String::from_utf8_lossy(&std::fs::read(file.path()).expect("it is there")).into_owned();
            assert!(!text.contains("hunter22"), "{}: {text}", file.path().display());
        }
    }
    assert!(seen >= 3, "{seen}");
    let told = sandbox.sortie(["jobs", "summary", "--json"]).run().code(0);
    assert!(!told.out.contains("hunter22") && told.out.contains("is ***"), "{}", told.out);
}

#[test]
fn a_summary_replaces_earlier_ones_and_nothing_else() {
    let text = "version: 3\nstages: { a: { run: echo ran >> ran } }\n";
    let sandbox = Sandbox::new().file("p.yml", text).file("notes.md", "# mine\n");
    sandbox.sortie(["run", "p.yml", "--ui", "plain", "--summary=new.md"]).run().code(0).done();
    sandbox.sortie(["run", "p.yml", "--ui", "plain", "--summary=new.md"]).run().code(0).done();
    // A shell leaves that to us.
    let home = sandbox.project().join("home");
    let there = sandbox.sortie(["run", "p.yml", "--ui", "plain", "--summary=~/new.md"]);
    there.env("HOME", home.to_str().expect("it is text")).run().code(0).done();
    assert!(home.join("new.md").is_file() && !sandbox.project().join("~").exists());
    for path in ["p.yml", "notes.md", ".sortie/sortie.db"] {
        let flag = format!("--summary={path}");
        let ran = sandbox.sortie(["run", "p.yml", "--ui", "plain", &flag]).run().code(2);
        ran.complains("a file is there that is no report of a job").done();
        let ran = sandbox.sortie(["jobs", "summary", "1", "-o", path]).run().code(5);
        ran.complains("a file is there that is no report of a job").done();
    }
    assert_eq!(read(sandbox.project().join("ran")), "ran\nran\nran\n");
    assert_eq!(read(sandbox.project().join("p.yml")), text);
    assert_eq!(read(sandbox.project().join("notes.md")), "# mine\n");
}

#[test]
fn the_ending_of_a_summary_is_one_that_is_known() {
    let sandbox = Sandbox::new().file("p.yml", "version: 3\nstages: { a: { run: echo ran >> ran } }\n");
    for words in [&["run", "p.yml", "--summary=out/x.pdf"][..], &["jobs", "summary", "1", "-o", "x.pdf"]] {
        let ran = sandbox.sortie(words.iter().copied()).run().code(2);
        ran.complains("there is none whose file ends with `.pdf`").complains("`.html`").done();
        assert!(!sandbox.project().join("out").exists());
        sandbox.sortie(["run", "p.yml", "-q", "--summary=x"]).run().code(0).done();
    }
    assert!(read(sandbox.project().join("x")).starts_with("# "));
    sandbox.sortie(["jobs", "summary", "1", "-o", "x.pdf", "--format", "csv"]).run().code(0).done();
}

#[test]
fn a_summary_goes_to_the_output_of_the_run_whatever_that_is() {
    let sandbox = Sandbox::new().file("p.yml", "version: 3\nstages: { a: { run: echo ran } }\n");
    let run = ["run", "p.yml", "--ui", "plain", "--summary=/dev/stdout"];
    // Here it is a pipe.
    sandbox.sortie(run).run().code(0).says("ran").says("p: job #1").says("| Started |").done();
    let script = "\"$0\" run p.yml --ui plain --summary=/dev/stdout > file; echo $?";
    sandbox.program("sh", ["-c", script, SORTIE]).run().code(0).says("0").done();
    let file = read(sandbox.project().join("file"));
    let place = |text: &str| file.find(text).unwrap_or_else(|| panic!("no `{text}` in {file}"));
    assert!(place("| ran") < place("| Started |"), "{file}");
    assert!(place("job #2 passed") < place("| Started |"), "{file}");
    let ran = sandbox.sortie(["run", "p.yml", "--summary=/dev/stderr"]).run().code(0);
    ran.complains("| Started |").done();
    let ran = sandbox.sortie(["run", "p.yml", "--detach", "--summary=/dev/stdout"]).run().code(2);
    ran.complains("a detached job has no output to print to").done();
    assert!(std::fs::symlink_metadata("/dev/stdout").is_ok_and(|it| it.is_symlink()), "nothing replaced it");
}

#[test]
fn a_report_is_a_plain_file_and_what_was_not_written_is_told_to_everybody() {
    let text = "version: 3\nstages: {a: {run: 'test -p pipe.md || mkfifo pipe.md'}}\n";
    let sandbox = Sandbox::new().file("playbooks/p.yml", text);
    let pipe = sandbox.project().join("pipe.md");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("it is new");
    let refused = sandbox.sortie(["run", "p", "--summary=pipe.md"]).run().code(2);
    refused
        .complains("the summary cannot go to `pipe.md`: a pipe is there, and reports are plain files")
        .done();
    let words = "the report `pipe.md` could not be written: a pipe is there, and reports are plain files";
    let run = |more: &[&'static str]| {
        // It is there before the job ends.
        std::fs::remove_file(&pipe).expect("it is ours");
        let words = ["run", "p", "--summary=pipe.md"].into_iter().chain(more.iter().copied());
        sandbox.sortie(words).run().code(0)
    };
    run(&["-q"]).says(&format!("warning: {words}")).done();
    run(&["--ui", "json"]).complains(&format!("warning: {words}")).done();
    run(&["--detach"]).done();
    sandbox.sortie(["jobs", "wait", "3"]).run().code(0).done();
    sandbox.sortie(["jobs", "show", "3"]).run().code(0).says(&format!("warning: {words}")).done();
    let shown = sandbox.sortie(["jobs", "show", "3", "--json"]).run().code(0).json_lines().remove(0);
    assert_eq!(shown["warnings"][0], words, "{shown}");
    let lost = sandbox.sortie(["jobs", "summary", "1", "--output", "pipe.md"]).run().code(5);
    lost.complains("the summary cannot be written to `pipe.md`: a pipe is there").done();
    // Where another place is named all is well, and nobody is warned any more.
    let asked = ["run", "p", "--summary=new/er/x.md"];
    sandbox.sortie(asked).run().code(0).says("report new/er/x.md (the folder `new` is new)").done();
    let asked = ["run", "p", "--summary=new/other/x.md"];
    sandbox.sortie(asked).run().code(0).says("report new/other/x.md (the folder `new/other` is new)").done();
    sandbox.sortie(asked).run().code(0).says("report new/other/x.md\n").done();
    let summary = ["jobs", "summary", "1", "--output", "late/x.md"];
    sandbox.sortie(summary).run().code(0).says("is in `late/x.md` (the folder `late` is new)").done();
    nothing_is_left(&sandbox, std::time::Duration::from_secs(5));
}
