//! Pictures of grids at several sizes, and what keys do to them.

use std::sync::Arc;

use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use super::{Direction, GridUi, Measures, Scene};
use crate::faces::tui::glyphs::Glyphs;
use crate::faces::tui::motion::Motion;
use crate::faces::tui::theme::Theme;
use crate::logic::job::event::{Cause, Envelope, Event, NewCell, Outcome, StepEnd};
use crate::logic::job::report::{AttemptKey, Usage};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::theme::Depth;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

const KEYS: [(&str, &str); 6] =
    [("Enter", "log"), ("r", "retry"), ("x", "cancel"), ("s", "skip"), ("\\", "transpose"), ("< >", "slice")];

/// What becomes of a cell, and how many seconds that takes.
#[derive(Clone, Copy)]
enum Fate {
    Passes(i64),
    Fails(i64),
    Runs(i64),
    Skipped,
    Waits,
}

/// All cells begin so many seconds before this.
const NOW: i64 = 100_000;

/// Folds a job whose one stage has these combinations.
fn view(matrix: &str, cells: &[(Vec<(&str, String)>, Fate)]) -> JobView {
    let text = format!("version: 3\nstages:\n  build: {{{matrix}run: make}}\n");
    let reading = playbook::read(&Source::new("ci.yml", text));
    let mut view =
        JobView::new(Arc::new(reading.playbook.unwrap_or_else(|| panic!("{:?}", reading.diagnostics))));
    let news = (0..).zip(cells).map(|(cell, (pairs, _))| {
        let label: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into()));
        let matrix = serde_json::Value::Object(pairs.collect()).into();
        NewCell {
            cell,
            run: 1,
            id: format!("build.{cell:08x}").into(),
            label: label.join(", ").into(),
            matrix,
        }
    });
    let mut events = vec![
        (0, Event::JobStarted { attempt: 1, title: None }),
        (0, Event::StageStarted { stage: 0, cells: news.collect() }),
    ];
    for (cell, (_, fate)) in (0..).zip(cells) {
        events.extend(fate_events(cell, *fate));
    }
    for (seq, (time, event)) in (1..).zip(events) {
        view.fold(&Envelope { seq, time: Timestamp(time * 1_000_000), event });
    }
    view
}

fn fate_events(cell: u32, fate: Fate) -> Vec<(i64, Event)> {
    let key = |attempt| AttemptKey { cell, run: 1, step: 0, attempt };
    let ended = |outcome| {
        let (result, cause, outputs) = (outcome, None, vec![]);
        Event::CellFinished { cell, run: 1, outcome, result, cause, outputs }
    };
    let started = |taken| (NOW - taken, Event::CellStarted { cell, run: 1 });
    match fate {
        Fate::Waits => vec![],
        Fate::Skipped => vec![(NOW, ended(Outcome::Skipped))],
        Fate::Runs(taken) => vec![started(taken)],
        Fate::Passes(taken) => vec![started(taken), (NOW, ended(Outcome::Success))],
        Fate::Fails(taken) => vec![
            started(taken),
            (NOW - taken, Event::StepStarted { key: key(2) }),
            (NOW, Event::StepFinished(Box::new(failed(key(2))))),
            (NOW, ended(Outcome::Failure)),
        ],
    }
}

fn failed(key: AttemptKey) -> StepEnd {
    StepEnd {
        key,
        outcome: Outcome::Failure,
        conclusion: Outcome::Failure,
        cause: Some(Cause::Exit { code: 101 }),
        end: None,
        outputs: vec![],
        env: vec![],
        paths: vec![],
        state: vec![],
        summary: String::new(),
        log_bytes: 7,
        usage: Usage::default(),
        left_running: 0,
        rescued: false,
    }
}

