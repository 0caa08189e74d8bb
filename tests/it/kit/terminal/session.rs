//! The program on the terminal: started, watched, signalled, and killed with its whole session.
//!
//! Not here: what it writes (`reader.rs`). It runs under `leader.pl`, as under a shell, or leads the session itself.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use pty_process::blocking::{Command, Pts};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

const LEADER: &str = include_str!("leader.pl");

/// What to start.
pub(super) struct Program {
    pub(super) words: Vec<OsString>,
    pub(super) folder: PathBuf,
    pub(super) env: Vec<(OsString, OsString)>,
}

/// A started program.
pub(super) struct Session {
    id: i32,
    pidfd: OwnedFd,
    session: i32,
    /// The leader, its ear, and nothing if the program leads itself.
    leader: Option<(Child, ChildStdin)>,
    shared: Arc<(Mutex<Progress>, Condvar)>,
}

/// How far it is.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) is_stopped: bool,
    pub(super) status: Option<ExitStatus>,
}

impl Session {
    /// Starts it under a leader.
    pub(super) fn under_leader(program: &Program, slave: Pts) -> Self {
        let mut command =
            Command::new("perl").args(["-e", LEADER]).stdin(Stdio::piped()).stderr(Stdio::piped());
        command = command.env_clear().current_dir("/");
        if let Some(path) = std::env::var_os("PATH") {
            command = command.env("PATH", path);
        }
        let mut leader = command.spawn(slave).expect("perl is there; apt-get install perl-base");
        let mut ear = leader.stdin.take().expect("it is piped");
        ear.write_all(&program.fields()).expect("the leader listens");
        let mut says = BufReader::new(leader.stderr.take().expect("it is piped"));
        let mut line = String::new();
        says.read_line(&mut line).expect("a pipe can be read");
        let id = line.trim().strip_prefix("started ").and_then(|pid| pid.parse().ok());
        let id = id.unwrap_or_else(|| panic!("the leader of the session says `{line}`"));
        // The leader does not wait for it before it hears `go`, so the number is still its own.
        let pidfd = pidfd(id).expect("it is there until it is waited for");
        ear.write_all(b"go\0").expect("the leader listens");
        let shared = Arc::default();
        let session = i32::try_from(leader.id()).expect("process ids are small");
        follow_leader(says, Arc::clone(&shared));
        Self { id, pidfd, session, leader: Some((leader, ear)), shared }
    }

    /// Starts it as the leader of its session.
    #[expect(clippy::zombie_processes, reason = "the thread that follows it waits for it, stops included")]
    pub(super) fn leading(program: &Program, slave: Pts) -> Self {
        let command = Command::new(&program.words[0]).args(&program.words[1..]).current_dir(&program.folder);
        let command = command.env_clear().envs(program.env.iter().map(|(name, value)| (name, value)));
        let child = command.spawn(slave).unwrap_or_else(|e| panic!("{}: {e}", program.words[0].display()));
        let id = i32::try_from(child.id()).expect("process ids are small");
        let pidfd = pidfd(id).expect("it is our child and not yet waited for");
        let shared = Arc::default();
        follow_child(id, Arc::clone(&shared));
        Self { id, pidfd, session: id, leader: None, shared }
    }

    pub(super) fn id(&self) -> i32 {
        self.id
    }

    pub(super) fn is_led(&self) -> bool {
        self.leader.is_some()
    }

    /// Sends it a signal, alone; nothing happens if it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.pidfd, signal).unwrap_or_default();
    }

    /// Says a word to the leader.
    pub(super) fn tell(&mut self, word: &str) {
        let (_, ear) = self.leader.as_mut().expect("only a leader can do that: not with `leading`");
        ear.write_all(format!("{word}\0").as_bytes()).expect("the leader listens");
    }

    /// Waits until it is so, or until the deadline.
    pub(super) fn wait(
        &self,
        deadline: Instant,
        is_so: impl Fn(&Progress) -> bool,
    ) -> MutexGuard<'_, Progress> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let (progress, changed) = &*self.shared;
        let progress = progress.lock().expect("followers do not panic");
        changed.wait_timeout_while(progress, limit, |p| !is_so(p)).expect("followers do not panic").0
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.0.lock().is_ok_and(|progress| progress.status.is_some())
    }

    /// Ends it and everything else in its session, the leader included.
    pub(super) fn end(&mut self) {
        if !self.has_ended() {
            self.signal(Signal::KILL);
        }
        let leader = self.leader.take();
        // One that forks may be ahead of a scan or two.
        for _ in 0..50 {
            let left = members_of(self.session);
            for pidfd in &left {
                pidfd_send_signal(pidfd, Signal::KILL).unwrap_or_default();
            }
            if left.is_empty() {
                break;
            }
        }
        if let Some((mut leader, ear)) = leader {
            drop(ear);
            // Killed or ended, it is waited for so that it leaves no zombie; nothing is asked of how it ended.
            drop(leader.wait());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

impl Program {
    fn fields(&self) -> Vec<u8> {
        let mut fields: Vec<Vec<u8>> = vec![self.folder.as_os_str().as_bytes().to_vec()];
        fields.push(self.env.len().to_string().into_bytes());
        fields
            .extend(self.env.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()));
        fields.push(self.words.len().to_string().into_bytes());
        fields.extend(self.words.iter().map(|word| word.as_bytes().to_vec()));
        fields.into_iter().flat_map(|field| [field, vec![0]].concat()).collect()
    }
}

fn follow_leader(says: BufReader<ChildStderr>, shared: Arc<(Mutex<Progress>, Condvar)>) {
    thread::spawn(move || {
        for line in says.lines().map_while(Result::ok) {
            let mut progress = shared.0.lock().expect("whoever waits does not panic while looking");
            match line.as_str() {
                "stopped" => progress.is_stopped = true,
                "continued" => progress.is_stopped = false,
                other => {
                    let raw = other.strip_prefix("ended ").and_then(|raw| raw.parse().ok());
                    // What perl has to complain about shows on the runner's own output.
                    progress.status = raw.map(ExitStatus::from_raw).or(progress.status);
                }
            }
            shared.1.notify_all();
        }
    });
}

fn follow_child(id: i32, shared: Arc<(Mutex<Progress>, Condvar)>) {
    thread::spawn(move || {
        loop {
            let flags = WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
            let waited = waitpid(nix::unistd::Pid::from_raw(id), Some(flags));
            let mut progress = shared.0.lock().expect("whoever waits does not panic while looking");
            match waited {
                Ok(WaitStatus::Stopped(..)) => progress.is_stopped = true,
                Ok(WaitStatus::Continued(_)) => progress.is_stopped = false,
                Ok(WaitStatus::Exited(_, code)) => progress.status = Some(ExitStatus::from_raw(code << 8)),
                Ok(WaitStatus::Signaled(_, signal, _)) => {
                    progress.status = Some(ExitStatus::from_raw(signal as i32));
                }
                Err(nix::errno::Errno::EINTR) | Ok(_) => {}
                Err(_) => return,
            }
            shared.1.notify_all();
            if progress.status.is_some() {
                return;
            }
        }
    });
}

/// Handles of the living processes of a session.
fn members_of(session: i32) -> Vec<OwnedFd> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let is_member = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // State, parent, group, session: they follow the name, which may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        (*fields.first()? != "Z" && fields.get(3)?.parse() == Ok(session)).then_some(())
    };
    // Opened first, looked at then: a number that was given anew meanwhile is not in the session.
    pids.filter_map(|pid| pidfd(pid).and_then(|fd| is_member(pid).map(|()| fd))).collect()
}

fn pidfd(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}
