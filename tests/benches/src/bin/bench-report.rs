//! `bench-report FILE…`: the tables and the plot of what `echo-bench` has put into files.
#![forbid(unsafe_code)]

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use wharf_benches::echo::results::Results;
use wharf_benches::echo::{plot, table};

/// Tables and a plot of what `echo-bench --out` wrote.
#[derive(Debug, Parser)]
struct Args {
    /// The files; the rounds of each come behind those of the one before.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Draw the CPU time of each server and cell into this SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench-report: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut results = Results::default();
    for file in &args.files {
        results.append(serde_json::from_str(&std::fs::read_to_string(file)?)?);
    }
    print!("{}", table::all(&results));
    if let Some(file) = &args.svg {
        std::fs::write(file, plot::cpu(&results)?)?;
    }
    Ok(())
}
