//! Every example of the guide, of the topics of `explain` and of the README is carried out as it stands.
//!
//! A page is read from top to bottom, in one scratch project. What stands behind the three backticks says what a block is:
//!
//! - `yaml file=ci.yml`, `sh file=scripts/0402_Lint.sh`: the file is written. A playbook (it has `version:`) has to check clean, and
//!   is run once in a scratch project of its own with all files so far: `exit=1` says how that ends, if not with 0.
//!   `check-only: REASON` leaves the run out, `check=2` is for one that is wrong on purpose, `warns=SLUG` for one that is
//!   warned of.
//! - `console`: each line that begins with `$ ` is run by a shell; lines below it are what it has to print, with `…` for any text, or
//!   as a line of its own for any lines. Without such lines its output is not looked at. `# exit code 2` behind a command says how it
//!   ends, if not with 0. `console not-run: REASON` is for what needs a terminal, another machine, or time.
//!
//! What is not run is listed in `tests/fixtures/documents-not-run.txt`, with the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kit::{SORTIE, Sandbox, nothing_is_left};

/// A block of code.
struct Block {
    language: String,
    /// What stands behind the language.
    words: String,
    text: String,
    /// Line of its first backtick, from 1.
    line: usize,
}

impl Block {
    /// Returns the value of `name=value`.
    fn value(&self, name: &str) -> Option<&str> {
        self.words.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> i32 {
        self.value(name).map_or(0, |code| code.parse().expect("an exit code"))
    }

    /// Returns why it is not run, if it is not.
    fn reason(&self) -> Option<&str> {
        ["check-only: ", "not-run: "].iter().find_map(|mark| Some(self.words.split_once(mark)?.1))
    }

    fn is_playbook(&self) -> bool {
        self.language == "yaml" && self.text.lines().any(|line| line.starts_with("version:"))
    }

    fn file(&self) -> &str {
        self.value("file").unwrap_or("example.yml")
    }
}

fn path_of(page: &str) -> PathBuf {
    let folder = if page.contains('/') { "assets" } else { "" };
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(page)
}

fn text_of(page: &str) -> String {
    fs::read_to_string(path_of(page)).expect("the page is there")
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(info) => {
                let (language, words) = info.split_once(' ').unwrap_or((info, ""));
                let (language, words) = (language.to_owned(), words.to_owned());
                blocks.push(Block { language, words, text: String::new(), line: at + 1 });
                is_inside = true;
            }
            None if is_inside => {
                let block = blocks.last_mut().expect("one has begun");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_inside, "a block does not end");
    blocks
}

/// How many blocks there were of which kind.
#[derive(Default)]
struct Counts {
    checked: usize,
    run: usize,
    commands: usize,
}

fn write(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.project().join(name);
    fs::create_dir_all(path.parent().expect("it has a folder")).expect("the project is writable");
    fs::write(&path, text).expect("the project is writable");
    if text.starts_with("#!") {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
}

/// Carries out a page, and says how much there was of it.
fn carry_out(page: &str) -> String {
    let text = text_of(page);
    let blocks = blocks(&text);
    let sandbox = Sandbox::new();
    let mut files: Vec<(String, String)> = Vec::new();
    let mut counts = Counts::default();
    for block in &blocks {
        let place = format!("{page}:{}", block.line);
        if block.language == "console" {
            if block.reason().is_none() {
                counts.commands += type_in(&sandbox, block, &place);
            }
            continue;
        }
        if block.value("file").is_none() && !block.is_playbook() {
            continue;
        }
        write(&sandbox, block.file(), &block.text);
        files.push((block.file().to_owned(), block.text.clone()));
        if block.is_playbook() {
            counts.checked += 1;
            counts.run += usize::from(try_playbook(&files, block, &place));
        }
    }
    nothing_is_left(&sandbox, Duration::from_secs(5));
    format!("{page}: {} checked, {} run, {} commands", counts.checked, counts.run, counts.commands)
}

/// Checks a playbook, and runs it unless it says otherwise.
fn try_playbook(files: &[(String, String)], block: &Block, place: &str) -> bool {
    let alone = Sandbox::new();
    for (name, text) in files {
        write(&alone, name, text);
    }
    let checked = alone.sortie(["check", "--json", block.file()]).run();
    assert!(checked.is_code(block.number("check")), "{place}: {}{}", checked.out, checked.err);
    if block.value("check").is_none() {
        let found = &checked.json_lines()[0]["diagnostics"];
        let slugs: Vec<&str> =
            found.as_array().expect("a list").iter().filter_map(|it| it["slug"].as_str()).collect();
        assert_eq!(slugs.join(","), block.value("warns").unwrap_or_default(), "{place}: {found}");
    }
    checked.done();
    let is_run = block.reason().is_none() && block.value("check").is_none();
    if is_run {
        let ran = alone.sortie(["run", block.file()]).run();
        assert!(ran.is_code(block.number("exit")), "{place}: {}{}", ran.out, ran.err);
        ran.done();
        nothing_is_left(&alone, Duration::from_secs(5));
    }
    is_run
}

/// Types the commands of a block, one after the other, and compares what they print.
fn type_in(sandbox: &Sandbox, block: &Block, place: &str) -> usize {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("{place}: a block of `console` begins with `$ `"),
        }
    }
    let folder = Path::new(SORTIE).parent().expect("a program lies in a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    for (command, shown) in &commands {
        let code =
            command.split_once("# exit code ").map_or(0, |(_, code)| code.trim().parse().expect("a code"));
        let script = format!("exec 2>&1\n{command}");
        let ran = sandbox.program("bash", ["-c", &script]).env("PATH", &path).run();
        assert!(ran.is_code(code), "{place}: `{command}`\n{}", ran.out);
        let printed: Vec<&str> = ran.out.lines().map(str::trim_end).collect();
        let shown: Vec<&str> = shown.iter().map(|line| line.trim_end()).collect();
        assert!(
            shown.is_empty() || fits(&shown, &printed),
            "{place}: `{command}` printed\n{}\nand not\n{}",
            printed.join("\n"),
            shown.join("\n")
        );
        ran.done();
    }
    commands.len()
}

