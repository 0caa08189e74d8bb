//! The drivers for full-screen programs, held to what they claim, on programs that everybody has.
//!
//! Not here: what Sortie shows on a terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use expect_test::expect;
use nix::sys::signal::Signal;
use vt100::{Color, MouseProtocolMode};

use crate::kit::{Mouse, Sandbox, Terminal, Tmux, nothing_is_left, who_is_left};

const SIZE: (u16, u16) = (40, 6);

/// Echoes what it is sent, byte by byte and legibly, until ctrl-D.
const ECHO: &str = r#"stty raw -echo; printf 'ready\r\n'
perl -e '$| = 1; while (sysread STDIN, $c, 1) { last if $c eq "\x04"; printf "%s ", $c =~ /[!-~]/ ? $c : sprintf "%02x", ord $c }'
stty sane"#;

fn sh(sandbox: &Sandbox, script: &str) -> Terminal {
    sandbox.terminal_of("sh", ["-c", script], SIZE).start()
}

fn message(failing: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(failing)).expect_err("it must fail");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

// ------------------------------------------------------------------------------------------------ screen

#[test]
fn a_program_has_a_terminal_of_its_own() {
    let sandbox = Sandbox::new();
    let script =
        "test -t 0 && test -t 1 && test -t 2 && : </dev/tty && echo $TERM $FOO${BAR-none}; stty size; pwd";
    let call = sandbox.terminal_of("sh", ["-c", script], (60, 6)).env("FOO", "foo").env("BAR", "bar");
    let terminal = call.env_remove("BAR").start();
    let ended = terminal.wait_for_end().code(0).shows("xterm-256color foonone").shows("6 60");
    assert!(ended.shot.has(&sandbox.project().display().to_string()), "{}", ended.shot.text());
}

#[test]
fn ends_are_told_apart() {
    let sandbox = Sandbox::new();
    sh(&sandbox, "exit 7").wait_for_end().code(7).done();
    sh(&sandbox, "kill -TERM $$").wait_for_end().signalled(Signal::SIGTERM).done();
    sandbox
        .terminal_of("no-such-program", [], SIZE)
        .start()
        .wait_for_end()
        .code(127)
        .shows("No such file")
        .done();
    let leader = sandbox.terminal_of("sh", ["-c", "echo out; exit 8"], SIZE).leading().start();
    leader.wait_for_end().code(8).shows("out").done();
    let silent = sh(&sandbox, "exit 0");
    assert!(!silent.wait_until_or_end("a word", |shot| shot.has("word")));
    let talks = sh(&sandbox, "echo word; exec cat");
    assert!(talks.wait_until_or_end("a word", |shot| shot.has("word")));
    let killed = sh(&sandbox, "echo up; exec cat");
    killed.wait_for("up");
    killed.kill();
    killed.wait_for_end().signalled(Signal::SIGKILL).done();
}

