//! Events in and out of the table, and what they change in the projection of jobs.

use std::borrow::{Borrow, Cow};
use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;
use crate::logic::job::event::{Cause, Envelope, Event, Outcome};
use crate::logic::job::order::Target;
use crate::logic::time::Timestamp;

/// A transaction whose statements are parsed once for the connection: there are hundreds in a second.
pub(super) struct Writing<'a> {
    connection: &'a Connection,
    is_open: bool,
}

impl<'a> Writing<'a> {
    pub(super) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection, is_open: true })
    }

    pub(super) fn commit(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // What failed before is told; SQLite may have rolled back by itself.
            let _outcome = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// The state of a job that was undone at its end, or after it.
pub(super) const ROLLED_BACK: &str = "rolled-back";

/// Where a job stands after an event, as its row has it; nothing if the event does not change that.
pub(super) fn standing_after(event: &Event, had_ended: bool) -> Option<&'static str> {
    match event {
        Event::JobStarted { .. } | Event::JobResumed { .. } | Event::JobRetrying { .. } => Some("running"),
        Event::JobPaused { freeze: true, .. } => Some("frozen"),
        Event::JobPaused { .. } => Some("paused"),
        Event::JobQueued { .. } => Some("queued"),
        Event::ClaimsHeld { cell: None, .. } => Some("running"),
        Event::CancelAsked { target: Target::Job, .. } => Some("cancelling"),
        Event::JobFinished { cause: Some(Cause::RolledBack { .. }), .. } => Some(ROLLED_BACK),
        Event::JobFinished { .. } => Some("finished"),
        // One that had ended is at work again; one that runs may be paused, and stays so.
        Event::RollbackAsked { .. } if had_ended => Some("running"),
        _ => None,
    }
}

/// Keeps the row of a job in step with its events.
pub(super) fn project(connection: &Connection, number: u64, it: &Envelope) -> Result<(), EngineError> {
    let Some(state) = standing_after(&it.event, true) else { return Ok(()) };
    match &it.event {
        Event::JobFinished { outcome, .. } => {
            connection
                .prepare_cached("UPDATE jobs SET state = ?2, outcome = ?3, finished = ?4 WHERE number = ?1")?
                .execute(params![number, state, Outcome::word(*outcome), it.time.0])?;
            return Ok(());
        }
        Event::RollbackAsked { .. } => {
            connection
                .prepare_cached(
                    "UPDATE jobs SET state = ?2, outcome = NULL, finished = NULL \
                     WHERE number = ?1 AND finished IS NOT NULL",
                )?
                .execute(params![number, state])?;
            return Ok(());
        }
        Event::ClaimsHeld { .. } => {
            // One that is paused or cancelled meanwhile stays so.
            connection
                .prepare_cached("UPDATE jobs SET state = ?2 WHERE number = ?1 AND state = 'queued'")?
                .execute(params![number, state])?;
            return Ok(());
        }
        _ => {}
    }
    connection
        .prepare_cached("UPDATE jobs SET state = ?2, outcome = NULL, finished = NULL WHERE number = ?1")?
        .execute(params![number, state])?;
    Ok(())
}

/// Types of events that come by the hundred where a job finds its results in the cache. Their rows would take longer to
/// write than they take to be decided.
const MANY: [&str; 4] = ["stage.started", "cache.hit", "cell.completed", "stage.completed"];

/// So many of them in a row have a row together, and at most so many.
const TOGETHER: (usize, usize) = (8, 128);

/// The type of such a row. Its number is that of the last one.
pub(super) const GATHERED: &str = "gathered";

/// A row that has grown beyond so many bytes takes no more: results may carry outputs of any length.
const MOST_BYTES: usize = 256 * 1024;

/// Events as a row has them. Nothing in it tells of a time or a number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// How many.
    count: u64,
    /// The type of the event, or of rows that several share.
    kind: String,
    body: Body,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Body {
    Text(String),
    Packed(Vec<u8>),
}

impl Row {
    /// Returns how many events it has.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    /// Tells its events, one after the other.
    ///
    /// # Errors
    /// What is wrong with it, in words. Some may have been told.
    pub(crate) fn each_event(&self, tell: &mut dyn FnMut(Event)) -> Result<(), String> {
        let body = match &self.body {
            Body::Text(text) => ValueRef::Text(text.as_bytes()),
            Body::Packed(bytes) => ValueRef::Blob(bytes),
        };
        read(&self.kind, &text_of(body)?, tell).map_err(|error| error.to_string())
    }
}

