//! Which locks a look takes, and what becomes of one that does not have them: it waits, or goes without.
//!
//! Not here: the locks themselves (`locks.rs`), whose order and fairness are told there.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::files::{Trouble, read_patterns};
use super::locks::{NotHad, Use, Wish, byte_of};
use super::look::{Moment, Wanted, unlooked};
use super::rings::Rings;
use super::worker::{PAUSES, Places, Shared, Worker};
use super::writers::Others;
use crate::logic::cache::pattern::Patterns;
use crate::logic::cache::reads::{Makes, places};
use crate::logic::cache::{Hit, Inputs, Looked};
use crate::logic::job::recipe;
use crate::logic::job::report::Report;
use crate::logic::plan::Plan;

/// Outputs of all caches of a plan, found out when they are asked for.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Makers {
    plan: Option<Arc<Plan>>,
    all: Arc<OnceLock<Makes>>,
}

impl Makers {
    /// Those of that plan.
    pub(in crate::engine) fn of(plan: &Arc<Plan>) -> Self {
        Self { plan: Some(Arc::clone(plan)), all: Arc::default() }
    }

    fn all(&self) -> &Makes {
        self.all.get_or_init(|| self.plan.as_deref().map(recipe::makes).unwrap_or_default())
    }
}

/// A look that has its locks.
pub(super) type Had = (Wanted, Arc<Patterns>);

/// A look that has none, and what the one was for that it could not have.
struct Late {
    wanted: Wanted,
    outputs: Arc<Patterns>,
    why: Use,
}

/// What a look that waits is waiting for.
const WRITTEN: &str = "its outputs, which another stage or job is writing";
const READ: &str = "its outputs, which another job is reading";
const INPUTS: &str = "its inputs, which another job is writing";

/// What a step is told that does not wait for that.
const BESIDE_WRITER: &str = "another job is writing its inputs, and a step, which has begun already, does not wait: what it reads \
                             may be half of something";

/// The same for a stage whose waiting could close a ring.
const BESIDE_HELD_UP: &str = "another job has begun to write its inputs, and waits for what this job has: what it reads may be half of \
                              something";

impl Worker {
    /// Takes the locks of looks. Returns those that have them; others wait, go without, or need none.
    pub(super) fn claim(
        &mut self,
        moment: &mut Moment<'_>,
        wanted: Vec<Wanted>,
        reports: &mut Vec<Report>,
    ) -> Vec<Had> {
        let locks = &moment.places.locks;
        let mut asked = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let outputs = match read_patterns(&wanted.recipe.outputs) {
                Ok(outputs) => Arc::new(outputs),
                Err(trouble) => {
                    reports.push(unlooked(&wanted, trouble));
                    continue;
                }
            };
            let wishes = moment.all_wishes(&wanted, &outputs);
            asked.push((wanted, outputs, wishes));
        }
        let (mut had, mut late) = (Vec::with_capacity(asked.len()), Vec::new());
        let taken = locks.take_each(asked.iter().map(|(wanted, _, wishes)| (wanted.unit, wishes.as_slice())));
        for ((wanted, outputs, wishes), taken) in asked.into_iter().zip(taken) {
            match taken {
                Ok(()) => had.push((wanted, outputs, wishes)),
                Err(NotHad::Busy(why)) => late.push(Late { wanted, outputs, why }),
                Err(NotHad::Failed(error)) => {
                    let message = format!("the outputs cannot be locked: {error}");
                    reports.push(unlooked(&wanted, Trouble::new("outputs-locked", message)));
                }
            }
        }
        // After the locks were had: what an engine has begun that died holding them is found now.
        let is_bare = had.iter().all(|(_, _, wishes)| wishes.is_empty());
        let others = if is_bare { Others::default() } else { locks.others() };
        let mut free = Vec::with_capacity(had.len());
        for (wanted, outputs, wishes) in had {
            match others.in_way(&wishes) {
                None => free.push((wanted, outputs)),
                Some(why) => {
                    locks.give_back(&[wanted.unit]);
                    late.push(Late { wanted, outputs, why });
                }
            }
        }
        let rings = Rings::new(&moment.shared.opening);
        for it in late {
            self.late(moment, it, &rings, &mut free, reports);
        }
        free
    }

    /// Answers a look that has not got its locks, lets it wait, or lets it go without those that it only reads by.
    fn late(
        &mut self,
        moment: &mut Moment<'_>,
        it: Late,
        rings: &Rings<'_>,
        free: &mut Vec<Had>,
        reports: &mut Vec<Report>,
    ) {
        let Late { mut wanted, outputs, why } = it;
        let (shared, places) = (moment.shared, moment.places);
        let wishes = moment.reading_wishes(&wanted, &outputs);
        let is_only_read = may_read(places, &wanted, &wishes);
        if !is_only_read {
            // What it finds now may be half of something.
            wanted.was_compared = false;
        } else if wanted.may_hit && !wanted.is_off && !wanted.was_compared {
            wanted.was_compared = true;
            if let Some(hit) = self.compare_beside(moment, &wanted, &outputs, &wishes) {
                places.locks.give_back(&[wanted.unit]);
                let looked = Looked::Hit(Box::new(hit));
                return reports.push(Report::Looked { unit: wanted.unit, looked });
            }
        }
        places.locks.give_back(&[wanted.unit]);
        let message = match (why, is_only_read) {
            (_, true) => READ,
            (Use::Beside | Use::Reads, false) => INPUTS,
            (Use::Above | Use::Alone, false) => WRITTEN,
        };
        let may_wait = may_wait(shared, places, &wanted);
        // Most waits are over before the first pause is.
        let is_ring = may_wait
            && wanted.pause != PAUSES.0
            && rings.may_close(&places.locks, &moment.all_wishes(&wanted, &outputs));
        if may_wait && !is_ring {
            // It is told once, and waited for with pauses that grow.
            if wanted.pause == PAUSES.0 {
                reports.push(Report::LookWaits { unit: wanted.unit, message: message.to_owned() });
            }
            return shared.wait(wanted);
        }
        // What it reads may be what its own parent is making: it goes on as if nobody had locked that.
        let writes = moment.wishes(&outputs);
        if places.locks.take(wanted.unit, &writes).is_ok() {
            if places.locks.others().in_way(&writes).is_none() {
                if is_ring {
                    shared.note(BESIDE_HELD_UP.to_owned());
                } else if !shared.opening.is_nested {
                    shared.note(BESIDE_WRITER.to_owned());
                }
                return free.push((wanted, outputs));
            }
            places.locks.give_back(&[wanted.unit]);
        }
        let message = "another job is using the same outputs, and waiting for it could take for ever";
        reports.push(unlooked(&wanted, Trouble::new("outputs-locked", message)));
    }

    /// Looks for a result whose outputs are only read by others: it fits if nothing of them has to be written.
    fn compare_beside(
        &mut self,
        moment: &mut Moment<'_>,
        wanted: &Wanted,
        outputs: &Arc<Patterns>,
        wishes: &[Wish],
    ) -> Option<Hit> {
        let known = self.find_out(moment, &wanted.recipe, Arc::clone(outputs)).ok()?;
        let gate = moment.places.shelf.gate(false);
        moment.may_write = false;
        let found = self.find(moment, wanted, &known);
        moment.may_write = true;
        drop(gate);
        let hit = found.ok()?;
        if moment.places.locks.has_own_writer(wanted.unit, wishes) {
            hit.notes.into_iter().for_each(|note| self.shared.note(note));
            return None;
        }
        self.declare(&wanted.recipe, outputs);
        Some(hit)
    }
}

