//! Frames on the socket between engine and keeper: a length in four bytes, little endian, then that much MessagePack with
//! named members, which says as much as JSON for a third of the work.
//!
//! Here: writing frames to a buffer and cutting them out of one. Not here: sockets. Both ends use it.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A longer frame is a broken peer, in bytes. Five step files at their cap, escaped, fit.
const LONGEST: usize = 1 << 30;

/// Appends `message` as one frame.
///
/// # Errors
/// If the message cannot be written or is too long; `out` is as before then.
pub(crate) fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut writer = rmp_serde::Serializer::new(&mut *out).with_struct_map();
    let written = message.serialize(&mut writer).map_err(io::Error::other);
    let length = out.len() - start - 4;
    match (written, u32::try_from(length)) {
        (Ok(()), Ok(prefix)) if length <= LONGEST => {
            out[start..start + 4].copy_from_slice(&prefix.to_le_bytes());
            Ok(())
        }
        (written, _) => {
            out.truncate(start);
            written.and(Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long for a frame")))
        }
    }
}

/// Bytes that came in and are not yet a whole frame.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    used: usize,
}

impl Inbox {
    /// Adds bytes that came in.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// If the bytes are no frame of this kind; the connection is of no further use.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let rest = &self.bytes[self.used..];
        let Some((prefix, body)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
        }
        let Some(packed) = body.get(..length) else {
            return Ok(None);
        };
        let message = rmp_serde::from_slice(packed)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.used += 4 + length;
        if self.used == self.bytes.len() {
            self.bytes.clear();
            self.used = 0;
            // A huge frame should not keep its memory for the rest of the job.
            self.bytes.shrink_to(1 << 20);
        }
        Ok(Some(message))
    }
}