/// Writes rows of events that were decided at one moment, the first of which has that number.
pub(super) fn write_rows(
    insert: &mut rusqlite::CachedStatement<'_>,
    (number, first): (u64, u64),
    time: Timestamp,
    rows: &[Row],
) -> rusqlite::Result<()> {
    let mut next = first;
    for Row { count, kind, body } in rows {
        next += count;
        let (id, time) = (key(number, next - 1), time.0);
        match body {
            Body::Text(text) => insert.execute(params![id, time, kind, text])?,
            Body::Packed(bytes) => insert.execute(params![id, time, kind, bytes])?,
        };
    }
    Ok(())
}

/// Writes events that belong together by the moment at which they were decided.
pub(super) fn write(
    insert: &mut rusqlite::CachedStatement<'_>,
    number: u64,
    events: &[impl Borrow<Envelope>],
) -> Result<(), EngineError> {
    for run in events.chunk_by(|a, b| a.borrow().time == b.borrow().time) {
        let all: Vec<&Event> = run.iter().map(|it| &it.borrow().event).collect();
        let Some(first) = run.first().map(Borrow::borrow) else { continue };
        write_rows(insert, (number, first.seq), first.time, &rows(&all)?)?;
    }
    Ok(())
}

/// Returns the rows of events that were decided at one moment.
///
/// # Errors
/// An event that cannot be written.
pub(crate) fn rows(events: &[&Event]) -> Result<Vec<Row>, EngineError> {
    let mut rows = Vec::new();
    let is_many = |it: &Event| MANY.contains(&it.type_name());
    let (few, most) = TOGETHER;
    for run in events.chunk_by(|a, b| is_many(a) && is_many(b)) {
        let most = if run.len() < few { 1 } else { most };
        // One text for all of them: those of a run of hits are hundreds of kilobytes together.
        let mut body = Vec::new();
        let mut count = 0;
        for (at, it) in run.iter().enumerate() {
            body.push(if count == 0 { b'[' } else { b',' });
            serde_json::to_writer(&mut body, it)
                .map_err(|e| EngineError::bug(format!("an event could not be written: {e}")))?;
            count += 1;
            if count < most && body.len() < MOST_BYTES && at + 1 < run.len() {
                continue;
            }
            body.push(b']');
            let text =
                std::str::from_utf8(&body).map_err(|e| EngineError::bug(format!("JSON is text: {e}")))?;
            let (kind, packed) = match count {
                1 => (it.type_name(), Body::Text(text[1..text.len() - 1].to_owned())),
                // One is much like the next: a tenth of the pages.
                _ => (GATHERED, Body::Packed(lz4_flex::block::compress_prepend_size(text.as_bytes()))),
            };
            rows.push(Row { count: count as u64, kind: kind.to_owned(), body: packed });
            body.clear();
            count = 0;
        }
    }
    Ok(rows)
}

/// Reads the events of a row.
fn read(kind: &str, text: &str, tell: &mut dyn FnMut(Event)) -> serde_json::Result<()> {
    if kind != GATHERED {
        return serde_json::from_str(text).map(tell);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Each(tell))?;
    reader.end()
}

/// Takes the events of a list as they come.
struct Each<'a>(&'a mut dyn FnMut(Event));

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(event) = all.next_element()? {
            (self.0)(event);
        }
        Ok(())
    }
}

/// No row has a longer text than this, in bytes.
const LONGEST: u32 = 1 << 30;

/// Returns the text of a row's body, which is packed where many events share it.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn text_of(body: ValueRef<'_>) -> Result<Cow<'_, str>, String> {
    let packed = match body {
        ValueRef::Blob(packed) => packed,
        other => return other.as_str().map(Cow::Borrowed).map_err(|error| error.to_string()),
    };
    let length = packed.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
    // What is damaged may ask for any length.
    if length > LONGEST || u64::from(length) > 256 * packed.len() as u64 {
        return Err("its length is not what it can be".to_owned());
    }
    let bytes = lz4_flex::block::decompress_size_prepended(packed).map_err(|error| error.to_string())?;
    if u32::try_from(bytes.len()) != Ok(length) {
        return Err("its length is not what it was".to_owned());
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|error| error.to_string())
}

/// Returns the number of a row.
pub(super) fn key(number: u64, seq: u64) -> u64 {
    (number << 32) | seq.min(u64::from(u32::MAX))
}

