//! Shows a page: drawn for the terminal, through a pager where it is longer than the screen; plain where nobody looks on.
//!
//! Not here: drawing (`markdown.rs`).

use serde_json::json;

use super::{markdown, table};
use crate::faces::context::{Context, Signal};
use crate::faces::ending::Ending;
use crate::faces::out::Out;

/// Pages are never wider: longer lines are hard to read.
pub(super) const WIDEST: usize = 100;

/// Reads a text on standard input and shows it. Who has no pager, or an empty `PAGER`, wants none.
const PAGER: &str = "export LESS=\"${LESS-R}\"
[ \"${PAGER+set}\" ] || PAGER=$(command -v less || :)
eval \"${PAGER:-cat}\"";

/// How a page was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub raw: bool,
    pub json: bool,
}

/// Shows a page that is written in Markdown.
pub(super) fn show(context: &Context, out: &mut Out, (name, text): (&str, &str), asked: Asked) {
    if asked.json {
        out.line(json!({ "slug": name, "page": text }).to_string());
    } else if asked.raw {
        out.line(text.trim_end());
    } else {
        let columns = table::columns(out).unwrap_or(WIDEST).min(WIDEST);
        lines(context, out, &markdown::render(text, columns, out.paint));
    }
}

/// Shows lines, through a pager where there are more than the screen has.
pub(super) fn lines(context: &Context, out: &mut Out, lines: &[String]) {
    let is_seen = out.is_terminal && context.surroundings.stdin && context.surroundings.term != "dumb";
    let is_long = || table::rows(out).is_some_and(|rows| lines.len() >= rows);
    if is_seen && is_long() {
        let text = lines.join("\n") + "\n";
        out.flush();
        let leave = context.outside.leave;
        // The pager answers Ctrl-C; without this it would lose who waits for it.
        let calm = (context.outside.on_signal)(
            false,
            Box::new(move |signal| {
                if matches!(signal, Signal::Terminate | Signal::HangUp) {
                    leave(Ending::Cancelled, "stopped")
                }
            }),
        );
        let folder = &context.project.root;
        if calm.is_ok() && (context.outside.run_command)(PAGER, folder, text.as_bytes()).is_ok() {
            return;
        }
    }
    for line in lines {
        out.line(line);
    }
}
