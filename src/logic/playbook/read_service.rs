//! `services` of a stage: sidecars, and the steps of their own that they become.
//!
//! Not here: what these steps do (`logic/job/sidecar.rs`). Start with `Reader::services`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::contexts::Spot;
use super::decode::{Field, Fields, Reader};
use super::keys::Place;
use super::model::{Action, OnInterrupt, Shell, Stage, Step, Text};
use super::read_step::{StepDefaults, empty_step};
use super::sidecar::{Container, Part, Port, Probe, Process, Ready, Sidecar};
use super::source::Span;
use super::tree::{Kind, NodeId, Style};
use crate::logic::diag::Diagnostic;
use crate::logic::expr::Template;
use crate::logic::sidecar::split_words;

/// Time between two looks whether a sidecar is ready, and how long it may take, if nobody says so.
const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Keys that only a container has a use for.
pub(super) const OF_CONTAINERS: [&str; 5] = ["volumes", "options", "credentials", "entrypoint", "command"];

/// Ways to see that a service is ready, of which one is chosen.
pub(super) const READY_WAYS: [&str; 3] = ["tcp", "http", "run"];

impl<'t> Reader<'t> {
    /// Reads `services`, and lets all expressions that are read after it know their names and ports.
    pub(super) fn services(&mut self, field: Field) -> Vec<Sidecar> {
        let members = self.members(field.value, "a map of services");
        for &(name, _, node) in &members {
            let ports = self.tree.get(node, "ports").map(|id| &self.tree.node(id).kind);
            let ports: Vec<NodeId> = match ports {
                Some(Kind::Seq(items)) => items.clone(),
                _ => Vec::new(),
            };
            let texts = ports.into_iter().filter_map(|id| self.scalar(id));
            let ports = texts.filter_map(|it| parse_port(&it.text, Span::default()).ok()).map(|it| it.name());
            let ports = ports.collect();
            self.known.services.push((name, ports));
        }
        let mut sidecars = Vec::new();
        let mut known: HashMap<String, Span> = HashMap::new();
        for (name, span, node) in members {
            if !self.check_id(name, span, "a service") {
                continue;
            }
            // The names of variables do not tell these apart.
            if let Some(first) = known.insert(name.to_ascii_lowercase().replace('-', "_"), span) {
                self.duplicate("service", name, span, first);
                continue;
            }
            sidecars.extend(self.service(name, span, node));
        }
        self.check_fixed_ports(&sidecars);
        sidecars
    }

    fn service(&mut self, name: &str, span: Span, node: NodeId) -> Option<Sidecar> {
        if self.is_null(node) {
            self.nothing_to_run(name, span);
            return None;
        }
        let before = self.found.len();
        let fields = self.fields(node, Place::Sidecar)?;
        let (process, ready_inside) = match fields.field("process") {
            Some(field) => self.process(field.value),
            None => (None, None),
        };
        let container = self.sidecar_container(&fields);
        if process.is_none() && container.is_none() && self.found.len() == before {
            self.nothing_to_run(name, span);
        }
        let env = fields.get("env").map(|id| self.env(id, Spot::Sidecar)).unwrap_or_default();
        let ports = fields.get("ports").map(|id| self.ports(id)).unwrap_or_default();
        let outside = fields.field("ready");
        if let (Some(outer), Some(inner)) = (outside, ready_inside) {
            self.report(
                Diagnostic::error("misplaced-key", inner.key, format!("service `{name}` has `ready` twice"))
                    .also(outer.key, "the other one")
                    .help("leave one of them out"),
            );
        }
        let ready = outside.or(ready_inside).and_then(|field| self.ready(field, &ports));
        Some(Sidecar { name: Arc::from(name), span, process, container, env, ports, ready, step: 0 })
    }

    fn nothing_to_run(&mut self, name: &str, span: Span) {
        self.report(
            Diagnostic::error("missing-key", span, format!("service `{name}` has nothing to run"))
                .help("give it `process: { run: COMMAND }`, or an `image`"),
        );
    }

