//! Every requirement of RFC 6455 and RFC 7692 is obeyed somewhere and shown by a test, or binds somebody else.
#![forbid(unsafe_code)]

mod citation;
mod requirement;
mod table;

use citation::{Citation, citations};
use requirement::Requirement;
use std::fs;
use table::{match_up, page};
use wharf_tests::source::{File, files, top};

const RFCS: [(&str, &str); 2] =
    [("6455", "The WebSocket Protocol"), ("7692", "Compression Extensions for WebSocket")];

#[test]
fn every_requirement_has_its_code_and_its_test() {
    let folder = top().join("docs/rfc");
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for (rfc, _) in RFCS {
        let text = fs::read_to_string(folder.join(format!("rfc{rfc}.toml"))).expect("a list of requirements");
        let (read, wrong) = Requirement::read(rfc, &text);
        rows.extend(read);
        faults.extend(wrong);
    }
    let mut found = Vec::new();
    for citation in files("rs").iter().flat_map(citations) {
        match citation {
            Ok(citation) => found.push(citation),
            Err(fault) => faults.push(fault),
        }
    }
    let (cited, wrong) = match_up(&rows, &found);
    faults.extend(wrong);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let (path, made) = (folder.join("traceability.md"), page(&RFCS, &rows, &cited));
    if std::env::var("WHARF_TRACE").as_deref() == Ok("write") {
        fs::write(path, made).expect("it can be written");
    } else {
        let there = fs::read_to_string(path).unwrap_or_default();
        let other = first_difference(&there, &made);
        assert_eq!(
            other, None,
            "docs/rfc/traceability.md says otherwise; run this test with WHARF_TRACE=write"
        );
    }
}

/// The line at which two pages part, counted from 1, and what the second has there.
fn first_difference<'a>(there: &str, made: &'a str) -> Option<(usize, &'a str)> {
    let (mut old, mut new) = (there.lines(), made.lines());
    (1..).find_map(|number| match (old.next(), new.next()) {
        (None, None) => Some(None),
        (old, new) if old == new => None,
        (_, new) => Some(Some((number, new.unwrap_or_default()))),
    })?
}

/// Requirements of one section, the second of which is somebody else's.
fn rows() -> Vec<Requirement> {
    let text = "[[requirement]]\nid = \"1-2.3-1\"\nbinds = \"client\"\ntext = \"\"\"\nIt MUST\nswim.\"\"\"\n\
                [[requirement]]\nid = \"1-2.3-2\"\nbinds = \"browser\"\ntext = \"It MUST NOT sink.\"\nnot_ours = \"dry\"\n";
    let (rows, faults) = Requirement::read("1", text);
    assert_eq!(faults, [""; 0]);
    rows
}

/// A file of the source with one citation in the code and one in its tests.
fn cited(code: &str, test: &str) -> Vec<Result<Citation, String>> {
    let text = format!(
        "impl A {{\n    const B: u8 = 1;\n\n    pub(crate) fn swim(&self) {{\n        // RFC 1 2.3: \"{code}\"\n    \
         }}\n}}\n\n#[cfg(test)]\nmod tests {{\n    /// RFC 1 2.3: \"{test}\"\n    #[test]\n    fn it_swims() {{}}\n}}\n"
    );
    citations(&File::new("core/src/a.rs", &text))
}

fn faults(citations: Vec<Result<Citation, String>>) -> Vec<String> {
    let citations: Vec<_> = citations.into_iter().map(Result::unwrap).collect();
    match_up(&rows(), &citations).1
}

