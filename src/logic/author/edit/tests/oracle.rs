//! What an edit should come to, as values of another YAML library.

use serde_yaml::{Mapping, Value};

use super::super::{Edit, Needs, NewStage, NewStep, Part, Spot};

/// Reads a text; what cannot be read is no YAML for somebody else.
pub(super) fn read(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Writes values down in one form, whose order counts.
pub(super) fn told(value: &Value) -> String {
    serde_yaml::to_string(value).expect("it can be written")
}

fn same(value: &Value, name: &str) -> bool {
    value.as_str().is_some_and(|it| it.eq_ignore_ascii_case(name))
}

/// Returns the names of all stages.
pub(super) fn stages(root: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for key in ["stages", "finally"] {
        match root.get(key) {
            Some(Value::Mapping(map)) => {
                names.extend(map.keys().filter_map(Value::as_str).map(str::to_owned))
            }
            Some(Value::Sequence(list)) => {
                names.extend(list.iter().filter_map(|it| it.get("id")?.as_str()).map(str::to_owned));
            }
            _ => {}
        }
    }
    names
}

/// Returns the names that a stage needs.
pub(super) fn needs(stage: &Value) -> Vec<String> {
    match stage.get("needs") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Sequence(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn stage<'a>(root: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    for key in ["stages", "finally"] {
        let is_in = match root.get(key) {
            Some(Value::Mapping(map)) => map.keys().any(|it| same(it, name)),
            Some(Value::Sequence(list)) => {
                list.iter().any(|it| it.get("id").is_some_and(|it| same(it, name)))
            }
            _ => false,
        };
        if is_in {
            return match root.get_mut(key) {
                Some(Value::Mapping(map)) => map.iter_mut().find(|(key, _)| same(key, name)).map(|it| it.1),
                Some(Value::Sequence(list)) => {
                    list.iter_mut().find(|it| it.get("id").is_some_and(|it| same(it, name)))
                }
                _ => None,
            };
        }
    }
    None
}

fn value_of(part: &Part) -> Value {
    match part {
        Part::Text(text) => Value::String(text.clone()),
        Part::Word(word) => read(word),
        Part::List(items) => Value::Sequence(items.iter().map(value_of).collect()),
        Part::Map(pairs) => {
            Value::Mapping(pairs.iter().map(|(key, it)| (key.as_str().into(), value_of(it))).collect())
        }
        Part::Flow(inner) => value_of(inner),
    }
}

fn insert(map: &mut Mapping, at: usize, key: &str, value: Value) {
    let mut pairs: Vec<(Value, Value)> = std::mem::take(map).into_iter().collect();
    pairs.insert(at.min(pairs.len()), (key.into(), value));
    *map = pairs.into_iter().collect();
}

fn filter(map: &mut Mapping, keep: &dyn Fn(&Value) -> bool) {
    *map = std::mem::take(map).into_iter().filter(|(key, _)| keep(key)).collect();
}

fn after(map: &Mapping, keys: &[&str]) -> usize {
    map.keys().take_while(|key| keys.iter().any(|it| same(key, it))).count()
}

/// Carries an edit out.
pub(super) fn edit(root: &mut Value, edit: &Edit) {
    match edit {
        Edit::AddStage { name, stage, at } => add_stage(root, name, new_stage(stage), at),
        Edit::RenameStage { from, to } => rename_stage(root, from, to),
        Edit::RemoveStage { name, .. } => remove_stage(root, name),
        Edit::Needs { stage: name, change } => {
            if let Some(Value::Mapping(stage)) = stage(root, name) {
                change_needs(stage, change);
            }
        }
        Edit::SetAxis { stage: name, axis, values } => {
            if let Some(Value::Mapping(stage)) = stage(root, name) {
                set_axis(stage, axis, value_of(&Part::List(values.clone())));
            }
        }
        Edit::RemoveAxis { stage: name, axis } => {
            if let Some(stage) = stage(root, name) {
                remove_axis(stage, axis);
            }
        }
        Edit::RemoveMatrix { stage: name } => {
            if let Some(Value::Mapping(stage)) = stage(root, name) {
                filter(stage, &|key| !same(key, "matrix") && !same(key, "strategy"));
            }
        }
        Edit::SetInput { name, keys } => set_input(root, name, keys),
        Edit::RenameInput { from, to } => {
            if let Some(Value::Mapping(map)) = root.get_mut("inputs") {
                rename_key(map, from, to);
            }
            texts(root, false, &["inputs"], from, to);
        }
        Edit::RemoveInput { name } => {
            if let Some(Value::Mapping(map)) = root.get_mut("inputs") {
                filter(map, &|key| !same(key, name));
            }
        }
    }
}

fn new_stage(stage: &NewStage) -> Mapping {
    let names = |names: &[String]| Value::Sequence(names.iter().map(|it| it.as_str().into()).collect());
    let mut new = Mapping::new();
    match &stage.needs[..] {
        [] => {}
        [one] => drop(new.insert("needs".into(), one.as_str().into())),
        several => drop(new.insert("needs".into(), names(several))),
    }
    if !stage.matrix.is_empty() {
        let values = |it: &[Part]| value_of(&Part::List(it.to_vec()));
        let axes = stage.matrix.iter().map(|(axis, it)| (axis.as_str().into(), values(it)));
        new.insert("matrix".into(), Value::Mapping(axes.collect()));
    }
    if let [NewStep::Run(one)] = &stage.steps[..] {
        new.insert("run".into(), one.as_str().into());
        return new;
    }
    let step = |it: &NewStep| match it {
        NewStep::Run(run) => Value::Mapping([("run".into(), run.as_str().into())].into_iter().collect()),
        NewStep::Script(_) => panic!("the random edits have no scripts"),
    };
    new.insert("steps".into(), Value::Sequence(stage.steps.iter().map(step).collect()));
    new
}

fn has_id(stage: &Value, name: &str) -> bool {
    stage.get("id").is_some_and(|it| same(it, name))
}

fn rename_stage(root: &mut Value, from: &str, to: &str) {
    for key in ["stages", "finally"] {
        match root.get_mut(key) {
            Some(Value::Mapping(map)) => rename_key(map, from, to),
            Some(Value::Sequence(list)) => {
                list.iter_mut().filter(|it| has_id(it, from)).for_each(|it| it["id"] = to.into());
            }
            _ => {}
        }
    }
    lists(root, &mut |list| list.iter_mut().filter(|it| same(it, from)).for_each(|it| *it = to.into()));
    texts(root, false, &["needs", "stages", "jobs"], from, to);
}

fn remove_stage(root: &mut Value, name: &str) {
    for key in ["stages", "finally"] {
        match root.get_mut(key) {
            Some(Value::Mapping(map)) => filter(map, &|key| !same(key, name)),
            Some(Value::Sequence(list)) => list.retain(|it| !has_id(it, name)),
            _ => {}
        }
    }
    lists(root, &mut |list| list.retain(|it| !same(it, name)));
}

fn change_needs(stage: &mut Mapping, change: &Needs) {
    let mut all = needs(&Value::Mapping(stage.clone()));
    let is_in = |list: &[String], name: &str| list.iter().any(|it| it.eq_ignore_ascii_case(name));
    match change {
        Needs::Set(names) => all = names.clone(),
        Needs::Add(names) => {
            for name in names {
                if !is_in(&all, name) {
                    all.push(name.clone());
                }
            }
        }
        Needs::Remove(names) => all.retain(|it| !is_in(names, it)),
    }
    let list = Value::Sequence(all.into_iter().map(Value::String).collect());
    match stage.get_mut("needs") {
        Some(value) => *value = list,
        None => {
            let at = after(stage, &["id", "name"]);
            insert(stage, at, "needs", list);
        }
    }
}

fn remove_axis(stage: &mut Value, axis: &str) {
    let long = stage.get("matrix").is_none();
    let matrix = if long { stage["strategy"].get_mut("matrix") } else { stage.get_mut("matrix") };
    let Some(Value::Mapping(matrix)) = matrix else { return };
    filter(matrix, &|key| !same(key, axis));
    if matrix.is_empty() {
        let Value::Mapping(stage) = stage else { return };
        filter(stage, &|key| !same(key, if long { "strategy" } else { "matrix" }));
    }
}

fn set_input(root: &mut Value, name: &str, keys: &[(String, Part)]) {
    let Value::Mapping(all) = root else { return };
    if !all.contains_key("inputs") {
        let head = ["version", "name", "description", "category", "tags", "run-name"];
        let known: Vec<&Value> = all.keys().collect();
        let at = known.iter().rposition(|key| head.iter().any(|it| same(key, it))).map_or(0, |at| at + 1);
        insert(all, at, "inputs", Value::Mapping(Mapping::new()));
    }
    if all["inputs"].is_null() {
        all["inputs"] = Value::Mapping(Mapping::new());
    }
    let Some(inputs) = all["inputs"].as_mapping_mut() else { return };
    let known = inputs.keys().find(|key| same(key, name)).cloned().unwrap_or_else(|| name.into());
    let input = inputs.entry(known).or_insert_with(|| Value::Mapping(Mapping::new()));
    if input.is_null() {
        *input = Value::Mapping(Mapping::new());
    }
    for (key, value) in keys {
        input.as_mapping_mut().expect("an input is a map").insert(key.as_str().into(), value_of(value));
    }
}

fn add_stage(root: &mut Value, name: &str, new: Mapping, at: &Spot) {
    let other = match at {
        Spot::End => None,
        Spot::Before(it) | Spot::After(it) => Some(it),
    };
    for key in ["stages", "finally"] {
        let names: Vec<String> = match root.get(key) {
            Some(Value::Mapping(map)) => map.keys().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::Sequence(list)) => {
                list.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        let at = match other {
            None => names.len(),
            Some(other) => match names.iter().position(|it| it.eq_ignore_ascii_case(other)) {
                Some(found) => found + usize::from(matches!(at, Spot::After(_))),
                None => continue,
            },
        };
        match root.get_mut(key) {
            Some(Value::Mapping(map)) => insert(map, at, name, Value::Mapping(new)),
            Some(Value::Sequence(list)) => {
                let mut new = new;
                insert(&mut new, 0, "id", name.into());
                list.insert(at, Value::Mapping(new));
            }
            _ => {}
        }
        return;
    }
}

fn set_axis(stage: &mut Mapping, axis: &str, list: Value) {
    let put = |matrix: &mut Mapping| {
        if let Some((_, known)) = matrix.iter_mut().find(|(key, _)| same(key, axis)) {
            *known = list.clone();
            return;
        }
        let extra = matrix.keys().position(|key| same(key, "include") || same(key, "exclude"));
        let at = extra.unwrap_or(matrix.len());
        insert(matrix, at, axis, list.clone());
    };
    if let Some(Value::Mapping(matrix)) = stage.get_mut("matrix") {
        return put(matrix);
    }
    if let Some(Value::Mapping(strategy)) = stage.get_mut("strategy")
        && let Some(Value::Mapping(matrix)) = strategy.get_mut("matrix")
    {
        return put(matrix);
    }
    let at = after(stage, &["id", "name", "needs", "if", "run-when"]);
    let matrix: Mapping = [(axis.into(), list)].into_iter().collect();
    insert(stage, at, "matrix", Value::Mapping(matrix));
}

fn rename_key(map: &mut Mapping, from: &str, to: &str) {
    let new = |key: Value| if same(&key, from) { to.into() } else { key };
    *map = std::mem::take(map).into_iter().map(|(key, value)| (new(key), value)).collect();
}

/// Visits each list of names of stages.
fn lists(root: &mut Value, visit: &mut dyn FnMut(&mut Vec<Value>)) {
    let mut of = |map: &mut Value, keys: &[&str]| {
        for key in keys {
            match map.get_mut(*key) {
                Some(Value::Sequence(list)) => visit(list),
                Some(one @ Value::String(_)) => {
                    let mut list = vec![one.clone()];
                    visit(&mut list);
                    *one = Value::Sequence(list);
                }
                _ => {}
            }
        }
    };
    for name in stages(root) {
        if let Some(stage) = stage(root, &name) {
            of(stage, &["needs"]);
        }
    }
    if let Some(Value::Mapping(profiles)) = root.get_mut("profiles") {
        profiles.values_mut().for_each(|it| of(it, &["include", "exclude"]));
    }
}

/// Renames in all expressions, found by their looks.
fn texts(value: &mut Value, is_condition: bool, contexts: &[&str], from: &str, to: &str) {
    match value {
        Value::String(text) if text.contains("${{") => {
            let mut parts: Vec<String> = Vec::new();
            for (at, part) in text.split("${{").enumerate() {
                if at == 0 {
                    parts.push(part.to_owned());
                } else {
                    let (inner, rest) = part.split_once("}}").expect("it is closed");
                    parts.push(format!("{}}}}}{rest}", renamed(inner, contexts, from, to)));
                }
            }
            *text = parts.join("${{");
        }
        Value::String(text) if is_condition => *text = renamed(text, contexts, from, to),
        Value::Sequence(list) => list.iter_mut().for_each(|it| texts(it, false, contexts, from, to)),
        Value::Mapping(map) => {
            for (key, value) in map.iter_mut() {
                let is_condition = same(key, "if") || same(key, "continue-on-error");
                texts(value, is_condition, contexts, from, to);
            }
        }
        _ => {}
    }
}

fn renamed(text: &str, contexts: &[&str], from: &str, to: &str) -> String {
    let mut text = text.to_owned();
    for context in contexts {
        for (before, after) in [(format!("{context}."), ""), (format!("{context}['"), "'")] {
            let mut at = 0;
            while let Some(found) = text[at..].find(&before) {
                let start = at + found + before.len();
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                let end = start + text[start..].find(|c| !is_word(c)).unwrap_or(text.len() - start);
                if text[start..end].eq_ignore_ascii_case(from) && text[end..].starts_with(after) {
                    text.replace_range(start..end, to);
                }
                at = start;
            }
        }
    }
    text
}

/// Brings what means the same into one form.
pub(super) fn settle(root: &mut Value) {
    for name in stages(root) {
        let Some(Value::Mapping(stage)) = stage(root, &name) else { continue };
        let list = needs(&Value::Mapping(stage.clone()));
        if list.is_empty() {
            filter(stage, &|key| !same(key, "needs"));
        } else {
            stage.insert("needs".into(), Value::Sequence(list.into_iter().map(Value::String).collect()));
        }
    }
    if let Some(Value::Mapping(profiles)) = root.get_mut("profiles") {
        for profile in profiles.values_mut().filter_map(Value::as_mapping_mut) {
            for key in ["include", "exclude"] {
                if let Some(one @ Value::String(_)) = profile.get_mut(key) {
                    *one = Value::Sequence(vec![one.clone()]);
                }
            }
            let empty =
                |key: &str| profile.get(key).is_some_and(|it| it.as_sequence().is_some_and(Vec::is_empty));
            let gone: Vec<&str> = ["include", "exclude"].into_iter().filter(|key| empty(key)).collect();
            filter(profile, &|key| !gone.iter().any(|it| same(key, it)));
        }
    }
    let Value::Mapping(all) = root else { return };
    let is_empty = |key: &str| {
        all.get(key).is_some_and(|it| match it {
            Value::Mapping(map) => map.is_empty(),
            Value::Sequence(list) => list.is_empty(),
            it => it.is_null(),
        })
    };
    let gone: Vec<&str> = ["inputs", "finally", "profiles"].into_iter().filter(|key| is_empty(key)).collect();
    filter(all, &|key| !gone.iter().any(|it| same(key, it)));
}
