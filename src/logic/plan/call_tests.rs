//! Plans of playbooks that call others: names, order, selection, and what is refused.

use std::sync::Arc;

use expect_test::{Expect, expect};

use crate::logic::plan::{Plan, PlanRequest, Selected, plan};
use crate::logic::playbook::testing::read_whole;

const THREE: &str = r#"version: 3
inputs: {os: {default: linux}}
vars: {tone: loud}
stages:
  first: {run: x}
  build:
    needs: first
    matrix: {os: ["${{ inputs.os }}", mac]}
    uses: ./lib/build.yml
    with: {os: "${{ matrix.os }}", list: [a, b]}
  last: {needs: build, run: x}
finally:
  tidy: {run: x}
# file: lib/build.yml
version: 3
on: call
inputs: {os: {}, list: {type: json}}
vars: {tone: quiet, other: mine}
stages:
  compile:
    uses: ./lib/compile.yml
    matrix: {part: "${{ inputs.list }}"}
    with: {name: "${{ inputs.os }}-${{ matrix.part }}"}
  check: {needs: compile, run: x}
finally:
  sweep: {run: x}
# file: lib/compile.yml
version: 3
on: call
inputs: {name: {required: true}}
stages:
  cc: {run: "cc ${{ inputs.name }}"}
"#;

