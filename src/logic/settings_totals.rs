//! The setting `resources`: how much there is of what the stages of all jobs share.
//!
//! Not here: what asks for it (`logic/playbook/read_share.rs`), who gets it (`logic/claims`).

use std::collections::BTreeMap;

use super::{NodeKind, Setting, check};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::tree::{NodeId, Tree};
use crate::logic::text::{parse_size, shortened};

/// Reads `cpu=4 memory=8GiB gpu=1`; nothing if it is something else.
pub(super) fn read(text: &str) -> Option<BTreeMap<String, u64>> {
    let mut totals = BTreeMap::new();
    for part in text.split_whitespace() {
        let (name, amount) = part.split_once('=')?;
        let amount = match name {
            // They have settings and keys of their own.
            "" | "slots" | "jobs" => return None,
            "memory" => parse_size(amount)?,
            "cpu" => thousandths(amount)?,
            _ => amount.parse().ok()?,
        };
        if amount > i64::MAX.unsigned_abs() || totals.insert(name.to_owned(), amount).is_some() {
            return None;
        }
    }
    Some(totals)
}

/// Reads `4` or `0.5`.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = part.len();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let part: u64 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
}

/// Reads a map of names and amounts, to the text of the setting.
pub(super) fn from_file(tree: &Tree<'_>, id: NodeId, setting: &Setting) -> Result<String, Box<Diagnostic>> {
    let help = "write for example:\nresources:\n  cpu: 4\n  memory: 8GiB\n  gpu: 1";
    let wrong = |at, message: String| Box::new(Diagnostic::error("bad-setting", at, message).help(help));
    let node = tree.node(id);
    let NodeKind::Map(entries) = &node.kind else {
        return Err(wrong(node.span, "`resources` holds names, each with how much there is".to_owned()));
    };
    let mut parts = Vec::with_capacity(entries.len());
    for &entry in entries {
        let (name, value) = (tree.key(entry), tree.node(entry.value));
        let amount = match &value.kind {
            NodeKind::Scalar(scalar) => scalar.text.split_whitespace().collect::<String>(),
            NodeKind::Seq(_) | NodeKind::Map(_) => String::new(),
        };
        let part = format!("{name}={amount}");
        if name.contains(char::is_whitespace) || read(&part).is_none() {
            let name = shortened(name, 60);
            let message = match name.as_str() {
                "slots" | "jobs" => format!("`{name}` is set as `engine.{name}`"),
                "memory" => "the resource `memory` needs a size, such as `8GiB`".to_owned(),
                _ => format!("the resource `{name}` needs a number"),
            };
            return Err(wrong(value.span, message));
        }
        parts.push(part);
    }
    let text = parts.join(" ");
    check(setting, &text)
        .map(|()| text)
        .map_err(|expected| wrong(node.span, format!("the setting `{}` takes {expected}", setting.key)))
}
