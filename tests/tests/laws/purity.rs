//! Core touches no world, and its layers know only those below.

use wharf_tests::purity::{upward_imports, worldly};
use wharf_tests::source::{File, files};

fn core() -> Vec<File> {
    let core: Vec<File> = files("rs").into_iter().filter(|f| f.path.starts_with("core/src/")).collect();
    assert!(core.len() > 30, "core has only {} files", core.len());
    core
}

#[test]
fn core_names_nothing_of_the_world() {
    let found: Vec<String> = core().iter().flat_map(worldly).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn core_is_no_std_at_the_root() {
    let core = core();
    let root = core.iter().find(|f| f.path == "core/src/lib.rs").expect("the root");
    assert!(root.text.contains("#![no_std]"));
}

#[test]
fn no_layer_imports_one_above() {
    let found: Vec<String> = core().iter().flat_map(upward_imports).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
