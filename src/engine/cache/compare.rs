//! Hits for which nothing has to be written, which most are: found without locks.
//!
//! Not here: looks that restore or miss (`look.rs`).

use std::sync::Arc;

use super::files::read_patterns;
use super::look::{Known, Moment, Wanted};
use super::worker::Worker;
use crate::logic::cache::{Hit, Looked};
use crate::logic::job::report::Report;

impl Worker {
    /// Answers where nothing has to be written: while nobody writes outputs, what is there only has to be compared, and
    /// locks would cost more than that. Returns the others, and the answers. Of the others nothing is remembered: somebody may
    /// have written what their keys are made of before they have their locks.
    pub(super) fn compare(
        &mut self,
        moment: &mut Moment<'_>,
        wanted: Vec<Wanted>,
    ) -> (Vec<Wanted>, Vec<Report>) {
        let locks = &moment.places.locks;
        let (ours, mut others): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|it| it.may_hit && !it.is_off);
        if ours.is_empty() || locks.is_anything_written() {
            others.extend(ours);
            return (others, Vec::new());
        }
        let mut ready = Vec::with_capacity(ours.len());
        for it in ours {
            let outputs = read_patterns(&it.recipe.outputs).ok().map(Arc::new);
            match outputs.and_then(|outputs| self.find_out(moment, &it.recipe, outputs).ok()) {
                Some(known) => ready.push((it, known)),
                // Why not is told when it has its locks.
                None => others.push(it),
            }
        }
        // Nobody removes files of results meanwhile.
        let gate = moment.places.shelf.gate(false);
        moment.entries = self.fetch(&ready, false);
        moment.may_write = false;
        let mut found = Vec::with_capacity(ready.len());
        for (it, its) in ready {
            // Before they are compared: what changes between the two is not taken for what was compared.
            let listed = self.shared.witness.is_some().then(|| moment.look.list(&its.outputs).ok());
            moment.listed = listed.flatten();
            match self.find(moment, &it, &its) {
                Ok(hit) => found.push((it, its, hit)),
                Err(_) => others.push(it),
            }
        }
        moment.may_write = true;
        moment.listed = None;
        drop(gate);
        if locks.is_anything_written() {
            // Perhaps it was half of something that was compared.
            for (it, _, hit) in found {
                // What it was to warn of is said with the next answer.
                hit.notes.into_iter().for_each(|note| self.shared.note(note));
                others.push(it);
            }
            // Also what patterns name may have changed.
            moment.look.forget();
            return (others, Vec::new());
        }
        let report = |(it, its, hit): (Wanted, Known, Hit)| {
            self.declare(&it.recipe, &its.outputs);
            Report::Looked { unit: it.unit, looked: Looked::Hit(Box::new(hit)) }
        };
        let found = found.into_iter().map(report).collect();
        (others, found)
    }
}
