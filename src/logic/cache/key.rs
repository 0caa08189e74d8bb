//! The key of a result: a digest of all that decides about it, and the same as a list that people can compare.
//!
//! Not here: looking it up in the world (`engine/cache/look.rs`).

use blake3::{Hash, Hasher};

use super::{Difference, Field, Inputs, Recipe};

/// Version of what goes into a key, and in which order. Results of another one are not used.
pub const KEY_FORMAT: u32 = 3;

/// Changes when results that were kept by earlier versions must not be used any more, because of a mistake in them.
const EPOCH: u32 = 1;

/// What was looked up in the world for a key.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Operating system and processor.
    pub system: String,
    /// The digest of the C library, if one was found.
    pub libc: Option<Hash>,
    /// Programs and the digests of their files, as far as they are there.
    pub programs: Vec<(String, Option<Hash>)>,
    /// Command lines and what they printed.
    pub tools: Vec<(String, String)>,
    /// Which files were written in earlier jobs beside any outputs, in short. What is in them are inputs.
    pub written: Option<String>,
}

/// A file, folder or link that a result depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Below the root; need not be UTF-8.
    pub path: Vec<u8>,
    pub kind: InputKind,
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    File {
        is_executable: bool,
        hash: Hash,
    },
    Folder,
    /// `to` is the digest of the file that it leads to, if it leads to one, and whether that can be executed.
    Link {
        target: Vec<u8>,
        to: Option<(bool, Hash)>,
    },
}

/// Makes the key of a result. Inputs are sorted by path.
#[must_use]
pub fn key(recipe: &Recipe, around: &Surroundings, inputs: &[Input]) -> Hash {
    let mut it = Maker(Hasher::new());
    it.number(u64::from(KEY_FORMAT));
    it.number(u64::from(EPOCH));
    it.bytes(around.system.as_bytes());
    it.digest(around.libc);
    it.0.update(recipe.closed.digest.as_bytes());
    it.fields(&recipe.fields);
    it.number(around.programs.len() as u64);
    for (name, digest) in &around.programs {
        it.bytes(name.as_bytes());
        it.digest(*digest);
    }
    it.number(around.tools.len() as u64);
    for (command, printed) in &around.tools {
        it.bytes(command.as_bytes());
        it.bytes(printed.as_bytes());
    }
    let (word, patterns) = words(&recipe.inputs);
    it.bytes(word.as_bytes());
    it.texts(patterns);
    if let Some(written) = &around.written {
        it.bytes(b"written beside");
        it.bytes(written.as_bytes());
    }
    if !recipe.made.is_empty() {
        it.bytes(b"made before");
        it.number(recipe.made.len() as u64);
        recipe.made.iter().for_each(|patterns| it.texts(patterns));
    }
    it.texts(&recipe.outputs);
    it.number(inputs.len() as u64);
    inputs.iter().for_each(|input| it.input(input));
    it.0.finalize()
}

/// Returns the digest of parts of a key.
pub(super) fn digest(fields: &[Field]) -> Hash {
    let mut it = Maker(Hasher::new());
    it.fields(fields);
    it.0.finalize()
}

fn words(inputs: &Inputs) -> (&'static str, &[String]) {
    match inputs {
        Inputs::Globs(patterns) => ("globs", patterns),
        Inputs::Project(patterns) => ("project", patterns),
    }
}

/// Puts fields into a digest so that no two lists of fields come to the same bytes.
struct Maker(Hasher);

impl Maker {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.number(0),
            Some(bytes) => {
                self.number(1);
                self.bytes(bytes);
            }
        }
    }

    fn digest(&mut self, digest: Option<Hash>) {
        self.optional(digest.as_ref().map(|it| it.as_bytes().as_slice()));
    }

    fn fields(&mut self, fields: &[Field]) {
        self.number(fields.len() as u64);
        for Field { name, value, .. } in fields {
            self.bytes(name.as_bytes());
            self.optional(value.as_ref().map(String::as_bytes));
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.bytes(text.as_bytes()));
    }

    fn input(&mut self, input: &Input) {
        self.bytes(&input.path);
        match &input.kind {
            InputKind::File { is_executable, hash } => {
                self.number(if *is_executable { 2 } else { 1 });
                self.0.update(hash.as_bytes());
            }
            InputKind::Folder => self.number(3),
            InputKind::Link { target, to } => {
                self.number(4);
                self.bytes(target);
                self.number(match to {
                    None => 0,
                    Some((false, _)) => 1,
                    Some((true, _)) => 2,
                });
                if let Some((_, hash)) = to {
                    self.0.update(hash.as_bytes());
                }
            }
        }
    }
}

