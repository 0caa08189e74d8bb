//! Which editor a person has, and how it is told where to begin.
//!
//! Not here: running it (`edges/editor.rs`), handing the terminal over (`launch.rs`).

use std::ffi::OsString;
use std::path::Path;

/// What is said where there is none.
pub const NONE: &str =
    "no editor is set: the variables VISUAL and EDITOR name one, as in `export EDITOR=nano`";

/// Editors that begin at the line that `+LINE` before a file names.
const WITH_LINE: [&str; 19] = [
    "emacs",
    "emacsclient",
    "ex",
    "gvim",
    "helix",
    "hx",
    "jmacs",
    "joe",
    "kak",
    "mg",
    "micro",
    "nano",
    "ne",
    "nvi",
    "nvim",
    "pico",
    "vi",
    "view",
    "vim",
];

/// Returns the name of an editor without its folder and arguments.
#[must_use]
pub fn name(command: &str) -> &str {
    let program = command.split_whitespace().next().unwrap_or(command);
    program.rsplit('/').next().unwrap_or(program)
}

/// Returns what an editor is given to open a file, at a line where it is known to understand that.
#[must_use]
pub fn arguments(command: &str, file: &Path, line: Option<u32>) -> Vec<OsString> {
    let line = line.filter(|_| WITH_LINE.contains(&name(command)));
    line.map(|line| format!("+{line}").into()).into_iter().chain([file.as_os_str().to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::{arguments, name};
    use std::path::Path;

    #[test]
    fn those_that_know_lines_begin_there() {
        let of = |command, line| -> Vec<String> {
            arguments(command, Path::new("a b.yml"), line)
                .iter()
                .map(|it| it.to_string_lossy().into())
                .collect()
        };
        assert_eq!(of("/usr/bin/vim -p", Some(3)), ["+3", "a b.yml"]);
        assert_eq!(of("emacsclient -t", Some(3)), ["+3", "a b.yml"]);
        assert_eq!(of("vim", None), ["a b.yml"]);
        assert_eq!(of("code --wait", Some(3)), ["a b.yml"]);
        assert_eq!((name("/usr/bin/code --wait"), name("vi")), ("code", "vi"));
    }
}
