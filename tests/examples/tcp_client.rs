//! A TCP client: host and port, lines out and lines in, with a time for each step of connecting.
//!
//! `cargo run -p wharf-tests --example tcp_client -- --runtime tokio|async-std|smol|mio localhost 7000 ahoy`

use clap::Parser;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Message};
use wharf::framed::Lines;
use wharf::link::{Config, Framing, Target};
use wharf_async_std::{AsyncStd, Runtime, Smol, connect_with};
use wharf_cli::runner::RuntimeKind;
use wharf_tokio::Tokio;

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
    /// Where to: a name, all of whose addresses are tried, or an address.
    host: String,
    port: u16,
    /// What to say; each line is answered before the next is said.
    say: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Args { runtime, host, port, say } = Args::parse();
    for answer in talk(runtime, Target::tcp(host, port), &say)? {
        println!("{answer}");
    }
    Ok(())
}

/// All together may take 10 s, and finding somebody who answers 5 s of that.
fn config() -> Arc<Config> {
    let mut config = Config::client();
    config.framing = Framing::codec(Lines::new());
    config.open_timeout = Duration::from_secs(10);
    config.connect_timeout = Some(Duration::from_secs(5));
    Arc::new(config)
}

/// Says a few lines, each after the answer to the one before; the answers.
pub(crate) fn talk(
    runtime: RuntimeKind,
    target: Target,
    say: &[String],
) -> Result<Vec<String>, Box<dyn Error>> {
    match runtime {
        RuntimeKind::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(talk_async::<Tokio>(target, say))
        }
        RuntimeKind::AsyncStd => async_std::task::block_on(talk_async::<AsyncStd>(target, say)),
        RuntimeKind::Smol => smol::block_on(talk_async::<Smol>(target, say)),
        RuntimeKind::Mio => talk_mio(target, say),
    }
}

async fn talk_async<R: Runtime>(target: Target, say: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut socket = connect_with::<R>(target, &config()).await?;
    let mut answers = Vec::new();
    for line in say {
        socket.send(line.clone()).await?;
        let answer = socket.next().await.ok_or("the server hung up")??;
        answers.extend(answer.as_text().map(String::from));
    }
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(answers)
}

fn talk_mio(target: Target, say: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut socket = wharf_mio::connect(target, &config())?;
    let mut answers = Vec::new();
    for line in say {
        socket.send(Message::text(line.clone()))?;
        let answer = socket.next().ok_or("the end was told")?.map_err(|closed| closed.to_string())?;
        answers.extend(answer.as_text().map(String::from));
    }
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    Ok(answers)
}
