//! House rules, held by reading the text of the repository. Standard library only, so that it links in a moment.
//!
//! Not here: what the compiler and clippy hold (`Cargo.toml`, `clippy.toml`), what the program does (`tests/it`).
//! Start with the tests: each is one rule. Every failure names the rule, the place and the reason.
#![expect(clippy::disallowed_methods, reason = "tests look at real files and start real programs")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a layer may import. `app` wires the rest and may import everything.
const LAYERS: [(&str, &[&str]); 6] = [
    ("logic", &["logic"]),
    ("port", &["logic", "port"]),
    ("engine", &["logic", "port", "engine"]),
    ("edges", &["logic", "port", "edges"]),
    ("faces", &["logic", "engine", "faces"]),
    ("app", &["logic", "port", "engine", "edges", "faces", "app"]),
];

/// Folders that never grow, and what git or cargo make.
const NOT_OURS: [&str; 4] = ["target", ".git", ".sortie", "proptest-regressions"];

// ---------------------------------------------------------------------------------------------------- layers

#[test]
fn imports_point_one_way() {
    let mut found = Findings::new(
        "faces -> engine -> port -> logic, edges -> port -> logic, app everything",
        "a layer that knows the one above it can no longer be read, tested or lifted out alone",
    );
    for file in rust_files("src") {
        let Some(layer) = layer_of(&file.path) else { continue };
        let (_, allowed) = LAYERS.iter().find(|(name, _)| *name == layer).expect("layer_of knows only these");
        for used in file.crate_paths() {
            let Some(target) = used.segments.first() else { continue };
            let is_layer = LAYERS.iter().any(|(name, _)| name == target);
            if is_layer && !allowed.contains(&target.as_str()) {
                found.add(&file, used.line, format!("`{layer}` names `{target}`: `{}`", used.text()));
            }
        }
    }
    found.report();
}

#[test]
fn every_module_of_the_crate_is_a_layer() {
    let mut found = Findings::new(
        "src holds main.rs, lib.rs and the six layers",
        "a seventh folder is a layer without a rule",
    );
    for name in names_in("src") {
        let is_known =
            ["main.rs", "lib.rs"].contains(&name.as_str()) || LAYERS.iter().any(|(l, _)| *l == name);
        if !is_known {
            found.push(format!("src/{name}"));
        }
    }
    found.report();
}

/// Folders of `faces` that are no skin: what all skins draw with.
const SHARED_BY_SKINS: [&str; 2] = ["event_json", "report"];

#[test]
fn edges_and_skins_do_not_know_each_other() {
    let mut found = Findings::new(
        "an edge names no other edge, a folder of `faces` names no other folder of `faces`",
        "what two of them share belongs into edges/mod.rs, or into a file of `faces` beside the folders",
    );
    for (layer, only_folders) in [("edges", false), ("faces", true)] {
        let members = members_of(layer, only_folders);
        for file in rust_files(&format!("src/{layer}")) {
            let own = member_name(&file.path, layer);
            if own == "mod" || !members.contains(&own) {
                continue;
            }
            for used in file.crate_paths() {
                let [first, second, ..] = used.segments.as_slice() else { continue };
                let is_shared = layer == "faces" && SHARED_BY_SKINS.contains(&second.as_str());
                if first == layer && members.contains(second) && *second != own && !is_shared {
                    found.add(&file, used.line, format!("`{layer}/{own}` names `{layer}/{second}`"));
                }
            }
        }
    }
    found.report();
}

#[test]
fn logic_touches_nothing() {
    let mut found = Findings::new(
        "`logic` names no file, socket, process, thread, environment, clock, randomness or async runtime",
        "it decides the same way every time, so that a story of events can be told again",
    );
    let std_parts = ["fs", "net", "process", "env", "thread", "os", "io"];
    for file in rust_files("src/logic").into_iter().filter(|f| !f.is_test()) {
        for used in &file.paths {
            let parts: Vec<&str> = used.segments.iter().map(String::as_str).collect();
            let forbidden = match parts.as_slice() {
                ["std", part, ..] if std_parts.contains(part) => true,
                ["tokio" | "rand" | "nix" | "rustix" | "rusqlite", ..] => true,
                ["Timestamp" | "Zoned", "now"] | ["jiff", .., "now"] | [_, .., "now_v7" | "new_v4"] => true,
                other => other.iter().any(|p| ["Instant", "SystemTime"].contains(p)),
            };
            // Reading from memory through `std::io::Write` and the like is harmless, printing is not.
            let is_harmless_io =
                matches!(parts.as_slice(), ["std", "io", "Write" | "Read" | "Cursor" | "self"]);
            if forbidden && !is_harmless_io {
                found.add(&file, used.line, format!("`{}`", used.text()));
            }
        }
    }
    found.report();
}

