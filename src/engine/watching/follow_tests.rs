//! Following real files, whatever is done to them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

/// How long a version may take to come.
const LIMIT: Duration = Duration::from_secs(20);

/// A file `books/x.yml` that is followed; its content is its version.
struct Desk {
    _folder: tempfile::TempDir,
    root: PathBuf,
    follower: Option<Follower>,
    told: Receiver<News<String>>,
}

impl Desk {
    fn new() -> Self {
        Self::with(|root| {
            fs::write(root.join("books/x.yml"), "one").expect("a file");
        })
    }

    fn with(make: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        fs::create_dir(root.join("books")).expect("a folder");
        make(&root);
        let path = root.join("books/x.yml");
        let look = move || {
            let text = fs::read_to_string(&path).unwrap_or_else(|_| "none".to_owned());
            let files = [path.clone()].into();
            Looked { key: key(text.as_bytes()), files, folders: BTreeSet::new(), value: text }
        };
        let (to_desk, told) = channel();
        let follower = follow(&root, None, look, move |news| to_desk.send(news).is_ok()).expect("a thread");
        let desk = Self { _folder: folder, root, follower: Some(follower), told };
        // What is there at the start is told as soon as the folders are listened to.
        desk.assert_next("one");
        desk
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join("books").join(name)
    }

    fn write(&self, text: &str) {
        fs::write(self.file("x.yml"), text).expect("it is writable");
    }

    fn next(&self) -> News<String> {
        self.told.recv_timeout(LIMIT).expect("a version comes")
    }

    #[track_caller]
    fn assert_next(&self, text: &str) {
        assert_eq!(self.next(), News::Version(text.to_owned()));
    }
}

#[test]
fn a_save_by_rename_is_told_once() {
    let desk = Desk::new();
    for text in ["two", "three", "four"] {
        fs::write(desk.file(".x.yml.new"), text).expect("a file");
        fs::rename(desk.file(".x.yml.new"), desk.file("x.yml")).expect("renamed");
        desk.assert_next(text);
    }
}

#[test]
fn what_is_empty_for_a_moment_is_not_told() {
    let desk = Desk::new();
    for text in ["two", "three"] {
        // Creating it empties it.
        let mut file = fs::File::create(desk.file("x.yml")).expect("it is writable");
        io::Write::write_all(&mut file, text.as_bytes()).expect("it is writable");
        drop(file);
        desk.assert_next(text);
    }
}

#[test]
fn a_save_as_vim_does_it_is_told_once() {
    let desk = Desk::new();
    for text in ["two", "three"] {
        fs::write(desk.file(".x.yml.swp"), "swap").expect("a file");
        fs::write(desk.file("4913"), "").expect("a file");
        fs::remove_file(desk.file("4913")).expect("removed");
        fs::rename(desk.file("x.yml"), desk.file("x.yml~")).expect("renamed");
        desk.write(text);
        fs::remove_file(desk.file("x.yml~")).expect("removed");
        fs::remove_file(desk.file(".x.yml.swp")).expect("removed");
        desk.assert_next(text);
    }
}

#[test]
fn a_touch_the_same_content_and_neighbours_are_no_news() {
    let desk = Desk::new();
    desk.write("one");
    fs::write(desk.file("y.yml"), "another").expect("a file");
    fs::File::open(desk.file("x.yml"))
        .and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH))
        .expect("it can be touched");
    desk.write("two");
    desk.assert_next("two");
    desk.write("one");
    desk.assert_next("one");
}

#[test]
fn what_goes_and_comes_back_is_told() {
    let desk = Desk::new();
    fs::remove_file(desk.file("x.yml")).expect("removed");
    desk.assert_next("none");
    desk.write("one");
    desk.assert_next("one");
}

#[test]
fn a_folder_that_is_moved_away_and_back_is_followed_still() {
    let desk = Desk::new();
    let (here, there) = (desk.root.join("books"), desk.root.join("moved"));
    fs::rename(&here, &there).expect("renamed");
    desk.assert_next("none");
    fs::rename(&there, &here).expect("renamed");
    desk.assert_next("one");
    desk.write("two");
    desk.assert_next("two");
    // Another folder in its place.
    fs::rename(&here, &there).expect("renamed");
    fs::create_dir(&here).expect("a folder");
    desk.assert_next("none");
    desk.write("three");
    desk.assert_next("three");
}

#[test]
fn a_link_is_followed_to_its_file_and_to_another() {
    let desk = Desk::with(|root| {
        fs::create_dir(root.join("else")).expect("a folder");
        fs::write(root.join("else/a.yml"), "one").expect("a file");
        fs::write(root.join("else/b.yml"), "other").expect("a file");
        symlink("../else/a.yml", root.join("books/x.yml")).expect("a link");
    });
    fs::write(desk.root.join("else/a.yml"), "two").expect("it is writable");
    desk.assert_next("two");
    symlink("../else/b.yml", desk.file(".new")).expect("a link");
    fs::rename(desk.file(".new"), desk.file("x.yml")).expect("renamed");
    desk.assert_next("other");
    fs::write(desk.root.join("else/b.yml"), "three").expect("it is writable");
    desk.assert_next("three");
}

#[test]
fn writing_without_end_is_told_all_the_same() {
    let desk = Desk::new();
    let mut count = 1_u32;
    let told = loop {
        desk.write(&format!("{count}"));
        count += 1;
        if let Ok(news) = desk.told.try_recv() {
            break news;
        }
        assert!(count < 50_000_000, "nothing is told");
    };
    assert!(matches!(told, News::Version(_)));
    desk.write("the end");
    while desk.next() != News::Version("the end".to_owned()) {}
}

#[test]
fn a_follower_that_is_dropped_ends() {
    let mut desk = Desk::new();
    desk.follower = None;
    // The thread lets go of its end of the channel.
    assert!(
        desk.told.recv_timeout(LIMIT).is_err_and(|it| it == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}
