//! Who else listens where a service is to be seen: an answer from there says nothing about the service.
//!
//! Only addresses of this machine are looked at. Before the service begins nobody may listen there ([`refuse`]). Once it
//! answers, whoever listens may have begun in between, and the service may have ended over that ([`whose`]): a process that
//! is older than the wait and does not belong to the job is somebody else's. One that is younger may be working for the
//! service, such as the proxy of a container engine, and one that cannot be seen may be, too.

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::ports;
use crate::logic::sidecar::Target;
use crate::port::keeper::job_of;

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
    if listeners.is_empty() || !listeners.iter().all(is_strange) {
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
