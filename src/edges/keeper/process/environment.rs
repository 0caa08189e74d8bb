//! The environment of children: the keeper's own as the base, and the differences of each attempt.
//!
//! The base is turned into C strings once, so that an attempt costs its differences only.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// The environment all attempts of a job or slot start from.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    entries: Vec<CString>,
    places: HashMap<Vec<u8>, usize>,
    /// Entries from this place on hold whatever an attempt says.
    fixed: usize,
    has_functions: bool,
}

/// Up to so many differences are compared with each other; more of them are looked up.
const FEW: usize = 24;

/// The environment of one attempt.
#[derive(Debug)]
pub(crate) struct Changed<'a> {
    base: &'a Environment,
    /// Entries of the base that hold no more.
    hidden: Vec<usize>,
    added: Vec<CString>,
}

impl Environment {
    /// Takes these variables as the base; names that a C string cannot hold are left out.
    #[must_use]
    pub(crate) fn new(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut base = Self::default();
        for (name, value) in variables {
            if let Some(entry) = entry(name.as_bytes(), value.as_bytes()) {
                base.add(entry);
            }
        }
        base.fixed = base.entries.len();
        base
    }

    /// These variables with others that no attempt can change.
    pub(crate) fn fix<'a>(&self, variables: impl Iterator<Item = &'a CString> + Clone) -> Self {
        let mut base = Self::default();
        let is_given = |name: &[u8]| variables.clone().any(|it| name_of(it) == name);
        for entry in self.entries.iter().filter(|entry| !is_given(name_of(entry))) {
            base.add(entry.clone());
        }
        base.fixed = base.entries.len();
        for entry in variables {
            base.add(entry.clone());
        }
        base
    }

    fn add(&mut self, entry: CString) {
        self.has_functions |= is_function(&entry);
        self.places.insert(name_of(&entry).to_vec(), self.entries.len());
        self.entries.push(entry);
    }

    /// The base with differences, in order: a value sets, `None` removes.
    ///
    /// # Errors
    /// The name of the first variable that no environment can hold.
    pub(crate) fn change<'a>(
        &'a self,
        differences: &[(String, Option<String>)],
    ) -> Result<Changed<'a>, String> {
        let mut latest: HashMap<&str, usize> = HashMap::new();
        if differences.len() > FEW {
            latest.extend(differences.iter().enumerate().map(|(index, (name, _))| (name.as_str(), index)));
        }
        let is_latest = |index: usize, name: &String| match latest.get(name.as_str()) {
            Some(latest) => *latest == index,
            None => !differences[index + 1..].iter().any(|(later, _)| later == name),
        };
        let mut changed =
            Changed { base: self, hidden: Vec::new(), added: Vec::with_capacity(differences.len() + 2) };
        for (index, (name, value)) in differences.iter().enumerate() {
            if !is_latest(index, name) {
                continue;
            }
            let place = self.places.get(name.as_bytes());
            if place.is_some_and(|place| *place >= self.fixed) {
                continue;
            }
            changed.hidden.extend(place);
            if let Some(value) = value {
                let entry = entry(name.as_bytes(), value.as_bytes()).ok_or_else(|| name.clone())?;
                changed.added.push(entry);
            }
        }
        changed.hidden.sort_unstable();
        Ok(changed)
    }

    /// Only what no attempt can change, and what an attempt says.
    ///
    /// # Errors
    /// As of [`Self::change`].
    pub(crate) fn close<'a>(&'a self, all: &[(String, Option<String>)]) -> Result<Changed<'a>, String> {
        let mut changed = self.change(all)?;
        changed.hidden = (0..self.fixed).collect();
        Ok(changed)
    }
}

impl Changed<'_> {
    /// Sets a variable, over all that was said before.
    pub(crate) fn set(&mut self, entry: CString) {
        let name = name_of(&entry);
        self.added.retain(|other| value_of(other, name).is_none());
        if let Some(place) = self.base.places.get(name)
            && let Err(at) = self.hidden.binary_search(place)
        {
            self.hidden.insert(at, *place);
        }
        self.added.push(entry);
    }

    /// The value of a variable.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let name = name.as_bytes();
        let added = self.added.iter().find_map(|entry| value_of(entry, name));
        added.or_else(|| {
            let place = self.base.places.get(name)?;
            let is_hidden = self.hidden.binary_search(place).is_ok();
            if is_hidden { None } else { value_of(&self.base.entries[*place], name) }
        })
    }

    /// Says whether bash has put functions of its own in: what they are called is not what a program of that name is.
    pub(crate) fn has_functions(&self) -> bool {
        self.base.has_functions || self.added.iter().any(|entry| is_function(entry))
    }

    /// All entries, as `NAME=value`.
    #[must_use]
    pub(crate) fn entries(&self) -> Vec<&CStr> {
        let mut hidden = self.hidden.iter().peekable();
        let mut entries = Vec::with_capacity(self.base.entries.len() + self.added.len());
        for (place, entry) in self.base.entries.iter().enumerate() {
            if hidden.next_if(|next| **next == place).is_none() {
                entries.push(entry.as_c_str());
            }
        }
        entries.extend(self.added.iter().map(CString::as_c_str));
        entries
    }
}

fn name_of(entry: &CStr) -> &[u8] {
    let bytes = entry.to_bytes();
    &bytes[..memchr::memchr(b'=', bytes).unwrap_or(bytes.len())]
}

/// The value of an entry that has this name.
fn value_of<'a>(entry: &'a CStr, name: &[u8]) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

fn is_function(entry: &CStr) -> bool {
    entry.to_bytes().starts_with(b"BASH_FUNC_")
}

/// What shells set `PWD` to for their children. Found out once for as long as nothing changes.
#[derive(Debug, Default)]
pub(crate) struct Here {
    folder: Arc<str>,
    given: Option<Vec<u8>>,
    entry: Option<CString>,
}

impl Here {
    /// The entry for a child in that folder: what is `given` if that names the folder, as POSIX has it for `sh`, and its
    /// path without links otherwise.
    pub(crate) fn entry(&mut self, folder: &Arc<str>, given: Option<&[u8]>) -> Option<CString> {
        if self.folder != *folder || self.given.as_deref() != given || self.entry.is_none() {
            let place = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
            let there = Path::new(&**folder);
            let named = given.map(|given| Path::new(OsStr::from_bytes(given)));
            let here = place(there);
            let is_right = here.is_some() && named.is_some_and(|it| it.is_absolute() && place(it) == here);
            let path = if is_right { named.map(Path::to_path_buf) } else { fs::canonicalize(there).ok() };
            self.entry = path.and_then(|path| entry(b"PWD", path.as_os_str().as_bytes()));
            self.folder = Arc::clone(folder);
            self.given = given.map(<[u8]>::to_vec);
        }
        self.entry.clone()
    }
}

/// `NAME=value`, unless the name is empty or holds `=`, or either holds a zero byte.
pub(crate) fn entry(name: &[u8], value: &[u8]) -> Option<CString> {
    if name.is_empty() || name.contains(&b'=') {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len() + value.len() + 2);
    bytes.extend_from_slice(name);
    bytes.push(b'=');
    bytes.extend_from_slice(value);
    CString::new(bytes).ok()
}
