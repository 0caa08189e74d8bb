//! Commands that need no shell: a program and plain words, which every shell would start just as they stand.
//!
//! Not here: finding the program (`edges/keeper`). What is not found there goes to the shell after all, which then says so
//! in its own words.

/// Words that a shell takes for itself: reserved ones and built-in commands of dash, bash, ksh and busybox, by their
/// manuals. `true` and `false` are not among them: as programs they do the same.
const SHELL_WORDS: [&str; 92] = [
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "autoload",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "fi",
    "float",
    "for",
    "function",
    "functions",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "integer",
    "jobs",
    "kill",
    "let",
    "local",
    "login",
    "logout",
    "mapfile",
    "nameref",
    "newgrp",
    "nohup",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "r",
    "read",
    "readarray",
    "readonly",
    "redirect",
    "rename",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "stop",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "whence",
    "while",
];

/// Returns the words of a text that a POSIX shell would take as one program with these arguments, and nothing else.
#[must_use]
pub(super) fn simple_command(text: &str) -> Option<Vec<String>> {
    let text = text.trim_matches([' ', '\t', '\n']);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=".contains(c);
    let words: Vec<&str> = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let program = words.first()?;
    // An assignment, an option of the shell, or a job.
    let is_other = program.contains(['=', '%']) || program.starts_with('-');
    if is_other || SHELL_WORDS.contains(program) || !words.iter().all(|word| word.chars().all(is_plain)) {
        return None;
    }
    Some(words.into_iter().map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_with_plain_words_needs_no_shell() {
        for (text, words) in [
            ("true", &["true"][..]),
            ("  cargo  test\t--workspace \n", &["cargo", "test", "--workspace"]),
            (
                "./build.sh a=1 v1.2 x@y 50% -o=/tmp/x",
                &["./build.sh", "a=1", "v1.2", "x@y", "50%", "-o=/tmp/x"],
            ),
        ] {
            assert_eq!(simple_command(text).unwrap(), words, "{text}");
        }
        for text in [
            "", "  ", "true;", "a && b", "a | b", "a > b", "a $b", "a `b`", "a 'b'", "a \"b\"", "a \\b",
            "a *", "a ?", "a [b]", "a {b,c}", "~/a", "a ~", "a ~/b", "a=1", "a=1 b", "# a", "a #b", "! a",
            "a !b", "a\nb", "a\r", "a\u{a0}b", "ä", "-x", "%1", "echo a", "cd a", "exit 1", ". a", "time a",
            "if", "[ a ]", "a ^ b", "(a)", "a &",
        ] {
            assert_eq!(simple_command(text), None, "{text}");
        }
    }

    #[test]
    fn the_words_of_shells_are_in_order_and_none_is_there_twice() {
        assert!(SHELL_WORDS.is_sorted_by(|a, b| a < b));
    }
}
