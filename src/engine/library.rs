//! Finds and reads the playbooks of a project.
//!
//! Not here: what a playbook says (`logic/playbook`), drawing what is wrong with it (`faces/report`).
#![expect(clippy::disallowed_methods, reason = "playbooks are read here")]

use std::fs::{File, FileType};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::readings::{self, Remembered};
use super::{EngineError, Project, scripts};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::scripts::{LISTING, is_selection};
use crate::logic::playbook::source::{Called, Source, Unread};
use crate::logic::playbook::{self, Reading};
use crate::logic::text::near_miss;

/// Folder of playbooks below a project's root.
const FOLDER: &str = "playbooks";
/// Deepest folder that is looked into, so that a loop of links ends.
const DEEPEST: usize = 8;

/// A playbook file that was read.
pub struct Opened {
    pub path: PathBuf,
    pub source: Source,
    pub reading: Reading,
}

impl Opened {
    /// Returns the file and all that it calls, each with what is wrong with it.
    #[must_use]
    pub fn files(&self) -> Vec<(&Source, &[Diagnostic])> {
        let called = self.reading.called.iter().map(|(source, found)| (source, &found[..]));
        std::iter::once((&self.source, &self.reading.diagnostics[..])).chain(called).collect()
    }
}

/// Lists the playbook files of a project, sorted by path.
#[must_use]
pub fn list(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root.join(FOLDER), 0, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth < DEEPEST {
                walk(&path, depth + 1, found);
            }
        } else if is_playbook(&path) {
            found.push(path);
        }
    }
}

fn is_playbook(path: &Path) -> bool {
    // `action.yml` is an action, for steps.
    has_extension(path) && path.file_stem().is_none_or(|stem| stem != "action")
}

fn has_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// Returns how a playbook of the project is called on the command line: its path below `playbooks`, without extension.
#[must_use]
pub fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root.join(FOLDER)).unwrap_or(path);
    below.with_extension("").display().to_string()
}

/// Returns what a playbook says that it is for, by its first lines alone and without reading it as YAML: for lists that have
/// to be there at once.
#[must_use]
pub fn description(path: &Path) -> Option<String> {
    if !std::fs::metadata(path).is_ok_and(|it| it.is_file()) {
        return None;
    }
    let mut start = Vec::new();
    File::open(path).and_then(|file| file.take(2048).read_to_end(&mut start)).ok()?;
    let text = String::from_utf8_lossy(&start);
    let line = text.lines().find_map(|line| line.strip_prefix("description:"))?;
    let line = line.trim().trim_matches(['"', '\'']);
    // A text that begins on the next line is not looked for.
    (!line.is_empty() && !line.starts_with(['|', '>', '&', '*'])).then(|| line.to_owned())
}

/// Says whether a playbook may have something that is cached, by its text alone.
#[must_use]
pub fn mentions_cache(path: &Path) -> bool {
    // One that cannot be read is told by whoever reads it in earnest.
    let text = std::fs::read(path).unwrap_or_default();
    [&b"cache"[..], b"uses:"].iter().any(|word| memchr::memmem::find(&text, word).is_some())
}

/// Finds a playbook by path, else by name: the whole name first, then its last part if that is unmistakable.
///
/// # Errors
/// If there is none, or several have that name.
pub fn find(project: &Project, wanted: &str) -> Result<PathBuf, EngineError> {
    find_told(project, wanted).map(|(path, _)| path)
}

