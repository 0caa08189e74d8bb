//! Keys to wishes: questions, answers that come too soon, what terminals send for other keys.

use std::sync::Arc;
use std::time::Duration;

use super::{Keys, Place, Wish, help};
use crate::logic::job::event::{Envelope, Event, NewCell};
use crate::logic::job::gate::{GatePlace, OnTimeout, Opened};
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::playbook;
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::JobView;

/// Long after any question was shown.
const NOW: Duration = Duration::from_secs(60);

const OWN: Place = Place { from_full: false, is_own: true };
const WATCHED: Place = Place { from_full: false, is_own: false };
const STREAM: Place = Place { from_full: true, is_own: true };

fn view() -> JobView {
    let text = "version: 3\nname: ci\nstages: {lint: {run: lint}, build: {run: make}}\n";
    JobView::new(Arc::new(playbook::read(&Source::new("ci.yml", text)).playbook.unwrap()))
}

fn running() -> JobView {
    let mut view = view();
    let new = NewCell {
        cell: 0,
        run: 1,
        id: "build".into(),
        label: "".into(),
        matrix: serde_json::Value::Null.into(),
    };
    fold(&mut view, Event::StageStarted { stage: 1, cells: vec![new] });
    fold(&mut view, Event::CellStarted { cell: 0, run: 1 });
    view
}

fn fold(view: &mut JobView, event: Event) {
    view.fold(&Envelope { seq: view.seq + 1, time: Timestamp::default(), event });
}

fn cancel() -> Order {
    Order::Cancel { target: Target::Job, force: false }
}

/// Presses a key that asks, and shows the question.
fn ask(keys: &mut Keys, typed: &[u8], view: &JobView, place: Place) -> String {
    let wishes = keys.read(typed, view, place, NOW);
    let [Wish::Ask(question)] = &wishes[..] else { panic!("{wishes:?}") };
    keys.ask(question.clone());
    keys.shown(Duration::ZERO);
    keys.row(view, place, 80).unwrap()
}

#[test]
fn what_can_be_taken_back_is_done_at_once() {
    let mut view = running();
    let mut keys = Keys::default();
    assert_eq!(keys.read(b"p", &view, OWN, NOW), [Wish::Order(Order::Pause)]);
    fold(&mut view, Event::JobPaused { by: "ada".to_owned(), order: String::new(), freeze: false });
    assert_eq!(keys.read(b"p", &view, OWN, NOW), [Wish::Order(Order::Resume)]);
    assert_eq!(
        keys.read(b"r?", &view, OWN, NOW),
        [Wish::Order(Order::Retry { scope: RetryScope::Failed }), Wish::Help]
    );
    assert_eq!(keys.read(b"zY\n", &view, OWN, NOW), []);
}

#[test]
fn what_cannot_be_taken_back_is_asked_for() {
    let view = running();
    let mut keys = Keys::default();
    assert_eq!(ask(&mut keys, b"x", &view, OWN), "cancel the job? y/n");
    assert_eq!(keys.read(b"sxp", &view, OWN, NOW), []);
    assert_eq!(keys.read(b"n", &view, OWN, NOW), [Wish::Redraw]);
    assert!(!keys.is_asking());
    ask(&mut keys, b"x", &view, OWN);
    assert_eq!(keys.read(b"y", &view, OWN, NOW), [Wish::Order(cancel())]);
    assert_eq!(ask(&mut keys, b"s", &view, OWN), "skip build? y/n");
    assert_eq!(keys.read(b"Y", &view, OWN, NOW), [Wish::Order(Order::Skip { target: Target::Stage(1) })]);
    assert_eq!(ask(&mut keys, b"q", &view, OWN), "cancel the job and quit? y/n");
    assert_eq!(keys.read(b"\x1b", &view, OWN, NOW), [Wish::Redraw]);
}

#[test]
fn an_answer_to_what_could_not_be_read_is_none() {
    let view = running();
    let mut keys = Keys::default();
    let Some(Wish::Ask(question)) = keys.read(b"x", &view, OWN, NOW).pop() else { panic!("it asks") };
    keys.ask(question);
    assert_eq!(keys.read(b"y", &view, OWN, NOW), []);
    keys.shown(Duration::ZERO);
    assert_eq!(keys.read(b"y", &view, OWN, NOW), [Wish::Order(cancel())]);
    assert_eq!(keys.read(b"y", &view, OWN, NOW), []);
}

#[test]
fn nothing_is_skipped_where_nothing_runs() {
    assert_eq!(Keys::default().read(b"s", &view(), OWN, NOW), []);
}

#[test]
fn whoever_only_looks_on_leaves_without_a_question() {
    assert_eq!(Keys::default().read(b"q", &running(), WATCHED, NOW), [Wish::Leave]);
    assert!(help(WATCHED).contains(&"q       quit; the job goes on"));
}