/// All parts of a key by name, as people can read them. Values of secrets are only there as digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portrait(pub Vec<(String, Option<String>)>);

/// A text that is longer than this is kept cut short, with its digest.
const LONGEST: usize = 1000;

/// Letters of a digest that people are shown.
const SHOWN: usize = 16;

/// Draws what a key was made of. `secret` is known to this store only, so that nobody can guess values from digests.
#[must_use]
pub fn portrait(recipe: &Recipe, around: &Surroundings, inputs: &[Input], secret: &[u8; 32]) -> Portrait {
    let mut parts = Vec::with_capacity(recipe.closed.fields.len() + recipe.fields.len() + inputs.len() + 8);
    let short = |hash: &Hash| hash.to_hex()[..SHOWN].to_owned();
    let of_library = around.libc.as_ref().map(short);
    let system = format!("{} key {KEY_FORMAT}.{EPOCH}", around.system);
    parts.push(("system".to_owned(), Some(system)));
    parts.push(("C library".to_owned(), of_library));
    for Field { name, value, is_secret } in recipe.closed.fields.iter().chain(&recipe.fields) {
        let shown = value.as_ref().map(|text| match is_secret {
            true => format!("{}, {}", hidden(name), short(&blake3::keyed_hash(secret, text.as_bytes()))),
            false => bounded(text),
        });
        parts.push((name.clone(), shown));
    }
    let programs =
        around.programs.iter().map(|(name, hash)| (format!("program {name}"), hash.as_ref().map(short)));
    parts.extend(programs);
    parts.extend(around.tools.iter().map(|(command, text)| (format!("tool {command}"), Some(bounded(text)))));
    parts.push(("patterns of inputs".to_owned(), Some(bounded(&words(&recipe.inputs).1.join(" ")))));
    if let Some(written) = &around.written {
        parts.push(("files written while it ran".to_owned(), Some(written.clone())));
    }
    if !recipe.made.is_empty() {
        let made: Vec<String> = recipe.made.iter().map(|patterns| patterns.join(" ")).collect();
        parts.push(("outputs of what it needs".to_owned(), Some(bounded(&made.join(" ")))));
    }
    parts.push(("patterns of outputs".to_owned(), Some(bounded(&recipe.outputs.join(" ")))));
    for input in inputs {
        let shown = match &input.kind {
            InputKind::File { is_executable: false, hash } => short(hash),
            InputKind::File { is_executable: true, hash } => format!("{} executable", short(hash)),
            InputKind::Folder => "folder".to_owned(),
            InputKind::Link { target, to } => {
                let kind = |is_executable: bool| if is_executable { " executable" } else { "" };
                let content = to.as_ref().map(|(run, hash)| format!(", {}{}", short(hash), kind(*run)));
                format!("link to {}{}", String::from_utf8_lossy(target), content.unwrap_or_default())
            }
        };
        parts.push((format!("input {}", String::from_utf8_lossy(&input.path)), Some(shown)));
    }
    Portrait(parts)
}

/// What stands for a value that is not written down. What is in a variable of somebody's session nobody knows, so none of
/// them is, secret or not.
fn hidden(field: &str) -> &'static str {
    let is_variable = field.strip_prefix("env ").is_some_and(|name| !name.contains(' '));
    if is_variable { "not shown" } else { "a secret" }
}

fn bounded(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST);
    let digest = blake3::hash(text.as_bytes()).to_hex();
    format!("{}… ({} bytes, {})", &text[..end], text.len(), &digest[..SHOWN])
}

/// So many differences are told.
const TOLD: usize = 20;

/// Returns in which parts two keys differ, those of `now` first, in their order. A part that only one of them has is told
/// without the other side.
#[must_use]
pub fn differences(before: &Portrait, now: &Portrait) -> Vec<Difference> {
    use std::collections::HashMap;
    let known: HashMap<&str, &Option<String>> =
        before.0.iter().map(|(name, value)| (&**name, value)).collect();
    let mut seen: HashMap<&str, ()> = HashMap::with_capacity(now.0.len());
    let mut found = Vec::new();
    for (name, value) in &now.0 {
        seen.insert(name, ());
        match known.get(&**name) {
            Some(old) if *old == value => {}
            Some(old) => found.push(difference(name, old.as_deref(), value.as_deref())),
            None => found.push(difference(name, None, Some(value.as_deref().unwrap_or("not set")))),
        }
    }
    let gone = before.0.iter().filter(|(name, _)| !seen.contains_key(&**name));
    found.extend(
        gone.map(|(name, value)| difference(name, Some(value.as_deref().unwrap_or("not set")), None)),
    );
    let more = found.len().saturating_sub(TOLD);
    if more > 0 {
        found.truncate(TOLD);
        found.push(Difference { field: format!("and {more} more"), before: None, now: None });
    }
    found
}

