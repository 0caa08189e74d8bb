//! `explain`: a page for each diagnostic, and the tables of keys, exit codes, events and settings.
//!
//! Not here: the pages themselves (`assets/explain`, embedded by `pages.rs`).

use serde_json::{Value as Json, json};

use super::args::ExplainArgs;
use super::paged::{self, Asked};
use super::table::Table;
use super::{guide, help, pages};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::playbook::keys::{self, Status};
use crate::logic::playbook::slugs;
use crate::logic::settings;
use crate::logic::text::near_miss;

/// What can be looked up besides messages, with a line about each.
pub(super) const TOPICS: [(&str, &str); 14] = [
    ("keys", "every key of the playbook language, and which are not supported yet"),
    ("exit-codes", "what sortie's exit codes mean"),
    ("events", "the types of events that `run --ui json` and `jobs events` print"),
    ("settings", "every setting, its variable and its flag"),
    ("scripts", "the numbered script library: selectors, and what a script is told"),
    ("profiles", "named choices of variables, stages and matrix values"),
    ("schedules", "what starts jobs by itself, and what happens on odd days"),
    ("cache", "when an earlier result is taken, what it is known by, and what is kept"),
    ("artifacts", "files that a stage keeps under a name, for stages behind it and for people"),
    ("cache-files", "files that are kept between jobs by a key, such as what a package manager has fetched"),
    ("survival", "what goes on when a terminal, a process, a machine or a container goes away"),
    ("on-interrupt", "what becomes of a step that was lost, and who goes on with its job"),
    ("editors", "how an editor completes, explains and checks playbooks by their schema"),
    ("services", "databases and other servers beside the steps of a stage, as processes or in containers"),
];

/// The types of events, with what they mean and what older tools call them.
const EVENTS: [(&str, &str, &str); 59] = [
    ("job.started", "a job began", "OrchestrationStarted"),
    ("job.paused", "nothing new is started until it is resumed", "OrchestrationPaused"),
    ("job.resumed", "a paused job goes on", "OrchestrationResumed"),
    ("job.recovered", "a new process took the job over", "OrchestrationRecovered"),
    ("job.retrying", "parts of a job are run again", ""),
    ("job.completed", "a job passed", "OrchestrationCompleted"),
    ("job.failed", "a job failed", "OrchestrationFailed"),
    ("job.cancelled", "a job was cancelled", "OrchestrationCancelled"),
    ("job.queued", "a job waits for its turn, or its concurrency group; `claims` is what it asks for", ""),
    ("job.blocked", "why it waits: who holds what it asks for, or came before", ""),
    ("job.claimed", "it has all that it asked for", ""),
    ("job.unclaimed", "others could take that while no engine worked on the job; it asks again", ""),
    ("order.cancel", "somebody asked to cancel a job or a part of it", "OrchestrationCancelRequested"),
    ("order.skip", "somebody asked to leave a part out; what runs of it is stopped", ""),
    ("order.withdrawn", "a skip was taken back before it came into force", ""),
    ("order.rollback", "a person or a failed stage asked to undo what has completed", ""),
    ("order.refused", "an order made no sense at that time", "CommandRefused"),
    ("order.noted", "an order changed nothing: what it asked for was so already", ""),
    ("stage.submitted", "a stage's first step was given out, to begin when the step `after` passes", ""),
    (
        "stage.started",
        "a stage began; `cells` are the combinations of its matrix",
        "StageStarted, MatrixExpanded",
    ),
    ("stage.completed", "all cells of a stage passed", "StageCompleted"),
    ("stage.failed", "a stage failed", "StageFailed"),
    ("stage.cancelled", "a stage was cancelled", "StageCancelled"),
    ("stage.skipped", "a stage did not run", "StageSkipped"),
    (
        "cell.queued",
        "a cell waits for its group, locks or resources; without `claims`: for what it gave up",
        "",
    ),
    ("cell.blocked", "why it waits: who holds what it asks for, or came before", ""),
    ("cell.claimed", "it has all that it asked for", ""),
    ("cell.unclaimed", "others could take that while no engine worked on the job; it asks again", ""),
    ("cell.started", "a cell began", ""),
    ("cell.stopping", "a cell was asked to stop, by a cancel, a skip, a time limit or fail-fast", ""),
    ("cell.retrying", "a cell as a whole will be run again", "StageRetrying"),
    ("cell.swept", "what was left of a cell's processes was ended", "SurvivorsFound"),
    ("cell.completed failed cancelled skipped", "a cell ended", ""),
    ("step.submitted", "a cell's first step was given out, to begin when a slot comes free", ""),
    ("step.withdrawn", "it was taken back before it began", ""),
    ("step.started", "a try of a step began", "ScriptStarted"),
    ("step.stopping", "a step was asked to stop", "ScriptSignalled, ScriptKilled"),
    ("step.retrying", "a step failed and will be tried again", "ScriptRetrying"),
    ("step.completed", "a step passed", "ScriptCompleted"),
    ("step.failed", "a step failed", "ScriptFailed, ScriptTimedOut"),
    ("step.cancelled", "a step was cancelled", "ScriptCancelled"),
    ("step.skipped", "a step did not run", "ScriptSkipped"),
    ("step.annotated hashed", "a step gave a message; a digest of files is known", "AnnotationAdded"),
    (
        "cache.hit",
        "an earlier result of a cell or step fits; `steps` are how its steps ended then",
        "CacheHit",
    ),
    ("cache.waiting", "an earlier result is looked for, and that waits", ""),
    ("cache.miss", "none fits; `differed` is what is not as it was in the newest of that name", "CacheMiss"),
    ("cache.stored", "what was made is kept", "CacheStored"),
    ("cache.not-stored", "it is not, and why", ""),
    (
        "artifact.published",
        "a cell has kept files under a name; others may take them from now on",
        "ArtifactPublished",
    ),
    ("artifact.empty", "no file was there for it, and the cell does without", ""),
    (
        "artifact.taken",
        "all that a cell takes is there, before its first step, or for the earlier result that it was given",
        "",
    ),
    ("artifact.failed", "what a cell takes is not there, or what it keeps could not be; it fails", ""),
    (
        "gate.opened",
        "people are asked; `approvers` are as in the playbook, `people` are who is behind them",
        "ApprovalRequested",
    ),
    ("gate.answered", "somebody approved, and more have to", ""),
    (
        "gate.approved",
        "the last one who had to has approved; `values` are those of the inputs",
        "ApprovalGranted",
    ),
    ("gate.rejected", "somebody said no", "ApprovalRejected"),
    (
        "gate.expired",
        "nobody, or not everybody, answered in time; `then` is what that means",
        "ApprovalExpired",
    ),
    ("gate.withdrawn", "what waited was cancelled, skipped or begun anew", ""),
    ("gate.reminded", "people were reminded of an open question", ""),
];

