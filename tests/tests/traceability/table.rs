//! The table for readers: each sentence, the line that obeys it, the test that shows it.

use crate::citation::Citation;
use crate::requirement::Requirement;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What cites each requirement, by its id.
pub(crate) type Cited<'a> = BTreeMap<&'a str, Vec<&'a Citation>>;

/// Finds what each citation cites; and what is wrong with citations and requirements together.
pub(crate) fn match_up<'a>(rows: &'a [Requirement], citations: &'a [Citation]) -> (Cited<'a>, Vec<String>) {
    let (mut cited, mut faults) = (Cited::new(), Vec::new());
    for citation in citations {
        let in_section = rows.iter().filter(|r| r.rfc == citation.rfc && r.section == citation.section);
        let matching: Vec<_> = in_section.filter(|row| row.text.contains(&citation.quote)).collect();
        match matching[..] {
            [row] => cited.entry(&row.id).or_default().push(citation),
            [] => faults.push(format!("{}: no requirement says {:?}", citation.place(), citation.quote)),
            _ => faults.push(format!("{}: several say {:?}", citation.place(), citation.quote)),
        }
    }
    for row in rows {
        let places = cited.get(&*row.id).map(Vec::as_slice).unwrap_or_default();
        match &row.not_ours {
            Some(_) if !places.is_empty() => faults.push(format!("{}: not ours, but cited", row.id)),
            Some(_) => {}
            None => {
                for (is_test, what) in [(false, "code"), (true, "test")] {
                    if !places.iter().any(|place| place.is_test == is_test) {
                        faults.push(format!("{}: no {what} cites {:?}", row.id, row.text));
                    }
                }
            }
        }
    }
    (cited, faults)
}

/// The page.
pub(crate) fn page(rfcs: &[(&str, &str)], rows: &[Requirement], cited: &Cited<'_>) -> String {
    let mut page = String::from(
        "# What the RFCs demand, and where it is obeyed\n\n\
         Each sentence with MUST, MUST NOT, REQUIRED or SHALL of RFC 6455 (WebSocket) and RFC 7692 (compression), the code that \
         obeys it\nand the test that shows it. Made from the sentences in `rfc6455.toml` and `rfc7692.toml` and the \
         citations in the source,\nby `WHARF_TRACE=write cargo test --workspace --test traceability`; without the \
         variable the same test fails where a\nrequirement has no code or no test, where a citation quotes no \
         requirement, or where this page says otherwise, be it by the number of a line.\n",
    );
    for (rfc, title) in rfcs {
        let rows: Vec<_> = rows.iter().filter(|row| row.rfc == *rfc).collect();
        let ours = rows.iter().filter(|row| row.not_ours.is_none()).count();
        let (all, rest) = (rows.len(), rows.len() - ours);
        let _ = write!(
            page,
            "\n## RFC {rfc}, {title}\n\n{all} requirements: {ours} obeyed and tested, {rest} not the library's, each with why.\n\n\
             | | Requirement | Binds | Code | Test |\n|---|---|---|---|---|\n"
        );
        for row in rows {
            let text = escaped(&row.text);
            let id = row.id.split_once('-').map_or("", |(_, id)| id);
            let places = cited.get(&*row.id).map(Vec::as_slice).unwrap_or_default();
            let [code, test] = match &row.not_ours {
                Some(why) => [escaped(why), "–".into()],
                None => [false, true].map(|is_test| links(places, is_test)),
            };
            let _ = writeln!(page, "| {id} | {text} | {} | {code} | {test} |", row.binds);
        }
    }
    page
}

fn links(places: &[&Citation], is_test: bool) -> String {
    let mut links = Vec::new();
    for Citation { path, line, item, .. } in places.iter().filter(|place| place.is_test == is_test) {
        let same = format!("[`{item}`](../../{path}#L");
        if !links.iter().any(|link: &String| link.starts_with(&same)) {
            links.push(format!("{same}{line})"));
        }
    }
    links.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('_', "\\_").replace('<', "&lt;")
}
