//! Limits by flags: what a refused client is told, and what the log says.

use super::RUNTIMES;
use super::bus::start;
use wharf_tests::adapter::Peer;
use wharf_tests::program::Running;

/// The next line of the log with this event in it.
fn logged(server: &Running, event: &str) -> String {
    std::iter::repeat_with(|| server.complaint()).find(|line| line.contains(event)).expect("there is no end")
}

fn ask(peer: &mut Peer, client: &str) -> String {
    peer.write(
        format!(
            "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             X-Forwarded-For: {client}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .as_bytes(),
    );
    peer.head()
}

#[test]
fn an_address_is_refused_and_logged() {
    for runtime in RUNTIMES {
        let flags = ["--rate-limit", "1/60s", "--block", "5m", "--trusted-proxy", "127.0.0.0/8"];
        for server in ["echo", "chat", "bus"] {
            let flags = ["--runtime", runtime].into_iter().chain(flags);
            let (server, address) = if server == "bus" {
                let (bus, [_, address]) = start("none", &flags.collect::<Vec<_>>());
                (bus, address.parse().unwrap())
            } else {
                Running::serve([server].into_iter().chain(flags))
            };
            for client in ["192.0.2.1", "192.0.2.2"] {
                let mut peer = Peer::connect(address);
                assert!(ask(&mut peer, client).starts_with("HTTP/1.1 101 "));
            }
            for (event, client) in [("address blocked", "192.0.2.1"), ("address refused", "192.0.2.1")] {
                let mut peer = Peer::connect(address);
                let head = ask(&mut peer, client);
                assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nRetry-After: "), "{head}");
                let line = logged(&server, event);
                assert!(line.contains("WARN") && line.contains("address=192.0.2.1"), "{line}");
            }
        }
    }
}

#[test]
fn a_proxy_header_is_read_where_a_flag_says_so() {
    for runtime in RUNTIMES {
        let flags = ["--runtime", runtime, "--rate-limit", "1/60s", "--framing", "lines", "--trusted-proxy"];
        let (server, address) =
            Running::serve(["echo"].into_iter().chain(flags).chain(["127.0.0.1", "--proxy-protocol"]));
        for (client, echo) in [("192.0.2.1", "ahoy\n"), ("192.0.2.2", "ahoy\n"), ("192.0.2.1", "")] {
            let mut peer = Peer::connect(address);
            peer.write(format!("PROXY TCP4 {client} 127.0.0.1 50000 9001\r\nahoy\n").as_bytes());
            peer.end();
            assert_eq!(String::from_utf8_lossy(&peer.rest()), echo, "{client}");
        }
        assert!(logged(&server, "address blocked").contains("address=192.0.2.1"));
    }
}
