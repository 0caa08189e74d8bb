//! A job for the tests of screens: built from events, with real log files, at one fixed moment.
#![expect(clippy::disallowed_methods, reason = "logs are written as a keeper would")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::draw;
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::looks::MadeOf;
use super::motion::Motion;
use super::theme::Theme;
use super::ui::{Facts, Look, Request, Ui};
use crate::engine::logs;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::report::AttemptKey;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::theme::{Depth, Theme as Stated};
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;
use crate::logic::view::forecast::Forecast;

const TEXT: &str = "\
version: 3
name: deploy-web
stages:
  checkout: { run: git fetch }
  lint: { needs: checkout, run: cargo clippy }
  build:
    needs: checkout
    matrix: { os: [linux, macos, windows], rust: [stable, nightly] }
    steps:
      - name: Compile
        run: cargo build --locked --release
      - name: Package
        run: tar cf out.tar target
  test: { needs: [lint, build], run: cargo test }
  docs: { needs: lint, if: \"${{ false }}\", run: mdbook }
  deploy: { needs: test, steps: [{ id: ship, run: ./ship }, { id: smoke, run: ./smoke }] }
finally:
  report: { run: ./report }
";

/// A quarter to eleven, some day.
const BEGIN: i64 = 1_780_000_000_000_000;

/// A screen with its job.
pub(super) struct Scene {
    pub(super) view: JobView,
    pub(super) ui: Ui,
    folder: tempfile::TempDir,
    pub(super) second: i64,
    pub(super) is_live: bool,
}

/// How a screen is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skin {
    Color,
    Mono,
    Ascii,
}

pub(super) fn look(skin: Skin) -> Look {
    let depth = if skin == Skin::Color { Depth::Sixteen } else { Depth::None };
    let themes = vec![Theme::new(&Stated::terminal(), depth)];
    Look {
        themes,
        theme: 0,
        glyphs: Glyphs { ascii: skin == Skin::Ascii },
        motion: Motion::Full,
        keys: Keymap::default(),
        wrong_keys: None,
        made_of: MadeOf::default(),
    }
}

impl Scene {
    pub(super) fn new(skin: Skin) -> Self {
        Self::of(TEXT, skin)
    }

    /// A screen with a job of that playbook.
    pub(super) fn of(text: &str, skin: Skin) -> Self {
        let reading = playbook::read(&Source::new("deploy.yml", text));
        let playbook = reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics));
        let folder = tempfile::tempdir().unwrap();
        let ui = Ui::new(look(skin), folder.path().to_path_buf(), Forecast::new(&[]));
        Self { view: JobView::new(Arc::new(playbook)), ui, folder, second: 0, is_live: true }
    }

    /// Lets seconds pass.
    pub(super) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.second += seconds;
        self
    }

    pub(super) fn events(&mut self, events: impl IntoIterator<Item = Event>) -> &mut Self {
        for event in events {
            let seq = self.view.seq + 1;
            let time = Timestamp(BEGIN + self.second * 1_000_000);
            self.view.fold(&Envelope { seq, time, event });
        }
        self
    }

    pub(super) fn log(&mut self, key: AttemptKey, text: &str) -> &mut Self {
        let path = logs::path(self.folder.path(), key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self.ui.log.look_again();
        self
    }

    pub(super) fn facts<'a>(view: &'a JobView, second: i64, is_live: bool) -> Facts<'a> {
        let now = Duration::from_secs(u64::try_from(second).unwrap());
        Facts {
            view,
            number: 214,
            is_live,
            is_ours: is_live,
            now,
            time: view.clock(Timestamp(BEGIN + second * 1_000_000)),
        }
    }

    /// Presses keys by their names.
    pub(super) fn keys(&mut self, keys: &str) -> Vec<Request> {
        let mut requests = Vec::new();
        for key in keys.split(' ') {
            // A dialog does not hear what comes at once.
            self.second += 1;
            requests.extend(self.ui.key(key, Self::facts(&self.view, self.second, self.is_live)));
            self.settle();
        }
        requests
    }

    pub(super) fn settle(&mut self) {
        self.ui.go_along(&self.view);
        while self.ui.log.has_work() {
            self.ui.log.work();
        }
    }

    pub(super) fn facts_now(&self) -> Facts<'_> {
        Self::facts(&self.view, self.second, self.is_live)
    }

    pub(super) fn picture(&mut self, size: (u16, u16)) -> draw::Picture {
        self.settle();
        // The first picture tells the pane its size, as on a real screen.
        let _first = draw::picture(&mut self.ui, Self::facts(&self.view, self.second, self.is_live), size);
        self.settle();
        draw::picture(&mut self.ui, Self::facts(&self.view, self.second, self.is_live), size)
    }

    pub(super) fn buffer(&mut self, size: (u16, u16)) -> Buffer {
        self.picture(size).buffer
    }

    /// Returns the screen as text, and below it the style of each cell as a letter.
    pub(super) fn shot(&mut self, size: (u16, u16)) -> String {
        told_picture(&self.buffer(size))
    }
}

