//! The rules of the house about any source file. Each returns what it found, as `path:line: what`.

use crate::source::{File, Token, group_len, matches, split_tests};

/// Longest file, in lines.
pub const FILE_LINES: usize = 400;
/// Longest function, in lines from its `fn` to its closing brace.
pub const FUNCTION_LINES: usize = 70;
/// Widest comment, in characters.
pub const COMMENT_WIDTH: usize = 150;

/// Files that no longer fit in a head.
#[must_use]
pub fn long_file(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines > FILE_LINES { vec![format!("{}: {lines} lines", file.path)] } else { vec![] }
}

/// Functions that no longer fit on a screen, those inside of macros too.
#[must_use]
pub fn long_functions(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate().filter(|(_, t)| t.word == "fn") {
        let Some(last) = body_end(&tokens[i..]) else { continue };
        let lines = last - token.line + 1;
        if lines > FUNCTION_LINES {
            found.push(format!("{}:{}: fn {} has {lines} lines", file.path, token.line, tokens[i + 1].word));
        }
    }
    found
}

/// The line on which the body of the function that begins here ends; `None` for a declaration or a pointer type.
fn body_end(tokens: &[Token]) -> Option<usize> {
    let name = &tokens.get(1)?.word;
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let mut at = 2;
    while at < tokens.len() {
        let len = group_len(&tokens[at..]);
        match tokens[at].word.as_str() {
            "{" => return Some(tokens[at + len - 1].line),
            ";" | "}" | ")" => return None,
            _ => at += len,
        }
    }
    None
}

/// What is left behind in a hurry in Rust: stubs, tests that do not run, debug output.
#[must_use]
pub fn leftovers(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let rest = &tokens[i..];
        let stub = ["todo", "unimplemented", "dbg"].iter().any(|word| matches(rest, &[word, "!"]));
        if stub || matches(rest, &["#", "[", "ignore"]) {
            found.push(format!("{}:{}: {} is left over", file.path, token.line, rest[0].word));
        }
    }
    found
}

/// Notes of what was to be done.
#[must_use]
pub fn notes(file: &File) -> Vec<String> {
    let notes = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut found = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        for note in notes.iter().filter(|note| has_word(line, note)) {
            found.push(format!("{}:{}: {note} is left over", file.path, i + 1));
        }
    }
    found
}

/// Lines of comments that are too wide to be read. A row of a table cannot be broken.
#[must_use]
pub fn wide_comments(file: &File) -> Vec<String> {
    let is_comment = |line: &str| {
        let line = line.trim_start();
        let text = line.trim_start_matches(['/', '!']);
        line.starts_with("//") && !text.trim_start().starts_with('|')
    };
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| is_comment(line) && line.chars().count() > COMMENT_WIDTH)
        .map(|(i, line)| format!("{}:{}: {} characters", file.path, i + 1, line.chars().count()))
        .collect()
}

/// Tests, and what is made for them, that wait for the clock and not for what they wait for.
#[must_use]
pub fn sleeping_tests(file: &File) -> Vec<String> {
    let tokens = file.tokens();
    let is_for_tests = file.is_test() || file.path.starts_with("tests/");
    let tests = if is_for_tests { tokens } else { split_tests(&tokens).1 };
    let is_sleep = |token: &Token| matches!(token.word.as_str(), "sleep" | "sleep_ms" | "sleep_until");
    tests
        .windows(2)
        // It may be imported under another name, too.
        .filter(|pair| is_sleep(&pair[0]) && matches!(pair[1].word.as_str(), "(" | "as"))
        .map(|pair| format!("{}:{}: a test sleeps", file.path, pair[0].line))
        .collect()
}

/// Crate roots without the line that forbids unsafe code.
#[must_use]
pub fn unsafe_allowed(file: &File) -> Vec<String> {
    let root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
    let root = root || file.path.contains("/src/bin/");
    if root && !file.text.contains("#![forbid(unsafe_code)]") {
        return vec![format!("{}: does not forbid unsafe code", file.path)];
    }
    vec![]
}

/// Files that are named by being useful and not by what they hold.
#[must_use]
pub fn vague_name(file: &File) -> Vec<String> {
    let vague = ["util", "utils", "common", "helper", "helpers", "misc"];
    let found = file.path.split(['/', '.']).find(|part| vague.contains(part));
    found.map(|name| format!("{}: {name} names no concept", file.path)).into_iter().collect()
}

