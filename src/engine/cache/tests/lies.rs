//! What makes a result another one, and what does not: each change must be seen, however well it hides.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use super::{Place, build, field, hit, miss, recipe, record, unit};
use crate::logic::cache::{Closed, Inputs, Kept, Recipe, Share, Trust};

/// A result was kept, the world is changed, and nothing fits any more.
#[track_caller]
fn is_missed(change: impl FnOnce(&Place, &mut Recipe)) -> crate::logic::cache::Miss {
    let place = Place::new();
    let mut it = recipe();
    place.made(&it, build);
    place.hit(&it);
    change(&place, &mut it);
    place.miss(&it)
}

/// A result was kept, the world is changed, and it still fits: what it made is on the disk.
#[track_caller]
fn is_hit(change: impl FnOnce(&Place)) -> crate::logic::cache::Hit {
    let place = Place::new();
    place.made(&recipe(), build);
    change(&place);
    let hit = place.hit(&recipe());
    assert_eq!(
        (place.read("out/a.o"), place.read("out/b.o")),
        ("object a".to_owned(), "object b".to_owned())
    );
    hit
}

fn told(miss: &crate::logic::cache::Miss) -> Vec<&str> {
    assert_eq!(miss.reason, "changed", "{miss:?}");
    miss.differed.iter().map(|it| it.field.as_str()).collect()
}

#[test]
fn nothing_changed_is_a_hit_that_touches_nothing() {
    let place = Place::new();
    place.made(&recipe(), build);
    let before = fs::metadata(place.at("out/a.o")).expect("it is there");
    let hit = place.hit(&recipe());
    let after = fs::metadata(place.at("out/a.o")).expect("it is there");
    assert_eq!((hit.restored, hit.files, hit.bytes, hit.made_by), (0, 2, 16, 1));
    assert_eq!((before.mtime_nsec(), before.ctime_nsec()), (after.mtime_nsec(), after.ctime_nsec()));
    let end = &hit.record.steps[0].end;
    assert_eq!((end.key.cell, end.key.run, end.key.attempt), (0, 1, 1));
    assert_eq!(&*end.outputs[0].1, "1.2");
}

#[test]
fn another_command_variable_environment_or_matrix_is_missed() {
    let miss = is_missed(|_, it| it.fields[0] = field("run of step 1", Some("make -j")));
    assert_eq!(told(&miss), ["run of step 1"]);
    assert_eq!(miss.differed[0].before.as_deref(), Some("make"));
    assert_eq!(miss.differed[0].now.as_deref(), Some("make -j"));
    assert_eq!(told(&is_missed(|_, it| it.fields[1] = field("env CC", Some("gcc")))), ["env CC"]);
    assert_eq!(told(&is_missed(|_, it| it.fields[1] = field("env CC", Some("")))), ["env CC"]);
    assert_eq!(told(&is_missed(|_, it| it.fields[2] = field("matrix", Some("{\"os\":1}")))), ["matrix"]);
    let miss = is_missed(|_, it| it.fields.truncate(2));
    assert_eq!((told(&miss), miss.differed[0].now.is_none()), (vec!["matrix"], true));
    assert_eq!(
        told(&is_missed(|_, it| it.fields.push(field("working folder", Some("sub"))))),
        ["working folder"]
    );
}

#[test]
fn another_input_is_missed() {
    assert_eq!(told(&is_missed(|place, _| place.write("src/a.c", "int c;"))), ["input src/a.c"]);
    assert_eq!(told(&is_missed(|place, _| place.write("src/c.c", "int c;"))), ["input src/c.c"]);
    let remove = |place: &Place, _: &mut Recipe| fs::remove_file(place.at("src/a.c")).expect("it is there");
    assert_eq!(told(&is_missed(remove)), ["input src/a.c"]);
    let rename = |place: &Place, _: &mut Recipe| {
        fs::rename(place.at("src/a.c"), place.at("src/z.c")).expect("it is there");
    };
    assert_eq!(told(&is_missed(rename)), ["input src/z.c", "input src/a.c"]);
    let folder = |place: &Place, _: &mut Recipe| fs::create_dir(place.at("src/empty")).expect("a folder");
    assert_eq!(told(&is_missed(folder)), ["input src/empty"]);
    assert_eq!(told(&is_missed(|place, _| place.mode("src/a.c", 0o755))), ["input src/a.c"]);
}

