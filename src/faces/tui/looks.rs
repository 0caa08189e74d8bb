//! Themes and keys that are saved while a screen is open: they are read again, and apply at once.
//!
//! What cannot be used changes nothing, and why is said. Not here: choosing at the start (`look.rs`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::keymap::Keymap;
use super::look::{look, saved_keys};
use super::ui::Look;
use crate::engine::keymaps;
use crate::engine::themes::{self, Places};
use crate::engine::watching::{self, Follower, Looked, News};
use crate::faces::context::Context;
use crate::logic::diag::Severity;

/// What somebody has saved; of what has not changed there is nothing. What is wrong with it is told in a sentence.
pub(super) struct Saved {
    themes: Option<Result<Look, String>>,
    keys: Option<Result<Keymap, String>>,
    made_of: MadeOf,
}

/// What themes and keys are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeOf {
    themes: watching::Key,
    keys: watching::Key,
}

impl MadeOf {
    /// Reads all files of themes and keys, and returns their paths, too; some of them need not exist.
    pub(super) fn now(context: &Context) -> (Self, BTreeSet<PathBuf>) {
        let places = Places { user: context.surroundings.themes.as_deref(), root: &context.project.root };
        let names = themes::names(places).into_iter().chain([context.settings.theme().to_owned()]);
        let mut files: BTreeSet<PathBuf> = names.filter_map(|name| themes::file(places, &name)).collect();
        let content: Vec<String> = files.iter().map(|path| themes::text(path)).collect();
        let of_themes = watching::key(format!("{files:?}{content:?}").as_bytes());
        let keymaps: Vec<PathBuf> =
            context.surroundings.keymap.iter().flat_map(|path| keymaps::candidates(path)).collect();
        let content: Vec<String> = keymaps.iter().map(|path| themes::text(path)).collect();
        let of_keys = watching::key(format!("{content:?}").as_bytes());
        files.extend(keymaps);
        (Self { themes: of_themes, keys: of_keys }, files)
    }
}

/// Follows the themes of the user, the one that was set, and the user's keys, from what the screen shows on.
#[must_use]
pub(super) fn follow_looks(
    context: &Context,
    shown: &Look,
    tell: impl Fn(Saved) -> bool + Send + 'static,
) -> Option<Follower> {
    let (root, theirs, context) = (context.project.root.clone(), context.clone(), context.clone());
    let read = move || {
        let (made_of, files) = MadeOf::now(&theirs);
        let folders = theirs.surroundings.themes.iter().cloned().collect();
        let key = watching::key(&[made_of.themes, made_of.keys].concat());
        Looked { key, files, folders, value: made_of }
    };
    // It may have been saved since it was read for the screen.
    let mut before = shown.made_of.clone();
    let hear = move |news: News<MadeOf>| match news {
        News::Version(made_of) => {
            let before = std::mem::replace(&mut before, made_of.clone());
            let has_themes = before.themes != made_of.themes;
            let has_keys = before.keys != made_of.keys;
            let themes = has_themes.then(|| look(&context).map_err(|_| wrong(&context)));
            let keys = has_keys.then(|| keys(&context));
            themes.is_none() && keys.is_none() || tell(Saved { themes, keys, made_of })
        }
        // The playbook says so already.
        News::Polled(_) => true,
    };
    watching::follow(&root, None, read, hear).ok()
}

/// Returns the keys that were saved, or what is wrong with them.
fn keys(context: &Context) -> Result<Keymap, String> {
    match saved_keys(context) {
        Ok((reading, None)) => Ok(reading.keymap),
        // With half of them, a key may be gone whose place another one should have taken.
        Ok((_, Some(why))) => Err(format!("not taken: {why}")),
        Err(why) => Err(format!("not taken: {why}")),
    }
}

/// Says what is wrong with the theme that was set, with the first place.
fn wrong(context: &Context) -> String {
    let places = Places { user: context.surroundings.themes.as_deref(), root: &context.project.root };
    let reading = match themes::open(places, context.settings.theme()) {
        Ok(reading) => reading,
        Err(error) => return error.message,
    };
    let all = reading.faults.iter().flat_map(|(source, found)| found.iter().map(move |it| (source, it)));
    let mut errors = all.filter(|(_, it)| it.severity == Severity::Error);
    errors.next().map_or_else(
        || format!("the theme `{}` cannot be used", context.settings.theme()),
        |(source, it)| {
            let place = source.place(it.span.start);
            format!("not taken: {}:{}:{}: {}", source.name, place.line, place.column, it.message)
        },
    )
}

impl Look {
    /// Takes what was read again; the theme in use stays, if there still is one of its name. Returns what is to be said.
    pub(super) fn take(&mut self, saved: Saved) -> Option<String> {
        let mut words = None;
        match saved.themes {
            Some(Ok(new)) => {
                let name = self.theme().name.clone();
                self.theme = new.themes.iter().position(|theme| theme.name == name).unwrap_or(new.theme);
                self.themes = new.themes;
            }
            Some(Err(why)) => words = Some(why),
            None => {}
        }
        match saved.keys {
            // Of a comment nobody has to hear.
            Some(Ok(keys)) if self.keys != keys => {
                self.keys = keys;
                words = words.or_else(|| Some("the keys are those of the saved keymap now".to_owned()));
            }
            Some(Err(why)) => words = Some(why),
            Some(Ok(_)) | None => {}
        }
        self.made_of = saved.made_of;
        words
    }
}
