//! Services beside the steps of a cell, with real processes: PostgreSQL, an HTTP server, and some that behave badly.
//!
//! Not here: containers (`services_containers.rs`), the rules themselves (`src/logic/job/sidecar_tests.rs`).

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::handover::kill_hard;
use crate::kit::{Ran, SORTIE, Sandbox, eventually, nothing_is_left};

/// What is over is gone; this covers the kernel's own pace.
const AT_ONCE: Duration = Duration::from_secs(2);
/// After the engine was killed the keeper still asks politely, waits out the grace, and kills.
const AFTER_A_KILL: Duration = Duration::from_secs(15);

/// Starts PostgreSQL in `$PG`; as root it is run as its own user, because it refuses anything else.
const POSTGRES: &str = r#"
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
cd "$PG"
as=""
if [ "$(id -u)" = 0 ]; then
  chown postgres .
  as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
$as "$bin/initdb" --pgdata=data --auth=trust --username=me --no-sync >/dev/null
exec $as "$bin/postgres" -D data -c port="$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
"#;

/// A folder that the user of PostgreSQL can enter, too.
fn folder_of_postgres() -> tempfile::TempDir {
    let servers = std::fs::read_dir("/usr/lib/postgresql").map_or(0, Iterator::count);
    assert!(servers > 0, "PostgreSQL is missing; install it with: apt-get install postgresql");
    let open = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new()
        .prefix("sortie-pg-")
        .permissions(open)
        .tempdir_in("/tmp")
        .expect("the folder for temporary files is writable")
}

/// Fails if some process is still at work in a folder.
fn nobody_is_in(folder: &Path) {
    eventually("the end of all processes in the folder of the service", || {
        let processes = std::fs::read_dir("/proc").expect("Linux has /proc").flatten();
        processes
            .filter_map(|it| std::fs::read_link(it.path().join("cwd")).ok())
            .all(|it| !it.starts_with(folder))
    });
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.project().join(name)).unwrap_or_default()
}

/// Returns where in the stream of events the step has that one.
fn place(ran: &Ran, kind: &str, step: &str) -> usize {
    let found = ran.json_lines().iter().position(|line| line["type"] == kind && line["step"] == step);
    found.unwrap_or_else(|| panic!("no {kind} of {step}: {}", ran.out))
}

/// Fails unless the events come in this order.
fn in_order(ran: &Ran, events: &[(&str, &str)]) {
    let places: Vec<usize> = events.iter().map(|(kind, step)| place(ran, kind, step)).collect();
    assert!(places.is_sorted(), "{events:?} stand at {places:?}: {}", ran.out);
}

#[test]
fn postgres_is_ready_for_the_steps_stopped_after_them_and_its_log_is_kept() {
    let folder = folder_of_postgres();
    let sandbox = Sandbox::new().file("postgres.sh", POSTGRES).file(
        "job.yml",
        r#"version: 3
stages:
  test:
    # The fast way for PostgreSQL to end.
    cancel: { signal: SIGINT, grace: 30s }
    services:
      db:
        process: exec bash postgres.sh ${{ job.services.db.ports['5432'] }}
        ports: [5432]
        ready: { run: 'psql -h 127.0.0.1 -p "$SORTIE_SERVICE_DB_PORT" -U me -c "select 1" postgres' }
    env: { PGHOST: 127.0.0.1, PGUSER: me, PGDATABASE: postgres }
    steps:
      - { id: make, run: 'psql -p "$SORTIE_SERVICE_DB_PORT" -c "create table t as select 42 as n"' }
      - { id: ask, run: 'psql -p ${{ job.services.db.ports[''5432''] }} -At -c "select n from t" > answer' }
      - { id: tidy, if: always(), run: 'psql -p "$SORTIE_SERVICE_DB_PORT_5432" -c "drop table t"' }
"#,
    );
    let pg = folder.path().to_str().expect("it is text");
    let ran = sandbox.sortie(["run", "job.yml", "--ui", "json"]).env("PG", pg).run().code(0);
    assert_eq!(read(&sandbox, "answer"), "42\n");
    in_order(
        &ran,
        &[
            ("step.completed", "services.db.prepare"),
            ("step.started", "services.db"),
            ("step.completed", "services.db.ready"),
            ("step.started", "make"),
            ("step.completed", "tidy"),
            ("step.stopping", "services.db"),
            ("step.completed", "services.db"),
        ],
    );
    nobody_is_in(folder.path());
    nothing_is_left(&sandbox, AT_ONCE);
    let log = sandbox.sortie(["jobs", "logs", "1", "test/services.db"]).run().code(0);
    log.says("database system is ready to accept connections").says("received fast shutdown request").done();
}

