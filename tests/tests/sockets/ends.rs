//! How sockets end, by either side, and how they do not begin, the same on tokio, async-std and smol.

use socket2::{Domain, SockAddr, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::link::{Config, OpenError};
use wharf::ws::handshake::{ClientRequest, HandshakeError};
use wharf_async_std::{ConnectError, Error, Socket, connect, connect_with};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::door::{Door, end_of, listen, run, task};
use wharf_tests::motley::{Ground, Suite};

fn ends_of_handlers<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            while let Some(message) = socket.next().await {
                let message = message.map_err(|e| e.to_string())?;
                match message.as_text() {
                    Some("return") => return Ok(()),
                    Some("fail") => return Err("as it was asked to".to_owned()),
                    Some("panic") => panic!("as it was asked to"),
                    Some("close") => {
                        let _ = socket.close(CloseCode::from(4002), "so be it").await;
                    }
                    _ => socket.send(message).await.map_err(|e| e.to_string())?,
                }
            }
            Ok(())
        })
        .await;
        let mut bystander = connect::<D>(&url).await.unwrap();
        for (word, code, reason) in
            [("return", 1000, ""), ("fail", 1011, ""), ("panic", 1011, ""), ("close", 4002, "so be it")]
        {
            let mut socket = connect::<D>(&url).await.unwrap();
            socket.send(word).await.unwrap();
            let closed = end_of(&mut socket).await;
            assert_eq!((closed.code.as_u16(), &*closed.reason), (code, reason), "{word}");
            bystander.send(format!("after {word}")).await.unwrap();
            let echoed = bystander.next().await.unwrap().unwrap();
            assert_eq!(echoed.as_text(), Some(&*format!("after {word}")));
        }
    });
}

fn ends_of_clients<D: Door>() {
    run::<D>(async {
        let (tell, told) = async_channel::bounded(1);
        let (url, server) = listen::<D, _, _>(move |mut socket: Socket<D>| {
            let tell = tell.clone();
            async move { tell.send(end_of(&mut socket).await).await.unwrap() }
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        socket.close(CloseCode::from(4001), "enough").await.unwrap();
        let closed = told.recv().await.unwrap();
        assert_eq!((closed.code.as_u16(), &*closed.reason), (4001, "enough"));

        let mut socket = connect::<D>(&url).await.unwrap();
        assert!(
            matches!(socket.close(CloseCode::ABNORMAL, "").await, Err(Error::Close(_))),
            "not a code to send"
        );
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(told.recv().await.unwrap().is_clean());

        drop(connect::<D>(&url).await.unwrap());
        assert_eq!(told.recv().await.unwrap().code, CloseCode::GOING_AWAY);

        drop(connect::<D>(&url).await.unwrap().split());
        assert_eq!(told.recv().await.unwrap().code, CloseCode::GOING_AWAY);

        let mut socket = connect::<D>(&url).await.unwrap();
        let draining = task::<D, _>(async move { server.drain().await });
        assert_eq!(end_of(&mut socket).await.code, CloseCode::GOING_AWAY);
        draining.await;
        assert!(
            matches!(connect::<D>(&url).await, Err(ConnectError::Connect(_))),
            "nobody listens after a drain"
        );
    });
}

/// The handler hands its socket to a task that outlives it: the end is told all the same.
fn a_socket_that_outlives_its_handler<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            let (_returned, has_returned) = async_channel::bounded::<()>(1);
            D::spawn(async move {
                let _ = has_returned.recv().await;
                let message = socket.next().await.unwrap().unwrap();
                socket.send(message).await.unwrap();
            });
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        socket.send("ahoy").await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("ahoy"));
        assert_eq!(end_of(&mut socket).await.code, CloseCode::GOING_AWAY);
    });
}

/// Neither the goodbye nor anything else needs a runtime that is there.
fn a_socket_dropped_outside_of_its_runtime<D: Door>() {
    let suite = Suite::start(Ground { runtime: RuntimeKind::Mio, unix: false });
    let mut sockets = Vec::new();
    run::<D>(async {
        for _ in 0..2 {
            sockets.push(connect::<D>(&suite.url()).await.unwrap());
        }
    });
    // The runtime is over; on tokio its streams are dead by now, and only elsewhere a goodbye can be written.
    sockets.clear();
    for _ in 0..2 {
        let closed = suite.closed();
        assert!(matches!(closed.code, CloseCode::GOING_AWAY | CloseCode::ABNORMAL), "{closed:?}");
    }
    let socket = D::wait(connect::<D>(&suite.url())).unwrap();
    drop(socket);
    assert_eq!(suite.closed().code, CloseCode::GOING_AWAY);
}

async fn refused<D: Door>(url: &str, open_timeout: Duration) -> ConnectError {
    let mut config = Config::client();
    config.open_timeout = open_timeout;
    match connect_with::<D>(&ClientRequest::new(url).unwrap(), &Arc::new(config)).await {
        Ok(_) => panic!("{url} took us"),
        Err(e) => e,
    }
}

fn errors_of_connecting<D: Door>() {
    let short = Duration::from_millis(200);
    run::<D>(async {
        // Too long for a name, so no server is asked for it.
        let unknown = refused::<D>(&format!("ws://{}.invalid/", "x".repeat(64)), PATIENCE).await;
        assert!(matches!(unknown, ConnectError::Lookup(_)), "{unknown}");

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let silent = refused::<D>(&url, short).await;
        assert!(
            matches!(silent, ConnectError::Open(OpenError::Handshake(HandshakeError::TimedOut))),
            "{silent}"
        );
        drop(listener);
        let nobody = refused::<D>(&url, PATIENCE).await;
        assert!(matches!(nobody, ConnectError::Connect(_)), "{nobody}");

        let (url, _full) = full_listener();
        let dropped = refused::<D>(&url, short).await;
        assert!(matches!(dropped, ConnectError::TimedOut), "{dropped}");

        let forbidden =
            refused::<D>(&answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"), PATIENCE).await;
        match forbidden {
            ConnectError::Open(OpenError::Handshake(HandshakeError::Refused(by))) => {
                assert_eq!((by.status, &*by.body), (403, &b"no"[..]))
            }
            other => panic!("{other}"),
        }
        let cut = refused::<D>(&answering("HTTP/1.1 101 Swit"), PATIENCE).await;
        assert!(matches!(cut, ConnectError::Open(OpenError::Handshake(HandshakeError::Ended(_)))), "{cut}");
    });
}

/// A listener whose queue is full: what asks to connect there gets no answer.
fn full_listener() -> (String, (socket2::Socket, Vec<TcpStream>)) {
    let listener = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
    }
    (format!("ws://{address}/"), (listener, waiting))
}

/// A server that answers one request so, whatever it was, and ends.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    url
}

wharf_tests::on_every_door!({
    ends_of_handlers
    ends_of_clients
    a_socket_that_outlives_its_handler
    a_socket_dropped_outside_of_its_runtime
    errors_of_connecting
});
