//! Signs: their width, that they differ, and which state has which.

use std::time::Duration;

use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::{CUT, Glyphs, State};
use crate::faces::tui::motion::Motion;
use crate::faces::tui::theme::Token;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::time::Timestamp;
use crate::logic::view::{Phase, StageView};

const UNICODE: Glyphs = Glyphs { ascii: false };
const ASCII: Glyphs = Glyphs { ascii: true };

fn signs(glyphs: Glyphs) -> Vec<&'static str> {
    let sign = |state| glyphs.state(state, Motion::Reduced, Duration::ZERO).text;
    State::ALL.into_iter().map(sign).collect()
}

#[test]
fn every_sign_is_one_column_wide() {
    for glyphs in [UNICODE, ASCII] {
        let (fills, frame) = (glyphs.fills(), glyphs.frame());
        let others = [
            fills.done,
            fills.failed,
            fills.running,
            fills.waiting,
            frame.top_left,
            frame.top_right,
            frame.bottom_left,
            frame.bottom_right,
            glyphs.rule(),
            glyphs.upright(),
            glyphs.thumb(),
            glyphs.marker(),
            glyphs.goes_on(false),
            glyphs.goes_on(true),
            glyphs.between(),
            glyphs.wrapped(),
        ];
        for sign in signs(glyphs).into_iter().chain(others) {
            assert_eq!(sign.width(), 1, "{sign}");
            assert_eq!(sign.is_ascii(), glyphs.ascii || "?!=>".contains(sign), "{sign}");
        }
        for is_open in [false, true] {
            assert_eq!(glyphs.fold(is_open).width(), usize::from(glyphs.fold_width()));
        }
    }
}

#[test]
fn what_is_cut_looks_like_no_cursor_and_no_state() {
    for glyphs in [UNICODE, ASCII] {
        for mark in [CUT, glyphs.goes_on(false), glyphs.goes_on(true)] {
            assert!(mark != glyphs.marker() && !signs(glyphs).contains(&mark), "{mark}");
        }
    }
}

#[test]
fn each_state_has_a_sign_of_its_own() {
    assert_eq!(signs(UNICODE).concat(), "?✗⊖!▿▹↻=◦◦✓⇣⊘⊗↶");
    assert_eq!(signs(ASCII).concat(), "?XT!v>R=..+c-/<");
    let fills = UNICODE.fills();
    assert_eq!([fills.done, fills.failed, fills.running, fills.waiting].concat(), "█▓▒░");
    let fills = ASCII.fills();
    assert_eq!([fills.done, fills.failed, fills.running, fills.waiting].concat(), "#X=.");
}

#[test]
fn what_matters_stands_out_without_colour() {
    let mark = |state| UNICODE.state(state, Motion::Full, Duration::ZERO);
    assert_eq!((mark(State::Failed).attribute, mark(State::Failed).token), (Modifier::BOLD, Token::Error));
    assert_eq!(mark(State::NeedsYou).attribute, Modifier::REVERSED);
    assert_eq!(mark(State::Blocked).attribute, Modifier::DIM);
    assert_eq!(mark(State::Running).text, "⠹");
    assert_eq!(UNICODE.state(State::Running, Motion::Full, Duration::from_millis(100)).text, "⢸");
}

#[test]
fn the_state_comes_from_phase_cause_and_result() {
    let of = State::of;
    let timeout = Cause::Timeout { of: "step".to_owned() };
    let order = Cause::Order { by: "ada".to_owned() };
    let (failure, success) = (Phase::Done(Outcome::Failure), Some(Outcome::Success));
    assert_eq!(of(failure, None, Some(Outcome::Failure)), State::Failed);
    assert_eq!(of(failure, Some(&timeout), None), State::TimedOut);
    assert_eq!(of(Phase::Done(Outcome::Cancelled), Some(&timeout), None), State::TimedOut);
    assert_eq!(of(failure, Some(&timeout), success), State::Allowed);
    assert_eq!(of(Phase::Done(Outcome::Cancelled), Some(&order), None), State::Cancelled);
    assert_eq!(of(Phase::Done(Outcome::Success), None, success), State::Passed);
    assert_eq!(of(Phase::Done(Outcome::Skipped), None, success), State::Skipped);
    assert_eq!(of(Phase::Retrying(Timestamp(1)), None, None), State::RetryWait);
    assert_eq!(
        (of(Phase::Stopping, None, None), of(Phase::Running, None, None)),
        (State::Stopping, State::Running)
    );
    let stage = |cells: Vec<u32>| State::of_stage(&StageView { cells, ..StageView::default() });
    assert_eq!((stage(vec![]), stage(vec![0])), (State::Blocked, State::Queued));
    assert!(State::ALL.is_sorted(), "the most severe first");
}

#[test]
fn ascii_is_taken_where_nothing_else_can_be_shown() {
    let ascii = |locale, term| Glyphs::choose(false, locale, Some(term)).ascii;
    let utf8 = [None, None, Some("de_DE.UTF-8")];
    assert!(!ascii(utf8, "xterm-256color"));
    assert!(!ascii([None, None, None], "xterm"), "nobody says anything");
    assert!(!ascii([Some("C.utf8"), None, Some("C")], "xterm"), "the first that is set decides");
    assert!(ascii([Some("C"), None, Some("de_DE.UTF-8")], "xterm"));
    assert!(ascii([Some(""), Some("de_DE.ISO-8859-1"), Some("C.UTF-8")], "xterm"));
    for term in ["linux", "vt100", "vt220", "dumb"] {
        assert!(ascii(utf8, term), "{term}");
    }
    assert!(Glyphs::choose(true, utf8, None).ascii);
}
