//! Single edits, one promise each.

use proptest::prelude::*;

use super::super::{Edit, Needs, NewStage, NewStep, Part, Spot, apply};
use super::{edited, fixtures};
use crate::logic::diag::Severity;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn add(stage: &str, needs: &[&str]) -> Edit {
    Edit::Needs { stage: stage.to_owned(), change: Needs::Add(names(needs)) }
}

fn take(stage: &str, needs: &[&str]) -> Edit {
    Edit::Needs { stage: stage.to_owned(), change: Needs::Remove(names(needs)) }
}

fn set(stage: &str, needs: &[&str]) -> Edit {
    Edit::Needs { stage: stage.to_owned(), change: Needs::Set(names(needs)) }
}

fn rename(from: &str, to: &str) -> Edit {
    Edit::RenameStage { from: from.to_owned(), to: to.to_owned() }
}

fn remove(name: &str, unlink: bool) -> Edit {
    Edit::RemoveStage { name: name.to_owned(), unlink }
}

fn stage(name: &str, command: &str, at: Spot) -> Edit {
    let stage = NewStage { steps: vec![NewStep::Run(command.to_owned())], ..NewStage::default() };
    Edit::AddStage { name: name.to_owned(), stage, at }
}

/// Holds edits of the stages below `version: 3` to what they make of them.
fn hold(cases: &[(&str, Edit, &str)]) {
    let mut wrong = Vec::new();
    for (before, edit, after) in cases {
        let found = edited(&format!("version: 3\n{before}"), edit.clone());
        let found = match found {
            Ok(found) => found.strip_prefix("version: 3\n").unwrap_or(&found).to_owned(),
            Err(refusal) => format!("refused: {}", refusal.problems[0].message),
        };
        if found != *after {
            wrong.push(format!("{edit:?} of\n{before}\n--- expected\n{after}\n--- found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_oddly_written_playbooks_are_in_order() {
    for (name, text) in fixtures() {
        let found = playbook::read(&Source::new(name.as_str(), text.as_str())).diagnostics;
        let errors: Vec<_> = found.iter().filter(|it| it.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn a_need_goes_in_as_the_others_are_written() {
    let list = |needs: &str| format!("stages:\n  a: {{run: x}}\n  b: {{run: x}}\n  c:\n    run: x\n{needs}");
    let case = |before: &str, after: &str| (list(before), list(after));
    let cases = [
        case("    needs: a\n", "    needs: [a, b]\n"),
        case("    needs: 'a'  # why\n", "    needs: ['a', b]  # why\n"),
        case("    needs: [a]\n", "    needs: [a, b]\n"),
        case("    needs: [ a ]\n", "    needs: [ a, b ]\n"),
        case("    needs: []\n", "    needs: [b]\n"),
        case("    needs:  # none\n", "    needs: b  # none\n"),
        case("    needs:\n    - a\n", "    needs:\n    - a\n    - b\n"),
        case(
            "    needs:\n      - a  # first\n      # last\n",
            "    needs:\n      - a  # first\n      - b\n      # last\n",
        ),
        case(
            "    needs: [\n      a,  # first\n    ]\n",
            "    needs: [\n      a,  # first\n      b,\n    ]\n",
        ),
        case("    needs: [\n      a  # first\n    ]\n", "    needs: [\n      a,  # first\n      b\n    ]\n"),
    ];
    let cases: Vec<_> = cases.iter().map(|(a, b)| (a.as_str(), add("c", &["b"]), b.as_str())).collect();
    hold(&cases);
    hold(&[
        (
            "stages: {a: {run: x}, b: {run: x}}\n",
            add("b", &["a"]),
            "stages: {a: {run: x}, b: {needs: a, run: x}}\n",
        ),
        (
            "stages:\n  a:\n    run: x\n  b:\n    # says\n    name: B\n    run: x\n",
            add("b", &["a"]),
            "stages:\n  a:\n    run: x\n  b:\n    # says\n    name: B\n    needs: a\n    run: x\n",
        ),
        (
            "stages:\n  - id: a\n    run: x\n  - run: x\n    id: b\n",
            add("b", &["A"]),
            "stages:\n  - id: a\n    run: x\n  - needs: A\n    run: x\n    id: b\n",
        ),
    ]);
}

#[test]
fn a_need_goes_out_with_its_comments_and_no_others() {
    let list = |needs: &str| format!("stages:\n  a: {{run: x}}\n  b: {{run: x}}\n  c:\n    run: x\n{needs}");
    let case = |before: &str, after: &str| (list(before), list(after));
    let cases = [
        case("    needs: [a, b]\n", "    needs: [b]\n"),
        case("    needs: [b, a]\n", "    needs: [b]\n"),
        case("    needs: [b, a,]\n", "    needs: [b,]\n"),
        case(
            "    needs:\n      # of a\n      - a  # more of a\n      # of b\n      - b\n",
            "    needs:\n      # of b\n      - b\n",
        ),
        case(
            "    needs: [\n      a,  # of a\n      b  # of b\n    ]\n",
            "    needs: [\n      b  # of b\n    ]\n",
        ),
        case("    # of needs\n    needs: a  # more\n", ""),
        case("    needs: [a]\n    env: {}\n", "    env: {}\n"),
        case("    needs:  # of needs\n      # of a\n      - a\n    env: {}\n", "    env: {}\n"),
        case(
            "    needs:  # of needs\n      # free\n\n      # of a\n      - a\n    env: {}\n",
            "    needs: []  # of needs\n      # free\n\n    env: {}\n",
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(a, b)| (a.as_str(), take("c", &["a"]), b.as_str())).collect();
    hold(&cases);
    hold(&[
        (
            "stages: {a: {run: x}, b: {run: x, needs: a}}\n",
            take("b", &["a"]),
            "stages: {a: {run: x}, b: {run: x}}\n",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {run: x, needs: [a # c\n   ]}\n",
            take("b", &["a"]),
            "refused: this part is written in a way in which the change would move comments or other parts",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {run: x}\n",
            take("b", &["a"]),
            "refused: stage `b` does not need `a`",
        ),
    ]);
}

#[test]
fn needs_that_are_set_keep_what_stays() {
    let stages = |needs: &str| {
        format!("stages:\n  a: {{run: x}}\n  b: {{run: x}}\n  c: {{run: x}}\n  d:\n    run: x\n{needs}")
    };
    let before = stages("    needs:\n      # one\n      - a\n      - b  # two\n");
    let cases = [
        (set("d", &["b", "c"]), stages("    needs:\n      - b  # two\n      - c\n")),
        (set("d", &["a", "b"]), before.clone()),
        (set("d", &[]), stages("")),
        (set("d", &["c"]), stages("    needs:\n      - c\n")),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(edit, after)| (before.as_str(), edit.clone(), after.as_str())).collect();
    hold(&cases);
    let plain = stages("    needs:\n      - a\n      - b\n");
    hold(&[
        (&plain, set("d", &["c", "a"]), &stages("    needs:\n      - c\n      - a\n")),
        (&stages("    needs: [a, b]  # x\n"), set("d", &["b", "a"]), &stages("    needs: [b, a]  # x\n")),
        (
            &before,
            set("d", &["b", "a"]),
            "refused: this part is written in a way in which the change would move comments or other parts",
        ),
    ]);
}

#[test]
fn a_stage_goes_in_as_the_others_are_written() {
    hold(&[
        (
            "stages:\n    a:\n        run: x\n\n    b:\n        run: x\n# end\n",
            stage("c", "make\ntest\n", Spot::End),
            "stages:\n    a:\n        run: x\n\n    b:\n        run: x\n\n    c:\n        run: |\n            make\n            test\n# end\n",
        ),
        (
            "stages: {a: {run: x}}\n",
            stage("c", "a, b", Spot::Before("a".to_owned())),
            "stages: {c: {run: \"a, b\"}, a: {run: x}}\n",
        ),
        (
            "stages:\n- id: a\n  run: x\n",
            stage("c", "y", Spot::After("a".to_owned())),
            "stages:\n- id: a\n  run: x\n- id: c\n  run: \"y\"\n",
        ),
        (
            "stages:\n  a: {run: x}\nfinally: {b: {run: x}}\n",
            stage("c", "y z", Spot::After("b".to_owned())),
            "stages:\n  a: {run: x}\nfinally: {b: {run: x}, c: {run: y z}}\n",
        ),
        (
            "stages:\n  a: {run: x}",
            stage("c", "y z", Spot::End),
            "stages:\n  a: {run: x}\n  c:\n    run: y z",
        ),
        ("stages:\n  a: {run: x}\n", stage("A", "y", Spot::End), "refused: there is a stage `a` already"),
        (
            "stages:\n  a: {run: x}\n",
            stage("c", "y", Spot::After("d".to_owned())),
            "refused: there is no stage `d`",
        ),
        (
            "stages:\n  a: {run: x}\n",
            stage("a b", "y", Spot::End),
            "refused: `a b` cannot be the name of a stage",
        ),
    ]);
    let all = NewStage {
        steps: vec![NewStep::Run("a".to_owned()), NewStep::Script(names(&["0402", "!0403"]))],
        needs: names(&["a"]),
        matrix: vec![("os".to_owned(), vec![Part::text("linux"), Part::guessed("18")])],
        keys: vec![("timeout".to_owned(), Part::text("5m"))],
    };
    // Which scripts there are only a project knows.
    let edit = Edit::AddStage { name: "c".to_owned(), stage: all, at: Spot::End };
    hold(&[(
        "stages:\n  a: {run: x}\n",
        edit,
        "stages:\n  a: {run: x}\n  c:\n    needs: a\n    matrix:\n      os: [linux, 18]\n    timeout: 5m\n    steps:\n      - run: a\n      - script: [\"0402\", \"!0403\"]\n",
    )]);
}

#[test]
fn a_stage_goes_out_with_what_belongs_to_it() {
    let text = "stages:\n  # of a\n  a: {run: x}  # more\n\n  # free\n\n  # of b\n  # more of b\n  b:\n    run: |\n      # text\n      x\n    # end of b\n\n  # of c\n  c: {run: x}\n";
    hold(&[
        (
            text,
            remove("b", false),
            "stages:\n  # of a\n  a: {run: x}  # more\n\n  # free\n\n  # of c\n  c: {run: x}\n",
        ),
        (
            text,
            remove("a", false),
            "stages:\n  # free\n\n  # of b\n  # more of b\n  b:\n    run: |\n      # text\n      x\n    # end of b\n\n  # of c\n  c: {run: x}\n",
        ),
        (
            text,
            remove("c", false),
            "stages:\n  # of a\n  a: {run: x}  # more\n\n  # free\n\n  # of b\n  # more of b\n  b:\n    run: |\n      # text\n      x\n    # end of b\n",
        ),
        ("stages: {a: {run: x}}\n", remove("a", false), "refused: `a` is the only stage of this playbook"),
        (
            "stages:\n  a: {run: x}\n  b: {run: x, needs: [a]}\nprofiles: {p: {include: [b, a]}, q: {exclude: a}}\n",
            remove("a", true),
            "stages:\n  b: {run: x}\nprofiles: {p: {include: [b]}, q: {}}\n",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {run: x, needs: [a]}\n",
            remove("a", false),
            "refused: stage `a` is still used",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {run: \"${{ needs.a.result }}\", needs: [a]}\n",
            remove("a", true),
            "refused: stage `a` is still used",
        ),
        ("stages:\n  a: {run: x}\nfinally:\n  b: {run: x}\n", remove("b", false), "stages:\n  a: {run: x}\n"),
    ]);
}

#[test]
fn a_renamed_stage_is_renamed_wherever_it_is_named() {
    hold(&[
        (
            "stages:\n  a: {run: x}\n  b:\n    needs: [\"A\"]\n    if: needs.a.result == 'a' && needs['a'].result\n    run: echo needs.a ${{ needs . A.result }}\nfinally:\n  c: {if: always(), run: \"${{ toJSON('needs.a') }}\"}\nprofiles: {p: {exclude: a}}\noutputs: {x: {value: \"\\u0041 ${{ stages.a.result }} ${{ jobs.a.result }}\"}}\n",
            rename("a", "z-1"),
            "stages:\n  z-1: {run: x}\n  b:\n    needs: [\"z-1\"]\n    if: needs.z-1.result == 'a' && needs['z-1'].result\n    run: echo needs.a ${{ needs . z-1.result }}\nfinally:\n  c: {if: always(), run: \"${{ toJSON('needs.a') }}\"}\nprofiles: {p: {exclude: z-1}}\noutputs: {x: {value: \"\\u0041 ${{ stages.z-1.result }} ${{ jobs.z-1.result }}\"}}\n",
        ),
        ("stages:\n  a: {run: x}\n", rename("a", "A"), "stages:\n  A: {run: x}\n"),
        ("stages:\n  a: {run: x}\n", rename("a", "null"), "stages:\n  \"null\": {run: x}\n"),
        (
            "stages:\n  a: {run: x}\n  b:\n    needs: a\n    run: >\n      one\n      ${{ needs.a.result }}\n\n      ${{ needs.a.outcome }}\n",
            rename("a", "long-name"),
            "stages:\n  long-name: {run: x}\n  b:\n    needs: long-name\n    run: >\n      one\n      ${{ needs.long-name.result }}\n\n      ${{ needs.long-name.outcome }}\n",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {needs: a, matrix: {n: [a]}, run: \"${{ needs[matrix.n].result }}\"}\n",
            rename("a", "z"),
            "refused: `needs[…]` computes a name, so nobody can tell whether this one is meant",
        ),
        (
            "x: &n [a]\nstages:\n  a: {run: x}\n  b: {needs: *n, run: x}\n"
                .replace("x: &n", "x-n: &n")
                .as_str(),
            rename("a", "z"),
            "refused: this part names it, and reaches its place by an alias or a merge key",
        ),
        (
            "stages:\n  a: {run: x}\n  b: {needs: a, run: \"${{ needs.\\x61.result }}\"}\n",
            rename("a", "z"),
            "refused: the name `a` is written here in an unusual way",
        ),
    ]);
}

#[test]
fn a_matrix_is_made_changed_and_unmade() {
    let axis = |values: &[&str]| Edit::SetAxis {
        stage: "a".to_owned(),
        axis: "os".to_owned(),
        values: values.iter().map(|it| Part::guessed(it)).collect(),
    };
    let gone = Edit::RemoveAxis { stage: "a".to_owned(), axis: "os".to_owned() };
    let all_gone = Edit::RemoveMatrix { stage: "a".to_owned() };
    hold(&[
        (
            "stages:\n  a:\n    run: x\n",
            axis(&["linux", "1.10"]),
            "stages:\n  a:\n    matrix:\n      os: [linux, \"1.10\"]\n    run: x\n",
        ),
        ("stages: {a: {run: x}}\n", axis(&["linux"]), "stages: {a: {matrix: {os: [linux]}, run: x}}\n"),
        (
            "stages:\n  a:\n    strategy:\n      matrix:\n        os:  # which\n          - linux  # L\n          - mac    # M\n        include: []\n    run: x\n",
            axis(&["mac", "bsd"]),
            "stages:\n  a:\n    strategy:\n      matrix:\n        os:  # which\n          - mac    # M\n          - bsd\n        include: []\n    run: x\n",
        ),
        (
            "stages:\n  a:\n    matrix: {n: [1], include: [{n: 1, m: 2}]}\n    run: x\n",
            axis(&["mac"]),
            "stages:\n  a:\n    matrix: {n: [1], os: [mac], include: [{n: 1, m: 2}]}\n    run: x\n",
        ),
        (
            "stages:\n  a:\n    matrix: {n: [1], os: [mac]}\n    run: x\n",
            gone.clone(),
            "stages:\n  a:\n    matrix: {n: [1]}\n    run: x\n",
        ),
        (
            "stages:\n  a:\n    # of it\n    strategy: {fail-fast: false, matrix: {os: [mac]}}\n    run: x\n",
            gone.clone(),
            "stages:\n  a:\n    run: x\n",
        ),
        (
            "stages:\n  a:\n    matrix: {os: [mac]}\n    run: x\n",
            all_gone.clone(),
            "stages:\n  a:\n    run: x\n",
        ),
        (
            "stages:\n  a:\n    matrix: {os: [mac]}\n    run: echo ${{ matrix.os }}\n",
            gone,
            "refused: stage `a` has no matrix",
        ),
        ("stages:\n  a:\n    run: x\n", all_gone, "refused: stage `a` has no matrix"),
        (
            "stages:\n  a:\n    matrix: ${{ fromJSON('{}') }}\n    run: x\n",
            axis(&["a"]),
            "refused: the matrix of stage `a` is made by an expression",
        ),
    ]);
}

#[test]
fn inputs_are_added_changed_renamed_and_removed() {
    let with = |keys: &[(&str, Part)]| Edit::SetInput {
        name: "in".to_owned(),
        keys: keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    };
    let number = || with(&[("type", Part::text("number")), ("default", Part::guessed("3"))]);
    let rest = "stages: {a: {run: x}}\n";
    let case =
        |before: &str, edit: Edit, after: &str| (format!("{before}{rest}"), edit, format!("{after}{rest}"));
    let gone = || Edit::RemoveInput { name: "in".to_owned() };
    let cases = [
        case(
            "",
            number(),
            "inputs:\n  in: { type: number, default: 3 }\n".replace("{ ", "{").replace(" }", "}").as_str(),
        ),
        case("inputs: {}\n", number(), "inputs: {in: {type: number, default: 3}}\n"),
        case("inputs:\n  # last\n", number(), "inputs:\n  in: {type: number, default: 3}\n  # last\n"),
        case(
            "inputs:\n  b:\n    type: string\n",
            number(),
            "inputs:\n  b:\n    type: string\n  in:\n    type: number\n    default: 3\n",
        ),
        case(
            "inputs:\n  in:  # bare\n",
            with(&[("required", Part::guessed("true"))]),
            "inputs:\n  in: {required: true}  # bare\n",
        ),
        case(
            "inputs:\n  in:\n    type: string\n    default: 'x'  # c\n",
            with(&[("default", Part::text("it's"))]),
            "inputs:\n  in:\n    type: string\n    default: 'it''s'  # c\n",
        ),
        case(
            "inputs:\n  in: {description: a}\n",
            with(&[("description", Part::text("b: c"))]),
            "inputs:\n  in: {description: \"b: c\"}\n",
        ),
        case(
            "inputs:\n  in:\n    description: |\n      many\n      lines\n",
            with(&[("description", Part::text("one"))]),
            "inputs:\n  in:\n    description: one\n",
        ),
        case("inputs:\n  # of it\n  in: {}\n  b: {}\n", gone(), "inputs:\n  b: {}\n"),
        case("# of all\ninputs:\n  in: {}\n", gone(), ""),
        case("inputs: {in: {}, b: {}}\n", gone(), "inputs: {b: {}}\n"),
    ];
    let cases: Vec<_> = cases.iter().map(|(a, edit, b)| (a.as_str(), edit.clone(), b.as_str())).collect();
    hold(&cases);
    let read = "inputs: {in: {}, b: {}}\nstages: {a: {if: inputs.in, run: \"${{ inputs['IN'] }}\"}}\n";
    let renamed = "inputs: {new: {}, b: {}}\nstages: {a: {if: inputs.new, run: \"${{ inputs['new'] }}\"}}\n";
    let rename = |to: &str| Edit::RenameInput { from: "in".to_owned(), to: to.to_owned() };
    hold(&[
        (read, rename("new"), renamed),
        (read, rename("B"), "refused: there is an input `b` already"),
        (read, gone(), "refused: input `in` is still used"),
        (
            "inputs: {in: {}}\nstages: {a: {run: echo $SORTIE_INPUT_IN}}\n",
            rename("x"),
            "refused: this reads the input by its variable `SORTIE_INPUT_IN`",
        ),
    ]);
}

#[test]
fn what_is_repeated_elsewhere_is_not_changed() {
    let text = "x-b: &base\n  needs: [a]\nstages:\n  a: &a {run: x}\n  b: {run: x}\n  c: *a\n  d: {<<: *base, run: y}\n";
    let refused = |edit: Edit| {
        let refusal = edited(&format!("version: 3\n{text}"), edit).expect_err("it is repeated");
        let problem = &refusal.problems[0];
        assert_eq!(problem.slug, "edit-not-possible", "{problem:?}");
        assert!(problem.help.is_some() && problem.span.end > problem.span.start, "{problem:?}");
        problem.message.clone()
    };
    let anchored = "this part is repeated elsewhere by its anchor `&a`, and would change there, too";
    assert_eq!(refused(add("a", &["b"])), anchored);
    assert_eq!(refused(add("c", &["b"])), "stage `c` is another one, repeated by an alias");
    assert_eq!(refused(add("d", &["b"])), "`needs` of this stage comes from here, by a merge key");
    // `d` names it by way of `base`.
    assert!(refused(remove("a", false)).starts_with("this part names it"));
}

#[test]
fn several_edits_are_made_together_or_not_at_all() {
    let source = Source::new("playbook.yml", "version: 3\nstages:\n  a: {run: x}\n");
    let both = [stage("b", "y z", Spot::End), add("b", &["a"])];
    let text = apply(&source, &both).expect("they fit").source.text;
    assert_eq!(&*text, "version: 3\nstages:\n  a: {run: x}\n  b:\n    needs: a\n    run: y z\n");
    let refusal =
        apply(&source, &[stage("b", "y", Spot::End), add("b", &["c"])]).expect_err("`c` is not there");
    assert!(refusal.is_after);
    assert_eq!(refusal.problems[0].slug, "unknown-need");
    // What was wrong before does not keep anybody from going on.
    let broken = "version: 3\nstages:\n  a: {run: x, needs: nowhere}\n";
    let after = edited(broken, rename("a", "b")).expect("it is no worse");
    assert_eq!(after, "version: 3\nstages:\n  b: {run: x, needs: nowhere}\n");
    assert!(edited("version: 3\nstages: [\n", rename("a", "b")).is_err());
    assert!(edited("version: 3\nstages: {a: {run: x}, a: {run: x}}\n", rename("a", "b")).is_err());
}

#[test]
fn words_are_what_they_look_like_unless_that_would_change_them() {
    for (word, written) in [
        ("18", "18"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("true", "true"),
        ("linux", "linux"),
        ("1.10", "\"1.10\""),
        ("0402", "\"0402\""),
        ("True", "\"True\""),
        ("null", "\"null\""),
        ("", "\"\""),
        ("yes", "\"yes\""),
        ("a b", "a b"),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("-", "\"-\""),
        ("--x", "\"--x\""),
        ("*", "\"*\""),
        ("é", "é"),
        ("a,b", "\"a,b\""),
        ("1e3", "\"1e3\""),
        ("~", "\"~\""),
        ("\u{7f}", "\"\\u007f\""),
        ("C:", "\"C:\""),
    ] {
        let edit =
            Edit::SetAxis { stage: "a".to_owned(), axis: "x".to_owned(), values: vec![Part::guessed(word)] };
        let found = edited("version: 3\nstages: {a: {run: x}}\n", edit).expect("it fits");
        assert_eq!(
            found,
            format!("version: 3\nstages: {{a: {{matrix: {{x: [{written}]}}, run: x}}}}\n"),
            "{word:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_is_made_worse_and_none_does_harm(parts in prop::collection::vec(
        prop::sample::select(vec![
            "a: ", "b: ", "  a:", "\n", "\n  ", "\n    ", "- ", "{run: x}", "needs: ", "[a]", "[", "]", "{", "}", ", ", "# c\n", "run: |\n",
            "x", "&n ", "*n", "<<: ", "? ", ": ", "\"a\"", "'a'", "${{ needs.a.result }}", "if: needs.a", "id: a", "matrix: ", "\r\n",
            "\t", "\u{a0}", "é", "--- ", "...\n", "\nstages:", "\nfinally:", "\ninputs:", "\nprofiles:", "include: ", "strategy: ",
        ]),
        0..24,
    )) {
        let text = format!("version: 3\nstages:{}", parts.concat());
        let reading = |text: &str| playbook::read(&Source::new("playbook.yml", text)).diagnostics;
        let axis = Edit::SetAxis { stage: "a".to_owned(), axis: "x".to_owned(), values: vec![Part::text("y")] };
        let edits = [
            rename("a", "z"), remove("a", true), remove("b", false), add("b", &["a"]), take("b", &["a"]), set("b", &[]),
            stage("c", "make", Spot::End), stage("c", "one\ntwo", Spot::Before("a".to_owned())), axis,
            Edit::RemoveMatrix { stage: "a".to_owned() }, Edit::RemoveInput { name: "a".to_owned() },
            Edit::SetInput { name: "a".to_owned(), keys: vec![("description".to_owned(), Part::text("d"))] },
            Edit::RenameInput { from: "a".to_owned(), to: "b".to_owned() },
        ];
        for edit in edits {
            if let Ok(after) = edited(&text, edit) {
                prop_assert!(super::super::worsened(&reading(&text), &reading(&after)).is_empty(), "{:?}", text);
            }
        }
    }
}

#[test]
fn a_name_within_a_text_is_marked_where_it_stands() {
    let stages =
        |run: &str| format!("version: 3\nstages:\n  a: {{run: x}}\n  b:\n    needs: [a]\n    run: {run}\n");
    // The line and the column of the name, whatever the text is written in.
    for (run, place) in [
        ("|\n      echo one\n      echo ${{ needs.a.result }} two", (8, 22)),
        (">-\n      echo one\n      echo ${{ needs['a'].result }}", (8, 23)),
        ("echo ${{ needs.a.result }}", (6, 25)),
        ("\"\\techo ${{ needs.a.result }}\"", (6, 28)),
    ] {
        let refusal = edited(&stages(run), remove("a", true)).expect_err("it is still used");
        let problem = &refusal.problems[0];
        assert_eq!((problem.slug, problem.related.len()), ("still-used", 1), "{run}");
        let found = problem.related[0].0;
        let at = refusal.source.place(found.start);
        assert_eq!((at.line, at.column), place, "{run}");
        assert_eq!(&refusal.source.text[found.start as usize..found.end as usize], "a", "{run}");
    }
    // So are inputs, names that are computed, and variables.
    let text = "version: 3\ninputs: {in: {}, n: {}}\nstages:\n  b:\n    run: |\n      x\n      LINE\n";
    let gone = Edit::RemoveInput { name: "in".to_owned() };
    let to = Edit::RenameInput { from: "in".to_owned(), to: "new".to_owned() };
    for (line, edit, marked) in [
        ("${{ inputs.in }}", gone, "in"),
        ("${{ inputs[inputs.n] }}", to.clone(), "inputs"),
        ("echo $SORTIE_INPUT_IN", to, "SORTIE_INPUT_IN"),
    ] {
        let refusal = edited(&text.replace("LINE", line), edit).expect_err("it is refused");
        let problem = &refusal.problems[0];
        let found = problem.related.first().map_or(problem.span, |it| it.0);
        assert_eq!(refusal.source.place(found.start).line, 7, "{line}: {}", problem.message);
        assert_eq!(&refusal.source.text[found.start as usize..found.end as usize], marked, "{line}");
    }
}
