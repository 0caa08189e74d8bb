//! Completion in real shells: at a terminal in bash and zsh, by its own question in fish.
//!
//! Not here: which argument is offered what (`faces/cli/completions`). `tests/all` installs the shells.

use std::path::{Path, PathBuf};

use crate::kit::{SORTIE, Sandbox, Terminal};

const CI: &str = "version: 3
name: ci
description: Builds and tests
inputs:
  target: {type: choice, options: [stage, prod]}
  fast: {type: boolean, default: false}
profiles: {quick: {description: Only what is fast, exclude: [deploy]}}
stages:
  test: {matrix: {os: [linux, macos]}, run: echo test}
  deploy: {needs: test, run: echo deploy}
";

fn project() -> Sandbox {
    let script = "#!/bin/sh\n# Tags: lint\necho linted\n";
    Sandbox::new()
        .file("playbooks/ci.yml", CI)
        .file("playbooks/nightly.yml", &CI.replace("name: ci", "name: nightly"))
        .file("scripts/0402_lint.sh", script)
}

fn path() -> String {
    let folder = Path::new(SORTIE).parent().expect("a program is in a folder").display().to_string();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Types a line in a shell, and waits for what it becomes or shows.
#[track_caller]
fn becomes(shell: &mut Terminal, typed: &str, expected: &[&str]) {
    shell.keys(typed);
    for text in expected {
        shell.wait_for(text);
    }
    shell.keys("<c-u>");
    shell.keys("clear<enter>");
    shell.wait_until("an empty screen", |shot| shot.text().trim() == "$");
}

#[test]
fn bash_completes_at_a_terminal() {
    let sandbox = project();
    sandbox.sortie(["run", "ci", "--input", "target=prod"]).run().code(0).done();
    let mut bash = sandbox
        .terminal_of("bash", ["--norc", "--noprofile", "-i"], (100, 30))
        .env("PATH", path())
        .env("PS1", "$ ")
        .start();
    bash.wait_for("$");
    bash.keys("bind 'set show-all-if-ambiguous on'; source <lt>(sortie completions bash); clear<enter>");
    bash.wait_until("an empty screen", |shot| shot.text().trim() == "$");
    becomes(&mut bash, "sortie run n<tab>", &["$ sortie run nightly"]);
    becomes(&mut bash, "sortie run ci --only <tab>", &["deploy  test"]);
    becomes(&mut bash, "sortie run ci --only test[os=l<tab>", &["--only test[os=linux]"]);
    becomes(&mut bash, "sortie run ci --input <tab>", &["fast=", "target="]);
    becomes(&mut bash, "sortie run ci --input target=p<tab>", &["--input target=prod"]);
    becomes(&mut bash, "sortie run ci --profile <tab>", &["--profile quick"]);
    becomes(&mut bash, "sortie run ci --matrix os=<tab>", &["linux  macos"]);
    becomes(&mut bash, "sortie run 04<tab>", &["sortie run 0402"]);
    becomes(&mut bash, "sortie plan tag:l<tab>", &["sortie plan tag:lint"]);
    becomes(&mut bash, "sortie jobs show <tab>", &["1     last"]);
    becomes(&mut bash, "sortie jobs skip 1 d<tab>", &["sortie jobs skip 1 deploy"]);
    becomes(&mut bash, "sortie config explain ui.th<tab>", &["sortie config explain ui.theme"]);
    becomes(&mut bash, "sortie explain sche<tab>", &["sortie explain schedules"]);
    becomes(&mut bash, "sortie jobs summary --format h<tab>", &["--format html"]);
    bash.keys("exit<enter>");
    bash.wait_for_end().code(0).done();
}

#[test]
fn zsh_completes_at_a_terminal() {
    let sandbox = project();
    let mut zsh =
        sandbox.terminal_of("zsh", ["-f", "-i"], (100, 30)).env("PATH", path()).env("PS1", "$ ").start();
    zsh.wait_for("$");
    zsh.keys("unsetopt prompt_sp; autoload -Uz compinit; compinit -u -D; source <lt>(sortie completions zsh); clear<enter>");
    zsh.wait_until("an empty screen", |shot| shot.text().trim() == "$");
    becomes(&mut zsh, "sortie run n<tab>", &["$ sortie run nightly"]);
    becomes(&mut zsh, "sortie run ci --only <tab>", &["test", "deploy"]);
    becomes(&mut zsh, "sortie run ci --input target=p<tab>", &["target=prod"]);
    becomes(&mut zsh, "sortie run ci --profile <tab>", &["--profile quick"]);
    becomes(&mut zsh, "sortie run <tab>", &["Builds and tests"]);
    zsh.keys("exit<enter>");
    zsh.wait_for_end().code(0).done();
}

#[test]
fn fish_is_told_what_there_is_and_what_it_is() {
    let sandbox = project();
    let ask = |line: &str| {
        let script = format!("sortie completions fish | source; complete -C '{line}'");
        sandbox.program("fish", ["--no-config", "-c", &script]).env("PATH", &path()).run().code(0).out
    };
    for (typed, name) in [("ru", "run\t"), ("wat", "watch\t"), ("orc", "orch\t"), ("jo", "jobs\t")] {
        assert!(ask(&format!("sortie {typed}")).starts_with(name), "{typed}");
    }
    let commands = ask("sortie ");
    let names: Vec<&str> = commands.lines().filter_map(|line| line.split('\t').next()).collect();
    assert!(names.contains(&"run") && !names.contains(&"r"), "{names:?}");
    assert_eq!(ask("sortie r ci --only de"), "deploy\n");
    assert_eq!(ask("sortie run n"), "nightly\tBuilds and tests\n");
    assert_eq!(ask("sortie run ci --only "), "test\ndeploy\n");
    assert_eq!(ask("sortie run ci --profile "), "quick\tOnly what is fast\n");
    assert!(!ask("sortie jobs show ").contains("last"), "there are no jobs");
    assert!(ask("sortie jobs show --js").starts_with("--json\t"));
}

/// Where a shell of this sandbox looks for the completion.
fn installed(sandbox: &Sandbox, below: &str) -> PathBuf {
    sandbox.base().join("home").join(below)
}

#[test]
fn bash_finds_what_is_installed() {
    let sandbox = project();
    let ran = sandbox.sortie(["completions", "--install"]).env("SHELL", "/usr/local/bin/bash").run().code(0);
    let file = installed(&sandbox, "data/bash-completion/completions/sortie");
    ran.says("the completion for bash is written").says(&format!("source {}", file.display())).done();
    // As bash-completion has it: at the first Tab for a command, its file is read, and the word is completed anew.
    let loader = "_load() { . \"$XDG_DATA_HOME/bash-completion/completions/$1\" && return 124; }
complete -D -F _load
bind 'set show-all-if-ambiguous on'
PS1='$ '
";
    let sandbox = sandbox.file("rc", loader);
    let words = ["--noprofile", "--rcfile", "rc", "-i"];
    let mut bash = sandbox.terminal_of("bash", words, (100, 30)).env("PATH", path()).start();
    bash.wait_for("$");
    becomes(&mut bash, "sortie run n<tab>", &["$ sortie run nightly"]);
    becomes(&mut bash, "sortie run ci --input target=p<tab>", &["--input target=prod"]);
    becomes(&mut bash, "sortie completions --i<tab>", &["sortie completions --install"]);
    bash.keys("exit<enter>");
    bash.wait_for_end().code(0).done();
}

#[test]
fn zsh_finds_what_is_installed_by_the_line_that_is_said() {
    let sandbox = project();
    let ran = sandbox.sortie(["completions", "--install", "zsh"]).run().code(0);
    let file = installed(&sandbox, "data/zsh/site-functions/_sortie");
    let said = ran.out.lines().find(|line| line.starts_with("  fpath=(")).expect("a line").trim().to_owned();
    ran.says("the completion for zsh is written").says(&format!("source {}", file.display())).done();
    assert!(said.contains("zsh/site-functions $fpath)"), "{said}");
    let mode = std::fs::metadata(file.parent().expect("a folder")).expect("it was made").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o022, 0, "zsh asks about such folders");
    let zshrc = format!("unsetopt prompt_sp\n{said}\nautoload -Uz compinit\ncompinit -D\nPS1='$ '\n");
    std::fs::write(sandbox.base().join("home/.zshrc"), zshrc).expect("the home is writable");
    let mut zsh = sandbox.terminal_of("zsh", ["-d", "-i"], (100, 30)).env("PATH", path()).start();
    zsh.wait_for("$");
    // The first time it is loaded, and completes at once.
    becomes(&mut zsh, "sortie run n<tab>", &["$ sortie run nightly"]);
    becomes(&mut zsh, "sortie run ci --profile <tab>", &["--profile quick"]);
    zsh.keys("exit<enter>");
    zsh.wait_for_end().code(0).done();
}

