//! A client for suites that drive client libraries: Autobahn's protocol, or one message out and what comes back.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::rig::{self, Work};

/// Drives Wharf's client for a suite.
#[derive(Debug, Parser)]
struct Args {
    /// The runtime.
    #[arg(long, value_enum, default_value_t = RuntimeKind::Tokio)]
    runtime: RuntimeKind,
    /// The server: ws://HOST:PORT[/PATH].
    #[arg(long)]
    connect: String,
    /// Offer permessage-deflate.
    #[arg(long)]
    deflate: bool,
    /// Run all cases of an Autobahn server under this name.
    #[arg(long, conflicts_with = "send")]
    agent: Option<String>,
    /// Send this, print what comes back, close.
    #[arg(long, allow_hyphen_values = true)]
    send: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match (args.agent, args.send) {
        (Some(agent), None) => rig::run_cases(args.runtime, &args.connect, args.deflate, &agent),
        (None, Some(text)) => rig::run(args.runtime, None, &args.connect, args.deflate, Work::SendOne(text))
            .map(|lines| {
                for line in lines {
                    println!("{line}");
                }
            }),
        _ => Err("give --agent or --send".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rig-client: {e}");
            ExitCode::FAILURE
        }
    }
}
