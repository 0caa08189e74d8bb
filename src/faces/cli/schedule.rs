//! `schedule`: what starts by itself, when it fires next, what came of it; firing by hand, and saying yes.
//!
//! Not here: the service that waits for all this (`service.rs`).

use std::io::{BufRead, Write};

use serde_json::{Value as Json, json};

use super::args::{FireArgs, NextArgs, ScheduleCommand, TrustArgs};
use super::table::Table;
use super::{list, service as face};
use crate::engine::service::{self, Kind, Promise, Scan, Trigger, zone};
use crate::engine::{Fire, FireState, History, clock};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::logic::schedule::fires::{Fires, oddity};
use crate::logic::schedule::{due, options};
use crate::logic::text::{clean::written_out, listed_names, plural};
use crate::logic::time::Timestamp;

/// Most fires that `next` looks through for one schedule.
const MOST: usize = 10_000;

/// Runs the command; without a subcommand it lists.
///
/// # Errors
/// If a playbook cannot be found or has errors, the store cannot be read, or a fire is refused.
pub(super) fn schedule(
    context: &Context,
    command: Option<&ScheduleCommand>,
    out: &mut Out,
) -> Result<Ending, Failure> {
    match command {
        None => list_all(context, false, out),
        Some(ScheduleCommand::List { json }) => list_all(context, *json, out),
        Some(ScheduleCommand::Next(args)) => next(context, args, out),
        Some(ScheduleCommand::Run(args)) => run(context, args, out),
        Some(ScheduleCommand::Trust(args)) => trust(context, args, out),
    }
}

fn list_all(context: &Context, as_json: bool, out: &mut Out) -> Result<Ending, Failure> {
    let Scan { triggers, broken } = service::scan(&context.project);
    let history = History::open(&context.project)?;
    let now = clock::now();
    let pid = service::running(&context.project);
    let mut rows = Vec::new();
    for trigger in &triggers {
        let last = match &history {
            Some(history) => history.fires(Some(&trigger.id), 1)?.pop(),
            None => None,
        };
        rows.push((trigger, next_of(trigger, now), last));
    }
    if as_json {
        let all: Vec<Json> = rows
            .iter()
            .map(|(trigger, next, last)| {
                let promises = promises(&triggers, trigger);
                row_json(trigger, *next, last.as_ref(), is_trusted(context, &promises))
            })
            .collect();
        let broken: Vec<&String> = broken.iter().map(|it| &it.file).collect();
        out.line(
            json!({ "service": { "running": pid.is_some(), "pid": pid }, "triggers": all, "broken": broken })
                .to_string(),
        );
        return Ok(Ending::Success);
    }
    if rows.is_empty() {
        out.line("nothing starts by itself in this project; `sortie explain schedules` says how");
    }
    let mut table = Table::default();
    for (trigger, next, last) in &rows {
        let is_trusted = is_trusted(context, &promises(&triggers, trigger));
        let next = match (&trigger.kind, next) {
            _ if !is_trusted => "nobody has said yes yet".to_owned(),
            (Kind::Schedule(it), Some(at)) => format!("next {}", wall(*at, &it.zone)),
            (Kind::Schedule(_), None) => "fires no more".to_owned(),
            (Kind::Watch(_), _) => "when files change".to_owned(),
            (Kind::After(_), _) => "when a job ends".to_owned(),
        };
        let name = if trigger.index > 1 {
            format!("{} {}", trigger.playbook, trigger.index)
        } else {
            trigger.playbook.clone()
        };
        let last = last.as_ref().map_or_else(|| "never fired".to_owned(), last_words);
        table.row([name, trigger.word().to_owned(), trigger.spec(), next, last]);
    }
    table.print(out);
    for it in &broken {
        out.line(format!("{}; nothing starts `{}` until that is mended", it.words(), it.file));
    }
    for trigger in &triggers {
        let names = trigger.unknown(&context.project.root);
        if !names.is_empty() {
            out.line(format!(
                "`{}` follows {}, and no playbook of this project is called so",
                trigger.playbook,
                listed_names(&names, "or")
            ));
        }
    }
    if !rows.is_empty() {
        out.line(match pid {
            Some(pid) => format!("a service runs for this project (process {pid})"),
            None => format!(
                "no service runs for this project, so nothing fires; `{}` is one",
                context.command("engine")
            ),
        });
    }
    Ok(Ending::Success)
}

