//! The configurations of the guide to deploying, as they stand there, before a server on each runtime. A proxy that is not
//! installed is skipped.
#![forbid(unsafe_code)]

use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use wharf::base::{CloseCode, Message};
use wharf::http::{Request, Response};
use wharf::link::{Config, ConnId, Context, ForwardedBy, Forwarding, Service, Verdict};
use wharf::ws::handshake::OriginPolicy;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::code_block::code_blocks;
use wharf_tests::daemon::{Daemon, are_installed};
use wharf_tests::on_every_runtime;
use wharf_tests::peer_stream::PeerStream;
use wharf_tests::wire::first;

/// The blocks of the guide, as it is now.
fn blocks(language: &str) -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/guide/deploying.md");
    code_blocks(&std::fs::read_to_string(page).expect("the guide"), language)
}

/// Says to each where it comes from, and answers the check.
struct Mirror {
    /// Told of each request for `/health` that the proxy makes on its own account: it names no client.
    checks: mpsc::Sender<()>,
}

impl Service for Mirror {
    type Job = ();
    type Done = ();
    type Command = ();

    fn request(&mut self, _: &mut Context<'_>, _: ConnId, request: &Request) -> Verdict {
        match request.path() {
            "/ws" => Verdict::accept(),
            "/health" => {
                if request.headers().get("x-forwarded-for").is_none() {
                    // Most tests look at no check.
                    let _ = self.checks.send(());
                }
                Verdict::Respond(Response::new(200).text("up"))
            }
            _ => Verdict::Respond(Response::plain(404)),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let client = cx.info(conn).and_then(|info| info.client).expect("an address");
        let _ = cx.send(conn, Message::text(client.to_string()));
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if message.as_text() == Some("end") {
            let _ = cx.close(conn, CloseCode::from(4000), "as asked");
        } else {
            let _ = cx.send(conn, message);
        }
    }
}

/// The server as the guide has it, whose pages alone may connect; its address; and the checks that reach it.
fn serve(runtime: RuntimeKind, forwarding: Forwarding) -> (Serving<()>, String, mpsc::Receiver<()>) {
    let mut config = Config::default();
    config.forwarding = Some(Arc::new(forwarding));
    config.policy.origins = OriginPolicy::SameHost;
    let (checks, checked) = mpsc::channel();
    let serving = Serving::start(runtime, Mirror { checks }, config);
    let address = serving.address.tcp().expect("a TCP address").to_string();
    (serving, address, checked)
}

fn by_fields() -> Forwarding {
    let mut forwarding = Forwarding::trusting(["127.0.0.1/32".parse().expect("a block")]);
    forwarding.fields = ForwardedBy::XForwardedFor;
    forwarding
}

/// The configuration of the guide, with our ports in place of its own.
fn configuration(language: &str, index: usize, (place, ours): (&str, &str), server: &str) -> String {
    let block = blocks(language).swap_remove(index);
    for placeholder in [place, "127.0.0.1:9001"] {
        assert_eq!(block.matches(placeholder).count(), 1, "{placeholder}");
    }
    block.replace(place, ours).replace("127.0.0.1:9001", server)
}

fn nginx(server: &str) -> Daemon {
    Daemon::start("nginx", |port, folder| {
        let listen = format!("listen 127.0.0.1:{port};");
        let site = configuration("nginx", 0, ("listen 80;", &listen), server);
        // Those that it was built with may belong to somebody else, or to nobody.
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", folder.path(name)))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {};\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{paths}{site}}}\n",
            folder.path("pid")
        );
        vec!["-e".into(), "stderr".into(), "-c".into(), Daemon::file(folder, "conf", &text)]
    })
}

/// Where HAProxy says how its servers are.
const STATS: &str = "stats";

fn haproxy(index: usize, server: &str) -> Daemon {
    Daemon::start("haproxy", |port, folder| {
        let site = configuration("haproxy", index, ("bind :80", &format!("bind 127.0.0.1:{port}")), server);
        let text = format!("global\n    stats socket {}\n{site}", folder.path(STATS));
        vec!["-db".into(), "-f".into(), Daemon::file(folder, "conf", &text)]
    })
}

