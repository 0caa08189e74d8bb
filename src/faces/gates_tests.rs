//! The words for gates.

use super::*;
use crate::logic::job::gate::{GatePlace, Opened};

fn gate(approvers: &[&str], count: u32, until: Option<i64>) -> GateState {
    GateState {
        opened: Opened {
            gate: 0,
            place: GatePlace::Stage(0),
            message: "Ship it?".to_owned(),
            approvers: approvers.iter().map(|&it| it.to_owned()).collect(),
            people: Vec::new(),
            barred: Vec::new(),
            count,
            until: until.map(Timestamp),
            on_timeout: OnTimeout::Reject,
        },
        since: Timestamp(0),
        reminded: Timestamp(0),
        approvals: Vec::new(),
        end: None,
    }
}

#[test]
fn a_gate_says_who_how_many_and_how_long() {
    let now = Timestamp(0);
    assert_eq!(waits(&gate(&[], 1, None), now), "waits for approval");
    assert_eq!(
        waits(&gate(&["ops"], 2, Some(192_000_000)), now),
        "waits for approval by ops (0 of 2), 3:12 left"
    );
    assert_eq!(waits(&gate(&["ann", "ben"], 1, Some(0)), now), "waits for approval by ann or ben, overdue");
}