    /// Reads `process`: a map, or the command alone.
    fn process(&mut self, id: NodeId) -> (Option<Process>, Option<Field>) {
        let scalar = self.scalar(id);
        if scalar.is_some_and(|it| it.style == Style::Plain && it.text.parse::<f64>().is_ok()) {
            let help = "write `process: COMMAND`, or `process: { run: COMMAND }`".to_owned();
            self.wrong_but(id, "a command", Some(help));
            return (None, None);
        }
        if scalar.is_some() && !self.is_null(id) {
            return (Some(Process { run: self.run_text(id), stop: None }), None);
        }
        let Some(fields) = self.fields(id, Place::SidecarProcess) else { return (None, None) };
        let Some(run) = fields.get("run") else {
            let span = self.span(id);
            self.missing(span, "`process`", "run", "write `process: { run: COMMAND }`");
            return (None, fields.field("ready"));
        };
        let run = self.run_text(run);
        let stop = fields.get("stop").map(|id| self.run_text(id));
        (Some(Process { run, stop }), fields.field("ready"))
    }

    fn sidecar_container(&mut self, fields: &Fields) -> Option<Container> {
        let Some(image) = fields.get("image") else {
            for field in OF_CONTAINERS.into_iter().filter_map(|name| fields.field(name)) {
                let message = format!("`{}` belongs to a service with `image`", field.name);
                self.report(
                    Diagnostic::error("misplaced-key", field.key, message)
                        .help("a process needs none of it; give the service an `image`, or leave it out"),
                );
            }
            return None;
        };
        let image = self.template(image, Spot::Sidecar, "the name of an image");
        let mut volumes = Vec::new();
        if let Some(id) = fields.get("volumes") {
            for item in self.items(id, "a list of volumes, such as `- data:/var/lib/data`") {
                volumes.extend(self.template(*item, Spot::Sidecar, "a volume such as `data:/var/lib/data`"));
            }
        }
        let credentials = fields.get("credentials").and_then(|id| self.credentials(id));
        let options = self.words_of(fields, "options");
        let entrypoint =
            fields.get("entrypoint").and_then(|id| self.template(id, Spot::Sidecar, "a program"));
        let command = self.words_of(fields, "command");
        Some(Container { image: image?, volumes, options, credentials, entrypoint, command })
    }

