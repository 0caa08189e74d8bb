//! The numbered script library: a folder of 200 scripts of each kind, every form of selector, profiles and matrices.
//!
//! Not here: what a selector is (`logic/playbook/scripts/tests.rs`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::kit::{Sandbox, nothing_is_left};

/// Numbers of the scripts of a library: 200, with holes.
fn numbers() -> impl Iterator<Item = u32> {
    (100..=9999).step_by(7).filter(|number| !(500..600).contains(number)).take(200)
}

/// What each kind says of itself, and how it tells what it was given.
const SH: &str = "#!/bin/sh\n# Stage: Core\n# Tags: shell, fast\n# Parameters: profile, dry-run?\n\
                  echo \"@NUMBER@ args=[$*] profile=${SORTIE_MATRIX_PROFILE-none} team=${SORTIE_VAR_TEAM-none}\" >> \"$SORTIE_WORKSPACE/ran.txt\"\n";
const PY: &str = "# Stage: Test\n# Tags: python\n# Parameters: profile\nimport os, sys\n\
                  line = '@NUMBER@ args=[%s] profile=%s team=%s' % (' '.join(sys.argv[1:]),\n    \
                  os.environ.get('SORTIE_MATRIX_PROFILE', 'none'), os.environ.get('SORTIE_VAR_TEAM', 'none'))\n\
                  open(os.environ['SORTIE_WORKSPACE'] + '/ran.txt', 'a').write(line + '\\n')\n";
const OTHER: &str = "#!/usr/bin/perl\n# Tags: fast\nopen my $f, '>>', \"$ENV{SORTIE_WORKSPACE}/ran.txt\"; \
                     print $f \"@NUMBER@ args=[@ARGV]\\n\";\n";

/// A project with 200 scripts: every third a shell script, a Python one that cannot be executed, or another program.
fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let folder = sandbox.project().join("scripts");
    for (at, number) in numbers().enumerate() {
        let (text, ending, is_executable) = match at % 3 {
            0 => (SH, ".sh", at % 2 == 0),
            1 => (PY, ".py", false),
            _ => (OTHER, "", true),
        };
        let below = folder.join(format!("{:02}", number / 100));
        fs::create_dir_all(&below).expect("a folder");
        let path = below.join(format!("{number:04}_Do-It{ending}"));
        fs::write(&path, text.replace("@NUMBER@", &format!("{number:04}"))).expect("a script");
        let mode = if is_executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    fs::write(folder.join("README.md"), "no script").expect("a file");
    fs::write(folder.join("0500_notes.txt"), "no script either").expect("a file");
    sandbox
}

/// Returns the lines that scripts have left, and forgets them.
fn ran(sandbox: &Sandbox) -> Vec<String> {
    let path = sandbox.project().join("ran.txt");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let _gone = fs::remove_file(path);
    text.lines().map(str::to_owned).collect()
}

fn first_words(lines: &[String]) -> Vec<u32> {
    lines.iter().map(|line| line[..4].parse().expect("a number")).collect()
}

fn of(test: impl Fn(u32) -> bool) -> Vec<u32> {
    numbers().filter(|number| test(*number)).collect()
}

/// The number of the script at a place.
fn at(place: usize) -> u32 {
    numbers().nth(place).expect("it is there")
}

fn kind(number: u32) -> usize {
    numbers().position(|it| it == number).expect("it is there") % 3
}

