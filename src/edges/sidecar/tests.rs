//! Ports and addresses, with real sockets.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use super::hold::Given;
use super::limited::{self, Unasked};
use super::{ports, strangers};
use crate::logic::sidecar::{HOST, Target, WantedPort};

fn wanted(name: &str, outer: Option<u16>) -> WantedPort {
    WantedPort { name: name.to_owned(), outer, is_udp: false }
}

#[test]
fn each_port_is_another_one_and_none_that_others_have() {
    let ports = ports::find(&[wanted("1", None), wanted("2", None)], &[]).expect("there are free ports");
    assert_ne!(ports["1"], ports["2"]);
    for port in ports.values() {
        TcpListener::bind((HOST, *port)).expect("it is free");
    }
}

#[test]
fn who_has_a_port_is_told() {
    let taken = TcpListener::bind((HOST, 0)).expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port();
    let problem = ports::find(&[wanted("80", Some(port))], &[]).expect_err("it is taken");
    let me = std::process::id();
    assert!(problem.starts_with(&format!("needs port {port} of the host, and process {me} (`")), "{problem}");
}

#[test]
fn only_addresses_of_this_machine_are_looked_at_for_strangers() {
    let taken = TcpListener::bind((HOST, 0)).expect("there are free ports");
    let port = taken.local_addr().expect("it is bound").port();
    let target = |host: &str, port| Target { host: host.to_owned(), port, inner: None };
    let problem = strangers::refuse(&target(HOST, port)).expect_err("it is taken");
    assert!(problem.contains(&format!("listens at {HOST}:{port} already")), "{problem}");
    // For documentation only, so nobody has it; nor has anybody that name.
    for host in ["192.0.2.1", "nowhere.invalid"] {
        assert_eq!(strangers::refuse(&target(host, port)), Ok(()));
        assert_eq!(strangers::whose(&target(host, port)), None);
    }
    // Whoever listens there is this process itself.
    assert_eq!(strangers::whose(&target(HOST, port)), None);
    drop(taken);
    assert_eq!(strangers::refuse(&target(HOST, port)), Ok(()));
}

#[test]
fn no_value_of_a_variable_that_may_be_secret_is_an_argument() {
    let all = [("PASSWORD", "s1"), ("DOCKER_PASSWORD", "s2"), ("REGISTRY_KEY", "s3\ns4"), ("LANG", "C")];
    let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let given = Given::of(&all);
    assert_eq!(given.words, ["--env", "PASSWORD", "--env", "REGISTRY_KEY", "--env", "LANG=C"]);
    assert_eq!(given.file, "DOCKER_PASSWORD=s2\n");
    assert_eq!(given.env, [("PASSWORD", "s1".into()), ("REGISTRY_KEY", "s3\ns4".into())]);
}

#[test]
fn a_log_in_for_a_container_is_none_for_its_engine_however_many_lines_it_has() {
    let login = "{\n  \"auths\": {\"registry.example\": {\"auth\": \"czE=\"}}\r\n}";
    let all = [("DOCKER_AUTH_CONFIG".to_owned(), login.to_owned())];
    let given = Given::of(&all);
    assert_eq!((given.words.len(), given.env.len()), (0, 0), "{:?} {:?}", given.words, given.env);
    let (name, value) = given.file.trim_end_matches('\n').split_once('=').expect("it is a line");
    assert!(name == "DOCKER_AUTH_CONFIG" && !value.contains(['\n', '\r']), "{}", given.file);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
    assert_eq!(read(value), read(login));
}

#[test]
fn a_program_that_never_answers_is_ended() {
    let silent = limited::run(Command::new("sleep").arg("600"), Duration::from_millis(20));
    assert!(matches!(silent, Err(Unasked::Silent)));
    let answer = limited::run(Command::new("sh").args(["-c", "echo yes; exit 3"]), Duration::from_secs(60));
    let answer = answer.unwrap_or_else(|_| panic!("it answers"));
    assert_eq!((answer.stdout, answer.status.code()), (b"yes\n".to_vec(), Some(3)));
}