    fn credentials(&mut self, id: NodeId) -> Option<(Text, Text)> {
        let fields = self.fields(id, Place::Credentials)?;
        let span = self.span(id);
        let mut text = |name: &'static str| match fields.get(name) {
            Some(id) => self.template(id, Spot::Sidecar, "text"),
            None => {
                self.missing(span, "`credentials`", name, "give `username` and `password`");
                None
            }
        };
        let (user, password) = (text("username"), text("password"));
        Some((user?, password?))
    }

    /// Reads text that is taken apart into words as a shell would do it.
    fn words_of(&mut self, fields: &Fields, name: &str) -> Option<Text> {
        let id = fields.get(name)?;
        let text = self.template(id, Spot::Sidecar, "words")?;
        if let Some(Err(problem)) = text.template.as_literal().map(split_words) {
            let span = self.span(id);
            self.report(
                Diagnostic::error("wrong-type", span, format!("`{name}` cannot be read: {problem}")).help(
                    "close it; words are parted and quoted as in a shell, and nothing else of it holds",
                ),
            );
        }
        Some(text)
    }

    fn ports(&mut self, id: NodeId) -> Vec<Port> {
        let mut ports: Vec<Port> = Vec::new();
        for item in self.items(id, "a list of ports, such as `- 5432`") {
            let Some(text) = self.text(*item, "a port such as `5432` or `15432:5432`") else { continue };
            let span = self.span(*item);
            match parse_port(text, span) {
                Ok(port) if ports.iter().any(|it| it.name() == port.name()) => self.report(
                    Diagnostic::error("bad-port", span, format!("the port {} stands twice", port.name()))
                        .help("leave one of them out"),
                ),
                Ok(port) => ports.push(port),
                Err(message) => self.report(
                    Diagnostic::error("bad-port", span, message)
                        .help("write `5432` for a free port of the host, or `15432:5432` for a certain one"),
                ),
            }
        }
        ports
    }

    /// Two services of one cell cannot have the same port of the host.
    fn check_fixed_ports(&mut self, sidecars: &[Sidecar]) {
        let mut taken: HashMap<(u16, bool), &Port> = HashMap::new();
        for port in sidecars.iter().flat_map(|it| &it.ports) {
            let Some(outer) = port.outer else { continue };
            if let Some(first) = taken.insert((outer, port.is_udp), port) {
                self.report(
                    Diagnostic::error(
                        "bad-port",
                        port.span,
                        format!("two services want the port {outer} of the host"),
                    )
                    .also(first.span, "the other one")
                    .help(format!("write `{}` alone for a free port of the host", port.name())),
                );
            }
        }
    }

    fn ready(&mut self, field: Field, ports: &[Port]) -> Option<Ready> {
        let fields = self.fields(field.value, Place::Ready)?;
        let interval = fields.get("interval").and_then(|id| self.duration(id)).unwrap_or(INTERVAL);
        let timeout = fields.get("timeout").and_then(|id| self.duration(id)).unwrap_or(TIMEOUT);
        let ways: Vec<Field> = READY_WAYS.into_iter().filter_map(|name| fields.field(name)).collect();
        let &[way] = ways.as_slice() else {
            match ways.as_slice() {
                [first, second, ..] => {
                    let message = format!(
                        "a service is ready in one way, and here are `{}` and `{}`",
                        first.name, second.name
                    );
                    self.report(
                        Diagnostic::error("misplaced-key", second.key, message)
                            .also(first.key, "the other one")
                            .help("keep the one that says most"),
                    );
                }
                _ => self.missing(
                    field.key,
                    "`ready`",
                    "tcp",
                    "write `ready: { tcp: 5432 }`, or `http` or `run`",
                ),
            }
            return None;
        };
        let probe = match way.name {
            "tcp" => Probe::Tcp(self.tcp(way.value, ports)?),
            "http" => Probe::Http(self.http(way.value, ports)?),
            _ => Probe::Run(self.run_text(way.value)),
        };
        Some(Ready { probe, interval, timeout, span: field.key })
    }

    fn tcp(&mut self, id: NodeId, ports: &[Port]) -> Option<Text> {
        let text = self.template(id, Spot::Sidecar, "a port such as `5432`")?;
        let Some(literal) = text.template.as_literal() else { return Some(text) };
        let span = self.span(id);
        let port = literal.rsplit_once(':').map_or(literal, |(_, port)| port);
        match port.parse::<u16>() {
            Ok(1..) if literal.contains(':') => {}
            Ok(port @ 1..) if ports.iter().any(|it| it.inner == port && !it.is_udp) => {}
            Ok(1..) => self.report(
                Diagnostic::error("bad-port", span, format!("the service does not open the port {port}"))
                    .help(format!(
                        "add {port} to its `ports`, or write `127.0.0.1:{port}` for any port of the host"
                    )),
            ),
            _ => self.report(
                Diagnostic::error("bad-port", span, format!("`{literal}` is not a port"))
                    .help("write a port of the service, such as `5432`, or `HOST:PORT`"),
            ),
        }
        Some(text)
    }

    fn http(&mut self, id: NodeId, ports: &[Port]) -> Option<Text> {
        let text = self.template(id, Spot::Sidecar, "an address or a path")?;
        let start = text.template.source();
        let problem = if start.starts_with('/') {
            let message = "a path says nothing without a port, and the service opens none";
            ports
                .is_empty()
                .then_some((message, "add the port to `ports` of the service, or write the whole address"))
        } else if start.starts_with("http://") || start.starts_with("${{") {
            None
        } else if start.starts_with("https://") {
            let message = "`http` looks without encryption only";
            Some((message, "write `run: curl --fail --silent --insecure ADDRESS`"))
        } else {
            let message = "this is neither an address nor a path";
            Some((message, "write a path such as `/health`, or `http://HOST:PORT/PATH`"))
        };
        if let Some((message, help)) = problem {
            let span = self.span(id);
            self.report(Diagnostic::error("unknown-value", span, message).help(help));
        }
        Some(text)
    }

    /// Gives a stage the steps of its sidecars: behind all others, so that numbers of steps stay, and first in the list.
    pub(super) fn add_services(
        &mut self,
        stage: &mut Stage,
        sidecars: Vec<Sidecar>,
        defaults: &StepDefaults,
    ) {
        if sidecars.is_empty() {
            return;
        }
        let tree = &mut stage.steps;
        let (mut first, mut running, mut ready) = (Vec::new(), Vec::new(), Vec::new());
        let mut late = Vec::new();
        for (at, mut it) in sidecars.into_iter().enumerate() {
            let mut add = |part: Part, suffix: &str, list: &mut Vec<usize>, text: Text| {
                let mut step = part_step(&it, part, suffix, text, defaults);
                if part.is_run() {
                    step.env.clone_from(&it.env);
                }
                list.push(tree.steps.len());
                tree.steps.push(step);
                tree.steps.len() - 1
            };
            let looks = it.ready.as_ref().is_some_and(|ready| !matches!(ready.probe, Probe::Run(_)));
            if it.container.is_some() || !it.ports.is_empty() {
                add(Part::Prepare(at), ".prepare", &mut first, literal("prepare", it.span));
            } else if looks {
                // Earlier versions had no such part: it stands behind all that journals know by number.
                late.push(part_step(
                    &it,
                    Part::Prepare(at),
                    ".prepare",
                    literal("prepare", it.span),
                    defaults,
                ));
            }
            let text = match (&it.process, &it.container) {
                (Some(process), _) => process.run.clone(),
                (None, Some(container)) => container.image.clone(),
                (None, None) => continue,
            };
            let step = add(Part::Run(at), "", &mut running, text);
            if it.ready.is_some() || it.container.is_some() {
                add(Part::Ready(at), ".ready", &mut ready, literal("wait until it is ready", it.span));
            }
            it.step = step;
            tree.sidecars.push(it);
        }
        for step in late {
            first.push(tree.steps.len());
            tree.steps.push(step);
        }
        first.append(&mut running);
        first.append(&mut ready);
        first.append(&mut tree.body);
        tree.body = first;
        tree.is_concurrent = true;
    }
}

