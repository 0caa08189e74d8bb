//! Completion in shells: the script that a shell is given once, and the answers at each press of the key.
//!
//! Not here: what is offered for which argument (`offers.rs`), the words of the line (`line.rs`), where scripts go
//! (`install.rs`). Start with `answer`. It is asked at the very beginning of the program, prints candidates and nothing else, and touches nothing: where something
//! cannot be read there are no candidates.

mod install;
mod line;
mod offers;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use clap_complete::env::Shells;

use super::args::{Cli, CompletionsArgs, Shell};
use crate::engine::Project;
use crate::faces::context::Surroundings;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint;
use crate::faces::out::Out;
use line::Line;

/// The variable by which a shell asks for candidates; its value is the shell's name.
pub const VARIABLE: &str = "SORTIE_COMPLETE";

/// Variables by which scripts of shells say which word is to be completed, and what parts candidates.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";
const PARTING: &str = "_CLAP_IFS";
/// In bash: the word as far as the cursor.
const CURRENT: &str = "_SORTIE_CURRENT";

/// Where names are looked for.
pub struct Place {
    pub project: Project,
    /// The folder of the user's own templates.
    pub templates: Option<PathBuf>,
}

/// Finds the place. The path is that of `--state`, if the line has one.
pub type Find = fn(Option<&Path>) -> Option<Place>;

/// Returns what a shell is to be told: `words` are those of this call, `variable` reads the environment.
///
/// # Errors
/// If the shell is not known, or its line cannot be read. A shell needs to hear nothing of that.
pub fn answer(
    shell: &str,
    words: Vec<OsString>,
    variable: fn(&str) -> Option<String>,
    find: Find,
) -> std::io::Result<Vec<u8>> {
    let mut words: Vec<OsString> = words.into_iter().skip_while(|word| word != "--").skip(1).collect();
    let shells = Shells::builtins();
    let shell = shells.completer(shell).ok_or_else(|| std::io::Error::other("there is no such shell"))?;
    let index = variable(INDEX).and_then(|it| it.parse().ok());
    let here = std::env::current_dir().ok();
    let mut written = Vec::new();
    if shell.is("bash") {
        let current = variable(CURRENT).unwrap_or_default();
        let (index, before) = line::join(&mut words, index.unwrap_or_default(), &current);
        let mut command = command(Line::new(&words, index, find), &words, index);
        let found = complete(&mut command, words, index, here.as_deref())?;
        let parting = variable(PARTING).unwrap_or_else(|| "\n".to_owned());
        written.extend(line::after(&found, &before).join(&*parting).into_bytes());
    } else {
        let at = index.unwrap_or(words.len().saturating_sub(1));
        let mut command = command(Line::new(&words, at, find), &words, at);
        shell.write_complete(&mut command, words, here.as_deref(), &mut written)?;
    }
    Ok(written)
}

/// Returns the whole command line with what is offered for its arguments.
fn command(line: Line, words: &[OsString], index: usize) -> Command {
    let is_empty = words.get(index).is_none_or(|word| word.is_empty());
    let mut command = Cli::command();
    // So that `--help` is there, too.
    command.build();
    attached(command, &Arc::new(line), is_empty)
}

/// Flags are offered to who has begun one, or where there is nothing else.
fn attached(command: Command, line: &Arc<Line>, is_empty: bool) -> Command {
    let name = command.get_name().to_owned();
    let quieter = |arg: clap::Arg| if arg.is_positional() || !is_empty { arg } else { arg.hide(true) };
    let command = command.mut_args(|arg| match offers::of(&name, arg.get_id().as_str()) {
        Some(offer) => {
            let line = Arc::clone(line);
            quieter(arg).add(ArgValueCompleter::new(move |current: &std::ffi::OsStr| {
                match current.to_str() {
                    Some(current) => fitting(offer(&line, current), current),
                    None => Vec::new(),
                }
            }))
        }
        None => quieter(arg),
    });
    command.mut_subcommands(|command| attached(with_name_first(command), line, is_empty))
}

/// Of a command with several names one is offered, which is to be its own and not the shortest; the others are there for
/// whoever begins one.
fn with_name_first(command: Command) -> Command {
    let others: Vec<String> = command.get_visible_aliases().map(str::to_owned).collect();
    if others.is_empty() {
        return command;
    }
    // This process ends once it has answered, and clap takes texts that live as long.
    let others: Vec<&'static str> = others.into_iter().map(|name| &*name.leak()).collect();
    command.visible_alias(None).aliases(others)
}

fn fitting(mut found: Vec<CompletionCandidate>, current: &str) -> Vec<CompletionCandidate> {
    found.retain(|it| it.get_value().to_string_lossy().starts_with(current));
    found
}

/// Prints the script that makes a shell complete, or puts it where the shell looks for it.
///
/// # Errors
/// If the shell is not known, or the file cannot be written.
pub(super) fn completions(
    surroundings: &Surroundings,
    args: &CompletionsArgs,
    out: &mut Out,
) -> Result<Ending, Failure> {
    match args.shell {
        shell if args.install => install::install(surroundings, shell, out),
        Some(shell) => {
            out.bytes(script(shell, shell.install()).as_bytes());
            Ok(Ending::Success)
        }
        None => Err(Failure::usage("no shell is named").help("name one: `sortie completions bash`")),
    }
}

/// Returns the script of a shell, with a remark at its beginning.
fn script(shell: Shell, remark: &str) -> String {
    let program = std::env::args().next().unwrap_or_default();
    // Found by its path, the program is called by it, whatever the folder is then.
    let program = match Path::new(&program) {
        path if path.components().count() > 1 => {
            std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
        }
        _ => "sortie".to_owned(),
    };
    if shell == Shell::Bash {
        return format!("# {remark}\n{}", line::BASH.replace("PROGRAM", &hint::quoted(&program)));
    }
    let mut written = Vec::new();
    let shells = Shells::builtins();
    if let Some(completer) = shells.completer(shell.name()) {
        // Writing to memory does not fail.
        let _ = completer.write_registration(VARIABLE, "sortie", "sortie", &program, &mut written);
    }
    let text = String::from_utf8_lossy(&written);
    // In a folder of functions, zsh knows by the first line what a file is for, and runs all of it as the function that
    // completes: the first time, that only defines the one that does.
    match text.strip_prefix(COMPDEF) {
        Some(rest) => format!("{COMPDEF}# {remark}\n{}\n{FIRST_TIME}", rest.trim_end()),
        None => format!("# {remark}\n{text}"),
    }
}

const COMPDEF: &str = "#compdef sortie\n";
const FIRST_TIME: &str = r#"[[ "${funcstack[1]}" != _sortie ]] || _clap_dynamic_completer_sortie "$@"
"#;
