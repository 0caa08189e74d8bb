//! Manual pages, read by a program that complains about bad ones. `tests/all` installs it.

use crate::kit::Sandbox;

#[test]
fn every_command_has_a_page_that_readers_do_not_complain_about() {
    let sandbox = Sandbox::new();
    sandbox.sortie(["man", "--out", "pages"]).run().code(0).says("pages in `pages`").done();
    let mut pages: Vec<String> = std::fs::read_dir(sandbox.project().join("pages"))
        .expect("the folder was made")
        .map(|entry| entry.expect("it can be read").path().display().to_string())
        .collect();
    pages.sort();
    for name in ["sortie.1", "sortie-run.1", "sortie-jobs-retry.1", "sortie-doctor.1", "sortie-schema.1"] {
        assert!(
            pages.iter().any(|page| page.ends_with(&format!("/{name}"))),
            "{name} is missing: {pages:#?}"
        );
    }
    let words = ["-Tlint", "-Wwarning"].into_iter().chain(pages.iter().map(String::as_str));
    let read = sandbox.program("mandoc", words).run().code(0);
    assert_eq!((read.out.as_str(), read.err.as_str()), ("", ""));
    let page = pages.iter().find(|page| page.ends_with("/sortie-run.1")).expect("it is there").as_str();
    let shown = sandbox.program("mandoc", ["-Tutf8", "-Owidth=100", page]).run().code(0);
    shown.says("sortie run ci --only test --matrix os=linux").done();
    // Written again, they are replaced; what is no page of ours is not.
    sandbox.sortie(["man", "-o", "pages"]).run().code(0).done();
    std::fs::write(sandbox.project().join("pages/sortie-run.1"), "mine").expect("the project is writable");
    sandbox.sortie(["man", "-o", "pages"]).run().code(5).complains("no manual page of sortie").done();
}

#[test]
fn a_page_is_printed_where_there_is_no_terminal_and_shown_where_there_is_one() {
    let sandbox = Sandbox::new();
    sandbox.sortie(["man"]).run().code(0).says(".TH sortie 1").done();
    sandbox.sortie(["man", "jobs", "retry"]).run().code(0).says(".TH sortie-jobs-retry 1").done();
    sandbox.sortie(["man", "rum"]).run().code(2).complains("did you mean `run`?").done();
    // A stand-in for `man`, as pagers differ.
    let sandbox = sandbox.file("bin/man", "#!/bin/sh\necho \"shown by man $*\"\ngrep '^.TH'\n");
    let man = sandbox.project().join("bin/man");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&man, executable).expect("the project is writable");
    let path = format!(
        "{}:{}",
        man.parent().expect("it has a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let terminal = sandbox.terminal(["man"], (100, 20)).env("PATH", path).start();
    terminal.wait_for_end().code(0).shows("shown by man -l -").shows(".TH sortie 1").done();
}