/// Returns the events of a job after a number.
pub(super) fn read_events(
    connection: &Connection,
    number: u64,
    after: u64,
    limit: usize,
) -> Result<Vec<Envelope>, EngineError> {
    let mut query = connection.prepare_cached(
        "SELECT id, time, type, body FROM events WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = query.query(params![key(number, after), key(number + 1, 0), limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()?.filter(|_| events.len() < limit) {
        let (id, time, kind): (u64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let seq = id - key(number, 0);
        let body = text_of(row.get_ref(3)?).map_err(|why| damaged(seq, &kind, number, &why))?;
        let mut all = Vec::new();
        read(&kind, &body, &mut |event| all.push(event)).map_err(|e| {
            let what = format!("event {seq} (`{kind}`) of job #{number}");
            // What is well-formed and has another meaning may be told as if it were not.
            if e.is_data() || serde_json::from_str::<IgnoredAny>(&body).is_ok() {
                let words =
                    format!("{what} cannot be read by this sortie: {e}; was it written by a newer one?");
                return EngineError::surroundings(words).help("use that newer version");
            }
            damaged(seq, &kind, number, &e.to_string())
        })?;
        let time = Timestamp(time);
        let first = (seq + 1).saturating_sub(all.len() as u64);
        let numbered = (first..).zip(all).filter(|(seq, _)| *seq > after);
        events.extend(numbered.map(|(seq, event)| Envelope { seq, time, event }));
    }
    events.truncate(limit);
    Ok(events)
}

fn damaged(seq: u64, kind: &str, number: u64, why: &str) -> EngineError {
    EngineError::surroundings(format!("event {seq} (`{kind}`) of job #{number} is damaged: {why}"))
        .help(super::folder::DAMAGED)
}

/// Holds events to what a journal is, the numbers after that one without gaps: what was made of the rest would be wrong.
pub(super) fn without_gaps(
    number: u64,
    after: u64,
    events: Vec<Envelope>,
) -> Result<Vec<Envelope>, EngineError> {
    let gap = (after + 1..).zip(&events).find(|(wanted, it)| it.seq != *wanted);
    match gap {
        None => Ok(events),
        Some((wanted, it)) => Err(EngineError::surroundings(format!(
            "the journal of job #{number} has no event {wanted}, the next one is {}",
            it.seq
        ))
        .help(super::folder::DAMAGED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: u64) -> Vec<Envelope> {
        let event = |seq: u64| match seq {
            1 | 40 => Event::JobStarted { attempt: 1, title: None },
            _ => Event::StageFinished {
                stage: u32::try_from(seq).expect("it is small"),
                outcome: Outcome::Success,
                result: Outcome::Success,
                cause: None,
            },
        };
        let time = |seq: u64| Timestamp(if seq < 30 { 1 } else { 2 });
        (1..=count).map(|seq| Envelope { seq, time: time(seq), event: event(seq) }).collect()
    }

    #[test]
    fn many_of_a_kind_share_rows_and_are_read_one_by_one() {
        let connection = Connection::open_in_memory().expect("it opens");
        let table = "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER, type TEXT, body TEXT)";
        connection.execute_batch(table).expect("a table");
        let all = events(400);
        let mut insert =
            connection.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4)").expect("it is plain");
        write(&mut insert, 7, &all).expect("they are written");
        // The time changes at 30, a start is at 40, and a row has 128 at most.
        let ends = |number: u64| -> Vec<u64> {
            let mut rows =
                connection.prepare("SELECT id FROM events WHERE id >> 32 = ?1").expect("it is plain");
            let ids = rows.query_map([number], |row| row.get::<_, u64>(0)).expect("they are read");
            ids.map(|id| id.expect("a number") - key(number, 0)).collect()
        };
        assert_eq!(ends(7), [1, 29, 39, 40, 168, 296, 400]);
        write(&mut insert, 8, &all[1..8]).expect("they are written");
        assert_eq!(ends(8), [2, 3, 4, 5, 6, 7, 8]);
        for (after, limit) in [(0, 1000), (0, 1), (0, 29), (1, 5), (28, 3), (35, 10), (100, 200), (399, 9)] {
            let read = read_events(&connection, 7, after, limit).expect("they are read");
            let wanted: Vec<&Envelope> = all.iter().filter(|it| it.seq > after).take(limit).collect();
            assert_eq!(read.iter().collect::<Vec<_>>(), wanted, "{after} {limit}");
        }
        assert!(read_events(&connection, 7, 400, 9).expect("they are read").is_empty());
        assert!(read_events(&connection, 6, 0, 9).expect("they are read").is_empty());
        let packed = "SELECT body FROM events WHERE type = 'gathered' ORDER BY id DESC LIMIT 1";
        let packed: Vec<u8> = connection.query_row(packed, [], |row| row.get(0)).expect("it is packed");
        assert!(text_of(ValueRef::Blob(&packed)).is_ok_and(|it| it.len() > 5 * packed.len()));
        for at in 0..packed.len() {
            assert!(text_of(ValueRef::Blob(&packed[..at])).is_err(), "{at} bytes");
        }
        for at in 0..4 {
            let mut wrong = packed.clone();
            wrong[at] ^= 1;
            assert!(text_of(ValueRef::Blob(&wrong)).is_err(), "another length");
        }
    }
}