/// Takes locks for reading, if nobody writes what they are for.
fn may_read(places: &Places, wanted: &Wanted, wishes: &[Wish]) -> bool {
    let locks = &places.locks;
    !locks.has_own_writer(wanted.unit, wishes)
        && locks.take(wanted.unit, wishes).is_ok()
        && locks.others().in_way(wishes).is_none()
}

/// Says whether a look may wait for locks. A step has a slot, and what it waits for may wait for that.
fn may_wait(shared: &Shared, places: &Places, it: &Wanted) -> bool {
    !(shared.opening.is_nested || it.unit.step.is_some() || places.locks.has_some(it.unit))
}

impl Moment<'_> {
    /// Returns what has to be locked for outputs: where each pattern begins, and all folders above it.
    pub(super) fn wishes(&mut self, outputs: &Patterns) -> Vec<Wish> {
        let mut wishes = HashSet::new();
        for source in outputs.sources() {
            self.wish(&source.base, Use::Alone, &mut wishes);
        }
        wishes.into_iter().collect()
    }

    /// The same with what has to be locked for inputs.
    fn all_wishes(&mut self, wanted: &Wanted, outputs: &Patterns) -> Vec<Wish> {
        let mut wishes: HashSet<Wish> = self.wishes(outputs).into_iter().collect();
        self.wish_inputs(wanted, &mut wishes);
        wishes.into_iter().collect()
    }

    /// The same for somebody who has nothing to write.
    fn reading_wishes(&mut self, wanted: &Wanted, outputs: &Patterns) -> Vec<Wish> {
        let mut wishes = HashSet::new();
        for source in outputs.sources() {
            self.wish(&source.base, Use::Reads, &mut wishes);
        }
        self.wish_inputs(wanted, &mut wishes);
        wishes.into_iter().collect()
    }

    fn wish_inputs(&mut self, wanted: &Wanted, wishes: &mut HashSet<Wish>) {
        // Of files that only a job as a whole has named, nobody knows which of them count.
        let Inputs::Globs(texts) = &wanted.recipe.inputs else { return };
        // What is no pattern is told by the look.
        let Ok(inputs) = read_patterns(texts) else { return };
        for (place, is_whole) in places(&inputs, self.shared.opening.makers.all()) {
            self.wish(&place, if is_whole { Use::Reads } else { Use::Beside }, wishes);
        }
    }

    fn wish(&mut self, place: &str, its: Use, wishes: &mut HashSet<Wish>) {
        let path = self.canonical(Path::new(place));
        // A link may be followed, and be replaced itself.
        let end = path.is_symlink().then(|| path.canonicalize().ok()).flatten();
        let above = if its == Use::Alone { Use::Above } else { Use::Beside };
        for path in std::iter::once(path).chain(end) {
            wishes.insert((byte_of(path.as_os_str().as_bytes()), its));
            for folder in path.ancestors().skip(1) {
                wishes.insert((byte_of(folder.as_os_str().as_bytes()), above));
            }
        }
    }
}