/// What HAProxy's last check of its server came to.
fn last_check(haproxy: &Daemon) -> String {
    let mut stats = UnixStream::connect(haproxy.folder.path(STATS)).expect("it tells");
    stats.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stats.write_all(b"show stat\n").expect("it reads");
    let mut table = String::new();
    stats.read_to_string(&mut table).expect("a table");
    let names: Vec<&str> = table.lines().next().expect("a head").split(',').collect();
    let row = table.lines().find(|line| line.starts_with("wharf,one,")).expect("the server's row");
    let at = names.iter().position(|name| *name == "check_status").expect("the column");
    // A star says that the next one is on its way.
    row.split(',').nth(at).expect("a field").trim_start_matches("* ").into()
}

/// A stream of a client whose address is another one than the proxy's.
fn from_client(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 7], 0)).into()).expect("all of 127.0.0.0/8 is this machine");
    socket.connect(&to.into()).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    socket.into()
}

/// Asks for a WebSocket as a page of this host, with a lie about where it comes from; the head of the answer.
fn open(proxy: SocketAddr, origin: &str) -> (String, Peer) {
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {proxy}\r\nOrigin: http://{origin}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nX-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let mut peer = Peer::over(PeerStream::Tcp(from_client(proxy)));
    peer.write(request.as_bytes());
    (peer.head(), peer)
}

/// All that the guide promises goes through the proxy.
fn goes_through(serving: &Serving<()>, proxy: &Daemon) {
    let (head, mut peer) = open(proxy.address, &proxy.address.to_string());
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let client = peer.frame().expect("a message").payload;
    assert_eq!(client.escape_ascii().to_string(), "127.0.0.7", "whoever lies is believed");
    for payload in [&b"ahoy"[..], &[b'x'; 100]] {
        peer.send(first::TEXT, payload);
        assert_eq!(peer.frame().expect("an echo").payload, payload);
    }
    peer.send(first::TEXT, b"end");
    assert_eq!(peer.closed(), 4000, "the code does not arrive");

    let (head, _) = open(proxy.address, "elsewhere.example");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let mut stream = from_client(proxy.address);
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("an answer");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("up"), "{page}");

    let (_, mut peer) = open(proxy.address, &proxy.address.to_string());
    assert!(peer.frame().is_some(), "it is open");
    serving.drain();
    assert_eq!(peer.closed(), 1001, "a drain is not heard");
    peer.close(1001);
    let _ = peer.stream.shutdown(Shutdown::Write);
}

fn behind_nginx(runtime: RuntimeKind) {
    if !are_installed("deploying", &["nginx"]) {
        return;
    }
    let (serving, address, _) = serve(runtime, by_fields());
    goes_through(&serving, &nginx(&address));
}

fn behind_haproxy(runtime: RuntimeKind) {
    if !are_installed("deploying", &["haproxy"]) {
        return;
    }
    let (serving, address, _) = serve(runtime, by_fields());
    goes_through(&serving, &haproxy(0, &address));
}

/// A server whose checks fail is taken for up until they have, so that requests go through proves nothing of them.
fn haproxy_checks_its_server_and_finds_it_up(runtime: RuntimeKind) {
    if !are_installed("deploying", &["haproxy"]) {
        return;
    }
    let (_serving, address, checks) = serve(runtime, by_fields());
    let proxy = haproxy(0, &address);
    // Whoever checks again has judged the answer to the check before.
    for check in ["first", "second"] {
        checks.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {check} check reaches the service"));
    }
    // Answered by a 2xx or a 3xx, of which the service knows 200 alone.
    assert_eq!(last_check(&proxy), "L7OK");
}

fn behind_the_proxy_protocol(runtime: RuntimeKind) {
    if !are_installed("deploying", &["haproxy"]) {
        return;
    }
    let mut forwarding = Forwarding::trusting(["127.0.0.1/32".parse().expect("a block")]);
    forwarding.proxy_protocol = true;
    let (serving, address, _) = serve(runtime, forwarding);
    goes_through(&serving, &haproxy(1, &address));
}

#[test]
fn no_configuration_of_the_guide_is_left_out() {
    assert_eq!((blocks("nginx").len(), blocks("haproxy").len()), (1, 2));
}

on_every_runtime!({
    behind_nginx
    behind_haproxy
    haproxy_checks_its_server_and_finds_it_up
    behind_the_proxy_protocol
});
