//! The page: its files as they are, and what it may do.

use bytes::Bytes;
use wharf::http::Response;

/// What the page may do: nothing but its own style, script and WebSocket, in no frame of anybody's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// By path: the content's type, and the content.
const PARTS: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page/index.html")),
    ("/archive.js", SCRIPT, include_str!("page/archive.js")),
    ("/base.css", STYLE, include_str!("page/base.css")),
    ("/chat.js", SCRIPT, include_str!("page/chat.js")),
    ("/claim.js", SCRIPT, include_str!("page/claim.js")),
    ("/composer.js", SCRIPT, include_str!("page/composer.js")),
    ("/drawer.js", SCRIPT, include_str!("page/drawer.js")),
    ("/element.js", SCRIPT, include_str!("page/element.js")),
    ("/entry.js", SCRIPT, include_str!("page/entry.js")),
    ("/frame.css", STYLE, include_str!("page/frame.css")),
    ("/heard.js", SCRIPT, include_str!("page/heard.js")),
    ("/kept.js", SCRIPT, include_str!("page/kept.js")),
    ("/line.js", SCRIPT, include_str!("page/line.js")),
    ("/log.js", SCRIPT, include_str!("page/log.js")),
    ("/outbox.js", SCRIPT, include_str!("page/outbox.js")),
    ("/protocol.js", SCRIPT, include_str!("page/protocol.js")),
    ("/room.js", SCRIPT, include_str!("page/room.js")),
    ("/side.js", SCRIPT, include_str!("page/side.js")),
    ("/state.js", SCRIPT, include_str!("page/state.js")),
    ("/taken.js", SCRIPT, include_str!("page/taken.js")),
    ("/talk.css", STYLE, include_str!("page/talk.css")),
];

/// The part of the page at `path`.
pub(super) fn part(path: &str) -> Option<Response> {
    let (_, content_type, text) = PARTS.iter().find(|(at, ..)| *at == path)?;
    let answer = Response::new(200)
        .with("Content-Type", *content_type)
        .with("Content-Security-Policy", POLICY)
        .with("Referrer-Policy", "no-referrer")
        .with("X-Content-Type-Options", "nosniff")
        // Checked again each time: a page of yesterday may not speak with the server of today.
        .with("Cache-Control", "no-cache");
    Some(answer.body(Bytes::from_static(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<'r>(answer: &'r Response, name: &str) -> Option<&'r str> {
        answer.fields().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    #[test]
    fn each_part_says_what_it_is_and_what_it_may_do() {
        for (path, content_type, text) in PARTS {
            let answer = part(path).expect(path);
            assert_eq!(
                (answer.status(), field(&answer, "Content-Type")),
                (200, Some(*content_type)),
                "{path}"
            );
            let policy = field(&answer, "Content-Security-Policy").expect(path);
            assert!(policy.starts_with("default-src 'none';") && policy.ends_with("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe-inline"));
            assert!(field(&answer, "Referrer-Policy").is_some());
            assert_eq!(answer.content(), text.as_bytes());
        }
        assert_eq!(part("/index.html"), None);
    }

    /// What the policy forbids, and what would be asked of others or taken for markup.
    #[test]
    fn no_part_breaks_the_policy_or_makes_markup_of_text() {
        for (path, content_type, text) in PARTS {
            let bad: &[&str] = match *content_type {
                HTML => &["style=", "onclick", "<style", "<script>", "http:", "https:"],
                STYLE => &["@import", "url(", "http:", "https:"],
                _ => &["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:"],
            };
            for bad in bad {
                assert!(!text.contains(bad), "{path}: {bad}");
            }
        }
    }

    /// A browser would find a part that is missing here; what it asks for is in the page or imported by a part.
    #[test]
    fn whatever_is_asked_for_is_there() {
        for (path, _, text) in PARTS {
            let asked = text.split('"').skip(1).step_by(2).filter(|quoted| {
                [".js", ".css"].iter().any(|end| quoted.ends_with(end)) && !quoted.contains(' ')
            });
            for asked in asked {
                let at = format!("/{}", asked.trim_start_matches("./").trim_start_matches('/'));
                assert!(part(&at).is_some(), "{path} asks for {asked}");
            }
        }
    }
}