fn next_of(trigger: &Trigger, now: Timestamp) -> Option<Timestamp> {
    let Kind::Schedule(it) = &trigger.kind else { return None };
    crate::logic::schedule::fires::next(it, &zone(&it.zone), now)
}

/// What came of a fire, in words.
fn last_words(fire: &Fire) -> String {
    let when = list::local_time(fire.nominal);
    match (fire.state, fire.job) {
        (FireState::Started, Some(job)) => format!("last {when}: job #{job}"),
        (FireState::Starting, _) => format!("last {when}: is being started"),
        (state, _) => format!("last {when}: {}, {}", state.word(), fire.words),
    }
}

fn row_json(trigger: &Trigger, next: Option<Timestamp>, last: Option<&Fire>, is_trusted: bool) -> Json {
    let mut row = json!({
        "playbook": trigger.playbook,
        "path": trigger.path,
        "index": trigger.index,
        "id": trigger.id,
        "kind": trigger.word(),
        "spec": trigger.spec(),
        "overlap": trigger.overlap().word(),
        "trusted": is_trusted,
        "next": next.map(Timestamp::rfc3339),
        "last": last.map(fire_json),
    });
    if let Kind::Schedule(it) = &trigger.kind {
        row["cron"] = json!(it.cron.source());
        row["timezone"] = json!(&*it.zone);
        row["options"] = json!(options(it));
        row["next_local"] = json!(next.map(|at| wall(at, &it.zone)));
    }
    row
}

fn fire_json(fire: &Fire) -> Json {
    json!({
        "number": fire.number,
        "nominal": fire.nominal.rfc3339(),
        "made": fire.made.rfc3339(),
        "state": fire.state.word(),
        "job": fire.job,
        "message": fire.words,
    })
}

/// A time as clocks of a zone show it.
fn wall(at: Timestamp, name: &str) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(
        |_| at.rfc3339(),
        |time| time.to_zoned(zone(name)).strftime("%a %Y-%m-%d %H:%M %:z").to_string(),
    )
}

fn next(context: &Context, args: &NextArgs, out: &mut Out) -> Result<Ending, Failure> {
    let triggers = match &args.playbook {
        Some(wanted) => service::of_playbook(&context.project, wanted)?,
        None => service::scan(&context.project).triggers,
    };
    let after = args.after.unwrap_or_else(clock::now);
    let mut all = Vec::new();
    for trigger in &triggers {
        let Kind::Schedule(it) = &trigger.kind else { continue };
        let zone = zone(&it.zone);
        for at in Fires::after(it, &zone, after).take(args.limit.min(MOST)) {
            all.push((at, trigger, &**it, oddity(it, &zone, at)));
        }
    }
    all.sort_by_key(|(at, ..)| *at);
    all.truncate(args.limit);
    if args.json {
        let rows: Vec<Json> = all
            .iter()
            .map(|(at, trigger, it, odd)| {
                let delay = due::jitter(it, &trigger.id, *at);
                json!({
                    "playbook": trigger.playbook,
                    "index": trigger.index,
                    "cron": it.cron.source(),
                    "timezone": &*it.zone,
                    "nominal": at.rfc3339(),
                    "local": wall(*at, &it.zone),
                    "jitter_seconds": delay.as_secs_f64(),
                    "note": odd,
                })
            })
            .collect();
        out.line(Json::from(rows).to_string());
        return Ok(Ending::Success);
    }
    if all.is_empty() {
        out.line("no schedule fires");
    }
    let mut table = Table::default();
    for (at, trigger, it, odd) in &all {
        let delay = due::jitter(it, &trigger.id, *at);
        let delay =
            if delay.is_zero() { String::new() } else { format!("+{}", crate::logic::text::duration(delay)) };
        table.row([
            wall(*at, &it.zone),
            it.zone.to_string(),
            trigger.playbook.clone(),
            it.cron.source().to_owned(),
            delay,
            odd.clone().unwrap_or_default(),
        ]);
    }
    table.print(out);
    Ok(Ending::Success)
}