#[test]
fn only_one_file_is_unsafe() {
    let mut found = Findings::new(
        "`unsafe` stands in `src/edges/keeper/process/child.rs` and nowhere else in `src`",
        "what the compiler cannot check a person must, in one place that can be read in one go",
    );
    for file in rust_files("src").into_iter().filter(|f| !f.path.ends_with("keeper/process/child.rs")) {
        for (index, line) in file.code.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| ["unsafe", "unsafe_code"].contains(&word)) {
                found.add(&file, index + 1, line.trim().to_owned());
            }
        }
    }
    found.report();
}

#[test]
fn events_are_written_and_read_in_one_form() {
    let mut found = Findings::new(
        "`Event::deserialize` and `Event::serialize` are named in `logic/job/tagged.rs` only",
        "so named they are what is derived, which is another form than that of journals; name the trait instead",
    );
    for file in rust_files("src").into_iter().filter(|f| !f.path.ends_with("logic/job/tagged.rs")) {
        for (index, line) in file.code.lines().enumerate() {
            if ["Event::deserialize", "Event::serialize"].iter().any(|it| line.contains(it)) {
                found.add(&file, index + 1, line.trim().to_owned());
            }
        }
    }
    found.report();
}

// ----------------------------------------------------------------------------------------------- files and text

#[test]
fn files_stay_readable() {
    let mut found = Findings::new(
        "no file over 800 lines, no mod.rs over 300",
        "a file is one idea; a mod.rs is its folder's front page",
    );
    for file in all_rust_files() {
        let lines = file.text.lines().count();
        let most = if file.path.ends_with("mod.rs") { 300 } else { 800 };
        if lines > most {
            found.push(format!("{}: {lines} lines, at most {most}", file.path.display()));
        }
    }
    found.report();
}

#[test]
fn every_file_says_what_it_is() {
    let mut found = Findings::new(
        "every file starts with `//!`",
        "what is here, what is not here, where to start: the reader decides in three lines whether to stay",
    );
    for file in all_rust_files() {
        if !file.text.starts_with("//! ") {
            found.push(format!("{}:1", file.path.display()));
        }
    }
    found.report();
}

#[test]
fn names_name_a_thing() {
    let mut found = Findings::new(
        "no file called utils, helpers, common, misc, types or imp; no type called ...Manager, ...Handler, ...Helper, ...Info",
        "a home for anything is a home for everything",
    );
    let files = ["utils", "util", "helpers", "helper", "common", "misc", "types", "imp"];
    let types = ["Manager", "Handler", "Helper", "Utils", "Info"];
    for file in all_rust_files() {
        let is_vague =
            |part: &std::ffi::OsStr| files.contains(&part.to_string_lossy().trim_end_matches(".rs"));
        if file.path.iter().any(is_vague) {
            found.push(file.path.display().to_string());
        }
        for (at, line) in file.code.lines().enumerate() {
            let mut words = line
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .skip_while(|w| !["struct", "enum", "trait"].contains(w));
            let name = words.nth(1).unwrap_or_default();
            if types.iter().any(|t| name.ends_with(t)) {
                found.add(&file, at + 1, format!("`{name}`"));
            }
        }
    }
    found.report();
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut found = Findings::new(
        "no marks of unfinished work, no ignored test, no `allow` but at the head of a layer",
        "an open point is an issue or a known limit in the front page; a silenced lint says why with `expect`",
    );
    for file in all_rust_files() {
        for (line, text) in &file.comments {
            if marks.iter().any(|m| text.split(|c: char| !c.is_alphanumeric()).any(|w| w == *m)) {
                found.add(&file, *line, text.trim().to_owned());
            }
        }
        let is_head = layer_of(&file.path).is_some()
            && file.path.components().count() == 3
            && file.path.ends_with("mod.rs");
        for (at, line) in file.code.lines().enumerate() {
            let silenced = line.contains("[allow(") && !is_head;
            // The mark is what is looked for here; no test of the project bears it.
            if silenced || line.contains("#[ignore") {
                found.add(&file, at + 1, line.trim().to_owned());
            }
        }
    }
    found.report();
}

