//! A kept result as bytes: what it is known by, its files, its logs, what is replayed. Small files are in it, large ones
//! are named by their digests. A digest at its end tells whether it is whole.

use std::fmt;

use blake3::Hash;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::logic::cache::{Record, Share, Trust};

/// Version of these bytes.
const FORMAT: [u8; 4] = *b"SR01";

/// A file up to this size is kept inside of its entry.
pub(super) const INLINE: u64 = 16 * 1024;

/// So many bytes of files are kept inside of an entry at most.
pub(super) const ALL_INLINE: usize = 64 * 1024;

/// A kept result without the bytes of its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) key: Digest,
    pub(super) name: String,
    /// Patterns of outputs.
    pub(super) patterns: Vec<String>,
    pub(super) files: Vec<Output>,
    pub(super) logs: Vec<Log>,
    /// A `Record`, as in the journal.
    pub(super) record: String,
    /// Bytes of all files before compression.
    pub(super) bytes: u64,
    pub(super) made_by: u64,
    /// In microseconds since 1970.
    pub(super) made: i64,
    pub(super) trust: Trust,
    pub(super) share: Share,
    pub(super) branch: Option<String>,
    /// Of the artifacts that were published: their lists, and the files of the store that these name.
    #[serde(default)]
    pub(super) artifacts: Vec<Body>,
}

/// A file, folder or link of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Output {
    /// Below the root.
    pub(super) path: Bytes,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    File { mode: u32, body: Body },
    Folder,
    Link { target: Bytes },
}

/// The log of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Log {
    pub(super) step: u32,
    /// What is added to the path of the log: nothing, or the ending of its index.
    pub(super) ending: String,
    pub(super) body: Body,
}

/// Where bytes are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) size: u64,
    pub(super) hash: Digest,
    /// Where they begin among those inside of the entry; none if they are a file of their own.
    pub(super) at: Option<u32>,
}

/// An entry that was read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) head: Head,
    inside: Vec<u8>,
}

/// Why bytes are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// They are not what was written.
    Damaged,
    /// Another version wrote them.
    OtherFormat,
}

impl Entry {
    /// Takes bytes apart.
    ///
    /// # Errors
    /// If they are not an entry of this version.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or(Unreadable::Damaged)?;
        if blake3::hash(body) != Hash::from_bytes(*digest) {
            return Err(Unreadable::Damaged);
        }
        let (format, rest) = body.split_first_chunk::<4>().ok_or(Unreadable::Damaged)?;
        if *format != FORMAT {
            return Err(Unreadable::OtherFormat);
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Damaged)?;
        let (head, inside) =
            rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Unreadable::Damaged)?;
        let head = rmp_serde::from_slice(head).map_err(|_| Unreadable::OtherFormat)?;
        Ok(Self { head, inside: inside.to_vec() })
    }

    /// Returns files alone, which no result was made of.
    pub(super) fn bare(files: Vec<Output>, inside: Vec<u8>) -> Self {
        let head = Head {
            key: Digest(Hash::from_bytes([0; 32])),
            name: String::new(),
            patterns: Vec::new(),
            files,
            logs: Vec::new(),
            record: String::new(),
            bytes: 0,
            made_by: 0,
            made: 0,
            trust: Trust::Own,
            share: Share::Project,
            branch: None,
            artifacts: Vec::new(),
        };
        Self { head, inside }
    }

    /// Returns what is replayed of it.
    ///
    /// # Errors
    /// If another version wrote it.
    pub(super) fn record(&self) -> Result<Record, Unreadable> {
        serde_json::from_str(&self.head.record).map_err(|_| Unreadable::OtherFormat)
    }

    /// Returns bytes that are inside of it; none if they are not, or not as they were.
    pub(super) fn inside(&self, body: &Body) -> Option<&[u8]> {
        let from = body.at? as usize;
        let to = from.checked_add(usize::try_from(body.size).ok()?)?;
        // Its digest is part of that of the whole.
        self.inside.get(from..to)
    }

    /// Returns all bodies, those of logs included.
    pub(super) fn bodies(&self) -> impl Iterator<Item = &Body> {
        let files = self.head.files.iter().filter_map(|it| match &it.what {
            What::File { body, .. } => Some(body),
            What::Folder | What::Link { .. } => None,
        });
        files.chain(self.head.logs.iter().map(|it| &it.body)).chain(&self.head.artifacts)
    }
}

/// Puts an entry together.
pub(super) fn write(head: &Head, inside: &[u8]) -> Vec<u8> {
    let head = rmp_serde::to_vec(head).expect("text and numbers can always be written");
    let mut bytes = Vec::with_capacity(head.len() + inside.len() + 40);
    bytes.extend(FORMAT);
    bytes.extend(u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(head);
    bytes.extend(inside);
    let digest = blake3::hash(&bytes);
    bytes.extend(digest.as_bytes());
    bytes
}

/// A digest that is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(pub(super) Hash);

/// Bytes that need not be text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = Bytes::deserialize(from)?;
        let bytes: [u8; 32] = bytes.0.try_into().map_err(|_| D::Error::custom("no digest"))?;
        Ok(Self(Hash::from_bytes(bytes)))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        from.deserialize_bytes(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let hash = Digest(blake3::hash(b"hello"));
        let body = Body { size: 5, hash, at: Some(0) };
        Head {
            key: Digest(blake3::hash(b"key")),
            name: "p: s".to_owned(),
            patterns: vec!["out/**".to_owned()],
            files: vec![Output { path: Bytes(vec![b'a', 0xff]), what: What::File { mode: 0o755, body } }],
            logs: Vec::new(),
            record: serde_json::to_string(&Record::default()).expect("it is plain"),
            bytes: 5,
            made_by: 3,
            made: 1,
            trust: Trust::Own,
            share: Share::Project,
            branch: None,
            artifacts: Vec::new(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let entry = Entry::read(&write(&head(), b"hello")).expect("it is whole");
        assert_eq!(entry.head, head());
        assert_eq!(
            entry.bodies().map(|it| entry.inside(it)).collect::<Vec<_>>(),
            [Some(b"hello".as_slice())]
        );
        assert_eq!(entry.record(), Ok(Record::default()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let whole = write(&head(), b"hello");
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            assert_eq!(Entry::read(&bytes).err(), Some(Unreadable::Damaged), "byte {at}");
            assert_eq!(Entry::read(&whole[..at]).err(), Some(Unreadable::Damaged), "{at} bytes");
        }
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let mut bytes = write(&head(), b"");
        bytes[3] = b'0';
        let end = bytes.len() - 32;
        let digest = blake3::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(digest.as_bytes());
        assert_eq!(Entry::read(&bytes).err(), Some(Unreadable::OtherFormat));
    }
}
