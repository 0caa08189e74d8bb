//! Looking after kept results: what is there, is it whole, what may go.
//!
//! Nothing is made or changed where somebody only looks. What goes is taken out of the database first and its files after
//! that, while nobody uses any: whoever looks for a result finds all of it, or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blake3::Hash;

use super::artifacts::pins::{self, Pin};
use super::db::{self, Db, Unusable};
use super::entry::{Entry, Unreadable};
use super::keep::NameRow;
use super::look::name_id;
use super::memo::Memo;
use super::portraits::id_of;
use super::shelf::Shelf;
use crate::engine::{EngineError, Project};
use crate::logic::cache::key::Portrait;
use crate::logic::cache::{Share, Trust};
use crate::logic::time::Timestamp;

/// A result that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptResult {
    /// In hex.
    pub key: String,
    /// `PLAYBOOK: STAGE[k=v]/STEP`.
    pub name: String,
    /// It is no result, but files of `cache-files`.
    pub is_keyed: bool,
    /// Files, folders and links, and the bytes of the files.
    pub files: u32,
    pub bytes: u64,
    /// Number of the job that made it, and when.
    pub made_by: u64,
    pub made: Timestamp,
    /// When it was last used, to the hour.
    pub used: Timestamp,
    pub trust: Trust,
    pub share: Share,
    pub branch: Option<String>,
    id: i64,
}

/// What is kept at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Bytes of the whole store.
    pub bytes: Option<u64>,
    /// Those that were not used for so long go.
    pub unused: Option<Duration>,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { bytes: Some(10 << 30), unused: Some(Duration::from_secs(7 * 24 * 3600)) }
    }
}

