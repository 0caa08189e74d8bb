//! `cache explain`: why something ran, or why it did not have to.
//!
//! Not here: what a key is made of (`logic/cache/key.rs`). The decisions are those of the journal; what keys were made of is
//! asked of the store of results, which forgets it with the result.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::args::CacheExplainArgs;
use super::cache_explain_files::{self, Filed, Files};
use super::list::local_time;
use super::pick;
use super::table::{Table, columns};
use crate::engine::upkeep::{self, KeptResult};
use crate::engine::{History, JobRow};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::signs::State;
use crate::faces::words;
use crate::logic::cache::key::Portrait;
use crate::logic::cache::{Difference, Hit, Kept, Miss, Unit};
use crate::logic::job::event::Event;
use crate::logic::plan::Plan;
use crate::logic::text::clean::written_out;
use crate::logic::text::{bytes_text, plural, shortened};
use crate::logic::view::JobView;

/// What was decided about a cell or a step.
struct Decided {
    unit: Unit,
    looked: Looked,
    kept: Option<Kept>,
}

/// By cell and step.
type Results = BTreeMap<(u32, Option<u32>), Decided>;

enum Looked {
    Hit(Box<Hit>),
    Miss(Box<Miss>),
}

/// So much of a name and of a text is shown on the narrowest terminal.
const NAME: usize = 28;

/// Columns of a line at most.
const WIDTH: usize = 80;

/// So many inputs are named, and so many lines of one value are shown; `--json` has all.
const NAMED: usize = 10;
const LINES: usize = 4;

/// Runs the command.
///
/// # Errors
/// If there is no such job or part of it, or the store cannot be read.
pub(super) fn explain(context: &Context, args: &CacheExplainArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let (row, address) = find(context, &history, args)?;
    let plan = history.plan(&row.id)?;
    let mut view = JobView::new(plan.playbook.clone());
    let (mut all, mut files) = (Results::new(), Files::new());
    pick::fold(&history, &row, &mut |envelope| {
        view.fold(envelope);
        note(&mut all, &envelope.event);
        cache_explain_files::note(&mut files, &envelope.event);
    })?;
    pick::sound(&row, &view)?;
    let told: Told<'_> = match &address {
        Some(address) => chosen(context, (&row, &plan, &view), (&all, &files), address)?,
        None => (all.values().collect(), files.values().collect()),
    };
    let kept = upkeep::cached(&context.project)?;
    if args.json {
        let objects = told.0.iter().map(|it| as_object(context, (&row, &view), it, &kept));
        let mut objects = objects.collect::<Result<Vec<_>, _>>()?;
        let files = told.1.iter();
        objects.extend(files.map(|it| it.as_object((&row, &view), &stored_name(&view, it.unit), &kept)));
        out.line(Json::from(objects).to_string());
        return Ok(Ending::Success);
    }
    if address.is_none() {
        overview(context, (&row, &plan, &view), &told, out);
        return Ok(Ending::Success);
    }
    for (at, it) in told.0.iter().enumerate() {
        if at > 0 {
            out.line("");
        }
        print(context, (&row, &view), it, &kept, out)?;
    }
    for (at, it) in told.1.iter().enumerate() {
        if at + told.0.len() > 0 {
            out.line("");
        }
        let sign = out.paint.sign(if it.decision() == "miss" { State::Passed } else { State::Cached });
        out.line(format!("{sign} {}: {}, of its cache-files", name(&view, it.unit), it.decision()));
        it.parts(&row, &kept).iter().for_each(|(name, text)| part(out, name, text));
    }
    Ok(Ending::Success)
}

/// What is told: decisions about results, and about files by a key.
type Told<'a> = (Vec<&'a Decided>, Vec<&'a Filed>);

/// The first word may be a job or an address, as for `logs`: `cache explain build` means the last job's stage.
fn find(
    context: &Context,
    history: &History,
    args: &CacheExplainArgs,
) -> Result<(JobRow, Option<String>), Failure> {
    let find = |selector: &str| pick::job(context, history, selector);
    match (&args.job, &args.address) {
        (None, _) => Ok((find("last")?, None)),
        (Some(job), Some(address)) => Ok((find(job)?, Some(address.clone()))),
        (Some(word), None) => {
            let is_number = word.trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit());
            match find(word) {
                Ok(row) => Ok((row, None)),
                Err(failure) if is_number || word == "last" => Err(failure),
                Err(_) => Ok((find("last")?, Some(word.clone()))),
            }
        }
    }
}

