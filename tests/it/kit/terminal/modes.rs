//! How a terminal line is set up: every flag and control character, to be compared.
//!
//! Not here: what the screen is set to (`shot.rs`).

use std::os::fd::AsFd;

use rustix::termios::{LocalModes, SpecialCodeIndex, Termios, tcgetattr};

/// The settings of a terminal line at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    speeds: (u32, u32),
    characters: Vec<(&'static str, u8)>,
}

const CHARACTERS: [(&str, SpecialCodeIndex); 16] = [
    ("intr", SpecialCodeIndex::VINTR),
    ("quit", SpecialCodeIndex::VQUIT),
    ("erase", SpecialCodeIndex::VERASE),
    ("kill", SpecialCodeIndex::VKILL),
    ("eof", SpecialCodeIndex::VEOF),
    ("time", SpecialCodeIndex::VTIME),
    ("min", SpecialCodeIndex::VMIN),
    ("start", SpecialCodeIndex::VSTART),
    ("stop", SpecialCodeIndex::VSTOP),
    ("susp", SpecialCodeIndex::VSUSP),
    ("eol", SpecialCodeIndex::VEOL),
    ("reprint", SpecialCodeIndex::VREPRINT),
    ("discard", SpecialCodeIndex::VDISCARD),
    ("werase", SpecialCodeIndex::VWERASE),
    ("lnext", SpecialCodeIndex::VLNEXT),
    ("eol2", SpecialCodeIndex::VEOL2),
];

impl Modes {
    /// Reads them, through either side of a pseudo terminal.
    pub(super) fn of(fd: impl AsFd) -> Self {
        let termios: Termios = tcgetattr(fd).expect("it is a terminal");
        Self {
            input: termios.input_modes.bits(),
            output: termios.output_modes.bits(),
            control: termios.control_modes.bits(),
            local: termios.local_modes.bits(),
            speeds: (termios.input_speed(), termios.output_speed()),
            characters: CHARACTERS.iter().map(|(name, at)| (*name, termios.special_codes[*at])).collect(),
        }
    }

    /// Says whether typed characters are shown by the terminal itself.
    pub(crate) fn echoes(&self) -> bool {
        self.local & LocalModes::ECHO.bits() != 0
    }

    /// Says whether a program gets keys as they come: not in lines, and without signals by ctrl-C.
    pub(crate) fn is_raw(&self) -> bool {
        self.local & (LocalModes::ICANON | LocalModes::ISIG).bits() == 0
    }
}