#[test]
fn fish_finds_what_is_installed() {
    let sandbox = project();
    sandbox.sortie(["completions", "--install", "fish"]).run().code(0).says("fish is written").done();
    assert!(installed(&sandbox, "config/fish/completions/sortie.fish").is_file());
    let ask = ["-c", "complete -C 'sortie run n'"];
    let told = sandbox.program("fish", ask).env("PATH", &path()).run().code(0).out;
    assert_eq!(told, "nightly\tBuilds and tests\n");
}

#[test]
fn what_is_installed_replaces_its_own_and_nothing_else() {
    let sandbox = Sandbox::new();
    let install = || sandbox.sortie(["completions", "--install", "bash"]).run();
    let file = installed(&sandbox, "data/bash-completion/completions/sortie");
    let read = || std::fs::read_to_string(&file).expect("it is there");
    install().code(0).says("is written").done();
    let whole = read();
    install().code(0).says("already, as this sortie writes it").done();
    // An older one, and one that was printed and put there by hand.
    let printed = sandbox.sortie(["completions", "bash"]).run().code(0).out;
    for older in [whole.replace("COMP_CWORD", "OLD"), printed, String::new()] {
        std::fs::write(&file, older).expect("it can be written");
        install().code(0).says("is replaced").done();
        assert_eq!(read(), whole);
    }
    let folder = file.parent().expect("a folder");
    assert_eq!(std::fs::read_dir(folder).expect("it is there").count(), 1, "nothing is left beside it");
    // Others are not ours, whatever they speak of.
    for own in ["complete -W 'run watch' sortie\n", "# mine: SORTIE_COMPLETE=bash sortie\n"] {
        std::fs::write(&file, own).expect("it can be written");
        install().code(5).complains("no completion of sortie").complains("source <(sortie").done();
        assert_eq!(read(), own);
    }
    let elsewhere = sandbox.project().join("dotfiles");
    std::fs::remove_file(&file).and_then(|()| std::fs::write(&elsewhere, "")).expect("it is there");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link");
    install().code(5).complains("is a link to").complains("sortie completions bash > ").done();
    std::fs::write(&elsewhere, &whole).expect("it is there");
    install().code(0).says("already, as this sortie writes it").done();
}

