//! A server of handlers, and its clients: of the async runtimes alone.

use std::sync::Arc;
use wharf::link::{Address, Config};
use wharf_async_std::{Bound, Error, Socket, connect, serve};
use wharf_tests::door::{Door, run};
use wharf_tests::log::Log;
use wharf_tests::on_every_door;

async fn handler<D: Door>(mut socket: Socket<D>) -> Result<(), String> {
    tracing::info!("inside");
    match socket.next().await.unwrap().map_err(|e: Error| e.to_string())?.as_text() {
        Some("fail") => Err("as it was asked to".to_owned()),
        Some("panic") => panic!("as it was asked to"),
        _ => Ok(()),
    }
}

/// Says one word to a server that takes one connection, until that has ended; where the server was.
async fn talk<D: Door>(word: &str) -> Address {
    let mut config = Config::default();
    config.max_connections = 1;
    let bound = Bound::<D>::bind(([127, 0, 0, 1], 0)).await.unwrap();
    let server = serve(bound, Arc::new(config), handler::<D>);
    let url = format!("ws://{}/", server.local_addr());
    let mut socket = connect::<D>(&*url).await.unwrap();
    assert!(connect::<D>(&*url).await.is_err(), "one at a time");
    socket.send(word).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    server.drain().await;
    server.local_addr().clone()
}

fn a_handler_tells_how_its_connection_ends<D: Door>() {
    for (word, code) in [("a secret", 1000), ("fail", 1011), ("panic", 1011)] {
        let (log, mut address) = (Log::alone(), None);
        run::<D>(async { address = Some(talk::<D>(word).await) });
        let address = address.unwrap();
        let port = address.tcp().unwrap().port();
        let (server, connection) = (format!("tcp.server{{port={port}}}"), ":connection{id=");
        let client = format!("tcp.client.connect{{host=\"127.0.0.1\" port={port}}}");
        let (address, code) = (format!("address={address}"), format!("code={code}"));
        log.has(1, &["INFO", &server, "listening", &address]);
        log.has(1, &["INFO", &server, "connection opened", "id=", "address=127.0.0.1:"]);
        log.has(1, &["INFO", &server, connection, "inside"]);
        log.has(1, &["INFO", &server, connection, "connection closed", &code, "origin=Local"]);
        log.has(1, &["WARN", &server, "connection refused", "address=127.0.0.1:", "too many connections"]);
        let failures = usize::from(word != "a secret");
        let failure = ["handler failed", "connection=", "address=127.0.0.1:", "as it was asked to"];
        log.has(failures, &[&["ERROR", &server, connection], &failure[..]].concat());
        log.has(1, &["INFO", "drained", &address, "reset=0"]);
        log.has(1, &["INFO", &client, "connection opened", &address]);
        log.has(1, &["ERROR", &client, "connect failed", "error="]);
        log.has(1, &["INFO", "connection closed", &code, "origin=Remote", &address]);
        log.has(0, &["secret"]);
    }
}

on_every_door!({ a_handler_tells_how_its_connection_ends });