/// Returns a picture as text, and below it the style of each cell as a letter, so that a mark that drifts shows.
pub(super) fn told_picture(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let mut text = String::new();
    let mut letters: Vec<Style> = vec![Style::default()];
    let mut styles = String::new();
    for y in 0..rows {
        let (mut line, mut marks, mut is_covered) = (String::new(), String::new(), false);
        for x in 0..columns {
            let cell = &buffer[(x, y)];
            // A wide letter covers the cell after it.
            if !is_covered {
                line.push_str(cell.symbol());
            }
            is_covered = !is_covered && cell.symbol().width() == 2;
            let style = plain(cell.style());
            let at = letters.iter().position(|it| *it == style).unwrap_or_else(|| {
                letters.push(style);
                letters.len() - 1
            });
            marks.push(if at == 0 { '.' } else { char::from(b'a' + u8::try_from(at - 1).unwrap()) });
        }
        let _ = writeln!(text, "|{line}|");
        let _ = writeln!(styles, "|{marks}|");
    }
    let mut legend = String::new();
    for (at, style) in letters.iter().enumerate().skip(1) {
        let _ = writeln!(legend, "{} {}", char::from(b'a' + u8::try_from(at - 1).unwrap()), told(*style));
    }
    format!("{text}\n{styles}\n{legend}")
}

/// What is not set and what is set to the terminal's own are the same to the eye.
fn plain(style: Style) -> Style {
    let color = |it: Option<Color>| it.filter(|it| *it != Color::Reset);
    Style { fg: color(style.fg), bg: color(style.bg), add_modifier: style.add_modifier, ..Style::default() }
}

fn told(style: Style) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(style.fg.map(|color| color.to_string()));
    words.extend(style.bg.map(|color| format!("on {color}")));
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if style.add_modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

pub(super) fn key(cell: u32, step: u32, attempt: u32) -> AttemptKey {
    AttemptKey { cell, run: 1, step, attempt }
}

pub(super) fn stage(stage: u32, cells: &[(u32, &str, serde_json::Value)]) -> Event {
    let cells = cells
        .iter()
        .map(|(cell, label, matrix)| NewCell {
            cell: *cell,
            run: 1,
            id: format!("s{stage}.0000000{cell}").into(),
            label: Arc::from(*label),
            matrix: Arc::new(matrix.clone()),
        })
        .collect();
    Event::StageStarted { stage, cells }
}

pub(super) fn begin(cell: u32) -> Event {
    Event::CellStarted { cell, run: 1 }
}

pub(super) fn step(key: AttemptKey) -> Event {
    Event::StepStarted { key }
}

pub(super) fn step_ends(key: AttemptKey, outcome: Outcome) -> Event {
    let cause = (outcome == Outcome::Failure).then_some(Cause::Exit { code: 101 });
    Event::StepFinished(Box::new(StepEnd { outcome, conclusion: outcome, cause, ..StepEnd::new(key) }))
}

pub(super) fn cell_ends(cell: u32, outcome: Outcome) -> Event {
    let cause = (outcome == Outcome::Failure).then(|| Cause::Member { names: vec!["1".to_owned()] });
    Event::CellFinished { cell, run: 1, outcome, result: outcome, cause, outputs: Vec::new() }
}

pub(super) fn stage_ends(stage: u32, outcome: Outcome) -> Event {
    Event::StageFinished { stage, outcome, result: outcome, cause: None }
}