#[test]
fn every_selector_runs_the_right_scripts_in_the_right_order() {
    let sandbox = library();
    let (one, python, program) = (format!("{:04}", at(0)), format!("{:04}", at(1)), format!("{:04}", at(2)));
    let out = format!("!{:04}", at(7));
    let cases: Vec<(Vec<&str>, Vec<u32>)> = vec![
        (vec![&one], vec![at(0)]),
        (vec![&python], vec![at(1)]),
        (vec![&program], vec![at(2)]),
        (vec!["0100-0199"], of(|it| (100..200).contains(&it))),
        (vec!["1*"], of(|it| (100..200).contains(&it))),
        (vec!["011*"], of(|it| (110..120).contains(&it))),
        (vec!["0100-0199", &out], of(|it| (100..200).contains(&it) && it != at(7))),
        (vec!["0100-0150", "!stage:Core"], of(|it| (100..=150).contains(&it) && kind(it) != 0)),
        (vec!["tag:python", "!0150-9999"], of(|it| it < 150 && kind(it) == 1)),
        (vec!["stage:test,0100", "!0150-9999"], of(|it| it < 150 && (kind(it) == 1 || it == 100))),
        // With a hole of a hundred numbers in it.
        (vec!["0480-0620"], of(|it| (480..=620).contains(&it))),
    ];
    for (words, meant) in cases {
        assert!(!meant.is_empty(), "{words:?}");
        let all = ["run"].into_iter().chain(words.iter().copied());
        sandbox.sortie(all).run().code(0).done();
        assert_eq!(first_words(&ran(&sandbox)), meant, "{words:?}");
        let listed =
            sandbox.sortie(["playbooks", "scripts", "--json"].into_iter().chain(words.iter().copied()));
        let listed = listed.run().code(0).json_lines();
        let told: Vec<u32> = listed[0]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it["number"].as_str().expect("text").parse().expect("a number"))
            .collect();
        assert_eq!(told, meant, "{words:?}");
    }
    sandbox.sortie(["playbooks", "scripts"]).run().code(0).says("scripts/01/0100_Do-It.sh").done();
    nothing_is_left(&sandbox, std::time::Duration::from_secs(2));
}

#[test]
fn an_empty_result_a_doubled_number_and_a_hole_are_told_and_nothing_runs() {
    let sandbox = library();
    let missing = sandbox.sortie(["run", "0101"]).run().code(2);
    missing
        .complains("there is no script 0101 in `scripts/` or `automation-scripts/`")
        .complains("did you mean `0100`?")
        .done();
    let empty = sandbox.sortie(["run", "0500-0599"]).run().code(2);
    empty
        .complains("`0500-0599` means no script in `scripts/` or `automation-scripts/`")
        .complains("playbooks scripts")
        .done();
    sandbox.sortie(["run", "tag:nobody"]).run().code(2).complains("`tag:nobody` means no script").done();
    sandbox.sortie(["run", "!0100"]).run().code(2).complains("only take out").done();
    sandbox.sortie(["run", "0199-0100"]).run().code(2).complains("ends before it begins").done();
    sandbox
        .sortie(["run", "0100", "nightly"])
        .run()
        .code(2)
        .complains("`nightly` is no selector of scripts")
        .done();
    // One of several that means nothing is told, and the others run.
    sandbox.sortie(["run", "0100,0500-0599"]).run().code(0).complains("1 warning").done();
    assert_eq!(first_words(&ran(&sandbox)), [100]);
    fs::write(sandbox.project().join("scripts/0100_Other.sh"), SH).expect("a script");
    let twice = sandbox.sortie(["run", "0100-0199"]).run().code(2);
    twice.complains("several scripts have the number 0100").complains("`scripts/0100_Other.sh`").done();
    sandbox.sortie(["run", "0100-0199", "!0100"]).run().code(0).done();
    assert!(!first_words(&ran(&sandbox)).contains(&100));
    let none = Sandbox::new();
    none.sortie(["run", "0402"]).run().code(2).complains("this project has no scripts").done();
    none.sortie(["playbooks", "scripts"]).run().code(0).says("this project has no scripts").done();
    assert!(!none.project().join(".sortie").exists(), "nothing began");
}

