//! Caches of all stages together: outputs that two of them make, and inputs that a run changes or that are there by chance.
//!
//! Not here: single caches (`read_cache.rs`), what is done about it while a job runs (`engine/cache`). Start with `check`.
//! Only what is sure by the text alone is told: patterns with expressions are left out, and of two patterns with wildcards
//! one has to name whatever the other does. Most playbooks have nothing of the kind, so patterns are looked up by the folders
//! that they begin in, and read only where these meet.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::artifact::Which;
use super::model::{Stage, Text};
use super::read_artifacts::{axis, has_many};
use super::source::Span;
use crate::logic::artifact;
use crate::logic::cache::pattern::Patterns;
use crate::logic::diag::Diagnostic;

/// So many pairs of patterns are compared in one file; what a larger one has besides shows when it runs.
const MOST: usize = 20_000;

/// A name that nobody gives a file: stands for what a wildcard may be.
const ANY: &str = "\u{1}any";

/// What of a cache goes in or comes out.
type Part = for<'u, 's> fn(&'u Unit<'s>) -> &'u Side<'s>;

/// The cache of a stage, or of one of its steps.
struct Unit<'s> {
    /// Position of the stage.
    at: usize,
    stage: &'s Stage,
    is_step: bool,
    inputs: Side<'s>,
    outputs: Side<'s>,
}

/// The patterns of one key, as far as they are known by now.
#[derive(Default)]
struct Side<'s> {
    /// Those that add files.
    list: Vec<Pattern<'s>>,
    /// With those that take files away, if there are any.
    texts: Vec<&'s str>,
    read: OnceCell<Option<Patterns>>,
}

struct Pattern<'s> {
    /// As it is written.
    text: &'s str,
    span: Span,
    /// Without empty parts and dots.
    plain: Cow<'s, str>,
    /// The folder that it begins in, or itself if it has no wildcards: so many bytes of `plain`.
    base: usize,
}

/// Returns what is wrong with the caches of all stages of a file.
pub(super) fn check(stages: &[Stage]) -> Vec<Diagnostic> {
    let units = units(stages);
    let mut found = Vec::new();
    for unit in &units {
        found.extend(taken_input(unit));
        made_by_all_cells(unit, &mut found);
    }
    let doubles = doubles(&units, |a, b| !are_alternatives(a, b));
    found.extend(doubles.into_iter().map(|(a, p, b, q)| made_twice((a, p), (b, q))));
    let mut told = HashSet::new();
    let mut order = Order::new(stages);
    for (reader, own, maker, theirs) in pairs(&units, |it| &it.inputs, |it| &it.outputs) {
        let (a, b) = (&units[reader], &units[maker]);
        // Steps of one stage come one after the other.
        let is_in_order = reader != maker && (a.at == b.at || order.is_before(b.at, a.at));
        let place = (reader, own, reader == maker);
        if is_in_order || told.contains(&place) {
            continue;
        }
        let (p, q) = (&a.inputs.list[own], &b.outputs.list[theirs]);
        if meet((&a.inputs, p), (&b.outputs, q)) {
            told.insert(place);
            let is_later = order.is_before(a.at, b.at);
            found.push(if reader == maker {
                own_input(a, p, q)
            } else {
                by_chance((a, p), (b, q), is_later)
            });
        }
    }
    found
}