/// Six places to build on, with three versions; one combination is excluded.
fn sample() -> JobView {
    use Fate::{Fails, Passes, Runs, Skipped, Waits};
    let places = [
        ("linux-gnu", "x86_64", [Passes(118), Runs(160), Passes(131)]),
        ("linux-gnu", "arm64", [Passes(0), Waits, Waits]),
        ("linux-musl", "x86_64", [Passes(140), Fails(31), Passes(145)]),
        ("macos", "arm64", [Fails(72), Passes(122), Runs(100)]),
        ("windows", "x86_64", [Passes(151), Waits, Waits]),
        ("windows", "arm64", [Skipped, Waits, Passes(3723)]),
    ];
    let mut cells = Vec::new();
    for (os, arch, fates) in places {
        for (rust, fate) in ["stable", "nightly", "msrv-1.88"].into_iter().zip(fates) {
            if (os, arch, rust) != ("windows", "x86_64", "msrv-1.88") {
                let pairs = [("os", os), ("arch", arch), ("rust", rust)];
                cells.push((pairs.map(|(key, value)| (key, value.to_owned())).to_vec(), fate));
            }
        }
    }
    view("", &cells)
}

/// Many versions on many places.
fn large(rows: usize, columns: usize) -> JobView {
    let fate = |row: usize, column: usize| match (row * 7 + column * 3) % 11 {
        0 => Fate::Fails(40),
        1 => Fate::Runs(75),
        2 | 3 => Fate::Waits,
        other => Fate::Passes(i64::try_from(other).unwrap() * 13),
    };
    let cell = |row: usize, column: usize| {
        (vec![("shard", format!("shard-{row}")), ("version", format!("1.{column}"))], fate(row, column))
    };
    let cells: Vec<_> = (0..rows).flat_map(|row| (0..columns).map(move |column| cell(row, column))).collect();
    view("", &cells)
}

/// A picture: its text, the buffer behind it, and where the cursor is.
struct Picture {
    text: String,
    buffer: Buffer,
    cursor: Option<Position>,
}

/// How a picture is made.
#[derive(Clone, Copy)]
struct Look {
    size: (u16, u16),
    ascii: bool,
    depth: Depth,
    error: Option<&'static str>,
}

impl Look {
    const fn of(width: u16, height: u16) -> Self {
        let error = Some("error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17");
        Self { size: (width, height), ascii: false, depth: Depth::Sixteen, error }
    }

    fn draw(self, view: &JobView, ui: &mut GridUi) -> Picture {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let (glyphs, theme) = (Glyphs { ascii: self.ascii }, Theme::terminal(self.depth));
        let grid = ui.grid(view, 0);
        let mut cursor = None;
        terminal
            .draw(|frame| {
                let area = frame.area();
                let measures = Measures::new(&grid, area);
                ui.reveal(&grid, view, &measures);
                let now = Timestamp(NOW * 1_000_000);
                let (error, motion, theme) = (self.error, Motion::Full, &theme);
                let scene = Scene { grid: &grid, view, ui, glyphs, theme, motion, now, error, keys: &KEYS };
                cursor = scene.draw(&measures, area, frame.buffer_mut());
            })
            .unwrap();
        let buffer = terminal.backend().buffer().clone();
        let mut text = String::new();
        for row in buffer.content().chunks(usize::from(self.size.0)) {
            let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            text += line.trim_end();
            text.push('\n');
        }
        Picture { text, buffer, cursor }
    }
}

fn at(row: usize, column: usize) -> GridUi {
    GridUi { cursor: (row, column), ..GridUi::default() }
}

/// The size comes first, as a snapshot needs a line without a margin.
fn check(look: Look, view: &JobView, ui: &mut GridUi, expected: &Expect) {
    let (width, height) = look.size;
    expected.assert_eq(&format!("{width}x{height}\n{}", look.draw(view, ui).text));
}

