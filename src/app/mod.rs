//! WIRES. From the command line to an exit code: settings, the project, the edges that faces are given.
//!
//! Not here: what commands do (`faces/cli`). Start with `main`.
#![expect(clippy::disallowed_methods, reason = "the files of settings are read here")]

mod complete;
mod exit;
mod files;
mod paths;
mod settings;
mod warm;
mod wire;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::edges;
use crate::engine::{Project, World, upkeep};
use crate::faces::cli::args::{Cli, Command};
use crate::faces::cli::{args_quick, dispatch, flags};
use crate::faces::context::{Context, OnSignal, Outside, Signal, Surroundings};
use crate::faces::ending::{Ending, Failure};
use crate::faces::held;
use crate::faces::hint::Caller;
use crate::faces::out::{Out, Paint};
use crate::logic::settings::Settings;
use crate::port::keeper::TAG_VARIABLE;

/// Returns the world as it is, for engines in other programs: see [`called_again`].
#[must_use]
pub fn world() -> World {
    wire::world()
}

/// To be called first by the `main` of every program that starts jobs: it was perhaps called by an engine, to hold the
/// processes of a job. Then it has done so, and ends with this code.
#[must_use]
pub fn called_again() -> Option<ExitCode> {
    let first: Option<OsString> = std::env::args_os().nth(1);
    match first.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("__keeper") => Some(edges::keeper::process::main()),
        Some(edges::guard::COMMAND) => Some(edges::guard::main()),
        Some(crate::logic::sidecar::COMMAND) => Some(edges::sidecar::main(wire::exits_of)),
        Some(crate::logic::cache::keyed::COMMAND) => Some(files::main()),
        _ => None,
    }
}

/// Runs the program; what it returns becomes the exit code.
#[must_use]
pub fn main() -> ExitCode {
    // Hidden subcommands and the version come first: they are wanted fast, and the rest is not needed for them.
    if let Some(code) = called_again().or_else(complete::answered) {
        return code;
    }
    let mut arguments = std::env::args_os().skip(1);
    let first: Option<OsString> = arguments.next();
    match first.as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("--version" | "-V") if arguments.next().is_none() => return version(),
        _ => {}
    }
    warm::up();
    if std::env::args_os().next_back().is_some_and(|word| word == edges::headless::LAST_WORD) {
        edges::headless::let_go_of_inherited();
    }
    wire::IS_PROGRAM.store(true, std::sync::atomic::Ordering::Relaxed);
    std::panic::set_hook(Box::new(tell_bug));
    // Without it, a limit for file sizes ends this process where a sentence could.
    let _ = edges::signals::let_large_writes_fail();
    match args_quick::parse(std::env::args_os()) {
        Ok(cli) => exit::exit_code(carry_out(cli)),
        Err(error) => not_parsed(&error),
    }
}

fn not_parsed(error: &clap::Error) -> ExitCode {
    // A closed pipe behind the help is nobody's problem.
    let _ = error.print();
    if error.use_stderr() { exit::exit_code(Ending::Usage) } else { ExitCode::SUCCESS }
}