/// Returns what is wrong with the caches of stages that stand in several files, once these are put together. Of what stands in
/// one file the file itself tells. `is_conditional` says of a stage whether it runs only if something holds. Returns the
/// position of the second stage of each two with what is wrong, and the way out.
pub fn across_calls(
    stages: &[Stage],
    is_conditional: impl Fn(usize) -> bool,
) -> Vec<(usize, String, &'static str)> {
    let units = units(stages);
    let may_both = |a: &Unit<'_>, b: &Unit<'_>| {
        a.stage.frame != b.stage.frame && !(is_conditional(a.at) && is_conditional(b.at))
    };
    let mut told = HashSet::new();
    let doubles = doubles(&units, may_both).into_iter();
    let first_of =
        doubles.filter(|(a, p, b, q)| told.insert((&*a.stage.own_id, p.text, &*b.stage.own_id, q.text)));
    first_of
        .map(|(a, p, b, q)| {
            let (first, second) = (&a.stage.id, &b.stage.id);
            let what = match p.text == q.text {
                true => format!("`{}`", q.text),
                false => format!("`{}` and `{}`", p.text, q.text),
            };
            let message =
                format!("`{first}` and `{second}` have the same files among the outputs of their caches: {what}");
            let help = "a result of one takes away or puts back what the other made: hand a folder over in `with`, and put it \
                        into the path";
            (b.at, message, help)
        })
        .collect()
}

/// Returns pairs of units, in the order of the file, with patterns of outputs by which they make the same files: one for each
/// pattern of a second unit.
fn doubles<'u, 's>(
    units: &'u [Unit<'s>],
    may_both: impl Fn(&Unit<'s>, &Unit<'s>) -> bool,
) -> Vec<(&'u Unit<'s>, &'u Pattern<'s>, &'u Unit<'s>, &'u Pattern<'s>)> {
    let mut told = HashSet::new();
    let mut found = Vec::new();
    for (one, own, other, theirs) in pairs(units, |it| &it.outputs, |it| &it.outputs) {
        let ((first, of_first), (second, of_second)) =
            if one < other { ((one, own), (other, theirs)) } else { ((other, theirs), (one, own)) };
        let (a, b) = (&units[first], &units[second]);
        if first == second || told.contains(&(second, of_second)) || !may_both(a, b) {
            continue;
        }
        let (p, q) = (&a.outputs.list[of_first], &b.outputs.list[of_second]);
        if meet((&a.outputs, p), (&b.outputs, q)) {
            told.insert((second, of_second));
            found.push((a, p, b, q));
        }
    }
    found
}

fn units(stages: &[Stage]) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    for (at, stage) in stages.iter().enumerate() {
        let own = stage.cache.iter().map(|rule| (false, &**rule));
        let of_steps = stage.steps.steps.iter().filter_map(|step| Some((true, step.cache.as_deref()?)));
        for (is_step, rule) in own.chain(of_steps).filter(|(_, it)| it.mode.reads || it.mode.writes) {
            let (inputs, outputs) = (Side::new(&rule.inputs), Side::new(&rule.outputs));
            units.push(Unit { at, stage, is_step, inputs, outputs });
        }
    }
    units
}

/// Returns all pairs of patterns one of which begins in the folder of the other, or below it: two units and the patterns of
/// each. Others cannot name the same file.
fn pairs(units: &[Unit<'_>], left: Part, right: Part) -> Vec<(usize, usize, usize, usize)> {
    let mut found = Vec::new();
    let (mut lefts, mut rights) = (Index::new(units, left), Index::new(units, right));
    for (at, unit) in units.iter().enumerate() {
        for (own, pattern) in left(unit).list.iter().enumerate() {
            for folder in above(pattern.base()) {
                found.extend(rights.of(folder).iter().map(|(other, theirs)| (at, own, *other, *theirs)));
            }
        }
        for (own, pattern) in right(unit).list.iter().enumerate() {
            // Those that begin in the same folder are known from the other side.
            for folder in above(pattern.base()).skip(1) {
                found.extend(lefts.of(folder).iter().map(|(other, theirs)| (*other, *theirs, at, own)));
            }
        }
        if found.len() > MOST {
            break;
        }
    }
    found.sort_unstable();
    found
}

/// Patterns by the folders that they begin in.
struct Index<'u, 's> {
    units: &'u [Unit<'s>],
    part: Part,
    /// Whether some folder has a name of that length: mostly none has, and then no map is made.
    has_length: Vec<bool>,
    map: Option<HashMap<&'u str, Vec<(usize, usize)>>>,
}

