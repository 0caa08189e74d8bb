//! Ports and addresses, with real sockets.

use std::net::TcpListener;

use super::ports;
use crate::logic::sidecar::{HOST, WantedPort};

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
