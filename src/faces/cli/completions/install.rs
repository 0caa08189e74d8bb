//! `completions --install`: the script in the folder where a shell looks for it.
//!
//! No file of a person is changed: what has to stand in `~/.zshrc` and the like is said. Start with `install`.

use std::path::{Path, PathBuf};

use super::{Shell, script};
use crate::engine::reports::{self, Kind};
use crate::faces::context::Surroundings;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;

/// Stands at the beginning of what is written, so that it is known again.
const REMARK: &str = "written by `sortie completions --install`, which also replaces it";

/// Files that may be replaced: earlier ones, and what was printed and put there by hand.
const SCRIPT: Kind = Kind { is_one, words: "completions", one: "completion of sortie" };

fn is_one(start: &str) -> bool {
    let is_remark = |line: &str| {
        line.strip_prefix("# ")
            .is_some_and(|text| text == REMARK || Shell::ALL.iter().any(|it| text == it.install()))
    };
    start.lines().take(2).any(is_remark)
}

/// Writes the script, and says how it comes to be used.
///
/// # Errors
/// If the shell is not known or looks nowhere by itself, or if the file cannot be written.
pub(super) fn install(
    surroundings: &Surroundings,
    shell: Option<Shell>,
    out: &mut Out,
) -> Result<Ending, Failure> {
    let shell = match shell {
        Some(shell) => shell,
        None => of_variable(&surroundings.shell)?,
    };
    let path = path(surroundings, shell)?;
    let text = script(shell, REMARK);
    let shown = path.display();
    let name = shell.name();
    if reports::holds(&path, text.as_bytes()) {
        out.line(format!("the completion for {name} is in `{shown}` already, as this sortie writes it"));
    } else {
        // A link is a person's, wherever it leads.
        if let Ok(target) = path.read_link() {
            let by_hand = format!("sortie completions {name} > {}", quoted(&target.display().to_string()));
            return Err(Failure::surroundings(format!(
                "`{shown}` is a link to `{}`, and is left as it is",
                target.display()
            ))
            .help(format!("remove it, or write there: {by_hand}")));
        }
        let was_there = path.exists();
        reports::make_folders(&path)
            .and_then(|()| reports::write_kind(&path, text.as_bytes(), &SCRIPT))
            .map_err(|error| {
                Failure::surroundings(format!("`{shown}` cannot be written: {error}"))
                    .help(format!("put that right, or do without the file: {}", shell.install()))
            })?;
        let word = if was_there { "replaced" } else { "written" };
        out.line(format!("the completion for {name} is {word}: `{shown}`"));
    }
    use_it(shell, &path, out);
    Ok(Ending::Success)
}

/// Returns the shell that a person works with, as far as the variable tells.
fn of_variable(value: &str) -> Result<Shell, Failure> {
    let names = "bash, zsh or fish";
    let way_out = format!("name it: `sortie completions --install SHELL` with {names}");
    let name = Path::new(value).file_name().unwrap_or_default().to_string_lossy().into_owned();
    // A login shell has a dash before its name in some places, and a version behind it in others.
    let plain = name.trim_start_matches('-').trim_end_matches(|it: char| it.is_ascii_digit() || it == '.');
    match plain {
        "" => Err(Failure::usage("the variable SHELL does not say which shell you use").help(way_out)),
        "pwsh" => Ok(Shell::Powershell),
        plain => {
            Shell::ALL.into_iter().find(|it| it.name() == plain.trim_end_matches('-')).ok_or_else(|| {
                Failure::usage(format!(
                    "there is no completion for `{name}`, the shell in the variable SHELL"
                ))
                .help(format!("if you use another one, {way_out}"))
            })
        }
    }
}

/// Returns where a shell looks for the completion of a program.
fn path(surroundings: &Surroundings, shell: Shell) -> Result<PathBuf, Failure> {
    let (home, below) = match shell {
        Shell::Bash => (&surroundings.data, "bash-completion/completions/sortie"),
        Shell::Zsh => (&surroundings.data, "zsh/site-functions/_sortie"),
        Shell::Fish => (&surroundings.config, "fish/completions/sortie.fish"),
        Shell::Elvish | Shell::Powershell => {
            let name = shell.name();
            return Err(Failure::usage(format!(
                "{name} looks in no folder for completions, so nothing can be put there"
            ))
            .help(shell.install()));
        }
    };
    let none = || {
        Failure::surroundings("there is no folder for it, as the variable HOME is not set")
            .help(format!("set HOME, or do without the file: {}", shell.install()))
    };
    Ok(home.as_ref().ok_or_else(none)?.join(below))
}

/// Says what has to be done for a shell to use it.
fn use_it(shell: Shell, path: &Path, out: &mut Out) {
    let source = format!("source {}", quoted(&path.display().to_string()));
    match shell {
        Shell::Zsh => {
            let folder = path.parent().unwrap_or(path).display().to_string();
            out.line("new shells have it if this line stands in ~/.zshrc before compinit (needless if");
            out.line("`print -l $fpath` shows the folder already):");
            out.line(format!("  fpath=({} $fpath)", quoted(&folder)));
        }
        Shell::Bash => {
            out.line(
                "new shells have it if the package bash-completion is installed; if it is not, this line",
            );
            out.line("has to stand in ~/.bashrc:");
            out.line(format!("  {source}"));
        }
        Shell::Fish | Shell::Elvish | Shell::Powershell => out.line("new shells have it"),
    }
    out.line(format!("in this shell, at once:  {source}"));
}
