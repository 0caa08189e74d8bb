//! The pictures in the front page, taken from the real program: `UPDATE_EXPECT=1 tests/all -E 'test(pictures)'` makes them anew.
//!
//! Not here: screens held to their text (`src/faces/tui/tests.rs`). What a picture shows moves, so only that it can be taken and
//! that the committed one shows the same things is held.

use std::path::Path;

use crate::kit::Sandbox;

const TOUR: &str = include_str!("../../playbooks/tour.yml");

#[test]
fn the_tour_in_the_front_page() {
    let sandbox = Sandbox::new().file("playbooks/tour.yml", TOUR);
    let mut terminal = sandbox.terminal(["run", "tour", "--watch"], (120, 32)).start();
    let words = ["tour", "Stages", "build", "unit", "case 2 of 4 is fine", "Problems", "retry", "quit"];
    let shot = terminal.wait_until("the tests of the tour run", |shot| words.iter().all(|it| shot.has(it)));
    let picture = shot.svg();
    terminal.keys("<c-c><c-c><c-c>");
    terminal.wait_for_end().code(130).done();

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pictures/tour.svg");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("the project is writable");
        std::fs::write(&path, &picture).expect("the project is writable");
    }
    let committed = std::fs::read_to_string(&path).expect("the picture is there");
    for word in words {
        let word = word.replace(' ', "\u{a0}");
        let has = |svg: &str| svg.replace(' ', "\u{a0}").contains(&word);
        assert!(has(&picture) && has(&committed), "{word}");
    }
}
