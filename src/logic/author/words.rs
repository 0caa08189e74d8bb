//! Words that people type, taken apart the same way wherever they come from.
//!
//! Not here: which question they answer (`flow.rs`).

use crate::logic::playbook;
use crate::logic::talk::Wrong;
use crate::logic::text::shortened;

/// Longest name of a playbook.
const NAME_LIMIT: usize = 100;

/// Splits at commas outside of braces, and drops what is empty.
#[must_use]
pub fn list(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// Reads an axis of a matrix, such as `os=linux,macos`.
///
/// # Errors
/// If there is no name or no value, or if no axis can have that name.
pub fn axis(text: &str) -> Result<(String, Vec<String>), Wrong> {
    let wrong = |what: &str| Wrong::new(what, "write a name and its values, such as `os=linux,macos`");
    let Some(cut) = text.find(['=', ':']) else { return Err(wrong("an axis has a name and values")) };
    let (name, values) = (text[..cut].trim(), list(&text[cut + 1..]));
    if name.is_empty() {
        return Err(wrong("this axis has no name"));
    }
    if let Some(problem) = playbook::name_problem(name, "an axis") {
        return Err(Wrong::new(problem, playbook::NAME_HELP));
    }
    if values.is_empty() {
        return Err(wrong(&format!("the axis `{}` has no values", shortened(name, 40))));
    }
    if let Some(twice) = values.iter().enumerate().find(|(at, it)| values[..*at].contains(it)) {
        let what = format!("`{}` is there twice", shortened(twice.1, 40));
        return Err(Wrong::new(what, "name each value once: two cells would be the same"));
    }
    Ok((name.to_owned(), values))
}

/// Says whether a playbook can be called that: words of letters, digits, `_` and `-` with `/` between them.
///
/// # Errors
/// What is wrong with the name.
pub fn check_name(name: &str) -> Result<(), Wrong> {
    let help =
        "a name begins with a letter and goes on with letters, digits, `_` and `-`; `/` makes a folder";
    if name.is_empty() {
        return Err(Wrong::new("a playbook needs a name", help));
    }
    if name.len() > NAME_LIMIT {
        return Err(Wrong::new(format!("the name is longer than {NAME_LIMIT} characters"), help));
    }
    let is_word = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|it| it.is_ascii_alphabetic())
            && letters.all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-')
    };
    if !name.split('/').all(is_word) {
        return Err(Wrong::new(format!("`{}` cannot be the name of a playbook", shortened(name, 40)), help));
    }
    if name.rsplit('/').next() == Some("action") {
        let help = "take another name: a file `action.yml` is an action, for steps with `uses`";
        return Err(Wrong::new("`action` cannot be the name of a playbook", help));
    }
    Ok(())
}
