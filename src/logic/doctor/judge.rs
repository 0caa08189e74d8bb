//! From facts to findings: the level of each, and its cure.
//!
//! Start with `judge`.

use super::{Disk, Facts, Finding, Level, Machine, Recorded, Store, Terminal, Trial, Wanted};
use crate::logic::text::{bytes_text, duration, listed_names, plural};

/// File systems that are on another machine.
const NETWORK: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "lustre",
    "beegfs",
    "davfs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.rclone",
];
/// Free bytes below which it is soon full, and below which hardly a job fits.
const SOON_FULL: u64 = 1 << 30;
const FULL: u64 = 64 << 20;
/// Files that may be open: so many are enough.
const OPEN_FILES: u64 = 1024;
const PROCESSES: u64 = 256;
const WATCHES: u64 = 8192;
/// A clock before this has never been set: the first of January 2026, in microseconds.
const NOT_SET: i64 = 1_767_225_600_000_000;
/// Smallest screen on which all is seen.
const LEAST: (u16, u16) = (80, 24);

/// Judges what was found out. The order is that in which people look for it.
#[must_use]
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut found = vec![program(facts), terminal(&facts.terminal)];
    found.push(project(facts));
    found.extend(settings(facts));
    found.push(state(facts));
    found.extend(facts.machine.disk.as_ref().map(disk));
    found.extend(store(facts));
    found.push(retention(facts));
    found.push(cache(&facts.machine));
    found.extend(left(facts));
    found.extend(trials(&facts.machine));
    found.extend(limits(facts));
    found.push(clock(&facts.machine));
    found.extend(programs(&facts.playbooks.programs));
    found.extend(containers(facts));
    found
}

fn finding(about: &'static str, level: Level, says: impl Into<String>, cure: Option<String>) -> Finding {
    Finding { about, level, says: says.into(), cure }
}

fn ok(about: &'static str, says: impl Into<String>) -> Finding {
    finding(about, Level::Ok, says, None)
}

