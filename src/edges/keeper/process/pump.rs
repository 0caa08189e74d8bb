//! Reading an attempt's two pipes into its log, while it lives and after.
//!
//! One poll and one read per piece of output, whatever its number of lines; buffers are reused and grow once.

use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread, read};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::log::Log;
use crate::logic::log_index::Stream;

/// The buffer of a step that prints little, in bytes.
const SMALL: usize = 16 * 1024;

/// The buffer once a step has filled the small one.
const LARGE: usize = 256 * 1024;

/// The size asked for a pipe that fills the small buffer. The system may refuse: there is a limit for each user.
const WIDE_PIPE: usize = 1024 * 1024;

/// The reading ends of an attempt's pipes.
pub(crate) struct Taps {
    ends: [Option<OwnedFd>; 2],
    /// The writing ends, held open while the main process lives: its end is seen by its handle, and a pipe that closes
    /// a moment before would only be one more wake-up.
    own: Option<[OwnedFd; 2]>,
    wide: [bool; 2],
}

/// A buffer that is reused from attempt to attempt.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

const STREAMS: [Stream; 2] = [Stream::Out, Stream::Err];

impl Taps {
    /// Makes the two pipes.
    pub(crate) fn new() -> Result<Self, Errno> {
        let (out, out_writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let (err, err_writer) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Self { ends: [Some(out), Some(err)], own: Some([out_writer, err_writer]), wide: [false; 2] })
    }

    /// The ends for a process that is to write, for output and errors.
    pub(crate) fn writers(&self) -> Option<&[OwnedFd; 2]> {
        self.own.as_ref()
    }

    /// Lets go of the writing ends: from now on the pipes end when nobody else holds them.
    pub(crate) fn let_go(&mut self) {
        self.own = None;
    }

    /// Says whether a pipe is still held by someone.
    pub(crate) fn is_open(&self) -> bool {
        self.ends.iter().any(Option::is_some)
    }

    /// Reads until the process behind `watch` has ended, or without one until the pipes are closed, or `until`.
    pub(crate) fn run(
        &mut self,
        watch: Option<&OwnedFd>,
        until: Option<Instant>,
        log: &mut Log,
        buffer: &mut Buffer,
    ) {
        loop {
            if watch.is_none() && !self.is_open() {
                return;
            }
            let Some((ready, ended)) = self.wait(watch, earliest(until, log.tell_at())) else { return };
            for side in [0, 1] {
                if ready[side] {
                    self.read(side, log, buffer);
                }
            }
            if ended {
                return;
            }
            log.tell_if_due();
            if until.is_some_and(|until| until <= Instant::now()) {
                return;
            }
        }
    }

    /// Waits for bytes or the end; says which streams are ready and whether the process has ended.
    fn wait(&self, watch: Option<&OwnedFd>, until: Option<Instant>) -> Option<([bool; 2], bool)> {
        let limit = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let mut polled = Vec::with_capacity(3);
        let mut sides = [None; 2];
        for (side, end) in self.ends.iter().enumerate() {
            if let Some(end) = end {
                sides[side] = Some(polled.len());
                polled.push(PollFd::new(end, PollFlags::IN));
            }
        }
        if let Some(watch) = watch {
            polled.push(PollFd::new(watch, PollFlags::IN));
        }
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Some(([false; 2], false)),
            Err(_) => return None,
        }
        let ready = sides.map(|place| place.is_some_and(|place| !polled[place].revents().is_empty()));
        let ended = watch.is_some() && polled.last().is_some_and(|last| !last.revents().is_empty());
        Some((ready, ended))
    }

    /// Reads once from a stream that has something to say; closes it at its end.
    fn read(&mut self, side: usize, log: &mut Log, buffer: &mut Buffer) {
        let Some(end) = &self.ends[side] else { return };
        if buffer.0.is_empty() {
            buffer.0.resize(SMALL, 0);
        }
        match read(end, &mut buffer.0[..]) {
            Ok(count @ 1..) => {
                log.push(STREAMS[side], &buffer.0[..count]);
                if count >= SMALL && !self.wide[side] {
                    self.wide[side] = true;
                    // Refused beyond the user's limit: the pipe then stays as it is.
                    let _ = fcntl_setpipe_size(end, WIDE_PIPE);
                    buffer.0.resize(LARGE, 0);
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => {
                self.ends[side] = None;
                log.end(STREAMS[side]);
            }
        }
    }

    /// Reads what the main process left in the pipes when it ended, and no more: a child may write for ever.
    pub(crate) fn drain(&mut self, log: &mut Log, buffer: &mut Buffer) {
        for side in [0, 1] {
            let goal = log.taken() + pending(self.ends[side].as_ref());
            while self.ends[side].is_some() && log.taken() < goal {
                self.read(side, log, buffer);
            }
        }
    }

    /// Ends both streams: nobody is left whose words would count. The pipes are closed when this is dropped.
    pub(crate) fn finish(&self, log: &mut Log) {
        for side in [0, 1] {
            if self.ends[side].is_some() {
                log.end(STREAMS[side]);
            }
        }
    }
}

/// Bytes that wait in a pipe.
fn pending(end: Option<&OwnedFd>) -> u64 {
    end.and_then(|end| ioctl_fionread(end).ok()).unwrap_or(0)
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
