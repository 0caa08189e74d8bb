//! What selectors mean, what is a script, and what it says of itself.

use super::*;
use crate::logic::playbook::scripts::head::script;

fn library() -> Library {
    let numbers = [5, 100, 199, 400, 401, 402, 404, 407, 410, 4000, 9999];
    let tagged = |number: u16| {
        let (stage, tags) = match number {
            400..=404 => ("Core", "# Tags: lint, fast"),
            407 => ("Test", "# Tags: linting"),
            _ => ("Rest", "# nothing"),
        };
        let head = format!("#!/bin/sh\n# Stage: {stage}\n{tags}\n");
        script(&format!("scripts/{number:04}_Do-It.sh"), true, head.as_bytes()).expect("it is one")
    };
    Library::new(Vec::new(), numbers.map(tagged).to_vec())
}

fn numbers(texts: &[&str]) -> Result<Vec<u16>, Nothing> {
    let all: Vec<Selector> = texts.iter().flat_map(|it| selectors(it).expect("selectors")).collect();
    Ok(library().select(&all)?.scripts.iter().map(|it| it.number).collect())
}

#[test]
fn each_form_of_a_selector_means_its_scripts_in_order_and_each_once() {
    for (texts, meant) in [
        (&["0402"][..], &[402][..]),
        (&["402"], &[402]),
        (&["0404,0402", "0402"], &[402, 404]),
        (&["0400-0404"], &[400, 401, 402, 404]),
        (&["0403-0409"], &[404, 407]),
        (&["0404-0404"], &[404]),
        (&["04*"], &[400, 401, 402, 404, 407, 410]),
        (&["4*"], &[400, 401, 402, 404, 407, 410]),
        (&["040*"], &[400, 401, 402, 404, 407]),
        (&["40*"], &[4000]),
        (&["stage:Core"], &[400, 401, 402, 404]),
        (&["STAGE: core"], &[400, 401, 402, 404]),
        (&["tag:lint"], &[400, 401, 402, 404]),
        (&["tag:FAST, tag:linting"], &[400, 401, 402, 404, 407]),
        (&["04*", "!0402"], &[400, 401, 404, 407, 410]),
        (&["!0402", "0400-0404", "!04*", "0005"], &[5]),
        (&["0000-9999", "!stage:core", "!tag:linting", "!0100-4000"], &[5, 9999]),
    ] {
        assert_eq!(numbers(texts).as_deref(), Ok(meant), "{texts:?}");
    }
}

#[test]
fn what_selects_nothing_is_an_error_and_what_is_idle_beside_others_is_told() {
    assert_eq!(numbers(&["0403"]), Err(Nothing::Unknown { number: 403, near: Some(402) }));
    assert_eq!(numbers(&["8000"]), Err(Nothing::Unknown { number: 8000, near: None }));
    assert_eq!(numbers(&["0500-0599"]), Err(Nothing::Empty));
    assert_eq!(numbers(&["tag:lin"]), Err(Nothing::Empty));
    assert_eq!(numbers(&["0402", "!04*"]), Err(Nothing::Empty));
    let all = selectors("0402,0500-0599,!0407,!0900").expect("selectors");
    let library = library();
    let found = library.select(&all).expect("one is left");
    assert_eq!(found.idle, [1, 3]);
    let twice = [
        library.scripts.clone(),
        vec![Script { path: "scripts/x/0402_b".into(), ..library.scripts[5].clone() }],
    ];
    let twice = Library::new(Vec::new(), twice.concat());
    let Err(Nothing::Double { number: 402, paths }) = twice.select(&all) else {
        panic!("0402 is there twice")
    };
    assert_eq!(paths, ["scripts/0402_Do-It.sh", "scripts/x/0402_b"]);
    assert!(
        twice.select(&selectors("0404").expect("one")).is_ok(),
        "what is not asked for may be there twice"
    );
}

#[test]
fn what_is_no_selector_is_told() {
    for text in [
        "x",
        "04021",
        "0402-",
        "-0402",
        "*",
        "04x*",
        "00001*",
        "stage:",
        "tag: ",
        "!",
        "!!0402",
        "0402 0403",
        "ci",
        "v1.2",
    ] {
        assert_eq!(selectors(text), Err(Wrong::NoSelector(text.trim().to_owned())), "{text}");
        assert!(!is_selection(text));
    }
    assert_eq!(selectors("0499-0400"), Err(Wrong::Backwards("0499-0400".to_owned())));
    assert_eq!(Selector::check(&selectors(" , ").expect("none")), Err(Wrong::Nothing));
    assert_eq!(Selector::check(&selectors("!0402").expect("one")), Err(Wrong::OnlyOut));
    assert!(!is_selection(""));
}

fn by(path: &str, is_executable: bool, head: &str) -> Option<String> {
    script(path, is_executable, head.as_bytes()).map(|it| it.by.join(" "))
}