/// Words that the project does not use of itself: how and where it was written is nobody's business.
#[must_use]
pub fn foreign_words(file: &File) -> Vec<String> {
    let places = ["main", "in", "steering", "shared", "wt"].map(|p| format!("/{}/{p}/", "work"));
    let mut found = Vec::new();
    for (i, line) in file.text.lines().enumerate() {
        let numbered = ["session", "issue"].iter().any(|word| {
            line.to_lowercase().match_indices(&format!("{word} ")).any(|(at, hit)| {
                line[at + hit.len()..].starts_with(|c: char| c.is_ascii_digit())
                    && !line[..at].ends_with(|c: char| c.is_alphanumeric())
            })
        });
        // Where CI looks for other people's suites, unless it is told.
        let is_place_of_rigs =
            file.path == ".ci/run" && line == ["rigs=${RIGS:-..", "/shared/rigs}"].concat();
        if numbered
            || places.iter().any(|place| line.contains(place))
            || line.contains(&["..", "/shared"].concat()) && !is_place_of_rigs
        {
            found.push(format!("{}:{}: {}", file.path, i + 1, line.trim()));
        }
    }
    found
}

/// Examples in documentation that include a file and are not marked as programs of their own. All others are compiled as one
/// program, in which such a path leads nowhere: then each of them is compiled by itself, which takes minutes.
#[must_use]
pub fn inclusions_in_merged_examples(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<&str> = None;
    for (i, line) in file.text.lines().enumerate() {
        let Some(text) = line.trim_start().strip_prefix("///").map(str::trim) else {
            block = None;
            continue;
        };
        match (text.strip_prefix("```"), block) {
            (Some(marks), None) => block = Some(marks),
            (Some(_), Some(_)) => block = None,
            (None, Some(marks)) if text.contains("include_") && !marks.contains("standalone_crate") => {
                found.push(format!("{}:{}: the example is not marked as standalone_crate", file.path, i + 1));
            }
            (None, _) => {}
        }
    }
    found
}

/// Public types of what others build on that show nobody how they are met: `pub` is what can be reached, as a lint holds. Left out is
/// what is hidden from the documentation, and a trait that seals another.
#[must_use]
pub fn types_without_example(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let (mut is_shown, mut is_hidden) = (false, false);
    for (i, line) in file.text.lines().map(str::trim).enumerate() {
        let goes_on = line.starts_with("///") || line.starts_with("#[") || line.ends_with(")]");
        if goes_on {
            is_shown |= line.starts_with("/// ```");
            is_hidden |= line.starts_with("#[doc(hidden)]");
            continue;
        }
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let (Some("pub"), Some("struct" | "enum" | "trait"), Some(name)) =
            (words.next(), words.next(), words.next())
            && !is_shown
            && !is_hidden
            && !matches!(name, "Sealed" | "")
        {
            found.push(format!("{}:{}: {name} has no example", file.path, i + 1));
        }
        (is_shown, is_hidden) = (false, false);
    }
    found
}

/// Packages that do not take the workspace's lints, which deny undocumented public items and unsafe code.
#[must_use]
pub fn lints_missing(manifest: &File) -> Vec<String> {
    let apart = ["fuzz/", "tests/bare/"].iter().any(|folder| manifest.path.starts_with(folder));
    let package = manifest.text.contains("[package]") && !apart;
    if package && !manifest.text.contains("[lints]\nworkspace = true") {
        return vec![format!("{}: does not take the workspace's lints", manifest.path)];
    }
    vec![]
}

