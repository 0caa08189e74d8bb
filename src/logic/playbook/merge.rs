//! Merge keys: `<<: *base` and `<<: [*one, *two]`.
//!
//! Not here: reading of the tree (`tree.rs`). Start with `apply`. Own keys win over merged ones, an earlier
//! source over a later one. Values are shared, not copied, but count against the budget.

use std::collections::HashSet;

use super::source::Span;
use super::tree::{Builder, Entry, Kind, NodeId, Stop, Style};
use crate::logic::diag::Diagnostic;

/// Says whether a key asks for a merge: a plain `<<`; in quotes it is a key like any other.
pub(super) fn is_merge_key(kind: &Kind<'_>) -> bool {
    matches!(kind, Kind::Scalar(scalar) if scalar.style == Style::Plain && scalar.text == "<<")
}

/// Adds the merged entries behind the own ones.
pub(super) fn apply(
    builder: &mut Builder<'_>,
    own: Vec<Entry>,
    merges: &[Entry],
) -> Result<Vec<Entry>, Stop> {
    let mut sources: Vec<NodeId> = Vec::new();
    let mut faults = Vec::new();
    for merge in merges {
        match &builder.node(merge.value).kind {
            Kind::Map(_) => sources.push(merge.value),
            Kind::Seq(items) => {
                for item in items {
                    match &builder.node(*item).kind {
                        Kind::Map(_) => sources.push(*item),
                        Kind::Scalar(_) | Kind::Seq(_) => faults.push(no_map(builder.node(*item).span)),
                    }
                }
            }
            Kind::Scalar(_) => faults.push(no_map(builder.node(merge.value).span)),
        }
    }
    for fault in faults {
        builder.report(fault);
    }
    let at = merges.first().map_or(Span::default(), |merge| builder.node(merge.key).span);
    let mut weight = 0_u64;
    let mut merged = Vec::new();
    {
        let mut known: HashSet<&str> = own.iter().filter_map(|entry| builder.key_text(*entry)).collect();
        for source in sources {
            let Kind::Map(entries) = &builder.node(source).kind else { continue };
            for entry in entries {
                if builder.key_text(*entry).is_some_and(|key| known.insert(key)) {
                    weight = weight.saturating_add(1 + builder.weight(entry.value));
                    merged.push(*entry);
                }
            }
        }
    }
    builder.spend(weight, at)?;
    let mut all = own;
    all.extend(merged);
    Ok(all)
}

fn no_map(span: Span) -> Diagnostic {
    Diagnostic::error("merge-not-a-map", span, "a merge key `<<` takes a map or a list of maps")
        .help("write `<<: *anchor`, where the anchor stands at a map")
}