#[test]
fn a_file_is_a_script_by_its_name_and_by_what_starts_it() {
    for (path, is_executable, head, started) in [
        ("s/0402_A.sh", true, "#!/bin/sh\n", Some("")),
        ("s/0402_A.sh", true, "echo\n", Some("sh")),
        ("s/0402_A.sh", false, "echo\n", Some("sh")),
        ("s/0402_A.sh", false, "#!/usr/bin/env bash\n", Some("bash")),
        ("s/0402_A.sh", false, "#!/usr/bin/env -S bash -eu\n", Some("bash -eu")),
        ("s/0402_A.sh", false, "#!/bin/dash -e\n", Some("dash -e")),
        ("s/0402_A.sh", false, "#!/bin/sh;rm\n", Some("sh")),
        ("s/0402_A.sh", false, "#!\n", Some("sh")),
        ("s/0402_A.py", false, "import os\n", Some("python3")),
        ("s/0402_A.PY", true, "#!/usr/bin/env python3\n", Some("")),
        ("s/0402_A.ps1", true, "#!/usr/bin/env pwsh\n", Some("pwsh -NoProfile -NonInteractive -File")),
        ("s/0402_A", true, "\u{7f}ELF", Some("")),
        ("s/0402_A.rb", true, "#!/usr/bin/env ruby\n", Some("")),
        ("s/0402_A.rb", false, "#!/usr/bin/env ruby\n", None),
        ("s/0402_A.md", false, "# Stage: Core\n", None),
        ("s/402_A.sh", true, "", None),
        ("s/0402-A.sh", true, "", None),
        ("s/0402_", true, "", None),
        ("s/04022_A.sh", true, "", None),
        ("s/٠٤٠٢_A.sh", true, "", None),
    ] {
        assert_eq!(by(path, is_executable, head).as_deref(), started, "{path} {is_executable} {head:?}");
    }
}

#[test]
fn a_script_says_its_stage_its_tags_and_what_it_takes_in_its_first_lines() {
    let head =
        "#!/bin/sh\n#\n#stage: Build it \n# TAGS: a, b;c\n# Parameters: profile, --dry-run?, 7up, x y\n";
    let it = script("s/0001_A.sh", true, head.as_bytes()).expect("it is one");
    assert_eq!(it.stage.as_deref(), Some("Build it"));
    assert_eq!(it.tags, ["a", "b", "c"]);
    let told: Vec<(&str, bool)> = it.parameters.iter().map(|it| (it.name.as_str(), it.is_switch)).collect();
    assert_eq!(told, [("profile", false), ("dry-run", true), ("x", false), ("y", false)]);
    assert_eq!(
        it.command(0),
        "\"$SORTIE_WORKSPACE\"/s/0001_A.sh ${SORTIE_PARAMETER_PROFILE+--profile \"$SORTIE_PARAMETER_PROFILE\"} \
         ${SORTIE_PARAMETER_DRY_RUN:+--dry-run} ${SORTIE_PARAMETER_X+--x \"$SORTIE_PARAMETER_X\"} \
         ${SORTIE_PARAMETER_Y+--y \"$SORTIE_PARAMETER_Y\"}"
    );
    let late = |lines: usize, text: &str| format!("{}{text}\n", "#\n".repeat(lines));
    let read = |head: String| script("s/0001_A.sh", true, head.as_bytes()).expect("it is one");
    assert_eq!(read(late(9, "# Stage: A")).stage.as_deref(), Some("A"));
    assert_eq!(read(late(10, "# Stage: A")).stage, None);
    assert_eq!(read(late(19, "# Tags: a")).tags, ["a"]);
    assert!(read(late(20, "# Tags: a")).tags.is_empty());
    assert_eq!(read("Stage: no comment\n".to_owned()).stage, None);
}

#[test]
fn parameters_of_powershell_are_those_of_its_block() {
    let head = "#Requires -Version 7\n# a param in a comment\n[CmdletBinding()]\nparam(\n    [Parameter(Mandatory)]\n    [string]$Profile = 'a, $b',\n    \
                # the other\n    [ValidateSet('x', 'y')] [string] $Platform,\n    [switch]$DryRun, $Count = (1 + $n)\n)\nparam($late)\n";
    let it = script("s/0001_A.ps1", false, head.as_bytes()).expect("it is one");
    let told: Vec<(&str, bool)> = it.parameters.iter().map(|it| (it.name.as_str(), it.is_switch)).collect();
    assert_eq!(told, [("Profile", false), ("Platform", false), ("DryRun", true), ("Count", false)]);
    assert!(it.command(0).contains("${SORTIE_PARAMETER_PROFILE+-Profile \"$SORTIE_PARAMETER_PROFILE\"}"));
    for head in ["", "param", "param(", "param()", "parameters($x)", "Param (\n$A\n)", "\u{feff}param($A)"] {
        let it = script("s/0001_A.ps1", false, head.as_bytes()).expect("it is one");
        let is_a = head.contains("$A");
        assert_eq!(it.parameters.len(), usize::from(is_a), "{head:?}");
    }
}

#[test]
fn a_path_with_odd_letters_is_one_word_for_a_shell() {
    let it = script("s/0001_it's $HOME.sh", true, b"#!/bin/sh\n").expect("it is one");
    assert_eq!(it.command(0), "\"$SORTIE_WORKSPACE\"/'s/0001_it'\\''s $HOME.sh'");
    assert_eq!(it.name(), "0001_it's $HOME");
    assert_eq!(
        Library::from_text(&Library::new(Vec::new(), vec![it.clone()]).to_text()),
        Some(Library::new(Vec::new(), vec![it]))
    );
}
