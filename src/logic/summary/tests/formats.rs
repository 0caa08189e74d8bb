//! What each format says of the same job.

use expect_test::expect;

use super::tale::ci;
use crate::logic::job::event::Outcome;
use crate::logic::summary::{Brief, Format, result, unknown_ending};

#[test]
fn markdown_says_what_failed_first_and_then_where_the_time_went() {
    expect![[r#"
        # ✗ ci: job #12 failed after 1.4 s

        2 stages passed, 1 failed, 1 skipped.

        | | |
        |---|---|
        | Playbook | playbooks/ci.yml |
        | Started | 2026-11-22 12:00:00 UTC by ann |
        | Because | \`test\` did not pass |
        | Cells | 5 cells passed, 1 failed |
        | Steps | 9 steps passed, 1 failed; 11 tries |
        | Slots | 2, at most 2 at once, 88% used: 2.4 s of work in 1.4 s |
        | Id | 0190-test |

        ## What failed

        **test\[os=macos, v=1\]**: step 2 \`unit tests\` exited with code 101

        Its last lines:

        ```text
        compiling
        error: no
        ```

        ## Stages

        | | Stage | Outcome | Time | Waited | Cells | Why |
        |---|---|---|---:|---:|---:|---|
        | ✓ | fetch | passed | 0.2 s |  | 1 |  |
        | ✗ | test | failed | 1.2 s | 0.7 s | 4 | \`test\[os=macos, v=1\]\` did not pass |
        | ✓ | flaky | passed | 0.7 s | 0.4 s | 1 |  |
        | – | pack | skipped |  |  | 0 | \`test\` did not pass |

        ### test: 4 cells

        | os | v 1 | v 2 |
        |---|:---:|:---:|
        | linux | ✓ 0.3 s | ✓ 0.7 s |
        | macos | ✗ 0.5 s | ✓ 0.5 s |

        | | Cell | Outcome | Time | Why |
        |---|---|---|---:|---|
        | ✗ | os=macos, v=1 | failed | 0.5 s | step 2 \`unit tests\` exited with code 101 |

        ## Critical path

        1.4 s of 1.4 s: the longest chain of stages that need each other.

        | | Stage | Time | Waited before |
        |---:|---|---:|---:|
        | 1 | fetch | 0.2 s |  |
        | 2 | test\[os=macos, v=2\] | 1.2 s |  |

        ## Slowest

        | Cell | Time |
        |---|---:|
        | test\[os=linux, v=2\] | 0.7 s |
        | flaky | 0.7 s |
        | test\[os=macos, v=1\] | 0.5 s |
        | test\[os=macos, v=2\] | 0.5 s |
        | test\[os=linux, v=1\] | 0.3 s |

        ## Longest waits

        | Cell | Time | For |
        |---|---:|---|
        | test\[os=macos, v=2\] | 0.7 s | a slot |
        | test\[os=macos, v=1\] | 0.5 s | a slot |
        | flaky | 0.4 s | a retry |

        ## Tried again

        | What | Tries | Before | In the end |
        |---|---:|---|---|
        | flaky/1 | 2 | exit code 3 | passed |

        ## Annotations

        | Level | Where | Cell | Message |
        |---|---|---|---|
        | warning | src/a.rs:3 | fetch | slow \| network |

        ## Outputs

        | Output | Value |
        |---|---|
        | rev | abc |
        | fetch.rev | abc |

        ## Variables

        | Kind | Name | Value |
        |---|---|---|
        | input | channel | nightly |
        | input | api_token | \*\*\* |
        | var | region | eu |
        | env | WHO | ${{ inputs.channel }} |

        ## What the steps say

        ### fetch/get

        Got **abc**.

    "#]]
    .assert_eq(&ci().summary().render(Format::Markdown));
}

#[test]
fn a_terminal_shows_the_same_in_less() {
    expect![[r#"
        ✗ ci: job #12 failed after 1.4 s
          2 stages passed, 1 failed, 1 skipped
          5 cells passed, 1 failed; 9 steps passed, 1 failed; 11 tries
          slots  2, at most 2 at once, 88% used: 2.4 s of work in 1.4 s
          because `test` did not pass

        ✗ test[os=macos, v=1]: step 2 `unit tests` exited with code 101
            compiling
            error: no

        Stages
          ✓ fetch passed  0.2 s
          ✗ test  failed  1.2 s 4 cells `test[os=macos, v=1]` did not pass
          ✓ flaky passed  0.7 s
          – pack  skipped               `test` did not pass

        test: 3 cells passed, 1 failed
          ✗ os=macos, v=1 failed 0.5 s step 2 `unit tests` exited with code 101

        Critical path: 1.4 s of 1.4 s
          fetch               0.2 s
          test[os=macos, v=2] 1.2 s

        Longest waits
          test[os=macos, v=2] 0.7 s for a slot
          test[os=macos, v=1] 0.5 s for a slot
          flaky               0.4 s for a retry

        Tried again
          flaky/1 2 tries passed exit code 3

        Annotations
          warning src/a.rs:3 slow | network

        Outputs
          rev           abc
          fetch.rev     abc
          fetch/get.rev abc

        fetch/get
          Got **abc**.
    "#]]
    .assert_eq(&ci().summary().text(100));
}

#[test]
fn junit_has_a_suite_for_each_stage_and_a_case_for_each_step() {
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="ci" tests="11" failures="1" errors="0" time="1.380">
          <testsuite name="fetch" id="0" tests="1" failures="0" errors="0" skipped="0" time="0.200" timestamp="2026-11-22T12:00:00.000000Z">
            <properties>
              <property name="output.rev" value="abc"/>
            </properties>
            <testcase classname="fetch" name="1 get" time="0.200"/>
          </testsuite>
          <testsuite name="test" id="1" tests="8" failures="1" errors="0" skipped="0" time="1.180" timestamp="2026-11-22T12:00:00.200000Z">
            <testcase classname="test[os=linux, v=1]" name="1 make" time="0.220"/>
            <testcase classname="test[os=linux, v=1]" name="2 unit tests" time="0.120"/>
            <testcase classname="test[os=linux, v=2]" name="1 make" time="0.580"/>
            <testcase classname="test[os=linux, v=2]" name="2 unit tests" time="0.120"/>
            <testcase classname="test[os=macos, v=1]" name="1 make" time="0.360"/>
            <testcase classname="test[os=macos, v=1]" name="2 unit tests" time="0.120">
              <failure message="exited with code 101" type="failure">compiling&#10;error: no</failure>
              <system-out>log: logs/4.1.1.1</system-out>
            </testcase>
            <testcase classname="test[os=macos, v=2]" name="1 make" time="0.360"/>
            <testcase classname="test[os=macos, v=2]" name="2 unit tests" time="0.120"/>
          </testsuite>
          <testsuite name="flaky" id="2" tests="1" failures="0" errors="0" skipped="0" time="0.660" timestamp="2026-11-22T12:00:00.000000Z">
            <testcase classname="flaky" name="1 ping" time="0.660">
              <system-out>attempt 2; before that exit code 3&#10;log: logs/1.1.0.2</system-out>
            </testcase>
          </testsuite>
          <testsuite name="pack" id="3" tests="1" failures="0" errors="0" skipped="1" time="0.000">
            <testcase classname="pack" name="pack" time="0.000">
              <skipped message="`test` did not pass"/>
            </testcase>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&ci().summary().render(Format::Xml));
}

#[test]
fn csv_has_a_row_for_each_step_and_for_what_has_none() {
    expect![[r#"
        job,stage,cell,step,title,state,outcome,conclusion,attempts,exit_code,signal,started,finished,seconds,waited_seconds,user_seconds,system_seconds,max_rss_kib,log_bytes,annotations,cache,cause,artifacts
        12,fetch,fetch,get,get,passed,success,success,1,0,,2026-11-22T12:00:00.000000Z,2026-11-22T12:00:00.200000Z,0.200,0.000,0.012,0.003,2048,64,1,,,
        12,test,"test[os=linux, v=1]",1,make,passed,success,success,1,0,,2026-11-22T12:00:00.200000Z,2026-11-22T12:00:00.420000Z,0.220,0.000,0.012,0.003,2048,64,0,,,
        12,test,"test[os=linux, v=1]",2,unit tests,passed,success,success,1,0,,2026-11-22T12:00:00.420000Z,2026-11-22T12:00:00.540000Z,0.120,,0.012,0.003,2048,64,0,,,
        12,test,"test[os=linux, v=2]",1,make,passed,success,success,1,0,,2026-11-22T12:00:00.200000Z,2026-11-22T12:00:00.780000Z,0.580,0.000,0.012,0.003,2048,64,0,,,
        12,test,"test[os=linux, v=2]",2,unit tests,passed,success,success,1,0,,2026-11-22T12:00:00.780000Z,2026-11-22T12:00:00.900000Z,0.120,,0.012,0.003,2048,64,0,,,
        12,test,"test[os=macos, v=1]",1,make,passed,success,success,1,0,,2026-11-22T12:00:00.660000Z,2026-11-22T12:00:01.020000Z,0.360,0.460,0.012,0.003,2048,64,0,,,
        12,test,"test[os=macos, v=1]",2,unit tests,failed,failure,failure,1,101,,2026-11-22T12:00:01.020000Z,2026-11-22T12:00:01.140000Z,0.120,,0.012,0.003,2048,64,0,,exited with code 101,
        12,test,"test[os=macos, v=2]",1,make,passed,success,success,1,0,,2026-11-22T12:00:00.900000Z,2026-11-22T12:00:01.260000Z,0.360,0.700,0.012,0.003,2048,64,0,,,
        12,test,"test[os=macos, v=2]",2,unit tests,passed,success,success,1,0,,2026-11-22T12:00:01.260000Z,2026-11-22T12:00:01.380000Z,0.120,,0.012,0.003,2048,64,0,,,
        12,flaky,flaky,1,ping,passed,success,success,2,0,,2026-11-22T12:00:00.000000Z,2026-11-22T12:00:00.660000Z,0.660,0.440,0.012,0.003,2048,64,0,,,
        12,pack,,,,skipped,skipped,skipped,,,,,2026-11-22T12:00:01.380000Z,,,,,,,,,`test` did not pass,
    "#]].assert_eq(&ci().summary().render(Format::Csv).replace("\r\n", "\n"));
}

#[test]
fn the_result_is_outcomes_and_outputs_and_the_same_from_the_state() {
    let tale = ci();
    let summary = tale.summary();
    expect![[r#"
        {"schema":1,"job":12,"id":"0190-test","name":"ci","outcome":"failure","attempt":1,"outputs":{"rev":"abc"},"artifacts":{},"stages":{
        "fetch":{"outcome":"success","result":"success","outputs":{"rev":"abc"},"cells":{"fetch":{"id":"fetch","matrix":null,"outcome":"success","outputs":{"rev":"abc"},"steps":{"get":{"outcome":"success","conclusion":"success","outputs":{"rev":"abc"}}}}}},
        "test":{"outcome":"failure","result":"failure","outputs":{},"cells":{"test[os=linux, v=1]":{"id":"test.329f7215","matrix":{"os":"linux","v":1},"outcome":"success","outputs":{},"steps":{}},
        "test[os=linux, v=2]":{"id":"test.bb967bac","matrix":{"os":"linux","v":2},"outcome":"success","outputs":{},"steps":{}},
        "test[os=macos, v=1]":{"id":"test.1c3731ad","matrix":{"os":"macos","v":1},"outcome":"failure","outputs":{},"steps":{}},
        "test[os=macos, v=2]":{"id":"test.02aed192","matrix":{"os":"macos","v":2},"outcome":"success","outputs":{},"steps":{}}}},
        "flaky":{"outcome":"success","result":"success","outputs":{},"cells":{"flaky":{"id":"flaky","matrix":null,"outcome":"success","outputs":{},"steps":{}}}},
        "pack":{"outcome":"skipped","result":"skipped","outputs":{},"cells":{}}}}
    "#]].assert_eq(&result(&summary));
    let brief = Brief {
        number: 12,
        id: "0190-test",
        name: "ci",
        outcome: Some(Outcome::Failure),
        attempt: 1,
        outputs: &tale.outputs,
    };
    assert_eq!(brief.of_state(&tale.state), result(&summary));
    let json: serde_json::Value = serde_json::from_str(&result(&summary)).expect("it is JSON");
    assert_eq!(json["stages"]["fetch"]["cells"]["fetch"]["steps"]["get"]["outputs"]["rev"], "abc");
}

#[test]
fn json_has_a_version_and_all_of_it() {
    let text = ci().summary().render(Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(json["schema"], 1);
    let members: Vec<&str> = json.as_object().expect("a map").keys().map(String::as_str).collect();
    expect!["schema job counts failures stages critical_path slowest longest_waits slots cache retries gates orders annotations annotations_left_out artifacts variables texts"].assert_eq(&members.join(" "));
    expect![[r#"
        {
          "number": 2,
          "step": "2",
          "title": "unit tests",
          "state": "failed",
          "outcome": "failure",
          "conclusion": "failure",
          "cause": "exited with code 101",
          "list": false,
          "rescued": false,
          "attempts": 1,
          "started": "2026-11-22T12:00:01.020000Z",
          "finished": "2026-11-22T12:00:01.140000Z",
          "seconds": 0.12,
          "exit_code": 101,
          "signal": null,
          "user_seconds": 0.012,
          "system_seconds": 0.003,
          "max_rss_kib": 2048,
          "left_running": 0,
          "log_bytes": 64,
          "log": "logs/4.1.1.1",
          "annotations": 0,
          "outputs": {}
        }"#]]
    .assert_eq(&format!("{:#}", json["stages"][1]["cells"][2]["steps"][1]));
}

#[test]
fn a_page_needs_nothing_else_and_names_the_failure_before_all_else() {
    let page = ci().summary().render(Format::Html);
    for outside in ["<script", "http://", "https://", "<link", "@import", "url(", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no `{text}` in {page}"));
    assert!(place("What failed") < place("<h2>Timeline"), "what failed comes first");
    assert!(place("error: no") < place("<h2>Timeline"));
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("<p>Got <strong>abc</strong>.</p>"), "{page}");
    assert!(page.contains("class=\"tile failed\" href=\"#c1-2\""), "{page}");
}

#[test]
fn folders_with_dots_are_no_files_of_an_unknown_kind() {
    for folder in
        ["reports", ".reports", "out/v1.2", "x.pdf/", "a.b/c", "out.", "all.html", "a/all.CSV", "x.reports"]
    {
        assert_eq!(unknown_ending(folder), None, "{folder}");
    }
    for (file, ending) in
        [("x.pdf", "pdf"), ("out/all.txt", "txt"), (" a.b/c.PDF ", "PDF"), ("x.tar.gz", "gz")]
    {
        assert_eq!(unknown_ending(file), Some(ending), "{file}");
    }
}
