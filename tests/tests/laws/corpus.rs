//! The corpus of the fuzz targets, replayed on stable.

use std::collections::BTreeSet;
use std::fs;
use wharf_tests::fuzz_bodies::TARGETS;
use wharf_tests::source::top;

#[test]
fn the_corpus_holds() {
    for (name, body) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(top().join("fuzz/corpus").join(name)).expect("a corpus") {
            let path = entry.expect("an entry").path();
            println!("{}", path.display());
            body(&fs::read(path).expect("an input"));
            inputs += 1;
        }
        assert!(inputs >= 5, "{name} has only {inputs} inputs");
    }
}

#[test]
fn every_target_has_its_binary_and_every_binary_its_target() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(top().join("fuzz/fuzz_targets")).expect("targets") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.contains(&format!("fuzz_bodies::{name}(data)")), "{name} runs another body");
        files.insert(name);
    }
    assert_eq!(names, files);
    let manifest = fs::read_to_string(top().join("fuzz/Cargo.toml")).expect("the manifest");
    assert!(names.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))));
}
