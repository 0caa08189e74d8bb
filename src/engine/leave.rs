//! What an engine leaves behind when its job has ended: the files in its folder, and the reports that were asked for.
//!
//! Written just before the end is committed, so that nobody knows of the end who does not find them, by whichever engine ends
//! the job, and anew after each retry. After a crash between the two the next engine ends the job and writes them anew. Every job leaves `result.json`; what can be made from the journal at any time is written only where nobody feels it.
//! Not here: what is in them (`reports.rs`, `logic/summary`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::turn::Engine;
use super::{library, reports, upkeep};
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::scope::{JobScope, Standing};
use crate::logic::job::state::JobPhase;
use crate::logic::summary::{Brief, Format, Story, Summary, leads_out, usual_name, usual_place};
use crate::logic::time::Timestamp;
use crate::logic::value::Value;

/// What was left, for whoever started the job.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    /// Reports that were asked for.
    pub(super) reports: Vec<WrittenReport>,
    /// What could not be written, in words.
    pub(super) warnings: Vec<String>,
}

impl Left {
    fn warn(&mut self, words: &str) {
        self.warnings.push(words.to_owned());
    }

    /// Writes a file into the folder of the job.
    fn write(&mut self, dir: &Path, name: &str, text: &str) {
        if let Err(why) = reports::put(dir, name.as_ref(), text.as_bytes()) {
            self.warn(&format!("`{name}` could not be written into the folder of the job: {why}"));
        }
    }
}

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenReport {
    /// As people name it.
    pub path: String,
    /// The outermost folder that was made for it.
    pub new_folder: Option<String>,
}

/// What all files of a summary cost, measured roughly: in any case, and for each cell.
const COST: (Duration, Duration) = (Duration::from_micros(400), Duration::from_micros(25));

/// A file to be written.
struct Report {
    path: PathBuf,
    format: Format,
}

impl Engine {
    /// Leaves what is to be left of a job that ends with these events. Nothing that goes wrong here is more than a warning.
    pub(super) fn leave_reports(&mut self, last: &[Arc<Envelope>]) {
        let JobPhase::Finished { outcome, at, .. } = self.state.phase else { return };
        let mut left = Left::default();
        let dir = PathBuf::from(&*self.state.setting.dir);
        let brief = Brief {
            number: self.number,
            id: &self.id.0,
            name: &self.state.setting.plan.playbook.name,
            outcome: Some(outcome),
            attempt: self.state.attempt,
            outputs: own_outputs(last),
        };
        left.write(&dir, "result.json", &brief.of_state(&self.state));
        let plan = &self.state.setting.plan;
        let is_asked = plan.summary.is_some() || plan.playbook.reporting.is_some();
        let is_all = self.is_worth_it(at) || dir.join(Format::Markdown.file()).exists();
        if is_asked || is_all {
            let made = upkeep::attempt(|| self.summary(last));
            match made.unwrap_or_else(|| Err("that is a bug".to_owned())) {
                Ok((summary, created)) => {
                    let asked = self.asked_for(created, &mut left);
                    self.write_reports(&summary, is_all, asked, &mut left);
                }
                Err(why) => left.warn(&format!("the summary of the job could not be made: {why}")),
            }
        }
        if let Err(why) = reports::keep_warnings(&dir, &left.warnings) {
            left.warn(&format!("the warnings could not be kept with the job: {why}"));
        }
        self.left = left;
    }

    /// Says whether nobody feels what all files of a summary cost: a hundredth of the time that the job took. Of others they
    /// are made when somebody asks.
    fn is_worth_it(&self, end: Timestamp) -> bool {
        let cells = u32::try_from(self.state.cells.len()).unwrap_or(u32::MAX);
        let cost = COST.0 + COST.1.saturating_mul(cells);
        end.since(self.state.started) >= cost.saturating_mul(100)
    }