/// Takes note of what an event tells about the cache; of several runs of a cell the last one counts.
fn note(all: &mut Results, event: &Event) {
    match event {
        Event::CacheHit { unit, hit } => {
            let it = Decided { unit: *unit, looked: Looked::Hit(hit.clone()), kept: None };
            all.insert((unit.cell, unit.step), it);
        }
        Event::CacheMissed { unit, miss } => {
            let it = Decided { unit: *unit, looked: Looked::Miss(miss.clone()), kept: None };
            all.insert((unit.cell, unit.step), it);
        }
        Event::CacheKept { unit, kept } => {
            if let Some(it) = all.get_mut(&(unit.cell, unit.step)) {
                it.kept = Some(kept.clone());
            }
        }
        _ => {}
    }
}

/// What was decided about what an address names.
fn chosen<'a>(
    context: &Context,
    (row, plan, view): (&JobRow, &Plan, &JobView),
    (all, files): (&'a Results, &'a Files),
    text: &str,
) -> Result<Told<'a>, Failure> {
    let address = pick::address(view, text)?;
    let cells = pick::cells(view, &address)?;
    let stage = view.cells[cells[0] as usize].stage;
    let step = address.step.as_deref().map(|name| pick::step(view, stage, name)).transpose()?;
    let is_named = |unit: &Unit| {
        // A step of a stage that is cached as one is decided with it.
        cells.contains(&unit.cell) && (step.is_none() || unit.step.is_none() || unit.step == step)
    };
    let told: Told<'a> = (
        all.values().filter(|it| is_named(&it.unit)).collect(),
        files.values().filter(|it| is_named(&it.unit)).collect(),
    );
    if told.0.is_empty() && told.1.is_empty() {
        let message = format!("job #{} looked for nothing of `{text}` in the cache", row.number);
        return Err(Failure::refused(message).help(why_not(context, (plan, view), Some(stage))));
    }
    Ok(told)
}

/// Why nothing was looked for.
fn why_not(context: &Context, (plan, view): (&Plan, &JobView), stage: Option<u32>) -> String {
    if plan.cache.off {
        return "it was started with `--no-cache`".to_owned();
    }
    let model = |at: u32| &plan.playbook.stages[at as usize];
    let has_rule = |at: u32| {
        let own = model(at).cache.is_some() || plan.stages[at as usize].cache.is_some();
        own || model(at).steps.steps.iter().any(|step| step.cache.is_some())
    };
    if let Some(call) = stage.and_then(|at| model(at).call.as_ref()) {
        let own = stage.map(|at| view.stage_name(at).to_owned()).unwrap_or_default();
        return format!(
            "it calls `./{}`, and what is cached are the stages of that: ask for `{own} / STAGE`",
            call.path
        );
    }
    if let Some(at) = stage {
        let begin = format!("`{}` is not cached: ", view.stage_name(at));
        if let Some(why) = plan.warnings().into_iter().find(|it| it.starts_with(&begin)) {
            return why;
        }
        if has_rule(at) {
            return "it did not get so far: it was skipped, cancelled, or still waits".to_owned();
        }
    }
    let with = context.command("run PLAYBOOK --cache");
    format!("the playbook asks for no `cache` there; `{with}` caches stages that say nothing about it")
}

