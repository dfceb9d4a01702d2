//! `wharf health` as a person or a script runs it.

use super::{RUNTIMES, complains};
use std::net::TcpListener;
use wharf_tests::adapter::Peer;
use wharf_tests::folder::Folder;
use wharf_tests::program::{Running, run};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/health.toml");

#[test]
fn only_flips_are_logged_and_a_signal_ends_it() {
    for runtime in RUNTIMES {
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let bad = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let good_endpoint = format!("good=tcp://{}", good.local_addr().unwrap());
        let bad_endpoint = format!("bad one=tcp://{bad}");
        let flags = ["--interval", "0.05", "--endpoint", &good_endpoint, "--endpoint", &bad_endpoint];
        let (server, address) = Running::serve(["health", "--runtime", runtime].into_iter().chain(flags));
        // Five checks that find it up.
        for _ in 0..5 {
            let _ = good.accept().unwrap();
        }
        let mut page = Peer::connect(address);
        page.ask("/ws", true);
        assert!(page.head().starts_with("HTTP/1.1 101 "), "{runtime}");
        let all = String::from_utf8(page.frame().expect("news").payload).unwrap();
        assert!(all.contains(r#""id":"good""#) && all.contains(r#""id":"bad one""#), "{all}");
        let mut peer = Peer::connect(address);
        peer.ask("/ready", false);
        assert_eq!(peer.answer().0, 200);
        server.signal("TERM");
        while page.frame().expect("a Close frame").first != 0x88 {}
        page.close(1001);
        page.rest();
        peer.rest();
        let ended = server.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let flips: Vec<_> = ended.err.iter().filter(|line| line.contains("endpoint is")).collect();
        let [flip] = flips[..] else { panic!("{ended:?}") };
        assert!(flip.contains("INFO") && flip.contains(r#"endpoint is down id="bad one""#), "{flip}");
        assert!(flip.contains("protocol=tcp") && flip.contains("cause=it cannot be connected to"), "{flip}");
        // The page's own connection is told, those of checks are not.
        let opened = ended.err.iter().filter(|line| line.contains("connection opened")).count();
        assert_eq!(opened, 1, "{ended:?}");
    }
}

#[test]
fn bad_use_is_one_line_and_exit_code_2() {
    let folder = Folder::new();
    let file = |name: &str, text: &str| {
        let path = folder.path(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let typo = file("typo.toml", "interval = 3\nintervall = 3\n");
    let none = file("none.toml", "interval = 3\n");
    let twice = file("twice.toml", "[[endpoint]]\nid = 'a'\nurl = 'tcp://h:1'\n");
    let ok = ["--endpoint", "a=tcp://h:1"];
    for (flags, words) in [
        (vec![], "no endpoint"),
        (vec!["--endpoint", "a=h:1"], "ID=tcp://HOST:PORT"),
        (vec!["--endpoint", "=tcp://h:1"], "the id is empty"),
        (vec!["--endpoint", "a=tcp://h:1", "--endpoint", "a=tcp://h:2"], "two endpoints are called"),
        ([&ok[..], &["--interval", "0"]].concat(), "--interval"),
        ([&ok[..], &["--timeout=-1"]].concat(), "--timeout"),
        ([&ok[..], &["--fall", "0"]].concat(), "--fall"),
        ([&ok[..], &["--unknown"]].concat(), "--unknown"),
        (vec!["--config", "/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["--config", &typo], "line 2: unknown field `intervall`"),
        (vec!["--config", &none], "no endpoint"),
        (vec!["--config", &twice, "--endpoint", "a=tcp://h:1"], "two endpoints are called"),
    ] {
        complains(&run(["health"].into_iter().chain(flags)), 2, &[words]);
    }
}

#[test]
fn a_file_and_what_flags_change_of_it() {
    let (server, address) =
        Running::serve(["health", "--config", EXAMPLE, "--endpoint", "mine=http://[::1]:1/"]);
    let mut peer = Peer::connect(address);
    peer.ask("/health", false);
    let (status, body) = peer.answer();
    assert!(status == 200 && body.contains(r#"{"id":"database","host":"database","port":5432,"#), "{body}");
    assert!(
        body.contains(r#"{"id":"mine","host":"::1","port":1,"protocol":"http","timeoutMs":5000}"#),
        "{body}"
    );
    drop(server);
    let help = run(["health", "--help"]).out.join("\n");
    for flag in [
        "--listen",
        "--endpoint",
        "--config",
        "--interval",
        "--timeout",
        "--rise",
        "--fall",
        "--fast-interval",
        "--runtime",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}