#[test]
fn the_same_size_and_time_do_not_hide_other_content() {
    let miss = is_missed(|place, _| {
        let path = place.at("src/a.c");
        let before = fs::metadata(&path).expect("it is there");
        fs::write(&path, "int x;").expect("a file");
        let file = fs::File::options().write(true).open(&path).expect("it is ours");
        file.set_modified(before.modified().expect("it has one")).expect("it is ours");
        assert_eq!(fs::metadata(&path).expect("it is there").len(), before.len());
    });
    assert_eq!(told(&miss), ["input src/a.c"]);
}

#[test]
fn a_change_within_the_same_tick_of_the_clock_is_seen() {
    for _ in 0..40 {
        let place = Place::new();
        let it = recipe();
        place.write("src/a.c", "1");
        let job = place.job();
        miss(job.look(unit(0), &it));
        build(&place);
        assert!(matches!(job.keep(unit(0), record(), &[]), Kept::Stored { .. }));
        place.write("src/a.c", "2");
        assert_eq!(told(&miss(job.look(unit(1), &it))), ["input src/a.c"]);
        build(&place);
        assert!(matches!(job.keep(unit(1), record(), &[]), Kept::Stored { .. }));
        place.write("src/a.c", "1");
        hit(job.look(unit(2), &it));
    }
}

#[test]
fn a_touched_input_is_the_same_input() {
    let hit = is_hit(|place| {
        let file = fs::File::options().write(true).open(place.at("src/a.c")).expect("it is ours");
        file.set_modified(SystemTime::now() + Duration::from_secs(100)).expect("it is ours");
    });
    assert_eq!(hit.restored, 0);
}

#[test]
fn a_clock_that_is_put_back_changes_nothing_and_hides_nothing() {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    let age = |place: &Place| {
        let file = fs::File::options().write(true).open(place.at("src/a.c")).expect("it is ours");
        file.set_modified(old).expect("it is ours");
    };
    is_hit(age);
    let miss = is_missed(|place, _| {
        place.write("src/a.c", "int z;");
        age(place);
    });
    assert_eq!(told(&miss), ["input src/a.c"]);
}

#[test]
fn a_link_is_its_text_and_what_it_leads_to() {
    let place = Place::new();
    place.write("lib/x.h", "1");
    place.write("lib/y.h", "1");
    place.link("../lib/x.h", "src/x.h");
    place.made(&recipe(), build);
    place.hit(&recipe());
    place.write("lib/x.h", "2");
    assert_eq!(told(&place.miss(&recipe())), ["input src/x.h"]);
    place.write("lib/x.h", "1");
    place.hit(&recipe());
    fs::remove_file(place.at("src/x.h")).expect("it is there");
    place.link("../lib/y.h", "src/x.h");
    assert_eq!(told(&place.miss(&recipe())), ["input src/x.h"]);
}

#[test]
fn what_is_in_a_folder_that_a_link_leads_to_is_an_input() {
    let place = Place::new();
    place.write("lib/deep/x.h", "1");
    place.link("../lib", "src/lib");
    place.made(&recipe(), build);
    place.hit(&recipe());
    place.write("lib/deep/x.h", "2");
    assert_eq!(told(&place.miss(&recipe())), ["input lib/deep/x.h"]);
}

#[test]
fn a_link_that_leaves_the_project_cannot_be_vouched_for() {
    for target in ["../../outside", "/etc/hostname", "/nowhere/at/all", "../../../nowhere"] {
        let place = Place::new();
        fs::write(place.root().join("../outside"), "x").expect("a file");
        place.link(target, "src/x.h");
        let miss = place.miss(&recipe());
        assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("leaves-project", true), "{miss:?}");
    }
    let place = Place::new();
    place.link("/etc", "src/etc");
    let mut it = recipe();
    it.inputs = Inputs::Globs(vec!["src/etc/hostname".to_owned()]);
    assert_eq!(place.miss(&it).reason, "leaves-project");
    it.inputs = Inputs::Globs(vec!["src/etc/*".to_owned()]);
    assert_eq!(place.miss(&it).reason, "leaves-project");
}

#[test]
fn other_patterns_tools_and_programs_are_missed() {
    assert_eq!(told(&is_missed(|_, it| it.outputs.push("more/**".to_owned()))), ["patterns of outputs"]);
    let narrow = |_: &Place, it: &mut Recipe| it.inputs = Inputs::Globs(vec!["src/*".to_owned()]);
    assert_eq!(told(&is_missed(narrow)), ["patterns of inputs"]);
    assert_eq!(told(&is_missed(|_, it| it.tools.push("cc --version".to_owned()))), ["tool cc --version"]);

    let place = Place::new();
    let mut it = recipe();
    it.tools.push("cc --version".to_owned());
    place.made(&it, build);
    place.hit(&it);
    let mut newer = place.opening();
    newer.probe = |command, _, _| Ok(format!("{command} 2.0"));
    assert_eq!(told(&miss(place.job_with(newer.clone()).look(unit(0), &it))), ["tool cc --version"]);
    newer.probe = |_, _, _| Err("no such program".to_owned());
    let miss = miss(place.job_with(newer).look(unit(0), &it));
    assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("tool-failed", true));
}

