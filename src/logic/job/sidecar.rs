//! Sidecars: what they are to a cell while it runs, and what the steps of their own are asked to do.
//!
//! A sidecar is a step that runs beside all others of its cell (`Part::Run`), with a step before it that finds its ports
//! and gets its image, and one behind it that waits until it is ready. So its process, its log, signals and crashes need
//! nothing of their own. What is different stands here: it ends when everything else in the cell has ended, the last
//! one first, and that is no failure; if it fails before, nothing more begins in its cell but cleanup.
//! Not here: the processes (`edges/sidecar`), reading (`playbook/read_service.rs`).

use std::sync::Arc;

use super::effect::Program;
use super::event::Cause;
use super::launch::log_path;
use super::report::AttemptKey;
use super::scope::JobScope;
use super::state::{CellState, JobState, StepPhase};
use super::together;
use crate::logic::expr::ExprError;
use crate::logic::playbook::model::{Stage, StepTree, Text};
use crate::logic::playbook::sidecar::{Container, Part, Probe, Sidecar};
use crate::logic::sidecar::{self as errand, Errand, Look, Target, WantedPort, split_words};
use crate::logic::value::{Object, Value};

#[cfg(test)]
#[path = "sidecar_tests.rs"]
mod tests;

/// Returns what asks a part of a sidecar to end.
pub(super) fn why_stop(it: &CellState, tree: &StepTree, step: usize, part: Part) -> Option<Cause> {
    let at = part.sidecar();
    if part.is_run() {
        let later = tree.sidecars[at + 1..].iter().any(|other| it.steps[other.step].is_open());
        return (is_over(it, tree) && !later).then_some(Cause::StepsOver);
    }
    if let Some(stop) = it.stop.as_ref().filter(|_| !it.steps[step].is_cleanup) {
        return Some(stop.cause.clone());
    }
    let run = tree.sidecars[at].step;
    it.steps[run].failed().then(|| Cause::Together { step: together::name(tree, run) })
}

/// Says whether everything of a cell has ended but its sidecars.
pub(super) fn is_over(it: &CellState, tree: &StepTree) -> bool {
    let is_sidecar = |at: usize| tree.steps[at].part.is_some_and(Part::is_run);
    tree.body.iter().all(|&at| is_sidecar(at) || it.steps[at].done().is_some())
        && tree.background.iter().all(|&at| !it.steps[at].is_open())
}

/// Says whether one is under way.
pub(super) fn any_open(it: &CellState, tree: &StepTree) -> bool {
    tree.sidecars.iter().any(|sidecar| it.steps[sidecar.step].is_open())
}

/// Says whether one has failed, and with it the cell.
pub(super) fn any_failed(it: &CellState, tree: &StepTree) -> bool {
    tree.sidecars.iter().any(|sidecar| it.steps[sidecar.step].failed())
}

/// Returns what a part that failed told about it.
pub(super) fn told(tree: &StepTree, part: Option<Part>, outputs: &[(Arc<str>, Arc<str>)]) -> Option<Cause> {
    let part = part?;
    let (_, message) = outputs.iter().find(|(name, _)| &**name == errand::PROBLEM)?;
    let service = tree.sidecars[part.sidecar()].name.to_string();
    Some(Cause::Service { service, message: message.to_string() })
}

/// Returns the context `services` of a cell.
pub(super) fn context(state: &JobState, cell: u32) -> Value {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let services: Object = tree
        .sidecars
        .iter()
        .enumerate()
        .map(|(at, sidecar)| {
            let mut members = Object::new();
            members.insert("id", Value::string(container_name(state, cell, sidecar)));
            members.insert("host", Value::string(errand::HOST));
            let ports = ports(it, tree, at).into_iter();
            let ports: Object = ports.map(|(name, port)| (name, Value::string(port.to_string()))).collect();
            members.insert("ports", Value::object(ports));
            (sidecar.name.clone(), Value::object(members))
        })
        .collect();
    Value::object(services)
}

