//! One attempt's log: commands are taken out, secrets masked, bytes appended, marks set, growth told.
//!
//! Not here: reading the pipes. A log file is made at the first byte, its index at the second mark.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::shared::Shared;
use crate::logic::job::report::{Annotation, AttemptKey, Report};
use crate::logic::log_command::{Command, Halt, Piece, Scanner};
use crate::logic::log_index::{HEADER, Mark, Sparse, Stream};
use crate::logic::secret::{MaskStream, Masker};
use crate::port::words;

/// The first growth of a log is told after this time, so that a short step's comes together with its end.
const FIRST_TELL: Duration = Duration::from_millis(10);

/// Growth is told no more often than this.
const TELL: Duration = Duration::from_millis(25);

/// So many annotations of an attempt are reported; further ones stay in the log only.
const MOST_ANNOTATIONS: usize = 1000;

/// What an older command set.
type NameAndValue = (String, String);

/// The log of one attempt.
pub(crate) struct Log {
    shared: Arc<Shared>,
    key: AttemptKey,
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    /// Bytes that came from the pipes.
    taken: u64,
    /// A buffer that is reused for masked bytes.
    scratch: Vec<u8>,
    problem: Option<String>,
    index: Index,
    streams: [Side; 2],
    halt: Halt,
    masker: Arc<Masker>,
    masks_seen: u64,
    /// Set once the main process has ended: what comes now is late.
    late: bool,
    told: Option<Instant>,
    tell_at: Option<Instant>,
    annotations: usize,
    reports: Vec<Report>,
    /// What older commands would have written to the output and state files.
    outputs: Vec<NameAndValue>,
    states: Vec<NameAndValue>,
}

#[derive(Default)]
struct Side {
    scanner: Scanner,
    mask: MaskStream,
}

#[derive(Default)]
struct Index {
    sparse: Sparse,
    /// The first mark, as long as it is the only one.
    first: Option<Mark>,
    file: Option<File>,
    waiting: Vec<u8>,
    broken: bool,
}

impl Log {
    /// A log that does not exist yet. `name` is a path below the job's folder.
    pub(crate) fn new(shared: Arc<Shared>, key: AttemptKey, name: &str) -> Self {
        let path = shared.dir.join(name);
        let mut log = Self {
            shared,
            key,
            path,
            file: None,
            bytes: 0,
            taken: 0,
            scratch: Vec::new(),
            problem: None,
            index: Index::default(),
            streams: [Side::default(), Side::default()],
            halt: Halt::default(),
            masker: Arc::default(),
            masks_seen: 0,
            late: false,
            told: None,
            tell_at: None,
            annotations: 0,
            reports: Vec::new(),
            outputs: Vec::new(),
            states: Vec::new(),
        };
        log.shared.masks.refresh(&mut log.masks_seen, &mut log.masker);
        log
    }

    /// Bytes in the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that came from the pipes so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Why bytes are missing from the file.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }

    /// The main process has ended; what comes from now on is late.
    pub(crate) fn set_late(&mut self) {
        self.late = true;
    }

    /// What older commands set as outputs.
    pub(crate) fn outputs(&self) -> &[NameAndValue] {
        &self.outputs
    }

    /// What older commands set as state.
    pub(crate) fn states(&self) -> &[NameAndValue] {
        &self.states
    }

    /// Takes the next bytes of a stream.
    pub(crate) fn push(&mut self, stream: Stream, chunk: &[u8]) {
        self.taken += chunk.len() as u64;
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        let whole = self.take(stream, &mut out, |scanner, halt, sink| scanner.push(chunk, halt, sink), chunk);
        self.append(stream, if whole { chunk } else { &out });
        self.scratch = out;
    }

    /// The stream has ended: what was held back comes now.
    pub(crate) fn end(&mut self, stream: Stream) {
        let mut out = Vec::new();
        self.take(stream, &mut out, |scanner, halt, sink| scanner.finish(halt, sink), &[]);
        let side = &mut self.streams[stream as usize];
        self.masker.finish(&mut side.mask, &mut out);
        self.append(stream, &out);
    }