impl<'u, 's> Index<'u, 's> {
    fn new(units: &'u [Unit<'s>], part: Part) -> Self {
        let mut has_length = Vec::new();
        for pattern in units.iter().flat_map(|unit| &part(unit).list) {
            if has_length.len() <= pattern.base {
                has_length.resize(pattern.base + 1, false);
            }
            has_length[pattern.base] = true;
        }
        Self { units, part, has_length, map: None }
    }

    /// Returns the patterns that begin in a folder.
    fn of(&mut self, folder: &str) -> &[(usize, usize)] {
        if !self.has_length.get(folder.len()).is_some_and(|has| *has) {
            return &[];
        }
        let (units, part) = (self.units, self.part);
        let map = self.map.get_or_insert_with(|| {
            let mut map: HashMap<&str, Vec<(usize, usize)>> = HashMap::with_capacity(units.len());
            for (at, unit) in units.iter().enumerate() {
                for (own, pattern) in part(unit).list.iter().enumerate() {
                    map.entry(pattern.base()).or_default().push((at, own));
                }
            }
            map
        });
        map.get(folder).map_or(&[], Vec::as_slice)
    }
}

/// Returns a path and all folders that it is in, up to the project itself, which has no name.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| match path.rfind('/') {
        Some(at) => Some(&path[..at]),
        None => (!path.is_empty()).then_some(""),
    })
}

impl<'s> Side<'s> {
    fn new(texts: &'s [Text]) -> Self {
        let takes_away = |text: &Text| text.template.source().starts_with('!');
        let has_less = texts.iter().any(takes_away);
        if texts.iter().any(|it| takes_away(it) && it.template.as_literal().is_none()) {
            // What it takes away is not known.
            return Self::default();
        }
        let known = || texts.iter().filter_map(|it| Some((it.template.as_literal()?, it.span)));
        Self {
            list: known().filter_map(|(text, span)| Pattern::new(text, span)).collect(),
            texts: if has_less { known().map(|(text, _)| text).collect() } else { Vec::new() },
            read: OnceCell::new(),
        }
    }

    fn only_adds(&self) -> bool {
        self.texts.is_empty()
    }

    /// Says whether they name a path. What is no pattern, which is told elsewhere, names nothing.
    fn name(&self, path: &str) -> bool {
        let read = || {
            let list = || self.list.iter().map(|it| it.text.to_owned()).collect();
            let less = || self.texts.iter().map(|&it| it.to_owned()).collect();
            let all: Vec<String> = if self.only_adds() { list() } else { less() };
            Patterns::read(&all).ok()
        };
        self.read.get_or_init(read).as_ref().is_some_and(|it| it.name(path))
    }
}

impl<'s> Pattern<'s> {
    fn new(text: &'s str, span: Span) -> Option<Self> {
        if text.starts_with('!') {
            return None;
        }
        let parts = || text.split('/').filter(|part| !matches!(*part, "" | "."));
        let plain: Cow<'s, str> = match parts().count() == text.split('/').count() {
            true => Cow::Borrowed(text),
            false => Cow::Owned(parts().collect::<Vec<_>>().join("/")),
        };
        let base = match plain.find(['*', '?', '[', ']', '{', '}', '\\']) {
            None => plain.len(),
            Some(at) => plain[..at].rfind('/').unwrap_or(0),
        };
        Some(Self { text, span, plain, base })
    }

    fn base(&self) -> &str {
        &self.plain[..self.base]
    }

    fn is_literal(&self) -> bool {
        self.base == self.plain.len()
    }

    /// Returns what takes it out of others: of a whole folder the folder itself as well, which changes when it is made.
    fn taken_out(&self) -> String {
        let folder = self.text.strip_suffix("/**").filter(|it| it.len() == self.base && !it.is_empty());
        format!("!{}", folder.unwrap_or(self.text))
    }

    /// Returns a path that it names whatever its wildcards stand for; nothing if that is hard to tell.
    fn sample(&self) -> Option<String> {
        if self.plain.contains(['[', ']', '{', '}', '\\']) {
            return None;
        }
        Some(self.plain.replace("**", "*").replace(['*', '?'], ANY))
    }
}

