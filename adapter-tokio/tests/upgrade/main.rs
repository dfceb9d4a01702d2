//! WebSockets behind hyper and axum, on real sockets.
#![forbid(unsafe_code)]

mod door;

use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wharf::base::{CloseCode, Closed};
use wharf::link::{Config, Framing};
use wharf::ws::handshake::{ClientRequest, OriginPolicy, Refusal};
use wharf_tokio::axum::WebSocketUpgrade;
use wharf_tokio::{Door, Error, Foreign, Socket, connect, connect_with, upgrade};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it waits for ever")
}

async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn echo_app() -> Router {
    let ws = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) };
    Router::new().route("/ws", get(ws)).route("/", get(|| async { "a page" }))
}

/// hyper by itself, over streams that `wrap` makes.
async fn serve_hyper<T>(wrap: impl Fn(TcpStream) -> T + Send + 'static) -> SocketAddr
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(wrap(stream)), service_fn(hyper_echo))
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    address
}

async fn hyper_echo(
    mut request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<axum::body::Body>, Infallible> {
    Ok(match upgrade::upgrade(&mut request, &Arc::default()) {
        Ok((answer, upgrading)) => {
            tokio::spawn(async move { echo(upgrading.await.unwrap()).await });
            answer.map(|()| axum::body::Body::empty())
        }
        Err(refusal) => upgrade::refused(refusal).map(axum::body::Body::from),
    })
}

/// Writes all of it at once and returns the head of the answer and what came behind it, up to `behind` bytes.
async fn ask(address: SocketAddr, bytes: &[u8], behind: usize) -> (String, Vec<u8>, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut came = Vec::new();
    loop {
        if let Some(end) = came.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = came.split_off(end + 4);
            if rest.len() >= behind {
                return (String::from_utf8(came).unwrap().to_lowercase(), rest, stream);
            }
            came.extend(rest);
        }
        assert!(stream.read_buf(&mut came).await.unwrap() > 0, "{}", came.escape_ascii());
    }
}

/// A request and its first frames in one write: a whole one, and the begin of another.
#[tokio::test]
async fn frames_in_the_packet_of_the_request_are_kept() {
    in_time(async {
        let foreign = serve_hyper(|stream| tokio::io::BufStream::with_capacity(16, 16, stream)).await;
        for address in [serve(echo_app()).await, serve_hyper(|stream| stream).await, foreign] {
            let bytes = [UPGRADE.as_bytes(), b"\r\n\x81\x85\0\0\0\0early\x82\x83\0\0"].concat();
            let (head, behind, mut stream) = ask(address, &bytes, 7).await;
            assert!(head.starts_with("http/1.1 101 "), "{head}");
            assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
            assert_eq!(behind, b"\x81\x05early");
            stream.write_all(b"\0\x00123\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"\x82\x03123\x88\x02\x03\xe8");
        }
    })
    .await;
}

#[tokio::test]
async fn an_ordinary_client_and_a_page_on_one_port() {
    in_time(async {
        let address = serve(echo_app()).await;
        let mut socket = connect(&format!("ws://{address}/ws")).await.unwrap();
        for len in [0, 5, 70_000, 3_000_000] {
            socket.send(vec![7; len]).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap().payload(), vec![7; len]);
        }
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        let (head, body, _) = ask(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 6).await;
        assert!(head.starts_with("http/1.1 200 ") && body == b"a page", "{head}");
    })
    .await;
}

