//! A person's own keys: on the screens, at once when they are saved, and `sortie keys`; and a person's editor in the launcher.
//!
//! Not here: what keymaps say, and each thing that can be wrong with one (`src/logic/keymap`).

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::kit::{Sandbox, Shot, Terminal};

const SIZE: (u16, u16) = (110, 30);

const SLOW: &str = "version: 3
name: slow
stages:
  wait: { run: 'echo up; sleep 600' }
";

const QUICK: &str = "version: 3
name: quick
stages:
  one: { run: 'echo done' }
";

const MINE: &str = "bind:
  verbs:
    Ctrl-O: pause
    p: null
  any: { ctrl-t: help }
";

fn keymap(sandbox: &Sandbox) -> PathBuf {
    sandbox.base().join("home/config/sortie/keymap.yaml")
}

/// Saves a keymap as editors do that put a new file in the place of the old one.
fn save(sandbox: &Sandbox, text: &str) {
    let path = keymap(sandbox);
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the home is writable");
    fs::write(path.with_file_name(".saving"), text).expect("a file");
    fs::rename(path.with_file_name(".saving"), &path).expect("renamed");
}

fn end(terminal: Terminal) {
    terminal.signal(Signal::SIGTERM);
    terminal.wait_for_end().code(130).done();
}

#[test]
fn a_key_of_ones_own_works_and_the_one_that_was_taken_away_does_not() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    save(&sandbox, MINE);
    let mut terminal = sandbox.terminal(["run", "slow", "--watch"], (110, 60)).start();
    terminal.wait_for("up");
    let shot = terminal.wait_for("ctrl-o pause");
    assert!(!shot.has(" p pause"), "{}", shot.text());
    terminal.keys("p");
    terminal.wait_for("`p` means nothing here; Ctrl-t lists the keys");
    terminal.keys("<c-o>");
    terminal.wait_for("ctrl-o resume");
    terminal.keys("<c-t>");
    let shot = terminal.wait_for("j k scroll, Ctrl-t or Esc closes");
    assert!(shot.has("ctrl-o         pause"), "{}", shot.text());
    terminal.keys("<c-t>");
    terminal.wait_gone("j k scroll");
    terminal.keys(":resume");
    terminal.wait_until("the key in the list of commands", |shot| {
        shot.text().lines().any(|row| row.contains("Pause: or resume") && row.contains("ctrl-o"))
    });
    end(terminal);
}

#[test]
fn a_saved_keymap_applies_to_an_open_job_and_a_broken_one_changes_nothing() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    let mut terminal = sandbox.terminal(["run", "slow", "--watch"], SIZE).start();
    terminal.wait_for("up");
    terminal.wait_for(" p pause");
    // There was no file, and no folder for it.
    save(&sandbox, MINE);
    terminal.wait_for("ctrl-o pause");
    terminal.wait_for("the keys are those of the saved keymap now");
    save(&sandbox, "bind:\n  verbs:\n    ctrl-o: pasue\n");
    terminal.wait_for("not taken: keymap.yaml:3:13: there is no action `pasue`");
    assert!(terminal.shot().has("ctrl-o pause"), "the last good one stays");
    terminal.keys("<c-o>");
    terminal.wait_for("ctrl-o resume");
    save(&sandbox, "bind: {\n");
    terminal.wait_for("not taken: keymap.yaml:");
    terminal.keys("<c-o>");
    terminal.wait_for("ctrl-o pause");
    save(&sandbox, "bind: { verbs: { ctrl-g: pause } }\n");
    terminal.wait_for(" ctrl-g pause");
    fs::remove_file(keymap(&sandbox)).expect("it is there");
    terminal.wait_for(" p pause");
    end(terminal);
}

