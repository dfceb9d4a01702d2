//! References from one URL to another (RFC 3986 section 5).

use super::{Url, UrlError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Url {
    /// The URL that `reference` names where this one is the base: a whole URL, `//host/path`, `/path`, a path beside this
    /// one's, or a query. `http` and `https` count as `ws` and `wss`; a fragment is dropped.
    ///
    /// ```
    /// use wharf::ws::Url;
    ///
    /// let base = Url::parse("wss://a.example/rooms/1?as=guest").unwrap();
    /// assert_eq!(base.resolve("../lobby").unwrap().to_string(), "wss://a.example/lobby");
    /// assert_eq!(base.resolve("https://b.example").unwrap().to_string(), "wss://b.example/");
    /// ```
    ///
    /// # Errors
    /// [`UrlError`], also for a reference with user name or password.
    pub fn resolve(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = reference.split('#').next().unwrap_or_default();
        let own = if self.secure { "wss" } else { "ws" };
        let whole = match split_scheme(reference) {
            Some((scheme, rest)) => match &*scheme.to_ascii_lowercase() {
                "ws" | "http" => format!("ws:{rest}"),
                "wss" | "https" => format!("wss:{rest}"),
                _ => return Err(UrlError::Scheme),
            },
            None if reference.starts_with("//") => format!("{own}:{reference}"),
            None => format!("{own}://{}{}", self.authority(), self.merge(reference)),
        };
        let mut url = Self::parse(&whole)?;
        if url.user_info.is_some() {
            return Err(UrlError::UserInfo);
        }
        let (path, query) = split_query(&url.target);
        url.target = format!("{}{query}", without_dots(path));
        Ok(url)
    }

    /// The target of a reference without scheme and authority (RFC 3986 section 5.2.2).
    fn merge(&self, reference: &str) -> String {
        let (own_path, own_query) = split_query(&self.target);
        match split_query(reference) {
            ("", "") => format!("{own_path}{own_query}"),
            ("", query) => format!("{own_path}{query}"),
            (path, query) if path.starts_with('/') => format!("{path}{query}"),
            (path, query) => {
                let folder = own_path.rfind('/').map_or("/", |end| &own_path[..=end]);
                format!("{folder}{path}{query}")
            }
        }
    }
}

/// The scheme, if the reference has one, and what is behind its colon.
fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    valid.then_some((scheme, rest))
}

/// The path, and the query with its question mark.
fn split_query(target: &str) -> (&str, &str) {
    target.split_at(target.find('?').unwrap_or(target.len()))
}

/// A path without its `.` and `..` (RFC 3986 section 5.2.4); it begins with a slash before and after.
fn without_dots(path: &str) -> String {
    let (mut kept, mut is_folder) = (Vec::new(), false);
    for segment in path.split('/').skip(1) {
        is_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let slash = if is_folder && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn resolved(base: &str, reference: &str) -> Result<String, UrlError> {
        Url::parse(base).unwrap().resolve(reference).map(|url| url.to_string())
    }

    /// RFC 3986 section 5.4, as far as its examples are URLs of a WebSocket.
    #[test]
    fn the_examples_of_the_rfc() {
        for (reference, target) in [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("g;x?y#s", "/b/c/g;x?y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            (".g", "/b/c/.g"),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g#s/../x", "/b/c/g"),
        ] {
            let whole = format!("ws://a{target}");
            assert_eq!(resolved("ws://a/b/c/d;p?q", reference), Ok(whole), "{reference}");
        }
    }

    #[test]
    fn other_forms() {
        for (base, reference, whole) in [
            ("wss://a:1/x", "//b/y/../z", "wss://b/z"),
            ("ws://a", "x", "ws://a/x"),
            ("ws://[::1]:9/x", "y", "ws://[::1]:9/y"),
            ("ws://u:p@a/x", "y", "ws://a/y"),
            ("ws://a/x", "HTTPS://B:8443?q", "wss://b:8443/?q"),
            ("wss://a/x", "http://b", "ws://b/"),
            ("ws://a/x", "wss://b/./c#d", "wss://b/c"),
            ("ws://a/x//y", "/b//../c", "ws://a/b/c"),
            ("ws://a/x", "/.//b", "ws://a//b"),
            ("ws://a/x", "./b:c", "ws://a/b:c"),
        ] {
            assert_eq!(resolved(base, reference), Ok(whole.into()), "{reference}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (reference, error) in [
            ("mailto:a@b", UrlError::Scheme),
            ("ftp://a", UrlError::Scheme),
            ("ws:x", UrlError::Scheme),
            ("ws:/x", UrlError::Scheme),
            ("//", UrlError::Host),
            ("http:///x", UrlError::Host),
            ("//a:0", UrlError::Port),
            ("//u:p@a/", UrlError::UserInfo),
            ("wss://u@a/", UrlError::UserInfo),
            ("a b", UrlError::Character),
            ("/é", UrlError::Character),
        ] {
            assert_eq!(resolved("ws://a/x", reference), Err(error), "{reference}");
        }
    }
}
