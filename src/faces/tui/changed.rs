//! A playbook that is another one than the job runs: the banner, what differs, and the new job that is offered.
//!
//! Pure. The job that is shown is never touched by a change of its file. Not here: hearing of it (`engine/watching`), starting
//! (`restart.rs`).

use std::time::Duration;

use super::keymap::Action;
use super::ui::{Ask, Choice, Dialog, Facts, Overlay, Question, Request, Ui};
use crate::engine::watching::{Other, Version};
use crate::faces::live::{Note, short};

#[cfg(test)]
#[path = "changed_tests.rs"]
mod tests;

impl Ui {
    /// Takes note of something that is told beside the job.
    pub fn hear(&mut self, note: Note, now: Duration) {
        match note {
            Note::Said(words) | Note::Record { words, .. } => self.say(words, now),
            Note::Waits(words) => self.waits = Some(words),
            // The loop hears of these.
            Note::Due | Note::Left => {}
            Note::Book(Version::Same) => {
                if let Some(book) = self.book.take() {
                    let file = file(&book).to_owned();
                    self.say(format!("{file} says again what this job runs"), now);
                }
            }
            Note::Book(version) => {
                self.book = Some(version);
                // Where there is no line for it, it is said at least once; and what was said of the version before is over.
                if let Some(words) = self.banner() {
                    self.say(words, now);
                }
            }
        }
    }

    /// Returns what stands in the status line as long as the playbook is another one.
    #[must_use]
    pub fn banner(&self) -> Option<String> {
        Some(match self.book.as_ref()? {
            Version::Same => return None,
            Version::Broken { why, .. } => format!("not taken: {why}"),
            Version::Other(other) => {
                let words = other.difference.words();
                let (fresh, more) = (self.said(Action::Fresh), self.said(Action::Changes));
                format!("{} changed: {words}; {fresh}: new job, {more}: more", other.file)
            }
        })
    }

    /// Shows how the playbook differs.
    pub(super) fn show_changes(&mut self, now: Duration) {
        match self.book.clone() {
            None | Some(Version::Same) => self.say("the playbook says what this job runs", now),
            Some(Version::Broken { file, why }) => {
                let (now, then) = if self.is_round {
                    (
                        "No round begins as long as it has errors.",
                        "the next round begins by itself".to_owned(),
                    )
                } else {
                    let key = self.said(Action::Fresh);
                    ("The job goes on with what it began with.", format!("{key} starts a new job from it"))
                };
                let lines =
                    vec![why, String::new(), now.to_owned(), format!("Once the file is mended, {then}.")];
                self.tell(format!("{} has errors", short(&file)), lines);
            }
            Some(Version::Other(other)) => {
                let mut lines =
                    vec![format!("{}. This job keeps what it began with.", other.difference.words())];
                if let Some(problem) = &other.problem {
                    lines.push(format!("A new job cannot be asked for as this one was: {problem}"));
                }
                lines.push(String::new());
                lines.extend(other.difference.lines());
                self.tell(format!("{} changed", other.file), lines);
            }
        }
    }

    /// Starts a new job from the changed playbook, or asks what becomes of this one.
    pub(super) fn fresh(&mut self, facts: Facts<'_>) -> Vec<Request> {
        match self.offered() {
            Err(why) => {
                self.say(why, facts.now);
                Vec::new()
            }
            Ok(_) if has_ended(facts) => vec![Request::Fresh],
            Ok(_) => {
                self.overlay = Some(Overlay::Dialog(Dialog { ask: Ask::Fresh, opened: facts.now }));
                Vec::new()
            }
        }
    }

    /// Returns the playbook that a new job can be started from.
    fn offered(&self) -> Result<&Other, String> {
        let other = match &self.book {
            None | Some(Version::Same) => {
                if self.is_round {
                    return Err("a changed playbook starts the next round by itself".to_owned());
                }
                let (some, failed) = (self.said(Action::Retry), self.said(Action::RetryFailed));
                return Err(format!(
                    "the playbook says what this job runs; {some} and {failed} run of it again"
                ));
            }
            Some(Version::Broken { why, .. }) => return Err(format!("nothing was started: {why}")),
            Some(Version::Other(other)) => other,
        };
        if let Some(problem) = &other.problem {
            return Err(format!("{} cannot be started as this job was: {problem}", other.file));
        }
        if self.fresh_at_end {
            return Err("a new job starts once this one has ended".to_owned());
        }
        Ok(other)
    }

    /// Asks what becomes of a job that runs when a new one is started from its playbook.
    pub(super) fn fresh_question(&self, facts: Facts<'_>) -> Result<Question, String> {
        let other = self.offered()?;
        if has_ended(facts) {
            return Err(format!(
                "the job has ended meanwhile; {} starts the new one",
                self.said(Action::Fresh)
            ));
        }
        let choice = |key, word: &str, requests| Choice {
            key,
            word: word.to_owned(),
            requests,
            delay: Duration::ZERO,
        };
        let beside = if facts.is_ours {
            "start it beside this one, which goes on without a terminal"
        } else {
            "start it beside this one, which goes on"
        };
        let text = vec![
            format!("{}: {}.", other.file, other.difference.words()),
            format!("The new job gets the inputs and options of #{}, which still runs.", facts.number),
        ];
        let choices = vec![
            choice("y", beside, vec![Request::Fresh]),
            choice("c", "cancel this one, and start it when that has ended", vec![Request::CancelThenFresh]),
            choice("esc", "start nothing", Vec::new()),
        ];
        Ok(Question { title: "Start a new job from the changed playbook?".to_owned(), text, choices })
    }
}

fn has_ended(facts: Facts<'_>) -> bool {
    facts.view.phase.outcome().is_some() || !facts.is_live
}

fn file(version: &Version) -> &str {
    match version {
        Version::Same => "the playbook",
        Version::Other(other) => &other.file,
        Version::Broken { file, .. } => short(file),
    }
}
