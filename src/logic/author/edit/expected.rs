//! Edits of bare values: what the text has to mean afterwards, found in another way than by changing the text.
//!
//! Not here: the comparison (`mod.rs`). It is as simple as it can be, because it is believed.

use super::super::layout::plain::Plain;
use super::references::in_text;
use super::{Edit, Needs, Part, Spot};

type Pairs = Vec<(Plain, Plain)>;

/// Carries out an edit.
pub(super) fn edit(root: &mut Plain, edit: &Edit) {
    match edit {
        Edit::AddStage { name, stage, at } => add_stage(root, name, &stage.part(), at),
        Edit::RenameStage { from, to } => rename_stage(root, from, to),
        Edit::RemoveStage { name, .. } => remove_stage(root, name),
        Edit::Needs { stage, change } => {
            if let Some(stage) = find_stage(root, stage) {
                needs(stage, change);
            }
        }
        Edit::SetAxis { stage, axis, values } => {
            if let Some(stage) = find_stage(root, stage) {
                set_axis(stage, axis, values);
            }
        }
        Edit::RemoveAxis { stage, axis } => {
            let Some(stage) = find_stage(root, stage) else { return };
            let Some(Plain::Map(axes)) = matrix_of(stage) else { return };
            axes.retain(|(key, _)| !is(key, axis));
            if axes.is_empty() {
                remove_matrix(stage);
            }
        }
        Edit::RemoveMatrix { stage } => {
            if let Some(stage) = find_stage(root, stage) {
                remove_matrix(stage);
            }
        }
        Edit::SetInput { name, keys } => set_input(root, name, keys),
        Edit::RenameInput { from, to } => {
            if let Some(Plain::Map(inputs)) = get(root, "inputs") {
                rename_keys(inputs, from, to);
            }
            rename_texts(root, &["inputs"], from, to);
        }
        Edit::RemoveInput { name } => {
            if let Some(Plain::Map(inputs)) = get(root, "inputs") {
                inputs.retain(|(key, _)| !is(key, name));
            }
        }
    }
}

/// Brings values that mean the same into one form: a single need is a list of one, and what is empty is not there.
pub(super) fn settle(root: &mut Plain) {
    each_stage(root, &mut |stage| {
        let Plain::Map(keys) = stage else { return };
        keys.iter_mut().filter(|(key, _)| is(key, "needs")).for_each(|(_, value)| listed(value));
        for (_, value) in keys.iter_mut().filter(|(key, _)| is(key, "strategy")) {
            if let Plain::Map(inner) = value {
                inner.retain(|(key, value)| !(is(key, "matrix") && is_empty(value)));
            }
        }
        let goes = |key: &Plain| ["needs", "matrix", "strategy"].iter().any(|it| is(key, it));
        keys.retain(|(key, value)| !(goes(key) && is_empty(value)));
    });
    if let Some(Plain::Map(profiles)) = get(root, "profiles") {
        for (_, profile) in profiles {
            let Plain::Map(keys) = profile else { continue };
            let is_list = |key: &Plain| is(key, "include") || is(key, "exclude");
            keys.iter_mut().filter(|(key, _)| is_list(key)).for_each(|(_, value)| listed(value));
            keys.retain(|(key, value)| !(is_list(key) && is_empty(value)));
        }
    }
    if let Plain::Map(keys) = root {
        keys.retain(|(key, value)| {
            !((is(key, "inputs") || is(key, "finally") || is(key, "profiles")) && is_empty(value))
        });
    }
}

fn listed(value: &mut Plain) {
    if matches!(value, Plain::Text(_) | Plain::Word(_)) {
        *value = Plain::List(vec![value.clone()]);
    }
}

fn is_empty(value: &Plain) -> bool {
    match value {
        Plain::Null => true,
        Plain::List(items) => items.is_empty(),
        Plain::Map(pairs) => pairs.is_empty(),
        Plain::Word(_) | Plain::Text(_) => false,
    }
}

/// Says whether a value is that name; cases are the same.
fn is(value: &Plain, name: &str) -> bool {
    matches!(value, Plain::Text(text) | Plain::Word(text) if text.eq_ignore_ascii_case(name))
}

fn text(name: &str) -> Plain {
    Plain::Text(name.to_owned())
}

fn get<'a>(map: &'a mut Plain, key: &str) -> Option<&'a mut Plain> {
    let Plain::Map(pairs) = map else { return None };
    pairs.iter_mut().find(|(known, _)| *known == text(key)).map(|(_, value)| value)
}

fn put(pairs: &mut Pairs, key: &str, value: Plain) {
    match pairs.iter_mut().find(|(known, _)| is(known, key)) {
        Some((_, old)) => *old = value,
        None => pairs.push((text(key), value)),
    }
}

fn each_stage(root: &mut Plain, visit: &mut dyn FnMut(&mut Plain)) {
    for key in ["stages", "finally"] {
        match get(root, key) {
            Some(Plain::Map(pairs)) => {
                pairs.iter_mut().filter(|(key, _)| !is(key, "<<")).for_each(|(_, stage)| visit(stage));
            }
            Some(Plain::List(items)) => items.iter_mut().for_each(&mut *visit),
            _ => {}
        }
    }
}