fn literal(text: &str, span: Span) -> Text {
    Text { template: Template::literal(text), span }
}

fn part_step(of: &Sidecar, part: Part, suffix: &str, text: Text, defaults: &StepDefaults) -> Step {
    let shell = if part.is_run() { defaults.shell.clone() } else { Shell::Default };
    let mut step = empty_step(of.span, None, Action::Run { text, shell });
    // A dot cannot stand in a name that a person gives, so this one is nobody else's.
    step.id = Some(format!("services.{}{suffix}", of.name).into());
    step.part = Some(part);
    // What it held for the steps went with it: the cell begins again, or fails.
    step.on_interrupt = OnInterrupt::Fail;
    step.background = part.is_run();
    step
}

/// Reads `INNER`, `OUTER:INNER`, each with `/tcp` or `/udp` behind it.
fn parse_port(text: &str, span: Span) -> Result<Port, String> {
    let text = text.trim();
    if text.contains("${{") {
        return Err("a port cannot be an expression".to_owned());
    }
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let is_udp = match protocol {
        "tcp" => false,
        "udp" => true,
        _ => return Err(format!("`{protocol}` is neither `tcp` nor `udp`")),
    };
    let number = |text: &str| match text.parse::<u16>() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("`{text}` is not a port: a number from 1 to 65535")),
    };
    let (outer, inner) = match numbers.split_once(':') {
        Some((outer, inner)) => (Some(number(outer)?), number(inner)?),
        None => (None, number(numbers)?),
    };
    Ok(Port { inner, outer, is_udp, span })
}