/// A line for each cell and step.
fn overview(
    context: &Context,
    (row, plan, view): (&JobRow, &Plan, &JobView),
    (told, files): &Told<'_>,
    out: &mut Out,
) {
    if told.is_empty() && files.is_empty() {
        out.line(format!("job #{} looked for nothing in the cache", row.number));
        out.line(format!("help: {}", why_not(context, (plan, view), None)));
        return;
    }
    let names = told.iter().map(|it| name(view, it.unit)).chain(files.iter().map(|it| name(view, it.unit)));
    let cut = Cut::of(out, names);
    let mut table = Table::default();
    for it in told {
        let (sign, word, text) = match &it.looked {
            Looked::Hit(hit) => {
                let took = words::elapsed(std::time::Duration::from_micros(hit.record.took_us));
                (State::Cached, "hit", format!("from job #{}, where it took {took}", hit.made_by))
            }
            Looked::Miss(miss) => (State::Passed, "miss", written_out(&miss.message, false).into_owned()),
        };
        let name = cut.name(&name(view, it.unit));
        table.marked(out.paint.sign(sign), 1, [name, word.to_owned(), cut.text(&text)]);
    }
    for it in files {
        let sign = out.paint.sign(if it.decision() == "miss" { State::Passed } else { State::Cached });
        let name = cut.name(&name(view, it.unit));
        let text = written_out(&it.brief(), false).into_owned();
        table.marked(sign, 1, [name, it.decision().to_owned(), cut.text(&text)]);
    }
    table.print(out);
    let hits = told.iter().filter(|it| matches!(it.looked, Looked::Hit(_))).count();
    let more = context.command(&format!("cache explain {} STAGE", row.number));
    let misses = told.len() - hits;
    let misses = if misses == 1 { "1 miss".to_owned() } else { format!("{misses} misses") };
    let mut counts = Vec::new();
    if !told.is_empty() {
        counts.push(format!("{}, {misses}", plural(hits, "hit")));
    }
    if !files.is_empty() {
        counts.push(format!("{} with cache-files", plural(files.len(), "step")));
    }
    out.line(format!("{}; `{more}` tells all of one", counts.join(", ")));
}

/// How long names and texts of the list may be: as a terminal has room, and elsewhere as they are.
struct Cut {
    name: usize,
    text: usize,
}

impl Cut {
    fn of(out: &Out, names: impl Iterator<Item = String>) -> Self {
        let Some(room) = columns(out) else { return Self { name: usize::MAX, text: usize::MAX } };
        let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let name = longest.min((room / 3).max(NAME));
        // A sign, a word of four letters, and two blanks behind each column.
        Self { name, text: room.saturating_sub(name + 11).max(NAME) }
    }

    fn name(&self, text: &str) -> String {
        shortened(text, self.name)
    }

    fn text(&self, text: &str) -> String {
        shortened(text, self.text)
    }
}

fn name(view: &JobView, unit: Unit) -> String {
    let step = unit.step.map(|step| format!("/{}", view.step_name(unit.cell, step)));
    let run = if unit.run > 1 { format!(", run {}", unit.run) } else { String::new() };
    format!("{}{}{run}", view.cell_name(unit.cell), step.unwrap_or_default())
}

/// The name that results of a unit have in the store.
fn stored_name(view: &JobView, unit: Unit) -> String {
    name(view, Unit { run: 1, ..unit })
}

/// All of one decision.
fn print(
    context: &Context,
    (row, view): (&JobRow, &JobView),
    it: &Decided,
    kept: &[KeptResult],
    out: &mut Out,
) -> Result<(), Failure> {
    let name = name(view, it.unit);
    match &it.looked {
        Looked::Hit(hit) => {
            out.line(format!("{} {name}: hit, taken from the cache", out.paint.sign(State::Cached)));
            let took = words::elapsed(std::time::Duration::from_micros(hit.record.took_us));
            part(out, "from", &format!("job #{}, where it took {took}", hit.made_by));
            let files = format!("{}, {}", plural(hit.files as usize, "file"), bytes_text(hit.bytes));
            let back = match hit.restored {
                0 => "all of them were there as they were".to_owned(),
                count => format!("{count} put back or taken away"),
            };
            part(
                out,
                "result",
                &if hit.files == 0 { "no files".to_owned() } else { format!("{files}; {back}") },
            );
        }
        Looked::Miss(miss) => {
            out.line(format!("{} {name}: miss, it had to run", out.paint.sign(State::Passed)));
            part(out, "reason", &miss.message);
            print_differences(&miss.differed, matches!(it.kept, Some(Kept::Stored { .. })), out);
            part(out, "stored", &stored_words(it, miss));
        }
    }
    let key = key(it);
    if key.is_empty() {
        return Ok(());
    }
    part(out, "key", key);
    let there = kept.iter().find(|known| known.key == key);
    part(out, "in store", &there_words(row, there));
    match made_of(context, view, it)? {
        Some(parts) => print_parts(&parts, out),
        None => part(out, "made of", "not known any more: only what is kept, or the newest of a name, is"),
    }
    Ok(())
}