/// Adds the variables that tell steps where the sidecars of their cell are.
pub(super) fn variables(state: &JobState, cell: u32, set: &mut dyn FnMut(&str, String)) {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    for (at, sidecar) in tree.sidecars.iter().enumerate() {
        let name = sidecar.name.to_uppercase().replace('-', "_");
        set(&format!("SORTIE_SERVICE_{name}_HOST"), errand::HOST.to_owned());
        for (nth, (inner, outer)) in ports(it, tree, at).into_iter().enumerate() {
            let inner = inner.to_uppercase().replace('/', "_");
            if nth == 0 {
                set(&format!("SORTIE_SERVICE_{name}_PORT"), outer.to_string());
            }
            set(&format!("SORTIE_SERVICE_{name}_PORT_{inner}"), outer.to_string());
        }
    }
}

/// Returns the names and the ports of the host of those ports of a sidecar that are known by now, in the order written.
fn ports(it: &CellState, tree: &StepTree, at: usize) -> Vec<(Arc<str>, u16)> {
    let told = |part: Part| {
        let step = tree.steps.iter().position(|step| step.part == Some(part))?;
        let (_, text) = it.steps[step].done()?.outputs.iter().find(|(name, _)| &**name == errand::PORTS)?;
        serde_json::from_str::<std::collections::BTreeMap<String, u16>>(text).ok()
    };
    // What is known of a container that runs is truer.
    let Some(known) = told(Part::Ready(at)).or_else(|| told(Part::Prepare(at))) else { return Vec::new() };
    let names = tree.sidecars[at].ports.iter().map(super::super::playbook::sidecar::Port::name);
    names.filter_map(|name| Some((Arc::from(name.as_str()), *known.get(&name)?))).collect()
}

/// Returns the name of a sidecar's container, which stands in no other cell or run of it.
fn container_name(state: &JobState, cell: u32, sidecar: &Sidecar) -> String {
    let run = state.cells[cell as usize].run;
    format!("sortie-{}-{cell}-{run}-{}", state.setting.job_id, sidecar.name)
}

/// Returns the container of a sidecar and the program that runs it, if that is how it runs.
fn container<'a>(state: &'a JobState, sidecar: &'a Sidecar) -> Option<(&'a Container, &'a str)> {
    let containers = &state.setting.plan.containers;
    let container = sidecar.container.as_ref()?;
    sidecar
        .needs_container(containers.preferred)
        .then_some((container, containers.engine.as_deref().unwrap_or("docker")))
}

/// Returns the commands that remove what a cell may have left with a container engine.
#[must_use]
pub fn removals(state: &JobState, cell: u32) -> Vec<Vec<String>> {
    let it = &state.cells[cell as usize];
    let tree = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    // Where its end was told, it has been removed.
    let is_open = |sidecar: &&Sidecar| {
        let of = &it.steps[sidecar.step];
        of.attempt > 0 && of.done().is_none_or(|done| done.end.is_none())
    };
    let containers = tree.sidecars.iter().filter(is_open).filter_map(|sidecar| removal(state, cell, sidecar));
    let is_logged_in = |at: &usize| {
        let prepares = |step: &usize| tree.steps[*step].part == Some(Part::Prepare(*at));
        (0..tree.steps.len()).filter(prepares).any(|step| {
            let of = &it.steps[step];
            of.attempt > 0 && of.done().is_none_or(|done| done.end.is_none())
        })
    };
    let logins =
        (0..tree.sidecars.len()).filter(is_logged_in).filter_map(|at| login_removal(state, cell, at));
    containers.chain(logins).collect()
}

/// Returns the folder in which a log-in at a registry lies while an image is got.
fn login_folder(state: &JobState, cell: u32, at: usize) -> String {
    format!("{}/login-{cell}-{}-{at}", state.setting.dir, state.cells[cell as usize].run)
}

/// Returns the command that removes the log-in of a sidecar, if it has one: a step that is killed cannot.
fn login_removal(state: &JobState, cell: u32, at: usize) -> Option<Vec<String>> {
    let it = &state.cells[cell as usize];
    let sidecar = &state.setting.plan.playbook.stages[it.stage as usize].steps.sidecars[at];
    let (of, _) = container(state, sidecar)?;
    of.credentials.as_ref()?;
    Some(["rm", "-rf", "--", &login_folder(state, cell, at)].map(str::to_owned).into())
}