fn made(text: &str, request: &PlanRequest) -> Result<Plan, String> {
    let (_, reading) = read_whole("t.yml", text.as_bytes());
    let playbook =
        reading.playbook.unwrap_or_else(|| panic!("{:?} {:?}", reading.diagnostics, reading.called));
    plan(Arc::new(playbook), request).map_err(|problems| {
        let lines = problems.iter().map(|it| {
            let help = it.help.as_ref().map_or_else(String::new, |help| format!("\n  help: {help}"));
            format!("{}: {}{help}", it.slug, it.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn stages(plan: &Plan) -> String {
    let line = |at: &u32| {
        let (model, planned) = (&plan.playbook.stages[*at as usize], &plan.stages[*at as usize]);
        let needs: Vec<&str> = model.needs.iter().map(|&need| &*plan.playbook.stages[need].id).collect();
        let out = match &planned.selected {
            Selected::Yes => String::new(),
            Selected::Cells(cells) => format!(" cells {cells:?}"),
            Selected::No(why) => format!(" out: {why}"),
        };
        format!("{} {needs:?}{out}", model.id)
    };
    plan.order.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn check(text: &str, request: &PlanRequest, expected: &Expect) {
    let text = match made(text, request) {
        Ok(plan) => stages(&plan),
        Err(problems) => problems,
    };
    expected.assert_eq(&text);
}

fn only(names: &[&str]) -> PlanRequest {
    PlanRequest { only: names.iter().map(|it| (*it).to_owned()).collect(), ..PlanRequest::default() }
}

#[test]
fn called_stages_stand_behind_their_caller_under_its_name() {
    check(
        THREE,
        &PlanRequest::default(),
        &expect![[r#"
        first []
        build ["first"]
        build[os=linux] / compile []
        build[os=linux] / compile[part=a] / cc []
        build[os=linux] / compile[part=b] / cc []
        build[os=linux] / check ["build[os=linux] / compile"]
        build[os=linux] / sweep []
        build[os=mac] / compile []
        build[os=mac] / compile[part=a] / cc []
        build[os=mac] / compile[part=b] / cc []
        build[os=mac] / check ["build[os=mac] / compile"]
        build[os=mac] / sweep []
        last ["build"]
        tidy []"#]],
    );
}

#[test]
fn what_is_known_before_the_start_is_kept_with_each_call() {
    let plan = made(THREE, &PlanRequest::default()).unwrap();
    let calls: Vec<String> = plan
        .frames
        .iter()
        .map(|frame| {
            let caller = &plan.playbook.stages[frame.caller as usize].id;
            let inputs: Vec<String> = frame
                .inputs
                .iter()
                .map(|(name, value)| {
                    format!("{name}={}", value.as_ref().map_or("?".into(), |it| it.to_json()))
                })
                .collect();
            format!("{caller} {:?} {} vars {}", frame.values, inputs.join(" "), frame.vars.to_json())
        })
        .collect();
    expect![[r#"
        build [("os", "linux")] os="linux" list=["a","b"] vars {"tone":"loud","other":"mine"}
        build[os=linux] / compile [("part", "a")] name="linux-a" vars {"tone":"loud","other":"mine"}
        build[os=linux] / compile [("part", "b")] name="linux-b" vars {"tone":"loud","other":"mine"}
        build [("os", "mac")] os="mac" list=["a","b"] vars {"tone":"loud","other":"mine"}
        build[os=mac] / compile [("part", "a")] name="mac-a" vars {"tone":"loud","other":"mine"}
        build[os=mac] / compile [("part", "b")] name="mac-b" vars {"tone":"loud","other":"mine"}"#]]
    .assert_eq(&calls.join("\n"));
}

#[test]
fn only_takes_a_caller_with_all_that_it_calls_and_a_called_stage_with_its_callers() {
    check(
        THREE,
        &only(&["build[os=mac]"]),
        &expect![[r#"
        first [] out: not named by --only
        build ["first"] cells [[("os", "mac")]]
        build[os=linux] / compile [] out: its caller's cell is not named by --only
        build[os=linux] / compile[part=a] / cc [] out: its caller's cell is not named by --only
        build[os=linux] / compile[part=b] / cc [] out: its caller's cell is not named by --only
        build[os=linux] / check ["build[os=linux] / compile"] out: its caller's cell is not named by --only
        build[os=linux] / sweep [] out: its caller's cell is not named by --only
        build[os=mac] / compile []
        build[os=mac] / compile[part=a] / cc []
        build[os=mac] / compile[part=b] / cc []
        build[os=mac] / check ["build[os=mac] / compile"]
        build[os=mac] / sweep []
        last ["build"] out: not named by --only
        tidy [] out: not named by --only"#]],
    );
    check(
        THREE,
        &only(&["build[os=mac] / compile[part=b] / cc"]),
        &expect![[r#"
        first [] out: not named by --only
        build ["first"] cells [[("os", "mac")]]
        build[os=linux] / compile [] out: its caller's cell is not named by --only
        build[os=linux] / compile[part=a] / cc [] out: its caller's cell is not named by --only
        build[os=linux] / compile[part=b] / cc [] out: its caller's cell is not named by --only
        build[os=linux] / check ["build[os=linux] / compile"] out: its caller's cell is not named by --only
        build[os=linux] / sweep [] out: its caller's cell is not named by --only
        build[os=mac] / compile [] cells [[("part", "b")]]
        build[os=mac] / compile[part=a] / cc [] out: its caller's cell is not named by --only
        build[os=mac] / compile[part=b] / cc []
        build[os=mac] / check ["build[os=mac] / compile"] out: not named by --only
        build[os=mac] / sweep [] out: not named by --only
        last ["build"] out: not named by --only
        tidy [] out: not named by --only"#]],
    );
    check(
        THREE,
        &only(&["BUILD[os=linux]/check"]),
        &expect![[r#"
        first [] out: not named by --only
        build ["first"] cells [[("os", "linux")]]
        build[os=linux] / compile [] out: not named by --only
        build[os=linux] / compile[part=a] / cc [] out: not named by --only
        build[os=linux] / compile[part=b] / cc [] out: not named by --only
        build[os=linux] / check ["build[os=linux] / compile"]
        build[os=linux] / sweep [] out: not named by --only
        build[os=mac] / compile [] out: its caller's cell is not named by --only
        build[os=mac] / compile[part=a] / cc [] out: its caller's cell is not named by --only
        build[os=mac] / compile[part=b] / cc [] out: its caller's cell is not named by --only
        build[os=mac] / check ["build[os=mac] / compile"] out: its caller's cell is not named by --only
        build[os=mac] / sweep [] out: its caller's cell is not named by --only
        last ["build"] out: not named by --only
        tidy [] out: not named by --only"#]],
    );
    check(
        THREE,
        &only(&["build[os=bsd]"]),
        &expect![[r#"
            bad-address: `build` has no cell `[os=bsd]`
              help: it has `build[os=linux]` and `build[os=mac]`"#]],
    );
    check(
        THREE,
        &only(&["build/chekc"]),
        &expect!["unknown-stage: `build` calls no stage of the name in `build/chekc`"],
    );
}

#[test]
fn skip_and_from_reach_into_calls() {
    let skip = PlanRequest { skip: vec!["build".to_owned()], ..PlanRequest::default() };
    check(
        THREE,
        &skip,
        &expect![[r#"
        first []
        build ["first"] out: left out by --skip
        build[os=linux] / compile [] out: left out by --skip
        build[os=linux] / compile[part=a] / cc [] out: left out by --skip
        build[os=linux] / compile[part=b] / cc [] out: left out by --skip
        build[os=linux] / check ["build[os=linux] / compile"] out: left out by --skip
        build[os=linux] / sweep [] out: left out by --skip
        build[os=mac] / compile [] out: left out by --skip
        build[os=mac] / compile[part=a] / cc [] out: left out by --skip
        build[os=mac] / compile[part=b] / cc [] out: left out by --skip
        build[os=mac] / check ["build[os=mac] / compile"] out: left out by --skip
        build[os=mac] / sweep [] out: left out by --skip
        last ["build"]
        tidy []"#]],
    );
    let skip = PlanRequest { skip: vec!["build[os=mac]/compile".to_owned()], ..PlanRequest::default() };
    check(
        THREE,
        &skip,
        &expect![[r#"
        first []
        build ["first"]
        build[os=linux] / compile []
        build[os=linux] / compile[part=a] / cc []
        build[os=linux] / compile[part=b] / cc []
        build[os=linux] / check ["build[os=linux] / compile"]
        build[os=linux] / sweep []
        build[os=mac] / compile [] out: left out by --skip
        build[os=mac] / compile[part=a] / cc [] out: left out by --skip
        build[os=mac] / compile[part=b] / cc [] out: left out by --skip
        build[os=mac] / check ["build[os=mac] / compile"]
        build[os=mac] / sweep []
        last ["build"]
        tidy []"#]],
    );
    let from = PlanRequest { from: Some("build[os=mac] / check".to_owned()), ..PlanRequest::default() };
    check(
        THREE,
        &from,
        &expect![[r#"
        first [] out: comes before `build[os=mac] / check`
        build ["first"]
        build[os=linux] / compile [] out: comes before `build[os=mac] / check`
        build[os=linux] / compile[part=a] / cc [] out: comes before `build[os=mac] / check`
        build[os=linux] / compile[part=b] / cc [] out: comes before `build[os=mac] / check`
        build[os=linux] / check ["build[os=linux] / compile"] out: comes before `build[os=mac] / check`
        build[os=linux] / sweep []
        build[os=mac] / compile [] out: comes before `build[os=mac] / check`
        build[os=mac] / compile[part=a] / cc [] out: comes before `build[os=mac] / check`
        build[os=mac] / compile[part=b] / cc [] out: comes before `build[os=mac] / check`
        build[os=mac] / check ["build[os=mac] / compile"]
        build[os=mac] / sweep []
        last ["build"]
        tidy []"#]],
    );
}

#[test]
fn a_request_can_replace_the_matrix_of_a_caller() {
    let request =
        PlanRequest { matrix: vec![("os".to_owned(), vec!["bsd".to_owned()])], ..PlanRequest::default() };
    check(
        THREE,
        &request,
        &expect![[r#"
        first []
        build ["first"]
        build[os=bsd] / compile []
        build[os=bsd] / compile[part=a] / cc []
        build[os=bsd] / compile[part=b] / cc []
        build[os=bsd] / check ["build[os=bsd] / compile"]
        build[os=bsd] / sweep []
        last ["build"]
        tidy []"#]],
    );
}

#[test]
fn a_matrix_that_needs_other_stages_cannot_call() {
    let text = r#"version: 3
stages:
  list: {run: x, outputs: {all: "[1]"}}
  build: {needs: list, uses: ./x.yml, matrix: {n: "${{ fromJSON(needs.list.outputs.all) }}"}}
# file: x.yml
version: 3
on: call
stages: {a: {run: x}}
"#;
    check(
        text,
        &PlanRequest::default(),
        &expect![[r#"
        call-matrix: the matrix of `build`, which calls a playbook, is not known before the start: it depends on `needs.list.outputs.all`
          help: a caller's matrix can use `inputs`, `vars` and what follows from them; give the called playbook the list as an input, and the matrix to a stage in it"#]],
    );
}

#[test]
fn calls_that_come_to_too_many_stages_are_refused() {
    let list = format!("{:?}", (0..200).collect::<Vec<u32>>());
    let text = format!(
        "version: 3\nstages:\n  a: {{uses: ./x.yml, matrix: {{n: {list}}}}}\n# file: x.yml\nversion: 3\non: call\n\
         stages: {{b: {{uses: ./y.yml, matrix: {{n: {list}}}}}}}\n# file: y.yml\nversion: 3\non: call\n\
         stages: {{c: {{run: x}}}}\n"
    );
    check(
        &text,
        &PlanRequest::default(),
        &expect![[r#"
        too-many-stages: with all that is called, this job has more than 10000 stages
          help: call fewer playbooks, or give their callers smaller matrices"#]],
    );
}

#[test]
fn what_called_files_require_is_required_before_anything_runs() {
    let text = "version: 3\nrequires: {tools: [git]}\nstages: {a: {uses: ./x.yml}, b: {uses: ./x.yml}}\n\
                # file: x.yml\nversion: 3\non: call\nrequires: {tools: [git, make], env: [HOME]}\n\
                stages: {c: {run: x}}\n";
    let plan = made(text, &PlanRequest::default()).unwrap();
    let tools: Vec<&str> = plan.playbook.requires.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["git", "make"]);
    assert_eq!(plan.playbook.requires.env.len(), 1);
}

#[test]
fn files_that_several_calls_make_are_told_once_unless_only_one_of_them_runs() {
    let text = |callers: &str| {
        format!(
            "version: 3
stages:
{callers}
# file: lib/build.yml
version: 3
on: call
inputs: {{to: {{default: x}}}}
stages:
  cc: {{run: x, cache: {{inputs: [], outputs: ['dist/**', 'to/${{{{ inputs.to }}}}']}}}}
# file: lib/apart.yml
version: 3
on: call
inputs: {{to: {{default: x}}}}
stages:
  cc: {{run: x, cache: {{inputs: [], outputs: ['to/${{{{ inputs.to }}}}']}}}}
"
        )
    };
    let told = |callers: &str| {
        let plan = made(&text(callers), &PlanRequest::default()).expect("it can be planned");
        plan.warnings().join("\n")
    };
    let cells = "  all: {matrix: {os: [a, b, c]}, uses: ./lib/build.yml}";
    expect!["`all[os=a] / cc` and `all[os=b] / cc` have the same files among the outputs of their caches: `dist/**`; a result of one takes away or puts back what the other made: hand a folder over in `with`, and put it into the path"].assert_eq(&told(cells));
    let own = format!("  own: {{run: x, cache: {{inputs: [], outputs: [dist/own]}}}}\n{cells}");
    expect!["`own` and `all[os=a] / cc` have the same files among the outputs of their caches: `dist/own` and `dist/**`; a result of one takes away or puts back what the other made: hand a folder over in `with`, and put it into the path"].assert_eq(&told(&own));
    assert_eq!(told("  one: {uses: ./lib/apart.yml}\n  two: {uses: ./lib/apart.yml}"), "");
    let either = "  one: {if: \"github.actor == 'a'\", uses: ./lib/build.yml}\n  two: {if: \"github.actor != 'a'\", uses: ./lib/build.yml}";
    assert!(!told(either).contains("`two / cc`"), "{}", told(either));
}

#[test]
fn services_of_different_calls_that_want_one_port_are_told_where_nothing_keeps_them_apart() {
    let callee = |more: &str| {
        format!(
            "# file: db.yml\nversion: 3\non: call\nstages:\n  t: {{run: x, {more}services: {{db: {{process: y, ports: \
             ['15432:5432']}}}}}}\n"
        )
    };
    let told = |stages: &str, more: &str, request: &PlanRequest| {
        let text = format!("version: 3\nstages:\n{stages}{}", callee(more));
        made(&text, request).unwrap_or_else(|problems| panic!("{problems}")).warnings().join("\n")
    };
    let plain = PlanRequest::default();
    let two = "  a: {uses: ./db.yml}\n  b: {uses: ./db.yml}\n";
    expect!["`a / t` and `b / t` may run at the same time, and their services `db` and `db` want the port 15432 of the host; write `5432` alone for a free port, or keep them apart: `needs` between what calls them, or `locks: [port-15432]` in both"].assert_eq(&told(two, "", &plain));
    let cells = "  a: {matrix: {n: [1, 2]}, uses: ./db.yml}\n";
    expect!["`a[n=1] / t` and `a[n=2] / t` may run at the same time, and their services `db` and `db` want the port 15432 of the host; write `5432` alone for a free port, or keep them apart: `needs` between what calls them, or `locks: [port-15432]` in both"].assert_eq(&told(cells, "", &plain));
    let own = "  a: {uses: ./db.yml}\n  b: {run: x, services: {own: {process: y, ports: ['15432:1']}}}\n";
    expect!["`a / t` and `b` may run at the same time, and their services `db` and `own` want the port 15432 of the host; write `1` alone for a free port, or keep them apart: `needs` between what calls them, or `locks: [port-15432]` in both"].assert_eq(&told(own, "", &plain));
    for apart in [
        "  a: {uses: ./db.yml}\n  b: {needs: a, uses: ./db.yml}\n",
        "  a: {strategy: {matrix: {n: [1, 2]}, max-parallel: 1}, uses: ./db.yml}\n",
        "  a: {if: \"github.actor == 'ann'\", uses: ./db.yml}\n  b: {if: \"github.actor != 'ann'\", uses: ./db.yml}\n",
    ] {
        assert_eq!(told(apart, "", &plain), "", "{apart}");
    }
    assert_eq!(told(two, "locks: [db], ", &plain), "");
    assert_eq!(told(two, "", &PlanRequest { max_parallel: Some(1), ..PlanRequest::default() }), "");
    assert_eq!(told(two, "", &PlanRequest { skip: vec!["b".to_owned()], ..PlanRequest::default() }), "");
}
