//! Artifacts: files of one stage, whole or not at all, for stages behind it and for people after the job.
//!
//! Not here: lists and links in detail (`src/engine/cache/artifacts`), names and rules (`src/logic/job/artifacts.rs`).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::kit::{Ran, Sandbox, nothing_is_left};

fn run(sandbox: &Sandbox) -> Ran {
    sandbox.sortie(["run", "it.yml", "--ui", "plain"]).run()
}

fn listed(sandbox: &Sandbox, job: &str) -> Vec<Value> {
    let ran = sandbox.sortie(["jobs", "artifacts", "list", job, "--json"]).run().code(0);
    ran.json_lines()[0]["artifacts"].as_array().cloned().expect("it is a list")
}

fn text(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const TWO: &str = r#"version: 3
name: two
stages:
  make:
    run: |
      mkdir -p dist/sub dist/empty dist/.secret
      echo one > dist/one; echo two > dist/sub/two; echo s > dist/.secret/s
      chmod +x dist/one; ln -s sub/two dist/link
      head -c 100000 /dev/zero > dist/large
    artifacts: { out: [{ name: dist, path: "dist/**" }] }
  take:
    needs: make
    run: rm -r dist; cat got/link got/one; ls -A got
    artifacts: { in: [{ name: dist, path: got }] }
"#;

#[test]
fn what_one_stage_keeps_another_one_takes_and_a_person_gets() {
    let sandbox = Sandbox::new().file("it.yml", TWO);
    run(&sandbox)
        .code(0)
        .says("make keeps the artifact `dist` (4 files, 97.6 KiB)")
        .says("take | two")
        .done();
    let got = sandbox.project().join("got");
    assert!(!got.join(".secret").exists(), "hidden files are left out");
    assert!(got.join("empty").is_dir(), "empty folders are kept");
    assert_eq!(fs::read_link(got.join("link")).expect("links are kept"), Path::new("sub/two"));
    let mode = |path: &str| fs::metadata(got.join(path)).expect("it was taken").mode() & 0o111;
    assert!(mode("one") != 0 && mode("sub/two") == 0, "the executable bit is kept");
    let all = listed(&sandbox, "last");
    assert_eq!((all.len(), &all[0]["name"], &all[0]["state"]), (1, &"dist".into(), &"there".into()));
    let sum = sandbox.program("sha256sum", ["got/large"]).run().code(0);
    let entries = all[0]["entries"].as_array().expect("it has some");
    let large = entries.iter().find(|it| it["path"] == "large").expect("it is listed");
    assert_eq!(sum.out.split(' ').next(), large["sha256"].as_str());
    // The files are not there any more; what was kept is, and pruning and clearing the cache leave it alone.
    for command in ["prune", "clear"] {
        sandbox.sortie(["cache", command]).run().code(0).done();
        sandbox.sortie(["cache", "verify"]).run().code(0).says("is whole").done();
    }
    sandbox
        .sortie(["jobs", "artifacts", "get", "last", "dist", "--to", "x"])
        .run()
        .code(0)
        .says("4 written")
        .done();
    sandbox.program("diff", ["-r", "got", "x"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn a_file_of_a_person_is_moved_aside_for_what_is_taken_and_told() {
    let text_of = |what: &str| {
        format!(
            "version: 3\nstages:\n  make: {{ run: mkdir -p dist; echo {what} > dist/a; echo b > dist/b, artifacts: {{ out: [{{ name: dist, path: 'dist/**' }}] }} }}\n  \
             take: {{ needs: make, run: cat got/a, artifacts: {{ in: [{{ name: dist, path: got }}] }} }}\n"
        )
    };
    let sandbox =
        Sandbox::new().file("it.yml", &text_of("one")).file("got/a", "by a person").file("got/mine", "mine");
    let told =
        "take: 1 file where the artifact `dist` goes that no kept artifact has, moved to `.sortie/jobs/";
    run(&sandbox).code(0).says(told).says("/replaced`: `got/a`").says("take | one").done();
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it is there").flatten();
    let aside = jobs.map(|it| it.path().join("replaced")).find(|it| it.is_dir()).expect("it was made");
    assert_eq!(fs::read_to_string(aside.join("got/a")).expect("it is there"), "by a person");
    assert_eq!(text(&sandbox, "got/mine"), "mine");
    let taken =
        sandbox.sortie(["jobs", "events", "last", "--type", "artifact.taken"]).run().code(0).json_lines();
    let notes = &taken[0]["data"]["artifacts"][0]["notes"];
    assert!(notes[0].as_str().is_some_and(|it| it.contains("`got/a`")), "{taken:?}");
    // What an artifact had is replaced without a word.
    fs::write(sandbox.project().join("it.yml"), text_of("two")).expect("the project is ours");
    let next = run(&sandbox).code(0).says("take | two");
    assert!(!next.out.contains("moved to"), "{}", next.out);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn getting_replaces_nothing_unless_it_is_asked_to() {
    let sandbox = Sandbox::new().file("it.yml", TWO).file("x/one", "mine\n").file("x/own", "mine\n");
    run(&sandbox).code(0).done();
    let get = |more: &[&'static str]| {
        let words = ["jobs", "artifacts", "get", "last", "dist", "--to", "x"];
        sandbox.sortie(words.into_iter().chain(more.iter().copied())).run()
    };
    get(&[]).code(5).complains("1 file would be replaced by another one").complains("--overwrite").done();
    assert_eq!(text(&sandbox, "x/one"), "mine\n");
    assert!(!sandbox.project().join("x/sub").exists(), "nothing of it was written");
    get(&["--overwrite"]).code(0).says("4 written").done();
    assert_eq!((text(&sandbox, "x/one"), text(&sandbox, "x/own")), ("one\n".to_owned(), "mine\n".to_owned()));
    get(&[]).code(0).says("0 written").done();
    let get = ["jobs", "artifacts", "get", "last", "dits"];
    sandbox.sortie(get).run().code(2).complains("did you mean `dist`?").done();
}

#[test]
fn what_is_missing_fails_the_cell_by_name_before_its_first_step() {
    let playbook = r#"version: 3
stages:
  make: { run: "true", artifacts: { out: [{ name: "a-${{ run.number }}", path: "dist/*" }] } }
  take:
    needs: make
    run: touch began
    artifacts: { in: [{ name: "a-x${{ run.number }}", path: got }] }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook);
    let ran =
        run(&sandbox).code(1).says("make keeps no artifact `a-1`: no file is there that `dist/*` names");
    ran.says("there is no artifact `a-x1` of the stages that `take` needs").done();
    assert!(!sandbox.project().join("began").exists());
}

#[test]
fn cells_that_come_to_one_name_are_refused_by_name() {
    let playbook = r#"version: 3
inputs: { n: { type: string, default: dist } }
stages:
  make:
    strategy: { matrix: { os: [a, b] }, max-parallel: 1, fail-fast: false }
    run: echo ${{ matrix.os }} > ${{ matrix.os }}
    artifacts: { out: [{ name: "${{ inputs.n }}", path: "${{ matrix.os }}" }] }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook);
    let ran = run(&sandbox).code(1).says("the artifact `dist` was already published by `make[os=");
    ran.says("put a value of the matrix into the name, such as `dist-${{ matrix.os }}`").done();
    assert_eq!(listed(&sandbox, "last").len(), 1);
}

#[test]
fn what_is_in_the_way_of_an_artifact_is_named_with_the_way_out() {
    let sandbox = Sandbox::new().file("it.yml", TWO).file("got", "mine");
    let place = |words: &str| {
        format!("the artifact `dist` cannot be put into place: {words}; remove what is there first")
    };
    run(&sandbox).code(1).says(&place("`got` is a file where a folder of it goes")).done();
    let got = sandbox.project().join("got");
    assert_eq!(fs::read_to_string(&got).expect("it is left alone"), "mine");
    fs::remove_file(&got).expect("the way out");
    fs::create_dir_all(got.join("one/mine")).expect("a folder");
    fs::remove_dir_all(sandbox.project().join("dist")).expect("it makes it anew");
    run(&sandbox).code(1).says(&place("`got/one` is a folder where a file of it goes")).done();
    assert_eq!(fs::read_dir(&got).expect("a folder").count(), 1, "nothing was put into place");
    for folder in ["got", "dist"] {
        fs::remove_dir_all(sandbox.project().join(folder)).expect("the way out");
    }
    run(&sandbox).code(0).done();
}

#[test]
fn a_cell_that_is_tried_again_replaces_its_own() {
    let playbook = r#"version: 3
stages:
  make:
    retry: { attempts: 2 }
    steps:
      - run: echo x >> dist
      - run: test "$(wc -l < dist)" = 2
    artifacts: { out: [{ name: dist, path: dist }] }
  take: { needs: make, run: cat got/dist, artifacts: { in: [{ name: dist, path: got }] } }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook);
    run(&sandbox).code(0).done();
    assert_eq!(text(&sandbox, "got/dist"), "x\nx\n");
    let all = listed(&sandbox, "last");
    assert_eq!((all.len(), &all[0]["run"]), (1, &2.into()));
}

#[test]
fn what_is_no_file_and_what_leads_out_fails_the_cell() {
    for (make, why) in [
        ("mkfifo dist/pipe", "`dist/pipe` is neither a file, a folder nor a link"),
        (
            "ln -s ../outside dist/link",
            "`dist/link` is a link to `../outside`, which leads out of the artifact",
        ),
        ("ln -s /etc/passwd dist/link", "which leads out of the artifact"),
    ] {
        let playbook = format!(
            "version: 3\nstages:\n  make:\n    run: mkdir dist; echo x > dist/x; {make}\n    artifacts: {{ out: [{{ name: dist, path: dist }}] }}\n"
        );
        let sandbox = Sandbox::new().file("it.yml", &playbook);
        run(&sandbox).code(1).says(why).done();
        assert!(listed(&sandbox, "last").is_empty());
    }
}

#[test]
fn nothing_is_put_where_a_link_leads() {
    let sandbox = Sandbox::new().file("it.yml", TWO).file("got/keep", "").file("elsewhere/two", "mine\n");
    symlink("../elsewhere", sandbox.project().join("got/sub")).expect("the project is ours");
    run(&sandbox).code(1).says("`got/sub` is a link where a folder of the artifact `dist` goes").done();
    assert_eq!(text(&sandbox, "elsewhere/two"), "mine\n");
}

#[test]
fn files_of_the_store_that_are_not_as_they_were_are_not_given_out() {
    let sandbox = Sandbox::new().file("it.yml", TWO);
    run(&sandbox).code(0).done();
    for folder in fs::read_dir(sandbox.project().join(".sortie/cache/blobs")).expect("it is there") {
        for file in fs::read_dir(folder.expect("it is there").path()).expect("it is there") {
            let path = file.expect("it is there").path();
            let mut bytes = fs::read(&path).expect("it is ours");
            if bytes.len() == 100_000 {
                bytes[5] = 1;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
                fs::write(&path, bytes).expect("it is ours");
            }
        }
    }
    let get = ["jobs", "artifacts", "get", "last", "dist", "--to", "x"];
    sandbox
        .sortie(get)
        .run()
        .code(5)
        .complains("its file `large` is missing in the store, or is another one")
        .done();
    assert!(!sandbox.project().join("x/one").exists());
    sandbox.sortie(["cache", "verify"]).run().code(5).says("its file `large` is missing or damaged").done();
}

#[test]
fn several_are_merged_unless_they_disagree() {
    let playbook = |text: &str| {
        format!(
            r#"version: 3
stages:
  make:
    matrix: {{ os: [a, b] }}
    run: mkdir -p ${{{{ matrix.os }}}}; echo ${{{{ matrix.os }}}} > ${{{{ matrix.os }}}}/own; echo {text} > ${{{{ matrix.os }}}}/all; mv ${{{{ matrix.os }}}}/own ${{{{ matrix.os }}}}/${{{{ matrix.os }}}}
    artifacts: {{ out: [{{ name: "d-${{{{ matrix.os }}}}", path: "${{{{ matrix.os }}}}/**" }}] }}
  take: {{ needs: make, run: "true", artifacts: {{ in: [{{ pattern: d-*, path: got, merge: true }}] }} }}
"#
        )
    };
    let sandbox = Sandbox::new().file("it.yml", &playbook("same"));
    run(&sandbox).code(0).done();
    let read = |path: &str| text(&sandbox, path);
    assert_eq!([read("got/a"), read("got/b"), read("got/all")], ["a\n", "b\n", "same\n"]);
    let sandbox = Sandbox::new().file("it.yml", &playbook("${{ matrix.os }}"));
    run(&sandbox).code(1).says("the artifacts `d-a` and `d-b` both have `got/all`, and not the same").done();
    assert!(!sandbox.project().join("got").exists());
}

#[test]
fn a_result_that_is_taken_again_publishes_its_artifacts_without_a_process() {
    let playbook = r#"version: 3
stages:
  make:
    cache: { inputs: [in], outputs: [] }
    run: mkdir -p dist; cp in dist/in; echo ran >> runs
    artifacts: { out: [{ name: dist, path: dist }] }
  take:
    needs: make
    cache: { inputs: [], outputs: [made] }
    run: cp got/in made; echo ran >> took
    artifacts: { in: [{ name: dist, path: got }] }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook).file("in", "one\n");
    run(&sandbox).code(0).done();
    fs::remove_dir_all(sandbox.project().join("dist")).expect("it is ours");
    fs::remove_dir_all(sandbox.project().join("got")).expect("it is ours");
    run(&sandbox).code(0).says("make keeps the artifact `dist` (1 file, 4 B)").done();
    assert_eq!((text(&sandbox, "runs"), text(&sandbox, "took")), ("ran\n".to_owned(), "ran\n".to_owned()));
    // The first job goes, and with it what kept its files; the second one has its own.
    sandbox.sortie(["jobs", "artifacts", "get", "2", "dist", "--to", "x"]).run().code(0).done();
    assert_eq!(text(&sandbox, "x/in"), "one\n");
    // Another artifact is another result.
    fs::write(sandbox.project().join("in"), "two\n").expect("it is ours");
    run(&sandbox).code(0).done();
    assert_eq!(
        (text(&sandbox, "made"), text(&sandbox, "took")),
        ("two\n".to_owned(), "ran\nran\n".to_owned())
    );
}

/// `use` takes what `make` made into a folder, changes a file of it, and is cached; `see` reads both without a cache.
const USED: &str = r#"version: 3
stages:
  make:
    cache: { inputs: [in], outputs: [] }
    run: rm -rf dist; mkdir dist; cp in dist/in; echo plain > dist/plain; echo $(cat in) more > dist/more-$(cat in)
    artifacts: { out: [{ name: dist, path: dist }] }
  use:
    needs: make
    cache: { inputs: [], outputs: [got/in, made] }
    run: cat got/* > made; echo changed >> got/in; echo ran >> ran
    artifacts: { in: [{ name: dist, path: got }] }
  see: { needs: use, run: 'cat got/in got/plain made > seen' }
"#;

#[test]
fn what_is_there_after_a_run_is_there_after_its_result_is_taken_again() {
    let sandbox = Sandbox::new().file("it.yml", USED).file("in", "one\n");
    run(&sandbox).code(0).says("use passed").done();
    let seen = text(&sandbox, "seen");
    let got = sandbox.project().join("got");
    let old = |name: &str, content: &str| fs::write(got.join(name), content).expect("it is ours");
    let changes: [&dyn Fn(); 3] = [
        &|| fs::remove_dir_all(&got).expect("it is ours"),
        &|| old("plain", "old\n"),
        // What the stage has changed is an output of it.
        &|| old("in", "one\n"),
    ];
    for change in changes {
        change();
        run(&sandbox).code(0).says("make cached").says("use cached").done();
        assert_eq!(
            (text(&sandbox, "seen"), text(&sandbox, "got/plain")),
            (seen.clone(), "plain\n".to_owned())
        );
        assert_eq!(
            (text(&sandbox, "got/in"), text(&sandbox, "ran")),
            ("one\nchanged\n".to_owned(), "ran\n".to_owned())
        );
    }
    // Nor is one that cannot be put into place a success.
    fs::remove_file(got.join("plain")).expect("it is ours");
    fs::create_dir(got.join("plain")).expect("it is ours");
    run(&sandbox).code(1).says("use failed").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn files_of_an_earlier_artifact_do_not_get_into_a_result() {
    let sandbox = Sandbox::new().file("it.yml", USED).file("in", "one\n");
    run(&sandbox).code(0).says("use passed").done();
    fs::write(sandbox.project().join("in"), "two\n").expect("it is ours");
    let told = "use is not kept in the cache: files of an earlier artifact are in a folder that it takes artifacts into";
    for _ in 0..2 {
        run(&sandbox).code(0).says("use passed").says(told).says("`got/more-one`").done();
        assert!(text(&sandbox, "made").contains("one more"), "the command reads it");
    }
    fs::remove_file(sandbox.project().join("got/more-one")).expect("it is ours");
    // What a person puts there is no artifact's.
    fs::write(sandbox.project().join("got/mine"), "mine\n").expect("it is ours");
    run(&sandbox).code(0).says("use passed").done();
    run(&sandbox).code(0).says("use cached").done();
    assert!(!text(&sandbox, "made").contains("one more"));
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_is_taken_is_no_undeclared_write() {
    let playbook = r#"version: 3
stages:
  make: { run: "mkdir -p dist/sub; cp in dist/sub/x", artifacts: { out: [{ name: dist, path: "dist/**" }] } }
  take:
    needs: make
    cache: { inputs: [in], outputs: [made], strict: true }
    run: cp got/sub/x made
    artifacts: { in: [{ name: dist, path: got }] }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook).file("in", "one\n");
    let decision = || {
        let events =
            sandbox.sortie(["jobs", "events", "last", "--type", "cache.*"]).run().code(0).json_lines();
        let of_take = events.iter().filter(|it| it["stage"] == "take" && it["type"] != "cache.waiting");
        of_take.map(|it| it["type"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    run(&sandbox).code(0).done();
    assert_eq!(decision(), ["cache.miss", "cache.stored"]);
    // They are missing: what brings them back is still no write of the stage.
    fs::remove_dir_all(sandbox.project().join("got")).expect("it is ours");
    fs::remove_file(sandbox.project().join("made")).expect("it is ours");
    run(&sandbox).code(0).done();
    assert_eq!((decision(), text(&sandbox, "made")), (vec!["cache.hit".to_owned()], "one\n".to_owned()));
    fs::write(sandbox.project().join("in"), "two\n").expect("it is ours");
    run(&sandbox).code(0).done();
    assert_eq!(decision(), ["cache.miss", "cache.stored"]);
    // The same for rules of all stages.
    for _ in 0..2 {
        fs::remove_dir_all(sandbox.project().join("got")).unwrap_or_default();
        let ran = sandbox.sortie(["run", "it.yml", "--ui", "plain", "--cache"]).run().code(0);
        assert!(
            !ran.out.contains("no outputs of it") && !ran.err.contains("no outputs of it"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn what_others_take_meanwhile_is_no_undeclared_write() {
    let playbook = r#"version: 3
stages:
  make: { run: "mkdir dist; echo x > dist/x", artifacts: { out: [{ name: dist, path: "dist/**" }] } }
  slow:
    needs: make
    cache: { inputs: [in], outputs: [begun, made], strict: true }
    run: touch begun; until test -e got/x; do sleep 0.02; done; echo x > made
  see: { needs: make, cache: { inputs: [in], outputs: [seen] }, run: "until test -e begun; do sleep 0.02; done; touch seen" }
  take: { needs: see, run: "true", artifacts: { in: [{ name: dist, path: got }] } }
"#;
    let sandbox = Sandbox::new().file("it.yml", playbook).file("in", "one\n");
    sandbox.sortie(["run", "it.yml", "--ui", "plain", "--max-parallel", "2"]).run().code(0).done();
    let events = sandbox.sortie(["jobs", "events", "last", "--type", "cache.*"]).run().code(0).json_lines();
    let stored = events.iter().any(|it| it["stage"] == "slow" && it["type"] == "cache.stored");
    assert!(stored, "{events:?}");
}

#[test]
fn artifacts_are_verified_although_the_results_cannot_be_read() {
    let sandbox = Sandbox::new()
        .file("it.yml", &TWO.replace("    run: |", "    cache: { inputs: [], outputs: [] }\n    run: |"));
    run(&sandbox).code(0).done();
    let cache = sandbox.project().join(".sortie/cache");
    for name in ["cache.db-wal", "cache.db-shm"] {
        fs::remove_file(cache.join(name)).unwrap_or_default();
    }
    fs::write(cache.join("cache.db"), "no database\n".repeat(1_000)).expect("it is ours");
    let verify = |more: &[&'static str]| {
        sandbox.sortie(["cache", "verify"].into_iter().chain(more.iter().copied())).run()
    };
    verify(&[]).code(5).says("`cache.db`: it is damaged").says("1 problem in 0 results, 1 artifact").done();
    let mut gone = 0;
    for folder in fs::read_dir(cache.join("blobs")).expect("it is there").flatten() {
        for file in fs::read_dir(folder.path()).expect("it is there").flatten() {
            if file.metadata().expect("it is there").len() == 100_000 {
                fs::remove_file(file.path()).expect("it is ours");
                gone += 1;
            }
        }
    }
    assert_eq!(gone, 1);
    verify(&[]).code(5).says("its file `large` is missing or damaged").says("2 problems").done();
    assert_eq!(fs::read(cache.join("cache.db")).expect("it stays").len(), 12_000);
    verify(&["--repair"]).code(0).says("its file `large` is missing or damaged").done();
}

#[test]
fn summaries_and_results_tell_of_artifacts() {
    let sandbox = Sandbox::new().file("it.yml", &TWO.replace("name: dist,", "name: \"a & [b](c)\","));
    run(&sandbox).code(0).done();
    let name = "a & [b](c)";
    let shown = sandbox.sortie(["jobs", "show", "last", "--json"]).run().code(0).json_lines();
    let dir = Path::new(shown[0]["dir"].as_str().expect("a job has a folder")).to_path_buf();
    let read =
        |format: &str| sandbox.sortie(["jobs", "summary", "last", "--format", format]).run().code(0).out;
    let all = &listed(&sandbox, "last")[0];
    let summary: Value = serde_json::from_str(&read("json")).expect("it is JSON");
    let result = fs::read_to_string(dir.join("result.json")).expect("every job leaves it");
    let result: Value = serde_json::from_str(&result).expect("it is JSON");
    let (told, left) = (&summary["artifacts"][0], &result["artifacts"][name]);
    assert_eq!((&told["name"], &told["expired"]), (&name.into(), &false.into()));
    for member in ["cell", "run", "files", "bytes", "digest", "until"] {
        assert!(!all[member].is_null(), "{member}");
        assert_eq!((&told[member], &left[member]), (&all[member], &all[member]), "{member}");
    }
    let digest = all["digest"].as_str().expect("a text");
    let row = "| a &amp; \\[b\\](c) | make | 4 | 97.6 KiB | until ";
    let page = read("md");
    assert!(page.contains("## Artifacts") && page.contains(row) && page.contains(digest), "{page}");
    let rows = read("csv");
    let of_maker = rows.lines().find(|row| row.contains(",make,make,")).expect("it has a row");
    assert!(rows.lines().next().is_some_and(|head| head.ends_with(",artifacts")), "{rows}");
    assert!(of_maker.ends_with(&format!(",{name}")), "{rows}");
    let property = format!("name=\"artifact.a &amp; [b](c)\" value=\"4 files, 97.6 KiB, {digest}\"");
    assert!(read("junit").contains(&property), "{}", read("junit"));
    let page = read("html");
    assert!(page.contains("<h2>Artifacts</h2>") && page.contains("<td>a &amp; [b](c)</td>"), "{page}");
    let page = read("text");
    assert!(page.contains("a & [b](c) 4 files 97.6 KiB until "), "{page}");
}

/// Files of the jobs of a project that keep artifacts.
#[cfg(feature = "faults")]
fn pins(sandbox: &Sandbox) -> usize {
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("there was a job");
    jobs.flatten().filter_map(|job| fs::read_dir(job.path().join("artifacts")).ok()).flatten().count()
}

#[cfg(feature = "faults")]
#[test]
fn death_at_any_point_of_publishing_and_taking_leaves_all_or_nothing() {
    let mut at = 1;
    loop {
        let sandbox = Sandbox::new().file("it.yml", TWO);
        let run = sandbox.sortie(["run", "it.yml", "--ui", "plain"]);
        let ran = run.env("SORTIE_FAULT_CACHE_AT", &at.to_string()).run();
        if ran.is_code(0) {
            break;
        }
        // Whoever sees it, sees all of it.
        for it in listed(&sandbox, "last") {
            assert_eq!((&it["state"], &it["files"]), (&"there".into(), &4.into()), "point {at}");
        }
        sandbox.sortie(["jobs", "recover"]).run().done();
        sandbox.sortie(["jobs", "wait", "last"]).run().done();
        let events = sandbox.sortie(["jobs", "events", "last"]).run().code(0).json_lines();
        let count = |word: &str| events.iter().filter(|it| it["type"] == word).count();
        assert!(count("artifact.published") <= 1, "point {at}: {events:?}");
        let place =
            |word: &str, stage: &str| events.iter().position(|it| it["type"] == word && it["stage"] == stage);
        if let Some(began) = place("step.started", "take") {
            let taken = place("artifact.taken", "take").expect("it takes before it begins");
            let there = place("artifact.published", "make").expect("it is published before it is taken");
            assert!(there < taken && taken < began, "point {at}");
        }
        sandbox.sortie(["cache", "verify"]).run().code(0).done();
        // What was cut off is done again by the next job.
        sandbox.sortie(["run", "it.yml", "--ui", "plain"]).run().code(0).done();
        assert_eq!(text(&sandbox, "got/sub/two"), "two\n", "point {at}");
        nothing_is_left(&sandbox, Duration::from_secs(20));
        at += 1;
    }
    assert!(at > 8, "only {at} points were passed");
}

#[cfg(feature = "faults")]
#[test]
fn what_is_over_goes_and_is_still_told_of() {
    let playbook = TWO.replace("path: \"dist/**\" }", "path: \"dist/**\", retention: 1h }");
    let sandbox = Sandbox::new().file("it.yml", &playbook);
    run(&sandbox).code(0).done();
    assert_eq!(pins(&sandbox), 1);
    let later = |words: &[&'static str]| {
        sandbox.sortie(words.iter().copied()).env("SORTIE_FAULT_CLOCK", "7200").run()
    };
    later(&["jobs", "artifacts", "list"]).code(0).says("expired on").done();
    later(&["cache", "prune"]).code(0).says("1 artifact is over").done();
    assert_eq!(pins(&sandbox), 0);
    let get = ["jobs", "artifacts", "get", "last", "dist"];
    later(&get).code(5).complains("the artifact `dist` is not kept any more").done();
    later(&["jobs", "artifacts", "list"]).code(0).says("expired on").done();
}
