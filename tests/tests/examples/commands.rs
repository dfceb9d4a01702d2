//! What the pages have one type is understood by the program.

use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use wharf_cli::args::Cli;

/// README and all pages of Markdown that tell of the program.
fn pages() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = Vec::from([top.join("README.md"), top.join("BENCHMARKS.md")]);
    for folder in ["docs", "core/src/guide", "adapter-tokio/src/guide", "adapter-async-std/src/guide"] {
        let entries = fs::read_dir(top.join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}")).flatten();
        pages.extend(
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    pages
}

/// The arguments of each call in a line of a shell, without what is said about it and where its output goes.
fn calls(line: &str) -> Vec<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let line = [" #", " > ", " &"].iter().fold(line, |line, end| line.split(end).next().unwrap_or(line));
    let program = ["wharf ", "target/release/wharf ", "cargo run --release -- "];
    let arguments = |call: &str| {
        let arguments = program.iter().find_map(|program| call.trim().strip_prefix(program))?;
        // `$!` is the number of a process.
        Some(arguments.replace("$!", "1").split_whitespace().map(str::to_owned).collect())
    };
    line.split(';').filter_map(arguments).collect()
}

#[test]
fn each_command_of_the_pages_is_one_that_the_program_takes() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```").skip(1).step_by(2);
        for call in blocks.flat_map(|block| block.lines().flat_map(calls)) {
            seen += 1;
            let given = ["wharf".to_owned()].into_iter().chain(call.iter().cloned());
            let judged = Cli::try_parse_from(given);
            assert!(judged.is_ok(), "{}: {call:?}: {}", page.display(), judged.unwrap_err());
        }
    }
    assert!(seen > 25, "{seen} calls: their form is another one");
}

#[test]
fn what_it_does_not_take_is_noticed() {
    let [call] = &calls("$ wharf echo --listne 127.0.0.1:9001   # so")[..] else { panic!("one call") };
    assert_eq!(call, &["echo", "--listne", "127.0.0.1:9001"]);
    assert!(Cli::try_parse_from(["wharf"].into_iter().chain(call.iter().map(String::as_str))).is_err());
}
