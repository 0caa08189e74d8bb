//! Notes reach the face that listens, and what nobody heard the next one.

use std::sync::mpsc::channel;

use super::*;

fn said(words: &str) -> Note {
    Note::Said(words.to_owned())
}

#[test]
fn what_comes_between_two_faces_waits_for_the_next() {
    let notes = Notes::default();
    let (tell, heard) = channel();
    notes.tell(said("early"));
    notes.listen(Some(Box::new(move |note| tell.send(note.clone()).is_ok())));
    notes.tell(said("now"));
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [said("early"), said("now")]);
    drop(heard);
    // Its listener is still there, but nobody behind it.
    notes.tell(said("late"));
    let (tell, heard) = channel();
    notes.listen(Some(Box::new(move |note| tell.send(note.clone()).is_ok())));
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [said("late")]);
}

#[test]
fn of_a_playbook_only_how_it_stands_last_waits() {
    let notes = Notes::default();
    let broken = Version::Broken { file: "a".to_owned(), why: "b".to_owned() };
    notes.tell(Note::Book(broken));
    notes.tell(said("x"));
    notes.tell(Note::Book(Version::Same));
    let (tell, heard) = channel();
    notes.listen(Some(Box::new(move |note| tell.send(note.clone()).is_ok())));
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [said("x"), Note::Book(Version::Same)]);
}
