//! Which file counts, and what cannot be read.

use super::{file, open};

#[test]
fn either_ending_counts_and_the_named_one_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let (yaml, yml) = (folder.path().join("keymap.yaml"), folder.path().join("keymap.yml"));
    assert_eq!(file(&yaml), None);
    assert!(open(&yaml).expect("none is no fault").is_none());
    std::fs::write(&yml, "\u{feff}bind: {}\n").expect("a file");
    assert_eq!(file(&yaml), Some(yml.clone()));
    let source = open(&yaml).expect("it can be read").expect("it is there");
    assert_eq!((&*source.text, &*source.name), ("bind: {}\n", &*yml.display().to_string()));
    std::fs::write(&yaml, "").expect("a file");
    assert_eq!(file(&yaml), Some(yaml));
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keymap.yaml");
    let why = || open(&path).expect_err("it cannot be read").message;
    std::fs::create_dir(&path).expect("a folder");
    assert!(why().ends_with("cannot be read: it is no file"), "{}", why());
    std::fs::remove_dir(&path).expect("it is empty");
    std::fs::write(&path, b"bind: \xff\n").expect("a file");
    assert!(why().ends_with("it is no text in UTF-8"), "{}", why());
    std::fs::write(&path, "#".repeat(300 * 1024)).expect("a file");
    assert!(why().ends_with("it is larger than 256 KiB"), "{}", why());
    std::fs::remove_file(&path).expect("it is there");
    std::os::unix::fs::symlink("nowhere", &path).expect("a link");
    assert!(why().contains("No such file"), "{}", why());
}
