//! Facts in, findings out.

use super::{Disk, Facts, Finding, Level, Recorded, Store, Trial, Wanted, has_problem, judge};

/// A machine on which nothing is wrong.
fn healthy() -> Facts {
    let mut facts = Facts { caller: "sortie".to_owned(), ..Facts::default() };
    facts.program.version = "1.2.3";
    facts.program.path = "/usr/bin/sortie".to_owned();
    facts.terminal.is_there = true;
    facts.terminal.term = "xterm".to_owned();
    facts.terminal.size = Some((80, 24));
    facts.terminal.is_utf8 = true;
    facts.terminal.face = ("with bars", None);
    facts.root = ("/p".to_owned(), Some(".git"));
    facts.machine.state.path = "/p/.sortie".to_owned();
    facts.machine.state.mode = Some(0o700);
    facts.machine.state.is_own = true;
    facts.machine.state.is_writable = true;
    facts.machine.disk = Some(Disk { free_bytes: 50 << 30, kind: "ext4".to_owned(), is_read_only: false });
    facts.machine.tried =
        [Trial::Socket, Trial::Lock, Trial::Subreaper, Trial::Keeper].map(|it| (it, Ok(()))).to_vec();
    facts.machine.has_proc = true;
    facts.machine.open_files = Some((1024, 4096));
    facts.machine.processes = Some(10_000);
    facts.machine.watches = Some(500_000);
    facts.machine.now = 1_800_000_000_000_000;
    facts.machine.zone = Some("Europe/Zurich".to_owned());
    facts.store = Store::Whole(Recorded { format: 9, jobs: 3, live: 0, orphans: Vec::new() });
    facts.keep = (Some(1000), None, None);
    facts
}

fn bad(facts: &Facts) -> Vec<Finding> {
    judge(facts).into_iter().filter(|it| it.level != Level::Ok).collect()
}

/// Changes one fact, and says what comes of it: level, subject, and a part of the cure.
#[track_caller]
fn gives(change: impl FnOnce(&mut Facts), level: Level, about: &str, cure: &str) {
    let mut facts = healthy();
    change(&mut facts);
    let found = bad(&facts);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].level, found[0].about), (level, about), "{found:#?}");
    assert!(found[0].cure.as_deref().is_some_and(|it| it.contains(cure)), "{found:#?}");
    assert_eq!(has_problem(&found), level == Level::Problem);
}

#[test]
fn where_nothing_is_wrong_nothing_is_said_to_be() {
    assert_eq!(bad(&healthy()), []);
    assert!(judge(&healthy()).iter().all(|it| it.cure.is_none() && !it.says.is_empty()));
}

#[test]
fn what_keeps_jobs_from_running_is_a_problem() {
    gives(|it| it.machine.disk.as_mut().unwrap().is_read_only = true, Level::Problem, "disk", "--state DIR");
    gives(
        |it| it.machine.disk.as_mut().unwrap().free_bytes = 1 << 20,
        Level::Problem,
        "disk",
        "sortie store prune",
    );
    gives(|it| it.machine.state.is_writable = false, Level::Problem, "folder", "--state DIR");
    gives(|it| it.machine.has_proc = false, Level::Problem, "system", "mount -t proc");
    gives(|it| it.machine.tried[0].1 = Err("no".to_owned()), Level::Problem, "system", "--state DIR");
    gives(|it| it.machine.tried[3].1 = Err("no".to_owned()), Level::Problem, "system", "limits");
    gives(|it| it.store = Store::Newer(99), Level::Problem, "store", "later version");
    gives(
        |it| it.store = Store::Broken("broken".to_owned(), None),
        Level::Problem,
        "store",
        "mv '/p/.sortie/sortie.db'",
    );
    let verify = || Some("`sortie store verify` says more".to_owned());
    gives(
        |it| it.store = Store::Broken("broken".to_owned(), verify()),
        Level::Problem,
        "store",
        "sortie store verify",
    );
    gives(
        |it| it.settings.push("sortie.yml:1: no".to_owned()),
        Level::Problem,
        "settings",
        "sortie explain settings",
    );
    gives(|it| it.machine.now = 0, Level::Problem, "clock", "timedatectl");
}

#[test]
fn what_may_go_wrong_is_a_warning() {
    gives(
        |it| it.machine.disk.as_mut().unwrap().kind = "nfs4".to_owned(),
        Level::Warning,
        "disk",
        "store.dir",
    );
    gives(|it| it.machine.disk.as_mut().unwrap().free_bytes = 500 << 20, Level::Warning, "disk", "prune");
    gives(|it| it.machine.state.mode = Some(0o755), Level::Warning, "folder", "chmod 700 '/p/.sortie'");
    gives(|it| it.machine.state.is_own = false, Level::Warning, "folder", "chown");
    gives(|it| it.machine.open_files = Some((256, 4096)), Level::Warning, "limits", "ulimit -n 4096");
    gives(|it| it.machine.open_files = Some((256, 512)), Level::Warning, "limits", "ulimit -n 512");
    gives(|it| it.machine.left.push((7, "x (process 7)".to_owned())), Level::Warning, "leftovers", "kill 7");
    gives(|it| it.theme.1 = Some("not there".to_owned()), Level::Warning, "theme", "ui.theme");
    gives(
        |it| it.keymap = Some("keymap.yaml:3:9: no".to_owned()),
        Level::Warning,
        "keymap",
        "sortie keys --check",
    );
    let lost = Store::Whole(Recorded { format: 9, jobs: 3, live: 1, orphans: vec![2] });
    gives(|it| it.store = lost, Level::Warning, "lost jobs", "sortie jobs recover");
    let jq = Wanted { name: "jq".to_owned(), by: vec!["ci".to_owned()], ..Wanted::default() };
    gives(|it| it.playbooks.programs.push(jq), Level::Warning, "programs", "install jq");
    let nothing = |it: &mut Facts| {
        it.playbooks.with_containers.push("ci".to_owned());
        it.playbooks.containers = Some(Err("`podman` is not installed".to_owned()));
    };
    gives(nothing, Level::Warning, "containers", "install podman");
}

#[test]
fn what_is_good_to_know_is_a_note() {
    gives(|it| it.root.1 = None, Level::Note, "project", "git init");
    gives(|it| it.playbooks.broken.push("ci".to_owned()), Level::Note, "project", "sortie check");
    gives(|it| it.terminal.is_utf8 = false, Level::Note, "terminal", "LANG");
    gives(|it| it.terminal.term = "dumb".to_owned(), Level::Note, "terminal", "TERM=");
    gives(|it| it.terminal.size = Some((40, 10)), Level::Note, "terminal", "80 columns");
    gives(|it| it.store = Store::Older(3), Level::Note, "store", "next job");
    gives(|it| it.keep.0 = Some(2), Level::Note, "retention", "sortie store prune --dry-run");
    gives(|it| it.machine.zone = None, Level::Note, "clock", "TZ=");
    gives(|it| it.machine.watches = Some(10), Level::Note, "limits", "max_user_watches");
    let git = Wanted { name: "git".to_owned(), ..Wanted::default() };
    gives(|it| it.playbooks.programs.push(git), Level::Note, "programs", "install git");
}
