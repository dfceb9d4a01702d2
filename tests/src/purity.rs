//! The rules about core alone: it touches no world, and its layers know only those below.

use crate::source::{File, Token, group_len, matches, split_tests};

/// The layers of core from the ground up; those of one rank do not know each other.
pub const LAYERS: [&[&str]; 7] =
    [&["base"], &["http"], &["ws", "framed", "tls", "proxy"], &["link"], &["service"], &["sim"], &["guide"]];

/// Names that reach for the world: std itself, the runtimes, clocks, global randomness.
const WORLD: [&str; 14] = [
    "std",
    "tokio",
    "mio",
    "async_std",
    "smol",
    "futures_io",
    "rustix",
    "libc",
    "getrandom",
    "thread_rng",
    "SystemTime",
    "async",
    "await",
    "thread_local",
];

/// Whatever in a file of core, outside of its tests, reaches for the world.
#[must_use]
pub fn worldly(file: &File) -> Vec<String> {
    if file.is_test() {
        return vec![];
    }
    let (code, _) = split_tests(&file.tokens());
    let mut found = Vec::new();
    for (i, token) in code.iter().enumerate() {
        let clock = matches(&code[i..], &["Instant", "::", "now"]);
        if clock || WORLD.contains(&token.word.as_str()) {
            found.push(format!("{}:{}: core names {}", file.path, token.line, token.word));
        }
    }
    found
}

/// Imports of a layer that is not below that of the file; `path` begins with `core/src/`.
#[must_use]
pub fn upward_imports(file: &File) -> Vec<String> {
    let parts: Vec<&str> =
        file.path.trim_start_matches("core/src/").trim_end_matches(".rs").split('/').collect();
    let [own, rest @ ..] = &parts[..] else { return vec![] };
    if *own == "lib" {
        return vec![];
    }
    let Some(rank) = rank(own) else { return vec![format!("{}: {own} is no layer", file.path)] };
    let depth = 1 + rest.iter().filter(|part| **part != "mod").count();
    let tokens = file.tokens();
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        for name in named_from_root(&tokens[i..]) {
            let below = self::rank(&name).is_none_or(|other| other < rank);
            if name != *own && !below {
                found.push(format!("{}:{}: {own} imports {name}", file.path, token.line));
            }
        }
        if supers(&tokens[i..]) >= depth + inner_modules(&tokens[..i]) {
            found.push(format!("{}:{}: climbs out of its layer by super", file.path, token.line));
        }
    }
    found
}

fn rank(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// What `crate::…` names first, be it one name or a list of them.
fn named_from_root(tokens: &[Token]) -> Vec<String> {
    if !matches(tokens, &["crate", "::"]) || tokens.len() < 3 {
        return vec![];
    }
    if tokens[2].word != "{" {
        return vec![tokens[2].word.clone()];
    }
    let group = &tokens[3..2 + group_len(&tokens[2..])];
    let (mut names, mut at, mut fresh) = (Vec::new(), 0, true);
    while at < group.len() {
        if fresh {
            names.push(group[at].word.clone());
        }
        fresh = group[at].word == ",";
        at += group_len(&group[at..]);
    }
    names
}

/// How many `super::` stand in a row here.
fn supers(tokens: &[Token]) -> usize {
    tokens.chunks(2).take_while(|pair| matches(pair, &["super", "::"])).count()
}

/// How many inline modules are open after these tokens.
fn inner_modules(tokens: &[Token]) -> usize {
    let mut open = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        match token.word.as_str() {
            "{" => open.push(i >= 2 && tokens[i - 2].word == "mod"),
            "}" => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().filter(|module| *module).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(path: &str, text: &str) -> usize {
        upward_imports(&File::new(path, text)).len()
    }

    #[test]
    fn the_world_is_found() {
        for bad in [
            "use std::net::TcpStream;",
            "use std::{fs, env};",
            "fn a() -> u64 { SystemTime::b() }",
            "fn a() { let t = Instant::now(); }",
            "use tokio::net;",
            "async fn a() {}",
            "fn a() { thread_rng(); }",
        ] {
            assert!(!worldly(&File::new("core/src/base/a.rs", bad)).is_empty(), "{bad}");
        }
        let fine = "//! std::net\n/// Instant::now\nfn a() { b(\"tokio\"); }\n#[cfg(test)]\nmod tests { use std::vec; }";
        assert_eq!(worldly(&File::new("core/src/base/a.rs", fine)), [""; 0]);
    }

    #[test]
    fn upward_imports_are_found() {
        assert_eq!(import("core/src/base/a.rs", "use crate::ws::Config;"), 1);
        assert_eq!(import("core/src/ws/a.rs", "use crate::{base::{A, B}, link::Link, http};"), 1);
        assert_eq!(import("core/src/ws/a.rs", "fn a() { crate::framed::b(); }"), 1, "no peer either");
        assert_eq!(import("core/src/ws/a.rs", "use super::Config; use crate::{base::A, http, ws::B};"), 0);
        assert_eq!(import("core/src/ws/wire/a.rs", "use super::super::super::link::Link;"), 1);
        assert_eq!(import("core/src/ws/wire/a.rs", "mod tests { use super::super::super::Config; }"), 0);
        assert_eq!(import("core/src/ws/mod.rs", "use super::link::Link;"), 1);
        assert_eq!(import("core/src/odd/a.rs", ""), 1, "a layer that is not in the table");
    }
}