#[test]
fn values_of_the_matrix_and_variables_reach_scripts_by_environment_and_as_parameters() {
    let sandbox = library();
    let shell = format!("{:04}", at(0));
    let words = [
        "run",
        &shell,
        "--matrix",
        "profile=quick,it's \"full\"",
        "--matrix",
        "platform=a,b",
        "--var",
        "team=x y",
    ];
    sandbox.sortie(words).run().code(0).done();
    let mut lines = ran(&sandbox);
    lines.sort();
    let line = |profile: &str| format!("0100 args=[--profile {profile}] profile={profile} team=x y");
    assert_eq!(
        lines,
        [line("it's \"full\""), line("it's \"full\""), line("quick"), line("quick")],
        "four cells"
    );
    // A matrix goes before inputs, those before variables; what is declared and has no value is left out.
    for (words, told) in [
        (vec!["--var", "profile=a"], "args=[--profile a] profile=none"),
        (vec!["--var", "profile=a", "--matrix", "profile=b"], "args=[--profile b] profile=b"),
        (vec!["--var", "dry_run=true"], "args=[--dry-run] profile=none"),
        (vec!["--var", "dry_run=false"], "args=[] profile=none"),
        (vec!["--var", "profile="], "args=[--profile ] profile=none"),
        (vec![], "args=[] profile=none"),
    ] {
        let all = ["run", shell.as_str()].into_iter().chain(words.iter().copied());
        sandbox.sortie(all).run().code(0).done();
        assert_eq!(ran(&sandbox), [format!("0100 {told} team=none")], "{words:?}");
    }
    let python = format!("{:04}", at(1));
    sandbox.sortie(["orchestrate", &python, "--matrix", "profile=quick"]).run().code(0).done();
    assert_eq!(ran(&sandbox), [format!("{python} args=[--profile quick] profile=quick team=none")]);
    // A program that declares nothing is given nothing.
    let program = format!("{:04}", at(2));
    sandbox.sortie(["orch", &program, "--matrix", "profile=quick"]).run().code(0).done();
    assert_eq!(ran(&sandbox), [format!("{program} args=[]")]);
}

const STEPS: &str = "
version: 3
name: nightly
vars: {team: core}
stages:
  check:
    steps:
      - id: lint
        script: [0100, '0107,0121']
        timeout: 1m
        retry: {attempts: 2, backoff: {first: 10ms}}
      - script: 0128
        working-directory: scripts
        name: By its name
";

#[test]
fn steps_of_a_playbook_run_scripts_and_a_retry_runs_the_same_ones() {
    let sandbox = library().file("nightly.yml", STEPS);
    sandbox.sortie(["check", "nightly.yml"]).run().code(0).done();
    let plan = sandbox.sortie(["plan", "nightly.yml"]).run().code(0);
    plan.says("lint 0100, 0107, 0121")
        .says("0100_Do-It")
        .says("0107_Do-It")
        .says("0121_Do-It")
        .says("By its name")
        .done();
    sandbox.sortie(["run", "nightly.yml"]).run().code(0).done();
    let lines = ran(&sandbox);
    assert_eq!(first_words(&lines), [100, 107, 121, 128]);
    assert!(lines[0].ends_with("team=core"), "{lines:?}");
    // One is removed, another one takes a number that was free: the job knows its scripts.
    fs::remove_file(sandbox.project().join("scripts/01/0107_Do-It.py")).expect("it was there");
    fs::write(sandbox.project().join("scripts/0107_New.sh"), SH.replace("@NUMBER@", "9107"))
        .expect("a script");
    let failed = sandbox.sortie(["jobs", "retry", "last", "--all"]).run();
    let failed = failed.code(1);
    failed.done();
    assert_eq!(first_words(&ran(&sandbox)), [100]);
    sandbox.sortie(["run", "nightly.yml"]).run().code(0).done();
    assert_eq!(first_words(&ran(&sandbox)), [100, 9107, 121, 128]);
}

