//! Commands that read, that do not, and that fail.

use tempfile::TempDir;

use super::run;

#[test]
fn a_command_gets_its_input_in_its_folder() {
    let dir = TempDir::new().unwrap();
    assert_eq!(run("cat > seen", dir.path(), b"{\"seq\":1}\n"), Ok(()));
    assert_eq!(std::fs::read_to_string(dir.path().join("seen")).unwrap(), "{\"seq\":1}\n");
}

#[test]
fn a_command_that_reads_nothing_is_as_good_however_much_there_is() {
    let dir = TempDir::new().unwrap();
    assert_eq!(run("exec true", dir.path(), &vec![b'x'; 1 << 20]), Ok(()));
}

#[test]
fn how_a_command_failed_is_said_in_words() {
    let dir = TempDir::new().unwrap();
    assert_eq!(run("exit 3", dir.path(), b""), Err("exited with code 3".to_owned()));
    assert_eq!(run("kill -9 $$", dir.path(), b""), Err("was ended by signal 9".to_owned()));
    let nowhere = dir.path().join("nowhere");
    assert!(run("true", &nowhere, b"").unwrap_err().starts_with("could not be started: "));
}
