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
