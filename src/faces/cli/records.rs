//! `jobs logs --query`: lines of the logs of all jobs, as records with where they come from.
//!
//! Not here: what a query may say (`logic/log_query`), reading the files (`engine/logs/records.rs`). Holds one piece of one
//! file and the state of one job at a time, and with `-n` the records that are asked for.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use super::list::local_time;
use super::logs::line_json;
use super::pick;
use crate::engine::{History, JobFilter, JobRow, clock, logs};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::job::event::Event;
use crate::logic::job::report::AttemptKey;
use crate::logic::log_index::Stream;
use crate::logic::log_query::{self, OfJob, OfLine, OfTry, Problem, Query, level_of};
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::source::Source;
use crate::logic::text::clean::clean;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// So many rows of jobs are held at once.
const PAGE: usize = 500;

/// Prints the records that fit, or the newest so many of them.
///
/// # Errors
/// If the query says something wrong, or the history or a log cannot be read.
pub(super) fn records(
    context: &Context,
    (text, limit, as_json): (&str, Option<u32>, bool),
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let zone = jiff::tz::TimeZone::system();
    let query =
        log_query::parse(text, clock::now(), &zone).map_err(|problems| told(notes, text, &problems))?;
    let history = pick::history(context)?;
    let last = history.jobs(1)?.first().map_or(0, |row| row.number);
    let asked = Asked {
        history: &history,
        query: &query,
        last,
        as_json,
        gone: RefCell::default(),
        has_job: Cell::default(),
        has_try: Cell::default(),
        is_found: Cell::default(),
    };
    let mut read: Option<(String, Arc<Playbook>)> = None;
    match limit {
        Some(limit) => newest(&asked, limit as usize, &mut read, out)?,
        None => all(&asked, &mut read, out)?,
    }
    if !asked.is_found.get() && !out.is_closed() {
        notes.line(format!("note: {}", asked.why_nothing()));
        notes.flush();
    }
    // What can be read is printed first: one job that lost its folder hides no other.
    let mut gone = asked.gone.into_inner().into_iter();
    match gone.next() {
        None => Ok(Ending::Success),
        Some(row) => Err(super::logs::gone(&row, gone.len())),
    }
}

/// The playbook that was read last, with its text: most jobs in a row have the same.
type Read = Option<(String, Arc<Playbook>)>;

struct Asked<'a> {
    history: &'a History,
    query: &'a Query,
    /// Number of the newest job.
    last: u64,
    as_json: bool,
    /// Jobs whose folders are not there any more.
    gone: RefCell<Vec<JobRow>>,
    /// How far the query came: jobs and tries that fit, and records.
    has_job: Cell<bool>,
    has_try: Cell<bool>,
    is_found: Cell<bool>,
}

