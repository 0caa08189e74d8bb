//! Holding a service that does not end by a signal alone: a container, or a process that is ended by a command.
//!
//! This process stands for the service: its end is the end of the service, and a signal that reaches it lets the service
//! end in its own way. What it cannot do, because it was killed, the keeper does: it ends processes by their tag and
//! removes the container.

use std::borrow::Cow;
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, Stdio};
use std::task::Poll;

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use tokio::signal::unix::{SignalKind, signal};

use super::{say, strangers};
use crate::logic::sidecar::{Alone, Container, ERRAND, Process};

/// Names of variables that tell the container engine what to do: its own environment cannot have those of the container.
/// These are no secret.
const OF_ENGINE: [&str; 6] = ["PATH", "HOME", "USER", "TMPDIR", "SHELL", "LANG"];
/// The same with their beginnings; values of these may be secret.
const OF_ENGINES: [&str; 9] =
    ["XDG_", "DOCKER_", "CONTAINER", "PODMAN_", "BUILDAH_", "STORAGE_", "REGISTRY_", "LD_", "SSL_"];

/// The signals by which a service may be asked to end.
const ASKS: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// Catches them on a thread of its own, and returns what can be read from once one has come. They are not blocked, because
/// children would inherit that.
fn catch_signals() -> std::io::Result<PipeReader> {
    let (reader, mut writer) = std::io::pipe()?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(async {
            let kinds = ASKS.map(|signal| SignalKind::from_raw(signal as i32));
            let caught: std::io::Result<Vec<_>> = kinds.into_iter().map(signal).collect();
            let mut caught = match caught {
                Ok(caught) => caught,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // Whoever waits for it is there.
            let _ = ready.send(Ok(()));
            let next = std::future::poll_fn(|context| {
                let is_one = caught.iter_mut().any(|it| it.poll_recv(context).is_ready());
                if is_one { Poll::Ready(()) } else { Poll::Pending }
            });
            next.await;
            // A full pipe is none, and the reader lives as long as the process.
            let _ = writer.write_all(b"!");
            // The others are caught to the end: what asks twice must not end this process before its service.
            std::future::pending::<()>().await;
        });
    })?;
    let gone = || Err(std::io::Error::other("the thread for signals has ended"));
    is_ready.recv().unwrap_or_else(|_| gone()).map(|()| reader)
}

/// Becomes the process in the arguments, once it is sure that nobody else listens where it is to be seen: between this look
/// and its beginning there is nothing. Returns only if it cannot.
pub(super) fn alone(errand: &Alone) -> String {
    if let Err(problem) = strangers::refuse(&errand.silent) {
        return problem;
    }
    let mut argv = std::env::args_os().skip(2);
    let Some(program) = argv.next() else { return "was given nothing to run".to_owned() };
    let error = Command::new(&program).args(argv).env_remove(ERRAND).exec();
    format!("cannot be run: `{}` cannot be started: {error}", program.to_string_lossy())
}

/// Runs a process until it ends, or ends it by its command when a signal says so.
pub(super) fn process(errand: &Process) -> ExitCode {
    let mut held = match Held::start(&errand.run, &[]) {
        Ok(held) => held,
        Err(problem) => return refuse(&problem),
    };
    let how = held.wait();
    if how == Woken::Ended && held.code() != 0 {
        return held.exit_code();
    }
    if how == Woken::Ended {
        // It went to the background, where it runs until it is asked to end.
        held.wait_for_signal();
    }
    if let Err(problem) = run(&errand.stop, Stdio::inherit()) {
        say(&format!("its `stop` {problem}"));
    }
    // What it left running is ended with the cell.
    held.end()
}

/// How the variables of a container get there: everybody can read arguments, so no value that may be secret is one.
pub(super) struct Given<'a> {
    pub(super) words: Vec<String>,
    /// What the container engine itself is started with, and passes on by name.
    pub(super) env: Vec<(&'a str, Cow<'a, str>)>,
    /// Lines of a file that it reads: they would tell the engine what to do.
    pub(super) file: String,
}

impl<'a> Given<'a> {
    /// Parts the variables of a container.
    pub(super) fn of(all: &'a [(String, String)]) -> Self {
        let mut it = Self { words: Vec::new(), env: Vec::new(), file: String::new() };
        for (name, value) in all {
            let is_of_engine = OF_ENGINES.iter().any(|prefix| name.starts_with(prefix));
            // The engine itself would take it. As JSON it means the same on one line.
            let value = match name.as_str() {
                "DOCKER_AUTH_CONFIG" if serde_json::from_str::<serde_json::Value>(value).is_ok() => {
                    Cow::Owned(value.replace(['\n', '\r'], " "))
                }
                _ => Cow::Borrowed(value.as_str()),
            };
            if OF_ENGINE.contains(&name.as_str()) {
                it.words.extend(["--env".to_owned(), format!("{name}={value}")]);
            } else if is_of_engine && !value.contains(['\n', '\r']) {
                it.file += &format!("{name}={value}\n");
            } else {
                // No engine is told what to do in several lines, and in such a file nothing has several.
                it.words.extend(["--env".to_owned(), name.clone()]);
                it.env.push((name.as_str(), value));
            }
        }
        it
    }
}

