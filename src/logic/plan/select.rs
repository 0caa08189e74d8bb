//! Which stages and cells a request leaves in, and the axes it sets: `--only`, `--from`, `--skip`, `--matrix`.

use super::call::Frame;
use super::{PlanProblem, PlanRequest, PlannedStage, Selected, dependents, matrix, position};
use crate::logic::address::{Address, Found, matches_cell};
use crate::logic::playbook::model::{MatrixSource, MixedMatrix, Playbook, Profile};
use crate::logic::text::{listed, near_miss};
use crate::logic::value::{Object, Value};

/// Selects stages and cells and sets axes, as the request asks. An option is never read as more than it names.
pub(super) fn select(
    playbook: &Playbook,
    frames: &[Frame],
    (request, profile): (&PlanRequest, Option<&Profile>),
    stages: &mut [PlannedStage],
    problems: &mut Vec<PlanProblem>,
) {
    let mut named: Vec<u32> = Vec::new();
    if !request.only.is_empty() {
        for stage in stages.iter_mut() {
            stage.selected = Selected::No("not named by --only".to_owned());
        }
        for text in &request.only {
            let Some((at, cell)) = find(playbook, text, problems) else { continue };
            named.push(position(at));
            if cell.is_some() && playbook.stages[at].strategy.is_none() && request.matrix.is_empty() {
                let message = format!("the stage of `{text}` has no matrix, so it has no such cell");
                problems.push(PlanProblem { slug: "bad-address", message, help: None });
                continue;
            }
            let selected = &mut stages[at].selected;
            *selected = match (std::mem::replace(selected, Selected::Yes), cell) {
                (Selected::Yes, _) | (_, None) => Selected::Yes,
                (Selected::No(_), Some(cell)) => Selected::Cells(vec![cell]),
                (Selected::Cells(mut cells), Some(cell)) => {
                    cells.push(cell);
                    Selected::Cells(cells)
                }
            };
        }
    }
    if let Some(text) = &request.from
        && let Some(from) = find_stage(playbook, "--from", text, problems)
    {
        let reached = from_there_on(playbook, frames, stages, position(from));
        for (at, stage) in stages.iter_mut().enumerate() {
            if !reached.contains(&position(at)) && !playbook.stages[at].is_final {
                stage.selected = Selected::No(format!("comes before `{text}`"));
            }
        }
    }
    for text in &request.skip {
        find_stage(playbook, "--skip", text, problems);
    }
    with_calls(playbook, frames, (request, named), stages);
    check_cells(playbook, frames, stages, problems);
    if problems.is_empty()
        && !stages.is_empty()
        && stages.iter().all(|s| matches!(s.selected, Selected::No(_)))
    {
        problems.push(nothing_selected(profile, request));
    }
}

/// Says who left no stage: a profile, options, or both.
fn nothing_selected(profile: Option<&Profile>, request: &PlanRequest) -> PlanProblem {
    let leaves_out = |it: &&Profile| !it.include.is_empty() || !it.exclude.is_empty();
    let profile = profile.filter(leaves_out).filter(|_| request.only.is_empty()).map(|it| &it.name);
    let has_options = request.from.is_some() || !request.skip.is_empty();
    let (message, help) = match profile {
        None => (
            "these options leave no stage to run".to_owned(),
            "name at least one stage with --only, or drop a --skip".to_owned(),
        ),
        Some(name) if has_options => (
            format!("the profile `{name}` and these options leave no stage to run"),
            "name what is to run with --only: a profile's lists of stages do not count then".to_owned(),
        ),
        Some(name) => (
            format!("the profile `{name}` leaves no stage to run"),
            "mend its `include` and `exclude`, or name stages with --only".to_owned(),
        ),
    };
    PlanProblem { slug: "nothing-selected", message, help: Some(help) }
}

