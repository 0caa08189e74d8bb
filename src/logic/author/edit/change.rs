//! What a command line says about a playbook, as it is typed: what it means, and how it is written.
//!
//! Flags and questions lead to a [`Change`], so that both make the same edits. Not here: reading a command line
//! (`faces/cli/args_edit.rs`), the questions (`talk.rs`).

use super::{Edit, Needs, NewStage, NewStep, Part, Spot};
use crate::logic::talk::Wrong;

/// A change, in the words of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    AddStage(AddStage),
    RenameStage {
        old: String,
        new: String,
    },
    RemoveStage {
        name: String,
        unlink: bool,
    },
    Needs {
        stage: String,
        /// The stages that it needs, and no others; an empty name counts as none.
        set: Vec<String>,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Matrix {
        stage: String,
        axes: Vec<(String, Vec<String>)>,
        remove: Vec<String>,
        remove_all: bool,
    },
    Input(SetInput),
    RenameInput {
        old: String,
        new: String,
    },
    RemoveInput {
        name: String,
    },
}

/// A stage to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddStage {
    pub name: String,
    pub run: Vec<String>,
    /// Selectors with commas, one for each step.
    pub script: Vec<String>,
    pub needs: Vec<String>,
    pub at: Spot,
    pub matrix: Vec<(String, Vec<String>)>,
}

/// An input to add or to change. What is nothing stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetInput {
    pub name: String,
    /// `string`, `number`, `boolean`, `choice` or `json`.
    pub kind: Option<String>,
    pub required: Option<bool>,
    pub options: Vec<String>,
    pub default: Option<String>,
    pub description: Option<String>,
}

fn guessed(values: &[String]) -> Vec<Part> {
    values.iter().map(|it| Part::guessed(it)).collect()
}

impl Change {
    /// Returns the edits that it means.
    ///
    /// # Errors
    /// If a value cannot be meant like that.
    pub fn edits(&self) -> Result<Vec<Edit>, Wrong> {
        Ok(match self {
            Self::AddStage(stage) => vec![stage.edit()],
            Self::RenameStage { old, new } => {
                vec![Edit::RenameStage { from: old.clone(), to: new.clone() }]
            }
            Self::RemoveStage { name, unlink } => {
                vec![Edit::RemoveStage { name: name.clone(), unlink: *unlink }]
            }
            Self::Needs { stage, set, add, remove } => {
                let mut changes = Vec::new();
                if !set.is_empty() {
                    // `--set ''` is no need at all.
                    changes.push(Needs::Set(set.iter().filter(|it| !it.is_empty()).cloned().collect()));
                }
                if !remove.is_empty() {
                    changes.push(Needs::Remove(remove.clone()));
                }
                if !add.is_empty() {
                    changes.push(Needs::Add(add.clone()));
                }
                changes.into_iter().map(|change| Edit::Needs { stage: stage.clone(), change }).collect()
            }
            Self::Matrix { stage, remove_all: true, .. } => {
                vec![Edit::RemoveMatrix { stage: stage.clone() }]
            }
            Self::Matrix { stage, axes, remove, remove_all: false } => {
                let set = axes.iter().map(|(axis, values)| Edit::SetAxis {
                    stage: stage.clone(),
                    axis: axis.clone(),
                    values: guessed(values),
                });
                let gone =
                    remove.iter().map(|axis| Edit::RemoveAxis { stage: stage.clone(), axis: axis.clone() });
                set.chain(gone).collect()
            }
            Self::Input(input) => vec![input.edit()?],
            Self::RenameInput { old, new } => {
                vec![Edit::RenameInput { from: old.clone(), to: new.clone() }]
            }
            Self::RemoveInput { name } => vec![Edit::RemoveInput { name: name.clone() }],
        })
    }