/// The key that was looked for, in hex; empty if there was none.
fn key(it: &Decided) -> &str {
    match &it.looked {
        Looked::Hit(hit) => &hit.key,
        Looked::Miss(miss) => &miss.key,
    }
}

fn made_of(context: &Context, view: &JobView, it: &Decided) -> Result<Option<Portrait>, Failure> {
    let name = format!("{}: {}", view.playbook.name, stored_name(view, it.unit));
    Ok(upkeep::made_of_key(&context.project, &name, key(it))?)
}

fn stored_words(it: &Decided, miss: &Miss) -> String {
    match &it.kept {
        Some(Kept::Stored { files: 0, .. }) => "yes, without files".to_owned(),
        Some(Kept::Stored { files, bytes, .. }) => {
            format!("yes, {} and {}", plural(*files as usize, "file"), bytes_text(*bytes))
        }
        Some(Kept::Not { reason, message, .. }) => format!("no, {reason}: {message}"),
        None if miss.is_hopeless => "no, for the same reason".to_owned(),
        None => "no: only what has passed is kept, and only if `mode` says so".to_owned(),
    }
}

fn there_words(row: &JobRow, there: Option<&KeptResult>) -> String {
    let Some(it) = there else { return "nothing has that key now".to_owned() };
    let by = if it.made_by == row.number { "this job".to_owned() } else { format!("job #{}", it.made_by) };
    let branch = it.branch.as_ref().map_or_else(String::new, |it| format!(", on branch {it}"));
    format!("made by {by} at {}, last used {}{branch}", local_time(it.made), local_time(it.used))
}

fn print_differences(differed: &[Difference], is_stored: bool, out: &mut Out) {
    if differed.is_empty() {
        return;
    }
    part(out, "differed", "from the newest result of that name, in:");
    for it in differed {
        line(out, 4, &it.field);
        match (&it.before, &it.now) {
            (Some(before), Some(now)) => {
                valued(out, "before", before);
                valued(out, "now", now);
            }
            (None, Some(now)) => valued(out, "added", now),
            (Some(before), None) => valued(out, "removed", before),
            // The last line counts those that were not recorded.
            (None, None) if is_stored => line(out, 4, "`--json` has all that it was made of"),
            (None, None) => line(out, 4, "all are known only of what is stored, which this was not"),
        }
    }
    let inputs = changed_inputs(differed);
    if inputs.iter().any(|(_, names)| !names.is_empty()) {
        let counts = inputs.iter().filter(|(_, names)| !names.is_empty());
        let counts: Vec<String> = counts.map(|(word, names)| format!("{} {word}", names.len())).collect();
        part(out, "inputs", &format!("of those above: {}", counts.join(", ")));
    }
}

