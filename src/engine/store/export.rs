//! Taking jobs out of the store: rows and events as lines of JSON, logs as an archive that `tar` reads.
//!
//! Not here: reading them back in. What is damaged is left out and told, so that the rest can be saved.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::history::{History, JobRow};
use super::journal::{GATHERED, text_of};
use super::sources;
use super::verify::range_of;
use crate::engine::EngineError;
use crate::logic::job::event::{Event, SCHEMA};
use crate::logic::time::Timestamp;

/// What was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub jobs: usize,
    pub events: usize,
    pub logs: usize,
    /// What could not be read, in words.
    pub missing: Vec<String>,
}

/// A block of an archive.
const BLOCK: usize = 512;

/// Writes jobs as lines: each job with all that is recorded of it, then its events in order, as they are stored. Files of
/// their logs go into the archive, if there is to be one.
///
/// # Errors
/// If somewhere cannot be written.
pub fn export(
    history: &History,
    jobs: &[JobRow],
    to: &mut dyn Write,
    mut archive: Option<&mut dyn Write>,
) -> io::Result<Exported> {
    let mut done = Exported::default();
    let head = json!({ "schema": SCHEMA, "type": "export", "jobs": jobs.len(), "version": env!("CARGO_PKG_VERSION") });
    writeln!(to, "{head}")?;
    for row in jobs {
        match history.whole(row) {
            Ok(job) => writeln!(to, "{job}")?,
            Err(error) => {
                done.missing.push(format!("job #{}: {}", row.number, error.message));
                continue;
            }
        }
        done.jobs += 1;
        history.export_events(row, to, &mut done)?;
        if let Some(archive) = archive.as_deref_mut() {
            export_logs(row, archive, &mut done)?;
        }
    }
    if let Some(archive) = archive {
        archive.write_all(&[0; 2 * BLOCK])?;
        archive.flush()?;
    }
    to.flush()?;
    Ok(done)
}

/// Makes a file that only its owner may read: what is taken out may be confidential. One that is there is not overwritten.
///
/// # Errors
/// If it cannot be made.
pub fn create(path: &Path) -> Result<File, EngineError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| {
        let failed = EngineError::usage(format!("`{}` cannot be written: {error}", path.display()));
        match error.kind() {
            io::ErrorKind::AlreadyExists => failed.help("name another file, or remove it"),
            _ => failed,
        }
    })
}

impl History {
    fn whole(&self, row: &JobRow) -> Result<Json, EngineError> {
        let sql = "SELECT text, request, facts, parent, state \
                   FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE jobs.id = ?1";
        let of_text = |text: String| serde_json::from_str(&text).unwrap_or(Json::String(text));
        Ok(self.connection.query_row(sql, [&*row.id.0], |it| {
            Ok(json!({
                "type": "job",
                "number": row.number,
                "id": &*row.id.0,
                "name": row.name,
                "playbook": row.playbook,
                "actor": row.actor,
                "state": it.get::<_, String>(4)?,
                "outcome": row.outcome,
                "started": row.started.rfc3339(),
                "finished": row.finished.map(Timestamp::rfc3339),
                "retry_of": row.retry_of,
                "parent": it.get::<_, Option<String>>(3)?,
                "source": sources::text_in(it, 0).ok(),
                "request": of_text(it.get(1)?),
                "facts": of_text(it.get(2)?),
            }))
        })?)
    }

    /// As they are stored, so that one of a newer sortie is no obstacle.
    fn export_events(&self, row: &JobRow, to: &mut dyn Write, done: &mut Exported) -> io::Result<()> {
        let (from, end) = range_of(row.number);
        let mut problem = None;
        let mut read = || -> rusqlite::Result<io::Result<()>> {
            let sql = "SELECT id, time, type, body FROM events WHERE id > ?1 AND id < ?2 ORDER BY id";
            let mut query = self.connection.prepare_cached(sql)?;
            let mut rows = query.query(params![from, end])?;
            while let Some(it) = rows.next()? {
                let (last, kind): (u64, String) = (it.get(0)?, it.get(2)?);
                let time = Timestamp(it.get(1)?).rfc3339();
                let stored = it.get_ref(3)?;
                let damaged = |why: &str, what: &str| {
                    let seq = last - from;
                    format!(
                        "event {seq} (`{kind}`) of job #{} is damaged: {why}; its line has {what}",
                        row.number
                    )
                };
                let text = match text_of(stored) {
                    Ok(text) => text,
                    Err(why) => {
                        done.missing.push(damaged(&why, "the bytes that are there, as hex"));
                        let bytes = hex(stored.as_bytes().unwrap_or_default());
                        let line = json!({
                            "type": "event",
                            "job": row.number,
                            "seq": last - from,
                            "time": time,
                            "event": kind,
                            "body": null,
                            "bytes": bytes,
                        });
                        if let Err(error) = writeln!(to, "{line}") {
                            return Ok(Err(error));
                        }
                        continue;
                    }
                };
                let body = serde_json::from_str(&text).unwrap_or_else(|error| {
                    done.missing.push(damaged(&error.to_string(), "the text that is there"));
                    Json::String(text.into_owned())
                });
                let all = match body {
                    Json::Array(all) if kind == GATHERED => all,
                    one => vec![one],
                };
                let first = (last - from + 1).saturating_sub(all.len() as u64);
                for (seq, body) in (first..).zip(all) {
                    let event = <Event as Deserialize>::deserialize(&body).map(|event| event.type_name());
                    let line = json!({
                        "type": "event",
                        "job": row.number,
                        "seq": seq,
                        "time": time,
                        "event": if kind == GATHERED { event.unwrap_or(GATHERED) } else { &kind },
                        "body": body,
                    });
                    if let Err(error) = writeln!(to, "{line}") {
                        return Ok(Err(error));
                    }
                    done.events += 1;
                }
            }
            Ok(Ok(()))
        };
        match read() {
            Ok(written) => written?,
            Err(error) => problem = Some(format!("events of job #{}: {error}", row.number)),
        }
        done.missing.extend(problem);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn export_logs(row: &JobRow, archive: &mut dyn Write, done: &mut Exported) -> io::Result<()> {
    let folder = row.dir.join("logs");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let path = folder.join(&name);
        match add(archive, &path, &format!("jobs/{}/logs/{name}", row.id)) {
            Ok(()) => done.logs += 1,
            Err(Problem::Read(error)) => done.missing.push(format!("`{}`: {error}", path.display())),
            Err(Problem::Write(error)) => return Err(error),
        }
    }
    Ok(())
}

enum Problem {
    Read(io::Error),
    Write(io::Error),
}

/// Adds a file in the format that POSIX calls ustar.
fn add(archive: &mut dyn Write, path: &Path, name: &str) -> Result<(), Problem> {
    let open = || -> io::Result<(File, u64)> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    };
    let (file, size) = open().map_err(Problem::Read)?;
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.write_all(&header).map_err(Problem::Write)?;
    // A log that grows meanwhile is cut where it was, and one that shrank is filled up: the archive stays readable.
    let mut left = size;
    let mut file = file.take(size);
    let mut buffer = vec![0_u8; 64 * 1024];
    while left > 0 {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) | Ok(0) => 0,
            Ok(read) => read,
        };
        let filled =
            if read == 0 { buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX)) } else { read };
        buffer[read..filled.max(read)].fill(0);
        archive.write_all(&buffer[..filled]).map_err(Problem::Write)?;
        left -= filled as u64;
    }
    let rest = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    let rest = usize::try_from(rest).unwrap_or_default();
    archive.write_all(&[0; BLOCK][..rest]).map_err(Problem::Write)
}
