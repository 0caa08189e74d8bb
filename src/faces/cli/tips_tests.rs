//! Tips that are given, and those that are not.

use crate::faces::cli::args_quick::parse;

/// Returns what is said to a command line that is wrong.
fn told(line: &str) -> String {
    let error = parse(line.split(' ').map(Into::into)).expect_err("it is wrong");
    error.render().to_string()
}

#[test]
fn tips_are_words_that_are_alike() {
    for (line, tip) in [
        ("sortie wach", "a similar subcommand exists: 'watch'"),
        ("sortie jobs lst", "'list'"),
        ("sortie run ci --max-paralel 3", "a similar argument exists: '--max-parallel'"),
        ("sortie run ci --colr=never", "a similar argument exists: '--color'"),
        ("sortie completions bsh", "a similar value exists: 'bash'"),
    ] {
        assert!(told(line).contains(tip), "{line}\n{}", told(line));
    }
}

#[test]
fn a_word_that_only_shares_letters_is_no_tip() {
    for line in [
        "sortie frobnicate",
        "sortie qqq",
        "sortie jobs wombat",
        "sortie run ci --wait-for-moon",
        "sortie run ci --inpossible",
        "sortie --wat run",
        "sortie completions basilisk",
    ] {
        let told = told(line);
        assert!(told.starts_with("error: ") && !told.contains("similar"), "{line}\n{told}");
        assert!(!told.contains("exists"), "{line}\n{told}");
    }
    assert!(!told("sortie frobnicate").contains("\n\n\n"), "{}", told("sortie frobnicate"));
    // The usage speaks of the command and of no flag that was guessed.
    let told = told("sortie run ci --inpossible");
    assert!(told.contains("Usage: sortie run [OPTIONS] [PLAYBOOK]"), "{told}");
}
