//! `wharf chat`, its lines and its database.

use super::*;
use std::io::Read;

/// The last part of a line that tells where a server listens.
fn address(line: &str, scheme: &str) -> String {
    line.strip_prefix("listening on ").and_then(|at| at.strip_prefix(scheme)).expect(line).to_owned()
}

#[test]
fn lines_of_json_and_the_page_share_the_rooms() {
    for runtime in RUNTIMES {
        let listen = ["--listen", "127.0.0.1:0", "--listen", "tcp://127.0.0.1:0"];
        let args = ["chat", "--runtime", runtime, "--log", "error"].into_iter().chain(listen);
        let server = Running::start(args);
        let (web, lines) = (address(&server.line(), ""), address(&server.line(), "tcp://"));
        let mut stream = TcpStream::connect(&lines).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"{\"type\":\"message\",\"content\":\"ahoy\",\"ref\":\"r\"}\n").unwrap();
        let mut heard = BufReader::new(&stream).lines().map_while(Result::ok);
        let told = heard.find(|line| line.starts_with(r#"{"type":"message""#)).expect("an acknowledgement");
        assert!(told.contains(r#""id":1,"#) && told.ends_with(r#""ref":"r"}"#), "{told}");
        let mut page = TcpStream::connect(&web).unwrap();
        page.set_read_timeout(Some(PATIENCE)).unwrap();
        page.write_all(
            b"GET /api/rooms/general/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
        let mut answer = String::new();
        page.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(&format!(r#"{{"messages":[{told}],"more":false}}"#)), "{answer}");
        server.signal("TERM");
        let rest: Vec<String> = heard.collect();
        assert!(rest.is_empty(), "{rest:?}");
        let ended = server.wait();
        assert_eq!((ended.code, ended.err), (Some(0), vec![]), "{runtime}");
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_one_line_without_its_password_and_1() {
    let database = "postgres://ada:secret@127.0.0.1:1/chat";
    let ended = run(["chat", "--listen", "127.0.0.1:0", "--database", database]);
    complains(&ended, 1, &["--database", "ada@127.0.0.1:1"]);
    assert!(!ended.err.iter().any(|line| line.contains("secret")), "{ended:?}");
}
