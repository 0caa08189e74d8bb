//! Names of keys: as people write them, and the one name that each has here.
//!
//! What a terminal sends is less than what a keyboard has: some keys are one and the same to it, and some are kept by it or
//! by what lies between. Each of those is told by name. Not here: what the terminal's library says (`faces/tui/keymap.rs`).

/// A key as somebody wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name here: `p`, `P`, `ctrl-d`, `enter`, `pgdn`.
    pub name: String,
    /// Why it may not do what is expected, if so.
    pub doubt: Option<String>,
}

/// Names of keys that are no sign, with others that people have for them.
pub const NAMED: [(&str, &[&str]); 16] = [
    ("space", &["spc"]),
    ("enter", &["return", "ret", "cr"]),
    ("esc", &["escape"]),
    ("tab", &[]),
    ("shift-tab", &["backtab", "btab", "s-tab"]),
    ("up", &[]),
    ("down", &[]),
    ("left", &[]),
    ("right", &[]),
    ("pgup", &["pageup", "page-up"]),
    ("pgdn", &["pagedown", "page-down", "pgdown"]),
    ("home", &[]),
    ("end", &[]),
    ("backspace", &["bs"]),
    ("delete", &["del"]),
    ("insert", &["ins"]),
];

/// Words for keys that are held down, and how people write them in front of another one.
pub const HELD: [(&str, &[&str]); 4] = [
    ("ctrl", &["ctrl-", "ctrl+", "control-", "control+", "c-", "^"]),
    ("alt", &["alt-", "alt+", "meta-", "meta+", "m-", "a-", "option-", "option+", "opt-"]),
    ("shift", &["shift-", "shift+", "s-"]),
    ("super", &["super-", "super+", "cmd-", "cmd+", "command-", "win-", "win+", "hyper-", "d-"]),
];

/// Keys with Ctrl that many terminals or what lies between keep for themselves, and who.
const KEPT: [(&str, &str); 5] = [
    ("ctrl-a", "screen keeps it for itself"),
    ("ctrl-b", "tmux keeps it for itself"),
    ("ctrl-h", "some terminals send it for Backspace"),
    ("ctrl-q", "some terminals keep it to let output go on"),
    ("ctrl-s", "some terminals keep it to stop output"),
];

/// Reads a key.
///
/// # Errors
/// Why it is none, or cannot be used, as the end of a sentence about it; and the way out.
pub fn read(text: &str) -> Result<Written, (String, String)> {
    let mut signs = text.chars();
    if let (Some(sign), None) = (signs.next(), signs.next()) {
        return match sign {
            ' ' => Ok(known("space")),
            _ if sign.is_control() || sign.is_whitespace() => Err(none()),
            _ => Ok(known(&sign.to_string())),
        };
    }
    let lower = text.to_lowercase();
    if let Some(name) = named(&lower) {
        return Ok(known(name));
    }
    if lower.strip_prefix('f').is_some_and(|number| number.parse::<u8>().is_ok()) {
        return Err((
            "cannot be used: terminals, multiplexers and desktops keep function keys for themselves"
                .to_owned(),
            "take a letter, a sign, or a letter with `ctrl-`".to_owned(),
        ));
    }
    let Some((held, rest)) = held(text) else { return Err(none()) };
    match held {
        "alt" => Err((
            "cannot be used: a terminal sends Alt as Esc and the letter, and those cannot be told apart"
                .to_owned(),
            format!("take `ctrl-{}`, or the letter alone", rest.to_lowercase()),
        )),
        "super" => Err((
            "cannot be used: terminals do not send it".to_owned(),
            format!("take `ctrl-{}`, or the letter alone", rest.to_lowercase()),
        )),
        "shift" => with_shift(rest),
        _ => with_ctrl(rest),
    }
}

