//! The line that is being completed: its words, put together again where a shell took them apart, and what they mean.
//!
//! Start with `Line::new`.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use clap::{ArgMatches, CommandFactory};
use clap_complete::engine::CompletionCandidate;

use super::{Find, Place};
use crate::engine::{History, JobRow, library};
use crate::faces::cli::args::Cli;
use crate::logic::playbook::model::Playbook;

/// What bash is given. It takes words apart at `=` and `:`, so it sends all of them, and where in the last one the cursor
/// is. Candidates that go on (`target=`) get no space behind them.
pub(super) const BASH: &str = r#"_sortie() {
    local IFS=$'\013'
    COMPREPLY=( $( _CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$COMP_CWORD" _SORTIE_CURRENT="$2" \
        SORTIE_COMPLETE=bash PROGRAM -- "${COMP_WORDS[@]}" 2>/dev/null ) )
    if [[ ${#COMPREPLY[@]} -eq 1 && ! "${COMPREPLY[0]}" =~ [=/:[]$ ]]; then
        compopt +o nospace 2>/dev/null
    fi
}
complete -o nospace -o bashdefault -F _sortie sortie
"#;

/// The words before the one that is completed, and what can be found out by them.
pub(super) struct Line {
    matches: Option<ArgMatches>,
    find: Find,
    place: OnceLock<Option<Place>>,
}

impl Line {
    /// Reads the words up to a position.
    pub(super) fn new(words: &[OsString], index: usize, find: Find) -> Self {
        let before = words.iter().take(index);
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(before).ok();
        Self { matches, find, place: OnceLock::new() }
    }

    /// Returns the last value of an argument, of the innermost command that has it.
    fn value(&self, id: &str) -> Option<String> {
        let mut found = None;
        let mut at = self.matches.as_ref();
        while let Some(matches) = at {
            if let Ok(Some(mut values)) = matches.try_get_raw(id) {
                found = values.next_back().map(|it| it.to_string_lossy().into_owned()).or(found);
            }
            at = matches.subcommand().map(|(_, inner)| inner);
        }
        found
    }

    /// Returns all values of an argument of the innermost command.
    pub(super) fn values(&self, id: &str) -> Vec<String> {
        let mut at = self.matches.as_ref();
        while let Some((_, inner)) = at.and_then(ArgMatches::subcommand) {
            at = Some(inner);
        }
        let values = at.and_then(|matches| matches.try_get_raw(id).ok().flatten());
        values.into_iter().flatten().map(|it| it.to_string_lossy().into_owned()).collect()
    }

    /// Returns where names are looked for.
    pub(super) fn place(&self) -> Option<&Place> {
        let state = || self.value("state");
        self.place.get_or_init(|| (self.find)(state().as_deref().map(Path::new))).as_ref()
    }

    /// Returns the recorded jobs, without touching them.
    pub(super) fn history(&self) -> Option<History> {
        History::peek(&self.place()?.project)
    }

    /// Returns the job of the line, or the last one.
    pub(super) fn job(&self, history: &History) -> Option<JobRow> {
        let wanted = self.value("job").unwrap_or_else(|| "last".to_owned());
        history.find(wanted.trim_start_matches('#')).ok()
    }

    /// Returns the playbook of the line: the one that is named, or that of its job.
    pub(super) fn playbook(&self) -> Option<Arc<Playbook>> {
        let place = self.place()?;
        if let Some(wanted) = self.value("playbook") {
            let path = library::find(&place.project, &wanted).ok()?;
            return library::open(&place.project, &path).ok()?.reading.playbook.map(Arc::new);
        }
        let history = self.history()?;
        let row = self.job(&history)?;
        history.plan(&row.id).ok().map(|plan| plan.playbook)
    }
}

/// Puts words together again that bash took apart at `=` and `:`. Returns the position of the one that is completed, and
/// what of it stands before the part that bash replaces.
pub(super) fn join(words: &mut Vec<OsString>, index: usize, current: &str) -> (usize, String) {
    let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut joined: Vec<String> = Vec::new();
    let mut found = (0, String::new());
    let is_break = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, '=' | ':'));
    let mut is_open = false;
    for (at, text) in texts.iter().enumerate() {
        let goes_on = is_open || (is_break(text) && at > 1);
        if !goes_on || joined.is_empty() {
            joined.push(String::new());
        }
        let Some(last) = joined.last_mut() else { continue };
        if at == index {
            // A break is not what is replaced: that is what would come behind it.
            let piece = if is_break(text) && current.is_empty() { text } else { "" };
            last.push_str(piece);
            found.1.clone_from(last);
            last.push_str(if piece.is_empty() { current } else { "" });
            found.0 = joined.len() - 1;
            break;
        }
        last.push_str(text);
        is_open = is_break(text);
    }
    *words = joined.into_iter().map(OsString::from).collect();
    found
}

/// Returns candidates as bash wants them: without what stands before the part that it replaces.
pub(super) fn after(found: &[CompletionCandidate], before: &str) -> Vec<String> {
    let texts = found.iter().map(|it| it.get_value().to_string_lossy().into_owned());
    texts.filter_map(|text| text.strip_prefix(before).map(str::to_owned)).collect()
}