fn removal(state: &JobState, cell: u32, sidecar: &Sidecar) -> Option<Vec<String>> {
    let (_, engine) = container(state, sidecar)?;
    let name = container_name(state, cell, sidecar);
    Some([engine, "rm", "--force", "--volumes", &name].map(str::to_owned).into())
}

/// What a part of a sidecar is started with.
pub(super) struct Started {
    own: Vec<String>,
    /// The errand, for the environment.
    pub errand: String,
    /// It holds a container, which gets its variables in the errand.
    pub is_container: bool,
    /// Run when it has ended, however it has.
    pub after: Vec<String>,
    /// The errand is done in front of the command of the step.
    is_in_front: bool,
}

impl Started {
    /// Returns the program; `command` is that of the step, as it would be for any other one.
    pub(super) fn program(self, command: impl FnOnce() -> Program) -> Program {
        if !self.is_in_front {
            return Program::Direct(self.own);
        }
        let with = |argv: Vec<String>| self.own.into_iter().chain(argv).collect();
        match command() {
            Program::Direct(argv) | Program::Simple { by_shell: argv, .. } => Program::Direct(with(argv)),
            Program::Script { argv, text, extension } => {
                Program::Script { argv: with(argv), text, extension }
            }
        }
    }
}

/// Returns what a part is started with; nothing if it is a command like that of any step.
///
/// # Errors
/// An expression that cannot be evaluated, or text that cannot be taken apart into words.
pub(super) fn started(
    state: &JobState,
    key: AttemptKey,
    part: Part,
    scope: &JobScope<'_>,
) -> Result<Option<Started>, ExprError> {
    let it = &state.cells[key.cell as usize];
    let stage = &state.setting.plan.playbook.stages[it.stage as usize];
    let sidecar = &stage.steps.sidecars[part.sidecar()];
    let of = Of { state, key, stage, it, sidecar, at: part.sidecar(), scope };
    let mut after = Vec::new();
    let errand = match part {
        Part::Prepare(at) => {
            after = login_removal(state, key.cell, at).unwrap_or_default();
            Errand::Prepare(of.prepare()?)
        }
        Part::Ready(_) => Errand::Wait(of.wait()?),
        Part::Run(_) => {
            if let Some((container, engine)) = container(state, sidecar) {
                after = removal(state, key.cell, sidecar).unwrap_or_default();
                Errand::Container(of.container(container, engine)?)
            } else {
                let Some(process) = &sidecar.process else { return Ok(None) };
                let silent = of.looked_at();
                match (&process.stop, silent) {
                    (Some(stop), silent) => {
                        let (run, stop) = (of.shell(&process.run)?, of.shell(stop)?);
                        Errand::Process(errand::Process { silent, run, stop })
                    }
                    (None, Some(silent)) => Errand::Alone(errand::Alone { silent }),
                    (None, None) => return Ok(None),
                }
            }
        }
    };
    let is_container = matches!(errand, Errand::Container(_));
    let is_in_front = matches!(errand, Errand::Alone(_));
    let errand = serde_json::to_string(&errand)
        .map_err(|error| ExprError::evaluation("service", format!("no errand: {error}")))?;
    let own = vec!["/proc/self/exe".to_owned(), errand::COMMAND.to_owned()];
    Ok(Some(Started { own, errand, is_container, after, is_in_front }))
}

struct Of<'a> {
    state: &'a JobState,
    key: AttemptKey,
    stage: &'a Stage,
    it: &'a CellState,
    sidecar: &'a Sidecar,
    at: usize,
    scope: &'a JobScope<'a>,
}

