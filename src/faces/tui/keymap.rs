//! Keys as the terminal's library gives them, to their names.
//!
//! Not here: what keys mean (`logic/keymap`), what an action does (`update.rs`).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::logic::keymap::key::with_control;

pub use crate::logic::keymap::{Action, Keymap, Place};

/// Returns a key's name: `p`, `P`, `ctrl-d`, `enter`, `pgdn`.
#[must_use]
pub fn name(key: &KeyEvent) -> Option<String> {
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let word = match key.code {
        // Terminals that can tell more apart are the same as those that cannot.
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => return with_control(c),
        KeyCode::Char(' ') => "space",
        KeyCode::Char(c) => return Some(c.to_string()),
        KeyCode::Enter => "enter",
        KeyCode::Esc => "esc",
        KeyCode::Tab => "tab",
        KeyCode::BackTab => "shift-tab",
        KeyCode::Up => "up",
        KeyCode::Down => "down",
        KeyCode::Left => "left",
        KeyCode::Right => "right",
        KeyCode::PageUp => "pgup",
        KeyCode::PageDown => "pgdn",
        KeyCode::Home => "home",
        KeyCode::End => "end",
        KeyCode::Backspace => "backspace",
        KeyCode::Delete => "delete",
        KeyCode::Insert => "insert",
        _ => return None,
    };
    Some(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{KeyCode, KeyEvent, KeyModifiers, name};
    use crate::logic::keymap::TABLE;
    use crate::logic::keymap::key;

    #[test]
    fn what_a_terminal_sends_has_the_name_that_keymaps_have() {
        let control = |c| name(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        // The library names some bytes by digits.
        for (c, expected) in [
            ('d', "ctrl-d"),
            ('D', "ctrl-d"),
            ('j', "enter"),
            ('5', "ctrl-]"),
            ('4', "ctrl-\\"),
            ('7', "ctrl-_"),
            (' ', "ctrl-space"),
            ('[', "esc"),
        ] {
            assert_eq!(control(c).as_deref(), Some(expected));
        }
        assert_eq!(control('1'), None);
        assert_eq!(name(&KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT)), None);
        for written in
            TABLE.iter().flat_map(|it| it.keys).copied().chain(["insert", "delete", "backspace", "left"])
        {
            assert_eq!(key::read(written).map(|it| it.name).as_deref(), Ok(written));
        }
    }
}
