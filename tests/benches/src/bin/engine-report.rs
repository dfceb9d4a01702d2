//! `engine-report [FOLDER]`: what criterion measured, as tables in Markdown. The folder is that of criterion's results,
//! `target/criterion` unless told otherwise.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use wharf_benches::report::{measured, tables};

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/criterion"), PathBuf::from);
    match measured(&folder) {
        Ok(all) => {
            print!("{}", tables(&all));
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("engine-report: {}: {e}", folder.display());
            ExitCode::from(2)
        }
    }
}