#[test]
fn pictures_have_text_styles_and_a_cursor() {
    let sandbox = Sandbox::new();
    let script = r"printf 'a\033[1;31mbold red\033[0m b\r\n\033[38;5;208;4mx\033[48;2;1;2;3my\033[0m\033[7m世\033[0mz'; exec cat";
    let terminal = sh(&sandbox, script);
    let shot = terminal.wait_for("z");
    expect![[r"
        abold red b
        xy世z
        --- styles
        .aaaaaaaa
        bcdd
        --- legend
        a bold red
        b underline color 208
        c underline color 208 on #010203
        d reverse
    "]]
    .assert_eq(&shot.styled());
    assert_eq!((shot.find("red"), shot.find("z"), shot.find("w")), (Some((6, 0)), Some((4, 1)), None));
    assert_eq!((shot.cursor(), shot.is_cursor_visible(), shot.size()), ((5, 1), true, SIZE));
    assert_eq!((shot.row(0), shot.row(5)), ("abold red b".to_owned(), String::new()));
    let style = shot.style(0, 1);
    assert!(style.is_bold() && style.fg == Color::Idx(1) && style.bg == Color::Default, "{style:?}");
}

#[test]
fn pictures_can_be_drawn() {
    let sandbox = Sandbox::new();
    let terminal =
        sh(&sandbox, r"printf '\033[?25l<a>  \033[1;32;44mok \033[0m \033[2;7mdim\033[0m.'; exec cat");
    let svg = terminal.wait_for(".").svg();
    expect![[r##"
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 336 102" width="336" height="102">
        <style>text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#d4d4d4}</style>
        <rect width="100%" height="100%" fill="#16181d"/>
        <text x="0" y="13" textLength="25.2">&lt;a&gt;</text>
        <rect x="42" y="0" width="25.2" height="17" fill="#4aa5f0"/>
        <text x="42" y="13" textLength="16.8" fill="#8cc265" font-weight="bold">ok</text>
        <rect x="75.6" y="0" width="25.2" height="17" fill="#d4d4d4"/>
        <text x="75.6" y="13" textLength="25.2" fill="#16181d" opacity=".6">dim</text>
        <text x="100.8" y="13" textLength="8.4">.</text>
        </svg>
    "##]]
    .assert_eq(&svg);
}

#[test]
fn modes_and_titles_of_the_screen_are_seen() {
    let sandbox = Sandbox::new();
    let script = r"printf '\033]2;one\007\033[22;0t\033]0;two\033\\\033[?1049h\033[?25l\033[?1002;1006h\033[?2004h\033[?1004hon'
        read line; printf '\033]52;c;aGVsbG8=\007\033[23;0toff'; exec cat";
    let mut terminal = sh(&sandbox, script);
    let shot = terminal.wait_for("on");
    assert!(
        shot.is_alternate() && !shot.is_cursor_visible() && shot.is_paste_bracketed() && shot.reports_focus()
    );
    assert_eq!((shot.mouse(), shot.title()), (MouseProtocolMode::ButtonMotion, "two"));
    terminal.keys("<enter>");
    assert_eq!(terminal.wait_for("off").title(), "one");
    assert_eq!(terminal.copied(), ["aGVsbG8="]);
}

#[test]
fn rows_that_scroll_away_are_remembered() {
    let sandbox = Sandbox::new();
    let terminal = sh(&sandbox, "seq 10");
    let ended = terminal.wait_for_end().code(0);
    assert_eq!(ended.shot.row(0), "6");
    assert_eq!(terminal.history(), ["1", "2", "3", "4", "5"]);
    assert_eq!(ended.raw.len(), terminal.bytes());
}

#[test]
fn an_open_update_is_not_shown() {
    let sandbox = Sandbox::new();
    let script =
        r"stty -echo; printf 'old\033[?2026h\r\033[2Kne'; read line; printf 'w\033[?2026l'; read line";
    let mut terminal = sh(&sandbox, script);
    terminal.wait_for_bytes("ne");
    assert_eq!((terminal.shot().text(), terminal.frames().len()), ("old".to_owned(), 0));
    terminal.keys("<enter>");
    terminal.wait_for("new");
    terminal.wait_gone("old");
    assert_eq!(terminal.frames().len(), 1);
    terminal.keys("<enter>");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn a_wait_in_vain_fails_with_the_screen() {
    let sandbox = Sandbox::new();
    let terminal = sh(&sandbox, r"printf '\033[31mhere\n'");
    let text = message(|| drop(terminal.wait_for("there")));
    for part in ["waited for `there` on the screen, but the program ended", "\nhere\n", "^[[31mhere"] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn the_program_itself_runs_on_a_terminal() {
    let sandbox = Sandbox::new()
        .file("one.yml", "version: 3\nname: one\nstages:\n  a:\n    steps:\n      - run: tty || true\n");
    let terminal = sandbox.terminal(["run", "one.yml"], (100, 30)).start();
    let before = terminal.modes();
    terminal.wait_for_end().code(0).shows("not a tty").done();
    terminal.assert_restored(&before);
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

// ------------------------------------------------------------------------------------------------ hands

#[test]
fn keys_arrive_as_terminals_send_them() {
    let sandbox = Sandbox::new();
    let mut terminal = sh(&sandbox, ECHO);
    terminal.wait_for("ready");
    terminal.keys("jJ<lt><enter><esc><tab><s-tab><space><bs><c-c>");
    terminal.wait_for("j J < 0d 1b 09 1b [ Z 20 7f 03");
    terminal.keys("<c-l>");
    terminal.keys("<up><pgdn><s-right><f1><f5><a-x>.");
    let shot = terminal.wait_for(".");
    let all = shot.rows().join(" ").replace("  ", " ");
    let sent = "0c 1b [ A 1b [ 6 ~ 1b [ 1 ; 2 C 1b [ 1 1 ~ 1b [ 1 5 ~ 1b x .";
    assert!(all.replace(' ', "").contains(&sent.replace(' ', "")), "{all}");
    terminal.keys("<c-d>");
    terminal.wait_for_end().code(0).done();
}

#[test]
fn arrows_follow_the_mode_of_the_keypad() {
    let sandbox = Sandbox::new();
    let mut terminal = sh(&sandbox, &format!("printf '\\033[?1h'; {ECHO}"));
    terminal.wait_for("ready");
    terminal.keys("<up><pgup>");
    terminal.wait_for("1b O A 1b [ 5 ~");
}

#[test]
fn an_escape_is_read_before_the_next_key_is_typed() {
    let sandbox = Sandbox::new();
    let reader = r#"stty raw -echo; printf 'ready\r\n'; perl -e '$| = 1; while ($n = sysread STDIN, $c, 99) { print "$n "; }'"#;
    let mut terminal = sh(&sandbox, reader);
    terminal.wait_for("ready");
    terminal.keys("<esc>jj");
    terminal.wait_for("1 2");
    terminal.keys("<esc>");
    terminal.keys("kkk");
    terminal.wait_for("1 2 1 3");
}

#[test]
fn pastes_mouse_and_focus_are_sent_to_those_who_asked() {
    let sandbox = Sandbox::new();
    let mut deaf = sh(&sandbox, ECHO);
    deaf.wait_for("ready");
    deaf.paste("ab");
    deaf.wait_for("a b");
    assert!(message(|| deaf.mouse(Mouse::Click(0, 0))).contains("not asked for the mouse"));
    assert!(message(|| deaf.focus(true)).contains("not asked for focus"));

    let script = format!("printf '\\033[?1000;1006h\\033[?2004h\\033[?1004h'; {ECHO}");
    let mut terminal = sandbox.terminal_of("sh", ["-c", &script], (250, 6)).start();
    terminal.wait_for("ready");
    terminal.paste("ab");
    terminal.wait_for("1b [ 2 0 0 ~ a b 1b [ 2 0 1 ~");
    terminal.mouse(Mouse::Click(9, 4));
    terminal.wait_for("1b [ < 0 ; 1 0 ; 5 M 1b [ < 0 ; 1 0 ; 5 m");
    terminal.mouse(Mouse::Press(0, 0));
    terminal.mouse(Mouse::Drag(1, 0));
    terminal.mouse(Mouse::Release(1, 0));
    terminal.wait_for("< 0 ; 1 ; 1 M 1b [ < 3 2 ; 2 ; 1 M 1b [ < 0");
    terminal.mouse(Mouse::WheelUp(0, 0));
    terminal.mouse(Mouse::WheelDown(0, 0));
    terminal.wait_for("< 6 4 ; 1 ; 1 M 1b [ < 6 5 ; 1 ; 1 M");
    terminal.focus(false);
    terminal.wait_for("1b [ O");
}

#[test]
fn questions_are_answered() {
    let sandbox = Sandbox::new();
    let asks = format!("printf 'abc\\033[6n\\033[c\\033[>c\\033[?u'; {ECHO}");
    let terminal = sandbox.terminal_of("sh", ["-c", &asks], (250, 6)).start();
    terminal.wait_for("1b [ > 4 1 ; 3 5 4 ; 0 c");
    let shot = terminal.shot();
    assert!(shot.has("1b [ 1 ; 4 R 1b [ ? 6 2 ; 2 2 c"), "{}", shot.text());
}

#[test]
fn a_new_size_reaches_the_program() {
    let sandbox = Sandbox::new();
    let terminal = sh(&sandbox, "trap 'stty size' WINCH; echo up; while :; do read line; done");
    terminal.wait_for("up");
    terminal.resize(33, 9);
    terminal.wait_for("9 33");
    assert_eq!(terminal.shot().size(), (33, 9));
}

#[test]
fn a_press_is_timed() {
    let sandbox = Sandbox::new();
    let mut terminal = sh(&sandbox, ECHO);
    terminal.wait_for("ready");
    let (_, start) =
        sandbox.terminal_of("sh", ["-c", ECHO], SIZE).leading().start_until(|shot| shot.has("ready"));
    assert!(start > Duration::ZERO && start < Duration::from_secs(20), "{start:?}");
    let took = terminal.press_until("x", |shot| shot.has("x "));
    assert!(took > Duration::ZERO && took < Duration::from_secs(20), "{took:?}");
    let text = message(|| {
        terminal.press_until("y", |shot| shot.has("x "));
    });
    assert!(text.contains("it is so before"), "{text}");
}

// ------------------------------------------------------------------------------------------------ stalls and ends

#[test]
fn silence_is_measured() {
    let sandbox = Sandbox::new();
    let mut terminal = sh(&sandbox, ECHO);
    terminal.wait_for("ready");
    assert_eq!(terminal.bytes_during(Duration::from_millis(50)), 0);
    terminal.keys("j");
    terminal.wait_for("j");
    assert_eq!(terminal.raw().len(), terminal.bytes());
}

#[test]
fn a_terminal_that_stalls_stops_its_writer() {
    let sandbox = Sandbox::new();
    let script = "stty -echo; echo up; read line; seq 20000; >done; echo all";
    let mut terminal = sh(&sandbox, script);
    terminal.wait_for("up");
    terminal.stop_reading();
    let before = terminal.bytes();
    terminal.keys("<enter>");
    assert_eq!(terminal.bytes_during(Duration::from_millis(100)), 0);
    assert!(!sandbox.project().join("done").exists(), "the buffer of a terminal is not that large");
    assert_eq!(terminal.bytes(), before);
    terminal.go_on_reading();
    terminal.wait_for_end().code(0).shows("20000").shows("all").done();
    assert!(sandbox.project().join("done").exists());
}

#[test]
fn a_program_is_suspended_by_a_key_and_comes_back() {
    let sandbox = Sandbox::new();
    let script = r#"$| = 1; $SIG{CONT} = sub { print "back\n" }; print "up\n"; 1 while <STDIN>"#;
    let mut terminal = sandbox.terminal_of("perl", ["-e", script], SIZE).start();
    terminal.wait_for("up");
    assert_eq!(terminal.foreground(), terminal.id());
    assert!(!terminal.is_stopped());
    terminal.keys("<c-z>");
    terminal.wait_stopped();
    assert!(terminal.is_stopped());
    assert_ne!(terminal.foreground(), terminal.id());
    terminal.bring_to_front();
    terminal.wait_running();
    assert_eq!(terminal.foreground(), terminal.id());
    terminal.keys("<c-d>");
    terminal.wait_for_end().code(0).shows("back").done();
}

#[test]
fn stops_are_seen_of_a_leader_too() {
    let sandbox = Sandbox::new();
    let terminal = sandbox.terminal_of("cat", [], SIZE).leading().start();
    terminal.signal(Signal::SIGSTOP);
    terminal.wait_stopped();
    terminal.signal(Signal::SIGCONT);
    terminal.wait_running();
    terminal.kill();
    terminal.wait_for_end().signalled(Signal::SIGKILL).done();
    assert!(message(|| drop(terminal.modes())).contains("set back"));
}

#[test]
fn hanging_up_ends_what_does_not_mind() {
    let sandbox = Sandbox::new();
    for leads in [false, true] {
        let script = "trap 'echo hung up >>hup; exit 3' HUP; echo up; while :; do read line || :; done";
        let call = sandbox.terminal_of("sh", ["-c", script], SIZE);
        let mut terminal = if leads { call.leading() } else { call }.start();
        terminal.wait_for("up");
        terminal.hang_up();
        terminal.wait_for_end().code(3).done();
    }
    let said = std::fs::read_to_string(sandbox.project().join("hup")).expect("both were told");
    assert_eq!(said, "hung up\nhung up\n");
}

#[test]
fn nothing_is_left_of_a_terminal() {
    let sandbox = Sandbox::new();
    let script = "trap '' HUP TERM; (trap '' HUP; exec sleep 1000) & echo up; cat >/dev/null";
    let terminal = sh(&sandbox, script);
    terminal.wait_for("up");
    assert!(!who_is_left(&sandbox).is_empty(), "whoever writes is there");
    drop(terminal);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

// ------------------------------------------------------------------------------------------------ restoring

#[test]
fn the_line_is_compared_in_full() {
    let sandbox = Sandbox::new();
    let script = "s=$(stty -g); read a; stty raw -echo; echo raw; read b; stty $s; echo sane; read c; stty intr ^X; echo done; read d";
    let mut terminal = sh(&sandbox, script);
    let before = terminal.modes();
    assert!(before.echoes() && !before.is_raw());
    terminal.keys("<enter>");
    terminal.wait_for("raw");
    assert!(!terminal.modes().echoes() && terminal.modes().is_raw());
    terminal.keys("x<c-j>");
    terminal.wait_for("sane");
    terminal.assert_restored(&before);
    terminal.keys("<enter>");
    terminal.wait_for("done");
    assert!(message(|| terminal.assert_restored(&before)).contains("the line was"));
}

#[test]
fn a_line_that_is_left_raw_is_seen_after_the_end() {
    let sandbox = Sandbox::new();
    let mut terminal = sh(&sandbox, "read line; stty raw -echo");
    let before = terminal.modes();
    terminal.keys("<enter>");
    terminal.wait_for_end().code(0).done();
    assert!(message(|| terminal.assert_restored(&before)).contains("the line was"));
}

#[test]
fn whatever_a_program_leaves_on_is_named() {
    let sandbox = Sandbox::new();
    let all = [
        (r"\033[?1049h", r"\033[?1049l", "alternate screen"),
        (r"\033[?25l", r"\033[?25h", "cursor is hidden"),
        (r"\033[?1000h", r"\033[?1000l", "mouse is reported"),
        (r"\033[?1003h", r"\033[?1003l", "mouse is reported"),
        (r"\033[?1006h", r"\033[?1006l", "mouse is encoded"),
        (r"\033[?2004h", r"\033[?2004l", "pasted text"),
        (r"\033[?1004h", r"\033[?1004l", "focus"),
        (r"\033[?2026h", r"\033[?2026l", "synchronized update"),
        (r"\033[?7l", r"\033[?7h", "long lines"),
        (r"\033[2;4r", r"\033[r", "scroll region"),
        (r"\033[1;31m", r"\033[0m", "colours or attributes"),
        (r"\033[22;0t", r"\033[23;0t", "title"),
        (r"\033[>1u", r"\033[<u", "keyboard mode"),
        (r"\033[?1h", r"\033[?1l", "arrows"),
        (r"\033[5 q", r"\033[0 q", "another shape"),
    ];
    for (on, off, name) in all {
        let mut terminal = sh(&sandbox, &format!("read a; printf '{on}'; printf .; read b; printf '{off}'"));
        let before = terminal.modes();
        terminal.keys("<enter>");
        terminal.wait_for_bytes(".");
        let text = message(|| terminal.assert_restored(&before));
        assert!(text.contains(name), "no `{name}` in\n{text}");
        assert_eq!(terminal.left_behind(&before).len(), 1, "{name} alone: {text}");
        terminal.keys("<enter>");
        terminal.wait_for_end().code(0).done();
        terminal.assert_restored(&before);
    }
}

// ------------------------------------------------------------------------------------------------ tmux

#[test]
fn a_multiplexer_shows_what_a_program_draws() {
    let sandbox = Sandbox::new();
    let tmux = Tmux::new(&sandbox, 50, 8);
    tmux.type_line(r"printf '\033[31mred\033[0m\n'; stty size; echo $KIT_MARK");
    tmux.wait_for(sandbox.mark());
    let screen = tmux.wait_for("8 50");
    assert!(screen.contains("\nred\n"), "{screen}");
    assert!(tmux.capture_styled().contains("\u{1b}[31mred"), "{:?}", tmux.capture_styled());
    tmux.resize(44, 7);
    tmux.type_line("clear; stty size");
    tmux.wait_for("7 44");
    tmux.finish_line("seq 20");
    assert!(!tmux.capture().contains("\n3\n") && tmux.capture_history().contains("\n3\n4\n"));
}

#[test]
fn a_multiplexer_tells_modes() {
    let sandbox = Sandbox::new();
    let tmux = Tmux::new(&sandbox, 50, 8);
    assert_eq!((tmux.alternate_on(), tmux.cursor_visible(), tmux.mouse_on()), (false, true, false));
    assert_eq!(tmux.flag("no_such_flag"), None);
    let before = tmux.stty();
    tmux.type_line(r"stty -echo; printf '\033[?1049h\033[?25l\033[?1000hon\n'; read line; stty echo; printf '\033[?1049l\033[?25h\033[?1000l'; echo off");
    tmux.wait_until("the alternate screen", |tmux| tmux.alternate_on().then_some(()));
    tmux.wait_for("on");
    assert_eq!((tmux.cursor_visible(), tmux.mouse_on()), (false, true));
    tmux.send(&["x", "Enter"]);
    tmux.wait_until("the normal screen", |tmux| (!tmux.alternate_on()).then_some(()));
    assert_eq!(tmux.stty(), before);
    tmux.finish_line("stty -echo");
    assert_ne!(tmux.stty(), before);
    let pane = tmux.pane_pid();
    assert!(std::fs::read_to_string(format!("/proc/{pane}/cmdline")).is_ok_and(|w| w.starts_with("sh")));
}

#[test]
fn a_multiplexer_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let tmux = Tmux::new(&sandbox, 50, 8);
    assert!(who_is_left(&sandbox).len() >= 2);
    tmux.type_line("exit");
    let text = message(|| tmux.wait_until("what never comes", |_| None::<()>));
    assert!(text.contains("the shell has ended"), "{text}");
    drop(tmux);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}
