//! Commands as they are printed.

use std::path::Path;

use super::{Caller, quoted};
use crate::logic::settings::{Given, Origin, Settings};

fn command(origin: Option<Origin>, state: &str) -> String {
    let value = state.to_owned();
    let given = origin.map(|origin| Given { key: "store.dir", value, origin });
    let settings = Settings::resolve(&[given.into_iter().collect()]);
    Caller::new(&settings, Path::new(state), Path::new("/home/ada/shop")).command("jobs show 7")
}

#[test]
fn where_nothing_was_said_nothing_is_added() {
    assert_eq!(command(None, "/home/ada/shop/.sortie"), "sortie jobs show 7");
    let file = Origin::File { name: "sortie.yml".to_owned(), line: 2 };
    assert_eq!(command(Some(file), "/var/jobs"), "sortie jobs show 7", "the next call reads it, too");
}

#[test]
fn a_state_folder_that_was_named_is_named_again() {
    let flag = || Some(Origin::Flag("--state"));
    assert_eq!(command(flag(), "/var/jobs"), "sortie --state /var/jobs jobs show 7");
    assert_eq!(command(flag(), "/home/ada/shop/out/state"), "sortie --state out/state jobs show 7");
    assert_eq!(command(flag(), "/home/ada/shop"), "sortie --state . jobs show 7");
    assert_eq!(command(flag(), "/home/ada/shop/-x"), "sortie --state ./-x jobs show 7");
    let variable = Origin::Variable("SORTIE_SET_STORE_DIR".to_owned());
    assert_eq!(command(Some(variable), "/var/jobs"), "sortie --state /var/jobs jobs show 7");
}

#[test]
fn what_a_shell_would_take_apart_is_quoted() {
    let flag = Some(Origin::Flag("--state"));
    assert_eq!(command(flag, "/tmp/my jobs/it's"), r"sortie --state '/tmp/my jobs/it'\''s' jobs show 7");
    assert_eq!(
        (&*quoted("build[os=mac, n=1]"), &*quoted("a/b-1.yml"), &*quoted("")),
        ("'build[os=mac, n=1]'", "a/b-1.yml", "''")
    );
}
