//! A kept result as bytes: what it is known by, its files, its logs, what is replayed. Small files are kept beside it, large
//! ones are named by their digests. A digest at its end tells whether it is whole.
//!
//! The small files are bytes of their own: most hits find all outputs in place, and need none of them.

use std::fmt;
use std::sync::OnceLock;

use blake3::Hash;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::logic::cache::{Record, Share, Trust};

/// Version of these bytes.
const FORMAT: [u8; 4] = *b"SR02";

/// A file up to this size is kept with its entry.
pub(super) const INLINE: u64 = 16 * 1024;

/// So many bytes of files are kept with an entry at most.
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
    /// Where they begin among those that are kept with the entry; none if they are a file of their own.
    pub(super) at: Option<u32>,
}

/// An entry that was read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) head: Head,
    /// Of all its bytes.
    digest: Hash,
    /// How many bytes of files are kept with it, and their digest.
    size: u64,
    hash: Hash,
    /// Those bytes, once they were read.
    inside: OnceLock<Vec<u8>>,
}

/// A kept result as the store has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) entry: Vec<u8>,
    /// Bytes of small files; none if they were not asked for.
    pub(super) inside: Option<Vec<u8>>,
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
        let (size, rest) = rest.split_first_chunk::<8>().ok_or(Unreadable::Damaged)?;
        let (hash, head) = rest.split_first_chunk::<32>().ok_or(Unreadable::Damaged)?;
        let head = rmp_serde::from_slice(head).map_err(|_| Unreadable::OtherFormat)?;
        let (size, hash) = (u64::from_le_bytes(*size), Hash::from_bytes(*hash));
        let inside = if size == 0 { OnceLock::from(Vec::new()) } else { OnceLock::new() };
        Ok(Self { head, digest: Hash::from_bytes(*digest), size, hash, inside })
    }

    /// Says whether bytes are those of this very entry.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        bytes.last_chunk::<32>().is_some_and(|digest| self.digest == Hash::from_bytes(*digest))
    }

    /// Says whether the bytes of its small files were read.
    pub(super) fn is_complete(&self) -> bool {
        self.inside.get().is_some()
    }

    /// How many bytes of small files are kept with it.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the bytes of its small files.
    ///
    /// # Errors
    /// If they are not those that were written with it.
    pub(super) fn complete(&self, inside: Vec<u8>) -> Result<(), Unreadable> {
        if inside.len() as u64 != self.size || blake3::hash(&inside) != self.hash {
            return Err(Unreadable::Damaged);
        }
        // They are the same if somebody was quicker.
        let _set = self.inside.set(inside);
        Ok(())
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
        let (size, hash) = (inside.len() as u64, blake3::hash(&inside));
        Self { head, digest: Hash::from_bytes([0; 32]), size, hash, inside: OnceLock::from(inside) }
    }

    /// Returns what is replayed of it.
    ///
    /// # Errors
    /// If another version wrote it.
    pub(super) fn record(&self) -> Result<Record, Unreadable> {
        serde_json::from_str(&self.head.record).map_err(|_| Unreadable::OtherFormat)
    }

    /// Returns bytes that are kept with it; none if they are not, or were not read.
    pub(super) fn inside(&self, body: &Body) -> Option<&[u8]> {
        let from = body.at? as usize;
        if body.size == 0 {
            return Some(&[]);
        }
        let to = from.checked_add(usize::try_from(body.size).ok()?)?;
        // Their digest is part of that of the whole.
        self.inside.get()?.get(from..to)
    }

    /// Says whether bytes are among those that are kept with it.
    pub(super) fn has_inside(&self, body: &Body) -> bool {
        body.at.is_some_and(|at| u64::from(at).checked_add(body.size).is_some_and(|end| end <= self.size))
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

/// Puts an entry together; `inside` are the bytes of its small files, which are kept beside it.
pub(super) fn write(head: &Head, inside: &[u8]) -> Vec<u8> {
    let head = rmp_serde::to_vec(head).expect("text and numbers can always be written");
    let mut bytes = Vec::with_capacity(head.len() + 76);
    bytes.extend(FORMAT);
    bytes.extend((inside.len() as u64).to_le_bytes());
    bytes.extend(blake3::hash(inside).as_bytes());
    bytes.extend(head);
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
        let bytes = write(&head(), b"hello");
        let entry = Entry::read(&bytes).expect("it is whole");
        assert_eq!((&entry.head, entry.size(), entry.is_of(&bytes)), (&head(), 5, true));
        assert!(!entry.is_of(&write(&head(), b"other")));
        assert!(entry.bodies().all(|it| entry.has_inside(it) && entry.inside(it).is_none()));
        for wrong in [b"hellO".as_slice(), b"hello!", b""] {
            assert_eq!(entry.complete(wrong.to_vec()), Err(Unreadable::Damaged));
            assert!(!entry.is_complete());
        }
        assert_eq!(entry.complete(b"hello".to_vec()), Ok(()));
        assert!(entry.is_complete());
        assert!(Entry::read(&write(&head(), b"")).expect("it is whole").is_complete());
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
