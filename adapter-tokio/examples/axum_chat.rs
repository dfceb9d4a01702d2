//! A page, a status and a chat on one port of axum. Ctrl-C says goodbye to everybody (1001), waits for them, and ends.
//!
//! `cargo run -p wharf-tokio --features axum --example axum_chat`, then open <http://127.0.0.1:8080/> in two windows.
#![forbid(unsafe_code)]

use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Extension, Router};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use wharf::link::Config;
use wharf_tokio::axum::WebSocketUpgrade;
use wharf_tokio::{Door, Socket};

/// Lines that a slow member may be behind; past them it misses some.
const LINES: usize = 256;

const PAGE: &str = r#"<!doctype html><title>chat</title><form><input autofocus> <button>say</button></form><pre></pre>
<script>
const socket = new WebSocket(`ws://${location.host}/ws`);
socket.onmessage = event => document.querySelector("pre").textContent += event.data + "\n";
document.forms[0].onsubmit = event => {
  event.preventDefault();
  socket.send(document.querySelector("input").value);
  event.target.reset();
};
</script>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (room, _) = broadcast::channel::<String>(LINES);
    let door = Door::new(limits());
    let app = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/status", get(status))
        .route("/ws", get(enter))
        .layer(Extension(room))
        .layer(Extension(door.clone()));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(interrupted()).await?;
    // axum has let go of the upgraded connections; this closes them and waits.
    door.drain().await;
    Ok(())
}

/// Whoever has eight windows open has enough.
fn limits() -> Arc<Config> {
    let mut config = Config::default();
    config.max_connections_per_address = Some(8);
    Arc::new(config)
}

async fn interrupted() {
    if let Err(e) = tokio::signal::ctrl_c().await {
        eprintln!("Ctrl-C is not heard: {e}");
    }
}

async fn status(Extension(door): Extension<Door>) -> String {
    format!("{} here, {} turned away\n", door.connections(), door.stats().refused)
}

async fn enter(upgrade: WebSocketUpgrade, Extension(room): Extension<broadcast::Sender<String>>) -> Response {
    upgrade
        .on_failed_upgrade(|error| eprintln!("gone before it came: {error}"))
        .on_upgrade(|socket| member(socket, room))
}

async fn member(mut socket: Socket, room: broadcast::Sender<String>) -> Result<(), wharf_tokio::Error> {
    let mut lines = room.subscribe();
    loop {
        // Whichever is not ready is dropped, and loses nothing.
        tokio::select! {
            message = socket.next() => match message.transpose()? {
                Some(message) => {
                    if let Some(text) = message.as_text() {
                        // There is one who listens: this one.
                        let _ = room.send(text.to_owned());
                    }
                }
                None => return Ok(()),
            },
            line = lines.recv() => match line {
                Ok(line) => socket.send(line).await?,
                Err(RecvError::Lagged(missed)) => socket.send(format!("({missed} lines missed)")).await?,
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
