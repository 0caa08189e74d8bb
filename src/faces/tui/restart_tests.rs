//! A start can be given up until it begins, and is not lost after that.

use std::sync::mpsc::channel;

use super::Restart;

type Told = Result<u32, Vec<String>>;

#[test]
fn what_was_given_up_does_not_begin() {
    let (go, gate) = channel::<()>();
    let (asked, answers) = channel();
    let restart = Restart::start(
        move |may_begin| {
            gate.recv().unwrap();
            asked.send(may_begin()).unwrap();
            Told::Err(Vec::new())
        },
        || panic!("nobody wants to know"),
    )
    .unwrap();
    assert!(restart.take().is_none());
    assert!(restart.give_up());
    go.send(()).unwrap();
    assert!(!answers.recv().unwrap());
    assert!(restart.give_up() && restart.take().is_none());
}

#[test]
fn what_has_begun_is_waited_for() {
    let (go, gate) = channel::<()>();
    let (began, begins) = channel();
    let restart = Restart::start(
        move |may_begin| {
            began.send(may_begin()).unwrap();
            gate.recv().unwrap();
            Told::Ok(7)
        },
        || {},
    )
    .unwrap();
    assert!(begins.recv().unwrap());
    assert!(!restart.give_up());
    go.send(()).unwrap();
    assert_eq!(restart.give_up_or_take(), Some(7));
}

#[test]
fn what_kept_it_from_beginning_is_told() {
    let (tell, told) = channel();
    let restart =
        Restart::start(|_| Told::Err(vec!["error: no".to_owned()]), move || tell.send(()).unwrap()).unwrap();
    told.recv().unwrap();
    assert_eq!(restart.take(), Some(Err(vec!["error: no".to_owned()])));
    assert!(restart.give_up_or_take().is_none());
}