#[test]
fn no_code_sleeps_in_comments() {
    let mut found = Findings::new("no code in comments", "git remembers it; here it only looks alive");
    for file in all_rust_files() {
        for (line, text) in &file.comments {
            if looks_like_code(text) {
                found.add(&file, *line, text.trim().to_owned());
            }
        }
    }
    found.report();
}

#[test]
fn tests_wait_for_things_and_not_for_time() {
    let mut found = Findings::new(
        "no sleep in tests",
        "a sleep is too short on a busy machine and too long on an idle one; wait for the event",
    );
    for file in all_rust_files() {
        if !file.is_test() {
            continue;
        }
        for used in &file.paths {
            if used.segments.last().is_some_and(|s| s == "sleep") {
                found.add(&file, used.line, used.text());
            }
        }
    }
    found.report();
}

// ------------------------------------------------------------------------------------- documents and other files

#[test]
fn every_path_in_the_documents_exists() {
    let mut found = Findings::new(
        "every path that README, ARCHITECTURE or CONTRIBUTING names exists",
        "a document that is wrong about where things are is not believed about what they do",
    );
    let rust_names: BTreeSet<String> = all_rust_files().iter().map(|f| file_name(&f.path)).collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap_or_default();
        if text.is_empty() {
            found.push(format!("{name} is missing or empty"));
        }
        for (line, path) in paths_in_document(&text) {
            let is_there = ["", "src", "playbooks"].iter().any(|base| root().join(base).join(&path).exists())
                || (!path.contains('/') && rust_names.contains(&path));
            if !is_there {
                found.push(format!("{name}:{line}: `{path}`"));
            }
        }
    }
    found.report();
}

#[test]
fn every_diagnostic_has_a_page_and_every_page_a_diagnostic() {
    let mut found = Findings::new(
        "each slug in src has a page assets/explain/SLUG.md, and each page a slug",
        "`more: sortie explain SLUG` must lead somewhere",
    );
    let pages: BTreeSet<String> =
        names_in("assets/explain").iter().filter_map(|n| n.strip_suffix(".md").map(str::to_owned)).collect();
    let mut literals = BTreeSet::new();
    for file in rust_files("src") {
        for literal in file.literals() {
            literals.insert(literal.text.clone());
            let is_slug = literal.is_after(&["Diagnostic::error(", "Diagnostic::warning(", "slug:"]);
            if !file.is_test() && is_slug && is_kebab(&literal.text) && !pages.contains(&literal.text) {
                found.add(&file, literal.line, format!("`{}` has no page", literal.text));
            }
        }
    }
    for page in pages.iter().filter(|p| !literals.contains(*p)) {
        found.push(format!("assets/explain/{page}.md: no such slug in src"));
    }
    found.report();
}

#[test]
fn commands_about_jobs_are_made_by_one_function() {
    let mut found = Findings::new(
        "a hint that calls Sortie about jobs comes from `faces/hint.rs`, the examples of the help apart",
        "where jobs are kept elsewhere, a command without `--state` is about another job",
    );
    let about_jobs = ["jobs", "run", "watch", "logs", "retry", "r", "w", "l", "j"];
    for file in
        rust_files("src").into_iter().filter(|f| !f.is_test() && !file_name(&f.path).starts_with("args"))
    {
        for literal in file.literals() {
            let mut behind =
                literal.text.split("sortie ").skip(1).filter_map(|it| it.split([' ', '`']).next());
            if behind.any(|word| about_jobs.contains(&word)) {
                found.add(&file, literal.line, literal.text.clone());
            }
        }
    }
    found.report();
}

#[test]
fn every_file_of_the_integration_test_is_listed() {
    let mut found = Findings::new(
        "tests/it/main.rs declares every file beside it",
        "a forgotten `mod` is a test that never runs",
    );
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap_or_default();
    for name in names_in("tests/it") {
        let module = name.trim_end_matches(".rs");
        let is_listed = main.lines().any(|l| l.trim() == format!("mod {module};"));
        if module != "main" && !name.contains(".snap") && !is_listed {
            found.push(format!("tests/it/{name}"));
        }
    }
    found.report();
}

