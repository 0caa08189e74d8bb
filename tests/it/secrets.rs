//! Secrets: what is declared as one is nowhere on disk, however it is printed.

use std::path::Path;

use crate::kit::Sandbox;

const SECRET: &str = "correct horse/battery+staple";

const PLAYBOOK: &str = r#"version: 3
name: secrets
secrets:
  TOKEN: {}
stages:
  use:
    env: { T: "${{ secrets.TOKEN }}" }
    steps:
      - id: leak
        run: |
          echo "plain $T"
          printf '%s' "$T" | base64
          echo "token=$T" >> "$SORTIE_OUTPUT"
          test "${#T}" = 28
      - run: 'echo "again ${{ steps.leak.outputs.token }}"'
"#;

#[test]
fn no_secret_reaches_the_disk_or_the_screen() {
    let sandbox = Sandbox::new().file("secrets.yml", PLAYBOOK);
    let ran = sandbox.sortie(["run", "secrets.yml"]).env("TOKEN", SECRET).run().code(0).says("plain ***");
    assert!(!ran.out.contains(SECRET), "{}", ran.out);
    let encoded = "Y29ycmVjdCBob3JzZS9iYXR0ZXJ5K3N0YXBsZQ";
    assert!(!ran.out.contains(encoded), "{}", ran.out);
    assert_eq!(files_with(&sandbox.project().join(".sortie"), &[SECRET, encoded]), Vec::<String>::new());
}

#[test]
fn a_note_at_a_gate_is_masked_and_the_same_answer_again_hears_the_same_words() {
    let text = PLAYBOOK.replace("    env: {", "    approve: { message: 'Use it?' }\n    env: {");
    let text = text + "  ask: { needs: use, approve: 'Done?', run: 'true' }\n";
    let sandbox = Sandbox::new().file("secrets.yml", &text);
    let mut live = sandbox.sortie(["run", "secrets.yml", "--wait-at-gates"]).env("TOKEN", SECRET).start();
    live.wait_for("Use it?");
    let note = format!("with {SECRET}");
    let answer = |what: &str, stage: &str| {
        sandbox.sortie(["jobs", what, "1", stage, "--note", &note, "--id", what]).run().code(0).out
    };
    let yes = answer("approve", "use");
    assert_eq!(answer("approve", "use"), yes, "by the engine that heard it");
    live.wait_for("Done?");
    let no = answer("reject", "ask");
    let ran = live.wait().code(4).says("with ***");
    assert_eq!([answer("approve", "use"), answer("reject", "ask")], [yes, no], "by the journal");
    let refused =
        sandbox.sortie(["jobs", "approve", "1", "use", "--note", "by hand", "--id", "approve"]).run();
    refused.code(3).complains("was used for another order").done();
    let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).says("with ***");
    let shown = sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("with ***");
    for out in [ran.out, ran.err, events.out, shown.out] {
        assert!(!out.contains(SECRET), "{out}");
    }
    assert_eq!(files_with(&sandbox.project().join(".sortie"), &[SECRET]), Vec::<String>::new());
}

#[test]
fn an_input_of_a_gate_with_a_secret_is_refused_and_what_is_given_instead_is_used_as_it_is() {
    let text = PLAYBOOK.replace(
        "    env: {",
        "    approve: { message: 'Use it?', inputs: { way: { type: string } } }\n    env: {",
    );
    let text = text + "  after: { needs: use, run: 'echo \"way ${{ needs.use.outputs.way }}\"' }\n";
    let sandbox = Sandbox::new().file("secrets.yml", &text);
    let mut live = sandbox.sortie(["run", "secrets.yml", "--wait-at-gates"]).env("TOKEN", SECRET).start();
    live.wait_for("Use it?");
    let approve = |way: &str| {
        sandbox.sortie(["jobs", "approve", "1", "use", "--input", &format!("way={way}"), "--id", "x"]).run()
    };
    let refused = approve(&format!("by {SECRET}")).code(3);
    let refused =
        refused.complains("the input `way` contains the value of a secret").complains("(`secrets`)");
    // It opened nothing and its id stands for nothing.
    approve("by hand").code(0).done();
    let ran = live.wait().code(0).says("way by hand");
    for out in [refused.out, refused.err, ran.out, ran.err] {
        assert!(!out.contains(SECRET), "{out}");
    }
    assert_eq!(files_with(&sandbox.project().join(".sortie"), &[SECRET]), Vec::<String>::new());
}

#[test]
fn a_required_secret_that_is_missing_starts_nothing() {
    let text = PLAYBOOK.replace("TOKEN: {}", "TOKEN: { required: true }");
    let sandbox = Sandbox::new().file("secrets.yml", &text);
    let ran = sandbox.sortie(["run", "secrets.yml"]).run().complains("TOKEN");
    assert!(!ran.out.contains("plain"), "{}", ran.out);
}

fn files_with(folder: &Path, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the state folder is there") {
        let path = entry.expect("the state folder can be read").path();
        if path.is_dir() {
            found.extend(files_with(&path, needles));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).expect("state files can be read");
            let text = String::from_utf8_lossy(&bytes);
            found.extend(needles.iter().filter(|n| text.contains(**n)).map(|_| path.display().to_string()));
        }
    }
    found
}