/// Records that `run --on-change --ui json` prints among the events of its jobs. They stand in no journal, so they have no number.
const ROUNDS: [(&str, &str); 6] = [
    (
        "round.started",
        "a round of `run --on-change` began with this `job`; `files` changed before it (100 at most, and `more`), `stages` are \
         affected, `unaffected` are not, `watched` files are waited for",
    ),
    ("round.stopped", "the job is cancelled, because `files` changed; another round follows"),
    ("round.held", "`files` changed, and the next round waits: `reason` says what must not be interrupted"),
    ("round.waiting", "the job of the round has ended, and changes are waited for"),
    (
        "round.unmatched",
        "`globs` of `--globs` match none of the `watched` files now; one that comes later starts a round",
    ),
    ("round.refused", "`files` changed, and no round can begin: `message` says why"),
];

/// Returns every type of event.
pub(super) fn event_types() -> Vec<String> {
    let mut types = Vec::new();
    for (names, ..) in EVENTS {
        let mut names = names.split(' ');
        let first = names.next().unwrap_or_default();
        let of = first.split('.').next().unwrap_or_default();
        types.push(first.to_owned());
        types.extend(names.map(|name| format!("{of}.{name}")));
    }
    types
}

/// Runs the command.
///
/// # Errors
/// If there is no such topic.
pub(super) fn explain(context: &Context, args: &ExplainArgs, out: &mut Out) -> Result<Ending, Failure> {
    let Some(name) = args.topic.as_deref() else {
        topics(out, args.json);
        return Ok(Ending::Success);
    };
    topic(context, out, name, Asked { raw: args.raw, json: args.json })?;
    Ok(Ending::Success)
}

/// Shows what there is about a name: a table, a page, or else a page of the guide.
///
/// # Errors
/// If there is nothing.
pub(super) fn topic(context: &Context, out: &mut Out, name: &str, asked: Asked) -> Result<(), Failure> {
    match name {
        "keys" => print_keys(out, asked.json),
        "exit-codes" => print_exit_codes(context, out, asked.json),
        "events" => print_events(out, asked.json),
        "settings" => print_settings(out, asked.json),
        _ => {
            // What people look for who want to go on with a job.
            let slug =
                if matches!(name, "recover" | "recovery" | "interrupted") { "on-interrupt" } else { name };
            match (pages::find(slug), guide::find(name)) {
                (Some(page), _) => paged::show(context, out, (slug, page), asked),
                (None, Some(page)) => help::page(context, out, Some(page), asked),
                (None, None) => return Err(unknown(name)),
            }
        }
    }
    Ok(())
}