#[tokio::test]
async fn refusals_say_what_would_do() {
    in_time(async {
        let mut config = Config::default();
        config.policy.origins = OriginPolicy::SameHost;
        // What the port speaks, and over what, is the HTTP server's to say.
        config.framing = Framing::Codec(Arc::new(wharf::framed::Lines::new()));
        let app = echo_app().layer(Extension(Arc::new(config)));
        let address = serve(app).await;
        for (request, status, field) in [
            ("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 426, "upgrade: websocket"),
            (UPGRADE.replace(": 13", ": 12") + "\r\n", 426, "sec-websocket-version: 13"),
            (UPGRADE.replace("ZQ==", "") + "\r\n", 400, ""),
            (UPGRADE.replace("Connection: Upgrade\r\n", "") + "\r\n", 400, ""),
            (UPGRADE.to_owned() + "Origin: https://elsewhere\r\n\r\n", 403, ""),
            (UPGRADE.to_owned() + "Origin: http://a\r\n\r\n", 101, "upgrade: websocket"),
        ] {
            let (head, ..) = ask(address, request.as_bytes(), 0).await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{request}{head}");
            assert!(head.contains(field), "{head}");
        }
        let mut old = http::Request::get("/ws").version(http::Version::HTTP_2).body(()).unwrap();
        assert_eq!(upgrade::upgrade(&mut old, &Arc::default()).unwrap_err(), Refusal::NotGet);
    })
    .await;
}

#[tokio::test]
async fn subprotocols_and_fields_of_the_answer() {
    async fn choosing(upgrade: WebSocketUpgrade) -> Response {
        assert_eq!(upgrade.offered(), ["one", "two"]);
        upgrade.subprotocols(["three", "two"]).header("X-Served-By", "7").on_upgrade(echo)
    }
    in_time(async {
        let bad = |upgrade: WebSocketUpgrade| async { upgrade.header("Connection", "x").on_upgrade(echo) };
        let app = Router::new().route("/ws", get(choosing)).route("/bad", get(bad));
        let address = serve(app).await;
        let request = ClientRequest::new(&format!("ws://{address}/ws")).unwrap();
        let request = request.subprotocol("one").unwrap().subprotocol("two").unwrap();
        let mut socket = connect_with(&request, &Arc::new(Config::client())).await.unwrap();
        let welcome = socket.welcome();
        assert_eq!(welcome.subprotocol.as_deref(), Some("two"));
        assert_eq!(welcome.headers.get("x-served-by"), Some("7"));
        socket.send("ahoy").await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("ahoy"));
        let bad = UPGRADE.replace("/ws", "/bad") + "\r\n";
        assert!(ask(address, bad.as_bytes(), 0).await.0.starts_with("http/1.1 500 "));
    })
    .await;
}

/// What is agreed on beside the handshake holds here as on any other transport.
#[tokio::test]
async fn compression_is_agreed_on() {
    in_time(async {
        let with_deflate = |mut ws: wharf::ws::Config| {
            ws.deflate = Some(wharf::ws::deflate::Config::default());
            let mut config = Config::default();
            config.ws = Arc::new(ws);
            Arc::new(config)
        };
        let server = with_deflate(wharf::ws::Config::default());
        let address = serve(echo_app().layer(Extension(server))).await;
        let url = format!("ws://{address}/ws");
        let mut socket = connect_with(&*url, &with_deflate(wharf::ws::Config::client())).await.unwrap();
        assert!(socket.welcome().headers.get("sec-websocket-extensions").is_some());
        let text = "the same again. ".repeat(1000);
        socket.send(&*text).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some(&*text));
        let stats = socket.stats();
        assert_eq!((stats.compressed_in, stats.compressed_out), (1, 1));
    })
    .await;
}

/// The answer is given, and the connection is one that cannot be upgraded.
#[tokio::test]
async fn a_failed_upgrade_is_told() {
    in_time(async {
        let (tell, mut told) = mpsc::unbounded_channel();
        let ws = move |upgrade: WebSocketUpgrade| {
            let tell = tell.clone();
            async move {
                let failed = move |error: upgrade::UpgradeError| tell.send(error.to_string()).unwrap();
                upgrade.on_failed_upgrade(failed).on_upgrade(echo)
            }
        };
        let app = Router::new().route("/ws", get(ws));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(app);
            // Without upgrades: hyper drops what waits for one.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        let (head, ..) = ask(address, (UPGRADE.to_owned() + "\r\n").as_bytes(), 0).await;
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        let error = told.recv().await.unwrap();
        assert!(error.starts_with("the connection was not upgraded: "), "{error}");
    })
    .await;
}