/// Says whether some file is sure to be named by both, of two patterns with the lists that they stand in.
fn meet((own, p): (&Side<'_>, &Pattern<'_>), (other, q): (&Side<'_>, &Pattern<'_>)) -> bool {
    let only_add = own.only_adds() && other.only_adds();
    if only_add && (p.plain == q.plain || (p.is_literal() && q.is_literal())) {
        return true;
    }
    let is_in_both = |it: &Pattern<'_>| {
        let Some(path) = it.sample() else { return false };
        // Where something is taken away, it must not be all that is in a folder of that name.
        let inside = format!("{path}/{ANY}");
        let is_there = |side: &Side<'_>| {
            side.name(&path) && (side.only_adds() || !it.is_literal() || side.name(&inside))
        };
        is_there(own) && is_there(other)
    };
    is_in_both(p) || is_in_both(q)
}

/// Says whether two stages have conditions of their own, so that perhaps only one of them ever runs.
fn are_alternatives(a: &Unit<'_>, b: &Unit<'_>) -> bool {
    a.at != b.at && a.stage.condition.is_some() && b.stage.condition.is_some()
}

/// Which stages come before which.
pub struct Order<'s> {
    stages: &'s [Stage],
    before: HashMap<usize, HashSet<usize>>,
}

impl<'s> Order<'s> {
    #[must_use]
    pub fn new(stages: &'s [Stage]) -> Self {
        Self { stages, before: HashMap::new() }
    }

    /// Says whether a stage has always ended before another one begins.
    pub fn is_before(&mut self, first: usize, then: usize) -> bool {
        let stages = self.stages;
        if stages[then].is_final != stages[first].is_final {
            return stages[then].is_final;
        }
        if stages[then].needs.contains(&first) {
            return true;
        }
        let before = self.before.entry(then).or_insert_with(|| {
            let mut found = HashSet::new();
            let mut todo = stages[then].needs.clone();
            while let Some(next) = todo.pop() {
                if found.insert(next) {
                    todo.extend(&stages[next].needs);
                }
            }
            found
        });
        before.contains(&first)
    }
}

fn made_twice((a, p): (&Unit<'_>, &Pattern<'_>), (b, q): (&Unit<'_>, &Pattern<'_>)) -> Diagnostic {
    let id = &b.stage.id;
    let message = match (a.at == b.at, p.text == q.text) {
        (true, true) => format!("two steps of `{id}` have `{}` among their outputs", q.text),
        (true, false) => {
            format!(
                "two steps of `{id}` have the same files among their outputs: `{}` and `{}`",
                p.text, q.text
            )
        }
        (false, true) => format!("`{}` is among the outputs of `{}` and of `{id}`", q.text, a.stage.id),
        (false, false) => format!(
            "the outputs of `{}` and `{id}` have files in common: `{}` and `{}`",
            a.stage.id, p.text, q.text
        ),
    };
    let help = "a result of one takes away or puts back what the other made: give each files of its own, or take them out \
                of one with `!`";
    let problem = Diagnostic::warning("cache-outputs-shared", q.span, message).help(help);
    if p.span == q.span { problem } else { problem.also(p.span, format!("outputs of `{}`", a.stage.id)) }
}

fn made_by_all_cells(unit: &Unit<'_>, found: &mut Vec<Diagnostic>) {
    let Some(strategy) = unit.stage.strategy.as_ref().filter(|it| has_many(&it.matrix)) else { return };
    let axis = axis(&strategy.matrix).unwrap_or_else(|| "AXIS".to_owned());
    let id = &unit.stage.id;
    let help = format!(
        "a result of one cell takes away or puts back what another made: put a value of the matrix into the path, such as \
         `dist/${{{{ matrix.{axis} }}}}`"
    );
    found.extend(unit.outputs.list.iter().map(|pattern| {
        let message = format!("every cell of `{id}` has `{}` among its outputs", pattern.text);
        Diagnostic::warning("cache-outputs-shared", pattern.span, message).help(&*help)
    }));
}