fn note(about: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Finding {
    finding(about, Level::Note, says, Some(cure.into()))
}

fn warning(about: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Finding {
    finding(about, Level::Warning, says, Some(cure.into()))
}

fn problem(about: &'static str, says: impl Into<String>, cure: impl Into<String>) -> Finding {
    finding(about, Level::Problem, says, Some(cure.into()))
}

fn program(facts: &Facts) -> Finding {
    let build = if facts.program.is_debug { "debug build" } else { "release build" };
    let says = format!("{}, {build}, {}", facts.program.version, facts.program.path);
    if facts.program.path.ends_with(" (deleted)") {
        let cure = "nothing for now; a command that is given from here on is of the new version";
        return note("sortie", says, cure);
    }
    ok("sortie", says)
}

fn terminal(it: &Terminal) -> Finding {
    let (face, why) = &it.face;
    let why = why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let shown = format!("jobs are shown {face}{why}");
    if !it.is_there {
        return ok("terminal", format!("none; {shown}"));
    }
    let size =
        it.size.map_or_else(|| "of unknown size".to_owned(), |(columns, rows)| format!("{columns}x{rows}"));
    let colors = if it.has_colors { "colours" } else { "no colours" };
    let letters = if it.is_utf8 { "UTF-8" } else { "ASCII" };
    let says = format!(
        "{} {size}, {colors}, {letters}; {shown}",
        if it.term.is_empty() { "no TERM" } else { &it.term }
    );
    if it.term.is_empty() || it.term == "dumb" {
        return note("terminal", says, "where the terminal can do more: export TERM=xterm-256color");
    }
    if !it.is_utf8 && !it.is_ascii {
        return note(
            "terminal",
            says,
            "for symbols: export LANG=C.UTF-8; or ask for plain ones with --ascii",
        );
    }
    match it.size {
        Some((columns, rows)) if columns < LEAST.0 || rows < LEAST.1 => note(
            "terminal",
            says,
            format!("for the full screen, {} columns and {} rows are better", LEAST.0, LEAST.1),
        ),
        _ => ok("terminal", says),
    }
}

fn project(facts: &Facts) -> Finding {
    let (root, mark) = &facts.root;
    let of = match facts.playbooks.count {
        0 => "no playbooks".to_owned(),
        count => plural(count, "playbook"),
    };
    let Some(mark) = mark else {
        let says = format!("{root}, the current folder: neither `.sortie` nor `.git` is above it; {of}");
        return note("project", says, "call sortie inside of a project, or make one here: git init");
    };
    let broken = &facts.playbooks.broken;
    let says = format!("{root}, as it has `{mark}`; {of}");
    if broken.is_empty() {
        return ok("project", says);
    }
    let names: Vec<&str> = broken.iter().take(3).map(String::as_str).collect();
    let more = if broken.len() > names.len() { " and more" } else { "" };
    note("project", format!("{says}, with errors in {}{more}", listed_names(&names, "and")), "sortie check")
}

fn settings(facts: &Facts) -> Vec<Finding> {
    let mut found: Vec<Finding> = facts
        .settings
        .iter()
        .map(|line| {
            problem("settings", line.clone(), "mend it; what there is to set: sortie explain settings")
        })
        .collect();
    if found.is_empty() {
        found.push(ok("settings", "nothing wrong with them; `sortie config explain` says what holds"));
    }
    let (name, wrong) = &facts.theme;
    if let Some(wrong) = wrong {
        found.push(warning(
            "theme",
            format!("`{name}`: {wrong}"),
            "mend it, or choose another one: `ui.theme: terminal`",
        ));
    }
    found.extend(facts.keymap.as_ref().map(|wrong| {
        warning(
            "keymap",
            format!("{wrong}; the rest of it counts"),
            "see all of it, and mend it: sortie keys --check",
        )
    }));
    found
}

fn state(facts: &Facts) -> Finding {
    let it = &facts.machine.state;
    let path = &it.path;
    let Some(mode) = it.mode else {
        return match it.is_writable {
            true => ok("folder", format!("{path} is not there yet; the first job makes it")),
            false => problem(
                "folder",
                format!("{path} is not there, and cannot be made: its folder cannot be written to"),
                "get the right to write there, or keep jobs elsewhere: sortie --state DIR",
            ),
        };
    };
    let more = if it.is_more { "more than " } else { "" };
    let says = format!("{path}, {more}{}", bytes_text(it.bytes));
    if !it.is_writable {
        let cure = "get the right to write there, or keep jobs elsewhere: sortie --state DIR";
        return problem("folder", format!("{says}; it cannot be written to"), cure);
    }
    if !it.is_own {
        let cure = format!("run as its owner, or make it yours: chown -R $USER '{path}'");
        return warning("folder", format!("{says}; it belongs to another user"), cure);
    }
    if mode & 0o077 != 0 {
        let says = format!(
            "{says}; others may look into it (mode {:03o}), and logs may be confidential",
            mode & 0o777
        );
        return warning("folder", says, format!("chmod 700 '{path}'"));
    }
    ok("folder", format!("{says}, yours alone"))
}

fn disk(it: &Disk) -> Finding {
    let says = format!("{} free, {}", bytes_text(it.free_bytes), it.kind);
    if it.is_read_only {
        let cure = "mount it for writing, or keep jobs elsewhere: sortie --state DIR";
        return problem("disk", format!("{says}, mounted read-only"), cure);
    }
    if it.free_bytes < FULL {
        return problem(
            "disk",
            format!("{says}: jobs cannot be recorded"),
            "free some space; sortie store prune; sortie cache prune",
        );
    }
    if NETWORK.contains(&it.kind.as_str()) {
        let says = format!("{says}: it is on another machine, where locks and shared memory do not hold");
        return warning(
            "disk",
            says,
            "keep jobs on a disk of this machine: `store.dir: /var/tmp/NAME` in sortie.yml",
        );
    }
    if it.free_bytes < SOON_FULL {
        return warning(
            "disk",
            format!("{says}: it will be full soon"),
            "free some space; sortie store prune; sortie cache prune",
        );
    }
    ok("disk", says)
}

fn store(facts: &Facts) -> Vec<Finding> {
    let called = |rest: &str| format!("{} {rest}", facts.caller);
    let recorded = match &facts.store {
        Store::None => return vec![ok("store", "no job was run here yet")],
        Store::Whole(recorded) => recorded,
        Store::Older(format) => {
            let says = format!("of an earlier version (format {format})");
            return vec![note("store", says, "nothing to do: the next job brings it up to date")];
        }
        Store::Newer(format) => {
            let says = format!("of a later version (format {format}), which this one cannot use");
            return vec![problem(
                "store",
                says,
                "use the later version of sortie, or keep jobs elsewhere: sortie --state DIR",
            )];
        }
        Store::Broken(says, help) => {
            let path = &facts.machine.state.path;
            let aside =
                format!("put it aside to begin a new history: mv '{path}/sortie.db' '{path}/damaged.db'");
            // Other helps say that as well, without the command.
            let help = help.as_ref().map(|help| help.split(", or move the file away").next().unwrap_or(help));
            let cure = help.map_or_else(|| aside.clone(), |help| format!("{help}, or {aside}"));
            return vec![problem("store", says.clone(), cure)];
        }
    };
    let Recorded { format, jobs, live, orphans } = recorded;
    let running = if *live > 0 { format!(", {live} of them live") } else { String::new() };
    let jobs = plural(usize::try_from(*jobs).unwrap_or(usize::MAX), "job");
    let mut found = vec![ok("store", format!("whole at a quick look: {jobs}{running}, format {format}"))];
    if !orphans.is_empty() {
        let names: Vec<String> = orphans.iter().take(5).map(|number| format!("#{number}")).collect();
        let more = if orphans.len() > names.len() { " and more" } else { "" };
        let says = format!("{}{more} lost their engine and have not ended", names.join(", "));
        found.push(warning("lost jobs", says, called("jobs recover")));
    }
    found
}

fn retention(facts: &Facts) -> Finding {
    let (jobs, age, bytes) = facts.keep;
    let mut parts = Vec::new();
    parts.extend(jobs.map(|it| plural(it, "job")));
    parts.extend(age.map(|it| format!("for {}", duration(it))));
    parts.extend(bytes.map(|it| format!("{} of logs", bytes_text(it))));
    let says = format!("`store prune` keeps {}", parts.join(", "));
    let count = match &facts.store {
        Store::Whole(recorded) => recorded.jobs,
        _ => 0,
    };
    if jobs.is_some_and(|most| count > most as u64) {
        return note("retention", says, format!("{} store prune --dry-run", facts.caller));
    }
    ok("retention", says)
}

fn cache(machine: &Machine) -> Finding {
    match machine.state.cache_bytes {
        0 => ok("results", "none are kept"),
        bytes => {
            let more = if machine.state.is_more { "more than " } else { "" };
            ok(
                "results",
                format!(
                    "{more}{} are kept; `sortie cache prune` removes what is not used",
                    bytes_text(bytes)
                ),
            )
        }
    }
}

fn left(facts: &Facts) -> Option<Finding> {
    let left = &facts.machine.left;
    if left.is_empty() {
        return None;
    }
    let names: Vec<&str> = left.iter().take(4).map(|(_, name)| name.as_str()).collect();
    let more = if left.len() > names.len() { " and more" } else { "" };
    let numbers: Vec<String> = left.iter().map(|(pid, _)| pid.to_string()).collect();
    let says = format!("steps of jobs that have ended left {}{more}", names.join(", "));
    Some(warning("leftovers", says, format!("kill {}", numbers.join(" "))))
}

fn trials(machine: &Machine) -> Vec<Finding> {
    let mut works = Vec::new();
    let mut found = Vec::new();
    for (trial, result) in &machine.tried {
        let (name, cure) = match trial {
            Trial::Socket => ("sockets", "keep jobs on a disk of this machine: sortie --state DIR"),
            Trial::Lock => ("locks", "keep jobs on a disk of this machine: sortie --state DIR"),
            Trial::Subreaper => ("child subreaper", "a kernel from 3.4 on, and a sandbox that allows prctl"),
            Trial::Keeper => {
                ("keeper", "look at the limits below; a sandbox has to allow processes, sessions and sockets")
            }
        };
        match result {
            Ok(()) => works.push(name),
            Err(why) => found.push(problem("system", format!("{name}: {why}"), cure)),
        }
    }
    if machine.has_proc {
        works.push("/proc");
    } else {
        let cure = "mount it: mount -t proc proc /proc";
        found.push(problem("system", "there is no /proc, by which processes of steps are found", cure));
    }
    if !works.is_empty() {
        found.insert(0, ok("system", format!("{} tried and work", works.join(", "))));
    }
    found
}

fn limits(facts: &Facts) -> Vec<Finding> {
    let machine = &facts.machine;
    let mut found = Vec::new();
    let mut fine = Vec::new();
    let shown = |it: u64| if it > u64::from(u32::MAX) { "without limit".to_owned() } else { it.to_string() };
    match machine.open_files {
        Some((now, most)) if now < OPEN_FILES => {
            let says = format!("{now} open files are few where many steps run at once");
            found.push(warning("limits", says, format!("ulimit -n {}", most.min(4 * OPEN_FILES).max(now))));
        }
        Some((now, _)) => fine.push(format!("open files {}", shown(now))),
        None => {}
    }
    match machine.processes {
        Some(most) if most < PROCESSES => {
            let says = format!("{most} processes of one user are few where many steps run at once");
            found.push(warning("limits", says, "ulimit -u 4096, or ask whoever looks after the machine"));
        }
        Some(most) => fine.push(format!("processes {}", shown(most))),
        None => {}
    }
    match machine.watches {
        Some(most) if most < WATCHES => {
            let says = format!("{most} files and folders can be watched, which is few");
            let cure = "sudo sysctl fs.inotify.max_user_watches=524288";
            let is_needed = !facts.playbooks.with_watches.is_empty();
            found.push(if is_needed { warning("limits", says, cure) } else { note("limits", says, cure) });
        }
        Some(most) => fine.push(format!("watched files {}", shown(most))),
        None => {}
    }
    if !fine.is_empty() {
        found.insert(0, ok("limits", fine.join(", ")));
    }
    found
}

fn clock(machine: &Machine) -> Finding {
    let at = crate::logic::time::Timestamp(machine.now).rfc3339();
    // Nobody wants to see microseconds.
    let at = at.split('.').next().map_or_else(|| at.clone(), |seconds| format!("{seconds}Z"));
    if machine.now < NOT_SET {
        return problem("clock", format!("{at}: it was never set"), "set it: sudo timedatectl set-ntp true");
    }
    match &machine.zone {
        Some(zone) => ok("clock", format!("{at}, zone {zone}")),
        None => note(
            "clock",
            format!("{at}, zone unknown"),
            "name one: export TZ=Europe/Zurich; schedules name their own",
        ),
    }
}

fn programs(programs: &[Wanted]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut there = Vec::new();
    for it in programs {
        let names: Vec<&str> = it.by.iter().take(3).map(String::as_str).collect();
        let more = if it.by.len() > names.len() { " and more" } else { "" };
        let by = format!("{}{more}", listed_names(&names, "and"));
        let version = it.version.as_deref().filter(|version| !version.is_empty());
        let shown = version.map_or_else(|| it.name.clone(), |version| format!("{} {version}", it.name));
        match (&it.problem, &it.version) {
            (Some(why), _) => {
                found.push(warning(
                    "programs",
                    format!("{why} ({by})"),
                    format!("install {}, or leave that out", it.name),
                ));
            }
            (None, None) if !it.by.is_empty() => {
                let says = format!("`{}` is missing, and {by} need it", it.name);
                found.push(warning("programs", says, format!("install {}", it.name)));
            }
            (None, None) if it.name == "git" => {
                let says =
                    "`git` is missing: `github.sha` and the like are empty, and caches look at every file";
                found.push(note("programs", says, "install git"));
            }
            (None, None) => {}
            (None, Some(_)) => there.push(shown),
        }
    }
    if !there.is_empty() {
        found.insert(0, ok("programs", there.join(", ")));
    }
    found
}

fn containers(facts: &Facts) -> Option<Finding> {
    let by = &facts.playbooks.with_containers;
    match facts.playbooks.containers.as_ref()? {
        Ok(engine) => Some(ok("containers", format!("by {engine}"))),
        Err(_) if by.is_empty() => Some(ok("containers", "nothing runs them, and no playbook wants any")),
        Err(why) => {
            let names: Vec<&str> = by.iter().take(3).map(String::as_str).collect();
            let says = format!("{} need them, and {why}", listed_names(&names, "and"));
            Some(warning(
                "containers",
                says,
                "install podman or docker, or start it; or give the service a `process`",
            ))
        }
    }
}
