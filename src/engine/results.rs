//! Wishes about cached results against what was asked: looks for them, has them kept, lets go of what is not needed.
//!
//! Not here: the store of results (`cache`), which units are cached (`logic/job/cached.rs`). Nothing here decides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::{Ask, Cache, Makers, Opening, Scene, moment};
use super::handle::LocalOrder;
use super::reconcile::InFlight;
use super::turn::Engine;
use crate::logic::cache::{Kept, Looked, Miss, Unit};
use crate::logic::job::recipe::Prepared;
use crate::logic::job::report::Report;
use crate::logic::job::{cached, recipe};

/// The store of results, and what it was asked.
pub(super) struct Results {
    cache: Cache,
    asked: BTreeMap<Unit, Stand>,
}

/// So many are asked for together.
const AT_ONCE: usize = 48;

/// How far a unit is with the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Looking,
    /// It has to work, and its outputs are its own until it is over.
    Missed,
    Keeping,
    /// The same, begun by an engine before this one.
    Inherited,
}

impl Engine {
    /// Asks for what is wanted and was not asked for yet. What turns out at once is answered here.
    pub(super) fn ask_for_results(&mut self, flight: &mut InFlight) {
        let is_idle = self.state.index.looking.is_empty() && self.state.index.keeping.is_empty();
        if is_idle && self.results.is_none() {
            return;
        }
        let mut results = match self.results.take() {
            Some(results) => results,
            None => self.open_results(),
        };
        let mut asks = results.settle(self);
        let mut prepared = Prepared::default();
        for &unit in &self.state.index.looking {
            if results.asked.contains_key(&unit) {
                continue;
            }
            let ask = if cached::is_off(&self.state, unit) {
                let files = recipe::files(&self.state, unit);
                files.map(|(inputs, outputs)| Ask::Lock { unit, inputs, outputs })
            } else {
                recipe::recipe(&self.state, unit, &mut prepared).map(|recipe| {
                    let may_hit = cached::may_hit(&self.state, unit);
                    Ask::Look { unit, recipe: Arc::new(recipe), may_hit }
                })
            };
            match ask {
                Ok(ask) => {
                    results.asked.insert(unit, Stand::Looking);
                    asks.push(ask);
                    if asks.len() == AT_ONCE {
                        // They are looked for while the next ones are put together.
                        results.cache.ask(std::mem::take(&mut asks));
                    }
                }
                Err(error) => flight.own.push(Report::Looked { unit, looked: unreadable(&error.message) }),
            }
        }
        for &unit in &self.state.index.keeping {
            match results.asked.get_mut(&unit) {
                Some(stand @ Stand::Missed) => {
                    *stand = Stand::Keeping;
                    let (record, logs) = cached::record(&self.state, unit, self.clock.now());
                    asks.push(Ask::Keep { unit, until: moment(), record, logs });
                }
                Some(Stand::Looking | Stand::Keeping) => {}
                Some(Stand::Inherited) | None => flight.own.push(Report::Kept { unit, kept: interrupted() }),
            }
        }
        if !asks.is_empty() {
            results.cache.ask(asks);
        }
        self.results = Some(results);
    }

    /// Begins to answer.
    pub(super) fn open_results(&mut self) -> Results {
        let orders = self.orders.clone();
        let at_work = if self.epoch > 1 { cached::at_work(&self.state) } else { Vec::new() };
        let opening = self.opening(at_work.clone());
        // The engine may have gone; then nobody needs the answer.
        let answer = Box::new(move |reports| drop(orders.send(LocalOrder::Told(reports))));
        let asked = at_work.into_iter().map(|unit| (unit, Stand::Inherited)).collect();
        Results { cache: Cache::start(opening, self.ahead.take(), answer), asked }
    }
    /// Where results are, and for whom.
    pub(super) fn opening(&self, at_work: Vec<Unit>) -> Opening {
        Opening {
            at_work,
            wants_scene: self.asked.is_some(),
            state: self.socket_dir.parent().map(Path::to_path_buf).unwrap_or_default(),
            root: PathBuf::from(&*self.state.setting.root),
            job_dir: PathBuf::from(&*self.state.setting.dir),
            job: self.number,
            trust: self.state.setting.plan.cache.trust,
            is_nested: std::env::var_os("SORTIE_JOB").is_some(),
            makers: Makers::of(&self.state.setting.plan),
            placed: self.parcels.placed.clone(),
            probe: self.world.run_tool,
        }
    }
}

impl Results {
    /// Nothing more is going to be asked: what is left to be written down is, beside what others do.
    pub(super) fn close(&self) {
        self.cache.close();
    }

    /// How many answers are to come.
    pub(super) fn looking(&self) -> usize {
        self.cache.looking()
    }

    /// Says whether any answer since they were forgotten is a miss.
    pub(super) fn has_missed(&self) -> bool {
        self.cache.has_missed()
    }

    /// Forgets that there were misses.
    pub(super) fn forget_misses(&self) {
        self.cache.forget_misses();
    }

    /// Returns what a job of so many hits has seen, if that is all that they came from.
    pub(super) fn scene(&self, hits: usize) -> Option<Scene> {
        self.cache.scene(hits)
    }

    /// Returns what whoever started the job should know of the store.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> + use<> {
        self.cache.warnings().into_iter().map(str::to_owned)
    }

    /// Takes note of what came of earlier asks; returns asks that let go of what is not going to be kept.
    fn settle(&mut self, engine: &Engine) -> Vec<Ask> {
        let mut drops = Vec::new();
        let state = &engine.state;
        self.asked.retain(|&unit, stand| {
            match stand {
                Stand::Looking if state.index.looking.contains(&unit) => return true,
                Stand::Keeping => return state.index.keeping.contains(&unit),
                Stand::Looking => *stand = Stand::Missed,
                Stand::Missed | Stand::Inherited => {}
            }
            let is_open = cached::is_at_work(state, unit);
            if !is_open {
                drops.push(Ask::Drop { unit });
            }
            is_open
        });
        drops
    }
}

fn unreadable(message: &str) -> Looked {
    Looked::Miss(Box::new(Miss {
        reason: "no-key".to_owned(),
        message: format!("what it depends on cannot be evaluated: {message}"),
        is_hopeless: true,
        ..Miss::default()
    }))
}

fn interrupted() -> Kept {
    Kept::Not {
        reason: "interrupted".to_owned(),
        message: "another engine began it, so nobody knows what its files were then".to_owned(),
        is_seen: false,
    }
}
