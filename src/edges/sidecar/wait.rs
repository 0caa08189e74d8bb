//! Waiting until a service is ready.
//!
//! Not here: seeing that the service has ended, which the job sees by itself and ends this wait. Start with `wait`.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};
use serde_json::Value as Json;

use super::image::is_podman;
use super::limited::{self, Answer, Unasked};
use super::{ports, say, strangers};
use crate::logic::sidecar::{ERRAND, Look, Target, Wait};
use crate::logic::text::duration;

/// The first pause between two looks; each is twice as long as the one before, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Longest time of one look at a port or an address.
const LOOK: Duration = Duration::from_secs(5);

/// Longest time in which a container engine may say what it knows.
const ENGINE: Duration = Duration::from_secs(30);

/// How long a connection to a container is watched: an engine's own listener takes it and then finds nobody behind.
const SECOND_THOUGHT: Duration = Duration::from_millis(150);

/// How many of the last lines of the service's log are shown if it does not get ready.
const LAST_LINES: usize = 20;

/// Waits until it is ready. `has_gone` says whether a try of the service ended with success: it may be in the background.
///
/// # Errors
/// Why it is not, once the time is over; the end of its log is written to that of this step.
pub(super) fn wait(errand: &Wait, has_gone: &dyn Fn() -> bool) -> Result<(), String> {
    let started = Instant::now();
    let timeout = Duration::from_millis(errand.timeout_ms);
    let interval = Duration::from_millis(errand.interval_ms);
    let until = started + timeout;
    let mut pause = FIRST_PAUSE.min(interval);
    let mut is_settled = errand.container.is_none();
    let mut errand = errand.clone();
    let why = loop {
        let looked = if is_settled { Ok(()) } else { settle(&mut errand, until) };
        is_settled |= looked.is_ok();
        match looked.and_then(|()| look(&errand, has_gone, until)) {
            Ok(()) => {
                say(&format!("ready after {}", duration(started.elapsed())));
                return Ok(());
            }
            Err(Why::NotYet(why)) if Instant::now() >= until => break why,
            Err(Why::NotYet(_)) => {}
            Err(Why::Never(why)) => {
                show_log(&errand.log);
                return Err(why);
            }
        }
        // The last look is at the end of the time.
        std::thread::sleep(pause.min(until.saturating_duration_since(Instant::now())));
        pause = (pause * 2).min(interval);
    };
    show_log(&errand.log);
    Err(format!("was not ready within {}: {why}", duration(timeout)))
}

enum Why {
    NotYet(String),
    Never(String),
}

fn not_yet(why: impl Into<String>) -> Why {
    Why::NotYet(why.into())
}

fn look(errand: &Wait, has_gone: &dyn Fn() -> bool, until: Instant) -> Result<(), Why> {
    let limit = until.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), LOOK);
    match &errand.look {
        Look::Tcp(target) => {
            let stream = connect(target, limit)?;
            if errand.container.is_some() { is_held(&stream) } else { is_own(target, has_gone) }
        }
        Look::Http { target, path } => {
            http(target, path, limit)?;
            if errand.container.is_some() { Ok(()) } else { is_own(target, has_gone) }
        }
        Look::Run(argv) => run(argv, until),
        Look::Health => health(errand, until),
    }
}

/// Makes sure that it was not somebody else who answered.
fn is_own(target: &Target, has_gone: &dyn Fn() -> bool) -> Result<(), Why> {
    // In this order: between the two it may begin to look whether nobody else listens.
    if !strangers::may_have_begun(target, has_gone) || strangers::is_to_begin() {
        return Err(not_yet(format!(
            "{}:{} answers, and the service is still to begin",
            target.host, target.port
        )));
    }
    match strangers::whose(target) {
        None => Ok(()),
        Some(who) => Err(Why::Never(format!(
            "is not what answers at {}:{}: {who} listens there; end that, let the service use another port, or, if that \
             works for the service, say `ready: {{ run: COMMAND }}`",
            target.host, target.port
        ))),
    }
}

fn connect(target: &Target, limit: Duration) -> Result<TcpStream, Why> {
    let place = format!("{}:{}", target.host, target.port);
    let addresses = (target.host.as_str(), target.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| not_yet(format!("{place} cannot be found: {error}")))?;
    let mut last = not_yet(format!("{place} has no address"));
    for address in addresses {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = not_yet(format!("{place}: {}", words(&error))),
        }
    }
    Err(last)
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer".to_owned(),
        _ => error.to_string(),
    }
}

/// Says whether a connection is kept; one that is closed at once was never the service's.
fn is_held(mut stream: &TcpStream) -> Result<(), Why> {
    let watched = stream.set_read_timeout(Some(SECOND_THOUGHT));
    watched.map_err(|error| not_yet(error.to_string()))?;
    match stream.read(&mut [0]) {
        Ok(0) => Err(not_yet("the connection is closed at once")),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {
            Err(not_yet("the connection is closed at once"))
        }
        _ => Ok(()),
    }
}

