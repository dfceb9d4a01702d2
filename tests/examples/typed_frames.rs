//! A protocol of typed frames, `[length: u32][type: u8][payload]`, over a plain TCP connection: pings of the application's own
//! that it answers itself, data that it handles, and a type that it does not know, which is a message like any other.
//!
//! `cargo run -p wharf-tests --example typed_frames`

use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::sync::Arc;
use wharf::base::{CloseCode, Message};
use wharf::framed::Typed;
use wharf::link::{Config, Framing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    for answer in talk().await? {
        println!("{answer:?}");
    }
    Ok(())
}

/// What a peer does with a frame.
fn answer(message: &Message<'_>) -> Message<'static> {
    match message {
        Message::Typed(Typed::PING, payload) => Message::typed(Typed::PING, payload.to_vec()),
        Message::Typed(Typed::DATA, payload) => Message::typed(Typed::DATA, payload.to_ascii_uppercase()),
        Message::Typed(unknown, _) => Message::typed(0, format!("no such type: {unknown}").into_bytes()),
        other => Message::typed(0, format!("not a typed frame: {:?}", other.kind()).into_bytes()),
    }
}

/// Serves, and says a few things to it as a client; what the client hears.
pub(crate) async fn talk() -> Result<Vec<Message<'static>>, Box<dyn Error>> {
    let mut config = Config::client();
    config.framing = Framing::codec(Typed);
    let config = Arc::new(config);

    let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
    let address = bound.local_addr().clone();
    let server = wharf_tokio::serve(bound, config.clone(), |mut socket| async move {
        while let Some(message) = StreamExt::next(&mut socket).await {
            SinkExt::send(&mut socket, answer(&message?)).await?;
        }
        Ok::<(), wharf_tokio::Error>(())
    });

    let mut socket = wharf_tokio::connect_with(format!("tcp://{address}"), &config).await?;
    let mut heard = Vec::new();
    for (tag, payload) in [(Typed::PING, "are you there?"), (Typed::DATA, "hello"), (77, "")] {
        SinkExt::send(&mut socket, Message::typed(tag, payload.as_bytes().to_vec())).await?;
        heard.push(StreamExt::next(&mut socket).await.ok_or("the server hung up")??);
    }
    socket.close(CloseCode::NORMAL, "").await?;
    server.drain().await;
    Ok(heard)
}