/// Says whether lines are as shown; a `…` alone stands for any lines.
fn fits(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], printed) => printed.iter().all(|line| line.is_empty()),
        (["…", rest @ ..], _) => (0..=printed.len()).any(|at| fits(rest, &printed[at..])),
        ([first, rest @ ..], [line, others @ ..]) => line_fits(first, line) && fits(rest, others),
        (_, []) => false,
    }
}

/// Says whether a line is as shown; a `…` in it stands for any text.
fn line_fits(shown: &str, line: &str) -> bool {
    let parts: Vec<&str> = shown.split('…').collect();
    let [first, middle @ .., last] = &parts[..] else { return shown == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_shown_is_compared_with_what_was_printed() {
    let lines = ["one", "two 3s", "four"];
    for (shown, is_so) in [
        (&["one", "two 3s", "four"][..], true),
        (&["one", "two …s", "four"], true),
        (&["…"], true),
        (&["…", "four"], true),
        (&["one", "…", "four"], true),
        (&["one", "two …", "…", "four"], true),
        (&["one", "two …"], false),
        (&["two …", "…"], false),
        (&["one", "…", "five"], false),
        (&["one", "two 4s", "four"], false),
    ] {
        assert_eq!(fits(shown, &lines), is_so, "{shown:?}");
    }
}

macro_rules! pages {
    ($($name:ident: $page:literal),* $(,)?) => {
        const ALL: &[&str] = &[$($page),*];
        $(
            #[test]
            fn $name() {
                println!("{}", carry_out($page));
            }
        )*
    };
}

pages! {
    readme: "README.md",
    approvals: "guide/approvals.md",
    artifacts: "guide/artifacts.md",
    authoring: "guide/authoring.md",
    caching: "guide/caching.md",
    concurrency_and_locks: "guide/concurrency-and-locks.md",
    conditions_and_expressions: "guide/conditions-and-expressions.md",
    environment_and_variables: "guide/environment-and-variables.md",
    getting_started: "guide/getting-started.md",
    good_practice: "guide/good-practice.md",
    inputs: "guide/inputs.md",
    jobs_and_history: "guide/jobs-and-history.md",
    live_loop: "guide/live-loop.md",
    matrix: "guide/matrix.md",
    outputs: "guide/outputs.md",
    profiles: "guide/profiles.md",
    rescue_and_finally: "guide/rescue-and-finally.md",
    retries_and_timeouts: "guide/retries-and-timeouts.md",
    reuse: "guide/reuse.md",
    rollback: "guide/rollback.md",
    running_and_steering: "guide/running-and-steering.md",
    schedules_and_triggers: "guide/schedules-and-triggers.md",
    scripting_sortie: "guide/scripting-sortie.md",
    scripts: "guide/scripts.md",
    secrets: "guide/secrets.md",
    services: "guide/services.md",
    settings: "guide/settings.md",
    stages_and_needs: "guide/stages-and-needs.md",
    summaries: "guide/summaries.md",
    surviving_crashes: "guide/surviving-crashes.md",
    troubleshooting: "guide/troubleshooting.md",
    writing_playbooks: "guide/writing-playbooks.md",
    explain_artifacts: "explain/artifacts.md",
    explain_cache: "explain/cache.md",
    explain_cache_files: "explain/cache-files.md",
    explain_on_interrupt: "explain/on-interrupt.md",
    explain_profiles: "explain/profiles.md",
    explain_schedules: "explain/schedules.md",
    explain_scripts: "explain/scripts.md",
    explain_services: "explain/services.md",
    explain_survival: "explain/survival.md",
}

#[test]
fn every_page_is_carried_out() {
    for entry in fs::read_dir(path_of("guide/")).expect("the guide is there") {
        let name = entry.expect("it can be listed").file_name().into_string().expect("our names are text");
        let page = format!("guide/{name}");
        assert!(ALL.contains(&page.as_str()), "`{page}` is not listed here");
        let bare = name.trim_end_matches(".md");
        let text = text_of(&page);
        assert!(text.starts_with("# "), "{page} has no title");
        let lines = text.lines().count();
        assert!((25..=170).contains(&lines), "{page} has {lines} lines");
        Sandbox::new().sortie(["help", bare, "--raw"]).run().code(0).says(text.trim_end()).done();
    }
}

#[test]
fn what_is_not_run_is_listed_with_its_reason() {
    let (mut told, mut counts, mut marked) = (String::new(), Counts::default(), 0);
    for page in ALL {
        for block in blocks(&text_of(page)) {
            let is_whole = block.is_playbook();
            counts.checked += usize::from(is_whole);
            match block.reason() {
                Some(reason) => {
                    marked += 1;
                    let first = block.text.lines().next().unwrap_or_default();
                    let what = if is_whole { block.file() } else { first };
                    told.push_str(&format!("{page}: {what}\n    {reason}\n"));
                }
                None if is_whole && block.value("check").is_none() => counts.run += 1,
                None if block.language == "console" => {
                    counts.commands += block.text.lines().filter(|line| line.starts_with("$ ")).count();
                }
                None => {}
            }
        }
    }
    println!(
        "{} pages: {} playbooks are checked and {} of them run, {} commands are typed; {marked} blocks are not run",
        ALL.len(),
        counts.checked,
        counts.run,
        counts.commands
    );
    expect_test::expect_file!["../fixtures/documents-not-run.txt"].assert_eq(&told);
}

/// Returns all commands of sortie that a page names, in code spans and blocks of `console`.
fn commands(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_inside = !is_inside;
        } else if is_inside {
            found.extend(line.strip_prefix("$ ").map(str::to_owned));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let call =
        |it: &String| Some(it.split_once("sortie ")?.1.split(['|', '>', ';', '#']).next()?.trim().to_owned());
    let is_call =
        |it: &&String| it.starts_with("sortie ") || it.contains("-- run ") || it.contains(" sortie ");
    found.iter().filter(is_call).filter_map(call).collect()
}

#[test]
fn every_command_and_option_that_pages_name_exists() {
    let sandbox = Sandbox::new();
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut help = |words: &str| {
        let ask = || {
            let ran = sandbox.sortie(["help"].into_iter().chain(words.split(' '))).run();
            ran.is_code(0).then(|| ran.out.clone())
        };
        known.entry(words.to_owned()).or_insert_with(ask).clone()
    };
    let mut problems = Vec::new();
    for page in ALL {
        for command in commands(&text_of(page)) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let is_word =
                |it: &&str| it.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !it.starts_with('-');
            let Some(first) = words.first().filter(|it| is_word(it)) else { continue };
            let is_topic = matches!(*first, "help" | "explain") && words.get(1).is_some_and(is_word);
            let mut page_of = words[usize::from(is_topic)].to_owned();
            // As deep as there are commands: `jobs artifacts get`.
            for word in words[1..].iter().take_while(|it| !is_topic && is_word(it)) {
                let inner = format!("{page_of} {word}");
                if help(&inner).is_none() {
                    break;
                }
                page_of = inner;
            }
            match help(&page_of) {
                None => problems.push(format!("{page}: `sortie {command}`: there is no `{page_of}`")),
                Some(_) if is_topic => {}
                Some(text) => {
                    // What is quoted is not for this command.
                    let own = words.iter().take_while(|it| !it.starts_with(['\'', '"']));
                    let flags = own.filter(|it| it.starts_with("--"));
                    let flags =
                        flags.map(|it| it.split('=').next().unwrap_or_default().trim_end_matches([',', '.']));
                    let missing = flags.filter(|flag| flag.len() > 2 && !text.contains(*flag));
                    problems.extend(missing.map(|flag| format!("{page}: `sortie {command}` has no {flag}")));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn help_lists_pages_shows_them_and_knows_commands_and_topics() {
    let sandbox = Sandbox::new();
    let help = |words: &[&str]| sandbox.sortie(["help"].into_iter().chain(words.iter().copied())).run();
    let bare = help(&[]).code(0);
    bare.says("To begin with").says("getting-started").says("exit-codes").done();
    let all = help(&["--json"]).code(0).json_lines().remove(0);
    let topics: Vec<&str> =
        all.as_array().expect("a list").iter().filter_map(|it| it["topic"].as_str()).collect();
    for page in ALL.iter().filter_map(|page| page.strip_prefix("guide/")) {
        assert!(topics.contains(&page.trim_end_matches(".md")), "{page}: {topics:?}");
    }
    // A command, an inner one, and a command that a page is about.
    let of_run = sandbox.sortie(["run", "--help"]).run().code(0);
    assert_eq!(help(&["run"]).code(0).out.trim(), of_run.out.trim());
    help(&["r"]).code(0).says("Usage: sortie run").done();
    help(&["jobs", "show"]).code(0).says("Usage: sortie jobs show").done();
    help(&["cache"]).code(0).says("Usage: sortie cache").says("sortie help caching").done();
    // A page by another word, by several, and what `explain` knows; and the other way round.
    help(&["needs"]).code(0).says("Stages and needs\n================").done();
    help(&["Stages and needs".to_lowercase().as_str()]).code(2).done();
    help(&["stages", "and", "needs"]).code(0).says("Stages and needs").done();
    help(&["exit-codes"]).code(0).says("124").done();
    help(&["unknown-need"]).code(0).says("unknown-need\n============").done();
    sandbox.sortie(["explain", "matrix"]).run().code(0).says("Matrix\n======").done();
    sandbox.sortie(["explain", "cache"]).run().code(0).says("sortie help caching").done();
    sandbox.sortie(["explain", "cache", "--raw"]).run().code(0).says("# cache\n").says("```yaml").done();
    let page = help(&["matrix", "--json"]).code(0).json_lines().remove(0);
    assert!(page["page"].as_str().is_some_and(|text| text.starts_with("# Matrix\n")), "{page}");
    // What there is not.
    let near = help(&["matirx"]).code(2);
    near.complains("there is no page and no command `matirx`")
        .complains("did you mean `sortie help matrix`?")
        .done();
    help(&["jobs", "shwo"]).code(2).complains("did you mean `sortie help jobs show`?").done();
    help(&["nonsense"]).code(2).complains("`sortie help` lists all pages").done();
    sandbox.sortie(["explain", "getting-startde"]).run().code(2).complains("`getting-started`").done();
    help(&["__keeper"]).code(2).done();
    assert!(!sandbox.project().join(".sortie").exists(), "reading makes nothing");
}

#[test]
fn a_long_page_goes_through_the_pager_on_a_terminal_and_only_there() {
    let sandbox = Sandbox::new();
    let (pager, paged) = ("cat > \"$HOME/paged\"; echo was paged", sandbox.base().join("home/paged"));
    let on_terminal = |words: &[&'static str], pager: &str, rows: u16| {
        let call = sandbox
            .terminal(words.iter().copied(), (80, rows))
            .env("PAGER", pager)
            .env("TERM", "xterm-256color");
        call.start().wait_for_end().code(0)
    };
    on_terminal(&["help", "matrix"], pager, 24).shows("was paged").done();
    let text = fs::read_to_string(&paged).expect("the pager was given something");
    assert!(text.contains("\u{1b}[1mMatrix\u{1b}[0m"), "{text}");
    assert!(text.lines().all(|line| line.chars().filter(|c| !c.is_control()).count() <= 100), "{text}");
    fs::remove_file(&paged).expect("it is there");
    // Short enough, empty, not to be found, and not on a terminal.
    on_terminal(&["explain", "bad-cron"], pager, 60).shows("five fields").done();
    on_terminal(&["help", "matrix"], "", 24).shows("See also").done();
    on_terminal(&["help", "matrix"], "no-such-pager-anywhere", 24).shows("See also").done();
    sandbox.sortie(["help", "matrix"]).env("PAGER", pager).run().code(0).says("matrices").done();
    assert!(!paged.exists());
}