/// Lets calls follow what was selected: a caller brings what it calls, a called stage brings its callers.
fn with_calls(
    playbook: &Playbook,
    frames: &[Frame],
    (request, mut named): (&PlanRequest, Vec<u32>),
    stages: &mut [PlannedStage],
) {
    let names_some = !request.only.is_empty();
    // From the inside out: whoever calls something that was named is there, with the cell that calls it.
    for frame in frames.iter().rev().filter(|_| names_some) {
        let is_in = |at: &u32| !matches!(stages[*at as usize].selected, Selected::No(_));
        if !frame.members.iter().any(is_in) {
            continue;
        }
        let caller = &mut stages[frame.caller as usize].selected;
        *caller = match std::mem::replace(caller, Selected::Yes) {
            Selected::Yes => Selected::Yes,
            Selected::No(_) if frame.values.is_empty() => Selected::Yes,
            Selected::No(_) => Selected::Cells(vec![frame.values.clone()]),
            Selected::Cells(mut cells) => {
                cells.push(frame.values.clone());
                Selected::Cells(cells)
            }
        };
    }
    // From the outside in: what belongs to a caller that was named as a whole, or that is left out.
    for frame in frames {
        let out = match &stages[frame.caller as usize].selected {
            Selected::No(why) => Some(why.clone()),
            Selected::Cells(cells) if !cells.iter().any(|cell| has_values(cell, &frame.values)) => {
                Some("its caller's cell is not named by --only".to_owned())
            }
            _ => None,
        };
        let is_whole = named.contains(&frame.caller);
        for &member in &frame.members {
            let of_member = &mut stages[member as usize].selected;
            match &out {
                Some(why) => *of_member = Selected::No(why.clone()),
                None if is_whole => {
                    *of_member = Selected::Yes;
                    named.push(member);
                }
                None => {}
            }
        }
    }
    // What is left out is so in the end, whoever named it.
    for text in &request.skip {
        let Ok(Some(found)) = Address::find(text, playbook.stages.iter().map(|it| &*it.id)) else { continue };
        let mut out = vec![position(found.at)];
        while let Some(at) = out.pop() {
            stages[at as usize].selected = Selected::No("left out by --skip".to_owned());
            out.extend(frames.iter().filter(|it| it.caller == at).flat_map(|it| it.members.iter().copied()));
        }
    }
}

/// Returns a stage, what comes after it, and what those call; and its callers, without what they call before it.
fn from_there_on(
    playbook: &Playbook,
    frames: &[Frame],
    stages: &[PlannedStage],
    from: u32,
) -> std::collections::BTreeSet<u32> {
    let mut reached = dependents(stages, &[from]);
    let mut callers = std::collections::BTreeSet::new();
    let mut inner = from;
    while let Some(frame) = playbook.stages[inner as usize].frame {
        inner = frames[frame as usize].caller;
        callers.insert(inner);
        reached.extend(dependents(stages, &stages[inner as usize].needed_by));
    }
    for frame in frames {
        if reached.contains(&frame.caller) {
            reached.extend(frame.members.iter().copied());
        }
    }
    reached.extend(callers);
    reached
}

fn has_values(wanted: &[(String, String)], values: &[(String, String)]) -> bool {
    let is_there = |(key, value): &(String, String)| {
        values.iter().any(|(k, v)| k.eq_ignore_ascii_case(key) && v.eq_ignore_ascii_case(value))
    };
    wanted.iter().all(is_there)
}

/// Finds a stage for an option that takes whole stages only: a part is refused, never widened to its stage.
fn find_stage(
    playbook: &Playbook,
    option: &str,
    text: &str,
    problems: &mut Vec<PlanProblem>,
) -> Option<usize> {
    let (at, cell) = find(playbook, text, problems)?;
    if cell.is_none() {
        return Some(at);
    }
    problems.push(PlanProblem {
        slug: "bad-address",
        message: format!("`{option}` takes whole stages, and `{text}` is a part of one"),
        help: Some("--only takes single cells, and may be given more than once".to_owned()),
    });
    None
}

/// Says which cells were asked for that a matrix does not have, where that is known before the start.
fn check_cells(
    playbook: &Playbook,
    frames: &[Frame],
    stages: &[PlannedStage],
    problems: &mut Vec<PlanProblem>,
) {
    for (at, (stage, planned)) in playbook.stages.iter().zip(stages).enumerate() {
        let Selected::Cells(wanted) = &planned.selected else { continue };
        if stage.call.is_some() {
            let calls = || frames.iter().filter(|frame| frame.caller as usize == at);
            for cell in wanted.iter().filter(|cell| !calls().any(|frame| has_values(cell, &frame.values))) {
                let known: Vec<String> = calls()
                    .take(MOST_CELLS_NAMED)
                    .map(|frame| format!("`{}[{}]`", stage.id, pairs(&frame.values)))
                    .collect();
                problems.push(PlanProblem {
                    slug: "bad-address",
                    message: format!("`{}` has no cell `[{}]`", stage.id, pairs(cell)),
                    help: Some(format!("it has {}", listed(&known, "and"))),
                });
            }
            continue;
        }
        let written = match stage.strategy.as_ref().map(|it| &it.matrix) {
            None => Value::object(Object::new()),
            Some(MatrixSource::Fixed(value)) => value.clone(),
            Some(_) => continue,
        };
        let matrix = planned
            .axes
            .iter()
            .fold(written, |value, (axis, values)| matrix::replace_axis(&value, axis, values.clone()));
        // A matrix that cannot be expanded is told by the plan itself.
        let Ok(expansion) = matrix::expand(&matrix, playbook.policy.matrix_limit as usize) else { continue };
        for cell in wanted {
            let has =
                |it: &matrix::Combination| matches_cell(cell, &Value::object(it.values.clone()).to_json());
            if expansion.combinations.iter().any(has) {
                continue;
            }
            let known: Vec<String> = expansion
                .combinations
                .iter()
                .take(MOST_CELLS_NAMED)
                .map(|it| format!("`{}[{}]`", stage.id, it.label))
                .collect();
            problems.push(PlanProblem {
                slug: "bad-address",
                message: format!("`{}` has no cell `[{}]`", stage.id, pairs(cell)),
                help: Some(format!("it has {}", listed(&known, "and"))),
            });
        }
    }
}