    /// Makes the summary of the job from its events: those at hand, else those of the store. Beside it: when the job was made.
    fn summary(&self, last: &[Arc<Envelope>]) -> Result<(Summary, Timestamp), String> {
        let plan = &self.state.setting.plan;
        let mut story = Story::new(plan);
        match self.bus.all_events() {
            Some(published) => {
                published.iter().chain(&self.unpublished).for_each(|it| story.fold(it));
            }
            None => {
                let all: Vec<Envelope> =
                    self.store.events(self.number, 0, usize::MAX >> 1).map_err(|error| error.message)?;
                all.iter().for_each(|it| story.fold(it));
            }
        }
        last.iter().for_each(|it| story.fold(it));
        let told = self.store.told(self.number).map_err(|error| error.message)?;
        let created = Timestamp(told.created);
        let hidden = hidden(&self.state.setting.facts);
        let root = Path::new(&*self.state.setting.root);
        let told = reports::Told {
            number: self.number,
            id: &self.id.0,
            playbook: &library::shown(root, Path::new(&told.playbook)),
            actor: &told.actor,
            retry_of: told.retry_of,
            dir: Path::new(&*self.state.setting.dir),
            plan,
            hidden: &hidden,
            now: self.clock.now(),
        };
        Ok((reports::summary(&story, &told), created))
    }

    fn write_reports(&self, summary: &Summary, is_all: bool, asked: Vec<Report>, left: &mut Left) {
        let dir = Path::new(&*self.state.setting.dir);
        for format in Format::ALL.into_iter().filter(|_| is_all) {
            left.write(dir, format.file(), &summary.render(format));
        }
        let root = Path::new(&*self.state.setting.root);
        for report in asked {
            let shown = library::shown(root, &report.path);
            let text = summary.render(report.format);
            let written = if report.path.starts_with(root) {
                stays_inside(root, &report.path).and_then(|()| reports::write(&report.path, text.as_bytes()))
            } else {
                // A person named it.
                reports::write(&report.path, text.as_bytes())
            };
            match written {
                Ok(made) => left.reports.push(WrittenReport {
                    path: shown,
                    new_folder: made.map(|folder| library::shown(root, &folder)),
                }),
                Err(why) => left.warn(&format!("the report `{shown}` could not be written: {why}")),
            }
        }
    }

    /// Returns the reports that the playbook asks for, and whoever started the job.
    fn asked_for(&self, created: Timestamp, left: &mut Left) -> Vec<Report> {
        let plan = &self.state.setting.plan;
        let root = Path::new(&*self.state.setting.root);
        let mut asked = Vec::new();
        if let Some(reporting) = &plan.playbook.reporting {
            let scope = JobScope::new(&self.state, Standing::Job);
            let path = reporting.path.template.eval_text(&scope).map_err(|error| error.message);
            match path.and_then(|path| leads_out(&path).map_or(Ok(path), Err)) {
                Ok(path) => asked.extend(files(&root.join(path.trim()), &reporting.formats)),
                Err(why) => left.warn(&format!("the reports could not be written: {why}")),
            }
        }
        match plan.summary.as_deref() {
            None => {}
            Some("") => {
                let path = root.join(usual_place()).join(usual_name(created, self.number));
                asked.push(Report { path, format: Format::Markdown });
            }
            Some(path) => {
                let format = Format::of_file(path).unwrap_or(Format::Markdown);
                asked.push(Report { path: PathBuf::from(path), format });
            }
        }
        asked
    }
}

/// The outputs of the job itself, which only its end tells.
fn own_outputs(last: &[Arc<Envelope>]) -> &[(Arc<str>, Arc<str>)] {
    let ends = last.iter().rev().find_map(|it| match &it.event {
        Event::JobFinished { outputs, .. } => Some(&outputs[..]),
        _ => None,
    });
    ends.unwrap_or_default()
}

/// Returns the files of some formats: in a folder, or a single one at a path that has its ending.
fn files(path: &Path, formats: &[Format]) -> Vec<Report> {
    if let ([only], Some(named)) = (formats, Format::of_file(&path.to_string_lossy()))
        && *only == named
    {
        return vec![Report { path: path.to_path_buf(), format: named }];
    }
    formats.iter().map(|&format| Report { path: path.join(format.file()), format }).collect()
}

/// Makes sure that no link on the way leads out of the project.
fn stays_inside(root: &Path, path: &Path) -> Result<(), String> {
    let known = path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(root);
    match known.canonicalize() {
        Ok(real) if real.starts_with(root) => Ok(()),
        Ok(real) => Err(format!("a link leads out of the project, to `{}`", real.display())),
        Err(error) => Err(crate::port::words(&error)),
    }
}

fn hidden(facts: &Value) -> Vec<String> {
    let Value::Object(facts) = facts else { return Vec::new() };
    match facts.get(reports::HIDDEN) {
        Some(Value::String(names)) => names.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