/// Inputs that were changed, added and removed.
fn changed_inputs(differed: &[Difference]) -> [(&'static str, Vec<&str>); 3] {
    let named = |is_so: fn(&Difference) -> bool| -> Vec<&str> {
        differed.iter().filter(|it| is_so(it)).filter_map(|it| it.field.strip_prefix(INPUT)).collect()
    };
    [
        ("changed", named(|it| it.before.is_some() && it.now.is_some())),
        ("added", named(|it| it.before.is_none())),
        ("removed", named(|it| it.now.is_none())),
    ]
}

/// What names of parts that are files begin with.
const INPUT: &str = "input ";

fn print_parts(parts: &Portrait, out: &mut Out) {
    let inputs: Vec<&str> = parts.0.iter().filter_map(|(name, _)| name.strip_prefix(INPUT)).collect();
    part(out, "made of", &format!("{} and:", plural(inputs.len(), "input")));
    for (name, value) in parts.0.iter().filter(|(name, _)| !name.starts_with(INPUT)) {
        let value = value.as_deref().unwrap_or("not set");
        let text = format!("{name}: {}", if value.is_empty() { "empty" } else { value });
        line(out, 4, &shortened(&shown(&text), WIDTH - 4));
    }
    for name in inputs.iter().take(NAMED) {
        line(out, 4, &shortened(&shown(&format!("{INPUT}{name}")), WIDTH - 4));
    }
    if let Some(more @ 1..) = inputs.len().checked_sub(NAMED) {
        line(out, 4, &format!("and {more} more inputs; `--json` has all of them"));
    }
}

/// A text on one line, as a terminal shows it and does not obey it.
fn shown(text: &str) -> String {
    written_out(&text.trim_end().replace('\n', "\\n"), false).into_owned()
}

/// A line with a name, and what belongs to it, over several lines where it is long.
fn part(out: &mut Out, name: &str, text: &str) {
    const INDENT: usize = 12;
    for (at, piece) in broken(&shown(text), WIDTH - INDENT).into_iter().enumerate() {
        out.line(format!("  {:<9} {piece}", if at == 0 { name } else { "" }));
    }
}

fn valued(out: &mut Out, name: &str, text: &str) {
    let text = if text.is_empty() { "empty" } else { text };
    for (at, piece) in broken(&shown(text), WIDTH - 16).into_iter().take(LINES).enumerate() {
        out.line(format!("      {:<9} {piece}", if at == 0 { name } else { "" }));
    }
}

fn line(out: &mut Out, indent: usize, text: &str) {
    for piece in broken(&shown(text), WIDTH - indent) {
        out.line(format!("{:indent$}{piece}", ""));
    }
}

/// Breaks a text into pieces of so many characters at most, at blanks where there are any in time.
fn broken(text: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > most {
        let blank = rest[..=most].iter().rposition(|c| *c == ' ').filter(|at| *at > most / 2);
        let tail = rest.split_off(blank.unwrap_or(most));
        pieces.push(rest.into_iter().collect());
        rest = tail.into_iter().skip(usize::from(blank.is_some())).collect();
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

fn as_object(
    context: &Context,
    (row, view): (&JobRow, &JobView),
    it: &Decided,
    kept: &[KeptResult],
) -> Result<Json, Failure> {
    let cell = &view.cells[it.unit.cell as usize];
    let key = key(it);
    let mut object = json!({
        "kind": "result",
        "job": row.number,
        "name": stored_name(view, it.unit),
        "stage": view.stage_name(cell.stage),
        "cell": { "id": &*cell.id, "matrix": &*cell.matrix, "run": it.unit.run },
        "step": it.unit.step.map(|step| view.step_name(it.unit.cell, step)),
        "key": key,
    });
    let more = match &it.looked {
        Looked::Hit(hit) => json!({
            "decision": "hit",
            "made_by": hit.made_by,
            "took_us": hit.record.took_us,
            "files": hit.files,
            "bytes": hit.bytes,
            "restored": hit.restored,
        }),
        Looked::Miss(miss) => {
            let inputs = changed_inputs(&miss.differed).map(|(word, names)| (word.to_owned(), json!(names)));
            json!({
                "decision": "miss",
                "reason": miss.reason,
                "message": miss.message,
                "differed": miss.differed,
                "inputs": Json::Object(inputs.into_iter().collect()),
                "stored": it.kept.as_ref().map(|kept| match kept {
                    Kept::Stored { files, bytes, .. } => json!({ "files": files, "bytes": bytes }),
                    Kept::Not { reason, message, .. } => json!({ "reason": reason, "message": message }),
                }),
            })
        }
    };
    if let (Some(object), Json::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    let there = kept.iter().find(|known| known.key == key);
    object["in_store"] = there.map_or(Json::Null, super::cache::as_object);
    let parts = if key.is_empty() { None } else { made_of(context, view, it)? };
    object["made_of"] = parts.map_or(Json::Null, |parts| {
        parts.0.iter().map(|(part, value)| json!({ "part": part, "value": value })).collect()
    });
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_broken_at_blanks_and_nothing_is_lost() {
        assert_eq!(broken("one two three", 8), ["one two", "three"]);
        assert_eq!(broken("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(broken("", 4), [""]);
        let long = "word ".repeat(40);
        assert!(broken(&long, 17).iter().all(|it| it.chars().count() <= 17));
    }

    #[test]
    fn inputs_are_told_by_what_happened_to_them() {
        let it = |field: &str, before: Option<&str>, now: Option<&str>| Difference {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            now: now.map(str::to_owned),
        };
        let differed = [
            it("input a", Some("1"), Some("2")),
            it("input b", None, Some("2")),
            it("input c", Some("1"), None),
            it("matrix", Some("1"), Some("2")),
            it("and 3 more", None, None),
        ];
        let [changed, added, removed] = changed_inputs(&differed);
        assert_eq!((changed.1, added.1, removed.1), (vec!["a"], vec!["b"], vec!["c"]));
    }
}