/// A job in the middle: some passed, one failed, some run, the rest waits.
pub(super) fn middle(skin: Skin) -> Scene {
    let mut scene = Scene::new(skin);
    let none = serde_json::Value::Null;
    let build: Vec<(u32, String, serde_json::Value)> = (2u32..)
        .zip(
            ["linux", "macos", "windows"].iter().flat_map(|os| ["stable", "nightly"].map(|rust| (*os, rust))),
        )
        .map(|(cell, (os, rust))| {
            (cell, format!("os={os}, rust={rust}"), serde_json::json!({ "os": os, "rust": rust }))
        })
        .collect();
    let build: Vec<(u32, &str, serde_json::Value)> =
        build.iter().map(|(cell, label, matrix)| (*cell, label.as_str(), matrix.clone())).collect();
    scene.events([
        Event::JobStarted { attempt: 1, title: None },
        stage(0, &[(0, "", none.clone())]),
        begin(0),
        step(key(0, 0, 1)),
    ]);
    scene.wait(4).events([
        step_ends(key(0, 0, 1), Outcome::Success),
        cell_ends(0, Outcome::Success),
        stage_ends(0, Outcome::Success),
        stage(1, &[(1, "", none)]),
        begin(1),
        step(key(1, 0, 1)),
        stage(2, &build),
        begin(2),
        step(key(2, 0, 1)),
        begin(3),
        step(key(3, 0, 1)),
        begin(4),
        step(key(4, 0, 1)),
    ]);
    scene.wait(21).events([
        step_ends(key(1, 0, 1), Outcome::Success),
        cell_ends(1, Outcome::Success),
        stage_ends(1, Outcome::Success),
        Event::StageFinished {
            stage: 4,
            outcome: Outcome::Skipped,
            result: Outcome::Skipped,
            cause: Some(Cause::Condition { text: "false".to_owned() }),
        },
    ]);
    scene.wait(50).events([
        step_ends(key(2, 0, 1), Outcome::Success),
        step(key(2, 1, 1)),
        step_ends(key(4, 0, 1), Outcome::Failure),
        cell_ends(4, Outcome::Failure),
        begin(5),
        step(key(5, 0, 1)),
    ]);
    scene.log(
        key(4, 0, 1),
        "\x1b[32m   Compiling\x1b[0m core-net v0.4.1\n\x1b[32m   Compiling\x1b[0m web-api v0.4.1\n\
         \x1b[1m\x1b[31merror[E0308]\x1b[0m: mismatched types\n  --> crates/web-api/src/auth.rs:88:17\n   |\n\
         88 |     let token: Token = raw.parse();\n   |                -----   ^^^^^^^^^^^ expected `Token`, found `Result<_, _>`\n\
         \twide: 漢字かな, and a line that is longer than a narrow screen: 0123456789 0123456789 0123456789\n\
         10%\r55%\r100%\n\x1b[31merror\x1b[0m: could not compile `web-api` due to 1 previous error\n",
    );
    scene.log(key(2, 0, 1), "compiled\n").log(key(2, 1, 1), "packing\n");
    scene.wait(12);
    scene
}

/// The same job after its end.
pub(super) fn ended(skin: Skin) -> Scene {
    let mut scene = middle(skin);
    let skipped = |stage| Event::StageFinished {
        stage,
        outcome: Outcome::Skipped,
        result: Outcome::Skipped,
        cause: Some(Cause::Needs { stages: vec!["build".to_owned()] }),
    };
    let mut events = vec![step_ends(key(2, 1, 1), Outcome::Success), cell_ends(2, Outcome::Success)];
    for cell in [3, 5] {
        events.extend([step_ends(key(cell, 0, 1), Outcome::Success), cell_ends(cell, Outcome::Success)]);
    }
    for cell in [6, 7] {
        let cause = Some(Cause::FailFast { cell: 4 });
        let outcome = Outcome::Cancelled;
        events.push(Event::CellFinished {
            cell,
            run: 1,
            outcome,
            result: outcome,
            cause,
            outputs: Vec::new(),
        });
    }
    events.extend([stage_ends(2, Outcome::Failure), skipped(3), skipped(5), stage_ends(6, Outcome::Success)]);
    events.push(Event::JobFinished {
        outcome: Outcome::Failure,
        cause: None,
        rescued: false,
        outputs: Vec::new(),
        survivors: Vec::new(),
    });
    scene.events(events);
    scene.is_live = false;
    scene
}
