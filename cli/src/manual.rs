//! `wharf completions` and `wharf man`: what shells and `man` are told of the command line.

use crate::args::{Cli, Completions, Man};
use crate::program::complain;
use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

/// Prints a shell's completions.
pub(crate) fn complete(args: &Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wharf", &mut script);
    print(&script)
}

/// Prints a page, or writes all: 0 if it could be done, 1 if not, 2 for a subcommand that there is not.
pub(crate) fn run(args: &Man) -> ExitCode {
    let whole = whole();
    if let Some(folder) = &args.dir {
        return match write_all(&whole, folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(format_args!("--dir: cannot write to {}: {error}", folder.display()));
                ExitCode::from(1)
            }
        };
    }
    let mut command = &whole;
    for name in &args.page {
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => {
                complain(format_args!("there is no subcommand {name}; see wharf --help"));
                return ExitCode::from(2);
            }
        }
    }
    print(&page(command))
}

/// The command line with each subcommand named as it is called.
fn whole() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn page(command: &Command) -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = Page::new(command.clone()).render(&mut page);
    page
}

fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(format!("{name}.1")), page(command))?;
    let mut below = command.get_subcommands().filter(|below| below.get_name() != "help");
    below.try_for_each(|below| write_all(below, folder))
}

/// Whoever closes stdout has enough.
fn print(bytes: &[u8]) -> ExitCode {
    let mut out = stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subcommand_has_its_page() {
        let whole = whole();
        for (path, name, words) in [
            (&[][..], "wharf", "SUBCOMMANDS"),
            (&["connect"], "wharf-connect", "Exit code"),
            (&["bus", "dead"], "wharf-bus-dead", "requeue"),
        ] {
            let command = path.iter().fold(&whole, |command, name| command.find_subcommand(name).unwrap());
            let text = String::from_utf8(page(command)).unwrap().replace("\\-", "-");
            assert!(text.contains(&format!(".TH {name} 1")), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }
}