#[test]
fn where_nothing_can_be_installed_the_way_out_is_said() {
    let sandbox = Sandbox::new();
    let install = |shell: &[&'static str]| {
        sandbox.sortie(["completions", "--install"].into_iter().chain(shell.iter().copied()))
    };
    install(&[]).run().code(2).complains("SHELL does not say").complains("--install SHELL").done();
    install(&[]).env("SHELL", "/bin/dash").run().code(2).complains("no completion for `dash`").done();
    for (shell, line) in [("elvish", "rc.elv"), ("powershell", "$PROFILE")] {
        install(&[shell]).run().code(2).complains("looks in no folder").complains(line).done();
    }
    install(&[]).env("SHELL", "/opt/pwsh").run().code(2).complains("powershell looks in no folder").done();
    let homeless = install(&["fish"]).env("XDG_CONFIG_HOME", "").env("HOME", "").run().code(5);
    homeless.complains("the variable HOME is not set").complains("sortie completions fish | source").done();
    std::fs::write(installed(&sandbox, "data"), "no folder").expect("the home is writable");
    let blocked = install(&["zsh"]).run().code(5);
    blocked.complains("cannot be written: its folder cannot be made").complains("add this line to").done();
    sandbox.sortie(["completions"]).run().code(2).complains("<SHELL>").done();
}

#[test]
fn who_asks_hears_no_error_and_finds_no_trace() {
    let sandbox = project();
    let ask = |sandbox: &Sandbox, words: &[&str]| {
        let words = ["--", "sortie"].into_iter().chain(words.iter().copied());
        let ran = sandbox.sortie(words).env("SORTIE_COMPLETE", "fish").run();
        assert_eq!(ran.err, "");
        ran.out
    };
    for words in [
        &["jobs", "show", ""][..],
        &["run", "nothing", "--only", ""],
        &["run", "ci", "--input", ""],
        &["l", ""],
    ] {
        ask(&sandbox, words);
    }
    assert!(!sandbox.project().join(".sortie").exists());
    // In a project where everything is broken there is less to offer, and nothing to complain about.
    let broken = project().file("sortie.yml", "run: [").file(".sortie/sortie.db", "this is no store");
    assert_eq!(ask(&broken, &["jobs", "show", "1"]), "");
    assert!(ask(&broken, &["run", "c"]).starts_with("ci\t"));
    let left = std::fs::read_dir(broken.project().join(".sortie")).expect("it is there").count();
    assert_eq!(left, 1, "something was written beside the broken store");
    let unknown = sandbox.sortie(["--", "sortie", ""]).env("SORTIE_COMPLETE", "tcsh").run();
    assert_eq!((unknown.out.as_str(), unknown.err.as_str()), ("", ""));
}
