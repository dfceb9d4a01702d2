//! The URL of a PostgreSQL server, as flags name it.

use std::fmt;

/// Where a database is, with all that its URL says. It is shown without what it has to say of passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// That of PostgreSQL, if it is one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        matches!(&*scheme, "postgres" | "postgresql").then(|| Self(format!("{scheme}://{rest}")))
    }

    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// A URL without what it has to say of passwords, and without its query, which may hold one too.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let place = |place: &str| place.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_told = |place: &str| {
        let servers = place.split('/').next().unwrap_or_default();
        servers.split(',').all(is_server)
    };
    // A password may have an at sign, or what begins something else, that was not encoded: nothing of it is told.
    let told = match rest.rsplit_once('@') {
        None => Some(place(rest)).filter(|place| is_told(place)),
        // The at sign may be one of a password in the query as well.
        Some((before, _)) if before.contains('?') => None,
        Some((before, after)) => {
            let user = before.split([':', '/', '@', '#']).next().unwrap_or_default();
            Some(place(after)).filter(|place| is_told(place)).map(|place| format!("{user}@{place}"))
        }
    };
    format!("{scheme}://{}", told.as_deref().unwrap_or("…"))
}

/// Whether it is a host, and its port if there is one. What stands there may be a password before an at sign that was left out.
fn is_server(text: &str) -> bool {
    let port = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("no port", |(_, port)| port),
        None => text.find(':').map_or("", |at| &text[at..]),
    };
    port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_told() {
        for (url, told) in [
            ("postgres://localhost/chat", "postgres://localhost/chat"),
            ("postgresql://ada@h:5432/chat", "postgresql://ada@h:5432/chat"),
            ("postgres://ada:se:cret@h/chat", "postgres://ada@h/chat"),
            ("postgres://ada:s/e@cret@h/chat?sslmode=disable", "postgres://ada@h/chat"),
            ("postgres://h/chat?user=ada&password=secret", "postgres://h/chat"),
            ("postgres://ada:hunter#2@db/chat", "postgres://ada@db/chat"),
            ("postgres://ada:se@cret@db:1/chat#x", "postgres://ada@db:1/chat"),
            ("postgres://ada:se?cret@db/chat", "postgres://…"),
            ("postgres://h/chat?password=sec@ret", "postgres://…"),
            ("postgres://ada:x@h/chat?password=se@cret", "postgres://…"),
            ("postgres://ada:secret", "postgres://…"),
            ("postgres://ada:secret/chat", "postgres://…"),
            ("postgres://ada@one:1,[::1]:2,two,[::2]/chat", "postgres://ada@one:1,[::1]:2,two,[::2]/chat"),
            ("postgres:///chat", "postgres:///chat"),
            ("postgres://%2Ftmp%2Fpg/chat", "postgres://%2Ftmp%2Fpg/chat"),
        ] {
            let url = DatabaseUrl::of(url).unwrap();
            assert_eq!(
                (url.to_string(), format!("{url:?}")),
                (told.to_owned(), format!("DatabaseUrl({told})"))
            );
        }
    }
}
