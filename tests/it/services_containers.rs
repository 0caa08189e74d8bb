//! Services in containers: really, by podman, and by the program of docker that talks to podman's service.
//!
//! Podman is set up so that it needs nothing of the machine but its kernel: a storage of its own for each test, the network
//! of the host, and an image that is made of busybox. Not here: services that are processes (`services.rs`).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::handover::kill_hard;
use crate::kit::{Call, Sandbox, eventually, nothing_is_left, who_is_left};

const AT_ONCE: Duration = Duration::from_secs(5);
const AFTER_A_KILL: Duration = Duration::from_secs(20);

/// The programs of busybox that the image has.
const APPLETS: [&str; 10] =
    ["sh", "sleep", "echo", "httpd", "cat", "test", "touch", "mkdir", "true", "false"];

/// A podman with a storage of its own.
struct Podman {
    folder: tempfile::TempDir,
    service: Option<Child>,
}

impl Podman {
    fn new() -> Self {
        let parts =
            [("/usr/bin/podman", "podman"), ("/usr/sbin/runc", "runc"), ("/bin/busybox", "busybox-static")];
        for (path, package) in parts {
            assert!(
                Path::new(path).exists(),
                "`{path}` is missing; install it with: apt-get install {package}"
            );
        }
        let folder =
            tempfile::Builder::new().prefix("sortie-pod-").tempdir_in("/tmp").expect("it is writable");
        let it = Self { folder, service: None };
        let write = |name: &str, text: &str| std::fs::write(it.path(name), text).expect("it is writable");
        // No cgroups of our own, no bridge, and no limits that only a mighty user may set.
        write(
            "containers.conf",
            &format!(
                "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\nnetns = \"host\"\n\
                 [engine]\nruntime = \"runc\"\ntmp_dir = \"{}\"\n",
                it.path("tmp").display()
            ),
        );
        write(
            "storage.conf",
            &format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
                it.path("graph").display(),
                it.path("run").display()
            ),
        );
        let root = it.path("root");
        std::fs::create_dir_all(root.join("bin")).expect("it is writable");
        std::fs::copy("/bin/busybox", root.join("bin/busybox")).expect("it is writable");
        for name in APPLETS {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).expect("it is writable");
        }
        let archive = it.path("root.tar");
        let status = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status();
        assert!(status.expect("tar is there").success());
        it.podman(&["import", "--quiet", archive.to_str().expect("it is text"), "tiny:1"]);
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let text = |name| self.path(name).display().to_string();
        [("CONTAINERS_CONF", text("containers.conf")), ("CONTAINERS_STORAGE_CONF", text("storage.conf"))]
    }

    /// Runs podman, and returns what it prints.
    fn podman(&self, arguments: &[&str]) -> String {
        let output = Command::new("podman").args(arguments).envs(self.environment()).output();
        let output = output.expect("podman is there");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "podman {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns the names of all containers.
    fn containers(&self) -> Vec<String> {
        self.podman(&["ps", "--all", "--format", "{{.Names}}"]).lines().map(str::to_owned).collect()
    }

    /// Returns the program with its environment, for this podman and no other engine.
    fn sortie<'a>(&self, sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Call {
        let call = sandbox.sortie(arguments).env("SORTIE_SET_SERVICES_ENGINE", "podman");
        self.environment().into_iter().fold(call, |call, (name, value)| call.env(name, &value))
    }

    /// Starts podman's service, to which the program of docker can talk; returns its address.
    fn serve(&mut self) -> String {
        let socket = self.path("docker.sock");
        let address = format!("unix://{}", socket.display());
        let service = Command::new("podman")
            .args(["system", "service", "--time", "0", &address])
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.service = Some(service.expect("podman is there"));
        eventually("the service of podman", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
        address
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        if let Some(mut service) = self.service.take() {
            // It may have ended by itself, which is as good.
            service.kill().unwrap_or_default();
            service.wait().map(drop).unwrap_or_default();
        }
        let mut remove = Command::new("podman");
        remove.args(["rm", "--all", "--force", "--time", "0"]).envs(self.environment());
        remove.output().map(drop).unwrap_or_default();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("there are free ports").port()
}

/// A container that ends when it is asked to, and a step that waits.
const LONG: &str = r#"version: 3
defaults: { cancel: { grace: 5s } }
stages:
  test:
    services:
      db:
        image: localhost/tiny:1
        entrypoint: /bin/sh
        command: -c "trap 'echo closed; exit 0' TERM; echo up; while true; do sleep 0.1; done"
    run: echo "the step waits"; sleep 600
"#;

#[test]
fn a_container_is_ready_for_the_steps_and_removed_after_them() {
    let podman = Podman::new();
    let port = free_port();
    let sandbox = Sandbox::new().file(
        "job.yml",
        &format!(
            r#"version: 3
stages:
  test:
    services:
      web:
        image: localhost/tiny:1
        env: {{ GREETING: hello there, DOCKER_WORD: " = #two ", PATH: /bin, SECRET: "${{{{ inputs.word }}}}" }}
        ports: [{port}]
        volumes: ["${{{{ run.dir }}}}:/jobs:ro"]
        options: --label "kind=of test"
        entrypoint: /bin/sh
        command: -c 'echo "$GREETING,$DOCKER_WORD, $SECRET, $(test -d /jobs/logs && echo mounted)"; mkdir /www; echo served > /www/index.html; httpd -p {port} -h /www; trap "exit 0" TERM; while true; do sleep 0.1; done'
        ready: {{ http: /index.html }}
    steps:
      - run: podman ps --format '{{{{.Names}}}} {{{{.Labels}}}}' > names; echo "${{{{ job.services.web.id }}}}" > id
      - run: exec 3<>/dev/tcp/${{{{ job.services.web.host }}}}/${{{{ job.services.web.ports['{port}'] }}}}; printf 'GET /index.html HTTP/1.0\r\n\r\n' >&3; grep served <&3
        shell: bash
inputs: {{ word: {{ default: a word }} }}
"#
        ),
    );
    podman
        .sortie(&sandbox, ["run", "job.yml"])
        .run()
        .code(0)
        .says("test/services.web | hello there, = #two , a word, mounted")
        .done();
    let read = |name: &str| std::fs::read_to_string(sandbox.project().join(name)).expect("the step wrote it");
    let (names, id) = (read("names"), read("id"));
    assert!(names.starts_with(id.trim()) && names.contains("kind:of test"), "{names} {id}");
    assert_eq!(podman.containers(), [""; 0]);
    nothing_is_left(&sandbox, AT_ONCE);
    sandbox.sortie(["jobs", "logs", "1", "test/services.web"]).run().code(0).says("hello there").done();
}

#[test]
fn the_health_check_says_whether_a_container_is_ready() {
    let podman = Podman::new();
    let playbook = |check: &str| {
        format!(
            r#"version: 3
stages:
  test:
    cancel: {{ grace: 2s }}
    services:
      db:
        image: localhost/tiny:1
        options: --health-cmd "{check}" --health-retries 1
        entrypoint: /bin/sh
        command: -c "trap 'exit 0' TERM; sleep 0.3; touch /ok; while true; do sleep 0.1; done"
    run: echo "the step ran"
"#
        )
    };
    // The first looks fail, and podman takes one failure for enough.
    let sandbox = Sandbox::new()
        .file("well.yml", &playbook("sleep 1; test -e /ok"))
        .file("ill.yml", &playbook("false"));
    podman.sortie(&sandbox, ["run", "well.yml"]).run().code(0).says("the step ran").done();
    let ran = podman.sortie(&sandbox, ["run", "ill.yml"]).run().code(1);
    assert!(!ran.out.contains("the step ran"), "{}", ran.out);
    ran.says("service `db` is unhealthy, says its health check").done();
    assert_eq!(podman.containers(), [""; 0]);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_container_that_ends_is_told_with_its_code() {
    let podman = Podman::new();
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      db: { image: "localhost/tiny:1", entrypoint: /bin/sh, command: "-c 'echo no space; exit 3'", ready: { tcp: "127.0.0.1:1" } }
    run: echo "the step ran"
"#,
    );
    let ran = podman.sortie(&sandbox, ["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("the step ran"), "{}", ran.out);
    ran.says("service `db` exited with code 3").says("no space").done();
    assert_eq!(podman.containers(), [""; 0]);
}

#[test]
fn an_image_that_is_nowhere_fails_the_cell_before_anything_starts() {
    let podman = Podman::new();
    let playbook = LONG.replace("localhost/tiny:1", "localhost:1/nowhere:1");
    let sandbox = Sandbox::new().file("job.yml", &playbook);
    let ran = podman.sortie(&sandbox, ["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("the step waits"), "{}", ran.out);
    ran.says("service `db` cannot get its image `localhost:1/nowhere:1`").done();
}

#[test]
fn no_container_is_left_after_a_cancel_however_hard() {
    let podman = Podman::new();
    let sandbox = Sandbox::new().file("job.yml", LONG);
    for how in [&["jobs", "cancel", "last"][..], &["jobs", "cancel", "last", "--force"]] {
        let mut live = podman.sortie(&sandbox, ["run", "job.yml"]).start();
        live.wait_for("the step waits");
        assert_eq!(podman.containers().len(), 1);
        sandbox.sortie(how.iter().copied()).run().code(0).done();
        let ran = live.wait().code(130);
        assert_eq!(ran.out.contains("closed"), how.len() == 3, "{}", ran.out);
        ran.done();
        assert_eq!(podman.containers(), [""; 0], "{how:?}");
    }
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn no_container_is_left_after_the_engine_was_killed() {
    let podman = Podman::new();
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = podman.sortie(&sandbox, ["run", "job.yml", "--on-loss", "stop"]).start();
    live.wait_for("the step waits");
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    nothing_is_left(&sandbox, AFTER_A_KILL);
    assert_eq!(podman.containers(), [""; 0]);
}

#[test]
fn no_container_is_left_after_the_keeper_was_killed() {
    let podman = Podman::new();
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = podman.sortie(&sandbox, ["run", "job.yml"]).start();
    live.wait_for("the step waits");
    kill_hard(live.keeper());
    live.wait().code(1).done();
    assert_eq!(podman.containers(), [""; 0]);
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn the_next_engine_removes_the_container_of_a_job_all_of_whose_processes_were_killed() {
    let podman = Podman::new();
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = podman.sortie(&sandbox, ["run", "job.yml", "--on-loss", "keep"]).start();
    live.wait_for("the step waits");
    let keeper = live.keeper();
    let holders = who_is_left(&sandbox);
    let holders: Vec<i32> = holders.iter().filter_map(|it| it.id_if_ends("__service")).collect();
    assert_eq!(holders.len(), 1, "the service has one process that stands for it");
    for pid in [keeper, live.id()].into_iter().chain(holders) {
        // One that is stopped cannot do anything about the end of the others.
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGSTOP).expect("it lives");
    }
    kill_hard(keeper);
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    for it in who_is_left(&sandbox) {
        if let Some(pid) = it.id_if_ends("__service") {
            kill_hard(pid);
        }
    }
    assert_eq!(podman.containers().len(), 1, "nobody is there to remove it");
    podman.sortie(&sandbox, ["jobs", "recover", "1"]).run().done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
    assert_eq!(podman.containers(), [""; 0]);
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn the_program_of_docker_runs_services_with_the_service_of_podman_behind_it() {
    assert!(
        Command::new("docker").arg("--version").output().is_ok(),
        "`docker` is missing; install it with: apt-get install docker.io"
    );
    let mut podman = Podman::new();
    let address = podman.serve();
    let sandbox = Sandbox::new().file("job.yml", &LONG.replace("sleep 600", "echo it ends"));
    let call = sandbox.sortie(["run", "job.yml"]).env("SORTIE_SET_SERVICES_ENGINE", "docker");
    call.env("DOCKER_HOST", &address).run().code(0).says("it ends").says("test/services.db | closed").done();
    assert_eq!(podman.containers(), [""; 0]);
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn without_an_engine_nothing_starts_and_the_way_out_is_told() {
    let sandbox = Sandbox::new().file("job.yml", LONG);
    for command in ["run", "plan"] {
        let ran = sandbox.sortie([command, "job.yml"]).env("PATH", "/nowhere").run().code(2);
        ran.complains("the service `db` of `test` needs a container engine: `docker` is not installed, and `podman` is not installed")
            .complains("process: { run: COMMAND }")
            .done();
    }
    let deaf = sandbox.sortie(["run", "job.yml"]).env("SORTIE_SET_SERVICES_ENGINE", "docker");
    deaf.env("DOCKER_HOST", "unix:///nowhere.sock")
        .run()
        .code(2)
        .complains("`docker` does not work: ")
        .done();
    // A stage that takes no part needs none.
    let other = Sandbox::new().file("job.yml", &format!("{LONG}  other:\n    run: echo other\n"));
    other
        .sortie(["run", "job.yml", "--only", "other"])
        .env("PATH", "/bin:/usr/bin/nowhere")
        .run()
        .code(0)
        .done();
}

/// Stands for docker and writes down what it is told, its standard input included.
const FAKE: &str = r#"#!/bin/sh
case "$*" in
  version*) exit 0 ;;
  "image inspect"*) exit 1 ;;
esac
# In one write: two of them may be called at once.
first=$1; shift
said="$first$(printf ' [%s]' "$@")"
echo "$said" >> "$CALLS"
set -- "$first" "$@"
case "$*" in
  *password-stdin*) said="password $(cat)"; echo "$said" >> "$CALLS" ;;
  *--name*) cat "$(echo "$*" | sed 's/.*--env-file \([^ ]*\) .*/\1/')" >> "$CALLS"; echo "POSTGRES_PASSWORD is $POSTGRES_PASSWORD" >> "$CALLS"; trap 'exit 0' TERM; while :; do sleep 0.05; done ;;
  *inspect*) printf '"bridge"' ;;
esac
"#;

/// A registry with a password is not at hand, so this looks only at the words that docker is called with.
#[test]
fn docker_is_called_with_these_words_and_no_secret_among_them() {
    let sandbox = Sandbox::new().file("bin/docker", FAKE).file(
        "job.yml",
        r#"version: 3
secrets: { TOKEN: {} }
stages:
  test:
    cancel: { grace: 2s }
    services:
      db:
        image: registry.example:5000/postgres:16
        credentials: { username: me, password: "${{ secrets.TOKEN }}" }
        env: { POSTGRES_PASSWORD: "${{ secrets.TOKEN }}", DOCKER_PASSWORD: "${{ secrets.TOKEN }}", PATH: /own }
        ports: [5432, 6000/udp]
        volumes: [data:/var/lib/data]
        options: --shm-size 1g
        command: postgres -c 'log_statement = all'
        ready: { run: "grep -q 'POSTGRES_PASSWORD is' \"$CALLS\"" }
    run: echo $SORTIE_SERVICE_DB_PORT $SORTIE_SERVICE_DB_PORT_6000_UDP > ports
"#,
    );
    let script = sandbox.project().join("bin/docker");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let calls = sandbox.project().join("calls");
    let path = format!(
        "{}:{}",
        script.parent().expect("a folder").display(),
        std::env::var("PATH").expect("it is set")
    );
    let call = sandbox.sortie(["run", "job.yml"]).env("PATH", &path).env("TOKEN", "s3cret");
    call.env("CALLS", calls.to_str().expect("it is text")).run().code(0).done();
    let read = |name: &str| std::fs::read_to_string(sandbox.project().join(name)).expect("it was written");
    let ports: Vec<String> = read("ports").split_whitespace().map(str::to_owned).collect();
    let said = read("calls");
    // It is asked about the container at the same time.
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("container [inspect]")).collect();
    let id = lines[3].split("--name] [").nth(1).and_then(|it| it.split(']').next()).expect("it has a name");
    let config = lines[0].split('[').nth(1).and_then(|it| it.split(']').next()).expect("it has a folder");
    let file =
        lines[3].split("--env-file] [").nth(1).and_then(|it| it.split(']').next()).expect("it has one");
    let label =
        id.strip_prefix("sortie-").and_then(|it| it.strip_suffix("-0-1-db")).expect("it is of the cell");
    let expected = [
        format!("--config [{config}] [login] [--username] [me] [--password-stdin] [registry.example:5000]"),
        "password s3cret".to_owned(),
        format!("--config [{config}] [pull] [registry.example:5000/postgres:16]"),
        format!(
            "run [--rm] [--name] [{id}] [--env] [POSTGRES_PASSWORD] [--env] [PATH=/own] [--env-file] [{file}] [--label] \
             [dev.sortie.cell={label}.0.1] [--publish] [127.0.0.1:{}:5432] [--publish] [127.0.0.1:{}:6000/udp] \
             [--volume] [data:/var/lib/data] [--shm-size] [1g] [registry.example:5000/postgres:16] [postgres] [-c] \
             [log_statement = all]",
            ports[0], ports[1]
        ),
        "DOCKER_PASSWORD=s3cret".to_owned(),
        "POSTGRES_PASSWORD is s3cret".to_owned(),
    ];
    assert!(file.starts_with("/proc/self/fd/"), "{file}");
    assert_eq!(lines[..6], expected);
    assert_eq!(lines[6..], [format!("stop [--time] [1] [{id}]"), format!("rm [--force] [--volumes] [{id}]")]);
    let jobs = sandbox.project().join(".sortie/jobs");
    assert!(Path::new(config).starts_with(jobs), "the log-in is where nobody else looks: {config}");
    assert!(!Path::new(config).exists(), "the log-in is gone");
    nothing_is_left(&sandbox, AT_ONCE);
}

/// Stands for docker, which is logged in and never ends to get the image.
const SLOW: &str = r#"#!/bin/sh
case "$*" in
  version*) exit 0 ;;
  "image inspect"*) exit 1 ;;
  *password-stdin*) cat > /dev/null ;;
  *pull*) echo "$2" > config; echo "it is got"; exec sleep 600 ;;