/// Returns a file in memory with a text, which children inherit; it goes with the last of them.
fn memory_file(text: &str) -> std::io::Result<Option<std::fs::File>> {
    if text.is_empty() {
        return Ok(None);
    }
    let file = rustix::fs::memfd_create("env", rustix::fs::MemfdFlags::empty())?;
    let mut file = std::fs::File::from(file);
    file.write_all(text.as_bytes())?;
    Ok(Some(file))
}

/// Runs a container until it ends, or ends it when a signal says so.
pub(super) fn container(errand: &Container) -> ExitCode {
    let mut words: Vec<String> =
        ["run", "--rm", "--name", &errand.name].iter().map(|&word| word.to_owned()).collect();
    let given = Given::of(&errand.env);
    words.extend(given.words);
    let file = match memory_file(&given.file) {
        Ok(file) => file,
        Err(error) => return refuse(&format!("has variables that cannot be handed over: {error}")),
    };
    if let Some(file) = &file {
        words.extend(["--env-file".to_owned(), format!("/proc/self/fd/{}", file.as_raw_fd())]);
    }
    let env = given.env;
    words.extend(errand.options.iter().cloned());
    words.extend(errand.image.iter().cloned());
    words.insert(0, errand.engine.clone());
    let mut held = match Held::start(&words, &env) {
        Ok(held) => held,
        Err(problem) => return refuse(&problem),
    };
    if held.wait() == Woken::Ended {
        // A container that has ended serves nobody, whatever its code.
        return match held.code() {
            0 => refuse("ended by itself, with code 0"),
            _ => held.exit_code(),
        };
    }
    let grace = errand.grace_s.to_string();
    let stop = [&errand.engine, "stop", "--time", &grace, &errand.name].map(str::to_owned);
    if let Err(problem) = run(&stop, Stdio::null()) {
        say(&format!("`{}` {problem}", stop.join(" ")));
    }
    held.end()
}

fn refuse(problem: &str) -> ExitCode {
    say(problem);
    ExitCode::FAILURE
}

/// Runs a command to its end; what it has to complain about goes to the log of the service.
fn run(argv: &[String], stdout: Stdio) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let status = Command::new(program)
        .args(arguments)
        .env_remove(ERRAND)
        .stdin(Stdio::null())
        .stdout(stdout)
        .process_group(0)
        .status()
        .map_err(|error| format!("cannot be started: {error}"))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("exited with code {code}")),
        (None, signal) => Err(format!("was ended by signal {}", signal.unwrap_or_default())),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    Ended,
    Asked,
}

/// The child that is the service.
struct Held {
    child: Child,
    signals: PipeReader,
    status: Option<std::process::ExitStatus>,
}

impl Held {
    fn start(argv: &[String], env: &[(&str, Cow<'_, str>)]) -> Result<Self, String> {
        let (program, arguments) = argv.split_first().ok_or("there is nothing to run")?;
        let signals = catch_signals().map_err(|error| format!("signals cannot be caught: {error}"))?;
        // In a group of its own: a signal for this process is not one for it.
        let child = Command::new(program)
            .args(arguments)
            .env_remove(ERRAND)
            .envs(env.iter().map(|(name, value)| (name, value.as_ref())))
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        Ok(Self { child, signals, status: None })
    }

    /// Waits until it has ended, or a signal says that it is to end.
    fn wait(&mut self) -> Woken {
        let pid = rustix::process::Pid::from_child(&self.child);
        if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) {
            loop {
                let mut polled =
                    [PollFd::new(&handle, PollFlags::IN), PollFd::new(&self.signals, PollFlags::IN)];
                match poll(&mut polled, None) {
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => break,
                    Ok(_) => {}
                }
                // What has ended by then has ended by itself.
                if !polled[0].revents().is_empty() {
                    break;
                }
                return Woken::Asked;
            }
        }
        self.status = self.child.wait().ok();
        Woken::Ended
    }

    fn wait_for_signal(&mut self) {
        // An error ends the wait as well: then nothing can be waited for.
        let _ = self.signals.read(&mut [0]);
    }

    /// Lets it end by itself; if it does not, whoever asked ends it by force, and this process with it.
    fn end(&mut self) -> ExitCode {
        if self.status.is_none() {
            self.status = self.child.wait().ok();
        }
        ExitCode::SUCCESS
    }

    fn code(&self) -> i32 {
        let status = self.status.unwrap_or_default();
        status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or_default()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::try_from(self.code()).unwrap_or(1))
    }
}