/// What pruning would do, or has done.
#[derive(Clone, Debug, Default)]
pub struct CachePruned {
    /// The longest unused first, each with the limit that lets it go.
    pub gone: Vec<(KeptResult, &'static str)>,
    /// Artifacts whose time is over.
    pub expired: usize,
    /// Results that stay.
    pub kept: usize,
    /// Bytes of the store that came free, and that stay in use.
    pub freed: u64,
    pub in_use: u64,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheVerified {
    /// There is a store of results.
    pub is_there: bool,
    pub results: usize,
    /// Artifacts that jobs keep.
    pub artifacts: usize,
    /// Files of the store.
    pub files: usize,
    pub findings: usize,
}

/// A file that is not whole and younger than this may be of a job that is just writing it.
const YOUNG: Duration = Duration::from_secs(3600);

/// Seconds between two removals of what nobody uses any more.
const BETWEEN_PRUNINGS: i64 = 24 * 3600;

/// Lists of what playbooks take are forgotten when they were not written for so many seconds.
const LISTED: i64 = 30 * 24 * 3600;

/// With more files remembered than this, all are forgotten: most of them are no more.
const MOST_REMEMBERED: i64 = 500_000;

/// Returns the results that are kept, the last used first.
///
/// # Errors
/// If the store cannot be read.
pub fn cached(project: &Project) -> Result<Vec<KeptResult>, EngineError> {
    let Some(db) = look(project)? else { return Ok(Vec::new()) };
    let mut found = rows(Some(&db))?.into_iter().filter_map(|row| row.result()).collect::<Vec<_>>();
    found.sort_by(|a, b| (b.used, &a.name).cmp(&(a.used, &b.name)));
    Ok(found)
}

/// Returns what the newest result of a name was made of, part by part; none if there is no such name.
///
/// # Errors
/// If the store cannot be read.
pub fn made_of(project: &Project, name: &str) -> Result<Option<Portrait>, EngineError> {
    let Some(db) = look(project)? else { return Ok(None) };
    let bytes = db.of_name(name_id(name)).map_err(|error| unusable(&error.into()))?;
    Ok(bytes
        .and_then(|bytes| rmp_serde::from_slice::<NameRow>(&bytes).ok())
        .map(|row| Portrait(row.portrait)))
}

/// Looks at every result and every file, and tells what is wrong; removes that if `repair`.
///
/// # Errors
/// If the store cannot be read, or not be repaired.
pub fn verify_cache(
    project: &Project,
    repair: bool,
    tell: &mut dyn FnMut(String),
) -> Result<CacheVerified, EngineError> {
    let shelf = Shelf::at(&project.state);
    let mut seen = CacheVerified { is_there: shelf.folder.is_dir(), ..CacheVerified::default() };
    if !seen.is_there {
        return Ok(seen);
    }
    let _gate = if repair { Some(gate(&shelf)?) } else { None };
    seen.findings += verify_aside(&shelf, repair, tell)?;
    let mut whose = "no result needs it";
    let readable = match readable(&shelf) {
        Err(Unusable::Damaged) => {
            seen.findings += 1;
            tell("`cache.db`: it is damaged, and no result can be used".to_owned());
            if repair {
                db::remove_files(&shelf.folder)
                    .map_err(|error| EngineError::io("`cache.db` stays", &error))?;
            }
            whose = "no artifact needs it";
            // Those need no database.
            None
        }
        other => other.map_err(|error| unusable(&error))?,
    };
    let opened = if repair { open(project).map(Some)? } else { readable };
    let db = opened;
    let memo = Memo::default();
    let mut damaged = Vec::new();
    let mut wanted: BTreeSet<PathBuf> = BTreeSet::new();
    for row in rows(db.as_ref())? {
        seen.results += 1;
        let wrong = match &row.entry {
            Err(Unreadable::Damaged) => Some("its entry is not as it was written".to_owned()),
            Err(Unreadable::OtherFormat) => Some("another version of sortie has kept it".to_owned()),
            Ok(entry) if !is_complete(db.as_ref(), row.id, entry) => {
                Some("its small files are not as they were written".to_owned())
            }
            Ok(entry) => {
                let bodies = entry.bodies().filter(|body| body.at.is_none());
                let mut wrong = None;
                for body in bodies {
                    wanted.insert(shelf.path_of(&body.hash.0));
                    if !shelf.is_whole(&body.hash.0, body.size, &memo) {
                        wrong =
                            Some(format!("its file `{}` is missing or damaged", below(&shelf, &body.hash.0)));
                    }
                }
                wrong
            }
        };
        if let Some(wrong) = wrong {
            seen.findings += 1;
            tell(format!("{}: {wrong}", row.name()));
            damaged.push(row.id);
        }
    }
    for pin in pins::pins(&project.state) {
        seen.artifacts += 1;
        wanted.extend(pins::needed(&shelf, [&pin]));
        if let Some(wrong) = pin.problem(&shelf, &memo) {
            seen.findings += 1;
            tell(wrong);
        }
    }
    for (path, _) in blobs(&shelf) {
        seen.files += 1;
        let name = path.strip_prefix(&shelf.folder).unwrap_or(&path).display().to_string();
        let is_whole = hash_of(&path).is_some_and(|hash| shelf.path_of(&hash) == path);
        if !is_whole && !wanted.contains(&path) {
            seen.findings += 1;
            tell(format!("`{name}`: it is damaged, and {whose}"));
        }
        if !is_whole && repair {
            fs::remove_file(&path).map_err(|error| EngineError::io(format!("`{name}` stays"), &error))?;
        }
    }
    if let Some(db) = db.filter(|_| repair) {
        let removed = db.together(|db| damaged.iter().try_for_each(|id| db.remove(*id)));
        removed.map_err(|error| unusable(&error.into()))?;
    }
    Ok(seen)
}

/// Tells of a database that was put aside because it was damaged, and removes it if `repair`.
fn verify_aside(shelf: &Shelf, repair: bool, tell: &mut dyn FnMut(String)) -> Result<usize, EngineError> {
    let aside = db::aside_in(&shelf.folder);
    let Ok(meta) = fs::metadata(&aside) else { return Ok(0) };
    let name = aside.file_name().unwrap_or_default().to_string_lossy();
    tell(format!(
        "`{name}`: a database that was damaged, {} bytes; a job has put it aside and begun a new one",
        meta.len()
    ));
    if repair {
        fs::remove_file(&aside).map_err(|error| EngineError::io(format!("`{name}` stays"), &error))?;
    }
    Ok(1)
}

/// Opens the database and reads all of it once; none if there is none.
fn readable(shelf: &Shelf) -> Result<Option<Db>, Unusable> {
    let Some(db) = Db::look(&shelf.folder)? else { return Ok(None) };
    // All of them are read, which is what matters.
    db.each_entry(&mut |_, _, _| {})?;
    db.read_insides()?;
    db.names()?;
    db.memo()?;
    Ok(Some(db))
}

/// Removes results that no limit keeps, the longest unused first, and what no result needs; only tells it if `is_dry`.
///
/// # Errors
/// If the store cannot be read or written.
pub fn prune_cache(
    project: &Project,
    limits: CacheLimits,
    now: Timestamp,
    is_dry: bool,
) -> Result<CachePruned, EngineError> {
    let shelf = Shelf::at(&project.state);
    if is_dry {
        let db = look(project)?;
        return Ok(Doomed::find(db.as_ref(), &shelf, limits, now)?.pruned);
    }
    if !shelf.folder.is_dir() {
        return Ok(CachePruned::default());
    }
    let db = open(project)?;
    let _gate = gate(&shelf)?;
    prune_alone(&db, &shelf, limits, now)
}

/// The same for whoever has the store alone.
pub(super) fn prune_alone(
    db: &Db,
    shelf: &Shelf,
    limits: CacheLimits,
    now: Timestamp,
) -> Result<CachePruned, EngineError> {
    let doomed = Doomed::find(Some(db), shelf, limits, now)?;
    for pin in &doomed.pins {
        pin.remove().map_err(|error| EngineError::io("an artifact whose time is over stays", &error))?;
        super::point();
    }
    let removed = db.together(|db| {
        doomed.ids.iter().try_for_each(|id| db.remove(*id))?;
        db.forget_names(&doomed.names)?;
        db.forget_memo(MOST_REMEMBERED)?;
        db.forget_lists(now.0.div_euclid(1_000_000) - LISTED)?;
        db.pruned(now.0.div_euclid(1_000_000))
    });
    removed.map_err(|error| unusable(&error.into()))?;
    super::point();
    for path in &doomed.files {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(EngineError::io(format!("`{}` stays", path.display()), &error));
            }
            _ => {}
        }
        super::point();
    }
    Ok(doomed.pruned)
}

