//! A folder of its own for each test, and the program in a clean environment inside it.
//!
//! Not here: running and judging (`ran.rs`). The environment variable `KIT_MARK` goes to every process that a test starts,
//! so that `census.rs` can find what is left of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ran::Call;
use super::terminal;

/// The program.
pub(crate) const SORTIE: &str = env!("CARGO_BIN_EXE_sortie");

static SANDBOXES: AtomicU32 = AtomicU32::new(0);

/// A project folder with a home beside it. Both go when the sandbox goes.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    mark: String,
}

impl Drop for Sandbox {
    /// A test that failed leaves nobody behind, jobs that outlive their engines included.
    fn drop(&mut self) {
        if std::thread::panicking() {
            super::census::kill_all(self);
        }
    }
}

impl Sandbox {
    /// Returns an empty project.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sortie-it-")
            .tempdir()
            .expect("the temporary folder is writable");
        let number = SANDBOXES.fetch_add(1, Ordering::Relaxed);
        let sandbox =
            Self { mark: format!("mark-{}-{number}-{}", std::process::id(), tail(folder.path())), folder };
        for name in ["project", "home", "tmp", "run"] {
            std::fs::create_dir(sandbox.base().join(name)).expect("a new folder is empty and writable");
        }
        sandbox
    }

    /// Writes a file of the project, its folders included.
    #[must_use]
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("the project is writable");
        std::fs::write(path, text).expect("the project is writable");
        self
    }

    /// Returns the program with arguments, ready to run in the project.
    pub(crate) fn sortie<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Call {
        let mut command = Command::new(SORTIE);
        command.args(arguments).current_dir(self.project()).env_clear().envs(self.environment());
        Call::new(command)
    }

    /// Returns any program with arguments, ready to run in the project.
    pub(crate) fn program<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Call {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.project()).env_clear().envs(self.environment());
        Call::new(command)
    }

    /// Returns an example program of the library, ready to run in the project. Cargo builds it with the tests, beside the
    /// program.
    pub(crate) fn example(&self, name: &str) -> Call {
        let program = Path::new(SORTIE).with_file_name("examples").join(name);
        assert!(program.is_file(), "build it first: cargo build --example {name}");
        let mut command = Command::new(program);
        command.current_dir(self.project()).env_clear().envs(self.environment());
        Call::new(command)
    }

    /// Returns the program with arguments on a terminal of that many columns and rows.
    pub(crate) fn terminal<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
        size: (u16, u16),
    ) -> terminal::Call {
        self.terminal_of(SORTIE, arguments, size)
    }

    /// Returns any program on a terminal of that many columns and rows.
    pub(crate) fn terminal_of<'a>(
        &self,
        program: &'a str,
        arguments: impl IntoIterator<Item = &'a str>,
        size: (u16, u16),
    ) -> terminal::Call {
        let words = std::iter::once(program).chain(arguments).map(OsString::from);
        terminal::Call::new(words, &self.project(), self.environment(), size)
    }

    /// All that a program of this sandbox finds in its environment.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = self.base().join("home");
        let mut env: Vec<(&str, OsString)> = vec![
            ("HOME", home.clone().into()),
            ("XDG_CONFIG_HOME", home.join("config").into()),
            ("XDG_CACHE_HOME", home.join("cache").into()),
            ("XDG_DATA_HOME", home.join("data").into()),
            ("XDG_STATE_HOME", home.join("state").into()),
            ("XDG_RUNTIME_DIR", self.base().join("run").into()),
            ("TMPDIR", self.base().join("tmp").into()),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "dumb".into()),
            ("KIT_MARK", self.mark().into()),
        ];
        env.extend(std::env::var_os("PATH").map(|path| ("PATH", path)));
        env.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }

    /// The folder of the playbook.
    pub(crate) fn project(&self) -> PathBuf {
        self.base().join("project")
    }

    /// The folder that holds project, home and temporary files, without links in its path.
    pub(crate) fn base(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("the sandbox is there while it is used")
    }

    /// What every process of this sandbox carries in its environment, and what scripts may put into their arguments.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }
}

fn tail(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_start_matches("sortie-it-").to_owned()
}
