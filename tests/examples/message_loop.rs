//! A message loop, `{"type": …, "payload": …}`: what comes is a message of the type or the error that it is none. On tokio,
//! async-std and smol the socket is a stream and a sink, and what is done with it are combinators of `futures`; on a bare mio loop
//! the same machine is a part of a service.
//!
//! `cargo run -p wharf-tests --example message_loop -- --runtime tokio|async-std|smol|mio`

use clap::Parser;
use futures_util::{SinkExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use wharf::base::{CloseCode, Closed, Message};
use wharf::framed::Lines;
use wharf::link::{Config, ConnId, Context, Framing, Service, Target};
use wharf::service::messages::{BadMessage, Messages, MessagesConfig};
use wharf_async_std::{Bound, Runtime, Socket, TypedError, TypedSocket, connect_with, serve};
use wharf_cli::runner::{Portable, RuntimeKind};

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
}

/// What a sensor says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum Reading {
    Celsius(f64),
    Humidity(f64),
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
pub(crate) enum Advice {
    Cool { by: f64 },
    Invalid(String),
}

/// What is sent: two messages that need advice, one that needs none, and what is no message.
const SENT: [&str; 5] = [
    r#"{"type": "celsius", "payload": 31.5}"#,
    r#"{"type": "humidity", "payload": 0.4}"#,
    r#"{"type": "celsius", "payload": "hot"}"#,
    r#"{"type": "cel"#,
    r#"{"type": "celsius", "payload": 26.0}"#,
];

/// What the program is about.
fn advise(reading: Result<&Reading, &BadMessage>) -> Option<Advice> {
    match reading {
        Ok(Reading::Celsius(degrees)) if *degrees > 25.0 => Some(Advice::Cool { by: degrees - 25.0 }),
        Ok(_) => None,
        // One bad message is a value, and the next one is read.
        Err(bad) => Some(Advice::Invalid(bad.reason())),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    for advice in talk(Args::parse().runtime)? {
        println!("{advice:?}");
    }
    Ok(())
}

/// Serves, and says a few things to it; what it advised.
pub(crate) fn talk(runtime: RuntimeKind) -> Result<Vec<Advice>, Box<dyn Error>> {
    runtime.run(Talk)?
}

/// JSON over TCP is framed by lines.
fn lines(mut config: Config) -> Arc<Config> {
    config.framing = Framing::codec(Lines::new());
    Arc::new(config)
}

/// The server's part. While the peer takes no advice, none of its readings is read: backpressure goes through all of it.
async fn converse<R: Runtime>(socket: Socket<R>) -> Result<(), TypedError> {
    let socket: TypedSocket<R, Reading, Advice> = socket.typed(MessagesConfig::default());
    let (sink, readings) = socket.split();
    let advice = readings.filter_map(|reading| {
        ready(match reading {
            Ok(reading) => advise(Ok(&reading)).map(Ok),
            Err(TypedError::Bad(bad)) => advise(Err(&bad)).map(Ok),
            Err(error) => Some(Err(error)),
        })
    });
    advice.forward(sink).await
}

/// A conversation, from its beginning to the server's end.
struct Talk;

impl Portable for Talk {
    type Output = Result<Vec<Advice>, Box<dyn Error>>;

    async fn run_async<R: Runtime>(self) -> Self::Output {
        let bound = Bound::<R>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let server = serve(bound, lines(Config::default()), converse::<R>);

        let target = format!("tcp://{}", server.local_addr());
        let mut socket = connect_with::<R>(target, &lines(Config::client())).await?;
        socket.send_all(&mut stream::iter(SENT).map(|text| Ok(Message::text(text)))).await?;
        let mut socket: TypedSocket<R, Advice, Reading> = socket.typed(MessagesConfig::default());
        let mut heard = Vec::new();
        while heard.len() < 4 {
            heard.push(socket.next().await.ok_or("the server hung up")??);
        }
        socket.close(CloseCode::NORMAL, "").await?;
        server.drain().await;
        Ok(heard)
    }

    fn run_mio(self) -> Self::Output {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = wharf_mio::Server::bind(address, Adviser::default(), lines(Config::default()))?;
        let target: Target = format!("tcp://{}", server.local_addr().ok_or("no address")?).parse()?;
        let handle = server.handle();
        let server = std::thread::spawn(move || server.run());

        let mut socket = wharf_mio::connect(target, &lines(Config::client()))?;
        for text in SENT {
            socket.send(Message::text(text))?;
        }
        let mut messages = Messages::<Advice, Reading>::new(MessagesConfig::default());
        let mut heard = Vec::new();
        while heard.len() < 4 {
            let message = socket.next().ok_or("the end was told")?.map_err(|closed| closed.to_string())?;
            heard.push(messages.decode(&message)?);
        }
        socket.close(CloseCode::NORMAL, "")?;
        while let Some(Ok(_)) = socket.next() {}
        handle.drain();
        server.join().map_err(|_| "the server panicked")??;
        Ok(heard)
    }
}

/// The same as a service, which any of the runtimes can run.
#[derive(Default)]
struct Adviser {
    conversations: BTreeMap<ConnId, Messages<Reading, Advice>>,
}

impl Service for Adviser {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let new = || Messages::new(MessagesConfig::default());
        let messages = self.conversations.entry(conn).or_insert_with(new);
        let reading = messages.decode(&message);
        if let Err(BadMessage { close: Some(code), error, .. }) = &reading {
            // One that is closing already goes on with the code it has.
            let _ = cx.close(conn, *code, &error.reason());
            return;
        }
        let advice = advise(reading.as_ref()).map(|advice| messages.encode(&advice));
        if let Some(Ok(message)) = advice {
            // A peer that takes no advice is read no further, so there is room.
            let _ = cx.send(conn, message);
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.conversations.remove(&conn);
    }
}
