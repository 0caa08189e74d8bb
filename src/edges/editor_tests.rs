//! Editors with arguments, files with spaces, and editors that fail.

use std::ffi::OsString;

use tempfile::TempDir;

use super::edit;

#[test]
fn what_is_to_be_opened_comes_behind_the_arguments_as_it_is() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("ed.sh"), "printf '%s\\n' \"$@\" > seen\n").unwrap();
    let arguments = ["+3", "a b'$(x).yml"].map(OsString::from);
    assert_eq!(edit("sh ed.sh --wait 'two words'", &arguments, dir.path()), Ok(()));
    let seen = std::fs::read_to_string(dir.path().join("seen")).unwrap();
    assert_eq!(seen, "--wait\ntwo words\n+3\na b'$(x).yml\n");
}

#[test]
fn how_an_editor_failed_is_said() {
    let dir = TempDir::new().unwrap();
    assert_eq!(edit("false", &[], dir.path()), Err("exited with code 1".to_owned()));
    let missing = edit("./no-such-editor 2>&-", &[], dir.path());
    assert_eq!(missing, Err("could not be started; is it installed?".to_owned()));
    assert_eq!(edit("kill -9 $$;", &[], dir.path()), Err("was ended by signal 9".to_owned()));
}
