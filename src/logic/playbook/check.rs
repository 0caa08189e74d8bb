//! Rules over all stages together: needs that exist, no cycles, `finally` apart.
//!
//! Not here: single stages (`read_stage.rs`). Start with `Reader::needs`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::decode::{self, Reader};
use super::read_stage::Header;
use super::source::Span;
use super::tree::{Kind, NodeId};
use crate::logic::diag::Diagnostic;
use crate::logic::text::listed_names;

/// Most stages of a cycle that are named.
const CYCLE_SHOWN: usize = 20;

/// A need that was understood: which stage, and where it is written.
#[derive(Clone, Copy)]
struct Need {
    on: usize,
    span: Span,
}

impl<'t> Reader<'t> {
    /// Returns the needs of each stage as positions, after all rules about them were checked.
    pub(super) fn needs(&mut self, headers: &[Header<'t>]) -> Vec<Vec<usize>> {
        let positions: HashMap<String, usize> =
            headers.iter().enumerate().map(|(at, header)| (header.id.to_ascii_lowercase(), at)).collect();
        let mut needs = Vec::with_capacity(headers.len());
        for (at, header) in headers.iter().enumerate() {
            let list = match self.tree.get(header.node, "needs") {
                Some(id) => self.stage_needs(id, at, headers, &positions),
                None => Vec::new(),
            };
            needs.push(list);
        }
        self.check_cycles(headers, &needs);
        needs.into_iter().map(|list| list.into_iter().map(|need| need.on).collect()).collect()
    }

    fn stage_needs(
        &mut self,
        id: NodeId,
        at: usize,
        headers: &[Header<'t>],
        positions: &HashMap<String, usize>,
    ) -> Vec<Need> {
        let stage = &headers[at];
        let mut needs: Vec<Need> = Vec::new();
        let mut seen: HashSet<usize> = HashSet::new();
        if self.is_null(id) && !matches!(self.tree.node(id).kind, Kind::Seq(_)) {
            return needs;
        }
        for (name, span) in self.texts(id, "the name of a stage, or a list of names") {
            let Some(&on) = positions.get(&name.to_ascii_lowercase()) else {
                let problem = Diagnostic::error(
                    "unknown-need",
                    span,
                    format!("stage `{}` needs `{name}`, but no stage has that name", stage.id),
                )
                .label("not a stage of this playbook");
                let names = headers.iter().map(|header| header.id).filter(|id| *id != stage.id);
                let problem = match decode::meant(&mut self.guesses, name, names) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                };
                self.report(problem);
                continue;
            };
            if on == at {
                self.report(
                    Diagnostic::error("self-need", span, format!("stage `{}` needs itself", stage.id))
                        .help("remove this need"),
                );
                continue;
            }
            if !seen.insert(on) {
                self.report(
                    Diagnostic::error(
                        "duplicate-need",
                        span,
                        format!("stage `{}` needs `{name}` twice", stage.id),
                    )
                    .help("remove one of the two"),
                );
                continue;
            }
            if stage.is_final != headers[on].is_final {
                let problem = if stage.is_final {
                    Diagnostic::error(
                        "finally-need",
                        span,
                        format!("stage `{}` of `finally` cannot need `{name}`", stage.id),
                    )
                    .help("stages of `finally` start when all others have ended; remove the need")
                } else {
                    Diagnostic::error(
                        "finally-need",
                        span,
                        format!("stage `{}` cannot need `{name}`, which belongs to `finally`", stage.id),
                    )
                    .help("stages of `finally` start last; move one of the two")
                };
                self.report(problem.also(headers[on].span, "this stage"));
                continue;
            }
            needs.push(Need { on, span });
        }
        needs
    }

    fn check_cycles(&mut self, headers: &[Header<'t>], needs: &[Vec<Need>]) {
        if needs.iter().all(Vec::is_empty) {
            return;
        }
        let edges = needs.iter().map(Vec::len).sum();
        let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(headers.len(), edges);
        let nodes: Vec<NodeIndex<u32>> = headers.iter().map(|_| graph.add_node(())).collect();
        for (at, list) in needs.iter().enumerate() {
            for need in list {
                graph.add_edge(nodes[at], nodes[need.on], ());
            }
        }
        // Not the algorithm of Tarjan: the library has it as a recursion, and a long chain would end the stack.
        for knot in kosaraju_scc(&graph) {
            if knot.len() > 1 {
                let members: HashSet<usize> = knot.iter().map(|node| node.index()).collect();
                self.report_cycle(headers, needs, &members);
            }
        }
    }

    /// Tells one shortest cycle of stages that wait for each other.
    fn report_cycle(&mut self, headers: &[Header<'t>], needs: &[Vec<Need>], members: &HashSet<usize>) {
        let Some(&start) = members.iter().min_by_key(|at| headers[**at].span) else { return };
        let cycle = shortest_cycle(start, needs, members);
        let name = |at: usize| format!("`{}`", headers[at].id);
        let mut names: Vec<String> = cycle.iter().take(CYCLE_SHOWN).map(|(at, _)| name(*at)).collect();
        if cycle.len() > CYCLE_SHOWN {
            names.push(format!("{} more", cycle.len() - CYCLE_SHOWN));
        }
        names.push(format!("`{}`", headers[start].id));
        let message = format!("these stages wait for each other: {}", names.join(" → "));
        let place = cycle.first().map_or(headers[start].span, |(_, span)| *span);
        let next = |step: usize| cycle.get(step + 1).map_or(start, |(at, _)| *at);
        let mut problem = Diagnostic::error("need-cycle", place, message)
            .label(format!("waits for `{}`", headers[next(0)].id));
        for (step, (_, span)) in cycle.iter().enumerate().skip(1).take(CYCLE_SHOWN) {
            problem = problem.also(*span, format!("waits for `{}`", headers[next(step)].id));
        }
        let in_cycle: HashSet<usize> = cycle.iter().map(|(at, _)| *at).collect();
        let mut further: Vec<&str> = members.difference(&in_cycle).map(|at| headers[*at].id).collect();
        further.sort_unstable();
        problem = if further.is_empty() {
            problem.help("remove one of these needs")
        } else {
            further.truncate(5);
            problem.help(format!(
                "remove one of these needs; the same knot holds {}",
                listed_names(&further, "and")
            ))
        };
        self.report(problem);
    }
}

/// Returns a shortest way from a stage along needs back to itself: each stage with the place of the need it goes by.
fn shortest_cycle(start: usize, needs: &[Vec<Need>], members: &HashSet<usize>) -> Vec<(usize, Span)> {
    let mut came_from: HashMap<usize, (usize, Span)> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for need in needs[at].iter().filter(|need| members.contains(&need.on)) {
            if need.on == start {
                let mut way = vec![(at, need.span)];
                let mut here = at;
                while here != start {
                    let (before, span) = came_from[&here];
                    way.push((before, span));
                    here = before;
                }
                way.reverse();
                return way;
            }
            if let Entry::Vacant(free) = came_from.entry(need.on) {
                free.insert((at, need.span));
                queue.push_back(need.on);
            }
        }
    }
    Vec::new()
}
