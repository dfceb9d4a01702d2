//! The source tree, and its files as tokens: comments and strings fall away, so a rule about code reads code alone.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the tree.
#[derive(Debug)]
pub struct File {
    /// From the top of the tree, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl File {
    /// A file by hand, for a rule's own tests.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Whether it holds tests and nothing else.
    #[must_use]
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/tests/") || name == "tests.rs" || name.ends_with("_tests.rs")
    }

    /// The file's tokens.
    ///
    /// # Panics
    /// If it is not Rust.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        let stream: TokenStream =
            self.text.parse().unwrap_or_else(|e| panic!("{} is not Rust: {e}", self.path));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        tokens
    }
}

/// A token on its line. Groups are flattened to their brackets; literals keep their place and lose their text;
/// `::` is one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// An identifier, a bracket, a mark, or `""` for a literal.
    pub word: String,
    /// From 1.
    pub line: usize,
}

/// The top of the tree.
///
/// # Panics
/// If this crate does not lie in one.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above").to_path_buf()
}

/// Every file of ours whose name ends with `.{extension}`, ordered by path: nothing hidden, built or installed. `.ci/run` is one of the
/// shell's.
///
/// # Panics
/// If the tree cannot be read.
#[must_use]
pub fn files(extension: &str) -> Vec<File> {
    let (top, mut folders, mut files) = (top(), vec![top()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if (!name.starts_with('.') || name == ".ci")
                    && !["target", "node_modules", "corpus", "artifacts"].contains(&&*name)
                {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension)
                || extension == "sh" && path.ends_with(".ci/run")
            {
                let short =
                    path.strip_prefix(&top).expect("below the top").to_string_lossy().replace('\\', "/");
                files.push(File { path: short, text: fs::read_to_string(&path).expect("text") });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The tokens outside and inside of items under `#[cfg(test)]`.
#[must_use]
pub fn split_tests(tokens: &[Token]) -> (Vec<Token>, Vec<Token>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut outside, mut inside, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if matches(&tokens[at..], &MARK) {
            let end = at + MARK.len() + item_len(&tokens[at + MARK.len()..]);
            inside.extend_from_slice(&tokens[at..end]);
            at = end;
        } else {
            outside.push(tokens[at].clone());
            at += 1;
        }
    }
    (outside, inside)
}

/// Whether the tokens begin with these words.
#[must_use]
pub fn matches(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.word == *word)
}

/// Tokens up to the end of the bracket that opens at the first one, or 1 if none does.
#[must_use]
pub fn group_len(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.word.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Tokens up to the end of an item: its `;`, or its body.
fn item_len(tokens: &[Token]) -> usize {
    let mut at = 0;
    while at < tokens.len() {
        let step = group_len(&tokens[at..]);
        let word = tokens[at].word.as_str();
        at += step;
        if matches!(word, ";" | "{") {
            break;
        }
    }
    at
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let mut joined = false;
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { word: open.into(), line });
                flatten(group.stream(), out);
                out.push(Token { word: close.into(), line: group.span_close().end().line });
            }
            TokenTree::Ident(ident) => out.push(Token { word: ident.to_string(), line }),
            TokenTree::Literal(_) => out.push(Token { word: String::new(), line }),
            TokenTree::Punct(punct) => {
                let colon = punct.as_char() == ':';
                match out.last_mut() {
                    Some(last) if colon && joined && last.word == ":" => last.word.push(':'),
                    _ => out.push(Token { word: punct.as_char().to_string(), line }),
                }
                joined = colon && punct.spacing() == Spacing::Joint;
                continue;
            }
        }
        joined = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tokens: &[Token]) -> String {
        tokens.iter().map(|t| t.word.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_strings_fall_away() {
        let file = File::new("a.rs", "//! std::net\nfn a() -> u8 { b(\"std::fs\"); /* c */ d::e }");
        assert!(words(&file.tokens()).ends_with("fn a ( ) - > u8 { b (  ) ; d :: e }"));
    }

    #[test]
    fn tests_are_told_apart() {
        let text = "use a; #[cfg(test)] extern crate std; fn b() {} #[cfg(test)] #[x] mod tests { use c; } fn d() {}";
        let (outside, inside) = split_tests(&File::new("a.rs", text).tokens());
        assert_eq!(words(&outside), "use a ; fn b ( ) { } fn d ( ) { }");
        assert!(words(&inside).contains("crate std ;") && words(&inside).contains("use c ; }"));
    }

    #[test]
    fn the_tree_is_found_and_is_ours() {
        let files = files("rs");
        assert!(files.iter().any(|f| f.path == "core/src/lib.rs"));
        assert!(files.iter().all(|f| !f.path.contains("target/")));
        let scripts = self::files("sh");
        assert!(
            scripts.iter().any(|f| f.path == ".ci/run") && scripts.iter().all(|f| !f.path.contains(".git/"))
        );
    }
}