/// The same if it was not done for a day, and nobody uses the store at this moment. What cannot be removed now is removed
/// another day.
pub(super) fn prune_if_due(db: &Db, shelf: &Shelf, now: Timestamp) {
    let is_due = |last: i64| now.0.div_euclid(1_000_000) - last > BETWEEN_PRUNINGS;
    if db.last_pruned().is_ok_and(is_due)
        && let Some(_gate) = shelf.gate_if_free()
    {
        let _outcome = prune_alone(db, shelf, CacheLimits::default(), now);
    }
}

/// The same for whoever has not opened the store.
pub(super) fn prune_daily(state: &Path, now: Timestamp) {
    let shelf = Shelf::at(state);
    if let Ok(db) = Db::open(&shelf.folder) {
        prune_if_due(&db, &shelf, now);
    }
}

/// Removes all results, whatever state they are in, and nothing that an artifact needs. Returns how many bytes came free.
///
/// # Errors
/// If a file stays.
pub fn clear_cache(project: &Project) -> Result<u64, EngineError> {
    let shelf = Shelf::at(&project.state);
    if !shelf.folder.is_dir() {
        return Ok(0);
    }
    let _gate = gate(&shelf)?;
    let cannot = |error: &std::io::Error| {
        EngineError::io(format!("the results in `{}` stay", shelf.folder.display()), error)
    };
    let size = |folder: &Path| -> u64 {
        let files = walkdir::WalkDir::new(folder).into_iter().flatten();
        files.filter_map(|it| it.metadata().ok().filter(fs::Metadata::is_file)).map(|it| it.len()).sum()
    };
    let before = size(&shelf.folder);
    // A job that is at work keeps what it makes in the same database afterwards.
    let is_empty =
        db::path_in(&shelf.folder).exists() && Db::open(&shelf.folder).is_ok_and(|db| db.clear().is_ok());
    if !is_empty {
        db::remove_files(&shelf.folder).map_err(|error| cannot(&error))?;
    }
    let pinned = pins::needed(&shelf, &pins::pins(&project.state));
    let missing_is_well = |removed: std::io::Result<()>| match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot(&error)),
        _ => Ok(()),
    };
    missing_is_well(fs::remove_file(db::aside_in(&shelf.folder)))?;
    for (path, _) in blobs(&shelf).filter(|(path, _)| !pinned.contains(path)) {
        missing_is_well(fs::remove_file(path))?;
    }
    for folder in shelf.unfinished_folders() {
        missing_is_well(fs::remove_dir_all(folder))?;
    }
    missing_is_well(fs::remove_dir_all(crate::engine::readings::folder(&shelf.folder)))?;
    let freed = before.saturating_sub(size(&shelf.folder));
    // A job that is at work goes on writing there.
    Shelf::open(&project.state).map_err(|error| cannot(&error))?;
    Ok(freed)
}

