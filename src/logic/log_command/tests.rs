//! Commands are found whatever the chunks, and no byte of the log is lost.

use super::{Command, Halt, LONGEST, Piece, Scanner};

fn run(chunks: &[&[u8]]) -> (Vec<u8>, Vec<Command>) {
    let (mut scanner, mut halt) = (Scanner::default(), Halt::default());
    let (mut bytes, mut commands) = (Vec::new(), Vec::new());
    let mut sink = |piece: Piece<'_>| match piece {
        Piece::Bytes(part) => bytes.extend_from_slice(part),
        Piece::Command(command) => commands.push(command),
    };
    for chunk in chunks {
        scanner.push(chunk, &mut halt, &mut sink);
    }
    scanner.finish(&mut halt, &mut sink);
    (bytes, commands)
}

fn at_every_split(input: &str) -> (String, Vec<Command>) {
    let input = input.as_bytes();
    let whole = run(&[input]);
    for one in 0..=input.len() {
        assert_eq!(run(&[&input[..one], &input[one..]]), whole, "cut at {one}");
        for two in one..=input.len() {
            assert_eq!(
                run(&[&input[..one], &input[one..two], &input[two..]]),
                whole,
                "cut at {one} and {two}"
            );
        }
    }
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(run(&single), whole, "byte by byte");
    (String::from_utf8(whole.0).unwrap(), whole.1)
}

#[test]
fn an_annotation_is_found_with_its_place_at_every_chunk_border() {
    let input = "a\n::error file=src/a%2Cb.rs,line=3,endLine=4,col=7,title=No%3A::50%25%0Adone\r\nb:::c\n";
    let (bytes, commands) = at_every_split(input);
    assert_eq!(bytes, input);
    let [Command::Annotate(found)] = commands.as_slice() else { unreachable!("{commands:?}") };
    assert_eq!(found.level, "error");
    assert_eq!(found.message, "50%\ndone");
    assert_eq!(found.file.as_deref(), Some("src/a,b.rs"));
    assert_eq!((found.line, found.end_line, found.column), (Some(3), Some(4), Some(7)));
    assert_eq!(found.title.as_deref(), Some("No:"));
}

#[test]
fn a_mask_is_announced_before_its_line_and_the_line_does_not_show_it() {
    let (bytes, commands) = at_every_split("::add-mask::xy\n::add-mask::s3cret\r\nx");
    assert_eq!(bytes, "::add-mask::***\n::add-mask::***\r\nx");
    assert_eq!(commands, [Command::AddMask("xy".into()), Command::AddMask("s3cret".into())]);
}

#[test]
fn stopped_commands_come_back_with_their_word_only() {
    let input = "::stop-commands::w0rd\n::error::no\n::add-mask::no\n::other::\n::w0rd::\n::notice::yes\n";
    let (bytes, commands) = at_every_split(input);
    assert_eq!(bytes, input);
    assert_eq!(commands.len(), 1);
}

#[test]
fn text_that_only_looks_like_a_command_passes() {
    let input = "::\n:::\nstd::vec::Vec\n ::error::x\n:: ::\n::error\n:x\n::group::g\n::endgroup::\n";
    let (bytes, commands) = at_every_split(input);
    assert_eq!(bytes, input);
    assert!(commands.is_empty(), "{commands:?}");
}

#[test]
fn older_commands_are_accepted_or_refused_by_name() {
    let (_, commands) =
        run(&[b"::set-output name=k::v\n::save-state name=s::t\n::set-env name=P::x\n::add-path::/b"]);
    assert_eq!(
        commands,
        [
            Command::SetOutput { name: "k".into(), value: "v".into() },
            Command::SaveState { name: "s".into(), value: "t".into() },
            Command::Refused("set-env".into()),
            Command::Refused("add-path".into()),
        ]
    );
}

#[test]
fn a_line_without_end_is_not_held_for_ever() {
    let long = [b"::error::".as_slice(), &vec![b'x'; LONGEST + 1]].concat();
    let (bytes, commands) = run(&[&long[..10], &long[10..], b"\n::notice::n\n"]);
    assert_eq!(bytes.len(), long.len() + 13);
    assert_eq!(commands.len(), 1);
}