#[test]
fn the_changelog_knows_this_version() {
    let mut found = Findings::new(
        "CHANGELOG.md has a heading for the version in Cargo.toml",
        "release day is only a date",
    );
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
    let version = manifest.lines().find_map(|l| l.strip_prefix("version = \"")).unwrap_or_default();
    let heading = format!("## [{}]", version.trim_end_matches('"'));
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap_or_default();
    if !changelog.lines().any(|l| l.starts_with(&heading)) {
        found.push(format!("CHANGELOG.md: no line starts with `{heading}`"));
    }
    found.report();
}

#[test]
fn nothing_points_into_one_machine() {
    let mut found = Findings::new(
        "no file names a folder of the machine it was written on, or another registry than the usual one",
        "what is cloned elsewhere must build there",
    );
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/runner")];
    for path in all_files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (at, line) in text.lines().enumerate() {
            let is_local = folders.iter().any(|f| line.contains(f));
            let source = line.strip_prefix("source = \"registry+").unwrap_or_default();
            let is_mirror = path.ends_with("Cargo.lock")
                && !source.is_empty()
                && !source.starts_with("https://github.com/rust-lang/crates.io-index\"");
            let is_replaced =
                path.starts_with(".cargo") && (line.starts_with("[source") || line.starts_with("[registr"));
            if is_local || is_mirror || is_replaced {
                found.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    found.report();
}

#[test]
fn the_top_level_stays_small() {
    let mut found = Findings::new(
        "the top level holds Cargo.toml, src, playbooks, themes, assets, tests, documents, tool files and dot names",
        "it is the first page that anybody sees",
    );
    let folders = ["src", "playbooks", "themes", "assets", "tests"];
    let files = ["Cargo.toml", "Cargo.lock", "LICENSE", "clippy.toml", "rustfmt.toml", "deny.toml"];
    for name in names_in("") {
        let is_folder = root().join(&name).is_dir();
        let is_known = name.starts_with('.')
            || (is_folder && folders.contains(&name.as_str()))
            || (!is_folder && (files.contains(&name.as_str()) || name.ends_with(".md")));
        if !is_known {
            found.push(name);
        }
    }
    found.report();
}

// ------------------------------------------------------------------------------------------------ reading the tree

/// What one rule found.
struct Findings {
    rule: &'static str,
    reason: &'static str,
    places: Vec<String>,
}

impl Findings {
    fn new(rule: &'static str, reason: &'static str) -> Self {
        Self { rule, reason, places: Vec::new() }
    }

    fn add(&mut self, file: &RustFile, line: usize, what: String) {
        self.push(format!("{}:{line}: {what}", file.path.display()));
    }

    fn push(&mut self, place: String) {
        self.places.push(place);
    }

    fn report(mut self) {
        self.places.sort();
        self.places.dedup();
        let list = self.places.join("\n    ");
        assert!(self.places.is_empty(), "\n  rule: {}\n  why:  {}\n    {list}\n", self.rule, self.reason);
    }
}

/// A path such as `crate::logic::job`, with groups opened.
#[derive(Clone)]
struct Used {
    line: usize,
    segments: Vec<String>,
}

impl Used {
    fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// A string literal, and the code in front of it.
struct Literal {
    line: usize,
    text: String,
    before: String,
}

impl Literal {
    fn is_after(&self, starts: &[&str]) -> bool {
        starts.iter().any(|s| self.before.trim_end().ends_with(s))
    }
}

/// A Rust file, taken apart into code, comments and strings.
struct RustFile {
    /// From the repository's root.
    path: PathBuf,
    text: String,
    /// The text with comments and the insides of strings blanked, line for line.
    code: String,
    /// Line and text of each `//` comment that is no documentation.
    comments: Vec<(usize, String)>,
    /// Byte range of each string's inside.
    strings: Vec<(usize, usize)>,
    paths: Vec<Used>,
}

impl RustFile {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(root().join(&path)).expect("the walk only lists readable files");
        let Split { code, comments, strings } = split(&text);
        let paths = paths_in_code(&code);
        Self { path, text, code, comments, strings, paths }
    }

    fn is_test(&self) -> bool {
        let name = file_name(&self.path);
        name == "tests.rs" || name.ends_with("_tests.rs") || self.path.iter().any(|part| part == "tests")
    }

    /// Paths into this crate without `crate`, those that climb through `super` included.
    fn crate_paths(&self) -> Vec<Used> {
        let mut module: Vec<String> =
            self.path.with_extension("").iter().skip(1).map(|p| p.to_string_lossy().into_owned()).collect();
        module.retain(|part| part != "mod");
        let absolute = |used: &Used| match used.segments.first().map(String::as_str) {
            Some("crate" | "sortie") => Some(used.segments[1..].to_vec()),
            Some("super") => {
                let climbs = used.segments.iter().take_while(|s| *s == "super").count();
                let kept = module.len().checked_sub(climbs)?;
                Some(module[..kept].iter().chain(&used.segments[climbs..]).cloned().collect())
            }
            _ => None,
        };
        let keep_line = |used: &Used| Some(Used { line: used.line, segments: absolute(used)? });
        self.paths.iter().filter_map(keep_line).collect()
    }

    fn literals(&self) -> Vec<Literal> {
        let make = |&(from, to): &(usize, usize)| {
            let start = self.text[..from].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
            Literal {
                line: self.text[..from].matches('\n').count() + 1,
                text: self.text[from..to].to_owned(),
                before: self.text[start..from].trim_end_matches('"').to_owned(),
            }
        };
        self.strings.iter().map(make).collect()
    }
}

fn root() -> PathBuf {
    let told =
        std::env::var_os("CARGO_MANIFEST_DIR").or_else(|| option_env!("CARGO_MANIFEST_DIR").map(Into::into));
    told.map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn layer_of(path: &Path) -> Option<String> {
    let name = path.iter().nth(1)?.to_string_lossy().into_owned();
    LAYERS.iter().any(|(layer, _)| *layer == name).then_some(name)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder or file of a layer that a path lies in, without `.rs`.
fn member_name(path: &Path, layer: &str) -> String {
    let inside = path.strip_prefix(Path::new("src").join(layer)).unwrap_or(path);
    let first = inside.iter().next().unwrap_or_default().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn members_of(layer: &str, only_folders: bool) -> BTreeSet<String> {
    let base = format!("src/{layer}");
    let counts = |name: &String| !only_folders || root().join(&base).join(name).is_dir();
    let names = names_in(&base).into_iter().filter(counts);
    names.map(|n| n.trim_end_matches(".rs").to_owned()).filter(|n| n != "mod" && n != "tests").collect()
}

/// Names in a folder of the repository that are ours; none if the folder is not there.
fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let name =
        |e: std::io::Result<fs::DirEntry>| e.ok().map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        entries.filter_map(name).filter(|n| !NOT_OURS.contains(&n.as_str())).collect();
    names.sort();
    names
}

fn walk(folder: &str, into: &mut Vec<PathBuf>) {
    for name in names_in(folder) {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let full = root().join(&path);
        if full.is_symlink() {
            continue;
        }
        if full.is_dir() {
            walk(&path, into);
        } else {
            into.push(PathBuf::from(path));
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk("", &mut files);
    files
}

fn rust_files(folder: &str) -> Vec<RustFile> {
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.retain(|p| p.extension().is_some_and(|e| e == "rs"));
    files.into_iter().map(RustFile::read).collect()
}

fn all_rust_files() -> Vec<RustFile> {
    let mut files = rust_files("src");
    files.extend(rust_files("tests"));
    files
}

fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Paths in backticks and links, and words of fenced lines that start with a folder of ours.
fn paths_in_document(text: &str) -> Vec<(usize, String)> {
    let ours = ["src/", "tests/", "playbooks/", "assets/", "themes/", ".ci/", ".config/", ".cargo/"];
    let endings = [".rs", ".md", ".toml"];
    let is_plain = |w: &str| w.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        let words: Vec<&str> = if is_fenced {
            line.split_whitespace().collect()
        } else {
            let in_ticks = line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
            let in_links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            in_ticks.chain(in_links).collect()
        };
        for word in words {
            let word = word.trim_end_matches([',', '.', ';', ':', ')']);
            let is_path = ours.iter().any(|o| word.starts_with(o))
                || (!is_fenced && !word.starts_with(['/', '.']) && endings.iter().any(|e| word.ends_with(e)));
            // A name all in capitals stands for what the reader writes there.
            let is_pattern = word.split(['/', '.']).any(|p| ["NAME", "SLUG", "VERB"].contains(&p));
            if is_path && is_plain(word) && !is_pattern {
                found.push((at + 1, word.to_owned()));
            }
        }
    }
    found
}

// ----------------------------------------------------------------------------------------------- reading Rust text

/// Says whether a comment reads like a statement. Sentences may end in a semicolon, so more is asked of those.
fn looks_like_code(comment: &str) -> bool {
    let text = comment.trim();
    let starts = ["let ", "use ", "fn ", "pub ", "impl ", "struct ", "enum ", "mod ", "return ", "#["];
    let ends_like_code = [";", "{", "}", ")]"].iter().any(|e| text.ends_with(e));
    let is_call = text.ends_with(");") || text.ends_with(")?;") || text.ends_with("},");
    let is_assignment = text.ends_with(';') && text.contains(" = ");
    text == "}" || is_call || is_assignment || (ends_like_code && starts.iter().any(|s| text.starts_with(s)))
}

/// A text taken apart.
struct Split {
    code: String,
    comments: Vec<(usize, String)>,
    strings: Vec<(usize, usize)>,
}

/// Blanks comments and strings byte for byte, so that places stay true.
fn split(text: &str) -> Split {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut parts = Split { code: String::new(), comments: Vec::new(), strings: Vec::new() };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let end = if rest.starts_with(b"//") {
            let end = at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let is_doc = rest.starts_with(b"///") || rest.starts_with(b"//!");
            if !is_doc {
                let line = text[..at].matches('\n').count() + 1;
                parts.comments.push((line, text[at + 2..end].to_owned()));
            }
            end
        } else if rest.starts_with(b"/*") {
            at + text[at..].find("*/").map_or(rest.len(), |found| found + 2)
        } else if let Some((open, close)) = string_at(bytes, at) {
            parts.strings.push((open, close));
            blank(&mut code[open..close]);
            at = (close + 1).min(bytes.len());
            continue;
        } else if rest[0] == b'\'' {
            at + char_len(text, at)
        } else {
            at += 1;
            continue;
        };
        blank(&mut code[at..end]);
        at = end;
    }
    parts.code = String::from_utf8(code).expect("whole characters are blanked");
    parts
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|b| **b != b'\n') {
        *byte = b' ';
    }
}

/// The inside of a string literal that starts here, raw ones included.
fn string_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &bytes[at..];
    let is_in_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest[0] == b'"' {
        let mut end = at + 1;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        return Some((at + 1, end.min(bytes.len())));
    }
    if rest[0] != b'r' || (is_in_name && bytes[at - 1] != b'b') {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let open = at + hashes + 2;
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let found = bytes[open..].windows(close.len()).position(|w| w == close.as_slice());
    Some((open, found.map_or(bytes.len(), |f| open + f)))
}

/// Length of a character literal, or 1 for the tick of a lifetime.
fn char_len(text: &str, at: usize) -> usize {
    let mut chars = text[at + 1..].char_indices();
    match chars.next() {
        Some((_, '\\')) => text[at + 3..].find('\'').map_or(1, |found| found + 4),
        Some(_) => match chars.next() {
            Some((offset, '\'')) => offset + 2,
            _ => 1,
        },
        None => 1,
    }
}

/// Every `a::b::c` of the code, with the groups of `use` opened.
fn paths_in_code(code: &str) -> Vec<Used> {
    let mut found = Vec::new();
    let mut stack: Vec<Vec<String>> = Vec::new();
    let mut current: Vec<String> = Vec::new();
    let mut line = 1;
    let mut chars = code.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_alphabetic() || c == '_' {
            let mut end = at + c.len_utf8();
            while let Some((next, _)) = chars.next_if(|(_, n)| n.is_alphanumeric() || *n == '_') {
                end = next + code[next..].chars().next().map_or(1, char::len_utf8);
            }
            current.push(code[at..end].to_owned());
            if code[end..].starts_with("::") {
                chars.next();
                chars.next();
                continue;
            }
        } else if c == '{' && !current.is_empty() {
            // Only `a::{` keeps its front; any other brace finds `current` empty.
            stack.push(std::mem::take(&mut current));
            continue;
        } else if c == '{' {
            stack.push(Vec::new());
        } else if c == '}' {
            stack.pop();
        } else if c == '\n' {
            line += 1;
        }
        if !current.is_empty() {
            let segments: Vec<String> = stack.iter().flatten().cloned().chain(current.drain(..)).collect();
            found.push(Used { line, segments });
        }
    }
    found
}