/// Returns the names of all topics and messages.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TOPICS
        .iter()
        .map(|(name, _)| *name)
        .chain(slugs::ALL.iter().map(|slug| slug.name))
        .chain(pages::OTHERS.iter().map(|(name, _)| *name))
}

fn unknown(topic: &str) -> Failure {
    let failure = Failure::usage(format!("there is no page about `{topic}`"));
    match near_miss(topic, names().chain(guide::names())) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`sortie explain` lists all pages, `sortie help` those of the guide"),
    }
}

/// Returns every topic with a line about it.
pub(super) fn all_topics() -> Vec<(&'static str, &'static str)> {
    let faults = slugs::ALL.iter().map(|slug| (slug.name, slug.summary));
    let all = TOPICS.iter().chain(pages::OTHERS).copied().chain(faults);
    // Those whose names are topics as well are found there.
    let guides = guide::GROUPS.iter().flat_map(|(_, pages)| *pages).map(|it| (it.name, it.about));
    let guides = guides.filter(|(name, _)| TOPICS.iter().all(|(topic, _)| topic != name));
    all.chain(guides).collect()
}

fn topics(out: &mut Out, as_json: bool) {
    let all = all_topics();
    if as_json {
        let rows: Vec<Json> =
            all.iter().map(|(name, about)| json!({ "topic": name, "about": about })).collect();
        out.line(Json::from(rows).to_string());
        return;
    }
    let mut table = Table::default();
    for (name, about) in all {
        table.row([name.to_owned(), about.to_owned()]);
    }
    table.print(out);
}

fn print_keys(out: &mut Out, as_json: bool) {
    if as_json {
        let rows: Vec<Json> = keys::all()
            .map(|key| {
                json!({
                    "key": key.name,
                    "place": key.place.words(),
                    "takes": key.takes,
                    "about": key.doc,
                    "supported": matches!(key.status, Status::Honoured),
                })
            })
            .collect();
        out.line(Json::from(rows).to_string());
        return;
    }
    for place in keys::Place::ALL {
        let keys = keys::of(place);
        if keys.is_empty() {
            continue;
        }
        out.line(out.paint.bold(&format!("In {}", place.words())));
        let mut table = Table::default();
        for key in keys {
            let status = if matches!(key.status, Status::Honoured) { "" } else { "not yet" };
            table.row([
                format!("  {}", key.name),
                key.takes.to_owned(),
                status.to_owned(),
                key.doc.to_owned(),
            ]);
        }
        table.print(out);
    }
}

fn print_exit_codes(context: &Context, out: &mut Out, as_json: bool) {
    let codes = (context.outside.exit_codes)();
    if as_json {
        let rows: Vec<Json> =
            codes.iter().map(|(code, about)| json!({ "code": code, "about": about })).collect();
        out.line(Json::from(rows).to_string());
        return;
    }
    let mut table = Table::default();
    for (code, about) in codes {
        table.row([format!("{code:>3}"), about.to_owned()]);
    }
    table.print(out);
}

fn print_events(out: &mut Out, as_json: bool) {
    if as_json {
        let rows: Vec<Json> = EVENTS
            .iter()
            .map(|(name, about, older)| json!({ "type": name, "about": about, "formerly": older }))
            .chain(ROUNDS.iter().map(|(name, about)| json!({ "type": name, "about": about, "formerly": "" })))
            .collect();
        out.line(Json::from(rows).to_string());
        return;
    }
    let mut table = Table::default();
    for (name, about, older) in EVENTS {
        let older = if older.is_empty() { String::new() } else { format!("was {older}") };
        table.row([name.to_owned(), about.to_owned(), older]);
    }
    for (name, about) in ROUNDS {
        table.row([name.to_owned(), about.to_owned(), String::new()]);
    }
    table.print(out);
}

fn print_settings(out: &mut Out, as_json: bool) {
    if as_json {
        let rows: Vec<Json> = settings::TABLE
            .iter()
            .map(|setting| {
                json!({
                    "key": setting.key,
                    "takes": settings::expected(setting),
                    "default": setting.default,
                    "variable": settings::variable(setting),
                    "flag": setting.flag,
                    "about": setting.about,
                })
            })
            .collect();
        out.line(Json::from(rows).to_string());
        return;
    }
    let mut table = Table::default();
    for setting in settings::TABLE {
        let default =
            if setting.default.is_empty() { String::new() } else { format!("default {}", setting.default) };
        table.row([
            setting.key.to_owned(),
            settings::expected(setting),
            default,
            setting.flag.to_owned(),
            settings::variable(setting),
            setting.about.to_owned(),
        ]);
    }
    table.print(out);
}
