//! What README says beside its programs, which are compiled with the documentation: limits, and tests by name.

use std::path::Path;
use std::time::Duration;
use wharf::{framed, http, link, service, ws};
use wharf_tests::readme::has_part;

/// Where the repository is read and where its pictures are, on whatever page README is shown.
const BLOB: &str = "https://github.com/wharf-rs/wharf/blob/HEAD/";
const RAW: &str = "https://raw.githubusercontent.com/wharf-rs/wharf/HEAD/";

fn bytes(count: usize) -> String {
    match count {
        _ if count.is_multiple_of(1 << 30) => format!("{} GiB", count >> 30),
        _ if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} B"),
    }
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn maybe(limit: Option<Duration>) -> String {
    limit.map_or_else(|| "never".into(), time)
}

/// Digits in threes.
fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

fn row(what: &str, field: &str, default: String, then: &str) -> [String; 4] {
    [what.to_owned(), format!("`{field}`"), default, then.to_owned()]
}

/// Which limit, where it is set, its default and what happens past it.
fn limits() -> Vec<[String; 4]> {
    let mut limits = sizes();
    limits.extend(times());
    limits
}

fn sizes() -> Vec<[String; 4]> {
    let (link, ws, framed) = (link::Config::default(), ws::Config::default(), framed::Config::default());
    let groups = service::groups::Config::default();
    assert_eq!((framed.max_message, framed.queue_limit), (ws.max_message, ws.queue_limit));
    Vec::from([
        row(
            "a message, a frame",
            "ws::Config::max_message, max_frame",
            bytes(ws.max_message),
            "closed with 1009, at the header",
        ),
        row(
            "fragments of a message",
            "ws::Config::max_fragments",
            count(ws.max_fragments as usize),
            "closed with 1008",
        ),
        row(
            "output that waits: marks",
            "high_mark, low_mark",
            format!("{}, {}", bytes(ws.high_mark), bytes(ws.low_mark)),
            "one `Congested`, one `Drained`; a server reads no further between",
        ),
        row(
            "output that waits: limit",
            "queue_limit",
            bytes(ws.queue_limit),
            "the send is refused, and given back",
        ),
        row(
            "output that waits, all connections of a service",
            "link::Config::max_queued",
            bytes(link.max_queued),
            "the one with the most is reset",
        ),
        row(
            "connections",
            "link::Config::max_connections",
            count(link.max_connections),
            "503 with `Retry-After`, or closed",
        ),
        row("of those in their handshake", "max_handshakes", count(link.max_handshakes), "the same"),
        row(
            "connections of an address",
            "max_connections_per_address",
            link.max_connections_per_address.map_or_else(|| "no limit".into(), count),
            "the same",
        ),
        row(
            "jobs, dials in flight",
            "link::Config::max_jobs, max_dials",
            format!("{}, {}", count(link.max_jobs), count(link.max_dials)),
            "given back, refused",
        ),
        row(
            "what waits for a member of a group",
            "groups::Config::max_behind, max_behind_bytes",
            format!("{}, {}", count(groups.max_behind), bytes(groups.max_behind_bytes)),
            "disconnected; or dropped, or waited for, as `slow` says",
        ),
    ])
}

fn times() -> Vec<[String; 4]> {
    let (link, ws, framed, http) =
        (link::Config::default(), ws::Config::default(), framed::Config::default(), http::Config::default());
    Vec::from([
        row(
            "a head of HTTP, until it is whole",
            "http::Config::open_timeout",
            time(http.open_timeout),
            "closed",
        ),
        row(
            "an answer of the service to a request of HTTP",
            "http::Config::answer_timeout",
            time(http.answer_timeout),
            "500, and closed",
        ),
        row(
            "no next request of HTTP",
            "http::Config::keep_alive_timeout",
            time(http.keep_alive_timeout),
            "closed",
        ),
        row(
            "opening, as a client",
            "link::Config::open_timeout",
            time(link.open_timeout),
            "an error that says at which step",
        ),
        row(
            "silence on a WebSocket",
            "ws::Config::idle_timeout",
            maybe(ws.idle_timeout),
            "a ping, and after as long once more 1006",
        ),
        row(
            "silence on a framed connection",
            "framed::Config::idle_timeout",
            maybe(framed.idle_timeout),
            "ended, or a ping by `keepalive`",
        ),
        row("a peer that takes nothing", "write_timeout", maybe(ws.write_timeout), "1006"),
        row("a close that is not answered", "close_timeout", time(ws.close_timeout), "reset"),
        row("a drain", "link::Config::drain_timeout", time(link.drain_timeout), "what is left is reset"),
    ])
}

#[test]
fn the_limits_in_the_readme_are_the_defaults() {
    let mut table = "| limit | field | default | past it |\n|---|---|---|---|\n".to_owned();
    for row in limits() {
        table += &format!("| {} |\n", row.join(" | "));
    }
    has_part("limits", &table);
}

/// Each test that README names by a link is where the link leads: [`name`](file).
#[test]
fn every_test_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let mut named = 0;
    for link in readme.split("[`").skip(1) {
        let Some((name, rest)) = link.split_once("`](") else { continue };
        let Some((path, _)) = rest.split_once(')') else { continue };
        let path = path.strip_prefix(BLOB).unwrap_or(path);
        if !path.contains("tests/") || !path.ends_with(".rs") {
            continue;
        }
        let source = std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(source.contains(&format!("fn {name}")), "{path} has no {name}");
        named += 1;
    }
    assert!(named >= 10, "{named} tests are named");
}

/// The file of the tree that an address leads to, if it leads into it: a guide's page is made from its Markdown.
fn in_the_tree(link: &str) -> Option<String> {
    if let Some(path) = link.strip_prefix(BLOB).or_else(|| link.strip_prefix(RAW)) {
        return Some(path.split('#').next().unwrap_or_default().into());
    }
    let (package, page) = link.strip_prefix("https://docs.rs/")?.split_once("/latest/")?;
    let (folder, library) = match package {
        "wharf-core" => ("core".to_owned(), "wharf".to_owned()),
        package => (package.replacen("wharf-", "adapter-", 1), package.replace('-', "_")),
    };
    let inside = page.strip_prefix(&library).and_then(|page| page.strip_suffix("/index.html"));
    Some(inside.map_or_else(|| page.into(), |module| format!("{folder}/src{module}.md")))
}

/// The targets of links and pictures.
fn targets(page: &str) -> Vec<&str> {
    let until = |begin: &str, end: char| {
        let found: Vec<_> = page.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect();
        found
    };
    [until("](", ')'), until("src=\"", '"'), until("srcset=\"", '"')].concat()
}

#[test]
fn a_link_of_the_readme_leads_nowhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let there: Vec<String> = targets(&readme).into_iter().filter_map(in_the_tree).collect();
    assert!(there.len() > 30, "{there:?}");
    for path in there {
        assert!(root.join(&path).is_file(), "{path}");
    }
}
