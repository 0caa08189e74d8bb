//! What a terminal shows of the sheet.

use std::cell::RefCell;
use std::io::Write;
use std::num::NonZeroU16;
use std::rc::Rc;

use super::{BEGIN, END, Sheet};

/// A place for frames that can be looked at, and that may refuse.
#[derive(Clone, Default)]
struct Glass {
    writes: Rc<RefCell<Vec<Vec<u8>>>>,
    refuses: bool,
}

impl Write for Glass {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.refuses {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.writes.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A terminal of 20 columns and 6 rows that breaks lines as a real one does.
struct Terminal {
    sheet: Sheet,
    glass: Glass,
    parser: vt100::Parser,
}

const SIZE: (u16, u16) = (20, 6);

impl Terminal {
    fn new() -> Self {
        let glass = Glass::default();
        let size = |count: u16| NonZeroU16::new(count).unwrap();
        let parser = vt100::Parser::new(size(SIZE.1), size(SIZE.0), 100);
        Self { sheet: Sheet::new(Box::new(glass.clone())), glass, parser }
    }

    fn show(&mut self, above: &str, rows: &[&str]) -> String {
        let rows: Vec<String> = rows.iter().map(|&row| row.to_owned()).collect();
        self.sheet.show(above.as_bytes(), &rows, SIZE);
        self.screen()
    }

    fn screen(&mut self) -> String {
        for frame in self.glass.writes.borrow_mut().drain(..) {
            let text = String::from_utf8(frame).unwrap().replace('\n', "\r\n");
            self.parser.process(text.as_bytes());
        }
        self.parser.screen().contents().trim_end().to_owned()
    }

    fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }
}

#[test]
fn output_goes_above_the_rows() {
    let mut terminal = Terminal::new();
    assert_eq!(terminal.show("", &["[..] 0%", "> build"]), "[..] 0%\n> build");
    assert_eq!(terminal.cursor(), (0, 0));
    assert_eq!(terminal.show("one\n", &["[..] 0%", "> build"]), "one\n[..] 0%\n> build");
    assert_eq!(terminal.show("two\nthree\n", &["[##] 100%"]), "one\ntwo\nthree\n[##] 100%");
    assert_eq!(terminal.cursor(), (3, 0));
    assert_eq!(terminal.show("", &[]), "one\ntwo\nthree");
    assert_eq!(terminal.cursor(), (3, 0));
}

#[test]
fn output_that_scrolls_away_is_whole() {
    let mut terminal = Terminal::new();
    let mut expected = String::new();
    for number in 0..40 {
        let line = format!("line {number}\n");
        terminal.show(&line, &["[..] 0%", "", "hint"]);
        expected.push_str(&line);
    }
    terminal.show("", &[]);
    terminal.parser.screen_mut().set_scrollback(100);
    let mut lines = Vec::new();
    while terminal.parser.screen().scrollback() > 0 {
        lines.push(terminal.parser.screen().rows(0, SIZE.0).next().unwrap());
        let next = terminal.parser.screen().scrollback() - 1;
        terminal.parser.screen_mut().set_scrollback(next);
    }
    lines.push(terminal.screen());
    assert_eq!(lines.join("\n"), expected.trim_end());
}

#[test]
fn long_lines_wrap_above_and_full_rows_stay_one() {
    let mut terminal = Terminal::new();
    let full = "=".repeat(SIZE.0.into());
    terminal.show("", &[&full, &full]);
    let shown = terminal.show(&format!("{}\n", "x".repeat(30)), &[&full, "end"]);
    assert_eq!(shown, format!("{}{}\n{full}\nend", "x".repeat(20), "x".repeat(10)).replace("x=", "x\n="));
}

#[test]
fn every_frame_is_one_write_and_nothing_new_is_none() {
    let mut terminal = Terminal::new();
    let rows = ["[..] 0%".to_owned()];
    terminal.sheet.show(b"a\nb\n", &rows, SIZE);
    {
        let writes = terminal.glass.writes.borrow();
        assert_eq!(writes.len(), 1);
        assert!(writes[0].starts_with(BEGIN) && writes[0].ends_with(END));
    }
    terminal.sheet.show(b"", &rows, SIZE);
    assert_eq!(terminal.glass.writes.borrow().len(), 1);
    // Another window: drawn anew.
    terminal.sheet.show(b"", &rows, (30, 6));
    assert_eq!(terminal.glass.writes.borrow().len(), 2);
    terminal.sheet.show(b"", &[], SIZE);
    terminal.sheet.show(b"", &[], (30, 6));
    assert_eq!(terminal.glass.writes.borrow().len(), 3);
}

#[test]
fn what_somebody_else_wrote_over_is_left_alone() {
    let mut terminal = Terminal::new();
    terminal.show("", &["[..] 0%", "> build"]);
    terminal.parser.process(b"[1]+ Stopped\r\n$ fg\r\n");
    terminal.parser.process(b"rest\r");
    terminal.sheet.forget();
    assert_eq!(terminal.show("", &["[.]"]), "[1]+ Stopped\n$ fgild\n[.]");
}

#[test]
fn it_leaves_nothing_when_it_goes() {
    let mut terminal = Terminal::new();
    terminal.show("one\n", &["[..] 0%"]);
    terminal.sheet = Sheet::new(Box::new(Glass::default()));
    assert_eq!(terminal.screen(), "one");
}

#[test]
fn a_terminal_that_is_gone_is_noticed() {
    let mut sheet = Sheet::new(Box::new(Glass { refuses: true, ..Glass::default() }));
    assert!(!sheet.is_closed());
    sheet.show(b"one\n", &["[..] 0%".to_owned()], SIZE);
    assert!(sheet.is_closed());
}

#[test]
fn a_window_of_no_size_does_no_harm() {
    let mut terminal = Terminal::new();
    let rows = ["日本語".to_owned(), "x".repeat(50)];
    terminal.sheet.show(b"one\n", &rows, (0, 0));
    terminal.sheet.show(b"two\n", &rows, (1, 1));
    terminal.sheet.show(b"", &[], SIZE);
    assert_eq!(terminal.screen(), "one\ntwo");
}