#[test]
fn another_shell_is_missed() {
    let place = Place::new();
    place.write("bin/sh", "one");
    place.mode("bin/sh", 0o755);
    let mut it = recipe();
    it.programs.push("sh".to_owned());
    let path = format!("/nowhere:{}", place.at("bin").display());
    it.closed = std::sync::Arc::new(Closed::new(vec![("PATH".to_owned(), path)], Vec::new()));
    place.made(&it, build);
    place.hit(&it);
    place.write("bin/sh", "two");
    assert_eq!(told(&place.miss(&it)), ["program sh"]);
    fs::remove_file(place.at("bin/sh")).expect("it is there");
    let miss = place.miss(&it);
    assert_eq!((told(&miss), miss.differed[0].now.is_none()), (vec!["program sh"], true));
}

#[test]
fn an_edit_while_it_runs_keeps_nothing() {
    let place = Place::new();
    let kept = place.make(&recipe(), |place| {
        build(place);
        place.write("src/a.c", "int other;");
    });
    assert_is_not_kept(&kept, "input-changed", "src/a.c");
    place.miss(&recipe());

    let place = Place::new();
    let kept = place.make(&recipe(), |place| {
        build(place);
        place.write("src/new.c", "");
    });
    assert_is_not_kept(&kept, "input-changed", "src/new.c");

    // It was changed and changed back: what the work saw is not certain.
    let place = Place::new();
    let kept = place.make(&recipe(), |place| {
        place.write("src/a.c", "int other;");
        build(place);
        place.write("src/a.c", "int a;");
    });
    assert_is_not_kept(&kept, "input-touched", "src/a.c");
}

#[track_caller]
fn assert_is_not_kept(kept: &Kept, slug: &str, text: &str) {
    let Kept::Not { reason, message, .. } = kept else { panic!("{kept:?}") };
    assert_eq!(reason, slug, "{message}");
    assert!(message.contains(text), "{message}");
}

#[test]
fn an_output_that_is_an_input_is_refused_before_and_after_it_is_there() {
    let place = Place::new();
    let mut it = recipe();
    it.outputs = vec!["src/gen.c".to_owned()];
    let miss = place.miss(&it);
    assert_eq!((miss.reason.as_str(), miss.is_hopeless), ("input-is-output", true));
    it.outputs = vec!["src/*.c".to_owned()];
    assert_eq!(place.miss(&it).reason, "input-is-output");
}

#[test]
fn a_result_of_another_branch_is_used_as_far_as_it_is_shared() {
    let place = Place::new();
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    place.write(".git/refs/heads/main", "0123\n");
    let mut it = recipe();
    it.share = Share::Branch;
    let on = |branch: &str| place.write(".git/HEAD", &format!("ref: refs/heads/{branch}\n"));
    on("feature");
    place.made(&it, build);
    place.hit(&it);
    on("other");
    assert_eq!(place.miss(&it).reason, "other-branch");
    on("main");
    assert_eq!(place.miss(&it).reason, "other-branch");
    place.made(&it, build);
    on("other");
    place.hit(&it);
    let plain = recipe();
    place.made(&plain, build);
    on("feature");
    place.hit(&plain);
}

#[test]
fn a_result_of_less_trust_is_not_used_and_takes_no_place() {
    let place = Place::new();
    let by = |trust| {
        let mut opening = place.opening();
        opening.trust = trust;
        place.job_with(opening)
    };
    let untrusted = by(Trust::Untrusted);
    miss(untrusted.look(unit(0), &recipe()));
    build(&place);
    assert!(matches!(untrusted.keep(unit(0), record(), &[]), Kept::Stored { .. }));
    hit(by(Trust::Untrusted).look(unit(0), &recipe()));
    assert_eq!(miss(by(Trust::Shared).look(unit(0), &recipe())).reason, "less-trusted");
    assert_eq!(place.miss(&recipe()).reason, "less-trusted");
    place.made(&recipe(), |place| place.write("out/a.o", "trusted"));
    let untrusted = by(Trust::Untrusted);
    hit(untrusted.look(unit(0), &recipe()));
    place.hit(&recipe());
    assert_eq!(place.read("out/a.o"), "trusted");
}