fn http(target: &Target, path: &str, limit: Duration) -> Result<(), Why> {
    let mut stream = connect(target, limit)?;
    let shown = format!("http://{}:{}{path}", target.host, target.port);
    let fail = |error: std::io::Error| not_yet(format!("{shown}: {}", words(&error)));
    stream.set_read_timeout(Some(limit)).map_err(fail)?;
    stream.set_write_timeout(Some(limit)).map_err(fail)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: sortie\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target.host, target.port
    );
    stream.write_all(request.as_bytes()).map_err(fail)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 256];
    // The status is in the first line.
    while !answer.contains(&b'\n') && answer.len() < 4096 {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(error) => return Err(fail(error)),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    let status = line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
    match status {
        Some(100..400) => Ok(()),
        Some(status) => Err(not_yet(format!("{shown} answers with status {status}"))),
        None => Err(not_yet(format!("{shown} does not answer in HTTP"))),
    }
}

/// Runs a command; it may use all the time that is left.
fn run(argv: &[String], until: Instant) -> Result<(), Why> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let mut child =
        Command::new(program).args(arguments).env_remove(ERRAND).stdin(Stdio::null()).spawn().map_err(
            |error| Why::Never(format!("cannot be looked at: `{program}` cannot be started: {error}")),
        )?;
    let pid = rustix::process::Pid::from_child(&child);
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        if poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)) == Ok(0) {
            // What it started besides is ended with the step.
            let _ = child.kill();
            let _ = child.wait();
            return Err(not_yet("the command that looks did not end"));
        }
    }
    let status = child.wait().map_err(|error| not_yet(error.to_string()))?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(not_yet(format!("the command that looks exited with code {code}"))),
        (None, signal) => {
            Err(not_yet(format!("the command that looks was ended by signal {}", signal.unwrap_or_default())))
        }
    }
}

/// Asks a container engine, which has as long as the service has to get ready, but never longer than [`ENGINE`].
fn asked(command: &mut Command, (engine, what): (&str, &str), until: Instant) -> Result<Answer, Why> {
    let limit = until.saturating_duration_since(Instant::now()).clamp(LOOK, ENGINE);
    limited::run(command, limit).map_err(|why| match why {
        Unasked::NotStarted(error) => {
            Why::Never(format!("cannot be looked at: `{engine}` cannot be started: {error}"))
        }
        Unasked::Silent => not_yet(format!("`{engine} {what}` gave no answer within {}", duration(limit))),
    })
}

/// Asks the container engine about the container.
fn inspect(errand: &Wait, what: &str, until: Instant) -> Result<Json, Why> {
    let Some((engine, name)) = &errand.container else { return Ok(Json::Null) };
    let mut command = Command::new(engine);
    command.args(["container", "inspect", "--format", &format!("{{{{json {what}}}}}"), name]);
    let asked = asked(&mut command, (engine, "container inspect"), until)?;
    if !asked.status.success() {
        return Err(not_yet("there is no container yet"));
    }
    serde_json::from_slice(&asked.stdout).map_err(|_| not_yet("the container engine says nothing about it"))
}

/// Finds out how the container is reached, once there is one: in the network of the host its ports are those of the host.
fn settle(errand: &mut Wait, until: Instant) -> Result<(), Why> {
    let mode = inspect(errand, ".HostConfig.NetworkMode", until)?;
    if mode.as_str() != Some("host") || errand.ports.is_empty() {
        return Ok(());
    }
    let own = |name: &str| name.split('/').next().and_then(|number| number.parse().ok());
    let ports: BTreeMap<String, u16> =
        errand.ports.iter().filter_map(|(name, _)| Some((name.clone(), own(name)?))).collect();
    say("the container is in the network of the host");
    ports::tell(&ports).map_err(Why::Never)?;
    if let Look::Tcp(target) | Look::Http { target, .. } = &mut errand.look
        && let Some(inner) = target.inner
    {
        target.port = inner;
    }
    Ok(())
}

/// Looks at the health check of the image; without one, that the container runs is all there is to see.
fn health(errand: &Wait, until: Instant) -> Result<(), Why> {
    let state = inspect(errand, ".State", until)?;
    let status = state["Status"].as_str().unwrap_or_default();
    if status != "running" {
        return Err(not_yet(format!("the container is {status}")));
    }
    let health = [&state["Health"], &state["Healthcheck"]].into_iter().find_map(|it| it["Status"].as_str());
    match health {
        None | Some("" | "none" | "healthy") => Ok(()),
        Some("unhealthy") => Err(Why::Never("is unhealthy, says its health check".to_owned())),
        Some(other) => {
            if let Some((engine, name)) = errand.container.as_ref().filter(|(engine, _)| is_podman(engine)) {
                // Podman leaves its checks to systemd, which is not everywhere.
                let mut command = Command::new(engine);
                command.args(["healthcheck", "run", name]);
                if asked(&mut command, (engine, "healthcheck run"), until)?.status.success() {
                    return Ok(());
                }
            }
            Err(not_yet(format!("its health is `{other}`")))
        }
    }
}

/// Writes the end of the service's log.
fn show_log(path: &str) {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        say("the service has written nothing");
        return;
    }
    say("the service wrote at last:");
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        say(&format!("  {line}"));
    }
}
