//! What a terminal makes of the bytes it is sent: the screen, and the modes that `vt100` does not keep for us.
//!
//! Not here: where the bytes come from (`reader.rs`), what can be asked of the result (`shot.rs`).
//! While a synchronized update is open the glass shows what was there before it, as a terminal's would.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::time::Instant;

use vt100::capture::{BasicFormattedCaptureState, RowContents, basic_formatted_to_plain};
use vt100::{Callbacks, Parser, Screen};

use super::shot::Shot;

const UPDATE_ENDS: &[u8] = b"\x1b[?2026l";

/// A terminal without glass.
pub(super) struct Emulator {
    parser: Parser<Heard>,
    scanner: Scanner,
    marks: Marks,
    /// The screen from before the open update, once a read ended inside of it.
    held: Option<Screen>,
    /// When each synchronized update ended.
    pub(super) frames: Vec<Instant>,
    /// Answers to what the program asked, to be sent to it.
    pub(super) replies: Vec<u8>,
}

/// What the screen itself does not tell.
#[derive(Default)]
pub(super) struct Heard {
    title: String,
    /// Texts that the program put into the clipboard by OSC 52, still in base64.
    pub(super) copied: Vec<String>,
    /// Rows that left the normal screen at its top.
    pub(super) history: Vec<String>,
}

/// Modes that a program may leave behind, beside those in `Screen`.
#[derive(Clone, Default)]
pub(super) struct Marks {
    pub(super) reports_focus: bool,
    pub(super) is_updating: bool,
    pub(super) keeps_lines_long: bool,
    pub(super) scroll_region: Option<String>,
    pub(super) pushed_titles: Vec<String>,
    pub(super) pushed_keyboards: usize,
}

impl Emulator {
    pub(super) fn new(size: (u16, u16)) -> Self {
        let (rows, columns) = rows_and_columns(size);
        Self {
            parser: Parser::new_with_callbacks(rows, columns, 0, Heard::default()),
            scanner: Scanner::default(),
            marks: Marks::default(),
            held: None,
            frames: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Takes in what was read at that moment. Calls back whenever the glass may show something new.
    pub(super) fn feed(&mut self, chunk: &[u8], at: Instant, mut see: impl FnMut(&Self)) {
        let mut fed = 0;
        for (index, byte) in chunk.iter().enumerate() {
            let Some(sequence) = self.scanner.step(*byte) else { continue };
            self.parser.process(&chunk[fed..=index]);
            fed = index + 1;
            let was_updating = self.marks.is_updating;
            self.obey(&sequence);
            if self.marks.is_updating && !was_updating {
                let ends_in_here = memchr::memmem::find(&chunk[fed..], UPDATE_ENDS).is_some();
                self.held = (!ends_in_here).then(|| self.parser.screen().clone());
            } else if was_updating && !self.marks.is_updating {
                self.held = None;
                self.frames.push(at);
                see(self);
            }
        }
        self.parser.process(&chunk[fed..]);
        if !self.marks.is_updating {
            see(self);
        }
    }

    pub(super) fn resize(&mut self, size: (u16, u16)) {
        let (rows, columns) = rows_and_columns(size);
        self.parser.set_size(rows, columns);
    }

    /// What is on the glass.
    pub(super) fn shot(&self) -> Shot {
        let screen = self.held.as_ref().unwrap_or_else(|| self.parser.screen()).clone();
        Shot::new(screen, self.heard().title.clone(), self.marks.clone())
    }

    /// What the program has drawn, even if it has not closed its update.
    pub(super) fn drawn(&self) -> Shot {
        Shot::new(self.parser.screen().clone(), self.heard().title.clone(), self.marks.clone())
    }

    pub(super) fn heard(&self) -> &Heard {
        self.parser.callbacks()
    }

    /// Acts on a control sequence, given from behind its `ESC [` (or `ESC`) to its end.
    fn obey(&mut self, sequence: &Sequence) {
        match sequence {
            Sequence::Escape(b'c') => self.marks = Marks::default(),
            Sequence::Escape(_) => {}
            Sequence::Control(text) => self.obey_control(&String::from_utf8_lossy(text)),
        }
    }

    fn obey_control(&mut self, text: &str) {
        let (row, column) = self.parser.screen().cursor_position();
        let marks = &mut self.marks;
        match text {
            "5n" => self.replies.extend_from_slice(b"\x1b[0n"),
            "6n" => self.replies.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes()),
            "c" | "0c" => self.replies.extend_from_slice(b"\x1b[?62;22c"),
            ">c" | ">0c" => self.replies.extend_from_slice(b"\x1b[>41;354;0c"),
            "!p" | "r" | "0r" | ";r" => marks.scroll_region = None,
            "22t" | "22;0t" | "22;2t" => marks.pushed_titles.push(self.parser.callbacks().title.clone()),
            "23t" | "23;0t" | "23;2t" => {
                if let Some(title) = marks.pushed_titles.pop() {
                    self.parser.callbacks_mut().title = title;
                }
            }
            _ if text.starts_with('>') && text.ends_with('u') => marks.pushed_keyboards += 1,
            _ if text.starts_with('<') && text.ends_with('u') => {
                let popped = text[1..text.len() - 1].parse().unwrap_or(1);
                marks.pushed_keyboards = marks.pushed_keyboards.saturating_sub(popped);
            }
            _ if text.starts_with('?') && text.ends_with(['h', 'l']) => {
                let is_on = text.ends_with('h');
                for mode in text[1..text.len() - 1].split(';') {
                    match mode {
                        "7" => marks.keeps_lines_long = !is_on,
                        "1004" => marks.reports_focus = is_on,
                        "2026" => marks.is_updating = is_on,
                        _ => {}
                    }
                }
            }
            _ if text.ends_with('r') && text.starts_with(|c: char| c.is_ascii_digit()) => {
                let region = text.trim_end_matches('r');
                let (rows, _) = self.parser.screen().size();
                let is_all = region == format!("1;{rows}");
                marks.scroll_region = (!is_all).then(|| region.to_owned());
            }
            _ => {}
        }
    }
}

fn rows_and_columns((columns, rows): (u16, u16)) -> (NonZeroU16, NonZeroU16) {
    let whole = |n: u16| NonZeroU16::new(n).expect("a terminal has at least one row and one column");
    (whole(rows), whole(columns))
}

impl Callbacks for Heard {
    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.title = String::from_utf8_lossy(title).into_owned();
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.copied.push(String::from_utf8_lossy(data).into_owned());
    }