const ARGS: &str = "
version: 3
inputs: {word: {default: 'two words'}}
stages:
  check:
    matrix: {n: [7]}
    steps:
      - script: 0100
        args: [--to, '${{ inputs.word }}', \"it's; $(echo no) `no` \\\"$HOME\\\"\", '', 3, '${{ matrix.n }}']
      - script: [0107, 0121]
        args: -x
";

#[test]
fn arguments_reach_each_script_as_they_are() {
    let sandbox = library().file("p.yml", ARGS);
    sandbox.sortie(["run", "p.yml", "--var", "profile=quick"]).run().code(0).done();
    let lines = ran(&sandbox);
    let wanted =
        "0100 args=[--profile quick --to two words it's; $(echo no) `no` \"$HOME\"  3 7] profile=none";
    assert!(lines[0].starts_with(wanted), "{lines:?}");
    assert!(lines[1].starts_with("0107 args=[--profile quick -x]"), "{lines:?}");
    assert!(lines[2].starts_with("0121 args=[--profile quick -x]"), "{lines:?}");
    let wrong = ARGS.replace("args: -x", "args: {a: b}");
    let wrong =
        library().file("p.yml", &wrong).file("q.yml", &wrong.replace("script: [0107, 0121]", "run: x"));
    wrong.sortie(["check", "p.yml"]).run().code(2).says("expected text").done();
    wrong.sortie(["check", "q.yml"]).run().code(2).says("`args` belongs to a step with `script`").done();
}

#[test]
fn a_result_depends_on_the_script_that_made_it() {
    let sandbox = Sandbox::new().file(
        "p.yml",
        "version: 3\nstages:\n  make:\n    cache: {inputs: [in.txt], outputs: [out.txt]}\n    steps: [{script: 0001}]\n",
    );
    let script = sandbox.project().join("scripts/0001_Make.sh");
    fs::create_dir_all(script.parent().expect("a folder")).expect("a folder");
    fs::write(sandbox.project().join("in.txt"), "in").expect("a file");
    let out = |sandbox: &Sandbox| fs::read_to_string(sandbox.project().join("out.txt")).expect("it was made");
    let write =
        |path: &Path, word: &str| fs::write(path, format!("echo {word} > out.txt\n")).expect("a script");
    write(&script, "one");
    sandbox.sortie(["run", "p.yml"]).run().code(0).done();
    assert_eq!(out(&sandbox), "one\n");
    sandbox.sortie(["run", "p.yml"]).run().code(0).says("cached").done();
    write(&script, "two");
    sandbox.sortie(["run", "p.yml"]).run().code(0).done();
    assert_eq!(out(&sandbox), "two\n");
    sandbox.sortie(["run", "p.yml"]).run().code(0).says("cached").done();
}

#[test]
fn the_folders_of_scripts_are_a_setting() {
    let sandbox = library().file("tools/nightly/9000_Own.sh", &SH.replace("@NUMBER@", "9000"));
    let sandbox = sandbox.file("sortie.yml", "scripts:\n  folders: [tools, tools/nightly/]\n");
    let listed = sandbox.sortie(["playbooks", "scripts"]).run().code(0);
    assert_eq!(listed.out.lines().count(), 1, "{}", listed.out);
    listed.says("tools/nightly/9000_Own.sh").done();
    sandbox.sortie(["run", "9000"]).run().code(0).done();
    assert_eq!(first_words(&ran(&sandbox)), [9000]);
    let gone = sandbox.sortie(["run", "0100"]).run().code(2);
    gone.complains("there is no script 0100 in `tools/` or `tools/nightly/`").done();
    let other = sandbox.sortie(["run", "0100"]).env("SORTIE_SET_SCRIPTS_FOLDERS", "scripts, elsewhere");
    other.run().code(0).done();
    let explained = sandbox.sortie(["config", "explain", "scripts.folders"]).run().code(0);
    explained.says("tools,tools/nightly/").says("sortie.yml:2").done();
    for wrong in ["[]", "../other", "/tmp", "[a, [b]]", "{a: b}", "['a,b']", "''"] {
        let text = format!("scripts:\n  folders: {wrong}\n");
        let sandbox = Sandbox::new().file("sortie.yml", &text);
        let refused = sandbox.sortie(["playbooks", "scripts"]).run().code(2);
        refused.complains("the setting `scripts.folders` takes folders below the project's").done();
    }
}

const PROFILES: &str = "
version: 3
vars: {depth: 1, team: core}
profiles:
  quick:
    description: A look before the commit
    exclude: [e2e]
    matrix: {os: [linux]}
  full:
    variables: {depth: 3}
  docs: {include: [docs]}
stages:
  test:
    matrix: {os: [linux, macos]}
    run: echo test ${{ matrix.os }} ${{ vars.depth }} ${{ vars.team }} >> ran.txt
  e2e: {needs: test, run: echo e2e >> ran.txt}
  docs: {needs: e2e, run: echo docs >> ran.txt}
finally:
  clean: {run: echo clean >> ran.txt}
";

#[test]
fn a_profile_chooses_variables_stages_and_axes_and_options_go_before_it() {
    let sandbox = Sandbox::new().file("p.yml", PROFILES);
    sandbox.sortie(["playbooks", "show", "p.yml"]).run().code(0).says("A look before the commit").done();
    for (words, told) in [
        (vec![], vec!["clean", "docs", "e2e", "test linux 1 core", "test macos 1 core"]),
        (vec!["--profile", "quick"], vec!["clean", "docs", "test linux 1 core"]),
        (vec!["--profile", "QUICK", "--matrix", "os=bsd"], vec!["clean", "docs", "test bsd 1 core"]),
        (vec!["--profile", "full"], vec!["clean", "docs", "e2e", "test linux 3 core", "test macos 3 core"]),
        (
            vec!["--profile", "full", "--var", "depth=9", "--skip", "e2e"],
            vec!["clean", "docs", "test linux 9 core", "test macos 9 core"],
        ),
        (vec!["--profile", "docs"], vec!["clean", "docs"]),
        (vec!["--profile", "quick", "--only", "e2e"], vec!["e2e"]),
    ] {
        let all = ["run", "p.yml"].into_iter().chain(words.iter().copied());
        sandbox.sortie(all).run().code(0).done();
        let mut lines = ran(&sandbox);
        lines.sort();
        assert_eq!(lines, told, "{words:?}");
    }
    let plan = sandbox.sortie(["plan", "p.yml", "--profile", "quick"]).run().code(0);
    plan.says("left out by the profile `quick`").done();
    let plan = sandbox.sortie(["plan", "p.yml", "--profile", "docs"]).run().code(0);
    plan.says("not in the profile `docs`").done();
    // Bare, the same again; and a retry has the profile of its job.
    sandbox.sortie(["run", "p.yml", "--profile", "quick"]).run().code(0).done();
    ran(&sandbox);
    sandbox.sortie(["run"]).run().code(0).done();
    assert_eq!(ran(&sandbox).len(), 3);
    sandbox.sortie(["jobs", "retry", "last", "--all"]).run().code(0).done();
    assert_eq!(ran(&sandbox).len(), 3);
    let refused = sandbox.sortie(["run", "p.yml", "--profile", "quik"]).run().code(2);
    refused.complains("there is no profile `quik`").complains("did you mean `quick`?").done();
    for (lists, options, told) in [
        ("exclude: [test, e2e, docs, clean]", &[][..], "the profile `quick` leaves no stage to run"),
        (
            "exclude: [test, e2e, docs]",
            &["--skip", "clean"],
            "the profile `quick` and these options leave no",
        ),
        ("exclude: [docs]", &["--skip", "test", "--only", "test"], "these options leave no stage"),
    ] {
        let empty = Sandbox::new().file("p.yml", &PROFILES.replace("exclude: [e2e]", lists));
        let all = ["plan", "p.yml", "--profile", "quick"].into_iter().chain(options.iter().copied());
        empty.sortie(all).run().code(2).complains(told).complains("--only").done();
    }
    let wrong = Sandbox::new().file("p.yml", &PROFILES.replace("[e2e]", "[e2]"));
    wrong
        .sortie(["check", "p.yml"])
        .run()
        .code(2)
        .says("there is no stage `e2`")
        .says("did you mean `e2e`?")
        .done();
}