fn difference(name: &str, before: Option<&str>, now: Option<&str>) -> Difference {
    let from = match (before, now) {
        (Some(before), Some(now)) => first_difference(before, now),
        _ => 0,
    };
    let cut = |text: &str| excerpt(text, from);
    Difference { field: name.to_owned(), before: before.map(cut), now: now.map(cut) }
}

/// Longest excerpt, in bytes.
const EXCERPT: usize = 120;

fn first_difference(before: &str, now: &str) -> usize {
    before.bytes().zip(now.bytes()).take_while(|(a, b)| a == b).count()
}

/// Returns a text, or where that is long the part of it around that byte.
fn excerpt(text: &str, around: usize) -> String {
    if text.len() <= EXCERPT {
        return text.to_owned();
    }
    let from = text.floor_char_boundary(around.min(text.len()).saturating_sub(EXCERPT / 3));
    let to = text.floor_char_boundary((from + EXCERPT).min(text.len()));
    let (front, back) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
    format!("{front}{}{back}", &text[from..to])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::logic::cache::{Closed, Share};

    fn recipe() -> Recipe {
        let field = |name: &str, value: Option<&str>| Field {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            is_secret: false,
        };
        Recipe {
            name: "p: build".to_owned(),
            fields: vec![field("run of step 1", Some("make all")), field("env CC", None)],
            inputs: Inputs::Globs(vec!["src/*.c".to_owned()]),
            made: Vec::new(),
            outputs: vec!["out/**".to_owned()],
            tools: Vec::new(),
            closed: Arc::default(),
            programs: Vec::new(),
            outputs_exact: false,
            is_strict: false,
            max_size: None,
            share: Share::Project,
        }
    }

    fn input(path: &str, text: &str) -> Input {
        let hash = blake3::hash(text.as_bytes());
        Input { path: path.as_bytes().to_vec(), kind: InputKind::File { is_executable: false, hash } }
    }

    fn around() -> Surroundings {
        Surroundings::default()
    }

    #[test]
    fn everything_that_decides_changes_the_key() {
        let inputs = [input("src/a.c", "x")];
        let plain = key(&recipe(), &around(), &inputs);
        let changed: [fn(&mut Recipe); 10] = [
            |it| {
                let field = Field { name: "env CC".to_owned(), value: None, is_secret: false };
                it.closed = Arc::new(Closed::new(Vec::new(), vec![field]));
            },
            |it| it.fields[0].value = Some("make".to_owned()),
            |it| it.fields[1].value = Some(String::new()),
            |it| it.fields[1].name = "env CXX".to_owned(),
            |it| it.inputs = Inputs::Globs(vec!["src/**".to_owned()]),
            |it| it.inputs = Inputs::Project(vec!["src/*.c".to_owned()]),
            |it| it.outputs.clear(),
            |it| it.made = vec![vec!["out".to_owned()]],
            |it| it.made = vec![vec!["out".to_owned(), "out".to_owned()]],
            |it| it.made = vec![vec!["out".to_owned()], vec!["out".to_owned()]],
        ];
        let mut keys = vec![plain];
        for change in changed {
            let mut it = recipe();
            change(&mut it);
            keys.push(key(&it, &around(), &inputs));
        }
        let with_program = |hash| Surroundings { programs: vec![("sh".to_owned(), hash)], ..around() };
        keys.push(key(&recipe(), &with_program(None), &inputs));
        keys.push(key(&recipe(), &with_program(Some(blake3::hash(b"dash"))), &inputs));
        let with_tool = |text: &str| Surroundings {
            tools: vec![("cc --version".to_owned(), text.to_owned())],
            ..around()
        };
        keys.push(key(&recipe(), &with_tool("12"), &inputs));
        keys.push(key(&recipe(), &with_tool("13"), &inputs));
        let written = Some("1 file, 0".to_owned());
        keys.push(key(&recipe(), &Surroundings { written, ..around() }, &inputs));
        keys.push(key(&recipe(), &Surroundings { libc: Some(blake3::hash(b"c")), ..around() }, &inputs));
        keys.push(key(&recipe(), &Surroundings { system: "linux mips".to_owned(), ..around() }, &inputs));
        keys.push(key(&recipe(), &around(), &[]));
        keys.push(key(&recipe(), &around(), &[input("src/a.c", "y")]));
        keys.push(key(&recipe(), &around(), &[input("src/b.c", "x")]));
        for kind in [
            InputKind::File { is_executable: true, hash: blake3::hash(b"x") },
            InputKind::Folder,
            InputKind::Link { target: b"b.c".to_vec(), to: None },
            InputKind::Link { target: b"b.c".to_vec(), to: Some((false, blake3::hash(b"x"))) },
            InputKind::Link { target: b"b.c".to_vec(), to: Some((true, blake3::hash(b"x"))) },
        ] {
            keys.push(key(&recipe(), &around(), &[Input { path: b"src/a.c".to_vec(), kind }]));
        }
        let all = keys.len();
        keys.sort_by_key(|it| *it.as_bytes());
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn what_belongs_to_nobody_does_not_change_the_key() {
        let mut other = recipe();
        (other.name, other.is_strict, other.outputs_exact) = ("q: build".to_owned(), true, true);
        other.closed = Arc::new(Closed::new(vec![("HOME".to_owned(), "/x".to_owned())], Vec::new()));
        assert_eq!(key(&recipe(), &around(), &[]), key(&other, &around(), &[]));
    }

    #[test]
    fn a_boundary_between_two_fields_cannot_move() {
        let with = |a: &str, b: &str| {
            let mut it = recipe();
            it.outputs = vec![a.to_owned(), b.to_owned()];
            key(&it, &around(), &[])
        };
        assert_ne!(with("ab", "c"), with("a", "bc"));
    }

    #[test]
    fn differences_name_the_part_and_show_both_sides() {
        let secret = [7; 32];
        let before = portrait(&recipe(), &around(), &[input("src/a.c", "x"), input("src/b.c", "x")], &secret);
        let mut it = recipe();
        it.fields[0].value = Some("make some".to_owned());
        it.fields[1].value = Some("gcc".to_owned());
        let now = portrait(&it, &around(), &[input("src/a.c", "y"), input("src/c.c", "x")], &secret);
        let told: Vec<_> = differences(&before, &now);
        let fields: Vec<&str> = told.iter().map(|it| &*it.field).collect();
        assert_eq!(fields, ["run of step 1", "env CC", "input src/a.c", "input src/c.c", "input src/b.c"]);
        assert_eq!(told[0].before.as_deref(), Some("make all"));
        assert_eq!(told[0].now.as_deref(), Some("make some"));
        assert_eq!((told[1].before.as_deref(), told[1].now.as_deref()), (None, Some("gcc")));
        assert_eq!((told[3].before.is_none(), told[4].now.is_none()), (true, true));
        assert!(differences(&now, &now).is_empty());
    }

    #[test]
    fn a_long_text_is_shown_around_its_first_difference() {
        let long = |end: &str| format!("{}{end}", "x".repeat(400));
        let told = difference("run of step 1", Some(&long("OLD")), Some(&long("NEW")));
        assert!(told.before.as_ref().is_some_and(|it| it.ends_with("OLD") && it.len() < 140), "{told:?}");
        assert!(told.now.as_ref().is_some_and(|it| it.ends_with("NEW")), "{told:?}");
        let (a, b) = ("y".repeat(1500) + "1", "y".repeat(1500) + "2");
        assert_ne!(bounded(&a), bounded(&b));
    }

    #[test]
    fn a_secret_is_drawn_as_a_digest_that_depends_on_the_store() {
        let mut it = recipe();
        it.fields =
            vec![Field { name: "env TOKEN".to_owned(), value: Some("hunter2".to_owned()), is_secret: true }];
        let one = portrait(&it, &around(), &[], &[1; 32]);
        let two = portrait(&it, &around(), &[], &[2; 32]);
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains("hunter2"));
    }

    #[test]
    fn only_what_may_be_secret_is_hidden() {
        let field =
            |name: &str| Field { name: name.to_owned(), value: Some("value".to_owned()), is_secret: true };
        let names = ["env LC_TOKEN", "env CC", "env LANG of step a, as written", "run of step 1"];
        let it = Recipe { fields: names.map(field).to_vec(), ..recipe() };
        let drawn = portrait(&it, &around(), &[], &[1; 32]);
        let words = names.map(|name| {
            let value = drawn.0.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone());
            value.unwrap_or_default().split(',').next().map(str::to_owned)
        });
        let expected = ["not shown", "not shown", "a secret", "a secret"];
        assert_eq!(words, expected.map(|word| Some(word.to_owned())));
    }
}
