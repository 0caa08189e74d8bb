//! The file of exit records: how every attempt of a job ended, written before anyone is told.
//!
//! One record is one append: length `u32` and the first eight bytes of the BLAKE3 hash of the body, little endian and
//! raw, then the body, JSON of an [`Exit`]. A torn or damaged record ends the file: what follows is ignored.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::logic::job::report::Exit;

/// Name of the file in a job's folder.
pub const FILE: &str = "exits";

const HEAD: usize = 12;

/// The file, open for appending.
#[derive(Debug)]
pub struct ExitLog {
    file: File,
}

impl ExitLog {
    /// Opens or makes the file in the job's folder.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(dir.join(FILE))?;
        Ok(Self { file })
    }

    /// Appends one record with one write.
    ///
    /// # Errors
    /// If the record could not be written whole.
    pub fn append(&self, exit: &Exit) -> io::Result<()> {
        let mut record = vec![0; HEAD];
        serde_json::to_writer(&mut record, exit)?;
        let length = u32::try_from(record.len() - HEAD).map_err(|_| io::ErrorKind::InvalidData)?;
        let hash = blake3::hash(&record[HEAD..]);
        record[..4].copy_from_slice(&length.to_le_bytes());
        record[4..HEAD].copy_from_slice(&hash.as_bytes()[..8]);
        (&self.file).write_all(&record)
    }
}

/// Reads all whole records of a job's folder, oldest first. A folder without the file has none.
///
/// # Errors
/// If the file is there but cannot be read.
pub fn read(dir: &Path) -> io::Result<Vec<Exit>> {
    match std::fs::read(dir.join(FILE)) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn parse(mut bytes: &[u8]) -> Vec<Exit> {
    let mut exits = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some((body, after)) = rest.split_at_checked(length) else { break };
        if blake3::hash(body).as_bytes()[..8] != head[4..] {
            break;
        }
        let Ok(exit) = serde_json::from_slice(body) else { break };
        exits.push(exit);
        bytes = after;
    }
    exits
}