    /// Returns the words that stand behind `playbooks edit PLAYBOOK`.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        match self {
            Self::AddStage(stage) => stage.flags(),
            Self::RenameStage { old, new } => words(&["rename-stage", old, new]),
            Self::RemoveStage { name, unlink } => {
                let mut all = words(&["remove-stage", name]);
                if *unlink {
                    all.push("--unlink".to_owned());
                }
                all
            }
            Self::Needs { stage, set, add, remove } => {
                let mut all = words(&["needs", stage]);
                for (flag, names) in [("--set", set), ("--remove", remove), ("--add", add)] {
                    if !names.is_empty() {
                        say(&mut all, flag, &names.join(","));
                    }
                }
                all
            }
            Self::Matrix { stage, axes, remove, remove_all } => {
                let mut all = words(&["matrix", stage]);
                all.extend(axes.iter().map(axis_word));
                if !remove.is_empty() {
                    say(&mut all, "--remove", &remove.join(","));
                }
                if *remove_all {
                    all.push("--remove-all".to_owned());
                }
                all
            }
            Self::Input(input) => input.flags(),
            Self::RenameInput { old, new } => words(&["rename-input", old, new]),
            Self::RemoveInput { name } => words(&["remove-input", name]),
        }
    }
}

impl AddStage {
    fn edit(&self) -> Edit {
        let runs = self.run.iter().cloned().map(NewStep::Run);
        let selectors = |it: &String| it.split(',').map(|it| it.trim().to_owned()).collect();
        let scripts = self.script.iter().map(|it| NewStep::Script(selectors(it)));
        let stage = NewStage {
            steps: runs.chain(scripts).collect(),
            needs: self.needs.clone(),
            matrix: self.matrix.iter().map(|(axis, values)| (axis.clone(), guessed(values))).collect(),
            keys: Vec::new(),
        };
        Edit::AddStage { name: self.name.clone(), stage, at: self.at.clone() }
    }

    fn flags(&self) -> Vec<String> {
        let mut all = words(&["add-stage", &self.name]);
        self.run.iter().for_each(|it| say(&mut all, "--run", it));
        self.script.iter().for_each(|it| say(&mut all, "--script", it));
        if !self.needs.is_empty() {
            say(&mut all, "--needs", &self.needs.join(","));
        }
        self.matrix.iter().for_each(|it| say(&mut all, "--matrix", &axis_word(it)));
        match &self.at {
            Spot::End => {}
            Spot::Before(other) => say(&mut all, "--before", other),
            Spot::After(other) => say(&mut all, "--after", other),
        }
        all
    }
}

impl SetInput {
    fn edit(&self) -> Result<Edit, Wrong> {
        let mut keys: Vec<(String, Part)> = Vec::new();
        let mut add = |key: &str, value: Part| keys.push((key.to_owned(), value));
        if let Some(kind) = &self.kind {
            add("type", Part::text(kind));
        }
        if let Some(required) = self.required {
            add("required", Part::Word(required.to_string()));
        }
        if !self.options.is_empty() {
            add("options", Part::List(self.options.iter().map(Part::text).collect()));
        }
        if let Some(default) = &self.default {
            add("default", self.part(default)?);
        }
        if let Some(description) = &self.description {
            add("description", Part::text(description));
        }
        Ok(Edit::SetInput { name: self.name.clone(), keys })
    }

    fn part(&self, text: &str) -> Result<Part, Wrong> {
        Ok(match self.kind.as_deref() {
            Some("string" | "choice") => Part::text(text),
            Some("json") => {
                let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
                    let what = format!("the value of `--default` is no JSON: {error}");
                    Wrong::new(what, "write JSON, such as `[1, 2]` or `{\"a\": true}`")
                })?;
                Part::Flow(Box::new(Part::of_json(&value)))
            }
            _ => Part::guessed(text),
        })
    }

    fn flags(&self) -> Vec<String> {
        let mut all = words(&["input", &self.name]);
        if let Some(kind) = &self.kind {
            say(&mut all, "--type", kind);
        }
        if let Some(required) = self.required {
            all.push(format!("--required={required}"));
        }
        if !self.options.is_empty() {
            say(&mut all, "--options", &self.options.join(","));
        }
        if let Some(default) = &self.default {
            say(&mut all, "--default", default);
        }
        if let Some(description) = &self.description {
            say(&mut all, "--description", description);
        }
        all
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

fn axis_word((axis, values): &(String, Vec<String>)) -> String {
    format!("{axis}={}", values.join(","))
}

/// Adds a flag. A value that looks like one belongs to it by its sign.
fn say(all: &mut Vec<String>, flag: &str, value: &str) {
    if value.starts_with('-') {
        all.push(format!("{flag}={value}"));
    } else {
        all.extend([flag.to_owned(), value.to_owned()]);
    }
}