/// A row of the database.
struct Row {
    id: i64,
    bytes: u64,
    used: i64,
    entry: Result<Entry, Unreadable>,
}

impl Row {
    fn name(&self) -> String {
        match &self.entry {
            Ok(entry) => entry.head.name.clone(),
            Err(_) => format!("result {:016x}", self.id),
        }
    }

    fn result(&self) -> Option<KeptResult> {
        let head = &self.entry.as_ref().ok()?.head;
        let about = super::keyed::about(&head.record);
        let files = about.as_ref().map_or(u32::try_from(head.files.len()).unwrap_or(u32::MAX), |it| it.files);
        Some(KeptResult {
            key: head.key.0.to_hex().to_string(),
            name: head.name.clone(),
            is_keyed: about.is_some(),
            files,
            bytes: head.bytes,
            made_by: head.made_by,
            made: Timestamp(head.made),
            used: Timestamp(self.used.saturating_mul(1_000_000)),
            trust: head.trust,
            share: head.share,
            branch: head.branch.clone(),
            id: self.id,
        })
    }
}

/// What goes.
struct Doomed {
    ids: Vec<i64>,
    names: Vec<i64>,
    files: Vec<PathBuf>,
    /// Of artifacts whose time is over.
    pins: Vec<Pin>,
    pruned: CachePruned,
}

impl Doomed {
    fn find(
        db: Option<&Db>,
        shelf: &Shelf,
        limits: CacheLimits,
        now: Timestamp,
    ) -> Result<Self, EngineError> {
        let mut rows = rows(db)?;
        rows.sort_by_key(|row| row.used);
        let sizes: BTreeMap<PathBuf, u64> = blobs(shelf).collect();
        let mut needed: HashMap<PathBuf, u32> = HashMap::new();
        for path in rows.iter().flat_map(|row| row.files(shelf)) {
            *needed.entry(path).or_default() += 1;
        }
        let state = shelf.folder.parent().unwrap_or(&shelf.folder);
        let (pins, pinned): (Vec<Pin>, Vec<Pin>) =
            pins::pins(state).into_iter().partition(|it| it.is_over(now));
        for path in pins::needed(shelf, &pinned) {
            *needed.entry(path).or_default() += 1;
        }
        let size = |path: &PathBuf| sizes.get(path).copied().unwrap_or(0);
        let all: u64 = rows.iter().map(|row| row.bytes).sum::<u64>() + sizes.values().sum::<u64>();
        let mut left =
            all - sizes.iter().filter(|(path, _)| !needed.contains_key(*path)).map(|it| it.1).sum::<u64>();
        let pruned = CachePruned { expired: pins.len(), ..CachePruned::default() };
        let mut it = Self { ids: Vec::new(), names: Vec::new(), files: Vec::new(), pins, pruned };
        let mut names: BTreeSet<i64> = BTreeSet::new();
        for row in &rows {
            let age = now.since(Timestamp(row.used.saturating_mul(1_000_000)));
            let why = if row.entry.is_err() {
                "not readable"
            } else if limits.unused.is_some_and(|most| age > most) {
                "not used any more"
            } else if limits.bytes.is_some_and(|most| left > most) {
                "more than is kept"
            } else {
                it.pruned.kept += 1;
                names.insert(name_id(&row.name()));
                names.extend(row.entry.iter().map(|entry| id_of(&entry.head.key)));
                continue;
            };
            left -= row.bytes;
            for path in row.files(shelf) {
                if let Some(count) = needed.get_mut(&path) {
                    *count -= 1;
                    if *count == 0 {
                        left -= size(&path);
                        needed.remove(&path);
                    }
                }
            }
            it.ids.push(row.id);
            it.pruned.gone.extend(row.result().map(|result| (result, why)));
        }
        let known = db.map_or_else(|| Ok(Vec::new()), Db::names);
        it.names = known
            .map_err(|error| unusable(&error.into()))?
            .into_iter()
            .filter(|id| !names.contains(id))
            .collect();
        it.files = sizes.keys().filter(|path| !needed.contains_key(*path)).cloned().collect();
        it.files.extend(old_unfinished(shelf));
        it.files.extend(Some(db::aside_in(&shelf.folder)).filter(|path| path.exists()));
        (it.pruned.freed, it.pruned.in_use) = (all - left, left);
        Ok(it)
    }
}

