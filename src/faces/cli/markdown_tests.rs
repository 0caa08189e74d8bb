//! How pages look, with colours and without.

use expect_test::expect;

use super::*;

const PAGE: &str = "# A page\n\nText that is long enough to be wrapped, with `code span` and **bold words** in it.\n\n\
                    ## Below\n\n- one\n- two that is long enough to go on in another line of the list\n  1. first\n  2. second\n\n\
                    ```console\n$ sortie run ci\nsays this\n```\n\n```yaml file=x.yml\nversion: 3   # kept   as it is, however long such a line may be\n```\n\n\
                    | key | what it says |\n|---|---|\n| `name` | the name, once in a job, and more words than fit |\n| `x` | y |\n\n\
                    A [link](https://example.org) and https://example.org.\n";

fn plain(columns: usize) -> String {
    render(PAGE, columns, Paint::default()).join("\n")
}

#[test]
fn a_page_is_readable_without_colours() {
    expect![[r#"
        A page
        ======

        Text that is long enough to be wrapped,
        with `code span` and bold words in it.

        Below
        -----

        - one
        - two that is long enough to go on in
          another line of the list
          1. first
          2. second

            $ sortie run ci
            says this

            version: 3   # kept   as it is, however long such a line may be

        key     what it says
        ------  --------------------------------
        `name`  the name, once in a job, and
                more words than fit
        `x`     y

        A link (https://example.org) and
        https://example.org."#]]
    .assert_eq(&plain(40));
}

#[test]
fn colours_take_no_room_and_take_the_place_of_marks() {
    let paint = Paint { color: true, ascii: false };
    let lines = render(PAGE, 40, paint);
    assert_eq!(lines[0], "\u{1b}[1mA\u{1b}[0m \u{1b}[1mpage\u{1b}[0m");
    assert!(lines.iter().any(|line| line.contains("\u{1b}[36mcode span\u{1b}[0m")), "{lines:?}");
    assert!(lines.contains(&"    \u{1b}[1m$ sortie run ci\u{1b}[0m".to_owned()), "{lines:?}");
    let bare = |line: &String| {
        line.replace("\u{1b}[1m", "")
            .replace("\u{1b}[36m", "")
            .replace("\u{1b}[2m", "")
            .replace("\u{1b}[0m", "")
    };
    let bare: Vec<String> = lines.iter().map(bare).collect();
    let is_code = |line: &&String| line.starts_with("    ");
    assert!(bare.iter().filter(|it| !is_code(it)).all(|line| line.width() <= 40), "{bare:?}");
    assert!(!bare.iter().any(|line| line.contains('`') || line.starts_with("====")), "{bare:?}");
}

#[test]
fn no_width_is_too_narrow_and_every_word_stays() {
    let words = |text: &str| text.split_whitespace().filter(|it| !it.starts_with(['-', '='])).count();
    let wide = words(&plain(1000));
    for columns in [0, 1, 20, 33, 80] {
        assert_eq!(words(&plain(columns)), wide, "{columns}");
    }
    assert_eq!(render("", 80, Paint::default()), Vec::<String>::new());
}