#[test]
fn a_result_for_one_job_is_not_used_by_another() {
    let place = Place::new();
    let mut it = recipe();
    it.share = Share::None;
    let job = place.job();
    miss(job.look(unit(0), &it));
    build(&place);
    assert!(matches!(job.keep(unit(0), record(), &[]), Kept::Stored { .. }));
    hit(job.look(unit(0), &it));
    drop(job);
    let mut next = place.opening();
    next.job = 2;
    assert_eq!(miss(place.job_with(next).look(unit(0), &it)).reason, "not-shared");
}

#[test]
fn undeclared_writes_are_found_where_that_is_asked_for() {
    let place = Place::new();
    let mut it = recipe();
    it.is_strict = true;
    let kept = place.make(&it, |place| {
        build(place);
        place.write("notes.txt", "beside");
        fs::remove_file(place.at("src/../README")).unwrap_or_default();
    });
    assert_is_not_kept(&kept, "undeclared-write", "`notes.txt`");
    place.made(&it, build);
    place.hit(&it);

    // A commit is a write, too, though no file of the project changes.
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    place.write(".git/refs/heads/main", "0\n");
    it.fields[0] = field("run of step 1", Some("git commit"));
    let kept = place.make(&it, |place| place.write(".git/refs/heads/main", "1\n"));
    assert_is_not_kept(&kept, "undeclared-write", ".git/refs/heads/main");
}

#[test]
fn the_project_as_a_whole_is_what_git_does_not_ignore() {
    let place = Place::new();
    place.write(".gitignore", "*.tmp\n");
    place.write("x.tmp", "1");
    let mut it = recipe();
    (it.inputs, it.outputs) = (Inputs::Project(Vec::new()), Vec::new());
    place.made(&it, |_| {});
    place.hit(&it);
    place.write("x.tmp", "2");
    place.hit(&it);
    place.write("docs/new.md", "x");
    assert_eq!(told(&place.miss(&it)), ["input docs", "input docs/new.md"]);
    let kept = place.make(&it, |place| place.write("y.tmp", "written"));
    assert_is_not_kept(&kept, "undeclared-write", "`y.tmp`");
    it.inputs = Inputs::Project(vec!["src/**".to_owned()]);
    place.made(&it, |_| {});
    place.write("docs/new.md", "y");
    place.hit(&it);
}

#[test]
fn secrets_are_compared_and_never_written_down() {
    let place = Place::new();
    let mut it = recipe();
    it.fields.push(crate::logic::cache::Field {
        name: "env TOKEN".to_owned(),
        value: Some("hunter2-hunter2".to_owned()),
        is_secret: true,
    });
    place.made(&it, build);
    place.hit(&it);
    it.fields[3].value = Some("other".to_owned());
    assert_eq!(told(&place.miss(&it)), ["env TOKEN"]);
    for entry in fs::read_dir(place.state().join("cache")).expect("it is there").flatten() {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        assert!(!bytes.windows(7).any(|it| it == b"hunter2"), "{:?}", entry.path());
    }
}

#[test]
fn what_was_once_written_beside_counts_where_the_whole_project_does() {
    let place = Place::new();
    place.write(".gitignore", "*.o\n");
    place.write("made.o", "one");
    let it = Recipe { inputs: Inputs::Project(Vec::new()), outputs: Vec::new(), ..recipe() };
    // A person has made it before.
    place.made(&it, |_| {});
    place.hit(&it);
    place.write("src/a.c", "other");
    let kept = place.make(&it, |place| place.write("made.o", "other"));
    assert_is_not_kept(&kept, "undeclared-write", "`made.o`");
    place.write("src/a.c", "int a;");
    assert_eq!(told(&place.miss(&it)), ["files written while it ran", "input made.o"]);
    fs::remove_file(place.at("made.o")).expect("it is there");
    assert_eq!(
        told(&place.miss(&it)),
        ["files written while it ran"],
        "that it is not there is another thing"
    );
    place.write("made.o", "one");
    place.made(&it, |_| {});
    place.hit(&it);
    // Others have nothing to do with it.
    let other = Recipe { name: "p: other".to_owned(), fields: Vec::new(), ..it.clone() };
    place.made(&other, |_| {});
    place.write("made.o", "two");
    place.hit(&other);
    place.miss(&it);
    let kept = place.make(&it, |place| {
        for at in 0..20_001 {
            place.write(&format!("many/{at}.o"), "");
        }
    });
    assert_is_not_kept(&kept, "undeclared-write", "`many/0.o`");
    let missed = place.miss(&it);
    assert!(missed.is_hopeless && missed.message.contains("more than 20000 files"), "{missed:?}");
}