#[test]
fn a_stream_goes_back_to_the_full_screen() {
    let view = running();
    let mut keys = Keys::default();
    assert_eq!(keys.read(b"S", &view, STREAM, NOW), [Wish::Full]);
    assert_eq!(keys.read(b"\x1b", &view, STREAM, NOW), [Wish::Full]);
    assert_eq!(keys.read(b"S\x1b", &view, OWN, NOW), []);
    assert!(help(STREAM).contains(&"S, Esc  back to the full screen"));
}

#[test]
fn cursor_keys_and_the_like_are_passed_over() {
    let view = running();
    let mut keys = Keys::default();
    assert_eq!(
        keys.read(b"\x1b[A\x1b[1;5Cp\x1bOPp\x1b[15~", &view, STREAM, NOW),
        [Wish::Order(Order::Pause), Wish::Order(Order::Pause)]
    );
    assert_eq!(keys.read(b"\x1bx\x1b[", &view, STREAM, NOW), []);
}

#[test]
fn hints_take_what_room_there_is() {
    let mut view = running();
    let keys = Keys::default();
    let row = |view: &JobView, place, columns| keys.row(view, place, columns).unwrap_or_default();
    assert_eq!(row(&view, OWN, 80), "p pause  s skip  x cancel  q quit  ? keys");
    assert_eq!(row(&view, STREAM, 80), "S full screen  p pause  s skip  x cancel  q quit  ? keys");
    assert_eq!(row(&view, OWN, 40), "p pause  s skip  x cancel  q quit");
    assert_eq!(row(&view, OWN, 20), "? keys");
    assert_eq!(row(&view, OWN, 5), "");
    fold(&mut view, Event::JobPaused { by: "ada".to_owned(), order: String::new(), freeze: false });
    assert_eq!(row(&view, OWN, 80), "p resume  s skip  x cancel  q quit  ? keys");
}

#[test]
fn a_question_is_deaf_while_it_cannot_have_been_read() {
    let view = running();
    let mut keys = Keys::default();
    let at = |ms| Duration::from_millis(ms);
    let Some(Wish::Ask(question)) = keys.read(b"x", &view, OWN, at(0)).pop() else { panic!("it asks") };
    keys.ask(question);
    keys.shown(at(40));
    keys.shown(at(80));
    assert_eq!(keys.read(b"y", &view, OWN, at(280)), []);
    assert_eq!(keys.read(b"y", &view, OWN, at(300)), [Wish::Order(cancel())]);
}

#[test]
fn a_pasted_text_presses_no_keys() {
    let view = running();
    let mut keys = Keys::default();
    let at = |ms| Duration::from_millis(ms);
    // As it comes, in pieces.
    assert_eq!(keys.read(&[b'x'; 256], &view, OWN, at(0)), [Wish::Pasted]);
    for piece in 1..50 {
        assert_eq!(keys.read(b"py\n", &view, OWN, at(piece * 100)), []);
    }
    assert_eq!(keys.read(b"p", &view, OWN, at(4900 + 300)), [Wish::Order(Order::Pause)]);
    // Cursor keys that are held are no text.
    assert_eq!(keys.read(&b"\x1b[A".repeat(9), &view, OWN, at(9000)), []);
    assert_eq!(keys.read(b"p", &view, OWN, at(9001)), [Wish::Order(Order::Pause)]);
}

#[test]
fn a_gate_is_answered_after_a_question_and_what_needs_values_elsewhere() {
    let text = "version: 3\nname: ci\nstages: {a: {approve: 'Ship it?', run: x}, b: {approve: {inputs: {n: {required: true}}}, run: x}}\n";
    let mut view = JobView::new(Arc::new(playbook::read(&Source::new("ci.yml", text)).playbook.unwrap()));
    let mut keys = Keys::default();
    assert_eq!(keys.read(b"a", &view, OWN, NOW), []);
    let open = |gate: u32| {
        let place = GatePlace::Stage(gate);
        let (approvers, people, barred) = (Vec::new(), Vec::new(), Vec::new());
        let message = "Ship it?".to_owned();
        let (count, until, on_timeout) = (1, None, OnTimeout::Reject);
        Event::GateOpened(Box::new(Opened {
            gate,
            place,
            message,
            approvers,
            people,
            barred,
            count,
            until,
            on_timeout,
        }))
    };
    fold(&mut view, open(0));
    assert!(keys.row(&view, OWN, 80).unwrap().starts_with("a answer  p pause"));
    assert_eq!(ask(&mut keys, b"a", &view, OWN), "a: Ship it? approve it? y/n");
    let order = Order::Approve { gate: 0, note: String::new(), inputs: Vec::new(), claimed: None };
    assert_eq!(keys.read(b"y", &view, OWN, NOW), [Wish::Order(order)]);
    fold(&mut view, Event::GateWithdrawn { gate: 0 });
    fold(&mut view, open(1));
    assert!(
        matches!(&keys.read(b"a", &view, OWN, NOW)[..], [Wish::Tell(words)] if words.contains("asks for values"))
    );
}
