//! `wharf connect --listen`: the other side of a connection.

use super::{CHAIN, KEY, ROOT, RUNTIMES, complains, connect, succeeds};
use std::net::TcpStream;
use wharf_tests::folder::Folder;
use wharf_tests::program::Running;

/// Waits for a client, and where.
fn listen(runtime: &str, address: &str, more: &[&str]) -> (Running, String) {
    let args = ["connect", "--listen", address, "--runtime", runtime, "--log", "error"];
    let running = Running::start(args.into_iter().chain(more.iter().copied()));
    let line = running.complaint_with("listening on ");
    (running, line.trim_start_matches("listening on ").to_owned())
}

#[test]
fn both_sides_talk_and_end_together() {
    for (runtime, framing) in RUNTIMES.into_iter().flat_map(|r| [(r, "ws"), (r, "lines"), (r, "typed")]) {
        let (mut server, address) = listen(runtime, "127.0.0.1:0", &["--framing", framing]);
        let url = format!("tcp://{address}");
        let mut client = connect(runtime, &url, &["--framing", framing]);
        let tag = if framing == "typed" { "2 " } else { "" };
        server.say("from the server\n");
        assert_eq!(client.line(), format!("{tag}from the server"));
        client.say("from the client\n");
        assert_eq!(server.line(), format!("{tag}from the client"));
        // Whoever ends first, the other side ends with it.
        let (first, mut second) = if runtime < "n" { (server, client) } else { (client, server) };
        let stdin = second.take_stdin();
        succeeds(&first.wait(), &[]);
        succeeds(&second.wait(), &[]);
        drop(stdin);
    }
}

#[test]
fn it_is_there_for_one_client() {
    for runtime in RUNTIMES {
        let (mut server, address) = listen(runtime, "127.0.0.1:0", &[]);
        // Who only looks is not the one.
        drop(TcpStream::connect(&address).unwrap());
        let url = format!("ws://{address}/");
        let mut client = connect(runtime, &url, &[]);
        client.say("ahoy\n");
        assert_eq!(server.line(), "ahoy");
        complains(&connect(runtime, &url, &[]).wait(), 1, &["handshake:", "503"]);
        server.say("still here\n");
        assert_eq!(client.line(), "still here");
        succeeds(&client.wait(), &[]);
        succeeds(&server.wait(), &[]);
    }
}

#[test]
fn it_listens_where_servers_do_and_speaks_what_they_speak() {
    let folder = Folder::new();
    for runtime in RUNTIMES {
        let socket = folder.socket(runtime).to_string();
        let (server, address) = listen(runtime, &socket, &["--send", "ahoy"]);
        assert_eq!(address, socket);
        let mut client = connect(runtime, &socket, &[]);
        let stdin = client.take_stdin();
        succeeds(&client.wait(), &["ahoy"]);
        succeeds(&server.wait(), &[]);
        drop(stdin);

        let secure = ["--tls", CHAIN, KEY, "--deflate", "--send", "ahoy"];
        let (server, address) = listen(runtime, "127.0.0.1:0", &secure);
        let url = format!("wss://{address}/");
        let offered = ["--ca", ROOT, "--deflate", "--subprotocol", "chat"];
        let mut client = connect(runtime, &url, &offered);
        let stdin = client.take_stdin();
        succeeds(&client.wait(), &["ahoy"]);
        succeeds(&server.wait(), &[]);
        drop(stdin);
    }
}

#[test]
fn its_exit_codes_are_those_of_the_other_side() {
    for runtime in RUNTIMES {
        let (server, _) = listen(runtime, "127.0.0.1:0", &[]);
        server.signal("INT");
        complains(&server.wait(), 1, &["interrupted"]);

        let (mut server, address) = listen(runtime, "127.0.0.1:0", &[]);
        let mut client = connect(runtime, &format!("ws://{address}/"), &[]);
        server.say("ahoy\n");
        assert_eq!(client.line(), "ahoy");
        client.kill();
        let stdin = server.take_stdin();
        complains(&server.wait(), 1, &["1006"]);
        drop(stdin);
    }
}

#[test]
fn a_port_in_use_is_one_line_and_2() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for runtime in RUNTIMES {
        let ended = Running::start(["connect", "--listen", &address, "--runtime", runtime]).wait();
        complains(&ended, 2, &["cannot listen on", &address]);
    }
}