fn find_stage<'a>(root: &'a mut Plain, name: &str) -> Option<&'a mut Plain> {
    let Plain::Map(keys) = root else { return None };
    let lists = keys.iter_mut().filter(|(key, _)| *key == text("stages") || *key == text("finally"));
    let stages = lists.flat_map(|(_, list)| -> Vec<(bool, &mut Plain)> {
        match list {
            Plain::Map(pairs) => pairs.iter_mut().map(|(key, stage)| (is(key, name), stage)).collect(),
            Plain::List(items) => items.iter_mut().map(|it| (has_id(it, name), it)).collect(),
            _ => Vec::new(),
        }
    });
    stages.into_iter().find(|(is_it, _)| *is_it).map(|(_, stage)| stage)
}

fn has_id(stage: &Plain, name: &str) -> bool {
    matches!(stage, Plain::Map(keys) if keys.iter().any(|(key, value)| *key == text("id") && is(value, name)))
}

fn add_stage(root: &mut Plain, name: &str, stage: &Part, at: &Spot) {
    for key in ["stages", "finally"] {
        let Some(list) = get(root, key) else { continue };
        if *list == Plain::Null {
            *list = Plain::Map(Vec::new());
        }
        let position = match list {
            Plain::Map(pairs) => {
                position(at, key, pairs.len(), &|it| pairs.iter().position(|(key, _)| is(key, it)))
            }
            Plain::List(items) => {
                position(at, key, items.len(), &|it| items.iter().position(|stage| has_id(stage, it)))
            }
            _ => None,
        };
        let (Some(at), Plain::Map(keys)) = (position, stage.plain()) else { continue };
        match list {
            Plain::Map(pairs) => pairs.insert(at, (text(name), Plain::Map(keys))),
            Plain::List(items) => {
                let id = std::iter::once((text("id"), text(name)));
                items.insert(at, Plain::Map(id.chain(keys).collect()));
            }
            _ => {}
        }
        return;
    }
}

fn position(spot: &Spot, key: &str, len: usize, find: &dyn Fn(&str) -> Option<usize>) -> Option<usize> {
    match spot {
        Spot::End => (key == "stages").then_some(len),
        Spot::Before(name) => find(name),
        Spot::After(name) => find(name).map(|at| at + 1),
    }
}

fn rename_stage(root: &mut Plain, from: &str, to: &str) {
    for key in ["stages", "finally"] {
        match get(root, key) {
            Some(Plain::Map(pairs)) => rename_keys(pairs, from, to),
            Some(Plain::List(items)) => {
                for stage in items.iter_mut().filter(|it| has_id(it, from)) {
                    if let Some(id) = get(stage, "id") {
                        *id = text(to);
                    }
                }
            }
            _ => {}
        }
    }
    each_list(root, &mut |list| {
        list.iter_mut().filter(|it| is(it, from)).for_each(|it| *it = text(to));
    });
    rename_texts(root, &["needs", "stages", "jobs"], from, to);
}

fn rename_keys(pairs: &mut Pairs, from: &str, to: &str) {
    pairs.iter_mut().filter(|(key, _)| is(key, from)).for_each(|(key, _)| *key = text(to));
}

/// Visits each list that names stages.
fn each_list(root: &mut Plain, visit: &mut dyn FnMut(&mut Vec<Plain>)) {
    let mut of_keys = |map: &mut Plain, names: &[&str]| {
        let Plain::Map(keys) = map else { return };
        for (_, value) in keys.iter_mut().filter(|(key, _)| names.iter().any(|it| *key == text(it))) {
            listed(value);
            if let Plain::List(items) = value {
                visit(items);
            }
        }
    };
    each_stage(root, &mut |stage| of_keys(stage, &["needs"]));
    if let Some(Plain::Map(profiles)) = get(root, "profiles") {
        profiles.iter_mut().for_each(|(_, profile)| of_keys(profile, &["include", "exclude"]));
    }
}

/// Renames a member of these contexts in all expressions.
fn rename_texts(root: &mut Plain, contexts: &[&str], from: &str, to: &str) {
    each_stage(root, &mut |stage| rename_conditions(stage, contexts, from, to));
    for key in ["pre", "post"] {
        if let Some(Plain::List(items)) = get(root, key) {
            items.iter_mut().for_each(|it| rename_conditions(it, contexts, from, to));
        }
    }
    rename_templates(root, contexts, from, to);
}

fn rename_conditions(map: &mut Plain, contexts: &[&str], from: &str, to: &str) {
    let Plain::Map(keys) = map else { return };
    for (key, value) in keys {
        match value {
            Plain::Text(words) if is(key, "if") || is(key, "continue-on-error") => {
                rename_in(words, true, contexts, from, to);
            }
            Plain::List(items)
                if ["steps", "block", "rescue", "always", "parallel"].iter().any(|it| is(key, it)) =>
            {
                items.iter_mut().for_each(|it| rename_conditions(it, contexts, from, to));
            }
            _ => {}
        }
    }
}

