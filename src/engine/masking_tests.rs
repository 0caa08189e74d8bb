//! Secrets in answers at gates: each part of them.

use serde_json::{Value as Json, json};

use super::masked;
use crate::logic::job::order::{Asked, Order};
use crate::logic::job::state::JobState;
use crate::logic::job::testing::new_state;
use crate::logic::job::{Input, turn};
use crate::logic::time::Timestamp;

const PLAYBOOK: &str =
    "version: 3\nname: t\nstages:\n  a: { approve: { inputs: { prod: {}, way: {} } }, run: x }\n";

fn at_gate() -> JobState {
    let mut state = new_state(PLAYBOOK, 8);
    let begin = Input::Begin { epoch: 1 };
    turn(&mut state, &begin, Timestamp(1_000_000), &mut Vec::new()).expect("only orders are refused");
    assert_eq!(state.gates.len(), 1);
    state
}

fn approve(note: &str, input: (&str, Json), claimed: Option<&str>) -> Result<Order, String> {
    let inputs = vec![(input.0.to_owned(), input.1)];
    let claimed = claimed.map(str::to_owned);
    let order = Order::Approve { gate: 0, note: note.to_owned(), inputs, claimed };
    let asked = Asked { id: "x".to_owned(), by: "ann".to_owned(), order, expected_seq: None };
    let masks = ["prod", "4711", "ann", "{\"a\":[1,2]}"].map(str::to_owned);
    masked(&at_gate(), &asked, &masks).map(|it| it.order).map_err(|it| it.message)
}

#[test]
fn an_input_with_a_secret_is_refused_by_its_name_wherever_the_secret_is() {
    for value in [
        json!("prod"),
        json!("non-prod-2"),
        json!(4711),
        json!([{"deep": "prod"}]),
        json!({"prod": 1}),
        json!({"a": [1, 2]}),
        json!("cHJvZA=="),
    ] {
        let refused = approve("", ("way", value.clone()), None).expect_err("that is a secret");
        assert!(refused.starts_with("the input `way` contains the value of a secret"), "{value}: {refused}");
        assert!(refused.contains("(`secrets`)") && !refused.contains("prod"), "{value}: {refused}");
    }
    let refused = approve("", ("prods", json!("x")), None).expect_err("the gate has no such input");
    let said = "the name of input 1 contains the value of a secret of this job, and the gate has no such input; \
                it has `prod`, `way`";
    assert_eq!(refused, said);
}

#[test]
fn what_passes_on_is_as_it_was_given_but_for_the_note() {
    let order = approve("to prod", ("prod", json!({"by": [true, "hand"]})), Some("ann"));
    let order = order.expect("the name is that of the gate, and ann is who she says");
    let inputs = vec![("prod".to_owned(), json!({"by": [true, "hand"]}))];
    let note = "to ***".to_owned();
    assert_eq!(order, Order::Approve { gate: 0, note, inputs, claimed: Some("ann".to_owned()) });
}

#[test]
fn a_name_with_a_secret_is_refused_with_a_yes_and_with_a_no() {
    let refused = approve("", ("way", json!("x")), Some("joe-4711")).expect_err("that is a secret");
    assert!(refused.starts_with("the name given with the answer contains"), "{refused}");
    let order = Order::Reject { gate: 0, note: "no 4711".to_owned(), claimed: Some("joe-4711".to_owned()) };
    let asked = Asked { id: String::new(), by: "ann".to_owned(), order, expected_seq: None };
    let again = masked(&at_gate(), &asked, &["4711".to_owned()]).expect_err("that is a secret");
    assert_eq!(again.message, refused);
}