/// The same, and says which one it is where a file of that name is there besides.
///
/// # Errors
/// As of [`find`].
pub fn find_told(project: &Project, wanted: &str) -> Result<(PathBuf, Option<String>), EngineError> {
    let root = &*project.root;
    let path = Path::new(wanted);
    let kind = std::fs::metadata(path).map(|it| it.file_type());
    let is_file = kind.as_ref().is_ok_and(FileType::is_file);
    if is_file && has_extension(path) {
        let below = root.join(FOLDER).join(path);
        let is_other = || below.is_file() && below.canonicalize().ok() != path.canonicalize().ok();
        let is_both = path.components().count() == 1 && is_other();
        let note = is_both.then(|| {
            let other = shown(root, &below);
            format!("note: this is the file `{wanted}` of the current folder; there is `{other}`, too")
        });
        return Ok((path.to_path_buf(), note));
    }
    // What can be no playbook hides none.
    match (named(root, wanted)?, kind) {
        (Ok(found), Ok(kind)) if kind.is_file() => {
            let taken = shown(root, &found);
            let note = format!(
                "note: this is the playbook `{taken}`; the file `{wanted}` has no ending of a playbook"
            );
            Ok((found, Some(note)))
        }
        (Ok(found), _) => Ok((found, None)),
        (Err(_), Ok(kind)) if kind.is_file() => Ok((path.to_path_buf(), None)),
        (Err(_), Ok(kind)) => Err(no_file(wanted, kind)),
        (Err(names), Err(error)) => match selection(root, path) {
            Some(selection) => meant(project, &selection).map(|()| (root.join(path), None)),
            None => Err(not_found(wanted, &names, &error)),
        },
    }
}

/// Says what something is that is no file.
fn no_file(wanted: &str, kind: FileType) -> EngineError {
    if kind.is_dir() {
        let problem = format!("`{wanted}` is a folder, and no playbook has that name");
        return EngineError::usage(problem).help("name a file in it");
    }
    EngineError::usage(format!("`{wanted}` is {}, and a playbook is a file", named_kind(kind)))
        .help("write the playbook into a file: it is read again when the job is shown, retried or taken over")
}

fn named_kind(kind: FileType) -> &'static str {
    match () {
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_dir() => "a folder",
        () => "a device",
    }
}

/// Finds a playbook by its name; if there is none, returns the names that there are.
fn named(root: &Path, wanted: &str) -> Result<Result<PathBuf, Vec<String>>, EngineError> {
    let all = list(root);
    let names: Vec<String> = all.iter().map(|path| name(root, path)).collect();
    let trimmed = wanted.trim_end_matches(".yaml").trim_end_matches(".yml");
    let matching = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..names.len()).filter(|&at| test(&names[at])).collect()
    };
    let mut hits = matching(&|name| name == trimmed);
    if hits.is_empty() {
        hits = matching(&|name| name.rsplit('/').next() == Some(trimmed));
    }
    match hits[..] {
        [one] => Ok(Ok(all[one].clone())),
        [] => Ok(Err(names)),
        _ => {
            let files: Vec<String> = hits.iter().map(|&at| format!("`{}`", shown(root, &all[at]))).collect();
            Err(EngineError::usage(format!(
                "several playbooks have the name `{wanted}`: {}",
                files.join(", ")
            ))
            .help("give the path of one"))
        }
    }
}

fn not_found(wanted: &str, names: &[String], error: &std::io::Error) -> EngineError {
    let path = Path::new(wanted);
    if error.kind() != ErrorKind::NotFound {
        return EngineError::usage(format!("`{wanted}` cannot be looked at: {error}"))
            .help("name a file that you may read");
    }
    if let Ok(to) = std::fs::read_link(path) {
        return EngineError::usage(format!("`{wanted}` is a link to `{}`, which is not there", to.display()))
            .help("mend the link, or name the file itself");
    }
    let trimmed = wanted.trim_end_matches(".yaml").trim_end_matches(".yml");
    let short = names.iter().map(|name| name.rsplit('/').next().unwrap_or(name));
    let by_name = near_miss(trimmed, names.iter().map(String::as_str).chain(short));
    let near = by_name.map(str::to_owned).or_else(|| {
        let beside = beside(path);
        let ending = |it: &String| Path::new(it).with_extension("").display().to_string();
        let words: Vec<String> = beside.iter().map(ending).collect();
        let near = near_miss(trimmed, words.iter().map(String::as_str))?;
        words.iter().position(|it| it == near).map(|at| beside[at].clone())
    });
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            "this project has no playbooks; they belong into the folder `playbooks`".to_owned()
        }
        None => "`sortie playbooks list` shows what there is".to_owned(),
    };
    EngineError::usage(format!("there is no file and no playbook with the name `{wanted}`")).help(help)
}

