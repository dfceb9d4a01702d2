//! `wharf connect --retry`: servers that die, refuse and hang up, and a client that comes back or does not.

use super::{RUNTIMES, connect, paths};
use std::thread;
use wharf_tests::program::{Ended, Running};

/// The same server again, at the same port.
fn again(address: &str, runtime: &str) -> Running {
    let server = Running::start(["echo", "--listen", address, "--runtime", runtime, "--log", "error"]);
    assert_eq!(server.listening().to_string(), address);
    server
}

fn a_killed_server_is_connected_to_again(runtime: &str) {
    let (server, address) = Running::serve(["echo", "--runtime", runtime, "--log", "error"]);
    let (address, url) = (address.to_string(), format!("ws://{address}"));
    let mut client = connect(runtime, &url, &["--retry"]);
    client.say("one\n");
    assert_eq!(client.line(), "one");
    // Dropped, it is killed, with no time for a word.
    drop(server);
    let told = client.complaint_with("trying again in");
    assert!(told.contains("WARN") && !told.contains('\x1b'), "{told}");
    client.say("two\nthree\n");
    let server = again(&address, runtime);
    assert_eq!((client.line(), client.line()), ("two".into(), "three".into()));
    drop(server);
    // The end of the input waits for what is to be sent.
    let _ = client.complaint_with("trying again in");
    client.say("four\n");
    let _server = again(&address, runtime);
    let Ended { code, out, err } = client.wait();
    assert_eq!((code, out), (Some(0), vec!["four".to_owned()]), "{err:?}");
    assert!(err.iter().any(|line| line.contains("connected again")), "{err:?}");
}

#[test]
fn a_killed_server_is_connected_to_again_on_each_runtime() {
    let runs = RUNTIMES.map(|runtime| thread::spawn(move || a_killed_server_is_connected_to_again(runtime)));
    runs.into_iter().for_each(|run| run.join().expect("on each runtime"));
}

#[test]
fn what_says_that_it_is_no_use_ends_it() {
    let (_serving, url) = paths();
    for runtime in ["tokio", "mio"] {
        for (path, words) in [
            ("/nowhere", "handshake: the server answered with status 404"),
            ("/denied", "handshake: the server answered with status 403"),
            ("/close/4001", "close: the server closed with 4001"),
        ] {
            let mut client = connect(runtime, &format!("{url}{path}"), &["--retry", "--log", "error"]);
            // Its input stays open.
            let stdin = client.take_stdin();
            let ended = client.wait();
            assert!(ended.code == Some(1) && ended.err.last().unwrap().contains(words), "{ended:?}");
            drop(stdin);
        }
        let mut client = connect(runtime, &format!("{url}/close/1000"), &["--retry", "--log", "error"]);
        let stdin = client.take_stdin();
        assert_eq!(client.wait(), Ended { code: Some(0), out: vec![], err: vec![] });
        drop(stdin);
    }
}

#[test]
fn a_signal_ends_it_whether_it_is_connected_or_not() {
    let (_serving, url) = paths();
    for runtime in RUNTIMES {
        let mut client = connect(runtime, &url, &["--retry", "--log", "error"]);
        client.say("ahoy\n");
        assert_eq!(client.line(), "ahoy");
        client.signal("TERM");
        let ended = client.wait();
        assert_eq!((ended.code, ended.err), (Some(0), vec![]), "{runtime}");
        let client = connect(runtime, "ws://127.0.0.1:1/", &["--retry"]);
        let _ = client.complaint_with("trying again in");
        client.signal("INT");
        let ended = client.wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.last().unwrap().contains("interrupted"), "{ended:?}");
    }
}

#[test]
fn lines_over_tcp_come_back_as_well_and_no_heartbeat_is_made_up() {
    let args = ["echo", "--framing", "lines", "--log", "error"];
    let (server, address) = Running::serve(args);
    let (address, url) = (address.to_string(), format!("tcp://{address}"));
    let mut client = connect("tokio", &url, &["--retry"]);
    client.say("one\n");
    assert_eq!(client.line(), "one");
    // Without Close frames a killed server looks like one that is done.
    drop(server);
    let _ = client.complaint_with("trying again in");
    client.say("two\n");
    let _server = Running::start(args.into_iter().chain(["--listen", &*address]));
    assert_eq!(client.line(), "two");
    assert_eq!(client.wait().code, Some(0));
}