#[test]
fn a_grid_at_80_by_24() {
    check(
        Look::of(80, 24),
        &sample(),
        &mut at(3, 0),
        &expect![[r#"
            80x24
             Matrix  build   11 of 17 cells                               ✓8 ✗2 ⠹2 ◦4 ⊘1 -1
                                  stable      nightly     msrv-1.88                    ✓  ✗
             linux-gnu   x86_64   ✓ 1:58      ⠹ 2:40      ✓ 2:11                       2  0
             linux-gnu   arm64    ✓ 0:00      ◦           ◦                            1  0
             linux-musl  x86_64   ✓ 2:20      ✗ 0:31      ✓ 2:25                       2  1
             macos       arm64   [✗ 1:12]     ✓ 2:02      ⠹ 1:40                       1  1
             windows     x86_64   ✓ 2:31      ◦           -                            1  0
             windows     arm64    ⊘           ◦           ✓ 1:02:03                    1  0
             failures             1           1           0                            8  2












            ── build[macos arm64 stable] ───────── exited with code 101 after 1:12, try 2 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
    let ascii = Look { ascii: true, ..Look::of(80, 24) };
    check(
        ascii,
        &sample(),
        &mut at(3, 0),
        &expect![[r#"
            80x24
             Matrix  build   11 of 17 cells                               +8 X2 |2 .4 -1 _1
                                  stable      nightly     msrv-1.88                    +  X
             linux-gnu   x86_64   + 1:58      | 2:40      + 2:11                       2  0
             linux-gnu   arm64    + 0:00      .           .                            1  0
             linux-musl  x86_64   + 2:20      X 0:31      + 2:25                       2  1
             macos       arm64   [X 1:12]     + 2:02      | 1:40                       1  1
             windows     x86_64   + 2:31      .           _                            1  0
             windows     arm64    -           .           + 1:02:03                    1  0
             failures             1           1           0                            8  2












            -- build[macos arm64 stable] --------- exited with code 101 after 1:12, try 2 --
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
}

#[test]
fn a_grid_at_120_by_40() {
    check(
        Look::of(120, 40),
        &large(40, 12),
        &mut at(25, 11),
        &expect![[r#"
            120x40
             Matrix  build   349 of 480 cells   rows 1-34 of 40                                                    ✓305 ✗44 ⠹43 ◦88
                        1.0     1.1     1.2     1.3     1.4     1.5     1.6     1.7     1.8     1.9     1.10    1.11          ✓   ✗
             shard-0    ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗             7   2
             shard-1    ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓             8   1
             shard-2    ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦             7   1
             shard-3    ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓             8   1
             shard-4    ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓             8   1
             shard-5    ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦             7   1
             shard-6    ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓             8   1
             shard-7    ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓             8   1
             shard-8    ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹             7   1
             shard-9    ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓             8   1
             shard-10   ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓             8   1
             shard-11   ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗             7   2
             shard-12   ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓             8   1
             shard-13   ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦             7   1
             shard-14   ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓             8   1
             shard-15   ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓             8   1
             shard-16   ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦             7   1
             shard-17   ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓             8   1
             shard-18   ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓             8   1
             shard-19   ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹             7   1
             shard-20   ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓             8   1
             shard-21   ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓             8   1
             shard-22   ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗             7   2
             shard-23   ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓             8   1
             shard-24   ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦             7   1
             shard-25   ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓      [✓]            8   1
             shard-26   ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓             8   1
             shard-27   ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦             7   1
             shard-28   ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓             8   1
             shard-29   ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓             8   1
             shard-30   ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹             7   1
             shard-31   ✓       ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓             8   1
             shard-32   ✓       ✓       ✓       ◦       ✓       ✓       ✗       ◦       ✓       ✓       ⠹       ✓             8   1
             shard-33   ✗       ◦       ✓       ✓       ⠹       ✓       ✓       ✓       ◦       ✓       ✓       ✗             7   2
             failures   4       3       3       4       4       4       3       3       4       4       4       4           305  44
            ── build[shard=shard-25, version=1.11] ──────────────────────────────────────────────────────────── passed after 2:10 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
    let ascii = Look { ascii: true, ..Look::of(120, 40) };
    check(
        ascii,
        &sample(),
        &mut at(0, 1),
        &expect![[r#"
            120x40
             Matrix  build   11 of 17 cells                                                                       +8 X2 |2 .4 -1 _1
                                  stable      nightly     msrv-1.88                                                            +  X
             linux-gnu   x86_64   + 1:58     [| 2:40]     + 2:11                                                               2  0
             linux-gnu   arm64    + 0:00      .           .                                                                    1  0
             linux-musl  x86_64   + 2:20      X 0:31      + 2:25                                                               2  1
             macos       arm64    X 1:12      + 2:02      | 1:40                                                               1  1
             windows     x86_64   + 2:31      .           _                                                                    1  0
             windows     arm64    -           .           + 1:02:03                                                            1  0
             failures             1           1           0                                                                    8  2




























            -- build[os=linux-gnu, arch=x86_64, rust=nightly] -------------------------------------------------- running for 2:40 --
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
}

#[test]
fn many_columns_show_their_signs_alone_and_scroll() {
    check(
        Look::of(80, 12),
        &large(6, 30),
        &mut at(2, 20),
        &expect![[r#"
            80x12
             Matrix  build   130 of 180 cells   columns 8-22 of 30         ✓114 ✗16 ⠹16 ◦34
                        1.7 1.8 1.9 1~0 1~1 1~2 1~3 1~4 1~5 1~6 1~7 1~8 1~9 1~0 1~1   ✓   ✗
             shard-0    ✓   ◦   ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓   ✓   ✓   ◦   ✓   ✓    19   3
             shard-1    ✓   ✓   ⠹   ✓   ✓   ✓   ◦   ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓    19   3
             shard-2    ◦   ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓   ✓   ✓   ◦   ✓  [✓]  ✗    19   2
             shard-3    ✓   ⠹   ✓   ✓   ✓   ◦   ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓   ✓    19   3
             shard-4    ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓   ✓   ✓   ◦   ✓   ✓   ✗   ◦    20   2
             shard-5    ⠹   ✓   ✓   ✓   ◦   ✓   ✓   ✗   ◦   ✓   ✓   ⠹   ✓   ✓   ✓    18   3
             failures   0   0   1   1   1   0   0   1   1   1   0   0   0   1   1   114  16
            ── build[shard=shard-2, version=1.20] ───────────────────── passed after 1:44 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
    check(
        Look::of(60, 14),
        &large(40, 8),
        &mut at(39, 7),
        &expect![[r#"
            60x14
             Matrix  build   232 of 320 cells   rows ~ ✓204 ✗28 ⠹29 ◦59
                        1.0  1.1  1.2  1.3  1.4  1.5  1.6  1.7    ✓   ✗
             shard-32   ✓    ✓    ✓    ◦    ✓    ✓    ✗    ◦      5   1
             shard-33   ✗    ◦    ✓    ✓    ⠹    ✓    ✓    ✓      5   1
             shard-34   ✓    ✓    ◦    ✓    ✓    ✗    ◦    ✓      5   1
             shard-35   ◦    ✓    ✓    ⠹    ✓    ✓    ✓    ◦      5   0
             shard-36   ✓    ◦    ✓    ✓    ✗    ◦    ✓    ✓      5   1
             shard-37   ✓    ✓    ⠹    ✓    ✓    ✓    ◦    ✓      6   0
             shard-38   ◦    ✓    ✓    ✗    ◦    ✓    ✓    ⠹      4   1
             shard-39   ✓    ⠹    ✓    ✓    ✓    ◦    ✓   [✓]     6   0
             failures   4    3    3    4    4    4    3    3    204  28
            ── build[shard-39 1.7] ──────────────── passed after 1:44 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth~
             Enter log  r retry  x cancel  s skip  \ transpose
        "#]],
    );
}

#[test]
fn little_room_is_used_for_cells() {
    check(
        Look::of(40, 6),
        &sample(),
        &mut at(5, 2),
        &expect![[r#"
            40x6
             Matrix  build   11 ~ ✓8 ✗2 ⠹2 ◦4 ⊘1 -1
                                  s~e n~y m~8  ✓  ✗
             windows     x86_64   ✓   ◦   -    1  0
             windows     arm64    ⊘   ◦  [✓]   1  0
             failures             1   1   0    8  2
             Enter log  r retry  x cancel  s skip
        "#]],
    );
    check(
        Look::of(30, 4),
        &sample(),
        &mut at(5, 2),
        &expect![[r#"
            30x4
             Matrix  b~ ✓8 ✗2 ⠹2 ◦4 ⊘1 -1
                              s~e n~y m~8
             win~ws  x86_64   ✓   ◦   -
             win~ws  arm64    ⊘   ◦  [✓]
        "#]],
    );
    for width in 1..30 {
        for height in 0..8 {
            let text = Look::of(width, height).draw(&sample(), &mut at(3, 1)).text;
            assert_eq!(text.lines().count(), usize::from(height), "{width}x{height}");
        }
    }
}

#[test]
fn other_shapes_have_grids_too() {
    let single = view("", &[(vec![], Fate::Passes(4))]);
    check(
        Look::of(60, 9),
        &single,
        &mut at(0, 0),
        &expect![[r#"
            60x9
             Matrix  build   1 of 1 cell                             ✓1

             build     [✓ 0:04]



            ── build ────────────────────────────── passed after 0:04 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth~
             Enter log  r retry  x cancel  s skip  \ transpose
        "#]],
    );
    check(
        Look::of(60, 9),
        &view("", &[]),
        &mut at(0, 0),
        &expect![[r#"
            60x9
             Matrix  build   0 of 0 cells

             no cells before the stage starts



            ────────────────────────────────────────────────────────────

             Enter log  r retry  x cancel  s skip  \ transpose
        "#]],
    );
    let shard = |it: i64| (vec![("shard", it.to_string())], Fate::Passes(it * 40));
    let shards: Vec<_> = (1..30).map(shard).collect();
    let mut ui = at(12, 0);
    check(
        Look::of(60, 12),
        &view("", &shards),
        &mut ui,
        &expect![[r#"
            60x12
             Matrix  build   29 of 29 cells   rows 8-14 of 29       ✓29

             8          ✓ 5:20
             9          ✓ 6:00
             10         ✓ 6:40
             11         ✓ 7:20
             12         ✓ 8:00
             13        [✓ 8:40]
             14         ✓ 9:20
            ── build[shard=13] ──────────────────── passed after 8:40 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth~
             Enter log  r retry  x cancel  s skip  \ transpose
        "#]],
    );
    let turned = view("", &shards);
    let grid = ui.grid(&turned, 0);
    ui.transpose(&grid, &turned);
    check(
        Look::of(60, 9),
        &turned,
        &mut ui,
        &expect![[r#"
            60x9
             Matrix  build   29 of 29 cells   columns 5-14 of 29    ✓29
                        5   6   7   8   9   10  11  12  13  14     ✓  ✗
             build      ✓   ✓   ✓   ✓   ✓   ✓   ✓   ✓  [✓]  ✓     29  0
             failures   0   0   0   0   0   0   0   0   0   0     29  0


            ── build[shard=13] ──────────────────── passed after 8:40 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth~
             Enter log  r retry  x cancel  s skip  \ transpose
        "#]],
    );
}

#[test]
fn failures_only_hides_the_other_rows() {
    let mut ui = at(0, 0);
    ui.toggle_failures();
    check(
        Look::of(80, 12),
        &sample(),
        &mut ui,
        &expect![[r#"
            80x12
             Matrix  build   2 of 17 cells failed, only those             ✓8 ✗2 ⠹2 ◦4 ⊘1 -1
                                  stable      nightly     msrv-1.88                    ✓  ✗
             linux-musl  x86_64  [ ]          ✗ 0:31                                   2  1
             macos       arm64    ✗ 1:12                                               1  1
             failures             1           1           0                            8  2




            ── build[os=linux-musl, arch=x86_64, rust=stable] ───────── passed after 2:20 ──
             error[E0308]: mismatched types --> crates/web-api/src/auth.rs:88:17
             Enter log  r retry  x cancel  s skip  \ transpose  < > slice
        "#]],
    );
    let view = view("", &[(vec![], Fate::Passes(4))]);
    let text = Look::of(60, 9).draw(&view, &mut ui).text;
    assert!(text.contains("no failures"), "{text}");
}

#[test]
fn the_cursor_is_reversed_and_bracketed_and_its_place_is_told() {
    for depth in [Depth::Sixteen, Depth::None] {
        let look = Look { depth, ..Look::of(80, 24) };
        let picture = look.draw(&sample(), &mut at(3, 0));
        let line = picture.text.lines().nth(5).unwrap();
        let from = u16::try_from(line.chars().position(|c| c == '[').unwrap()).unwrap();
        let reversed: String = (0..80)
            .map(|x| &picture.buffer[(x, 5)])
            .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(reversed, "[✗ 1:12]", "{depth:?}");
        assert_eq!(picture.cursor, Some(Position::new(from + 1, 5)));
        let colours = picture.buffer.content().iter().filter(|cell| cell.fg != Color::Reset).count();
        assert_eq!(colours > 0, depth == Depth::Sixteen);
    }
}

#[test]
fn heat_shades_by_duration() {
    let mut ui = at(0, 0);
    ui.toggle_heat();
    let picture = Look { depth: Depth::None, ..Look::of(80, 24) }.draw(&sample(), &mut ui);
    let hottest: String = (0..80)
        .map(|x| &picture.buffer[(x, 7)])
        .filter(|cell| cell.modifier.contains(Modifier::BOLD | Modifier::REVERSED))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert_eq!(hottest, "✓ 1:02:03", "the longest of all");
    let coolest = &picture.buffer[(22, 3)];
    assert_eq!((coolest.symbol(), coolest.modifier.contains(Modifier::DIM)), ("✓", true));
}

#[test]
fn the_cursor_moves_over_the_grid_and_stays_in_it() {
    let view = sample();
    let mut ui = GridUi::default();
    let grid = ui.grid(&view, 0);
    let walk = |ui: &mut GridUi, steps: &[Direction]| {
        for step in steps {
            ui.move_cursor(*step, &grid, &view);
        }
        ui.cursor
    };
    use Direction::{Down, First, Last, Left, Right, Up};
    assert_eq!(walk(&mut ui, &[Up, Left]), (0, 0));
    assert_eq!(walk(&mut ui, &[Down, Right]), (1, 1));
    assert_eq!(walk(&mut ui, &[Last, Down, Right, Right, Right]), (5, 2));
    assert_eq!(walk(&mut ui, &[First, Left]), (0, 1));
    // Rows 2 and 3 have failures.
    ui.toggle_failures();
    assert_eq!(walk(&mut ui, &[Down]), (2, 1));
    assert_eq!(walk(&mut ui, &[Down, Down]), (3, 1));
    assert_eq!(walk(&mut ui, &[Up, Up]), (2, 1));
}

#[test]
fn the_cursor_stays_on_its_cell_when_the_grid_is_turned() {
    let view = sample();
    let mut ui = at(3, 2);
    let mut grid = ui.grid(&view, 0);
    let cell = ui.cell(&grid);
    assert!(cell.is_some());
    for _ in 0..3 {
        grid = ui.transpose(&grid, &view);
        assert_eq!(ui.cell(&grid), cell);
    }
    assert_eq!((ui.cursor, ui.arrangement.turn), ((3, 2), 0));
}

#[test]
fn slices_go_round_and_a_cell_is_found_in_whichever_it_is() {
    let view = sample();
    let mut ui = at(0, 0);
    ui.arrangement.most_rows = 3;
    let first = ui.grid(&view, 0);
    assert_eq!((first.slices.len(), first.rows.len()), (2, 3));
    let second = ui.next_slice(&first, &view);
    assert_eq!((second.slice, second.rows.len()), (1, 3));
    assert_eq!(ui.next_slice(&second, &view), first);
    assert_eq!(ui.previous_slice(&first, &view), second);
    let cell = first.cell(0, 1).unwrap();
    assert_eq!(ui.go_to(cell, &second, &view), first);
    assert_eq!((ui.cursor, ui.cell(&first)), ((0, 1), Some(cell)));
    let text = Look::of(80, 12).draw(&view, &mut ui).text;
    assert!(text.contains("slice arch=x86_64 (< >)"), "{text}");
}

#[test]
fn the_cursor_is_on_the_screen_whatever_the_size() {
    let view = large(40, 30);
    for (row, column) in [(0, 0), (39, 29), (20, 15), (7, 28)] {
        for size in [(80, 24), (40, 10), (30, 4), (200, 60)] {
            let picture = Look::of(size.0, size.1).draw(&view, &mut at(row, column));
            let cursor = picture.cursor.unwrap_or_else(|| panic!("{row} {column} at {size:?}"));
            assert_eq!(picture.buffer[(cursor.x - 1, cursor.y)].symbol(), "[");
        }
    }
}
