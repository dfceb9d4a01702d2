//! A WebSocket client that tries again: by a schedule until the server takes it, with a token made afresh for each attempt, and no
//! longer where the server says that it is no use.
//!
//! `cargo run -p wharf-tests --example websocket_client -- --runtime tokio|async-std|smol|mio ws://127.0.0.1:9001/ ahoy`

use clap::Parser;
use std::error::Error;
use std::sync::Arc;
use wharf::base::{CloseCode, Message};
use wharf::link::{Config, Target};
use wharf::service::schedule::Schedule;
use wharf::ws::handshake::ClientRequest;
use wharf_async_std::{AsyncStd, ConnectError, Runtime, Smol, Socket, connect_with, retry};
use wharf_cli::runner::RuntimeKind;
use wharf_tokio::Tokio;

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
    /// Where to.
    url: String,
    /// What to say; each is answered before the next is said.
    say: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    // After 1 s, 2 s, 4 s and so on up to 30 s, each of them 0.8 to 1.2 times that.
    for answer in talk(args.runtime, &args.url, &Schedule::backoff(), &args.say)? {
        println!("{answer}");
    }
    Ok(())
}

/// Says a few things, each after the answer to the one before; the answers.
pub(crate) fn talk(
    runtime: RuntimeKind,
    url: &str,
    schedule: &Schedule,
    say: &[String],
) -> Result<Vec<String>, Box<dyn Error>> {
    // A real program asks for a token that is still good; this one counts.
    let token = |attempt| vec![("Authorization".into(), format!("Bearer {attempt}"))];
    let target = Target::from(ClientRequest::new(url)?.headers_by(token));
    match runtime {
        RuntimeKind::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(talk_async::<Tokio>(&target, schedule, say))
        }
        RuntimeKind::AsyncStd => async_std::task::block_on(talk_async::<AsyncStd>(&target, schedule, say)),
        RuntimeKind::Smol => smol::block_on(talk_async::<Smol>(&target, schedule, say)),
        RuntimeKind::Mio => talk_mio(&target, schedule, say),
    }
    .map_err(|error| explained(error.as_ref()).into())
}

async fn talk_async<R: Runtime>(
    target: &Target,
    schedule: &Schedule,
    say: &[String],
) -> Result<Vec<String>, Box<dyn Error>> {
    let (config, mut attempt) = (Arc::new(Config::client()), 0);
    // What is tried again is the connecting, all of it: lookup, addresses, TLS and the answer of the server.
    let connecting = || {
        attempt += 1;
        let (target, config) = (target.clone().numbered(attempt), &config);
        async move { connect_with::<R>(target, config).await }
    };
    let mut socket: Socket<R> = retry::<R, _, _, _>(schedule, connecting).await?;
    let mut answers = Vec::new();
    for text in say {
        socket.send(text.clone()).await?;
        let answer = socket.next().await.ok_or("the server hung up")??;
        answers.extend(answer.as_text().map(String::from));
    }
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(answers)
}

fn talk_mio(target: &Target, schedule: &Schedule, say: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let (config, mut attempt) = (Arc::new(Config::client()), 0);
    let mut socket = wharf_mio::retry(schedule, || {
        attempt += 1;
        wharf_mio::connect(target.clone().numbered(attempt), &config)
    })?;
    let mut answers = Vec::new();
    for text in say {
        socket.send(Message::text(text.clone()))?;
        let answer = socket.next().ok_or("the end was told")?.map_err(|closed| closed.to_string())?;
        answers.extend(answer.as_text().map(String::from));
    }
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    Ok(answers)
}

/// What went wrong, with what the server had to say where it refused.
fn explained(error: &(dyn Error + 'static)) -> String {
    use wharf::ws::handshake::HandshakeError::Refused;
    match error.downcast_ref::<ConnectError>().and_then(ConnectError::handshake) {
        Some(Refused(refused)) => format!("{error}: {}", String::from_utf8_lossy(&refused.body)),
        _ => error.to_string(),
    }
}
