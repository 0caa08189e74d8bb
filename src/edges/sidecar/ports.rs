//! Ports of the host for services: free ones, and who has one that is not.
//!
//! Not here: the ports of containers that are in the network of the host (`wait.rs`). Start with `find`.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use super::output;
use crate::logic::sidecar::{HOST, PORTS, WantedPort};

/// The least port that is given to a service that does not care. Well-known ones are below.
const FIRST: u16 = 20_000;

/// How many ports are tried before the system is asked for one.
const TRIES: u32 = 200;

/// Returns a port of the host for each wanted one.
///
/// # Errors
/// Which one cannot be had, and who has it.
pub(super) fn find(wanted: &[WantedPort], avoid: &[u16]) -> Result<BTreeMap<String, u16>, String> {
    let mut found = BTreeMap::new();
    let mut taken: Vec<u16> = avoid.to_vec();
    for port in wanted {
        let outer = match port.outer {
            Some(outer) => {
                check(outer, port.is_udp)?;
                outer
            }
            None => free(&taken, port.is_udp)?,
        };
        taken.push(outer);
        found.insert(port.name.clone(), outer);
    }
    Ok(found)
}

/// Tells them to the steps behind.
pub(super) fn tell(ports: &BTreeMap<String, u16>) -> Result<(), String> {
    let text = serde_json::to_string(ports).map_err(|error| format!("cannot tell its ports: {error}"))?;
    for (inner, outer) in ports {
        super::say(&format!("port {inner} is {HOST}:{outer}"));
    }
    output(PORTS, &text)
}

fn is_free(port: u16, is_udp: bool) -> std::io::Result<()> {
    if is_udp { UdpSocket::bind((HOST, port)).map(drop) } else { listen(port) }
}

/// Listens for a moment, the way servers do: what an earlier connection left on the port is no hindrance.
fn listen(port: u16) -> std::io::Result<()> {
    TcpListener::bind((HOST, port)).map(drop)
}

fn check(port: u16, is_udp: bool) -> Result<(), String> {
    let Err(error) = is_free(port, is_udp) else { return Ok(()) };
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return Err(format!("cannot have port {port} of the host: {error}"));
    }
    let who =
        owner(port, is_udp).unwrap_or_else(|| "another process, which cannot be seen from here,".to_owned());
    Err(format!(
        "needs port {port} of the host, and {who} has it; end that, or write the port without the number of the host in front"
    ))
}

/// Finds a port that is free now, and that nobody is given by chance: it lies outside of the range from which the system
/// takes ports for connections, because the service takes it only in a moment.
fn free(taken: &[u16], is_udp: bool) -> Result<u16, String> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = range.split_whitespace().filter_map(|word| word.parse::<u16>().ok());
    let last = bounds.next().unwrap_or(32_768).max(1) - 1;
    if last > FIRST {
        let mut random = std::hash::RandomState::new().build_hasher();
        for nth in 0..TRIES {
            random.write_u32(nth);
            let offset = random.finish() % u64::from(last - FIRST + 1);
            let port = FIRST + u16::try_from(offset).unwrap_or(0);
            if !taken.contains(&port) && is_free(port, is_udp).is_ok() {
                return Ok(port);
            }
        }
    }
    for _ in 0..TRIES {
        let found = if is_udp {
            UdpSocket::bind((HOST, 0)).and_then(|socket| socket.local_addr())
        } else {
            TcpListener::bind((HOST, 0)).and_then(|socket| socket.local_addr())
        };
        let port = found.map_err(|error| format!("cannot have a free port of the host: {error}"))?.port();
        if !taken.contains(&port) {
            return Ok(port);
        }
    }
    Err("cannot have a free port of the host: all are taken".to_owned())
}

/// Says who has a port, by the system's table of sockets.
pub(super) fn owner(port: u16, is_udp: bool) -> Option<String> {
    let pid = *owners(port, is_udp).first()?;
    Some(described(Path::new(&format!("/proc/{pid}")), pid))
}

/// Returns all processes that have a port, as far as they can be seen.
pub(super) fn owners(port: u16, is_udp: bool) -> Vec<u32> {
    let tables = if is_udp { ["udp", "udp6"] } else { ["tcp", "tcp6"] };
    let inodes: Vec<String> = tables.iter().flat_map(|table| sockets(table, port, is_udp)).collect();
    if inodes.is_empty() {
        return Vec::new();
    }
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| {
            let pid = process.file_name().to_str()?.parse::<u32>().ok()?;
            holds(&process.path(), &inodes).then_some(pid)
        })
        .collect()
}

/// Returns the inodes of the sockets that wait at a port.
fn sockets(table: &str, port: u16, is_udp: bool) -> Vec<String> {
    const LISTENS: &str = "0A";
    let text = std::fs::read_to_string(Path::new("/proc/net").join(table)).unwrap_or_default();
    let lines = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let wanted = format!(":{port:04X}");
    lines
        .filter(|words| words.len() > 9 && words[1].ends_with(&wanted) && (is_udp || words[3] == LISTENS))
        .map(|words| words[9].to_owned())
        .collect()
}

fn holds(process: &Path, inodes: &[String]) -> bool {
    // Those of other users cannot be read, unless we may everything.
    let Ok(open) = std::fs::read_dir(process.join("fd")) else { return false };
    open.flatten().filter_map(|it| std::fs::read_link(it.path()).ok()).any(|target| {
        let target = target.to_string_lossy();
        target
            .strip_prefix("socket:[")
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inode| inodes.iter().any(|it| it == inode))
    })
}

/// Names a process, and the cell that it is of.
pub(super) fn described(process: &Path, pid: u32) -> String {
    let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<String> = command
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let mut name = words.join(" ");
    if name.is_empty() {
        name = std::fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
    }
    let shown = crate::logic::text::shortened(&name, 60);
    let environment = std::fs::read(process.join("environ")).unwrap_or_default();
    let variable = |wanted: &str| variable(&environment, wanted);
    match (crate::port::keeper::job_of(variable), variable("SORTIE_CELL")) {
        (Some(job), Some(cell)) => format!("process {pid} (`{shown}`) of cell `{cell}` of job {job}"),
        _ => format!("process {pid} (`{shown}`)"),
    }
}

/// Returns the value of a variable in the environment of a process, as the system has it.
pub(super) fn variable(environment: &[u8], wanted: &str) -> Option<String> {
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let entry = String::from_utf8_lossy(entry);
        entry.strip_prefix(wanted)?.strip_prefix('=').map(str::to_owned)
    })
}