#[test]
fn the_launcher_has_ones_own_keys_too_and_hands_them_on() {
    let sandbox = Sandbox::new().file("playbooks/quick.yml", QUICK);
    let mut terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("1 found");
    terminal.wait_for("q quit");
    save(
        &sandbox,
        "bind:\n  any: { ctrl-x: quit, q: null, ctrl-t: help }\n  launcher: { o: open, enter: null }\n",
    );
    terminal.wait_for("ctrl-x quit");
    terminal.wait_for("o run");
    save(&sandbox, "bind:\n  any: { ctrl-x: quit }\n  lancher: {}\n");
    terminal.wait_for("not taken: keymap.yaml:3:3: keys are pressed nowhere that is called `lancher`");
    terminal.keys("<enter>q<c-t>");
    let shot = terminal.wait_for("Ctrl-t or Esc closes");
    assert!(shot.has("Playbooks") && !shot.has("passed"), "Enter and q mean nothing: {}", shot.text());
    terminal.keys("<esc>");
    terminal.wait_gone("Esc closes");
    terminal.keys("o");
    terminal.wait_for("1 stage passed");
    terminal.wait_for("ctrl-x quit");
    terminal.keys("<c-x>");
    terminal.wait_for("#1 just now");
    terminal.keys("<c-x>");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_broken_keymap_is_told_at_the_start_and_keeps_nobody_from_anything() {
    let sandbox = Sandbox::new().file("playbooks/slow.yml", SLOW);
    save(&sandbox, "bind:\n  verbs: { ctrl-o: pause, f5: retry }\n");
    let mut terminal = sandbox.terminal(["run", "slow", "--watch"], SIZE).start();
    terminal.wait_for("keymap.yaml:2:27: `f5` cannot be used");
    terminal.wait_for("ctrl-o pause");
    terminal.keys("p");
    terminal.wait_for("ctrl-o resume");
    end(terminal);
    let terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("keymap.yaml:2:27: `f5` cannot be used");
    end(terminal);
    sandbox.sortie(["doctor"]).run().code(0).says("keymap.yaml:2:27").says("sortie keys --check").done();
    fs::remove_file(keymap(&sandbox)).and_then(|()| fs::create_dir(keymap(&sandbox))).expect("a folder");
    let terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("cannot be read: it is no file");
    end(terminal);
}

#[test]
fn keys_are_listed_with_what_was_changed_and_checked() {
    let sandbox = Sandbox::new();
    let path = keymap(&sandbox).display().to_string();
    sandbox.sortie(["keys"]).run().code(0).says("you have no keymap").says(&path).done();
    sandbox.sortie(["keys", "--check"]).run().code(0).says("you have no keymap").done();
    save(&sandbox, MINE);
    let ran = sandbox.sortie(["keys"]).run().code(0);
    let ran = ran.says("*  ctrl-o").says("(before: p)").says("3 bindings changed by").says("edit-playbook");
    ran.says("goes before `any`").done();
    sandbox.sortie(["keys", "--check"]).run().code(0).says("no problems, 3 bindings changed").done();
    let all = sandbox.sortie(["keys", "--json"]).run().code(0).json_lines().remove(0);
    let bindings = all["bindings"].as_array().expect("a list");
    let pause = bindings.iter().find(|it| it["action"] == "pause").expect("it is there");
    assert_eq!((&pause["keys"][0], &pause["default"][0]), (&"ctrl-o".into(), &"p".into()), "{pause}");
    assert_eq!((&pause["place"], &pause["changed"]), (&"verbs".into(), &true.into()), "{pause}");
    assert_eq!((all["file"].as_str(), &all["diagnostics"]), (Some(&*path), &Value::Array(Vec::new())));
    let sandbox = sandbox.file("mine.yaml", "bind:\n  log: { ctrl-g: folow, p: follow }\n");
    let ran = sandbox.sortie(["keys", "--check", "--file", "mine.yaml"]).run().code(2);
    let ran = ran.says("there is no action `folow`").says("did you mean `follow`?").says("mine.yaml:2:18");
    ran.says("1 error, 1 warning").says("sortie explain key-hidden").done();
    let ran = sandbox.sortie(["keys", "--check", "--json", "--file", "mine.yaml"]).run().code(2);
    assert_eq!(ran.json_lines()[0]["diagnostics"][0]["slug"], "unknown-action");
    // A list is a list, and says beside it what is wrong.
    let ran = sandbox.sortie(["keys", "--file", "mine.yaml"]).run().code(0);
    ran.says("follow").complains("there is no action `folow`").done();
    let ran = sandbox.sortie(["keys", "--file", "none.yaml"]).run().code(2);
    ran.complains("there is no file `none.yaml`").done();
}

// ---------------------------------------------------------------------------------------------------------- editor

/// Counts the editors that have begun, on the screen that they have.
fn begun(shot: &Shot) -> usize {
    if shot.is_alternate() { 0 } else { shot.text().matches("playbooks/quick.yml").count() }
}

#[test]
fn the_editor_has_the_terminal_and_the_launcher_comes_back_with_what_was_written() {
    let broken = "version: 3\nname: quick\nstages:\n  one: { needs: two, run: 'echo done' }\n";
    let sandbox = Sandbox::new().file("playbooks/quick.yml", broken);
    // A line is read as any shell reads one, and echoed by the terminal: the modes are those of before.
    let editor = "#!/bin/sh\nprintf 'editing'; printf ' %s' \"$@\"; echo\nread word\necho \"got $word\"\n\
         sed -i \"s/needs: two, //; s/echo done/echo $word/\" \"$2\"\nread again\n";
    let sandbox = sandbox.file("vim", editor);
    let mut terminal =
        sandbox.terminal([], SIZE).env("EDITOR", "sh ./vim --first").env("VISUAL", "sh ./vim --only").start();
    terminal.wait_for("1 error");
    for round in 0..5 {
        terminal.keys("e");
        // What the last one wrote still stands there.
        let shot = terminal.wait_until("another editor", |shot| begun(shot) == round + 1);
        assert!(shot.has("editing --only") && shot.has("playbooks/quick.yml"), "{}", shot.text());
        terminal.keys(&format!("word{round}<enter>"));
        terminal.wait_for(&format!("got word{round}"));
        terminal.keys("<enter>");
        terminal.wait_until("the launcher again", |shot| shot.is_alternate() && shot.has("1 found"));
        // No key was lost, and none came twice.
        terminal.keys("?");
        terminal.wait_for("Esc closes");
        terminal.keys("?");
        terminal.wait_gone("Esc closes");
    }
    terminal.wait_gone("1 error");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn an_editor_that_knows_lines_begins_at_the_first_problem() {
    let broken = "version: 3\nname: quick\nstages:\n  one: { needs: two, run: 'echo done' }\n";
    let sandbox = Sandbox::new().file("playbooks/quick.yml", broken);
    let sandbox = sandbox
        .file("bin/nano", "#!/bin/sh\nprintf 'editing'; printf ' %s' \"$@\"; echo\nread word\nexit 7\n");
    let nano = sandbox.project().join("bin/nano");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&nano, executable).expect("it is ours");
    let mut terminal = sandbox.terminal([], SIZE).env("EDITOR", nano.to_str().expect("UTF-8")).start();
    terminal.wait_for("1 error");
    terminal.keys("e");
    terminal.wait_for("editing +4 ");
    terminal.keys("<enter>");
    terminal.wait_for("`nano` exited with code 7");
    // Ctrl-C in an editor that does not want it ends the editor alone.
    terminal.keys("e");
    terminal.wait_until("another editor", |shot| begun(shot) == 2);
    terminal.keys("<c-c>");
    terminal.wait_until("the launcher again", |shot| shot.is_alternate() && shot.has("`nano` "));
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn without_an_editor_both_variables_are_named() {
    let sandbox = Sandbox::new().file("playbooks/quick.yml", QUICK);
    let mut terminal = sandbox.terminal([], SIZE).start();
    terminal.wait_for("1 stage");
    terminal.keys("e");
    terminal
        .wait_for("no editor is set: the variables VISUAL and EDITOR name one, as in `export EDITOR=nano`");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    let mut terminal = sandbox.terminal([], SIZE).env("EDITOR", "no-such-editor -x").start();
    terminal.wait_for("1 stage");
    terminal.keys("e");
    terminal.wait_for("`no-such-editor` could not be started; is it installed?");
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
}
