//! A client for suites that drive client libraries: Autobahn's protocol, or one message out and what comes back.
#![forbid(unsafe_code)]

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_cli::runner::RuntimeKind;
use wharf_cli::tls::trusting;
use wharf_tests::rig::{Manner, Work};

/// Drives Wharf's client for a suite.
#[derive(Debug, Parser)]
struct Args {
    /// The runtime.
    #[arg(long, value_enum, default_value_t = RuntimeKind::Tokio)]
    runtime: RuntimeKind,
    /// The server: ws://HOST:PORT[/PATH], or wss://…
    #[arg(long)]
    connect: String,
    /// Offer permessage-deflate.
    #[arg(long)]
    deflate: bool,
    /// Trust the authorities of this PEM file and no others.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Run all cases of an Autobahn server under this name.
    #[arg(long, conflicts_with = "send")]
    agent: Option<String>,
    /// Send this, print what comes back, close.
    #[arg(long, allow_hyphen_values = true)]
    send: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match work(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("rig-client: {e}");
            ExitCode::FAILURE
        }
    }
}

fn work(args: Args) -> Result<(), String> {
    let tls = args.ca.as_deref().map(trusting).transpose().map_err(|e| e.to_string())?;
    let manner = Manner { deflate: args.deflate, tls, ..Manner::of(args.runtime) };
    match (args.agent, args.send) {
        (Some(agent), None) => manner.run_cases(&args.connect, &agent),
        (None, Some(text)) => {
            manner.run(&args.connect, Work::SendOne(text))?.iter().for_each(|line| println!("{line}"));
            Ok(())
        }
        _ => Err("give --agent or --send".to_owned()),
    }
}
