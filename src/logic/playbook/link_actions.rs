//! Follows `uses` of steps to the actions of the project. Part of `link.rs`.

use std::sync::Arc;

use super::call::{Action, Composite, DEEPEST, GivenValue, MOST_STEPS};
use super::link::{Link, is_error, unread};
use super::model::StepTree;
use super::source::{Source, Unread};
use super::splice::splice;
use crate::logic::diag::Diagnostic;
use crate::logic::text::{listed_names, near_miss, plural};

/// An action that was read.
pub(super) struct ActionFile {
    pub(super) source: Source,
    action: Option<Arc<Action>>,
    pub(super) found: Vec<Diagnostic>,
}

impl Link {
    /// Gives each step with `uses` the steps of its action; `chain` are the actions on the way to it.
    pub(super) fn actions_of(
        &mut self,
        source: &Source,
        tree: &mut StepTree,
        chain: &mut Vec<Arc<str>>,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut has_some = false;
        for step in &mut tree.steps {
            let Some(composite) = &mut step.composite else { continue };
            has_some = true;
            let path = composite.path.clone();
            if let Some(at) = chain.iter().position(|known| *known == path) {
                let names: Vec<String> =
                    chain[at..].iter().chain([&path]).map(|path| format!("`./{path}`")).collect();
                found.push(
                    Diagnostic::error(
                        "call-cycle",
                        composite.span,
                        format!("these actions use each other: {}", names.join(" → ")),
                    )
                    .label("closes the circle")
                    .help("remove one of these `uses`"),
                );
                continue;
            }
            if !self.actions.contains_key(&path) && !self.read_action(source, composite, chain, found) {
                continue;
            }
            let Some(file) = self.actions.get(&path) else { continue };
            let Some(action) = &file.action else {
                let errors = file.found.iter().filter(|it| is_error(it)).count().max(1);
                found.push(
                    Diagnostic::error(
                        "call-broken",
                        composite.span,
                        format!("the action `./{path}` cannot be used: it has {}", plural(errors, "error")),
                    )
                    .help("what is wrong is said with its file"),
                );
                continue;
            };
            if action.depth > DEEPEST {
                found.push(
                    Diagnostic::error(
                        "call-too-deep",
                        composite.span,
                        format!("actions use each other more than {DEEPEST} deep, beginning with `./{path}`"),
                    )
                    .help("let one of them do what the one that it uses does"),
                );
                continue;
            }
            check_given(action, composite, found);
            composite.action = Some(action.clone());
        }
        if has_some && self.has_room(tree, found) {
            *tree = splice(tree);
        }
    }

    /// Says whether there are not too many steps with those of all actions, and else leaves the actions out.
    fn has_room(&self, tree: &mut StepTree, found: &mut Vec<Diagnostic>) -> bool {
        let mut count = tree.steps.len();
        let mut first = None;
        for composite in tree.steps.iter().filter_map(|step| step.composite.as_ref()) {
            count += composite.action.as_ref().map_or(0, |action| action.steps.steps.len());
            if count > MOST_STEPS {
                first.get_or_insert((composite.span, Arc::clone(&composite.path)));
            }
        }
        let Some((span, path)) = first else { return true };
        let message =
            format!("with those of its actions, these are {count} steps; at most {MOST_STEPS} can be");
        found.push(
            Diagnostic::error("too-many-steps", span, message)
                .label(format!("`./{path}` makes it too many"))
                .help("use fewer actions here, or make one of them do its work in one step"),
        );
        for step in &mut tree.steps {
            if let Some(composite) = &mut step.composite {
                composite.action = None;
            }
        }
        false
    }

    /// Reads an action and those that it uses; says whether its file is there.
    fn read_action(
        &mut self,
        source: &Source,
        composite: &Composite,
        chain: &mut Vec<Arc<str>>,
        found: &mut Vec<Diagnostic>,
    ) -> bool {
        let path = &composite.path;
        let mut why = Unread::NotThere(None);
        for name in ["action.yml", "action.yaml"] {
            let file: Arc<str> = Arc::from(format!("{path}/{name}"));
            match source.called_file(&file) {
                None => {
                    self.miss(file);
                    return false;
                }
                Some(Err(Unread::NotThere(near))) => why = Unread::NotThere(near),
                Some(Err(other)) => {
                    found.push(unread(&file, composite.span, &other));
                    return false;
                }
                Some(Ok(text)) => {
                    let own = Source::new(file, text).with_called_of(source);
                    self.take_action(path, own, chain);
                    return true;
                }
            }
        }
        let problem = unread(&format!("{path}/action.yml"), composite.span, &why);
        found.push(problem);
        false
    }

    fn take_action(&mut self, path: &Arc<str>, own: Source, chain: &mut Vec<Arc<str>>) {
        let (action, mut inner, missing) = super::read_action(&own);
        missing.into_iter().for_each(|path| self.miss(path));
        let action = action.map(|mut action| {
            chain.push(path.clone());
            self.actions_of(&own, &mut action.steps, chain, &mut inner);
            chain.pop();
            let used = action.steps.steps.iter().filter_map(|step| step.composite.as_ref()?.action.as_ref());
            action.depth = 1 + used.map(|it| it.depth).max().unwrap_or(0);
            Arc::new(action)
        });
        let action = action.filter(|_| !inner.iter().any(is_error));
        self.actions.insert(path.clone(), ActionFile { source: own, action, found: inner });
    }
}

fn check_given(action: &Action, composite: &Composite, found: &mut Vec<Diagnostic>) {
    let path = &composite.path;
    for given in &composite.with {
        let is_known = action.inputs.iter().any(|input| input.name.eq_ignore_ascii_case(&given.name));
        let is_plain = match &given.value {
            GivenValue::Text(_) => true,
            GivenValue::Fixed(json) => !json.is_array() && !json.is_object(),
        };
        if !is_known {
            let names: Vec<&str> = action.inputs.iter().map(|input| &*input.name).collect();
            let help = match near_miss(&given.name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "it takes no inputs: remove it".to_owned(),
                None => format!("it takes {}", listed_names(&names, "and")),
            };
            let message = format!("the action `./{path}` has no input `{}`", given.name);
            found.push(Diagnostic::error("call-input", given.span, message).help(help));
        } else if !is_plain {
            let message = format!("the input `{}` of the action `./{path}` takes text", given.name);
            found.push(
                Diagnostic::error("call-input", given.span, message)
                    .help("write it as JSON in quotes, and read it with `fromJSON` in the action"),
            );
        }
    }
    for input in action.inputs.iter().filter(|input| input.required && input.default.is_none()) {
        if !composite.with.iter().any(|given| given.name.eq_ignore_ascii_case(&input.name)) {
            let message =
                format!("the action `./{path}` requires the input `{}`, which is not given", input.name);
            found.push(
                Diagnostic::error("call-input", composite.span, message)
                    .help(format!("add `{}: VALUE` below `with`", input.name)),
            );
        }
    }
}
