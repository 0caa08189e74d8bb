//! Keys and the mouse as a terminal sends them.
//!
//! Not here: when they are sent (`mod.rs`).

/// What a hand does to the mouse. Columns and rows count from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mouse {
    /// The left button, pressed and let go.
    Click(u16, u16),
    /// The left button, pressed and held.
    Press(u16, u16),
    /// Moved while the left button is held.
    Drag(u16, u16),
    /// The left button, let go.
    Release(u16, u16),
    /// The wheel, one notch away from the hand.
    WheelUp(u16, u16),
    /// The wheel, one notch towards the hand.
    WheelDown(u16, u16),
}

impl Mouse {
    /// What is sent, in the SGR encoding.
    pub(super) fn bytes(self) -> String {
        let event =
            |button, column: u16, row: u16, end| format!("\x1b[<{button};{};{}{end}", column + 1, row + 1);
        match self {
            Self::Click(c, r) => event(0, c, r, 'M') + &event(0, c, r, 'm'),
            Self::Press(c, r) => event(0, c, r, 'M'),
            Self::Drag(c, r) => event(32, c, r, 'M'),
            Self::Release(c, r) => event(0, c, r, 'm'),
            Self::WheelUp(c, r) => event(64, c, r, 'M'),
            Self::WheelDown(c, r) => event(65, c, r, 'M'),
        }
    }
}

/// Reads keys as tests write them (`jj<enter>/warn<esc><c-c>`) into the bytes of one key after the other.
///
/// With arrows as keypads send them if the program asked for that.
pub(super) fn read(text: &str, is_application: bool) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let named =
            (first == '<').then(|| rest.split_once('>').expect("`<` begins a name; write `<lt>` for it"));
        let Some((name, behind)) = named else {
            keys.push(first.to_string().into_bytes());
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let name = &name[1..];
        keys.push(key(name, is_application).unwrap_or_else(|| panic!("no key is called `<{name}>`")));
        rest = behind;
    }
    keys
}

fn key(name: &str, is_application: bool) -> Option<Vec<u8>> {
    if let Some((modifier, base)) = name.split_once('-').filter(|(m, _)| ["c", "a", "s"].contains(m)) {
        return modified(modifier, base);
    }
    let simple: &[u8] = match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "space" => b" ",
        "bs" => b"\x7f",
        "lt" => b"<",
        _ => {
            let (number, end) = cursor_key(name)?;
            let arrow = if is_application && number == 1 { "\x1bO" } else { "\x1b[" };
            let number = if number == 1 { String::new() } else { number.to_string() };
            return Some(format!("{arrow}{number}{end}").into_bytes());
        }
    };
    Some(simple.to_vec())
}

fn modified(modifier: &str, base: &str) -> Option<Vec<u8>> {
    let mut chars = base.chars();
    let single = chars.next().filter(|_| chars.next().is_none());
    match (modifier, single) {
        ("c", Some(c @ ('a'..='z' | '@' | '[' | '\\' | ']' | '^' | '_'))) => {
            Some(vec![u8::try_from(c).ok()?.to_ascii_uppercase() & 0x1f])
        }
        ("a", Some(c)) => Some(format!("\x1b{c}").into_bytes()),
        ("c", None) if base == "space" => Some(vec![0]),
        ("a", None) if base == "enter" => Some(b"\x1b\r".to_vec()),
        ("s", None) if base == "tab" => Some(b"\x1b[Z".to_vec()),
        (_, None) => {
            let (number, end) = cursor_key(base)?;
            let code = match modifier {
                "s" => 2,
                "a" => 3,
                _ => 5,
            };
            Some(format!("\x1b[{number};{code}{end}").into_bytes())
        }
        _ => None,
    }
}

/// Number and end of the sequence of a key.
fn cursor_key(name: &str) -> Option<(u8, char)> {
    Some(match name {
        "up" => (1, 'A'),
        "down" => (1, 'B'),
        "right" => (1, 'C'),
        "left" => (1, 'D'),
        "end" => (1, 'F'),
        "home" => (1, 'H'),
        "ins" => (2, '~'),
        "del" => (3, '~'),
        "pgup" => (5, '~'),
        "pgdn" => (6, '~'),
        _ => {
            let n: u8 = name.strip_prefix('f')?.parse().ok()?;
            let number = match n {
                1..=5 => n + 10,
                6..=10 => n + 11,
                11 | 12 => n + 12,
                _ => return None,
            };
            (number, '~')
        }
    })
}