#[test]
fn citations_are_found_with_the_item_that_they_stand_in() {
    let found: Vec<_> = cited("It MUST", "MUST swim.").into_iter().map(Result::unwrap).collect();
    let told: Vec<_> = found.iter().map(|c| (&*c.item, c.line, c.is_test)).collect();
    assert_eq!(told, [("swim", 5, false), ("it_swims", 11, true)]);
    assert_eq!((&*found[0].rfc, &*found[0].section, &*found[0].quote), ("1", "2.3", "It MUST"));
    let cut = "// RFC 1 2.3: \"It\n// MUST swim\"\nfn swim() {}\n// RFC 1 2.3: \"It\nfn sink() {}\n//! RFC 1 section 2\n";
    let found = citations(&File::new("core/src/a.rs", cut));
    assert_eq!(found[0].as_ref().unwrap().quote, "It MUST swim");
    assert_eq!(found[1], Err("core/src/a.rs:4: the quotation does not end".into()));
    assert_eq!(found.len(), 2);
    let at =
        |line: &str| citations(&File::new("tests/tests/a.rs", &format!("// RFC 1 2.3: \"It\"\n{line}\n")));
    assert_eq!(at("fn dive() {}"), [Err("tests/tests/a.rs:1: dive is no test".into())]);
    assert_eq!(at("const DIVE: u8 = 1;"), [Err("tests/tests/a.rs:1: it stands at no item".into())]);
    assert!(at("fn dive<D: Door>() {}\non_every_runtime!({ dive });")[0].is_ok());
}

#[test]
fn each_fault_is_told() {
    assert_eq!(faults(cited("It MUST swim", "MUST swim.")), [""; 0]);
    let stale = faults(cited("It MUST fly", "MUST swim."));
    assert!(
        stale[0].contains("a.rs:5: no requirement says") && stale[1].contains("2.3-1: no code"),
        "{stale:?}"
    );
    let untested = faults(cited("It MUST swim", "It MUST NOT sink"));
    assert!(untested[0].contains("2.3-1: no test") && untested[1].contains("not ours"), "{untested:?}");
    let vague = faults(cited("It MUST", "MUST swim."));
    assert!(vague[0].contains("several say"), "{vague:?}");
    let row = |id: &str, binds: &str, text: &str| {
        let text = format!("[[requirement]]\nid = \"{id}\"\nbinds = \"{binds}\"\ntext = \"{text}\"\n");
        Requirement::read("1", &[&text, &*text.replace("1-2.3-1", "1-1-1")].concat()).1
    };
    assert!(row("1-2.3-1", "client", "MUST")[0].contains("stands behind"));
    assert!(row("1-2.3-2", "client", "MUST")[0].contains("should be 1-2.3-1"));
    assert!(row("1-2.3-1", "nobody", "MUST")[0].contains("binds"));
    assert!(row("1-2.3-1", "client", "must")[0].contains("demands nothing"));
}

#[test]
fn the_page_has_a_row_for_each_and_a_line_that_moved_is_told() {
    let found: Vec<_> = cited("MUST swim", "MUST swim.").into_iter().map(Result::unwrap).collect();
    let rows = rows();
    let page = page(&[("1", "Water")], &rows, &match_up(&rows, &found).0);
    assert!(page.contains("2 requirements: 1 obeyed and tested, 1 not the library's, each with why."));
    let row = "| 2.3-1 | It MUST swim. | client | [`swim`](../../core/src/a.rs#L5) | [`it_swims`](../../core/src/a.rs#L11) |\n";
    assert!(page.contains(row), "{page}");
    assert!(page.contains("| 2.3-2 | It MUST NOT sink. | browser | dry | – |\n"), "{page}");
    let number = 1 + page.lines().position(|line| row.trim_end() == line).expect("the row");
    for stale in [page.replace("#L5)", "#L17)"), page.replace("swim`", "dive`")] {
        assert_eq!(first_difference(&stale, &page), Some((number, row.trim_end())));
    }
    assert_eq!(first_difference(&page, &page), None);
    assert_eq!(first_difference(&page, &page.replace("# What", "# How")).map(|(number, _)| number), Some(1));
    let longer = format!("{page}more\n");
    assert_eq!(first_difference(&longer, &page), Some((longer.lines().count(), "")));
}
