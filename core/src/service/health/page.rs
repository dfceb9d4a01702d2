//! The page: its parts as they are served.

use crate::http::Response;
use bytes::Bytes;

/// What the page may do: nothing but its own style, script and WebSocket, in no frame of anybody's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/health.css");
const SCRIPT: &str = include_str!("page/health.js");

/// The part of the page that is at `path`.
pub(super) fn part(path: &str) -> Option<Response> {
    let (content_type, text) = match path {
        "/" => ("text/html; charset=utf-8", PAGE),
        "/health.css" => ("text/css; charset=utf-8", STYLE),
        "/health.js" => ("text/javascript; charset=utf-8", SCRIPT),
        _ => return None,
    };
    let response = Response::new(200)
        .with("Content-Type", content_type)
        .with("Content-Security-Policy", POLICY)
        .with("Referrer-Policy", "no-referrer")
        .with("X-Content-Type-Options", "nosniff")
        // Checked again each time: a page of yesterday may not speak with the server of today.
        .with("Cache-Control", "no-cache")
        .body(Bytes::from_static(text.as_bytes()));
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the policy forbids, and what would be asked of others.
    #[test]
    fn the_page_keeps_its_own_policy() {
        for bad in ["style=", "onclick", "<style", "http://", "https://", "<script>"] {
            assert!(!PAGE.contains(bad), "{bad}");
        }
        for bad in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", ".style"]
        {
            assert!(!SCRIPT.contains(bad), "{bad}");
        }
        for path in ["/", "/health.css", "/health.js"] {
            assert!(part(path).unwrap().content().len() > 500, "{path}");
        }
    }
}
