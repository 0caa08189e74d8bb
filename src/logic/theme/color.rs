//! Colours as themes state them, and what becomes of them on terminals that show fewer.
//!
//! Not here: reading themes (`read.rs`), the escape codes (`faces`). Start with `Color::at` and `Depth::choose`.

#[cfg(test)]
#[path = "color_tests.rs"]
mod tests;

/// The sixteen colours of a terminal, by their numbers.
pub static NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// Those sixteen as xterm shows them; every terminal has shades of its own.
const SIXTEEN: [u32; 16] = [
    0x00_00_00, 0xcd_00_00, 0x00_cd_00, 0xcd_cd_00, 0x00_00_ee, 0xcd_00_cd, 0x00_cd_cd, 0xe5_e5_e5,
    0x7f_7f_7f, 0xff_00_00, 0x00_ff_00, 0xff_ff_00, 0x5c_5c_ff, 0xff_00_ff, 0x00_ff_ff, 0xff_ff_ff,
];

/// Below this a colour is taken for a grey; the unit is that of `Oklab`.
const GREYISH: f64 = 0.045;

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Reads `#rrggbb` or `#rgb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            6 => Some(Self::of(number)),
            3 => Some(Self::of(((number & 0xf00) << 8 | (number & 0x0f0) << 4 | (number & 0x00f)) * 0x11)),
            _ => None,
        }
    }

    /// Returns the colour that the terminal's number stands for, as xterm shows it.
    #[must_use]
    pub fn of_index(index: u8) -> Self {
        let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
        match index {
            0..16 => Self::of(SIXTEEN[usize::from(index)]),
            16..232 => {
                let at = index - 16;
                Self(step(at / 36), step(at / 6 % 6), step(at % 6))
            }
            232.. => Self(8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)),
        }
    }

    fn of(number: u32) -> Self {
        let [_, red, green, blue] = number.to_be_bytes();
        Self(red, green, blue)
    }

    /// Returns red, green and blue as amounts of light, from 0 to 1.
    #[must_use]
    pub fn light(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }
}

/// Returns the contrast of two colours as the Web Content Accessibility Guidelines define it, from 1 to 21.
#[must_use]
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |color: Rgb| {
        let [red, green, blue] = color.light();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    None,
    Sixteen,
    TwoFiftySix,
    True,
}

impl Depth {
    /// Returns the depth by the setting `ui.color` and the variables `TERM`, `COLORTERM` and `NO_COLOR`.
    #[must_use]
    pub fn choose(
        setting: &str,
        term: Option<&str>,
        colorterm: Option<&str>,
        no_color: Option<&str>,
    ) -> Self {
        let refuses = no_color.is_some_and(|value| !value.is_empty());
        if setting == "never" || (refuses && setting != "always") {
            return Self::None;
        }
        let found = Self::detect(term.unwrap_or(""), colorterm.unwrap_or(""));
        if setting == "always" { found.max(Self::Sixteen) } else { found }
    }

    fn detect(term: &str, colorterm: &str) -> Self {
        let begins = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
        let is_direct = matches!(colorterm, "truecolor" | "24bit");
        if begins(&["dumb", "vt1", "vt2", "vt3", "vt4", "vt5"]) {
            Self::None
        } else if begins(&["screen"]) && (is_direct || term.contains("256")) {
            // GNU screen hands the variable on and then mistakes 24-bit colours for attributes.
            Self::TwoFiftySix
        } else if is_direct
            || term.ends_with("-direct")
            || begins(&["xterm-kitty", "xterm-ghostty", "alacritty", "wezterm", "foot"])
        {
            Self::True
        } else if term.contains("256") {
            Self::TwoFiftySix
        } else {
            Self::Sixteen
        }
    }
}

/// A colour as a theme states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Color {
    /// What the terminal uses where nobody asks for a colour.
    Default,
    /// One of the terminal's own colours; the first sixteen have names.
    Index(u8),
    Rgb(Rgb),
}

impl Color {
    /// Returns the nearest colour that a terminal of that depth shows; none if it shows none.
    #[must_use]
    pub fn at(self, depth: Depth) -> Option<Self> {
        match (self, depth) {
            (_, Depth::None) => None,
            (Self::Default | Self::Index(0..16), _) | (_, Depth::True) => Some(self),
            (Self::Index(_), Depth::TwoFiftySix) => Some(self),
            (Self::Index(index), Depth::Sixteen) => Some(Self::Index(nearest_of_16(Rgb::of_index(index)))),
            (Self::Rgb(color), Depth::Sixteen) => Some(Self::Index(nearest_of_16(color))),
            (Self::Rgb(color), Depth::TwoFiftySix) => Some(Self::Index(nearest_of_256(color))),
        }
    }

    /// Returns red, green and blue, as xterm shows them; none if only the terminal knows.
    #[must_use]
    pub fn rgb(self) -> Option<Rgb> {
        match self {
            Self::Default => None,
            Self::Index(index) => Some(Rgb::of_index(index)),
            Self::Rgb(color) => Some(color),
        }
    }
}

/// The first sixteen are left out, as every terminal has shades of its own for them.
fn nearest_of_256(color: Rgb) -> u8 {
    let wanted = Oklab::of(color);
    nearest(16..=255, |index| wanted.distance(Oklab::of(Rgb::of_index(index))))
}

/// Among so few the hue says more than the lightness: a pale green is to become green, and not grey.
fn nearest_of_16(color: Rgb) -> u8 {
    let wanted = Oklab::of(color);
    if wanted.chroma() < GREYISH {
        let greys = [0, 7, 8, 15];
        return nearest(greys, |index| wanted.distance(Oklab::of(Rgb::of_index(index))));
    }
    nearest((1..=6).chain(9..=14), |index| {
        let other = Oklab::of(Rgb::of_index(index));
        let hue = |lab: Oklab| (lab.a / lab.chroma(), lab.b / lab.chroma());
        let ((a, b), (other_a, other_b)) = (hue(wanted), hue(other));
        (a - other_a).powi(2) + (b - other_b).powi(2) + (wanted.lightness - other.lightness).powi(2)
    })
}

fn nearest(candidates: impl IntoIterator<Item = u8>, distance: impl Fn(u8) -> f64) -> u8 {
    let mut best = (f64::INFINITY, 0);
    for index in candidates {
        let found = distance(index);
        if found < best.0 {
            best = (found, index);
        }
    }
    best.1
}

/// A colour where equal distances look equally large: Björn Ottosson, "A perceptual color space for image
/// processing", 2020, from which the numbers are.
#[derive(Clone, Copy, Debug)]
struct Oklab {
    lightness: f64,
    a: f64,
    b: f64,
}

impl Oklab {
    fn of(color: Rgb) -> Self {
        let [red, green, blue] = color.light();
        let long = (0.412_221_47 * red + 0.536_332_54 * green + 0.051_445_99 * blue).cbrt();
        let medium = (0.211_903_5 * red + 0.680_699_55 * green + 0.107_396_96 * blue).cbrt();
        let short = (0.088_302_46 * red + 0.281_718_84 * green + 0.629_978_7 * blue).cbrt();
        Self {
            lightness: 0.210_454_26 * long + 0.793_617_79 * medium - 0.004_072_05 * short,
            a: 1.977_998_5 * long - 2.428_592_2 * medium + 0.450_593_71 * short,
            b: 0.025_904_04 * long + 0.782_771_77 * medium - 0.808_675_77 * short,
        }
    }

    fn chroma(self) -> f64 {
        self.a.hypot(self.b)
    }

    /// The square of the distance.
    fn distance(self, other: Self) -> f64 {
        (self.lightness - other.lightness).powi(2) + (self.a - other.a).powi(2) + (self.b - other.b).powi(2)
    }
}