async fn end_of(socket: &mut Socket) -> Closed {
    while let Some(Ok(_)) = socket.next().await {}
    socket.closed().unwrap().clone()
}

#[tokio::test]
async fn a_drain_closes_what_was_upgraded_and_waits_for_it() {
    in_time(async {
        let mut config = Config::default();
        config.max_connections = 3;
        let mut ws = wharf::ws::Config::default();
        ws.close_timeout = Duration::from_millis(50);
        config.ws = Arc::new(ws);
        let door = Door::new(Arc::new(config));
        let app = echo_app().layer(Extension(door.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let begun = door.clone();
        let serving = tokio::spawn(async move {
            axum::serve(listener, app).with_graceful_shutdown(async move { begun.begun().await }).await
        });
        let url = format!("ws://{address}/ws");
        let mut polite = connect(&url).await.unwrap();
        let mut early = connect(&url).await.unwrap();
        let (_, _, silent) = ask(address, (UPGRADE.to_owned() + "\r\n").as_bytes(), 0).await;
        assert_eq!(door.connections(), 3);
        let full = ask(address, (UPGRADE.to_owned() + "\r\n").as_bytes(), 0).await.0;
        assert!(full.starts_with("http/1.1 503 "), "{full}");
        early.close(CloseCode::NORMAL, "").await.unwrap();
        let ending = tokio::spawn(async move { end_of(&mut polite).await });
        door.drain().await;
        assert_eq!(door.connections(), 0, "the silent one was given up at its deadline");
        assert_eq!(ending.await.unwrap().code, CloseCode::GOING_AWAY);
        serving.await.unwrap().unwrap();
        drop(silent);
    })
    .await;
}

/// A handler's return, failure and panic, each told to the peer.
#[tokio::test]
async fn ends_of_handlers_are_those_of_any_server() {
    in_time(async {
        let ws = |upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move {
                match socket.next().await.unwrap().unwrap().as_text() {
                    Some("fail") => Err("as it was asked to"),
                    Some("panic") => panic!("as it was asked to"),
                    _ => Ok(()),
                }
            })
        };
        let address = serve(Router::new().route("/ws", get(ws))).await;
        for (word, code) in [("return", 1000), ("fail", 1011), ("panic", 1011)] {
            let mut socket = connect(&format!("ws://{address}/ws")).await.unwrap();
            socket.send(word).await.unwrap();
            assert_eq!(end_of(&mut socket).await.code.as_u16(), code, "{word}");
        }
    })
    .await;
}

/// A stream of any kind carries a socket, without hyper too.
#[tokio::test]
async fn a_socket_over_a_pipe() {
    in_time(async {
        let clock = wharf_tokio::Clock::new();
        let config = Arc::new(Config::default());
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut link = wharf::link::Link::server(clock.now(), clock.wall(), &config);
        let mut bytes = [UPGRADE.as_bytes(), b"\r\n"].concat();
        let mut input = wharf::base::Input::new(&mut bytes);
        while let Some(event) = link.receive(clock.now(), &mut input) {
            if let wharf::link::Event::Request(_) = event {
                link.accept(clock.now(), &Default::default()).unwrap();
            }
        }
        let carrier = wharf_tokio::Carrier::Other(Box::new(Foreign::from(ours)));
        let socket = Socket::from_parts(wharf_tokio::Parts::new(carrier, link, clock));
        let serving = tokio::spawn(echo(socket));
        theirs.write_all(b"\x81\x84\0\0\0\0ahoy\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
        let mut came = Vec::new();
        theirs.read_to_end(&mut came).await.unwrap();
        assert!(came.starts_with(b"HTTP/1.1 101 ") && came.ends_with(b"\x81\x04ahoy\x88\x02\x03\xe8"));
        assert_eq!(serving.await.unwrap(), Ok(()));
    })
    .await;
}
