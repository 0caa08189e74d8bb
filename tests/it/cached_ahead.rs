//! What is remembered from the last time: what a playbook was read to, and what it took. Both are only memories: whatever
//! changes, before the start or in the job, counts.
//!
//! Not here: the forty lies (`cached.rs`).

use std::fs;
use std::time::Duration;

use crate::kit::{Sandbox, nothing_is_left};

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.project().join(name)).unwrap_or_default()
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    fs::write(sandbox.project().join(name), text).expect("the project is there and ours");
}

/// `many` stages that copy a file, in a text that is long enough to be remembered.
fn copies(many: usize) -> String {
    let mut text = "version: 3\nstages:\n".to_owned();
    for at in 0..many {
        text += &format!(
            "  copy-{at}:\n    # stage number {at} of {many}: what goes in comes out, and nothing else is looked at\n    \
             run: cp in/{at} out/{at}\n    cache: {{ inputs: [in/{at}], outputs: [out/{at}] }}\n"
        );
    }
    text
}

fn copying(many: usize) -> Sandbox {
    let mut sandbox = Sandbox::new().file("p.yml", &copies(many)).file("out/.keep", "");
    for at in 0..many {
        sandbox = sandbox.file(&format!("in/{at}"), &format!("{at}"));
    }
    sandbox
}

#[test]
fn a_long_playbook_is_read_again_when_it_changes_and_its_warnings_are_said_each_time() {
    let sandbox = copying(60);
    let run = |more: &[&str]| {
        let words = ["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied());
        sandbox.sortie(words).run().code(0)
    };
    let remembered = || {
        let folder = sandbox.project().join(".sortie/cache/readings");
        fs::read_dir(folder).map_or(0, std::iter::Iterator::count)
    };
    run(&[]).says("0 of 60 from the cache").done();
    assert_eq!(remembered(), 1);
    run(&[]).says("60 of 60 from the cache").done();
    // One word of it.
    let changed = copies(60).replace("run: cp in/7 out/7", "run: cat in/7 in/7 > out/7");
    write(&sandbox, "p.yml", &changed);
    run(&[]).says("59 of 60 from the cache").done();
    assert_eq!(read(&sandbox, "out/7"), "77");
    run(&[]).says("60 of 60 from the cache").done();
    // What there is to say is said by each run, and an error stops it.
    write(
        &sandbox,
        "p.yml",
        &changed.replace("version: 3\n", "version: 3\nenv: { A: '${{ run.nubmer }}' }\n"),
    );
    for _ in 0..2 {
        sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(2).complains("nubmer").done();
    }
    write(&sandbox, "p.yml", &changed);
    run(&[]).says("60 of 60 from the cache").done();
    run(&["--no-cache"]).done();
    // A damaged memory is none.
    for entry in fs::read_dir(sandbox.project().join(".sortie/cache/readings")).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let mut bytes = fs::read(&path).expect("it is ours");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        fs::write(&path, bytes).expect("it is ours");
    }
    run(&[]).says("60 of 60 from the cache").done();
    sandbox.sortie(["cache", "clear"]).run().code(0).done();
    assert_eq!(remembered(), 0);
    run(&[]).says("0 of 60 from the cache").done();
    assert_eq!(remembered(), 1);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

/// `make` writes the input of `use` and is never cached; `own` has nothing to do with them.
const FED: &str = "version: 3\nstages:\n  own: { run: cp a b, cache: { inputs: [a], outputs: [b] } }\n  \
                   make: { run: cp word in }\n  \
                   use: { needs: make, run: 'cp in out; echo x >> count', cache: { inputs: [in], outputs: [out] } }\n";

#[test]
fn what_the_job_itself_changes_counts() {
    let sandbox = Sandbox::new().file("p.yml", FED).file("a", "a").file("word", "one");
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    run().done();
    // The list of the playbook is there by now.
    for (word, times) in [("one", 1), ("one", 1), ("two", 2), ("two", 2), ("one", 2), ("six", 3)] {
        write(&sandbox, "word", word);
        run().says("own cached").done();
        assert_eq!(read(&sandbox, "out"), word);
        assert_eq!(read(&sandbox, "count").len(), 2 * times, "{word}");
    }
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

/// Each makes the input of the next one.
const CHAIN: &str = "version: 3\nstages:\n  a: { run: cp src 1, cache: { inputs: [src], outputs: ['1'] } }\n  \
                     b: { needs: a, run: cp 1 2, cache: { inputs: ['1'], outputs: ['2'] } }\n  \
                     c: { needs: b, run: 'cp 2 3; echo x >> count', cache: { inputs: ['2'], outputs: ['3'] } }\n";

#[test]
fn what_is_made_or_put_back_in_the_job_counts() {
    let sandbox = Sandbox::new().file("p.yml", CHAIN).file("src", "one");
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    for _ in 0..3 {
        run().done();
    }
    for (word, times) in [("two", 2), ("one", 2), ("two", 2), ("six", 3), ("two", 3)] {
        write(&sandbox, "src", word);
        run().done();
        run().says("3 of 3 from the cache").done();
        assert_eq!([read(&sandbox, "1"), read(&sandbox, "2"), read(&sandbox, "3")], [word; 3]);
        assert_eq!(read(&sandbox, "count").len(), 2 * times, "{word}");
    }
    // Somebody changes the middle.
    write(&sandbox, "2", "by hand");
    run().says("3 of 3 from the cache").done();
    assert_eq!(read(&sandbox, "2"), "two");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_another_playbook_keeps_or_clears_is_seen() {
    let sandbox = copying(3).file(
        "other.yml",
        "version: 3\nstages: { o: { run: cp in/0 o, cache: { inputs: [in/0], outputs: [o] } } }\n",
    );
    let run = |name: &str| sandbox.sortie(["run", name, "--ui", "plain"]).run().code(0);
    run("p.yml").done();
    run("p.yml").says("3 of 3 from the cache").done();
    run("other.yml").done();
    run("p.yml").says("3 of 3 from the cache").done();
    sandbox.sortie(["run", "p.yml", "--refresh", "--ui", "plain"]).run().code(0).says("0 of 3").done();
    run("p.yml").says("3 of 3 from the cache").done();
    sandbox.sortie(["cache", "clear"]).run().code(0).done();
    run("p.yml").says("0 of 3 from the cache").done();
    run("p.yml").says("3 of 3 from the cache").done();
    sandbox.sortie(["cache", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