    fn on_scroll(&mut self, contents: RowContents<'_>, alternate_screen: bool) {
        if alternate_screen {
            return;
        }
        let mut row = String::new();
        let mut state = BasicFormattedCaptureState::new();
        if contents.write_formatted_basic(&mut row, &mut state).is_ok() {
            let plain: String = basic_formatted_to_plain(&row).collect();
            self.history.push(plain.trim_end().to_owned());
        }
    }
}

/// Finds where control sequences end, which `vt100` does not tell of those that it handles.
#[derive(Default)]
struct Scanner {
    place: Place,
    text: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Text,
    Escape,
    Control,
    String,
}

enum Sequence {
    Escape(u8),
    Control(Vec<u8>),
}

impl Scanner {
    fn step(&mut self, byte: u8) -> Option<Sequence> {
        let is_ground = matches!(self.place, Place::Text);
        if is_ground && byte != 0x1b {
            return None;
        }
        match (self.place, byte) {
            (_, 0x1b) => self.place = Place::Escape,
            (Place::Escape, b'[') => {
                self.place = Place::Control;
                self.text.clear();
            }
            (Place::Escape, b']' | b'P' | b'_' | b'^' | b'X') => self.place = Place::String,
            (Place::Escape, b'0'..=b'~') => {
                self.place = Place::Text;
                return Some(Sequence::Escape(byte));
            }
            (Place::Control, b'@'..=b'~') => {
                self.place = Place::Text;
                self.text.push(byte);
                // Colours and places make up nearly all there is, and say nothing that is asked here.
                let is_asked = b"hlrntcup".contains(&byte);
                return is_asked.then(|| Sequence::Control(std::mem::take(&mut self.text)));
            }
            (Place::Control, 0x20..=0x3f) => self.text.push(byte),
            (Place::String, 0x07) | (_, 0x18 | 0x1a) => self.place = Place::Text,
            _ => {}
        }
        None
    }
}

/// Bytes as a reader may see them in a failure.
pub(super) fn legible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\x1b' => text.push_str("^["),
            '\n' => text.push_str("\\n\n"),
            c if c.is_control() => write!(text, "\\x{:02x}", u32::from(c)).expect("a text takes all"),
            c => text.push(c),
        }
    }
    text
}