#[test]
fn a_service_that_is_never_ready_fails_its_cell_with_its_log() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      db:
        process: "echo 'FATAL: role is missing' >&2; exec sleep 600"
        ports: [5432]
        ready: { tcp: 5432, timeout: 300ms }
    steps:
      - run: echo "the step ran"
      - { if: always(), run: echo "cleanup ran" }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("the step ran"), "{}", ran.out);
    ran.says("cleanup ran")
        .says("service `db` was not ready within 300ms: 127.0.0.1:")
        .says("nobody listens there")
        .says("  FATAL: role is missing")
        .done();
    nothing_is_left(&sandbox, AT_ONCE);
    sandbox
        .sortie(["jobs", "logs", "1", "test/services.db"])
        .run()
        .code(0)
        .says("FATAL: role is missing")
        .done();
    sandbox
        .sortie(["jobs", "show", "1"])
        .run()
        .code(0)
        .says("service `db` was not ready within 300ms")
        .done();
}

#[test]
fn a_service_that_ends_before_it_is_ready_is_not_waited_for() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      db:
        process: "echo bad configuration; exit 7"
        ready: { tcp: "127.0.0.1:1", timeout: 10m }
    run: echo "the step ran"
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("the step ran"), "{}", ran.out);
    ran.says("service `db` exited with code 7").says("bad configuration").done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_service_that_dies_between_steps_fails_its_cell_and_nothing_but_cleanup_begins() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      db: { process: "until test -e die; do sleep 0.02; done; echo out of memory; exit 3" }
    steps:
      - run: touch die; until grep -q "out of memory" .sortie/jobs/*/logs/*; do sleep 0.02; done; echo "the first ends well"
      - { retry: { attempts: 3 }, run: echo "the second ran" }
      - { if: failure(), run: echo "cleanup ran" }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("the second ran"), "{}", ran.out);
    ran.says("the first ends well")
        .says("cleanup ran")
        .says("service `db` exited with code 3")
        .says("  output\n    out of memory")
        .done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_service_may_go_to_the_background_and_is_ended_with_the_cell() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      plain: { process: "sleep 600 & echo $! > plain; exit 0" }
      asked:
        process: { run: "setsid sleep 600 & echo $! > asked", stop: 'kill "$(cat asked)"; echo ended > ended' }
        ready: { run: test -s asked }
    steps:
      - run: until test -s plain; do sleep 0.02; done; kill -0 "$(cat plain)" && kill -0 "$(cat asked)" && test ! -e ended
"#,
    );
    sandbox.sortie(["run", "job.yml"]).run().code(0).done();
    assert_eq!(read(&sandbox, "ended"), "ended\n");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn services_end_after_all_else_and_the_last_one_first() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      one:
        process: "trap 'echo one >> order; exit 0' TERM; touch one; while :; do sleep 0.02; done"
        ready: { run: test -e one }
      two:
        process: "trap 'echo two >> order; exit 9' TERM; touch two; while :; do sleep 0.02; done"
        ready: { run: test -e two }
    steps:
      - { background: true, run: "sleep 0.3; echo beside >> order" }
      - { wait-all: true }
      - { if: always(), run: echo cleanup >> order }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml", "--ui", "json"]).run().code(0);
    assert_eq!(read(&sandbox, "order"), "beside\ncleanup\ntwo\none\n");
    in_order(
        &ran,
        &[
            ("step.completed", "services.two.ready"),
            ("step.stopping", "services.two"),
            ("step.completed", "services.two"),
            ("step.stopping", "services.one"),
            ("step.completed", "services.one"),
        ],
    );
    nothing_is_left(&sandbox, AT_ONCE);
}

/// Each cell has a service of its own, on a port of its own; a cell that is tried again gets another one.
#[test]
fn every_cell_and_every_try_of_it_has_its_own_service() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    matrix: { n: [1, 2] }
    retry: { attempts: 2, backoff: { first: 1ms } }
    services:
      web:
        process: 'echo ${{ job.services.web.id }} >> ids; exec perl server.pl ${{ job.services.web.ports[''80''] }} ${{ matrix.n }}'
        ports: [80]
        ready: { http: /ready }
    steps:
      - run: exec 3<>/dev/tcp/127.0.0.1/$SORTIE_SERVICE_WEB_PORT; printf 'GET / HTTP/1.0\r\n\r\n' >&3; grep -q "I am ${{ matrix.n }}" <&3
        shell: bash
      - run: echo x >> tries-${{ matrix.n }}; test "$(wc -l < tries-${{ matrix.n }})" = 2
"#,
    )
    .file("server.pl", SERVER);
    sandbox.sortie(["run", "job.yml"]).run().code(0).done();
    let ids: std::collections::BTreeSet<String> = read(&sandbox, "ids").lines().map(str::to_owned).collect();
    assert_eq!(ids.len(), 4, "two cells, two tries each: {ids:?}");
    nothing_is_left(&sandbox, AT_ONCE);
}

/// An HTTP server that answers with status 503 twice before it is ready.
const SERVER: &str = r#"
use IO::Socket::INET;
my ($port, $name) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "$!";
my $n = 0;
while (my $client = $server->accept) {
    my $line = <$client>;
    my $status = ++$n > 2 ? "200 OK" : "503 Not Yet";
    print $client "HTTP/1.1 $status\r\nConnection: close\r\n\r\nI am $name\n";
    print STDERR "$status ", $line;
    close $client;
}
"#;

#[test]
fn an_http_service_is_ready_when_it_answers_well() {
    let sandbox = Sandbox::new().file("server.pl", SERVER).file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      web:
        process: { run: "exec perl server.pl $SORTIE_SERVICE_WEB_PORT_80 me", ready: { http: /health, interval: 50ms } }
        ports: [80]
    run: echo "the step ran"
"#,
    );
    sandbox.sortie(["run", "job.yml"]).run().code(0).says("the step ran").done();
    let log = sandbox.sortie(["jobs", "logs", "1", "test/services.web"]).run().code(0).out;
    let asked: Vec<&str> = log.lines().map(|line| line.trim_end()).collect();
    assert_eq!(
        asked,
        [
            "503 Not Yet GET /health HTTP/1.1",
            "503 Not Yet GET /health HTTP/1.1",
            "200 OK GET /health HTTP/1.1"
        ]
    );
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_fixed_port_that_somebody_has_is_refused_with_his_name() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port();
    let sandbox = Sandbox::new().file(
        "job.yml",
        &format!(
            "version: 3\nstages:\n  test:\n    services:\n      db: {{ process: echo it ran, ports: ['{port}:5432'] }}\n    run: echo the step ran\n"
        ),
    );
    let ran = sandbox.sortie(["run", "job.yml"]).run().code(1);
    assert!(!ran.out.contains("it ran") && !ran.out.contains("the step ran"), "{}", ran.out);
    let me = std::process::id();
    ran.says(&format!("service `db` needs port {port} of the host, and process {me} (`")).done();
    drop(taken);
    sandbox.sortie(["run", "job.yml"]).run().code(0).says("the step ran").done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_service_is_not_ready_because_somebody_else_listens_there_already() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port();
    let playbook = |ready: &str| {
        format!(
            "version: 3\nstages:\n  test:\n    services:\n      db: {{ process: 'echo it ran; exec sleep 600', ready: {{ {ready} }} }}\n    \
             run: echo the step ran\n"
        )
    };
    let sandbox = Sandbox::new()
        .file("tcp.yml", &playbook(&format!("tcp: 'localhost:{port}'")))
        .file("http.yml", &playbook(&format!("http: 'http://127.0.0.1:{port}/'")));
    let me = std::process::id();
    for (file, host) in [("tcp.yml", "localhost"), ("http.yml", "127.0.0.1")] {
        let ran = sandbox.sortie(["run", file]).run().code(1);
        assert!(!ran.out.contains("it ran") && !ran.out.contains("the step ran"), "{}", ran.out);
        ran.says(&format!("service `db` would be taken for ready at once: process {me} (`"))
            .says(&format!("listens at {host}:{port} already; end that"))
            .done();
    }
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_service_is_not_ready_because_somebody_else_came_first() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("it is free").port();
    let sandbox = Sandbox::new().file(
        "job.yml",
        &format!(
            "version: 3\nstages:\n  test:\n    services:\n      db: {{ process: 'touch begun; exec sleep 600', ready: {{ tcp: '127.0.0.1:{port}' }} }}\n    \
             run: echo the step ran\n"
        ),
    );
    let live = sandbox.sortie(["run", "job.yml"]).start();
    eventually("the service", || sandbox.project().join("begun").exists());
    let _taken = TcpListener::bind(("127.0.0.1", port)).expect("the service does not want it");
    let ran = live.wait().code(1);
    assert!(!ran.out.contains("the step ran"), "{}", ran.out);
    let me = std::process::id();
    ran.says(&format!("service `db` is not what answers at 127.0.0.1:{port}: process {me} (`")).done();
    nothing_is_left(&sandbox, AT_ONCE);
}

/// Whoever waits is asked itself here: how slow a keeper is nobody can say.
#[test]
fn a_service_that_the_keeper_has_not_started_yet_is_not_ready() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port();
    let sandbox = Sandbox::new();
    let ready = |keeper: &str, timeout_ms: u64| {
        let errand = serde_json::json!({ "wait": {
            "container": null, "look": { "tcp": { "host": "127.0.0.1", "port": port, "inner": null } }, "ports": [],
            "interval_ms": 20, "timeout_ms": timeout_ms, "log": "log", "dir": sandbox.project(),
            "of": { "cell": 0, "run": 1, "step": 1, "attempt": 1 },
        } });
        let call = sandbox.program("sh", ["-c", keeper, SORTIE]).env("SORTIE_JOB", "0190");
        let call = call.env("SORTIE_TAG", "0190.0.1.2.1").env("SORTIE_STEP", "services.db.ready");
        call.env("SORTIE_SERVICE_ERRAND", &errand.to_string()).run()
    };
    ready("\"$0\" __service; exit $?", 300)
        .code(1)
        .says(&format!("127.0.0.1:{port} answers, and the service is still to begin"))
        .done();
    // Somebody who cannot be told to be another step may be the service.
    ready("env -i sleep 600 & \"$0\" __service; code=$?; kill $!; exit $code", 60_000)
        .code(0)
        .says("ready after")
        .done();
    drop(taken);
    nothing_is_left(&sandbox, AT_ONCE);
}

/// As rootless container engines and the master of `ssh` do it: what opens the port is older than the job, and of its user.
#[test]
fn a_service_may_have_its_port_opened_by_a_daemon_that_it_asked() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("it is free").port();
    let playbook = |then: &str| {
        format!(
            "version: 3\nstages:\n  test:\n    services:\n      db: {{ process: 'exec perl ask.pl; {then}', ready: {{ tcp: '127.0.0.1:{port}' }} }}\n    \
             run: echo the step ran\n"
        )
    };
    let sandbox = Sandbox::new()
        .file("ask.pl", ASKS)
        .file("stays.yml", &playbook(""))
        .file("goes.yml", &playbook("").replace("exec perl ask.pl;", "perl ask.pl leave"));
    let daemon = UnixListener::bind(sandbox.project().join("daemon")).expect("the project is writable");
    for file in ["stays.yml", "goes.yml"] {
        let live = sandbox.sortie(["run", file]).start();
        let (mut asked, _) = daemon.accept().expect("the service asks");
        let opened = TcpListener::bind(("127.0.0.1", port)).expect("nobody has it");
        asked.write_all(b"opened\n").expect("the service is there");
        live.wait().code(0).says("the step ran").done();
        drop(opened);
    }
    nothing_is_left(&sandbox, AT_ONCE);
}

/// Asks somebody to open the port, and stays connected, or leaves.
const ASKS: &str = r#"
use IO::Socket::UNIX;
my $daemon = IO::Socket::UNIX->new(Peer => "daemon") or die "$!";
<$daemon>;
<$daemon> unless @ARGV;
"#;

#[test]
fn a_fixed_port_that_two_cells_would_want_at_once_is_refused_before_anything_runs() {
    let playbook = |more: &str| {
        format!(
            "version: 3\nstages:\n  test:\n    strategy: {{ matrix: {{ n: [1, 2] }}{more} }}\n    services:\n      \
             db: {{ process: sleep 600, ports: ['15432:5432'] }}\n    run: echo the step ran\n"
        )
    };
    let sandbox =
        Sandbox::new().file("job.yml", &playbook("")).file("one.yml", &playbook(", max-parallel: 1"));
    for words in [&["plan", "job.yml"][..], &["run", "job.yml"]] {
        let ran = sandbox.sortie(words.iter().copied()).run().code(2);
        ran.complains("several cells of `test` run at once")
            .complains("the service `db` of each wants the port 15432 of the host")
            .complains("`max-parallel: 1`")
            .done();
    }
    for words in [&["one.yml"][..], &["job.yml", "--max-parallel", "1"]] {
        let words = ["run", "--dry-run"].iter().chain(words).copied();
        sandbox.sortie(words).run().code(0).says("nothing was started").done();
    }
}

/// The service answers until the cleanup step has asked it, and takes a moment to end.
const LONG: &str = r#"version: 3
defaults: { cancel: { grace: 2s } }
stages:
  test:
    services:
      db:
        process: "trap 'echo closed >> closed; exit 0' TERM; echo up > up; while :; do sleep 0.02; done"
        ready: { run: test -e up }
      stubborn: { process: "trap '' TERM INT; echo $$ > pid; while :; do sleep 0.02; done", ready: { run: test -e pid } }
    steps:
      - run: echo "the step waits"; sleep 600
      - { if: always(), run: 'test ! -e closed; echo "cleanup while it is up" | tee cleanup' }
"#;

#[test]
fn a_cancel_lets_cleanup_use_the_service_and_then_ends_it() {
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    live.wait_for("the step waits");
    live.signal(Signal::SIGINT);
    live.wait().code(130).says("cleanup while it is up").done();
    assert_eq!(read(&sandbox, "closed"), "closed\n");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_forced_cancel_leaves_no_service() {
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    live.wait_for("the step waits");
    sandbox.sortie(["jobs", "cancel", "last", "--force"]).run().code(0).done();
    live.wait().code(130).done();
    assert_eq!(read(&sandbox, "cleanup"), "", "nobody asked for cleanup");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_stage_whose_time_is_over_ends_its_services() {
    let sandbox = Sandbox::new().file("job.yml", &LONG.replace("  test:\n", "  test:\n    timeout: 4s\n"));
    sandbox
        .sortie(["run", "job.yml"])
        .run()
        .code(1)
        .says("cleanup while it is up")
        .says("time limit of the stage")
        .done();
    assert_eq!(read(&sandbox, "closed"), "closed\n");
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_killed_engine_leaves_no_service() {
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "stop"]).start();
    live.wait_for("the step waits");
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    nothing_is_left(&sandbox, AFTER_A_KILL);
    assert_eq!(read(&sandbox, "closed"), "closed\n", "it was asked first");
}

#[test]
fn a_killed_keeper_takes_the_services_along_and_the_step_that_used_them_is_not_run_again() {
    let again = LONG.replace("- run: echo", "- idempotent: true\n        run: echo begun >> begun; echo");
    let sandbox = Sandbox::new().file("job.yml", &again);
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    live.wait_for("the step waits");
    kill_hard(live.keeper());
    live.wait().code(1).says("it was interrupted: the keeper of the job ended").done();
    assert_eq!(read(&sandbox, "begun"), "begun\n");
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn a_cell_that_is_tried_again_after_the_keeper_was_killed_has_its_services_anew() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    retry: { attempts: 2, on: [failure, interrupted], backoff: { first: 1ms } }
    services:
      db: { process: "echo $$ >> pids; exec sleep 600", ready: { run: test -s pids } }
    run: echo "the step waits"; until test -e go; do sleep 0.02; done; kill -0 "$(tail -n 1 pids)"; test "$(wc -l < pids)" = 2
"#,
    );
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    live.wait_for("the step waits");
    kill_hard(live.keeper());
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(0).done();
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn after_engine_and_keeper_were_killed_the_next_engine_ends_the_services() {
    let sandbox = Sandbox::new().file("job.yml", LONG);
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "keep"]).start();
    live.wait_for("the step waits");
    let keeper = live.keeper();
    live.signal(Signal::SIGSTOP);
    kill_hard(keeper);
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    let pid = read(&sandbox, "pid").trim().to_owned();
    assert!(Path::new("/proc").join(&pid).exists(), "nobody is there to end it");
    sandbox.sortie(["jobs", "recover", "1"]).run().done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(1).done();
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn an_engine_that_takes_a_job_over_finds_its_services_at_work() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    services:
      db: { process: "echo $$ >> pids; trap 'echo closed > closed; exit 0' TERM; while :; do sleep 0.02; done", ready: { run: test -s pids } }
    steps:
      - run: echo "the step waits"; until test -e go; do sleep 0.02; done
      - run: kill -0 "$(cat pids)"; test ! -e closed
"#,
    );
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "keep"]).start();
    live.wait_for("the step waits");
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "recover", "1"]).run().done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    assert_eq!(read(&sandbox, "closed"), "closed\n");
    nothing_is_left(&sandbox, AFTER_A_KILL);
}

#[test]
fn the_example_works_as_it_stands() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/examples/services.yml");
    let sandbox = Sandbox::new().file("job.yml", &std::fs::read_to_string(example).expect("it is there"));
    let ran = sandbox.sortie(["run", "job.yml"]).run().code(0);
    ran.says("the blue page").says("the green page").says("queue for blue").says("queue for green").done();
    let left = std::fs::read_dir(sandbox.project().join(".queue")).expect("the services made it").count();
    assert_eq!(left, 0, "both queues were told to end");
    let events = sandbox.sortie(["jobs", "events", "1", "--json"]).run().code(0);
    let rungs: Vec<String> = events
        .json_lines()
        .iter()
        .filter(|line| line["type"] == "step.stopping")
        .map(|line| line["data"]["rung"].to_string())
        .collect();
    assert_eq!(rungs, ["\"polite\""; 4], "every service ends when it is asked to");
    events.done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_plan_shows_services_apart_from_the_steps() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/examples/services.yml");
    let sandbox = Sandbox::new().file("job.yml", &std::fs::read_to_string(example).expect("it is there"));
    let shown =
        sandbox.sortie(["plan", "job.yml"]).run().code(0).says("service `pages`: mkdir").says(", ports 80");
    assert!(!shown.out.contains("services.pages"), "{}", shown.out);
    shown.done();
    let plan = sandbox.sortie(["plan", "job.yml", "--json"]).run().code(0);
    let stage = &plan.json_lines()[0]["stages"][0];
    assert_eq!(stage["steps"].as_array().map(Vec::len), Some(3));
    assert_eq!(stage["services"][0]["ready"]["http"], "/index.html");
    assert_eq!(stage["services"][1]["ready"]["timeout"], "10s");
    plan.done();
}