fn version() -> ExitCode {
    // As above: nobody reads, nobody misses it.
    let _ = writeln!(std::io::stdout(), "sortie {}", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}

fn tell_bug(info: &std::panic::PanicHookInfo<'_>) {
    if upkeep::is_attempt() {
        return;
    }
    let text = format!("this is a bug in sortie {}: {info}", env!("CARGO_PKG_VERSION"));
    if held::is_of_this_thread() {
        held::leave_now();
    } else if held::keep(&text) {
        // The face has no bug and stays; this is told once it has been left.
        return;
    }
    // Standard error may be gone, and there is no other place left to say this.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn carry_out(cli: Cli) -> Ending {
    let mut notes = Out::new(Box::new(std::io::stderr()), Paint::default(), std::io::stderr().is_terminal());
    let result = prepare(&cli, &mut notes).and_then(|context| {
        let is_terminal = std::io::stdout().is_terminal();
        let paint =
            Paint { color: is_colored(&context.settings, is_terminal), ascii: context.settings.ascii() };
        notes.paint = Paint { color: is_colored(&context.settings, notes.is_terminal), ..paint };
        let mut out = Out::new(Box::new(std::io::stdout()), paint, is_terminal);
        let result = dispatch(&context, cli, &mut out, &mut notes)
            .map_err(|failure| Failure { help: failure.way_out(&context.caller), ..failure });
        match (out.finish(), result) {
            (Err(error), Ok(Ending::Success)) => {
                Err(Failure::surroundings(format!("standard output cannot be written: {error}")))
            }
            (Err(error), Ok(ending)) => {
                notes.line(format!("error: standard output cannot be written: {error}"));
                Ok(ending)
            }
            (_, result) => result,
        }
    });
    let ending = result.unwrap_or_else(|failure| {
        if !failure.message.is_empty() {
            notes.line(format!("error: {}", failure.message));
        }
        if let Some(help) = &failure.help {
            notes.line(format!("help: {help}"));
        }
        failure.ending
    });
    for text in held::kept() {
        notes.line(text);
    }
    notes.flush();
    ending
}

fn prepare(cli: &Cli, notes: &mut Out) -> Result<Context, Failure> {
    let flags = flags(cli)?;
    let here = std::env::current_dir()
        .map_err(|error| Failure::surroundings(format!("the current folder cannot be found out: {error}")))?;
    let root = paths::root(&here);
    let user_file = paths::user_settings();
    // What is wrong with a setting sends people to these, which must not be refused for the same reason.
    let is_doctor = matches!(cli.command, Some(Command::Doctor(_)));
    let is_lenient = is_doctor || needs_no_settings(cli.command.as_ref());
    let (variables, flags) = (settings::variables(), (flags, is_lenient));
    let settings = settings::load(&root, user_file.as_deref(), &variables, flags, &mut |text| {
        // It tells them among all else.
        if !is_doctor {
            notes.bytes(text.as_bytes());
        }
    });
    let settings = match settings {
        Err(_) if is_doctor => Settings::resolve(&[]),
        settings => settings?,
    };
    let state = root.join(settings.store_dir());
    let surroundings = surroundings();
    let caller = Caller::new(&settings, &state, &here);
    let project = Project { root, state, scripts: settings.script_folders() };
    Ok(Context { project, settings, surroundings, outside: outside(), caller })
}

/// Says whether a command does its work whatever the settings are.
fn needs_no_settings(command: Option<&Command>) -> bool {
    matches!(
        command,
        Some(
            Command::Explain(_)
                | Command::Help(_)
                | Command::Config { .. }
                | Command::Schema(_)
                | Command::Completions(_)
                | Command::Man(_)
                | Command::Keys(_)
        )
    )
}

fn surroundings() -> Surroundings {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(text).find(|value| !value.is_empty());
    Surroundings {
        stdin: std::io::stdin().is_terminal(),
        stdout: std::io::stdout().is_terminal(),
        stderr: std::io::stderr().is_terminal(),
        term: text("TERM"),
        colorterm: text("COLORTERM"),
        locale: locale.unwrap_or_default(),
        is_ci: is_set("CI") && text("CI") != "false",
        is_in_step: is_set(TAG_VARIABLE),
        is_accessible: is_set("ACCESSIBLE"),
        no_color: is_set("NO_COLOR"),
        reduced_motion: is_set("REDUCED_MOTION"),
        themes: paths::user_themes(),
        keymap: paths::user_keymap(),
        editor: ["VISUAL", "EDITOR"].map(text).into_iter().find(|command| !command.trim().is_empty()),
        templates: paths::user_templates(),
        shell: text("SHELL"),
        data: paths::user_data(),
        config: paths::user_config(),
    }
}

/// Colours: as set; `auto` wants a terminal that can show them, and no `NO_COLOR`.
fn is_colored(settings: &Settings, is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match settings.color() {
        "always" => true,
        "never" => false,
        _ => is_terminal && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Returns the name of the person: that of the account, not what a variable claims.
fn actor() -> String {
    let id = nix::unistd::geteuid();
    match nix::unistd::User::from_uid(id) {
        Ok(Some(user)) => user.name,
        _ => id.to_string(),
    }
}

fn outside() -> Outside {
    Outside {
        world: wire::world(),
        containers: edges::containers::find,
        probe: edges::probe_tools::probe,
        secrets: edges::secrets::fetch,
        is_trusted: |hash| paths::trust().is_some_and(|folder| edges::trust::is_trusted(&folder, hash)),
        remember_trust: |hash, about| match paths::trust() {
            Some(folder) => edges::trust::remember(&folder, hash, about),
            None => Err(std::io::Error::other("there is no home folder")),
        },
        on_signal,
        stop_here: edges::signals::stop_here,
        guard: wire::guard,
        start_engine: wire::start_engine,
        engine_failed: edges::headless::failed_lately,
        start_engine_with: wire::start_engine_with,
        begin_job: wire::begin_job,
        go_alone: edges::signals::go_alone,
        actor,
        leave,
        exit_codes: exit::table,
        survey: wire::survey,
        settings_problems: |root| settings::problems(root, paths::user_settings().as_deref()),
        show_manual: edges::manual::show,
        run_command: edges::hook::run,
        edit: edges::editor::edit,
    }
}

/// Ends the process at once; a keeper sees that and stops what it holds, or keeps it.
fn leave(ending: Ending, words: &str) -> ! {
    held::leave_now();
    // Standard error may be gone, and there is no other place left to say this.
    let _ = writeln!(std::io::stderr(), "{words}");
    std::process::exit(i32::from(exit::code(ending)))
}

fn on_signal(with_stops: bool, callback: OnSignal) -> std::io::Result<()> {
    edges::signals::listen(with_stops, move |caught| {
        callback(match caught {
            edges::signals::Caught::Interrupt => Signal::Interrupt,
            edges::signals::Caught::Terminate => Signal::Terminate,
            edges::signals::Caught::HangUp => Signal::HangUp,
            edges::signals::Caught::Stop => Signal::Stop,
            edges::signals::Caught::Continue => Signal::Continue,
            edges::signals::Caught::Resize => Signal::Resize,
        });
    })
}