    /// Runs the scanner and the masker; says that the chunk may be written as it is, without a copy.
    fn take(
        &mut self,
        stream: Stream,
        out: &mut Vec<u8>,
        scan: impl FnOnce(&mut Scanner, &mut Halt, &mut dyn FnMut(Piece<'_>)),
        chunk: &[u8],
    ) -> bool {
        let Self {
            shared,
            key,
            streams,
            halt,
            masker,
            masks_seen,
            annotations,
            reports,
            outputs,
            states,
            ..
        } = self;
        shared.masks.refresh(masks_seen, masker);
        let side = &mut streams[stream as usize];
        let mut whole = false;
        let mut sink = |piece: Piece<'_>| match piece {
            Piece::Bytes(bytes) => {
                // A line break or the rewritten line of a mask need no patterns; many masks in a row build them once.
                if bytes.len() > 2 && bytes != b"::add-mask::***" {
                    shared.masks.refresh(masks_seen, masker);
                }
                if !masker.is_empty() || !side.mask.is_empty() {
                    masker.push(&mut side.mask, bytes, out);
                } else if bytes.len() == chunk.len() && std::ptr::eq(bytes.as_ptr(), chunk.as_ptr()) {
                    whole = true;
                } else {
                    out.extend_from_slice(bytes);
                }
            }
            Piece::Command(Command::AddMask(value)) => shared.masks.add([value]),
            Piece::Command(Command::SetOutput { name, value }) => outputs.push((name, value)),
            Piece::Command(Command::SaveState { name, value }) => states.push((name, value)),
            Piece::Command(command) => {
                *annotations += 1;
                if *annotations <= MOST_ANNOTATIONS {
                    shared.masks.refresh(masks_seen, masker);
                    let annotation = annotate(command, masker);
                    let nth = u32::try_from(*annotations).unwrap_or(u32::MAX);
                    reports.push(Report::Annotated { key: *key, annotation, nth });
                }
            }
        };
        scan(&mut side.scanner, halt, &mut sink);
        if !reports.is_empty() {
            shared.link.report_all(reports.drain(..));
        }
        whole
    }

    fn append(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() || self.problem.is_some() {
            return;
        }
        if let Err(error) = self.write(stream, bytes) {
            // The child is read on, so that it does not hang; the engine fails the step for the missing bytes.
            self.problem =
                Some(format!("the log `{}` could not be written: {}", self.path.display(), words(&error)));
        }
        if self.tell_at.is_none() {
            let now = Instant::now();
            self.tell_at = Some(self.told.map_or(now + FIRST_TELL, |told| (told + TELL).max(now)));
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        if let Some(mark) = self.index.sparse.note(self.bytes, time_us, stream, self.late) {
            self.index.add(&mark, &self.path);
        }
        if self.file.is_none() {
            self.file = Some(create(&self.path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut rest = bytes;
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.bytes += count as u64;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// When growth is to be told, if it is.
    pub(crate) fn tell_at(&self) -> Option<Instant> {
        self.tell_at
    }

    /// Tells of growth if it is time.
    pub(crate) fn tell_if_due(&mut self) {
        if self.tell_at.is_some_and(|at| at <= Instant::now()) {
            self.tell(true);
        }
    }

    /// Tells of growth; `now` false means that a report follows at once, which takes it along.
    pub(crate) fn tell(&mut self, now: bool) {
        if self.tell_at.take().is_some() {
            self.told = Some(Instant::now());
            self.index.flush();
            self.shared.link.grew(self.key, self.bytes, now);
        }
    }

    /// Nothing comes any more, or not before the attempt's exit: the index is made complete.
    pub(crate) fn settle(&mut self) {
        // Without an index everything counts as output, so errors alone need one.
        if self.index.first.is_some_and(|mark| mark.stream == Stream::Err) {
            self.index.make(&self.path);
        }
        self.index.flush();
    }
}

impl Index {
    fn add(&mut self, mark: &Mark, log: &Path) {
        if self.file.is_none() && self.first.is_none() && mark.offset == 0 {
            self.first = Some(*mark);
            return;
        }
        self.make(log);
        self.waiting.extend_from_slice(&mark.encode());
        if self.waiting.len() > 4096 {
            self.flush();
        }
    }

    fn make(&mut self, log: &Path) {
        let Some(first) = self.first.take() else { return };
        let mut path = log.as_os_str().to_owned();
        path.push(".idx");
        match create(Path::new(&path)) {
            Ok(file) => {
                self.file = Some(file);
                self.waiting.extend_from_slice(HEADER);
                self.waiting.extend_from_slice(&first.encode());
            }
            Err(_) => self.broken = true,
        }
    }

    fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        // An index may be lost, the log not: whoever reads it does without.
        if let Some(file) = &mut self.file
            && !self.broken
            && file.write_all(&self.waiting).is_err()
        {
            self.broken = true;
        }
        self.waiting.clear();
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                // Only this one: a job's folder that somebody removed is not to come back.
                match fs::create_dir(parent) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            options.open(path)
        }
        result => result,
    }
}

fn annotate(command: Command, masker: &Masker) -> Annotation {
    match command {
        Command::Annotate(mut annotation) => {
            annotation.message = masker.mask_text(&annotation.message);
            annotation.title = annotation.title.map(|title| masker.mask_text(&title));
            annotation.file = annotation.file.map(|file| masker.mask_text(&file));
            annotation
        }
        Command::Refused(name) => plain_warning(format!(
            "the command `::{name}::` is refused, as any printed text could use it; write to the step's file instead"
        )),
        other => plain_warning(format!("the command {other:?} is not known here")),
    }
}

fn plain_warning(message: String) -> Annotation {
    let level = "warning".to_owned();
    Annotation { level, message, title: None, file: None, line: None, column: None, end_line: None }
}