fn own_input(unit: &Unit<'_>, read: &Pattern<'_>, made: &Pattern<'_>) -> Diagnostic {
    let id = &unit.stage.id;
    let who = if unit.is_step { format!("a step of `{id}`") } else { format!("`{id}`") };
    let message = format!(
        "{who} makes what it reads, so no result of it is kept: `{}` of its outputs and `{}` of its inputs",
        made.text, read.text
    );
    let is_part = made.sample().is_some_and(|path| unit.inputs.name(&path));
    let (part, of) = if is_part { (made, "inputs") } else { (read, "outputs") };
    let help = format!(
        "take it out of the {of} with `{}`, or let it make other files than it reads",
        part.taken_out()
    );
    Diagnostic::warning("cache-input-changes", made.span, message).also(read.span, "is read by it").help(help)
}

/// Finds inputs of a stage that artifacts are put into, which is done after the cache was asked.
fn taken_input<'u>(unit: &'u Unit<'_>) -> impl Iterator<Item = Diagnostic> + 'u {
    let taken = unit.stage.artifacts.iter().filter(|_| !unit.is_step).flat_map(|it| &it.into);
    taken.filter_map(|taken| taken_into(unit, taken))
}

fn taken_into(unit: &Unit<'_>, taken: &super::artifact::ArtifactIn) -> Option<Diagnostic> {
    let folder = artifact::folder(taken.path.template.as_literal()?).ok()?;
    let inside = if folder.is_empty() { ANY.to_owned() } else { format!("{folder}/{ANY}") };
    let is_in = |it: &&Pattern<'_>| !folder.is_empty() && above(it.base()).any(|above| above == folder);
    let read = match unit.inputs.list.iter().find(is_in) {
        Some(below) if below.sample().is_none_or(|path| unit.inputs.name(&path)) => below,
        // The folder counts, too: it is not there before the first time.
        _ if unit.inputs.name(&inside) || (!folder.is_empty() && unit.inputs.name(&folder)) => {
            unit.inputs.list.first()?
        }
        _ => return None,
    };
    let what = match &taken.which {
        Which::Name(text) | Which::Pattern(text) => text.template.source(),
    };
    let (id, path) = (&unit.stage.id, taken.path.template.source());
    let message = format!(
        "`{id}` takes the artifact `{what}` into files that are inputs of its cache, so they change while it runs"
    );
    let help = match folder.is_empty() {
        true => {
            "give the artifact a folder of its own, and take that out of the inputs with `!FOLDER`".to_owned()
        }
        false => format!("take `{path}` out of the inputs with `!{folder}`"),
    };
    let help = format!("{help}: what it takes belongs to the key anyway");
    let problem = Diagnostic::warning("cache-input-changes", read.span, message);
    Some(problem.also(taken.path.span, "is put there after the cache was asked").help(help))
}

fn by_chance(
    (reader, read): (&Unit<'_>, &Pattern<'_>),
    (maker, made): (&Unit<'_>, &Pattern<'_>),
    is_later: bool,
) -> Diagnostic {
    let (a, b) = (&reader.stage.id, &maker.stage.id);
    let message = match is_later {
        true => format!("`{a}` reads what `{b}` makes, which comes after it: `{}`", made.text),
        false => format!("`{a}` reads what `{b}` makes, and does not need it: `{}`", made.text),
    };
    let help = match is_later {
        true => {
            format!(
                "it finds what an earlier job has left; take it out of the inputs with `{}`",
                made.taken_out()
            )
        }
        false => format!(
            "whether it is there by then is chance; add `{b}` to the `needs` of `{a}`, or take it out of the inputs with \
             `{}`",
            made.taken_out()
        ),
    };
    Diagnostic::warning("cache-unordered", read.span, message)
        .also(made.span, format!("outputs of `{b}`"))
        .help(help)
}