/// Returns the name of a key as sentences have it: `Ctrl-r`, `Enter`, `p`.
#[must_use]
pub fn spoken(name: &str) -> String {
    if name.chars().count() < 2 {
        return name.to_owned();
    }
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Returns the name of the key that a terminal sends for Ctrl with a sign; nothing if it sends none of its own.
#[must_use]
pub fn with_control(sign: char) -> Option<String> {
    Some(match sign.to_ascii_lowercase() {
        'm' | 'j' => "enter".to_owned(),
        'i' => "tab".to_owned(),
        '[' | '3' => "esc".to_owned(),
        '\\' | '4' => "ctrl-\\".to_owned(),
        ']' | '5' => "ctrl-]".to_owned(),
        '^' | '6' => "ctrl-^".to_owned(),
        '_' | '7' | '/' => "ctrl-_".to_owned(),
        '8' | '?' => "backspace".to_owned(),
        ' ' | '2' | '@' => "ctrl-space".to_owned(),
        letter @ 'a'..='z' => format!("ctrl-{letter}"),
        _ => return None,
    })
}

fn known(name: &str) -> Written {
    Written { name: name.to_owned(), doubt: None }
}

fn none() -> (String, String) {
    (
        "is no key".to_owned(),
        "a key is a letter or sign, `ctrl-` with a letter, or one of `space`, `enter`, `tab`, `shift-tab`, `up`, `down`, \
         `left`, `right`, `pgup`, `pgdn`, `home`, `end`, `backspace`, `delete`, `insert`"
            .to_owned(),
    )
}

fn named(lower: &str) -> Option<&'static str> {
    NAMED.iter().find(|(name, others)| *name == lower || others.contains(&lower)).map(|(name, _)| *name)
}

/// Takes what is held down off the front: its word, and the key behind it.
fn held(text: &str) -> Option<(&'static str, &str)> {
    let lower = text.to_ascii_lowercase();
    HELD.iter().find_map(|(word, starts)| {
        let start = starts.iter().find(|start| lower.starts_with(**start))?;
        text.get(start.len()..).filter(|rest| !rest.is_empty()).map(|rest| (*word, rest))
    })
}

fn only(text: &str) -> Option<char> {
    let mut signs = text.chars();
    signs.next().filter(|_| signs.next().is_none())
}

fn with_shift(rest: &str) -> Result<Written, (String, String)> {
    if let Some(letter) = only(rest).filter(|it| it.is_alphabetic()) {
        return Ok(known(&letter.to_uppercase().collect::<String>()));
    }
    if only(rest).is_some() {
        return Err((
            "cannot be used: which sign Shift makes depends on the keyboard".to_owned(),
            "write the sign itself, in quotes: `\"!\"`".to_owned(),
        ));
    }
    if held(rest).is_some() {
        return Err((
            "cannot be used: with more than one key held down, terminals tell nothing apart".to_owned(),
            "take `ctrl-` with a letter, or a letter".to_owned(),
        ));
    }
    match named(&rest.to_lowercase()) {
        Some("tab") => Ok(known("shift-tab")),
        Some(name) => Err(alone("Shift", name)),
        None => Err(none()),
    }
}

fn with_ctrl(rest: &str) -> Result<Written, (String, String)> {
    let sign = match only(rest) {
        Some(sign) => sign,
        None if rest.eq_ignore_ascii_case("space") => ' ',
        None => {
            return Err(match (named(&rest.to_lowercase()), held(rest)) {
                (Some(name), _) => alone("Ctrl", name),
                (None, Some((_, last))) => (
                    "cannot be used: with more than one key held down, terminals tell nothing apart"
                        .to_owned(),
                    format!("take `ctrl-{}`", last.to_lowercase()),
                ),
                (None, None) => none(),
            });
        }
    };
    let Some(name) = with_control(sign) else {
        return Err((
            "cannot be used: terminals send nothing of its own for it".to_owned(),
            "Ctrl goes with a letter, and with `\\`, `]`, `^`, `_` and `space`".to_owned(),
        ));
    };
    let written =
        format!("ctrl-{}", if sign == ' ' { "space".to_owned() } else { sign.to_lowercase().to_string() });
    let kept = KEPT.iter().find(|(key, _)| *key == name).map(|(_, who)| format!("may never arrive: {who}"));
    let other = (name != written).then(|| format!("is `{name}` to a terminal, so this is about `{name}`"));
    Ok(Written { name, doubt: other.or(kept) })
}

fn alone(what: &str, name: &str) -> (String, String) {
    (
        format!("cannot be used: many terminals send `{name}` alone when {what} is held down with it"),
        format!("take `{name}`, or a letter"),
    )
}
