//! Who else listens where a service is to be seen: an answer from there says nothing about the service.
//!
//! Only addresses of this machine are looked at. Nobody may listen there in the moment before the service begins, whoever it
//! is ([`refuse`]); so whoever listens later began while the service was there. Most often that is the service, but another
//! one may have come first ([`whose`]). It is surely another one if it belongs neither to the job nor to anybody whom the
//! service can have asked: it is older than the wait, and no process of the service is connected to anything. A service
//! whose port is opened by a daemon, as that of a container engine or the master of `ssh`, is connected to it, or has gone
//! to the background. Before the keeper has started the service, nobody is ([`may_have_begun`]).

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::ports;
use crate::logic::sidecar::{ERRAND, Target};
use crate::port::keeper::{TAG_VARIABLE, job_of};

/// How long an answer of this machine may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Makes sure that nobody listens there yet.
///
/// # Errors
/// Who does, in words that follow the name of the service.
pub(super) fn refuse(target: &Target) -> Result<(), String> {
    // A name that nobody knows yet may be one that the service makes known.
    let mut addresses = own_addresses(target);
    if !addresses.any(|address| TcpStream::connect_timeout(&address, LIMIT).is_ok()) {
        return Ok(());
    }
    let who = ports::owner(target.port, false)
        .unwrap_or_else(|| "another process, which cannot be seen from here,".to_owned());
    let place = format!("{}:{}", target.host, target.port);
    Err(format!(
        "would be taken for ready at once: {who} listens at {place} already; end that, or let `ready` look elsewhere"
    ))
}

/// Says who listens there, if that is surely nobody of this job.
pub(super) fn whose(target: &Target) -> Option<String> {
    own_addresses(target).next()?;
    let keeper = std::os::unix::process::parent_id();
    let begun = began(&format!("/proc/{}", std::process::id()))?;
    let listeners = ports::owners(target.port, false);
    let is_strange = |pid: &u32| {
        let path = format!("/proc/{pid}");
        !descends(*pid, keeper)
            && !is_of_this_job(Path::new(&path))
            && began(&path).is_some_and(|time| time < begun)
    };
    if listeners.is_empty() || !listeners.iter().all(is_strange) || may_have_asked() {
        return None;
    }
    let pid = listeners[0];
    Some(ports::described(Path::new(&format!("/proc/{pid}")), pid))
}

/// Returns those addresses of a target that are of this machine.
fn own_addresses(target: &Target) -> impl Iterator<Item = SocketAddr> + use<> {
    let addresses = (target.host.as_str(), target.port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = addresses.map(Iterator::collect).unwrap_or_default();
    // Only addresses of its own are given to anybody by a system.
    addresses.into_iter().filter(|address| TcpListener::bind((address.ip(), 0)).is_ok())
}

fn descends(pid: u32, from: u32) -> bool {
    // The chain of parents ends at 0; a number that is used anew meanwhile could make a ring.
    let chain = std::iter::successors(Some(pid), |pid| parent(*pid).filter(|it| *it != 0));
    chain.take(1000).any(|it| it == from)
}

/// Says whether the service may have been started, as far as can be seen: the keeper may be slow to do so. `has_gone` says
/// whether it ended with success, and so may be in the background.
pub(super) fn may_have_begun(target: &Target, has_gone: &dyn Fn() -> bool) -> bool {
    if own_addresses(target).next().is_none() || of_service().is_none_or(|of| !of.is_empty()) || has_gone() {
        return true;
    }
    let keeper = std::os::unix::process::parent_id();
    let is_ours = |pid: &u32| descends(*pid, keeper) || is_of_this_job(Path::new(&format!("/proc/{pid}")));
    ports::owners(target.port, false).iter().any(is_ours)
        || children(keeper).iter().any(|pid| is_unknown(*pid))
}

/// Says whether a child of the keeper cannot be told to be of another step: it is of another user, or has written over its
/// environment.
fn is_unknown(pid: u32) -> bool {
    let process = format!("/proc/{pid}");
    let has_tag = |environment: Vec<u8>| ports::variable(&environment, TAG_VARIABLE).is_some();
    if std::fs::read(format!("{process}/environ")).is_ok_and(has_tag) {
        return false;
    }
    // One that has ended, and one that is only just being made and runs the program of the keeper, are nobody.
    let program = |process: &str| std::fs::read_link(format!("{process}/exe")).ok();
    let has_ended = stat(&process).is_some_and(|words| words.first().is_some_and(|it| it == "Z"));
    !has_ended && program(&process).is_none_or(|it| Some(it) != program("/proc/self"))
}

/// Returns the children of a process, also those that are hidden from us otherwise.
fn children(of: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|it| std::fs::read_to_string(it.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Says whether the service is still to begin, as this program is what looks first whether nobody else listens.
pub(super) fn is_to_begin() -> bool {
    let looks_first = |(_, environment): &(u32, Vec<u8>)| {
        ports::variable(environment, ERRAND).is_some_and(|errand| errand.starts_with("{\"alone\""))
    };
    of_service().iter().flatten().any(looks_first)
}

/// Says whether somebody may listen because the service asked for it.
fn may_have_asked() -> bool {
    // Where none is left of what was there, it has gone to the background.
    let Some(first) = of_service().filter(|first| !first.is_empty()) else { return true };
    let mut own = processes().filter(|pid| first.iter().any(|(it, _)| descends(*pid, *it)));
    // One whose files are not for us to see may be connected.
    own.any(|pid| has_socket(pid).unwrap_or(true))
}

/// Returns the processes that still have the environment of the service that is waited for, with that.
fn of_service() -> Option<Vec<(u32, Vec<u8>)>> {
    let variable = |name: &str| std::env::var(name).ok();
    let (tag, step) = (variable(TAG_VARIABLE)?, variable("SORTIE_STEP")?);
    let service = step.strip_suffix(".ready")?;
    let environment = |pid: u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let has = |name: &str, is_it: &dyn Fn(&str) -> bool| {
            ports::variable(&environment, name).is_some_and(|value| is_it(&value))
        };
        // Job, cell and run of it; behind them stands the step.
        let is_of_cell = |other: &str| other.split('.').take(3).eq(tag.split('.').take(3));
        let is_of_service = has(TAG_VARIABLE, &is_of_cell) && has("SORTIE_STEP", &|step| step == service);
        is_of_service.then_some((pid, environment))
    };
    Some(processes().filter_map(environment).collect())
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|it| it.file_name().to_str()?.parse().ok())
}

/// Says whether a process has a socket open; none if that cannot be seen.
fn has_socket(pid: u32) -> Option<bool> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let mut targets = open.filter_map(|it| std::fs::read_link(it.path()).ok());
    Some(targets.any(|target| target.to_string_lossy().starts_with("socket:")))
}

/// Returns the words behind the name in the line of a process, the first one being its state.
fn stat(process: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("{process}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent(pid: u32) -> Option<u32> {
    stat(&format!("/proc/{pid}"))?.get(1)?.parse().ok()
}

/// Returns when a process began, in ticks since the system did.
fn began(process: &str) -> Option<u64> {
    stat(process)?.get(19)?.parse().ok()
}

fn is_of_this_job(process: &Path) -> bool {
    let own = job_of(|name| std::env::var(name).ok());
    let environment = std::fs::read(process.join("environ")).unwrap_or_default();
    own.is_some() && job_of(|name| ports::variable(&environment, name)) == own
}
