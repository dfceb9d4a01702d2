//! What is looked at before a handler has a WebSocket, on every async runtime.

use std::sync::Arc;
use wharf::framed::Lines;
use wharf::http::{Request, Response};
use wharf::link::{Config, Framing};
use wharf_async_std::{Bound, ServerHandle, Socket, serve_with};
use wharf_tests::adapter::Peer;
use wharf_tests::door::{Door, run};

/// A room's name, and who comes in.
type Room = (String, String);

fn judge(request: &Request) -> Result<Room, Response> {
    let name = request.headers().get("Cookie").unwrap_or("nobody").to_owned();
    match request.path() {
        "/health" => Err(Response::new(200).body("well")),
        "/panic" => panic!("as it was told"),
        path => match path.strip_prefix("/rooms/") {
            Some(room) => Ok((room.to_owned(), name)),
            None => Err(Response::plain(404)),
        },
    }
}

/// Rooms that tell each who comes where it is, in this framing.
async fn rooms<D: Door>(framing: Framing) -> ServerHandle {
    let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
    let mut config = Config::default();
    config.framing = framing;
    serve_with(bound, Arc::new(config), judge, |(room, name): Room, mut socket: Socket<D>| async move {
        socket.send(format!("{name} in {room:?}")).await.map_err(|e| e.to_string())
    })
}

fn comes_in(peer: &mut Peer, path: &str, cookie: &str) -> Vec<u8> {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    peer.write(
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nCookie: {cookie}\r\n\r\n"
        )
        .as_bytes(),
    );
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    peer.frame().unwrap().payload
}

/// Once the handler has returned.
fn leaves(mut peer: Peer) {
    assert_eq!(peer.closed(), 1000);
    peer.close(1000);
    peer.rest();
}

fn handlers_do_not_know_whom_they_have<D: Door>() {
    run::<D>(async {
        let server = rooms::<D>(Framing::WebSocket).await;
        let mut peer = Peer::connect(server.local_addr().clone());
        // One connection asks for this and that before it comes in.
        for (path, websocket, status, body) in [
            ("/health", false, 200, "well"),
            ("/health", true, 200, "well"),
            ("/", true, 404, ""),
            ("/rooms/galley", false, 426, ""),
        ] {
            peer.ask(path, websocket);
            let (answered, said) = peer.answer();
            assert_eq!(answered, status, "{path}");
            assert!(said.starts_with(body), "{path}: {said}");
        }
        assert_eq!(comes_in(&mut peer, "/rooms/galley", "jo"), b"jo in \"galley\"");
        leaves(peer);
        server.drain().await;
    });
}

fn a_judge_that_panics_takes_others_along<D: Door>() {
    run::<D>(async {
        let server = rooms::<D>(Framing::WebSocket).await;
        let mut fallen = Peer::connect(server.local_addr().clone());
        fallen.ask("/panic", true);
        assert_eq!(fallen.answer().0, 500);
        fallen.rest();
        let mut peer = Peer::connect(server.local_addr().clone());
        assert_eq!(comes_in(&mut peer, "/rooms/deck", "ole"), b"ole in \"deck\"");
        leaves(peer);
        server.drain().await;
    });
}

fn who_makes_no_request_is_judged<D: Door>() {
    run::<D>(async {
        let server = rooms::<D>(Framing::codec(Lines::new())).await;
        let mut peer = Peer::connect(server.local_addr().clone());
        assert_eq!(peer.rest(), b" in \"\"\n");
        drop(peer);
        server.drain().await;
    });
}

wharf_tests::on_every_door!({
    handlers_do_not_know_whom_they_have
    a_judge_that_panics_takes_others_along
    who_makes_no_request_is_judged
});