fn rename_templates(value: &mut Plain, contexts: &[&str], from: &str, to: &str) {
    match value {
        Plain::Text(words) => rename_in(words, false, contexts, from, to),
        Plain::List(items) => items.iter_mut().for_each(|it| rename_templates(it, contexts, from, to)),
        Plain::Map(pairs) => pairs.iter_mut().for_each(|(_, it)| rename_templates(it, contexts, from, to)),
        Plain::Null | Plain::Word(_) => {}
    }
}

fn rename_in(words: &mut String, is_condition: bool, contexts: &[&str], from: &str, to: &str) {
    for range in in_text(words, is_condition, contexts, from).unwrap_or_default().into_iter().rev() {
        words.replace_range(range, to);
    }
}

fn remove_stage(root: &mut Plain, name: &str) {
    for key in ["stages", "finally"] {
        match get(root, key) {
            Some(Plain::Map(pairs)) => pairs.retain(|(key, _)| !is(key, name)),
            Some(Plain::List(items)) => items.retain(|it| !has_id(it, name)),
            _ => {}
        }
    }
    each_list(root, &mut |list| list.retain(|it| !is(it, name)));
}

fn needs(stage: &mut Plain, change: &Needs) {
    let Plain::Map(keys) = stage else { return };
    if !keys.iter().any(|(key, _)| *key == text("needs")) {
        let head = keys.iter().take_while(|(key, _)| is(key, "id") || is(key, "name")).count();
        keys.insert(head, (text("needs"), Plain::Null));
    }
    let Some(value) = get(stage, "needs") else { return };
    listed(value);
    let mut list = match value {
        Plain::List(items) => std::mem::take(items),
        _ => Vec::new(),
    };
    match change {
        // A name that is there already stays as it is written.
        Needs::Set(names) => {
            let known = list.clone();
            let as_known = |name: &String| known.iter().find(|it| is(it, name)).cloned();
            list = names.iter().map(|it| as_known(it).unwrap_or_else(|| text(it))).collect();
        }
        Needs::Add(names) => {
            for name in names {
                if !list.iter().any(|it| is(it, name)) {
                    list.push(text(name));
                }
            }
        }
        Needs::Remove(names) => list.retain(|it| !names.iter().any(|name| is(it, name))),
    }
    *value = Plain::List(list);
}

fn matrix_of(stage: &mut Plain) -> Option<&mut Plain> {
    let Plain::Map(keys) = &*stage else { return None };
    if keys.iter().any(|(key, _)| *key == text("matrix")) {
        return get(stage, "matrix");
    }
    get(get(stage, "strategy")?, "matrix")
}

/// Without a matrix the rest of `strategy` means nothing.
fn remove_matrix(stage: &mut Plain) {
    if let Plain::Map(keys) = stage {
        keys.retain(|(key, _)| !is(key, "matrix") && !is(key, "strategy"));
    }
}

fn set_axis(stage: &mut Plain, axis: &str, values: &[Part]) {
    let list = Plain::List(values.iter().map(Part::plain).collect());
    if let Some(matrix) = matrix_of(stage) {
        if *matrix == Plain::Null {
            *matrix = Plain::Map(Vec::new());
        }
        let Plain::Map(axes) = matrix else { return };
        if axes.iter().any(|(key, _)| is(key, axis)) {
            return put(axes, axis, list);
        }
        let is_extra = |key: &Plain| *key == text("include") || *key == text("exclude");
        let at = axes.iter().position(|(key, _)| is_extra(key)).unwrap_or(axes.len());
        axes.insert(at, (text(axis), list));
        return;
    }
    let matrix = (text("matrix"), Plain::Map(vec![(text(axis), list)]));
    if let Some(Plain::Map(strategy)) = get(stage, "strategy") {
        strategy.insert(0, matrix);
        return;
    }
    let Plain::Map(keys) = stage else { return };
    let head = ["id", "name", "needs", "if", "run-when"];
    let at = keys.iter().take_while(|(key, _)| head.iter().any(|it| is(key, it))).count();
    keys.insert(at, matrix);
}

fn set_input(root: &mut Plain, name: &str, keys: &[(String, Part)]) {
    let Plain::Map(all) = root else { return };
    if !all.iter().any(|(key, _)| *key == text("inputs")) {
        let head = ["version", "name", "description", "category", "tags", "run-name"];
        let at =
            all.iter().rposition(|(key, _)| head.iter().any(|it| *key == text(it))).map_or(0, |at| at + 1);
        all.insert(at, (text("inputs"), Plain::Null));
    }
    let Some(inputs) = get(root, "inputs") else { return };
    if *inputs == Plain::Null {
        *inputs = Plain::Map(Vec::new());
    }
    let Plain::Map(inputs) = inputs else { return };
    let known = inputs.iter_mut().find(|(key, _)| is(key, name));
    let Some((_, input)) = known else {
        inputs.push((text(name), Part::Map(keys.to_vec()).plain()));
        return;
    };
    if *input == Plain::Null && !keys.is_empty() {
        *input = Plain::Map(Vec::new());
    }
    if let Plain::Map(pairs) = input {
        keys.iter().for_each(|(key, value)| put(pairs, key, value.plain()));
    }
}
