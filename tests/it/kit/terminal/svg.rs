//! A screen as an SVG picture: one rectangle per run of a background, one text per run of a style.
//!
//! Not here: what is on the screen (`shot.rs`).

use std::fmt::Write as _;

use vt100::Color;

use super::shot::{Shot, Style};

const WIDTH: f32 = 8.4;
const HEIGHT: u16 = 17;
const BASELINE: u16 = 13;
const INK: &str = "#d4d4d4";
const PAPER: &str = "#16181d";
const SIXTEEN: [&str; 16] = [
    "#1d1f21", "#e05561", "#8cc265", "#d18f52", "#4aa5f0", "#c162de", "#42b3c2", "#d7dae0", "#6b7280",
    "#ff616e", "#a5e075", "#f0a45d", "#4dc4ff", "#de73ff", "#4cd1e0", "#ffffff",
];

/// Draws a screen.
pub(super) fn draw(shot: &Shot) -> String {
    let (columns, rows) = shot.size();
    let (width, height) = (across(columns), rows * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<style>text{{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;\
         white-space:pre;fill:{INK}}}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n"
    );
    for row in 0..rows {
        for run in runs(shot, row, columns) {
            run.draw(row, &mut svg);
        }
    }
    if shot.is_cursor_visible() {
        let (column, row) = shot.cursor();
        let (x, y) = (across(column), row * HEIGHT);
        let outline = format!("fill=\"none\" stroke=\"{INK}\"");
        add(
            &mut svg,
            format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" {outline}/>\n"),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

struct Run {
    style: Style,
    from: u16,
    cells: u16,
    text: String,
}

fn runs(shot: &Shot, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let (style, text) = (shot.style(row, column), shot.contents(row, column));
        match runs.last_mut() {
            Some(run) if run.style == style => {
                run.text.push_str(text);
                run.cells += 1;
            }
            _ => runs.push(Run { style, from: column, cells: 1, text: text.to_owned() }),
        }
    }
    runs
}

impl Run {
    fn draw(&self, row: u16, svg: &mut String) {
        let (mut ink, mut paper) = (color(self.style.fg), color(self.style.bg));
        if self.style.is_reversed() {
            let turned = (paper.or(Some(PAPER.to_owned())), ink.or(Some(INK.to_owned())));
            (ink, paper) = turned;
        }
        let (x, y) = (across(self.from), row * HEIGHT);
        if let Some(paper) = paper {
            let width = across(self.cells);
            add(
                svg,
                format_args!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>\n"
                ),
            );
        }
        let is_blank = self.text.trim().is_empty() && !self.style.is_underlined();
        if is_blank {
            return;
        }
        // Blanks in front and behind need no ink, unless they are underlined.
        let (x, text) = if self.style.is_underlined() {
            (x, self.text.as_str())
        } else {
            let shown = self.text.trim_start();
            let skipped = u16::try_from(self.text.len() - shown.len()).unwrap_or_default();
            (across(self.from + skipped), shown.trim_end())
        };
        let ink = ink.map(|ink| format!(" fill=\"{ink}\"")).unwrap_or_default();
        let bold = if self.style.is_bold() { " font-weight=\"bold\"" } else { "" };
        let dim = if self.style.is_dim() { " opacity=\".6\"" } else { "" };
        let slant = if self.style.is_italic() { " font-style=\"italic\"" } else { "" };
        let line = if self.style.is_underlined() { " text-decoration=\"underline\"" } else { "" };
        let cells = u16::try_from(unicode_width::UnicodeWidthStr::width(text)).unwrap_or(self.cells);
        let (y, length) = (y + BASELINE, across(cells));
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let look = format!("{ink}{bold}{dim}{slant}{line}");
        add(svg, format_args!("<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\"{look}>{text}</text>\n"));
    }
}

fn across(columns: u16) -> f32 {
    (f32::from(columns) * WIDTH * 10.0).round() / 10.0
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(n @ 0..=15) => Some(SIXTEEN[usize::from(n)].to_owned()),
        Color::Idx(n @ 16..=231) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let n = n - 16;
            Some(hex(level(n / 36), level(n / 6 % 6), level(n % 6)))
        }
        Color::Idx(n) => Some(hex(8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232))),
        Color::Rgb(r, g, b) => Some(hex(r, g, b)),
    }
}

fn hex(r: u8, g: u8, b: u8) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn add(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a text takes all");
}