/// Packages that do not say which Rust they need.
#[must_use]
pub fn rust_version_missing(manifest: &File) -> Vec<String> {
    let says =
        ["rust-version.workspace = true\n", "rust-version = \""].iter().any(|v| manifest.text.contains(v));
    if manifest.text.contains("[package]") && !says {
        return vec![format!("{}: does not say which Rust it needs", manifest.path)];
    }
    vec![]
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File::new("core/src/a.rs", text)
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(long_file(&file(&"\n".repeat(FILE_LINES))).len(), 0);
        assert_eq!(long_file(&file(&"\n".repeat(FILE_LINES + 1))).len(), 1);
    }

    #[test]
    fn long_functions_are_found_in_traits_impls_and_macros() {
        for (before, after) in
            [("", ""), ("impl A { pub ", "}"), ("trait A { fn b(&self); ", "}"), ("m! { ", "}")]
        {
            let text = |lines: usize| {
                format!("{before}fn a(f: fn(u8) -> [u8; 4]) where A: B {{{}}}{after}", "\n".repeat(lines - 1))
            };
            assert_eq!(long_functions(&file(&text(FUNCTION_LINES))), [""; 0]);
            assert_eq!(long_functions(&file(&text(FUNCTION_LINES + 1))).len(), 1, "{before}");
        }
    }

    #[test]
    fn leftovers_are_found() {
        assert_eq!(leftovers(&file("fn a() { let dbg = \"todo!\"; }")), [""; 0]);
        for bad in
            ["fn a() { todo!() }", "#[ignore] fn a() {}", "#[ignore = \"slow\"] fn a() {}", "m! { dbg!(1) }"]
        {
            assert_eq!(leftovers(&file(bad)).len(), 1, "{bad}");
        }
        assert_eq!(notes(&file(&format!("// {}{}: later", "TO", "DO"))).len(), 1);
        assert_eq!(notes(&file("// notes")), [""; 0]);
    }

    #[test]
    fn wide_comments_are_found() {
        let wide = |begin: &str| format!("{begin}{}", "ä".repeat(COMMENT_WIDTH - begin.len()));
        for begin in ["// ", "    /// ", "//! "] {
            assert_eq!(wide_comments(&file(&wide(begin))), [""; 0]);
            assert_eq!(wide_comments(&file(&format!("{}ä", wide(begin)))).len(), 1, "{begin}");
        }
        for begin in ["let a = \"", "/// | a | "] {
            assert_eq!(wide_comments(&file(&format!("{}ä", wide(begin)))), [""; 0], "{begin}");
        }
    }

    #[test]
    fn sleeping_tests_are_found() {
        let sleep = "fn a() { std::thread::sleep(b); }";
        assert_eq!(sleeping_tests(&file(sleep)), [""; 0]);
        assert_eq!(sleeping_tests(&file(&format!("#[cfg(test)] mod tests {{ {sleep} }}"))).len(), 1);
        for path in ["tests/tests/a.rs", "tests/src/a.rs", "adapter/tests/a.rs"] {
            assert_eq!(sleeping_tests(&File::new(path, sleep)).len(), 1);
        }
        let renamed = "use std::thread::sleep as wait;";
        assert_eq!(sleeping_tests(&File::new("tests/tests/a.rs", renamed)).len(), 1);
    }

    #[test]
    fn roots_and_manifests_are_held_to_the_lints() {
        assert_eq!(unsafe_allowed(&File::new("cli/src/lib.rs", "//! A")).len(), 1);
        assert_eq!(unsafe_allowed(&File::new("cli/src/bin/a.rs", "//! A")).len(), 1);
        assert_eq!(unsafe_allowed(&File::new("cli/src/lib.rs", "#![forbid(unsafe_code)]")), [""; 0]);
        assert_eq!(lints_missing(&File::new("cli/Cargo.toml", "[package]\n")).len(), 1);
        let promised = |text| rust_version_missing(&File::new("fuzz/Cargo.toml", text)).len();
        assert_eq!(promised("[package]\nrust-version = \"1.89\"\n"), 0);
        assert_eq!(promised("[package]\nedition = \"2024\"\n"), 1);
    }

    #[test]
    fn examples_that_include_a_file_stand_alone() {
        let example =
            |marks| format!("/// ```{marks}\n/// let a = include_bytes!(\"a\");\n/// ```\nfn a() {{}}\n");
        assert_eq!(inclusions_in_merged_examples(&file(&example("standalone_crate"))), [""; 0]);
        assert_eq!(inclusions_in_merged_examples(&file("/// Not by `include_bytes!`.")), [""; 0]);
        assert_eq!(inclusions_in_merged_examples(&file(&example(""))).len(), 1);
        assert_eq!(inclusions_in_merged_examples(&file(&example("no_run"))).len(), 1);
    }

    #[test]
    fn a_public_type_without_an_example_is_found() {
        let shown = "/// A.\n///\n/// ```\n/// a();\n/// ```\n#[derive(Debug)]\n#[cfg_attr(a,\n    b)]\n";
        for kind in ["struct A<T>(T);", "enum A {}", "trait A: B {}"] {
            assert_eq!(types_without_example(&file(&format!("{shown}pub {kind}"))), [""; 0], "{kind}");
            assert_eq!(
                types_without_example(&file(&format!("{shown}fn a() {{}}\n/// A.\npub {kind}"))).len(),
                1
            );
            assert_eq!(types_without_example(&file(&format!("/// A.\n#[doc(hidden)]\npub {kind}"))), [""; 0]);
            assert_eq!(types_without_example(&file(&format!("/// A.\npub(super) {kind}"))), [""; 0]);
        }
    }

    #[test]
    fn names_and_words_are_judged() {
        assert_eq!(vague_name(&File::new("core/src/util.rs", "")).len(), 1);
        assert_eq!(vague_name(&File::new("tests/common/mod.rs", "")).len(), 1);
        assert_eq!(vague_name(&file("")), [""; 0]);
        for bad in [
            format!("as in {} 12", "Issue"),
            format!("see {}{}", "..", "/shared"),
            format!("/{}/in/a", "work"),
        ] {
            assert_eq!(foreign_words(&file(&bad)).len(), 1, "{bad}");
        }
        let rigs = ["rigs=${RIGS:-..", "/shared/rigs}"].concat();
        assert_eq!(foreign_words(&File::new(".ci/run", &rigs)), [""; 0]);
        assert_eq!(foreign_words(&File::new(".ci/run", &rigs.replace("rigs}", "other}"))).len(), 1);
        assert_eq!(foreign_words(&File::new("a.sh", &rigs)).len(), 1);
        assert_eq!(foreign_words(&file("a session of 3, an issue, tissue 4")), [""; 0]);
    }
}