/// Returns the playbooks in the folder of a path, as the path would name them.
fn beside(path: &Path) -> Vec<String> {
    let Some(folder) = path.parent() else { return Vec::new() };
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(here).into_iter().flatten().flatten();
    let files = entries.map(|entry| folder.join(entry.file_name())).filter(|it| is_playbook(it));
    let mut found: Vec<String> = files.map(|it| it.display().to_string()).collect();
    found.sort();
    found
}

/// Returns a path as messages show it: from the project's root or the current folder where it lies there.
#[must_use]
pub fn shown(root: &Path, path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    short.or_else(|| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string()
}

/// Returns how a command line names a playbook from the current folder, so that [`find`] finds it.
#[must_use]
pub fn callable(project: &Project, path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    if let Some(below) = below {
        return below.display().to_string();
    }
    let name = name(&project.root, path);
    match find(project, &name) {
        Ok(found) if found == path => name,
        _ => path.display().to_string(),
    }
}

/// Reads a file and checks what it says; diagnostics are left to the caller.
///
/// # Errors
/// If the file cannot be read.
pub fn open(project: &Project, path: &Path) -> Result<Opened, EngineError> {
    if let Some(selection) = selection(&project.root, path) {
        return Ok(of_scripts(project, &selection, path));
    }
    let name = shown(&project.root, path);
    let bytes = bytes_of(&name, path)?;
    let (source, reading) = playbook::read_bytes(&name, &bytes);
    let (source, reading) = with_called(project, source, reading);
    Ok(Opened { path: whole(path), source, reading })
}

/// The same, for whoever may have read that very text before; with what is to be remembered of it, once there is a job.
///
/// # Errors
/// As of [`open`].
pub(crate) fn open_again(
    project: &Project,
    path: &Path,
) -> Result<(Opened, Option<Remembered>), EngineError> {
    if let Some(selection) = selection(&project.root, path) {
        return Ok((of_scripts(project, &selection, path), None));
    }
    let name = shown(&project.root, path);
    let bytes = bytes_of(&name, path)?;
    let path = whole(path);
    if let Some(source) = playbook::text_of(&name, &bytes)
        && let Some(reading) = readings::recall(&project.state, &path, &source)
    {
        return Ok((Opened { path, source, reading }, None));
    }
    let (source, reading) = playbook::read_bytes(&name, &bytes);
    let (source, reading) = with_called(project, source, reading);
    let remembered = readings::remember(&project.state, &path, &source, &reading);
    Ok((Opened { path, source, reading }, remembered))
}

/// Returns the selectors that a path is, where there is no such file: `0402`, or several with commas between them.
fn selection(root: &Path, path: &Path) -> Option<String> {
    let here = path.components().count() == 1;
    let below = if here { path } else { path.strip_prefix(root).ok()? };
    let text = below.to_str().filter(|text| is_selection(text))?;
    (!path.exists()).then(|| text.to_owned())
}

/// Says whether selectors mean scripts.
///
/// # Errors
/// Why they mean none.
fn meant(project: &Project, selection: &str) -> Result<(), EngineError> {
    let found = scripts::library(project).meant(&[selection]).map(|_| ());
    found.map_err(|(message, help)| EngineError::usage(message).help(help))
}

/// Makes the playbook that runs scripts and does nothing else: one stage with a step for each of them.
fn of_scripts(project: &Project, selection: &str, path: &Path) -> Opened {
    let text = serde_json::Value::from(selection);
    let text = format!("version: 3\nname: {text}\nstages:\n  scripts:\n    steps:\n      - script: {text}\n");
    let source = Source::new(selection, text);
    let reading = playbook::read(&source);
    let (source, reading) = with_called(project, source, reading);
    let path = if path.is_absolute() { path.to_path_buf() } else { project.root.join(path) };
    Opened { path, source, reading }
}

fn bytes_of(name: &str, path: &Path) -> Result<Vec<u8>, EngineError> {
    let wrong = |error: std::io::Error| EngineError::usage(format!("`{name}` cannot be read: {error}"));
    // One byte more than a playbook may have is enough to see that a file is too large.
    let most = playbook::SIZE_LIMIT as u64 + 1;
    let length = match std::fs::metadata(path) {
        // Opening a pipe waits for somebody who writes into it, maybe for ever.
        Ok(it) if !it.is_file() => return Err(no_file(name, it.file_type())),
        found => found.map_or(0, |it| it.len().min(most)),
    };
    // With room for one byte more its end is seen without making room.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(wrong)?;
    Ok(bytes)
}

/// Reads the files that a playbook calls, and those that they call; nothing is read that its source has already.
#[must_use]
pub fn with_called(project: &Project, mut source: Source, mut reading: Reading) -> (Source, Reading) {
    // Each round reads at least one file more, and a file calls a limited number of others.
    while !reading.missing.is_empty() {
        let mut called = Called::clone(&source.called);
        for path in reading.missing {
            let text = called_text(project, &path, &source.name);
            called.insert(path, text);
        }
        source.called = Arc::new(called);
        reading = playbook::read(&source);
    }
    for (called, _) in &mut reading.called {
        called.name = Arc::from(shown(&project.root, &project.root.join(&*called.name)));
    }
    (source, reading)
}

/// Reads a text with the files that it calls; returns it with them and what is wrong with it.
#[must_use]
pub fn read_with_called(project: &Project, source: Source) -> (Source, Vec<Diagnostic>) {
    let reading = playbook::read(&source);
    let (source, reading) = with_called(project, source, reading);
    (source, reading.diagnostics)
}

fn called_text(project: &Project, path: &str, caller: &str) -> Result<Arc<str>, Unread> {
    let root = &*project.root;
    if path == LISTING {
        return Ok(Arc::from(scripts::library(project).to_text()));
    }
    let other = |error: std::io::Error| Unread::Other(error.to_string());
    let whole = match root.join(path).canonicalize() {
        Ok(whole) => whole,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Many write paths from the file that they stand in.
            let beside = Path::new(caller).parent().unwrap_or(Path::new("")).join(path);
            let beside = beside.strip_prefix(root).unwrap_or(&beside);
            let is_there = beside != Path::new(path) && root.join(beside).is_file();
            return Err(Unread::NotThere(is_there.then(|| beside.display().to_string())));
        }
        Err(error) => return Err(other(error)),
    };
    if !root.canonicalize().is_ok_and(|root| whole.starts_with(root)) {
        return Err(Unread::Outside);
    }
    match std::fs::metadata(&whole).map(|it| it.file_type()) {
        // Nobody may ever write into a pipe.
        Ok(kind) if !kind.is_file() && !kind.is_dir() => {
            return Err(Unread::Other(format!("it is {}", named_kind(kind))));
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    let most = playbook::SIZE_LIMIT as u64 + 1;
    File::open(&whole).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(other)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(Arc::from(text)),
        _ => Err(Unread::Other("it is not text in UTF-8".to_owned())),
    }
}

/// Returns a path from the root of the file system, without a way back (`..`) in it; a link in its last part stays one.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let goes_back = path.components().any(|part| part == Component::ParentDir);
    let straight = path.parent().zip(path.file_name()).filter(|_| goes_back);
    let straight = straight.and_then(|(folder, name)| Some(folder.canonicalize().ok()?.join(name)));
    straight.unwrap_or(path)
}

/// Tells the content of a file from an earlier one without reading it; nothing if it cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds, also of a change that kept the time of the content.
    changed: (i64, i64),
}

impl Stamp {
    /// Says whether both are of one file, whatever was written to it between.
    #[must_use]
    pub fn is_of(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Returns how large the file was.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.bytes
    }
}

/// Returns the stamp of a file.
#[must_use]
pub fn stamp(path: &Path) -> Option<Stamp> {
    let it = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: it.dev(),
        inode: it.ino(),
        bytes: it.size(),
        changed: (it.ctime(), it.ctime_nsec()),
    })
}

/// Reads a text file that an option or a setting names; a byte order mark is taken off.
///
/// # Errors
/// If it cannot be read; `what` begins the sentence, such as `the file of inputs`.
pub fn read_text(path: &Path, what: &str) -> Result<String, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        EngineError::usage(format!("{what} `{}` cannot be read: {error}", path.display()))
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