impl Of<'_> {
    fn text(&self, text: &Text) -> Result<String, ExprError> {
        match text.template.as_literal() {
            Some(literal) => Ok(literal.to_owned()),
            None => text.template.eval_text(self.scope),
        }
    }

    fn words(&self, text: &Text) -> Result<Vec<String>, ExprError> {
        let text = self.text(text)?;
        split_words(&text).map_err(|problem| {
            let message = format!("service `{}`: `{text}` cannot be read: {problem}", self.sidecar.name);
            ExprError::evaluation("service", message)
        })
    }

    fn shell(&self, text: &Text) -> Result<Vec<String>, ExprError> {
        let shell: &[&str] =
            if self.state.setting.has_bash { &["bash", "-e", "-c"] } else { &["sh", "-e", "-c"] };
        let mut words: Vec<String> = shell.iter().map(|&word| word.to_owned()).collect();
        words.push(self.text(text)?);
        Ok(words)
    }

    fn prepare(&self) -> Result<errand::Prepare, ExprError> {
        let wanted = self.sidecar.ports.iter();
        let wanted =
            wanted.map(|port| WantedPort { name: port.name(), outer: port.outer, is_udp: port.is_udp });
        let tree = &self.stage.steps;
        let mut avoid: Vec<u16> =
            (0..tree.sidecars.len()).flat_map(|at| ports(self.it, tree, at)).map(|(_, port)| port).collect();
        avoid.extend(tree.sidecars.iter().flat_map(|other| &other.ports).filter_map(|port| port.outer));
        let image = match container(self.state, self.sidecar) {
            Some((container, engine)) => Some(errand::Image {
                engine: engine.to_owned(),
                name: self.text(&container.image)?,
                login: match &container.credentials {
                    Some((user, password)) => Some((self.text(user)?, self.text(password)?)),
                    None => None,
                },
                folder: login_folder(self.state, self.key.cell, self.at),
            }),
            None => None,
        };
        // A port of its own is found free anyway. A job that an earlier version began may have the sidecar already.
        let begins = self.it.steps[self.sidecar.step].phase == StepPhase::Pending;
        let silent = self.looked_at().filter(|target| begins && target.inner.is_none());
        Ok(errand::Prepare { ports: wanted.collect(), avoid, silent, image })
    }

    /// Returns the address that is looked at. What cannot be said yet, because it names a port that is still to be found,
    /// is none.
    fn looked_at(&self) -> Option<Target> {
        let look = match self.sidecar.ready.as_ref().map(|ready| &ready.probe) {
            Some(Probe::Tcp(text)) => self.text(text).and_then(|text| self.target(&text)).map(Look::Tcp),
            Some(Probe::Http(text)) => self.text(text).and_then(|text| self.http(&text)),
            _ => return None,
        };
        match look {
            Ok(Look::Tcp(target) | Look::Http { target, .. }) => Some(target),
            _ => None,
        }
    }

    fn container(&self, container: &Container, engine: &str) -> Result<errand::Container, ExprError> {
        let name = container_name(self.state, self.key.cell, self.sidecar);
        let label =
            format!("{}={}.{}.{}", errand::LABEL, self.state.setting.job_id, self.key.cell, self.key.run);
        let mut options: Vec<String> = vec!["--label".to_owned(), label];
        for (port, outer) in ports(self.it, &self.stage.steps, self.at) {
            options.extend(["--publish".to_owned(), format!("{}:{outer}:{port}", errand::HOST)]);
        }
        for volume in &container.volumes {
            options.extend(["--volume".to_owned(), self.text(volume)?]);
        }
        if let Some(entrypoint) = &container.entrypoint {
            options.extend(["--entrypoint".to_owned(), self.text(entrypoint)?]);
        }
        if let Some(more) = &container.options {
            options.extend(self.words(more)?);
        }
        let mut image = vec![self.text(&container.image)?];
        if let Some(command) = &container.command {
            image.extend(self.words(command)?);
        }
        let mut env = Vec::new();
        for (name, text) in &self.sidecar.env {
            env.push((name.to_string(), self.text(text)?));
        }
        // So that the engine has ended it before this program is ended by force.
        let grace_s = self.stage.cancel.grace.as_secs().saturating_sub(1).max(1);
        Ok(errand::Container { engine: engine.to_owned(), name, options, image, env, grace_s })
    }

    fn wait(&self) -> Result<errand::Wait, ExprError> {
        let ready = self.sidecar.ready.as_ref();
        let container = container(self.state, self.sidecar);
        let look = match ready.map(|ready| &ready.probe) {
            None => Look::Health,
            Some(Probe::Tcp(text)) => Look::Tcp(self.target(&self.text(text)?)?),
            Some(Probe::Http(text)) => self.http(&self.text(text)?)?,
            Some(Probe::Run(text)) => Look::Run(self.shell(text)?),
        };
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let default = std::time::Duration::from_secs(60);
        let run = u32::try_from(self.sidecar.step).unwrap_or(u32::MAX);
        let attempt = self.it.steps[self.sidecar.step].attempt;
        let of = AttemptKey { step: run, attempt, ..self.key };
        let log = log_path(of);
        let name = container_name(self.state, self.key.cell, self.sidecar);
        Ok(errand::Wait {
            container: container.map(|(_, engine)| (engine.to_owned(), name)),
            look,
            ports: ports(self.it, &self.stage.steps, self.at)
                .into_iter()
                .map(|(name, port)| (name.to_string(), port))
                .collect(),
            interval_ms: millis(ready.map_or(default / 60, |ready| ready.interval)),
            timeout_ms: millis(ready.map_or(default, |ready| ready.timeout)),
            log: format!("{}/{log}", self.state.setting.dir),
            dir: self.state.setting.dir.to_string(),
            of,
        })
    }

    fn http(&self, text: &str) -> Result<Look, ExprError> {
        if text.starts_with('/') {
            let ports = ports(self.it, &self.stage.steps, self.at);
            let inner = self.sidecar.ports.first().map(|port| port.inner);
            let Some((_, port)) = ports.first() else {
                return Err(self.unreadable(text, "the service opens no port"));
            };
            let target = Target { host: errand::HOST.to_owned(), port: *port, inner };
            return Ok(Look::Http { target, path: text.to_owned() });
        }
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(self.unreadable(text, "it is neither a path nor begins with `http://`"));
        };
        let slash = rest.find('/').unwrap_or(rest.len());
        let (place, path) = rest.split_at(slash);
        let place = if place.contains(':') { place.to_owned() } else { format!("{place}:80") };
        let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        Ok(Look::Http { target: self.target(&place)?, path })
    }

    /// Takes `PORT` or `HOST:PORT`; a port of the sidecar's own is that of the host behind it.
    fn target(&self, text: &str) -> Result<Target, ExprError> {
        let (host, port) = text.rsplit_once(':').unwrap_or((errand::HOST, text));
        let Ok(port) = port.trim().parse::<u16>() else {
            return Err(self.unreadable(text, "it is not a port"));
        };
        let known = ports(self.it, &self.stage.steps, self.at);
        let own = known.iter().find(|(name, _)| !text.contains(':') && **name == *port.to_string());
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Target { host, port: own.map_or(port, |(_, outer)| *outer), inner: own.map(|_| port) })
    }

    fn unreadable(&self, text: &str, why: &str) -> ExprError {
        let message = format!("`ready` of service `{}` is `{text}`, and {why}", self.sidecar.name);
        ExprError::evaluation("service", message)
    }
}

/// Says whether a step of the cell is a sidecar that was begun, or a log-in for one, so that something may be left of it.
pub(super) fn may_leave(tree: &StepTree, step: u32) -> bool {
    tree.steps[step as usize].part.is_some_and(|part| match part {
        Part::Run(_) => true,
        Part::Prepare(at) => tree.sidecars[at].container.as_ref().is_some_and(|it| it.credentials.is_some()),
        Part::Ready(_) => false,
    })
}

/// Says whether a try that was lost took the sidecars along that it worked with.
pub(super) fn lost_with(it: &CellState, tree: &StepTree) -> bool {
    tree.sidecars.iter().any(|sidecar| it.steps[sidecar.step].phase != StepPhase::Pending)
}
