//! Random sequences of edits over oddly written playbooks: none is invalid, loses a comment, or touches what it is not about.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use serde_yaml::Value;

use super::super::{Edit, Needs, NewStage, NewStep, Part, Refusal, Spot, worsened};
use super::walk::{Seen, lines_of, walk};
use super::{edited, fixtures, oracle};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook;
use crate::logic::playbook::source::Source;

/// Sequences for each of the twenty playbooks.
const SEQUENCES: u64 = 250;

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((it ^ (it >> 31)) % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

#[derive(Default)]
struct Tally {
    applied: BTreeMap<&'static str, usize>,
    refused: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

#[test]
fn five_thousand_sequences_of_edits_change_what_they_are_about_and_nothing_else() {
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 20);
    let tally = Mutex::new(Tally::default());
    let next = Mutex::new(fixtures.iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((name, text)) = next.lock().unwrap().next() else { return };
                    let own = sequences(name, text);
                    let mut all = tally.lock().unwrap();
                    own.applied.into_iter().for_each(|(key, n)| *all.applied.entry(key).or_default() += n);
                    all.wrong.extend(own.wrong);
                    own.refused.into_iter().for_each(|(key, n)| *all.refused.entry(key).or_default() += n);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n\n\n"));
    let (applied, refused): (usize, usize) = (tally.applied.values().sum(), tally.refused.values().sum());
    println!("{} sequences, {applied} edits applied: {:?}", SEQUENCES * 20, tally.applied);
    println!("{refused} refused: {:#?}", tally.refused);
    assert!(applied > 7_000, "only {applied} edits were applied");
    assert!(refused * 4 < applied, "{refused} edits were refused, {applied} applied");
    assert!(tally.applied.values().all(|n| *n > 50), "{:?}", tally.applied);
}

/// A text with what is known of it.
#[derive(Clone)]
struct State {
    text: String,
    values: Value,
    diagnostics: Vec<Diagnostic>,
    seen: Seen,
    comments: Vec<(usize, String)>,
}

impl State {
    fn of(text: String) -> Self {
        let diagnostics = playbook::read(&Source::new("playbook.yml", text.as_str())).diagnostics;
        let (seen, comments) = walk(&text);
        Self { values: oracle::read(&text), diagnostics, seen, comments, text }
    }
}

fn sequences(name: &str, text: &str) -> Tally {
    let mut tally = Tally::default();
    let first = State::of(text.to_owned());
    for seed in 0..SEQUENCES {
        let mut dice = Dice(seed.wrapping_mul(7919) + u64::try_from(name.len()).unwrap() * 104_729);
        let mut state = first.clone();
        let mut trail = Vec::new();
        for _ in 0..=dice.below(3) {
            let edit = random(&mut dice, &state);
            trail.push(format!("{edit:?}"));
            match edited(&state.text, edit.clone()) {
                Ok(new) => {
                    let new = State::of(new);
                    *tally.applied.entry(kind(&edit)).or_default() += 1;
                    if let Err(wrong) = judge(&state, &new, &edit) {
                        let trail = trail.join("\n");
                        let (old, new) = (&state.text, &new.text);
                        let told = format!(
                            "{name}, seed {seed}: {wrong}\n{trail}\n--- before\n{old}\n--- after\n{new}"
                        );
                        tally.wrong.push(told);
                        return tally;
                    }
                    state = new;
                }
                Err(refusal) => {
                    let what = told(&refusal, &edit);
                    *tally.refused.entry(what).or_default() += 1;
                }
            }
        }
    }
    tally
}

fn told(refusal: &Refusal, edit: &Edit) -> String {
    let problem = &refusal.problems[0];
    assert!(problem.help.is_some() || refusal.is_after, "{problem:?}");
    let after = if refusal.is_after { " afterwards" } else { "" };
    let words: String = problem.message.split('`').step_by(2).collect::<Vec<_>>().join("_");
    format!("{}: {}{after}: {words}", kind(edit), problem.slug)
}

fn kind(edit: &Edit) -> &'static str {
    match edit {
        Edit::AddStage { .. } => "add-stage",
        Edit::RenameStage { .. } => "rename-stage",
        Edit::RemoveStage { unlink: false, .. } => "remove-stage",
        Edit::RemoveStage { unlink: true, .. } => "remove-stage-unlink",
        Edit::Needs { change: Needs::Set(_), .. } => "needs-set",
        Edit::Needs { change: Needs::Add(_), .. } => "needs-add",
        Edit::Needs { change: Needs::Remove(_), .. } => "needs-remove",
        Edit::SetAxis { .. } => "set-axis",
        Edit::RemoveAxis { .. } => "remove-axis",
        Edit::RemoveMatrix { .. } => "remove-matrix",
        Edit::SetInput { .. } => "set-input",
        Edit::RenameInput { .. } => "rename-input",
        Edit::RemoveInput { .. } => "remove-input",
    }
}

/// Makes up an edit that mostly makes sense.
fn random(dice: &mut Dice, state: &State) -> Edit {
    let (text, mut root) = (&state.text, state.values.clone());
    let stages = oracle::stages(&root);
    let inputs: Vec<String> = match root.get("inputs") {
        Some(Value::Mapping(map)) => map.keys().filter_map(|it| Some(it.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    };
    let at = dice.below(stages.len());
    let stage = stages[at].clone();
    let earlier = &stages[..at];
    let value = oracle::stage(&mut root, &stage).cloned().unwrap_or_default();
    let needs = oracle::needs(&value);
    let free: Vec<&String> = earlier.iter().filter(|it| !needs.contains(it)).collect();
    let axes = axes(&value);
    match dice.below(18) {
        0 | 1 => {
            let name = fresh(dice, &stages);
            add_stage(dice, &stages, name)
        }
        2 | 3 => Edit::RenameStage { to: fresh(dice, &stages), from: stage },
        4 | 5 if stages.len() > 2 => {
            let is_needed =
                text.contains(&format!("needs.{stage}")) || text.contains(&format!("stages.{stage}"));
            let name = if is_needed { stages[stages.len() - 1].clone() } else { stage };
            Edit::RemoveStage { name, unlink: dice.below(4) > 0 }
        }
        6 | 7 if !free.is_empty() => {
            let mut names = vec![(*dice.pick(&free)).clone()];
            let other = (*dice.pick(&free)).clone();
            if !names.contains(&other) {
                names.push(other);
            }
            Edit::Needs { stage, change: Needs::Add(names) }
        }
        8 if !needs.is_empty() => {
            let mut names = vec![dice.pick(&needs).clone()];
            if dice.below(4) == 0 {
                names = needs.clone();
            }
            Edit::Needs { stage, change: Needs::Remove(names) }
        }
        9 if !earlier.is_empty() => {
            let mut names: Vec<String> = earlier.iter().filter(|_| dice.below(3) > 0).cloned().collect();
            // What an expression reads stays.
            names.extend(
                needs
                    .iter()
                    .filter(|it| text.contains(&format!("needs.{it}")) && !names.contains(it))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            if dice.below(3) == 0 {
                names.reverse();
            }
            Edit::Needs { stage, change: Needs::Set(names) }
        }
        10 | 11 => match stages.iter().find_map(|it| unread_axis(&mut root, it, text)) {
            Some((stage, _)) if dice.below(2) == 0 => Edit::RemoveMatrix { stage },
            Some((stage, axis)) => Edit::RemoveAxis { stage, axis },
            None => set_axis(dice, stage, &axes),
        },
        12 if !axes.is_empty() => Edit::RemoveAxis { stage, axis: dice.pick(&axes).clone() },
        13 if !inputs.is_empty() => {
            Edit::RenameInput { from: dice.pick(&inputs).clone(), to: fresh(dice, &inputs) }
        }
        14 if !inputs.is_empty() && dice.below(2) == 0 => {
            let unread = inputs
                .iter()
                .filter(|it| !text.contains(&format!("inputs.{it}")) && !text.contains(&format!("['{it}']")));
            let unread: Vec<&String> = unread.collect();
            let name = if unread.is_empty() { dice.pick(&inputs) } else { *dice.pick(&unread) };
            Edit::RemoveInput { name: name.clone() }
        }
        15 | 16 => set_axis(dice, stage, &axes),
        _ => {
            let name = fresh(dice, &inputs);
            set_input(dice, &root, &inputs, name)
        }
    }
}

/// Returns a name that is not in use.
fn fresh(dice: &mut Dice, known: &[String]) -> String {
    let words =
        ["alpha", "beta-2", "Gamma", "on", "x_y", "zz", "release", "null", "very-long-name-of-a-thing", "q"];
    let mut word = (*dice.pick(&words)).to_owned();
    while known.iter().any(|it| it.eq_ignore_ascii_case(&word)) {
        word.push_str("-x");
    }
    word
}

fn axes(stage: &Value) -> Vec<String> {
    let matrix = stage.get("matrix").or_else(|| stage.get("strategy")?.get("matrix"));
    let Some(Value::Mapping(map)) = matrix else { return Vec::new() };
    let names = map.keys().filter_map(Value::as_str).filter(|it| !["include", "exclude"].contains(it));
    names.map(str::to_owned).collect()
}

/// Returns an axis of a stage that no expression reads.
fn unread_axis(root: &mut Value, stage: &str, text: &str) -> Option<(String, String)> {
    let all = axes(oracle::stage(root, stage)?);
    let axis = all.into_iter().find(|it| !text.contains(&format!("matrix.{it}")))?;
    Some((stage.to_owned(), axis))
}

fn set_axis(dice: &mut Dice, stage: String, axes: &[String]) -> Edit {
    let axis = match axes.is_empty() || dice.below(2) == 0 {
        true => fresh(dice, axes),
        false => dice.pick(axes).clone(),
    };
    let values = ["linux", "mac", "18", "1.10", "true", "a, b", "x: y", "# no", "ö", "debug", "small"];
    let mut chosen: Vec<Part> = Vec::new();
    for _ in 0..=dice.below(4) {
        let value = Part::guessed(dice.pick::<&str>(&values));
        if !chosen.contains(&value) {
            chosen.push(value);
        }
    }
    Edit::SetAxis { stage, axis, values: chosen }
}

fn add_stage(dice: &mut Dice, stages: &[String], name: String) -> Edit {
    let commands = [
        "make",
        "echo \"a: b\" # c",
        "- x",
        "true",
        "set -e\nmake all\n",
        "if x; then\n  y\nfi",
        "'q'",
        "tab\there",
        "0402",
    ];
    let mut steps = vec![NewStep::Run((*dice.pick(&commands)).to_owned())];
    if dice.below(3) == 0 {
        steps.push(NewStep::Run((*dice.pick(&commands)).to_owned()));
    }
    let at = match dice.below(3) {
        0 => Spot::End,
        1 => Spot::Before(dice.pick(stages).clone()),
        _ => Spot::After(dice.pick(stages).clone()),
    };
    let matrix = match dice.below(3) {
        0 => vec![("os".to_owned(), vec![Part::text("linux"), Part::text("yes")])],
        _ => Vec::new(),
    };
    // Stages of `finally` need none of the others.
    let needs = match (&at, dice.below(2)) {
        (Spot::End, 0) => vec![stages[0].clone()],
        _ => Vec::new(),
    };
    Edit::AddStage { name, stage: NewStage { steps, needs, matrix, keys: Vec::new() }, at }
}

fn set_input(dice: &mut Dice, root: &Value, inputs: &[String], fresh: String) -> Edit {
    let description = (
        "description".to_owned(),
        Part::text(*dice.pick(&["Why: so", "what it is", "", "# x", "two\nlines"])),
    );
    if inputs.is_empty() || dice.below(2) == 0 {
        let keys = match dice.below(4) {
            0 => vec![
                ("type".to_owned(), Part::text("boolean")),
                ("default".to_owned(), Part::guessed("false")),
            ],
            1 => vec![
                ("type".to_owned(), Part::text("choice")),
                ("options".to_owned(), Part::List(vec![Part::text("a"), Part::text("no")])),
                ("default".to_owned(), Part::text("no")),
            ],
            2 => vec![description],
            _ => vec![("required".to_owned(), Part::guessed("false")), description],
        };
        return Edit::SetInput { name: fresh, keys };
    }
    let name = dice.pick(inputs).clone();
    let default = match root["inputs"][name.as_str()].get("type").and_then(Value::as_str) {
        Some("number") => Some(Part::guessed("7")),
        Some("boolean") => Some(Part::guessed("true")),
        Some("choice") => None,
        _ => Some(Part::text("some: thing")),
    };
    let mut keys = vec![description];
    keys.extend(default.filter(|_| dice.below(2) == 0).map(|it| ("default".to_owned(), it)));
    Edit::SetInput { name, keys }
}

/// Says what is wrong with the result of an edit.
fn judge(old: &State, new: &State, edit: &Edit) -> Result<(), String> {
    // Valid for us and for somebody else, and what it should be.
    let worse = worsened(&old.diagnostics, &new.diagnostics);
    if !worse.is_empty() {
        return Err(format!("it has new errors: {worse:?}"));
    }
    let (mut expected, mut found) = (old.values.clone(), new.values.clone());
    oracle::edit(&mut expected, edit);
    oracle::settle(&mut expected);
    oracle::settle(&mut found);
    let (expected, found) = (oracle::told(&expected), oracle::told(&found));
    if expected != found {
        return Err(format!("it has other values\n--- expected\n{expected}\n--- found\n{found}"));
    }
    // Outside of what it is about every byte is the same.
    let parts = about(&old.text, &old.seen, edit);
    kept(&old.text, &new.text, &parts)?;
    // Comments go only with what they belong to.
    let (before, after) = (&old.comments, &new.comments);
    let mut left = after.iter().map(|it| &it.1).peekable();
    for (at, comment) in before {
        if left.peek() == Some(&comment) {
            left.next();
        } else if !(removes(edit) && parts.iter().any(|it| it.contains(at))) {
            return Err(format!("the comment `#{comment}` is lost"));
        }
    }
    match left.next() {
        Some(more) => Err(format!("there is a new comment `#{more}`")),
        None => Ok(()),
    }
}

fn removes(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::RemoveStage { .. }
            | Edit::RemoveInput { .. }
            | Edit::RemoveAxis { .. }
            | Edit::RemoveMatrix { .. }
            | Edit::Needs { change: Needs::Remove(_) | Needs::Set(_), .. }
            | Edit::SetAxis { .. }
    )
}

/// Returns the parts of the text that an edit may change.
fn about(text: &str, root: &Seen, edit: &Edit) -> Vec<Range<usize>> {
    let mut parts = match edit {
        Edit::AddStage { at, .. } => match at {
            // Only at the borders of stages, which `kept` looks at.
            Spot::End => root.get("stages").map(|it| vec![whole(text, &it.1)]).unwrap_or_default(),
            Spot::Before(name) | Spot::After(name) => vec![around(text, &list_of(text, root, name))],
        },
        Edit::RenameStage { from, .. } | Edit::RenameInput { from, .. } => named(text, from),
        Edit::RemoveStage { name, unlink } => {
            let mut parts = vec![around(text, &entry(text, root, name))];
            if *unlink {
                parts.extend(links(root, name).iter().map(|it| around(text, it)));
            }
            parts
        }
        Edit::Needs { stage, .. }
        | Edit::SetAxis { stage, .. }
        | Edit::RemoveAxis { stage, .. }
        | Edit::RemoveMatrix { stage } => vec![around(text, &entry(text, root, stage))],
        Edit::SetInput { name, .. } | Edit::RemoveInput { name } => {
            let inputs = root.get("inputs");
            match inputs.and_then(|it| it.1.get(name)) {
                Some((key, value)) => vec![around(text, &(key.range.start..value.range.end))],
                None => {
                    vec![inputs.map_or(0..text.len(), |it| around(text, &(it.0.range.start..it.1.range.end)))]
                }
            }
        }
    };
    // The only input goes with the key.
    if let (Edit::RemoveInput { .. }, Some((key, value))) = (edit, root.get("inputs"))
        && value.pairs.len() == 1
    {
        parts = vec![around(text, &(key.range.start..value.range.end))];
    }
    if let (Edit::RemoveStage { .. }, Some((key, value))) = (edit, root.get("finally"))
        && value.pairs.len().max(value.items.len()) == 1
    {
        parts.push(around(text, &(key.range.start..value.range.end)));
    }
    parts.sort_by_key(|it| it.start);
    parts
}

fn whole(text: &str, seen: &Seen) -> Range<usize> {
    around(text, &seen.range)
}

/// In block style whole lines, in flow style the part alone with the signs next to it.
fn around(text: &str, range: &Range<usize>) -> Range<usize> {
    let line = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line..range.start];
    let is_flow = before.contains(['{', '[']) || before.trim_end().ends_with(',');
    if !is_flow {
        return lines_of(text, range);
    }
    let back = text[..range.start].trim_end().trim_end_matches(',').len();
    let rest = &text[range.end..];
    let rest = rest.len() - rest.trim_start().trim_start_matches(',').trim_start().len();
    back..range.end + rest
}

/// Returns the place of a stage.
fn entry(text: &str, root: &Seen, name: &str) -> Range<usize> {
    for key in ["stages", "finally"] {
        let Some((_, list)) = root.get(key) else { continue };
        if let Some((key, value)) = list.get(name) {
            return key.range.start..value.range.end;
        }
        let is_it = |it: &&Seen| it.get("id").is_some_and(|(_, id)| id.text.eq_ignore_ascii_case(name));
        if let Some(item) = list.items.iter().find(is_it) {
            // Its dash may stand in a line above.
            let dash = text[..item.range.start].rfind('-').expect("it has a dash");
            return dash..item.range.end;
        }
    }
    panic!("there is no stage {name}")
}

fn list_of(text: &str, root: &Seen, name: &str) -> Range<usize> {
    let at = entry(text, root, name);
    let lists = ["stages", "finally"].into_iter().filter_map(|key| root.get(key));
    let list = lists.map(|(_, list)| list.range.clone()).find(|it| it.start <= at.start && at.end <= it.end);
    list.expect("it is in one of them")
}

/// Returns the places of all lists that name a stage.
fn links(root: &Seen, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let names = |value: &Seen| {
        value.text.eq_ignore_ascii_case(name)
            || value.items.iter().any(|it| it.text.eq_ignore_ascii_case(name))
    };
    let mut look = |map: &Seen| {
        for key in ["needs", "include", "exclude"] {
            if let Some((key, value)) = map.get(key)
                && names(value)
            {
                found.push(key.range.start..value.range.end);
            }
        }
    };
    for key in ["stages", "finally", "profiles"] {
        let Some((_, list)) = root.get(key) else { continue };
        list.pairs.iter().for_each(|(_, it)| look(it));
        list.items.iter().for_each(&mut look);
    }
    found
}

/// Returns the places of a name, with the quotes around it.
fn named(text: &str, name: &str) -> Vec<Range<usize>> {
    let (text, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(&name).map(|it| at + it) {
        let end = start + name.len();
        let quote = |c: Option<char>| usize::from(matches!(c, Some('\'' | '"')));
        found.push(start - quote(text[..start].chars().next_back())..end + quote(text[end..].chars().next()));
        at = end;
    }
    found
}

/// Says what is missing of the text outside of some parts of it.
fn kept(old: &str, new: &str, parts: &[Range<usize>]) -> Result<(), String> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for part in parts {
        if part.start > done {
            pieces.push(&old[done..part.start]);
        } else if done == 0 {
            pieces.push("");
        }
        done = done.max(part.end);
    }
    let last = &old[done..];
    let (first, middle) = pieces.split_first().expect("each edit is about something");
    let Some(mut rest) = new.strip_prefix(first) else {
        return Err(format!("the begin has changed: {first:?}"));
    };
    // A line break at the end of the file may come or go with the last line.
    let Some(inner) = rest.strip_suffix(last) else { return Err(format!("the end has changed: {last:?}")) };
    rest = inner;
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return Err(format!("this has changed: {piece:?}")),
        }
    }
    Ok(())
}
