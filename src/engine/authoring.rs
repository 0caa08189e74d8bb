//! Files of those who make playbooks: new playbooks, templates of the user, and drafts of the wizard.
//!
//! Not here: what a new playbook says (`logic/author`), finding playbooks (`library.rs`).
#![expect(clippy::disallowed_methods, reason = "its files are read and written here")]

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::store::folder;
use super::{EngineError, Project, library, scripts};
use crate::logic::author::{Draft, Template, World, bundled};
use crate::logic::playbook::SIZE_LIMIT;

/// Folder of drafts in that of the state.
const DRAFTS: &str = "drafts";

/// The draft of a new playbook.
const NEW: &str = "new-playbook.json";

/// Returns what a wizard has to know of a project; `own` is the folder of the user's templates.
#[must_use]
pub fn world(project: &Project, own: Option<&Path>) -> World {
    let root = &project.root;
    let files = library::list(root);
    let mut categories: Vec<String> = files
        .iter()
        .filter_map(|path| library::open(project, path).ok()?.reading.playbook?.category)
        .collect();
    categories.sort();
    categories.dedup();
    let zone = jiff::tz::TimeZone::system();
    World {
        names: files.iter().map(|path| library::name(root, path)).collect(),
        categories,
        library: scripts::library(project),
        templates: templates(own),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
    }
}

/// Returns all templates: those of the user, whose folder is `own`, and those that are always there.
#[must_use]
pub fn templates(own: Option<&Path>) -> Vec<Template> {
    let mut found = own.map(own_templates).unwrap_or_default();
    let own = found.len();
    let others = bundled().into_iter().filter(|it| found[..own].iter().all(|own| own.name != it.name));
    let others: Vec<Template> = others.collect();
    found.extend(others);
    found
}

/// Returns the templates of a folder, by their names; what cannot be read is none.
fn own_templates(folder: &Path) -> Vec<Template> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<Template> = entries.filter_map(|entry| template(&entry.path()).ok()).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Reads any playbook as a template.
///
/// # Errors
/// If there is no such file, or it cannot be read.
pub fn template(path: &Path) -> Result<Template, EngineError> {
    let is_playbook = path.extension().is_some_and(|it| it == "yml" || it == "yaml");
    if !is_playbook {
        return Err(EngineError::usage(format!("`{}` is no playbook", path.display()))
            .help("a template is a file that ends with `.yml`, or a name of `sortie playbooks templates`"));
    }
    let is_file = fs::metadata(path).map_or(true, |it| it.is_file());
    if !is_file {
        return Err(EngineError::usage(format!("`{}` is no file", path.display())).help("name a playbook"));
    }
    let text = library::read_text(path, "the template")?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Template::new(&name, &text, Some(path.display().to_string())))
}

/// Returns where a new playbook of that name goes.
#[must_use]
pub fn place(root: &Path, name: &str) -> PathBuf {
    root.join("playbooks").join(format!("{name}.yml"))
}

/// Writes a new playbook, whole or not at all, and never over another one.
///
/// # Errors
/// If there is one of that name, or it cannot be written.
pub fn save(root: &Path, name: &str, text: &str) -> Result<PathBuf, EngineError> {
    let path = place(root, name);
    let shown = library::shown(root, &path);
    let cannot = |error: &std::io::Error| EngineError::io(format!("`{shown}` cannot be written"), error);
    let taken = || {
        EngineError::usage(format!("`{shown}` is there already, and stays as it is"))
            .help(format!("take another name, or change that one: sortie playbooks edit {name}"))
    };
    let other = path.with_extension("yaml");
    if path.symlink_metadata().is_ok() || other.symlink_metadata().is_ok() {
        return Err(taken());
    }
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
    // Linked into its place once it is whole: that fails if there is something, however it came there.
    let beside = folder.join(format!(".{}.new", std::process::id()));
    let written = write(&beside, text, 0o666).and_then(|()| fs::hard_link(&beside, &path));
    // What is left of it is of no use, and a second try begins it anew.
    let _outcome = fs::remove_file(&beside);
    match written {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken()),
        Err(error) => Err(cannot(&error)),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Keeps the text of a playbook that is run without being one of the project's, and returns where.
///
/// # Errors
/// If it cannot be written.
pub fn keep_apart(project: &Project, name: &str, text: &str) -> Result<PathBuf, EngineError> {
    let name = format!("{}.yml", name.rsplit('/').next().unwrap_or(name));
    let path = drafts(project)?.join(name);
    let cannot =
        |error: &std::io::Error| EngineError::io(format!("`{}` cannot be written", path.display()), error);
    write(&path, text, 0o600).map_err(|error| cannot(&error))?;
    Ok(path)
}

fn drafts(project: &Project) -> Result<PathBuf, EngineError> {
    folder::prepare(&project.state)?;
    let path = project.state.join(DRAFTS);
    match fs::create_dir(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(EngineError::io(format!("`{}` cannot be made", path.display()), &error))
        }
        _ => Ok(path),
    }
}

/// Returns the draft of a new playbook, if somebody left one.
#[must_use]
pub fn draft(project: &Project) -> Option<Draft> {
    let path = project.state.join(DRAFTS).join(NEW);
    let bytes = fs::read(path).ok().filter(|it| it.len() <= SIZE_LIMIT)?;
    serde_json::from_slice::<Draft>(&bytes).ok().filter(|it| !it.replies.is_empty())
}

/// Keeps a draft in place of the one before.
///
/// # Errors
/// If it cannot be written.
pub fn keep_draft(project: &Project, draft: &Draft) -> Result<(), EngineError> {
    let folder = drafts(project)?;
    let path = folder.join(NEW);
    let text = serde_json::to_string(draft).unwrap_or_default();
    let beside = folder.join(format!("{NEW}.{}", std::process::id()));
    let written = write(&beside, &text, 0o600).and_then(|()| fs::rename(&beside, &path));
    written.map_err(|error| EngineError::io(format!("`{}` cannot be written", path.display()), &error))
}

/// Forgets the draft.
pub fn drop_draft(project: &Project) {
    // One that stays is offered once more.
    let _outcome = fs::remove_file(project.state.join(DRAFTS).join(NEW));
}
