//! The rules of the house, over the whole tree.
#![forbid(unsafe_code)]

use wharf_tests::features::untold_features;
use wharf_tests::source::{File, files};
use wharf_tests::{scripts, style};

/// Languages that functions are written in, but Rust: how their files are named.
const SCRIPTS: [&str; 4] = ["js", "mjs", "py", "sh"];

fn all(extension: &str, rule: fn(&File) -> Vec<String>) {
    let files = files(extension);
    assert!(!files.is_empty(), "no .{extension} found");
    let found: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn files_fit_in_a_head() {
    for extension in SCRIPTS.into_iter().chain(["rs", "css", "html"]) {
        all(extension, style::long_file);
    }
}

#[test]
fn functions_fit_on_a_screen() {
    all("rs", style::long_functions);
    SCRIPTS.iter().for_each(|extension| all(extension, scripts::long_functions));
}

#[test]
fn nothing_is_left_over() {
    all("rs", style::leftovers);
    for extension in SCRIPTS.into_iter().chain(["rs", "md", "toml", "css", "html"]) {
        all(extension, style::notes);
    }
}

#[test]
fn no_test_sleeps() {
    all("rs", style::sleeping_tests);
}

#[test]
fn every_root_forbids_unsafe_code() {
    all("rs", style::unsafe_allowed);
}

#[test]
fn files_are_named_by_their_concept() {
    for extension in SCRIPTS.into_iter().chain(["rs", "css", "html"]) {
        all(extension, style::vague_name);
    }
}

#[test]
fn comments_are_not_too_wide() {
    all("rs", style::wide_comments);
}

#[test]
fn examples_are_one_program() {
    all("rs", style::inclusions_in_merged_examples);
}

#[test]
fn every_package_takes_the_lints() {
    all("toml", style::lints_missing);
    let top = files("toml").into_iter().find(|f| f.path == "Cargo.toml").expect("the workspace");
    for lint in ["missing_docs = \"deny\"", "unsafe_code = \"forbid\"", "incompatible_msrv = \"deny\""] {
        assert!(top.text.contains(lint), "{lint} is not among the workspace's lints");
    }
}

#[test]
fn every_package_says_which_rust_it_needs() {
    all("toml", style::rust_version_missing);
}

#[test]
fn each_front_page_tells_of_the_features_of_its_crate() {
    let manifests = files("toml");
    let (mut pages, mut found) = (0, Vec::new());
    for root in files("rs") {
        // The crates that others build on; a binary's features stand in README.
        let Some(package) = root.path.strip_suffix("/src/lib.rs") else { continue };
        if package == "core" || package.starts_with("adapter-") {
            let path = format!("{package}/Cargo.toml");
            let manifest = manifests.iter().find(|file| file.path == path).expect("a manifest");
            found.extend(untold_features(manifest, &root));
            pages += 1;
        }
    }
    assert!(found.is_empty() && pages > 8, "{pages} pages\n{}", found.join("\n"));
}

#[test]
fn each_public_type_shows_how_it_is_met() {
    // The parts of the binary are shown by its help.
    let is_library = |file: &File| {
        let is_library = ["core/src/", "adapter-"].iter().any(|begin| file.path.starts_with(begin));
        is_library && file.path.contains("/src/") && !file.is_test()
    };
    let files: Vec<File> = files("rs").into_iter().filter(is_library).collect();
    assert!(files.len() > 200, "{} files", files.len());
    let found: Vec<String> = files.iter().flat_map(style::types_without_example).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_word_of_how_it_was_written() {
    for extension in SCRIPTS.into_iter().chain(["rs", "md", "toml", "css", "html"]) {
        all(extension, style::foreign_words);
    }
}
