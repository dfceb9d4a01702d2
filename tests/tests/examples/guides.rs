//! What the guides show beside code that the documentation's tests run.

#[allow(dead_code)]
#[path = "../../examples/echo_handler.rs"]
mod echo_handler;

use std::fs;
use std::path::Path;
use std::pin::pin;
use wharf_tests::code_block::code_blocks;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A program without what is said about it at its head.
fn program(path: &str) -> Vec<String> {
    let text = file(path);
    let is_head = |line: &&str| line.starts_with("//!") || line.is_empty();
    text.lines().skip_while(is_head).map(str::to_owned).collect()
}

/// One side of a diff: the lines of `sign`, and those of both.
fn side(diff: &str, sign: char) -> Vec<String> {
    let of_side = |line: &str| match line.chars().next() {
        None => Some(String::new()),
        Some(first) if first == sign || first == ' ' => Some(line[1..].to_owned()),
        Some(_) => None,
    };
    diff.lines().filter_map(of_side).collect()
}

#[test]
fn the_diff_of_the_guide_is_that_of_the_two_programs() {
    let page = file("adapter-tokio/src/guide/from_tokio_tungstenite.md");
    let [diff] = &code_blocks(&page, "diff")[..] else { panic!("one diff is expected") };
    assert_eq!(side(diff, '-'), program("tests/benches/examples/echo_tungstenite.rs"));
    assert_eq!(side(diff, '+'), program("tests/examples/echo_handler.rs"));
}

#[test]
fn the_program_that_came_over_echoes() {
    let (socket, peer) = wharf_tokio::mock(["ahoy"]);
    let mut handler = pin!(echo_handler::echo(socket));
    assert!(peer.run(handler.as_mut()).is_pending());
    assert_eq!(peer.texts(), ["ahoy"]);
}

/// A page that nobody can reach is not read.
#[test]
fn every_guide_is_a_module_and_every_module_a_row() {
    for folder in ["core/src/guide", "adapter-tokio/src/guide", "adapter-async-std/src/guide"] {
        let modules = file(&format!("{folder}/mod.rs"));
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
        let mut count = 0;
        for entry in fs::read_dir(pages).expect("a folder").flatten() {
            let name = entry.file_name().into_string().expect("a name of text");
            let Some(page) = name.strip_suffix(".md") else { continue };
            count += 1;
            assert!(
                modules.contains(&format!("include_str!(\"{name}\")")),
                "{folder}/{name} is in no module"
            );
            let is_told = folder.contains("async-std") || modules.contains(&format!("[`{page}`]"));
            assert!(is_told, "{folder}/{name} is not in the table");
        }
        assert!(count > 0, "{folder} has no pages");
    }
}