fn run(context: &Context, args: &FireArgs, out: &mut Out) -> Result<Ending, Failure> {
    let triggers = service::of_playbook(&context.project, &args.playbook)?;
    let schedules: Vec<&Trigger> =
        triggers.iter().filter(|it| matches!(it.kind, Kind::Schedule(_))).collect();
    let Some(trigger) = schedules.iter().find(|it| it.index == args.index) else {
        let message = match schedules.len() {
            0 => format!("`{}` has no schedule", args.playbook),
            count => format!("`{}` has {}, found {}", args.playbook, plural(count, "schedule"), args.index),
        };
        let run = context.command("run NAME");
        return Err(Failure::usage(message).help(format!(
            "`sortie schedule list` shows what there is, `{run}` starts a playbook without one"
        )));
    };
    let job =
        service::by_hand(&context.project, trigger, &(context.outside.actor)(), context.outside.begin_job)?;
    if args.json {
        out.line(json!({ "playbook": trigger.playbook, "cron": trigger.spec(), "job": job }).to_string());
    } else {
        let watch = context.command(&format!("w {job}"));
        out.line(format!(
            "`{}` [{}] has fired: job #{job} has started; `{watch}` shows it",
            trigger.playbook,
            trigger.spec()
        ));
    }
    Ok(Ending::Success)
}

// ----------------------------------------------------------------------------------------------------------- trust

/// Groups triggers by their playbook, in order.
#[must_use]
pub(super) fn by_playbook(triggers: &[Trigger]) -> Vec<Vec<&Trigger>> {
    let mut groups: Vec<Vec<&Trigger>> = Vec::new();
    for it in triggers {
        match groups.last_mut().filter(|group| group[0].path == it.path) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    groups
}

fn promises(all: &[Trigger], of: &Trigger) -> Vec<Promise> {
    all.iter().filter(|it| it.path == of.path).map(Trigger::promise).collect()
}

/// Says whether a person has said yes to these triggers of a playbook.
#[must_use]
pub(super) fn is_trusted(context: &Context, promises: &[Promise]) -> bool {
    (context.outside.is_trusted)(&face::hash(context, promises))
}

/// Asks on the terminal for a yes to the triggers of one playbook, unless there was one.
///
/// # Errors
/// If the terminal cannot be used, or the answer cannot be remembered.
pub(super) fn ask_once(context: &Context, triggers: &[&Trigger]) -> Result<bool, Failure> {
    let promises: Vec<Promise> = triggers.iter().map(|it| it.promise()).collect();
    if is_trusted(context, &promises) {
        return Ok(true);
    }
    let answer = ask(&promises)
        .map_err(|error| Failure::surroundings(format!("the terminal cannot be used: {error}")))?;
    if answer {
        remember(context, &promises)?;
    }
    Ok(answer)
}

fn ask(promises: &[Promise]) -> std::io::Result<bool> {
    let mut terminal = std::io::stderr().lock();
    writeln!(terminal, "This project wants to start jobs by itself:")?;
    for (what, says) in promises {
        writeln!(terminal, "  {}: {}", written_out(what, false), written_out(says, false))?;
    }
    write!(terminal, "May it? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn remember(context: &Context, promises: &[Promise]) -> Result<(), Failure> {
    (context.outside.remember_trust)(
        &face::hash(context, promises),
        &context.project.root.display().to_string(),
    )
    .map_err(|error| Failure::surroundings(format!("the answer cannot be remembered: {error}")))
}

fn trust(context: &Context, args: &TrustArgs, out: &mut Out) -> Result<Ending, Failure> {
    let triggers = match &args.playbook {
        Some(wanted) => service::of_playbook(&context.project, wanted)?,
        None => service::scan(&context.project).triggers,
    };
    if triggers.is_empty() {
        out.line("nothing starts by itself here, so there is nothing to say yes to");
    }
    let can_ask = context.surroundings.stdin && context.surroundings.stderr;
    let mut is_refused = false;
    for group in by_playbook(&triggers) {
        let name = &group[0].playbook;
        let promises: Vec<Promise> = group.iter().map(|it| it.promise()).collect();
        let is_known = is_trusted(context, &promises);
        if !is_known && args.yes {
            remember(context, &promises)?;
        } else if !is_known && !can_ask {
            return Err(Failure::refused(format!("nobody can be asked about `{name}` here"))
                .help("read its `on`, then say yes with `--yes`"));
        } else if !is_known && !ask_once(context, &group)? {
            out.line(format!("`{name}` starts nothing by itself"));
            is_refused = true;
            continue;
        }
        let word = if is_known { "was said to" } else { "is remembered for" };
        out.line(format!("yes {word} `{name}`: {}", plural(group.len(), "trigger")));
    }
    Ok(if is_refused { Ending::Refused } else { Ending::Success })
}
