//! What this program does for the services of a stage, started again as a step of its own: it finds ports, gets images,
//! holds a container or a process that is ended by a command, and waits until a service is ready.
//!
//! Its output is the log of that step. Not here: when it is asked for what (`logic/job/sidecar.rs`). Start with `main`.

mod hold;
mod image;
mod limited;
mod ports;
mod strangers;
mod wait;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::logic::job::report::{AttemptKey, End, Exit};
use crate::logic::sidecar::{ERRAND, Errand, PROBLEM};

/// Does what the environment says; `exits` reads from the folder of a job how its tries ended.
#[must_use]
pub fn main(exits: fn(&Path) -> Vec<Exit>) -> ExitCode {
    let errand = std::env::var(ERRAND).ok().and_then(|text| serde_json::from_str::<Errand>(&text).ok());
    let result = match errand {
        Some(Errand::Alone(errand)) => Err(hold::alone(&errand)),
        Some(Errand::Prepare(errand)) => prepare(&errand),
        Some(Errand::Wait(errand)) => {
            let is_success = |it: &Exit| {
                AttemptKey { attempt: errand.of.attempt, ..it.key } == errand.of && it.end == End::Code(0)
            };
            let has_gone = || exits(Path::new(&errand.dir)).iter().any(is_success);
            wait::wait(&errand, &has_gone)
        }
        Some(Errand::Process(errand)) => match errand.silent.as_ref().map(strangers::refuse) {
            Some(Err(problem)) => Err(problem),
            _ => return hold::process(&errand),
        },
        Some(Errand::Container(errand)) => return hold::container(&errand),
        None => Err("was given nothing to do; this command is for sortie itself".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem);
            // The log has it; without the output only the code is told.
            let _ = output(PROBLEM, problem.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

fn prepare(errand: &crate::logic::sidecar::Prepare) -> Result<(), String> {
    let ports = ports::find(&errand.ports, &errand.avoid)?;
    if let Some(target) = &errand.silent {
        strangers::refuse(target)?;
    }
    if let Some(image) = &errand.image {
        image::get(image)?;
    }
    ports::tell(&ports)
}

/// Writes a line to the log of the step.
fn say(line: &str) {
    // Whoever reads it may be gone, and then nobody misses it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Sets an output of the step.
fn output(name: &str, value: &str) -> Result<(), String> {
    let path = std::env::var_os("SORTIE_OUTPUT").ok_or("has no place for its outputs")?;
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(format!("{name}={value}\n").as_bytes()))
        .map_err(|error| format!("cannot tell its outputs: {error}"))
}