fn pairs(values: &[(String, String)]) -> String {
    values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// So many cells are named where one is not found.
const MOST_CELLS_NAMED: usize = 12;

/// Values of one cell as an address names them.
type Cell = Vec<(String, String)>;

fn find(playbook: &Playbook, text: &str, problems: &mut Vec<PlanProblem>) -> Option<(usize, Option<Cell>)> {
    let names = || playbook.stages.iter().map(|s| &*s.id);
    let found = match Address::find(text, names()) {
        Ok(found) => found,
        Err(message) => {
            problems.push(PlanProblem { slug: "bad-address", message, help: None });
            return None;
        }
    };
    let Some(Found { at, cell, step }) = found else {
        let stage = Address::parse(text).map_or_else(|_| text.to_owned(), |address| address.stage);
        problems.push(PlanProblem {
            slug: "unknown-stage",
            message: format!("no stage of this playbook has the name `{stage}`"),
            help: near_miss(&stage, names()).map(|near| format!("did you mean `{near}`?")),
        });
        return None;
    };
    if step.is_some() && playbook.stages[at].call.is_some() {
        let near = near_miss(text, names());
        problems.push(PlanProblem {
            slug: "unknown-stage",
            message: format!("`{}` calls no stage of the name in `{text}`", playbook.stages[at].id),
            help: near.map(|near| format!("did you mean `{near}`?")),
        });
        return None;
    }
    if step.is_some() {
        problems.push(PlanProblem {
            slug: "bad-address",
            message: format!("`{text}` names a step; a job runs whole stages or cells"),
            help: None,
        });
        return None;
    }
    Some((at, if cell.is_empty() { None } else { Some(cell) }))
}

/// An axis that some matrix has is replaced there; one that none has is added to the stages that have a matrix, or, where
/// none has one, to every ordinary stage.
pub(super) fn set_axes(
    playbook: &Playbook,
    request: &PlanRequest,
    stages: &mut [PlannedStage],
    problems: &mut Vec<PlanProblem>,
) {
    let with_matrix: Vec<usize> =
        (0..stages.len()).filter(|&at| playbook.stages[at].strategy.is_some()).collect();
    for (axis, values) in &request.matrix {
        let having: Vec<usize> = (0..stages.len()).filter(|&at| has_axis(playbook, at, axis)).collect();
        if having.is_empty()
            && let Some(near) = near_miss(axis, axes_of(playbook))
        {
            problems.push(PlanProblem {
                slug: "unknown-axis",
                message: format!("no matrix of this playbook has the axis `{axis}`"),
                help: Some(format!("did you mean `{near}`?")),
            });
            continue;
        }
        let targets: Vec<usize> = if !having.is_empty() {
            having
        } else if !with_matrix.is_empty() {
            with_matrix.clone()
        } else {
            // What is called by one of them follows it anyway.
            (0..stages.len())
                .filter(|&at| !playbook.stages[at].is_final && playbook.stages[at].frame.is_none())
                .collect()
        };
        for at in targets {
            stages[at].axes.push((axis.clone(), values.clone()));
        }
    }
}

/// The axes that are written in some matrix.
fn axes_of(playbook: &Playbook) -> impl Iterator<Item = &str> {
    let sources = playbook.stages.iter().filter_map(|stage| Some(&stage.strategy.as_ref()?.matrix));
    sources.flat_map(|source| {
        let names: Vec<&str> = match source {
            MatrixSource::Fixed(Value::Object(members)) => members.iter().map(|(name, _)| name).collect(),
            MatrixSource::Mixed(MixedMatrix::Map(members)) => {
                members.iter().map(|(name, _)| &**name).collect()
            }
            _ => Vec::new(),
        };
        names
    })
}

fn has_axis(playbook: &Playbook, at: usize, axis: &str) -> bool {
    match playbook.stages[at].strategy.as_ref().map(|s| &s.matrix) {
        Some(MatrixSource::Fixed(Value::Object(members))) => members.get(axis).is_some(),
        Some(MatrixSource::Mixed(MixedMatrix::Map(members))) => {
            members.iter().any(|(name, _)| name.eq_ignore_ascii_case(axis))
        }
        _ => false,
    }
}
