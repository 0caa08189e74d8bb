//! Sidecars as the rest of the program uses them: what stands below `services` of a stage, checked.
//!
//! Not here: reading them (`read_service.rs`), what they do while a job runs (`logic/job/sidecar.rs`).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{Env, Text};
use super::source::Span;

/// A process or container that runs beside the steps of each cell of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sidecar {
    pub name: Arc<str>,
    /// Of its name.
    pub span: Span,
    /// What runs it on the host, if it says so.
    pub process: Option<Process>,
    /// What runs it in a container, if it says so.
    pub container: Option<Container>,
    pub env: Env,
    pub ports: Vec<Port>,
    pub ready: Option<Ready>,
    /// Position of the step that runs it.
    pub step: usize,
}

impl Sidecar {
    /// Says whether it runs in a container; `preferred` where that goes before a process.
    #[must_use]
    pub fn needs_container(&self, preferred: bool) -> bool {
        self.container.is_some() && (self.process.is_none() || preferred)
    }
}

/// A sidecar without a container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    /// Text for a shell, in the foreground; ending with code 0 means that it went to the background.
    pub run: Text,
    /// Text for a shell that asks it to end; the signal of the stage if there is none.
    pub stop: Option<Text>,
}

/// A sidecar in a container, as GitHub has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Container {
    pub image: Text,
    pub volumes: Vec<Text>,
    /// Further words for `run` of the container engine.
    pub options: Option<Text>,
    /// User and password at the registry of the image.
    pub credentials: Option<(Text, Text)>,
    pub entrypoint: Option<Text>,
    /// Words behind the image.
    pub command: Option<Text>,
}

/// A port that a sidecar opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The one that the sidecar names.
    pub inner: u16,
    /// The one of the host; a free one if there is none.
    pub outer: Option<u16>,
    pub is_udp: bool,
    pub span: Span,
}

impl Port {
    /// Returns the port as expressions name it: GitHub leaves `/tcp` out.
    #[must_use]
    pub fn name(&self) -> String {
        if self.is_udp { format!("{}/udp", self.inner) } else { self.inner.to_string() }
    }
}

/// How to see that a sidecar is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    pub probe: Probe,
    /// Between two looks; the first ones come faster.
    pub interval: Duration,
    pub timeout: Duration,
    pub span: Span,
}

/// One look at a sidecar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Probe {
    /// A port accepts connections: one of the sidecar's own by its inner number, `HOST:PORT`, or a port of the host.
    Tcp(Text),
    /// An address, or a path on the first port, answers with a status below 400.
    Http(Text),
    /// Text for a shell ends with code 0.
    Run(Text),
}

/// What a step of a stage is to a sidecar; the number is the position in `StepTree::sidecars`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Finds ports, and gets the image.
    Prepare(usize),
    /// Runs it, beside all other steps.
    Run(usize),
    /// Waits until it is ready.
    Ready(usize),
}

impl Part {
    /// Returns the position of its sidecar.
    #[must_use]
    pub fn sidecar(self) -> usize {
        match self {
            Self::Prepare(at) | Self::Run(at) | Self::Ready(at) => at,
        }
    }

    /// Says whether it runs the sidecar.
    #[must_use]
    pub fn is_run(self) -> bool {
        matches!(self, Self::Run(_))
    }
}