esac
"#;

#[test]
fn a_log_in_is_removed_however_the_step_ends_that_made_it() {
    let sandbox = Sandbox::new().file("bin/docker", SLOW).file(
        "job.yml",
        "version: 3
defaults: { cancel: { grace: 2s } }
stages:
  test:
    services:
      db: { image: 'registry.example:5000/db:1', credentials: { username: me, password: word } }
    run: echo the step ran
",
    );
    let script = sandbox.project().join("bin/docker");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let path = format!(
        "{}:{}",
        script.parent().expect("a folder").display(),
        std::env::var("PATH").expect("it is set")
    );
    let start = || {
        let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "stop"]).env("PATH", &path).start();
        live.wait_for("it is got");
        let config = std::fs::read_to_string(sandbox.project().join("config")).expect("it was told");
        let config = PathBuf::from(config.trim());
        let mode =
            std::fs::metadata(&config).map(|it| std::os::unix::fs::PermissionsExt::mode(&it.permissions()));
        assert_eq!(mode.expect("the log-in is there") & 0o777, 0o700);
        (live, config)
    };
    let (live, config) = start();
    sandbox.sortie(["jobs", "cancel", "last", "--force"]).run().code(0).done();
    live.wait().code(130).done();
    assert!(!config.exists(), "after a cancel by force");
    let (live, config) = start();
    kill_hard(live.keeper());
    live.wait().code(1).done();
    assert!(!config.exists(), "after the end of the keeper");
    let (mut live, config) = start();
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    nothing_is_left(&sandbox, AFTER_A_KILL);
    assert!(!config.exists(), "after the end of the engine");
}
