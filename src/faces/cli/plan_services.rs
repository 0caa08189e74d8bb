//! The services of a stage as `plan` shows them.
//!
//! Not here: the stage and its steps (`plan.rs`).

use serde_json::{Value as Json, json};

use crate::logic::playbook::sidecar::{Probe, Sidecar};
use crate::logic::sidecar::Containers;
use crate::logic::text::{duration, shortened};

/// Returns a service with its texts as they are written: what they come to is known in the cell.
pub(super) fn json(sidecar: &Sidecar, containers: &Containers) -> Json {
    let mut object = json!({
        "service": &*sidecar.name,
        "ports": sidecar.ports.iter().map(|port| json!({ "port": port.name(), "host": port.outer })).collect::<Vec<_>>(),
    });
    match (&sidecar.container, &sidecar.process) {
        (Some(container), _) if sidecar.needs_container(containers.preferred) => {
            object["image"] = container.image.template.source().into();
            object["engine"] = json!(containers.engine);
        }
        (_, Some(process)) => object["process"] = process.run.template.source().into(),
        _ => {}
    }
    if let Some(ready) = &sidecar.ready {
        let (way, text) = match &ready.probe {
            Probe::Tcp(text) => ("tcp", text),
            Probe::Http(text) => ("http", text),
            Probe::Run(text) => ("run", text),
        };
        object["ready"] = json!({
            way: text.template.source(),
            "interval": duration(ready.interval),
            "timeout": duration(ready.timeout),
        });
    }
    object
}

/// Says the same in a line: ``service `db`: postgres:16 by /usr/bin/podman, ports 5432``.
pub(super) fn line(sidecar: &Sidecar, containers: &Containers) -> String {
    let what = match (&sidecar.container, &sidecar.process) {
        (Some(container), _) if sidecar.needs_container(containers.preferred) => {
            let engine = containers.engine.as_deref().unwrap_or("a container engine");
            format!("{} by {engine}", container.image.template.source())
        }
        (_, Some(process)) => shortened(process.run.template.source().trim(), 60),
        _ => String::new(),
    };
    let ports: Vec<String> = sidecar
        .ports
        .iter()
        .map(|port| match port.outer {
            Some(outer) => format!("{outer}:{}", port.name()),
            None => port.name(),
        })
        .collect();
    let ports = if ports.is_empty() { String::new() } else { format!(", ports {}", ports.join(" ")) };
    format!("service `{}`: {what}{ports}", sidecar.name)
}
