//! Getting the image of a container: only if it is not there, with a log-in of its own that leaves no trace.
//!
//! Not here: running it (`hold.rs`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::limited::{self, Unasked};
use super::say;
use crate::logic::sidecar::Image;
use crate::logic::text::duration;

/// How long a container engine may take to say whether it has an image.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes sure that the image is on this machine.
///
/// # Errors
/// What went wrong, in words that follow the name of the service. What the engine said is in the log.
pub(super) fn get(image: &Image) -> Result<(), String> {
    let mut inspect = Command::new(&image.engine);
    inspect.args(["image", "inspect", "--format", "ok", &image.name]);
    let inspected = limited::run(&mut inspect, PATIENCE).map_err(|why| match why {
        Unasked::NotStarted(error) => format!("cannot start `{}`: {error}", image.engine),
        Unasked::Silent => {
            format!("got no answer from `{} image inspect` within {}", image.engine, duration(PATIENCE))
        }
    })?;
    if inspected.status.success() {
        return Ok(());
    }
    say(&format!("getting the image {}", image.name));
    let login = match &image.login {
        Some((user, password)) => Some(Login::new(image, user, password)?),
        None => None,
    };
    let mut pull = Command::new(&image.engine);
    if let Some(login) = &login {
        login.add_to(&mut pull);
    }
    pull.arg("pull");
    if let Some(login) = &login {
        login.add_behind(&mut pull);
    }
    let status = pull.arg(&image.name).stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => {
            Err(format!("cannot get its image `{}`; the log of this step has what was said", image.name))
        }
        Err(error) => Err(format!("cannot get its image `{}`: {error}", image.name)),
    }
}

/// A log-in at a registry in a folder of its own below that of the job, which goes with it.
struct Login {
    folder: PathBuf,
    is_podman: bool,
}

impl Login {
    fn new(image: &Image, user: &str, password: &str) -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("cannot log in at the registry: {error}");
        let is_podman = is_podman(&image.engine);
        let folder = PathBuf::from(&image.folder);
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // One that is there is that of an earlier try.
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
            _ => builder.create(&folder).map_err(fail)?,
        }
        let login = Self { folder, is_podman };
        if !is_podman {
            login.take_over_context().map_err(fail)?;
        }
        let mut command = Command::new(&image.engine);
        login.add_to(&mut command);
        command.arg("login");
        login.add_behind(&mut command);
        command.args(["--username", user, "--password-stdin", registry(&image.name)]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(fail)?;
        if let Some(mut stdin) = child.stdin.take() {
            // If it does not read, it says why by its end.
            let _ = stdin.write_all(password.as_bytes());
        }
        let status = child.wait().map_err(fail)?;
        if status.success() {
            return Ok(login);
        }
        Err(format!(
            "cannot log in at `{}` as `{user}`; the log of this step has what was said",
            registry(&image.name)
        ))
    }

    /// Which daemon `docker` talks to stands beside the log-ins.
    fn take_over_context(&self) -> std::io::Result<()> {
        let own = std::env::var_os("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker")));
        let Some(own) = own else { return Ok(()) };
        if own.join("contexts").is_dir() {
            std::os::unix::fs::symlink(own.join("contexts"), self.folder.join("contexts"))?;
        }
        let text = std::fs::read_to_string(own.join("config.json")).unwrap_or_default();
        let config: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(context) = config.get("currentContext") {
            let config = serde_json::json!({ "currentContext": context });
            std::fs::write(self.folder.join("config.json"), config.to_string())?;
        }
        Ok(())
    }

    /// Words before the command of the engine.
    fn add_to(&self, command: &mut Command) {
        if !self.is_podman {
            command.arg("--config").arg(&self.folder);
        }
    }

    /// Words behind it.
    fn add_behind(&self, command: &mut Command) {
        if self.is_podman {
            command.arg("--authfile").arg(self.folder.join("auth.json"));
        }
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        // Where this fails, or this process is killed, the keeper removes it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Says whether a container engine is podman, by its name; all others are taken to be like docker.
pub(super) fn is_podman(engine: &str) -> bool {
    Path::new(engine).file_name().is_some_and(|name| name.to_string_lossy().contains("podman"))
}

/// Returns the registry in the name of an image, as docker finds it.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}
