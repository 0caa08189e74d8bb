//! Starts a job of a playbook in a process that outlives this one: this program again, as `sortie run --detach`.
//!
//! It reads the playbook, fetches secrets and records the job; only then does its engine begin. Not here: that engine
//! (`headless.rs`), why a job starts.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::logic::text::shortened;

/// Most characters of what went wrong.
const MOST: usize = 500;

/// Begins a start for a fire of the ledger; what is returned waits for its end, and says why there is no job.
///
/// # Errors
/// If there can be no process.
pub fn begin(
    root: &Path,
    state: &Path,
    playbook: &Path,
    fire: u64,
) -> io::Result<impl FnOnce() -> Result<(), String> + Send + use<>> {
    let child = Command::new("/proc/self/exe")
        // Lists of processes show it by this name.
        .arg0("sortie")
        .arg("--state")
        .arg(state)
        .arg("run")
        .args(["--detach", "--quiet", "--fire", &fire.to_string(), "--"])
        .arg(playbook)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C is for whoever waits here, not for a job.
        .process_group(0)
        .spawn()?;
    Ok(move || {
        let ended = child.wait_with_output().map_err(|error| error.to_string())?;
        if ended.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        Err(why(&said).unwrap_or_else(|| format!("its process ended: {}", ended.status)))
    })
}

/// The errors among the lines, with the way out.
fn why(said: &str) -> Option<String> {
    let lines = said.lines().filter_map(|line| {
        let error = line.strip_prefix("error: ").map(str::to_owned);
        error.or_else(|| line.strip_prefix("help: ").map(|help| format!("({help})")))
    });
    let lines: Vec<String> = lines.collect();
    let last = || said.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    let found = if lines.is_empty() { last() } else { Some(lines.join(" ")) };
    found.map(|text| shortened(&text, MOST))
}
