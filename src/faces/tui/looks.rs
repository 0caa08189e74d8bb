//! Themes that are saved while a screen is open: they are read again, and apply at once.
//!
//! One that cannot be used changes nothing, and why is said. Not here: choosing at the start (`look.rs`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::look::look;
use super::ui::Look;
use crate::engine::themes::{self, Places};
use crate::engine::watching::{self, Follower, Looked, News};
use crate::faces::context::Context;
use crate::logic::diag::Severity;

/// Follows the themes of the user, and the one that was set. What is wrong with one is told in a sentence.
#[must_use]
pub(super) fn follow_looks(
    context: &Context,
    tell: impl Fn(Result<Look, String>) -> bool + Send + 'static,
) -> Option<Follower> {
    let (root, theirs, context) = (context.project.root.clone(), context.clone(), context.clone());
    let read = move || {
        let places = Places { user: theirs.surroundings.themes.as_deref(), root: &theirs.project.root };
        let names = themes::names(places).into_iter().chain([theirs.settings.theme().to_owned()]);
        let files: BTreeSet<PathBuf> = names.filter_map(|name| themes::file(places, &name)).collect();
        let content: Vec<String> = files.iter().map(|path| themes::text(path)).collect();
        let folders = theirs.surroundings.themes.iter().cloned().collect();
        Looked { key: watching::key(format!("{files:?}{content:?}").as_bytes()), files, folders, value: () }
    };
    // The first is what the screen began with.
    let mut has_begun = false;
    let hear = move |news| match news {
        News::Version(()) if !std::mem::replace(&mut has_begun, true) => true,
        News::Version(()) => tell(look(&context).map_err(|_| wrong(&context))),
        // The playbook says so already.
        News::Polled(_) => true,
    };
    watching::follow(&root, None, read, hear).ok()
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
    /// Takes themes that were read again; the one in use stays, if there still is one of its name.
    pub(super) fn take(&mut self, new: Self) {
        let name = self.theme().name.clone();
        let at = new.themes.iter().position(|theme| theme.name == name).unwrap_or(new.theme);
        *self = Self { theme: at, ..new };
    }
}