fn all(asked: &Asked<'_>, read: &mut Read, out: &mut Out) -> Result<(), Failure> {
    // Numbers are little, and rows are not.
    let mut numbers = Vec::new();
    asked.each_row(&mut |row| {
        numbers.push(row.number);
        Ok(true)
    })?;
    for number in numbers.into_iter().rev() {
        let filter = JobFilter { below: Some(number + 1), ..JobFilter::default() };
        let row = asked.history.query(&filter, 1)?.into_iter().find(|row| row.number == number);
        let Some(row) = row else { continue };
        let mut is_new = false;
        asked.each_record(&row, read, &mut |line| {
            out.line(line);
            is_new = true;
            !out.is_closed()
        })?;
        // Whoever has seen enough is noticed before the next job is read.
        if is_new {
            out.flush();
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(())
}

/// From the newest job back until there are enough.
fn newest(asked: &Asked<'_>, limit: usize, read: &mut Read, out: &mut Out) -> Result<(), Failure> {
    let mut found: VecDeque<Vec<String>> = VecDeque::new();
    let mut missing = limit;
    asked.each_row(&mut |row| {
        let mut of_job = VecDeque::new();
        asked.each_record(&row, read, &mut |line| {
            if of_job.len() == missing {
                of_job.pop_front();
            }
            of_job.push_back(line);
            true
        })?;
        missing -= of_job.len();
        found.push_front(of_job.into());
        Ok(missing > 0)
    })?;
    for line in found.into_iter().flatten() {
        out.line(line);
    }
    Ok(())
}

impl Asked<'_> {
    /// Gives the jobs that may have records, the newest first, until the callback says no.
    fn each_row(&self, give: &mut dyn FnMut(JobRow) -> Result<bool, Failure>) -> Result<(), Failure> {
        let mut below = None;
        loop {
            let (since, until) = (self.query.since, self.query.until);
            let filter = JobFilter { active_since: since, until, below, ..JobFilter::default() };
            let rows = self.history.query(&filter, PAGE)?;
            let Some(oldest) = rows.last().map(|row| row.number) else { return Ok(()) };
            below = Some(oldest);
            for row in rows {
                let of_job = OfJob {
                    number: row.number,
                    id: &row.id.0,
                    is_last: row.number == self.last,
                    name: &row.name,
                    playbook: &row.playbook,
                };
                if !self.query.fits_job(&of_job) {
                    continue;
                }
                self.has_job.set(true);
                if !give(row)? {
                    return Ok(());
                }
            }
        }
    }

    /// Gives the records of a job that fit, drawn, try by try, until the callback says no.
    fn each_record(
        &self,
        row: &JobRow,
        read: &mut Read,
        give: &mut dyn FnMut(String) -> bool,
    ) -> Result<(), Failure> {
        if !logs::are_any(&row.dir) {
            if !row.dir.is_dir() {
                self.gone.borrow_mut().push(row.clone());
            }
            return Ok(());
        }
        let playbook = playbook(self.history, row, read)?;
        let mut view = JobView::new(playbook);
        let mut spans: HashMap<AttemptKey, Range<Timestamp>> = HashMap::new();
        pick::each_event(self.history, row, 0, &mut |it| {
            view.fold(it);
            match &it.event {
                Event::StepStarted { key } => {
                    spans.insert(*key, it.time..Timestamp(i64::MAX));
                }
                Event::StepRetrying { key, .. } => end(&mut spans, *key, it.time),
                Event::StepFinished(ended) => end(&mut spans, ended.key, it.time),
                _ => {}
            }
            true
        })?;
        for &key in &view.attempts {
            let (cell, step) = (&view.cells[key.cell as usize], view.step_name(key.cell, key.step));
            let name = view.cell_name(key.cell);
            let of_try = OfTry {
                stage: view.stage_name(cell.stage),
                cell: &name,
                cell_id: &cell.id,
                step: &step,
                step_number: key.step + 1,
                attempt: key.attempt,
            };
            if !self.query.fits_try(&of_try) {
                continue;
            }
            self.has_try.set(true);
            let path = logs::path(&row.dir, key);
            let span = spans.get(&key).cloned().unwrap_or(Timestamp(0)..Timestamp(i64::MAX));
            let mut goes_on = true;
            logs::each_line(&path, &mut |raw| {
                let text = clean(raw.bytes, false);
                let level = level_of(&text, raw.stream);
                // Without an index the file tells a time, which may be that of a copy.
                let time = if raw.is_indexed { raw.time } else { raw.time.clamp(span.start, span.end) };
                let line = OfLine { time, level, stream: raw.stream, text: &text };
                if self.query.fits_line(&line) {
                    self.is_found.set(true);
                    goes_on = give(self.draw(row, &view, (key, &of_try), &line));
                }
                goes_on
            })
            .map_err(|error| {
                Failure::surroundings(format!("`{}` cannot be read: {error}", path.display()))
            })?;
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Says what of the query nothing fits: a name that was mistyped looks like a job that said nothing.
    fn why_nothing(&self) -> &'static str {
        match (self.has_job.get(), self.has_try.get()) {
            (false, _) => "no job fits what the query says of jobs and times",
            (true, false) => {
                "no step that wrote anything fits what the query says of stages, cells and steps"
            }
            (true, true) => "no line fits what the query says of lines and times",
        }
    }

    fn draw(
        &self,
        row: &JobRow,
        view: &JobView,
        (key, of): (AttemptKey, &OfTry<'_>),
        line: &OfLine<'_>,
    ) -> String {
        let level = line.level.word();
        if !self.as_json {
            let again = if of.attempt > 1 { format!(", attempt {}", of.attempt) } else { String::new() };
            let place = format!("#{} {}/{}{again}", row.number, of.cell, of.step);
            return format!("{} {place} {level:7} {}", local_time(line.time), line.text);
        }
        let mut record = serde_json::Map::new();
        let stream = match line.stream {
            Stream::Out => "stdout",
            Stream::Err => "stderr",
        };
        for (name, value) in [
            ("time", Json::from(line.time.rfc3339())),
            ("level", level.into()),
            ("job", row.number.into()),
            ("job_id", Json::from(&*row.id.0)),
            ("playbook", row.name.as_str().into()),
            ("stream", stream.into()),
        ] {
            record.insert(name.to_owned(), value);
        }
        if let Json::Object(of_line) = line_json(view, key, line.text.as_bytes()) {
            record.extend(of_line);
        }
        Json::Object(record).to_string()
    }
}

fn end(spans: &mut HashMap<AttemptKey, Range<Timestamp>>, key: AttemptKey, at: Timestamp) {
    if let Some(span) = spans.get_mut(&key) {
        span.end = at.max(span.start);
    }
}

fn playbook(history: &History, row: &JobRow, read: &mut Read) -> Result<Arc<Playbook>, Failure> {
    let source = history.source(&row.id)?;
    if let Some((text, playbook)) = read
        && *text == source
    {
        return Ok(Arc::clone(playbook));
    }
    let reading = crate::logic::playbook::read(&Source::from_stored(row.playbook.as_str(), source.as_str()));
    let Some(playbook) = reading.playbook else {
        let number = row.number;
        return Err(Failure::surroundings(format!("the playbook of job #{number} is no longer understood"))
            .help(format!("leave it out: add `-job:{number}` to the query")));
    };
    let playbook = Arc::new(playbook);
    *read = Some((source, Arc::clone(&playbook)));
    Ok(playbook)
}

/// Shows what is wrong with a query, each below its place.
fn told(notes: &mut Out, text: &str, problems: &[Problem]) -> Failure {
    for problem in problems {
        notes.line(format!("error: {}", problem.message));
        notes.line(format!("  {}", text.replace(['\n', '\t'], " ")));
        notes.line(format!("  {}", marks(text, &problem.place)));
        if let Some(help) = &problem.help {
            notes.line(format!("help: {help}"));
        }
    }
    notes.flush();
    Failure::told(Ending::Usage)
}

fn marks(text: &str, place: &Range<usize>) -> String {
    let width = |part: Range<usize>| text.get(part).map_or(0, unicode_width::UnicodeWidthStr::width);
    format!("{}{}", " ".repeat(width(0..place.start)), "^".repeat(width(place.clone()).max(1)))
}