impl Row {
    /// Files of the store that it needs, each once.
    fn files(&self, shelf: &Shelf) -> BTreeSet<PathBuf> {
        let bodies = self.entry.iter().flat_map(|entry| entry.bodies());
        bodies.filter(|body| body.at.is_none()).map(|body| shelf.path_of(&body.hash.0)).collect()
    }
}

fn rows(db: Option<&Db>) -> Result<Vec<Row>, EngineError> {
    let mut found = Vec::new();
    let Some(db) = db else { return Ok(found) };
    db.each_entry(&mut |id, used, body| {
        let entry = Entry::read(body);
        let inside = entry.as_ref().map_or(0, Entry::size);
        found.push(Row { id, bytes: body.len() as u64 + inside, used, entry });
    })
    .map_err(|error| unusable(&error.into()))?;
    Ok(found)
}

/// Says whether the small files of an entry are there, and are those.
fn is_complete(db: Option<&Db>, id: i64, entry: &Entry) -> bool {
    let inside = || db?.whole(id).ok()??.inside;
    entry.is_complete() || inside().is_some_and(|inside| entry.complete(inside).is_ok())
}

/// Returns the files of the store and their sizes.
fn blobs(shelf: &Shelf) -> impl Iterator<Item = (PathBuf, u64)> + use<> {
    let files = walkdir::WalkDir::new(shelf.folder.join("blobs")).into_iter().flatten();
    files.filter(|it| it.file_type().is_file()).map(|it| {
        let size = it.metadata().map_or(0, |it| it.len());
        (it.into_path(), size)
    })
}

/// Returns what jobs have left that died while they wrote.
fn old_unfinished(shelf: &Shelf) -> Vec<PathBuf> {
    let is_old = |it: &fs::DirEntry| {
        let age = it.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
        age.is_some_and(|age| age > YOUNG)
    };
    shelf.unfinished().filter(is_old).map(|it| it.path()).collect()
}

fn hash_of(path: &Path) -> Option<Hash> {
    super::memo::Reading::begin(rustix::fs::CWD, path).ok()?.hash().ok()
}

fn below(shelf: &Shelf, hash: &Hash) -> String {
    let path = shelf.path_of(hash);
    path.strip_prefix(&shelf.folder).unwrap_or(&path).display().to_string()
}

pub(super) fn look(project: &Project) -> Result<Option<Db>, EngineError> {
    Db::look(&project.state.join("cache")).map_err(|error| unusable(&error))
}

fn open(project: &Project) -> Result<Db, EngineError> {
    let shelf = Shelf::open(&project.state);
    let shelf = shelf.map_err(|error| EngineError::io("the store of results cannot be used", &error))?;
    Db::open(&shelf.folder).map_err(|error| unusable(&error))
}

fn gate(shelf: &Shelf) -> Result<super::shelf::Gate, EngineError> {
    shelf.gate(true).map_err(|error| EngineError::io("the store of results cannot be locked", &error))
}

pub(super) fn unusable(error: &Unusable) -> EngineError {
    let message = match error {
        Unusable::Damaged => "the store of results is damaged".to_owned(),
        Unusable::Newer(version) => {
            format!("the store of results was made by a newer sortie (format {version})")
        }
        Unusable::Failed(why) => format!("the store of results cannot be used: {why}"),
    };
    EngineError::surroundings(message).help("`sortie cache clear` removes all results; they are made again")
}
