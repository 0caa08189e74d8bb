//! Which stages and cells a request leaves in, and the axes it sets: `--only`, `--from`, `--skip`, `--matrix`.

use super::{PlanProblem, PlanRequest, PlannedStage, Selected, dependents, matrix, position};
use crate::logic::address::{Address, matches_cell};
use crate::logic::playbook::model::{MatrixSource, MixedMatrix, Playbook};
use crate::logic::text::{listed, near_miss};
use crate::logic::value::{Object, Value};

/// Selects stages and cells and sets axes, as the request asks. An option is never read as more than it names.
pub(super) fn select(
    playbook: &Playbook,
    request: &PlanRequest,
    stages: &mut [PlannedStage],
    problems: &mut Vec<PlanProblem>,
) {
    if !request.only.is_empty() {
        for stage in stages.iter_mut() {
            stage.selected = Selected::No("not named by --only".to_owned());
        }
        for text in &request.only {
            let Some((at, cell)) = find(playbook, text, problems) else { continue };
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
        let reached = dependents(stages, &[position(from)]);
        for (at, stage) in stages.iter_mut().enumerate() {
            if !reached.contains(&position(at)) && !playbook.stages[at].is_final {
                stage.selected = Selected::No(format!("comes before `{text}`"));
            }
        }
    }
    for text in &request.skip {
        if let Some(at) = find_stage(playbook, "--skip", text, problems) {
            stages[at].selected = Selected::No("left out by --skip".to_owned());
        }
    }
    set_axes(playbook, request, stages, problems);
    check_cells(playbook, stages, problems);
    if problems.is_empty()
        && !stages.is_empty()
        && stages.iter().all(|s| matches!(s.selected, Selected::No(_)))
    {
        problems.push(PlanProblem {
            slug: "nothing-selected",
            message: "these options leave no stage to run".to_owned(),
            help: Some("name at least one stage with --only, or drop a --skip".to_owned()),
        });
    }
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
fn check_cells(playbook: &Playbook, stages: &[PlannedStage], problems: &mut Vec<PlanProblem>) {
    for (stage, planned) in playbook.stages.iter().zip(stages) {
        let Selected::Cells(wanted) = &planned.selected else { continue };
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
            let asked: Vec<String> = cell.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let known: Vec<String> = expansion
                .combinations
                .iter()
                .take(MOST_CELLS_NAMED)
                .map(|it| format!("`{}[{}]`", stage.id, it.label))
                .collect();
            problems.push(PlanProblem {
                slug: "bad-address",
                message: format!("`{}` has no cell `[{}]`", stage.id, asked.join(",")),
                help: Some(format!("it has {}", listed(&known, "and"))),
            });
        }
    }
}

/// So many cells are named where one is not found.
const MOST_CELLS_NAMED: usize = 12;

type Found = (usize, Option<Vec<(String, String)>>);

fn find(playbook: &Playbook, text: &str, problems: &mut Vec<PlanProblem>) -> Option<Found> {
    let address = match Address::parse(text) {
        Ok(address) => address,
        Err(message) => {
            problems.push(PlanProblem { slug: "bad-address", message, help: None });
            return None;
        }
    };
    let found = playbook.stages.iter().position(|s| s.id.eq_ignore_ascii_case(&address.stage));
    let Some(at) = found else {
        let names = playbook.stages.iter().map(|s| &*s.id);
        problems.push(PlanProblem {
            slug: "unknown-stage",
            message: format!("no stage of this playbook has the name `{}`", address.stage),
            help: near_miss(&address.stage, names).map(|near| format!("did you mean `{near}`?")),
        });
        return None;
    };
    if address.step.is_some() {
        problems.push(PlanProblem {
            slug: "bad-address",
            message: format!("`{text}` names a step; a job runs whole stages or cells"),
            help: None,
        });
        return None;
    }
    Some((at, if address.cell.is_empty() { None } else { Some(address.cell) }))
}

/// An axis that some matrix has is replaced there; one that none has is added to the stages that have a matrix, or, where
/// none has one, to every ordinary stage.
fn set_axes(
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
            (0..stages.len()).filter(|&at| !playbook.stages[at].is_final).collect()
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
