//! Exit codes, the project's root, and settings from real files.
#![expect(clippy::disallowed_methods, reason = "files of settings are written as a person would")]

use super::{exit, paths, settings};
use crate::faces::ending::Ending;

#[test]
fn every_ending_has_the_code_of_the_contract() {
    let codes: Vec<u8> = [
        Ending::Success,
        Ending::JobFailed,
        Ending::Usage,
        Ending::Refused,
        Ending::Rejected,
        Ending::Surroundings,
        Ending::RolledBack,
        Ending::RollbackFailed,
        Ending::Bug,
        Ending::TimedOut,
        Ending::Cancelled,
    ]
    .map(exit::code)
    .to_vec();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 10, 11, 101, 124, 130]);
    assert_eq!(exit::table().len(), 11);
}

#[test]
fn the_root_is_the_nearest_state_folder_then_the_git_root_then_here() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir(folder.path().join("a/.git")).unwrap();
    assert_eq!(paths::root(&deep), folder.path().join("a"));
    std::fs::create_dir(folder.path().join(".sortie")).unwrap();
    assert_eq!(paths::root(&deep), folder.path());
}

#[test]
fn layers_come_from_files_variables_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    let user = folder.path().join("user.yml");
    std::fs::write(&user, "ui:\n  color: never\n  heartbeat: 5s\n").unwrap();
    std::fs::write(folder.path().join("sortie.yml"), "ui:\n  heartbeat: 10s\n").unwrap();
    let variables = [("SORTIE_SET_RUN_MAX_PARALLEL".to_owned(), "3".to_owned())];
    let mut told = String::new();
    let all = settings::load(folder.path(), Some(&user), &variables, (Vec::new(), false), &mut |text| {
        told.push_str(text)
    })
    .unwrap();
    assert_eq!((all.color(), all.heartbeat().as_secs(), all.max_parallel()), ("never", 10, Some(3)));
    assert_eq!(told, "");
}

#[test]
fn a_wrong_file_is_told_with_its_place_and_ends_with_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sortie.yml"), "ui:\n  colour: never\n").unwrap();
    let mut told = String::new();
    let failure =
        settings::load(folder.path(), None, &[], (Vec::new(), false), &mut |text| told.push_str(text))
            .unwrap_err();
    assert_eq!(failure.ending, Ending::Usage);
    assert!(told.contains("there is no setting `ui.colour`"), "{told}");
    assert!(told.contains("sortie.yml:2:3"), "{told}");
    assert!(told.contains("did you mean `ui.color`?"), "{told}");
}
