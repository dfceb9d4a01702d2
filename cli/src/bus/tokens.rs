//! The file that says who may register.

use std::io;
use std::path::{Path, PathBuf};
use wharf::service::bus::{Name, Tokens};

/// What is wrong with a file of tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A line is not `SERVICEID TOKEN`.
    #[error("{}, line {line}: not `SERVICEID TOKEN`", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
    },
    /// A service has two.
    #[error("{}, line {line}: {id} has a token already", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// Whose.
        id: String,
    },
}

/// Reads it: a line each, `SERVICEID TOKEN`, `*` for any id that is not named, `#` for comments.
///
/// # Errors
/// [`TokenFileError`]
pub fn read_tokens(path: &Path) -> Result<Tokens, TokenFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| TokenFileError::Read { path: path.to_owned(), error })?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Tokens, TokenFileError> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let bad = || TokenFileError::Line { path: path.to_owned(), line };
        let (id, token) = content.split_once(char::is_whitespace).ok_or_else(bad)?;
        let token = token.trim_start();
        if (id != Tokens::ANY && Name::new(id).is_err()) || token.contains(char::is_whitespace) {
            return Err(bad());
        }
        if pairs.iter().any(|(known, _)| *known == id) {
            return Err(TokenFileError::Twice { path: path.to_owned(), line, id: id.to_owned() });
        }
        pairs.push((id, token));
    }
    Ok(pairs.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Tokens, String> {
        parse(text, Path::new("tokens")).map_err(|e| e.to_string())
    }

    #[test]
    fn a_line_each() {
        let tokens = of("# who may\n\nmail  s#cret\n\t* anybody\r\n").unwrap();
        assert!(tokens.admits("mail", Some("s#cret")) && tokens.admits("shop", Some("anybody")));
        assert!(!tokens.admits("mail", Some("anybody")));
        assert!(!of("").unwrap().admits("mail", Some("")));
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(of("a b\nmail").unwrap_err(), "tokens, line 2: not `SERVICEID TOKEN`");
        assert_eq!(of("a b c").unwrap_err(), "tokens, line 1: not `SERVICEID TOKEN`");
        assert_eq!(of("ä b").unwrap_err(), "tokens, line 1: not `SERVICEID TOKEN`");
        assert_eq!(of("a b\n\na c").unwrap_err(), "tokens, line 3: a has a token already");
        assert!(read_tokens(Path::new("/nowhere/to/be")).unwrap_err().to_string().starts_with("cannot read"));
    }
}
