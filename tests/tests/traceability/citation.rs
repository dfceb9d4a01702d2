//! Where the source cites a sentence of an RFC: in a comment of the form `RFC 6455 5.1: "MUST NOT mask any frames"`, which
//! quotes as much of it as there is in no other sentence of that section.

use crate::requirement::one_line;
use wharf_tests::source::File;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Citation {
    pub(crate) rfc: String,
    pub(crate) section: String,
    pub(crate) quote: String,
    pub(crate) path: String,
    /// Where it stands, from 1.
    pub(crate) line: usize,
    /// The item that it stands in, or in front of.
    pub(crate) item: String,
    /// Of a test, not of the code.
    pub(crate) is_test: bool,
}

impl Citation {
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// All citations of a file, or what is wrong with one.
pub(crate) fn citations(file: &File) -> Vec<Result<Citation, String>> {
    let lines: Vec<&str> = file.text.lines().collect();
    let tests_from = tests_from(file, &lines);
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some((rfc, section, begin)) = comment(lines[at]).and_then(head) else {
            at += 1;
            continue;
        };
        let first = at;
        let mut quote = begin.to_owned();
        // It may go on in the comment's next lines.
        while !quote.ends_with('"') && lines.get(at + 1).copied().and_then(comment).is_some() {
            at += 1;
            quote = format!("{quote} {}", comment(lines[at]).unwrap_or_default());
        }
        at += 1;
        let place = format!("{}:{}", file.path, first + 1);
        let Some(quote) = quote.strip_suffix('"') else {
            found.push(Err(format!("{place}: the quotation does not end")));
            continue;
        };
        let is_test = first >= tests_from;
        match item(&lines, first, is_test) {
            None => found.push(Err(format!("{place}: it stands at no item"))),
            Some(Err(name)) => found.push(Err(format!("{place}: {name} is no test"))),
            Some(Ok(item)) => found.push(Ok(Citation {
                rfc: rfc.into(),
                section: section.into(),
                quote: one_line(quote),
                path: file.path.clone(),
                line: first + 1,
                item,
                is_test,
            })),
        }
    }
    found
}

/// The line from which on there are tests and nothing else.
fn tests_from(file: &File, lines: &[&str]) -> usize {
    if file.is_test() {
        return 0;
    }
    let is_module = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    lines.windows(2).position(is_module).unwrap_or(lines.len())
}

/// What a line says that is a comment.
fn comment(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("//")?;
    Some(text.trim_start_matches(['/', '!']).trim())
}

/// RFC, section, and the begin of what is quoted.
fn head(comment: &str) -> Option<(&str, &str, &str)> {
    let rest = comment.strip_prefix("RFC ")?;
    let (rfc, rest) = rest.split_once(' ')?;
    let (section, quote) = rest.split_once(": \"")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(rfc) && section.split('.').all(is_number)).then_some((rfc, section, quote))
}

/// The item that is declared behind the comment, or around it. Of a test the function, which must be one: `Err` if it is
/// not.
fn item(lines: &[&str], at: usize, is_test: bool) -> Option<Result<String, String>> {
    let passed_over = |line: &&str| line.trim_start().starts_with(['#', '/']);
    let behind = (at..lines.len()).find(|i| !passed_over(&lines[*i]))?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let around = |i: &usize| !lines[*i].trim().is_empty() && indent(lines[*i]) < indent(lines[at]);
    let declares = |i: &usize| declared(lines[*i]).is_some_and(|(word, _)| !is_test || word == "fn");
    let found = Some(behind).filter(declares).or_else(|| (0..at).rev().filter(around).find(declares))?;
    let (_, name) = declared(lines[found])?;
    if is_test {
        let attributes = lines[..found].iter().rev().take_while(|line| passed_over(line));
        let is_marked = attributes.map(|line| line.trim()).any(|line| line.ends_with("test]"));
        // The functions that a macro runs on each runtime are named to it.
        let is_named = lines.iter().any(|line| line.contains("on_every_runtime!(") && line.contains(name));
        if !is_marked && !is_named {
            return Some(Err(name.into()));
        }
    }
    Some(Ok(name.into()))
}

/// The kind and name of the item that is declared on a line.
fn declared(line: &str) -> Option<(&str, &str)> {
    let mut words = line.trim_start().split([' ', '(', '<', ':', ';', '{']).filter(|word| !word.is_empty());
    let word = words
        .find(|word| !word.ends_with(')') && !["pub", "crate", "async", "in", "const"].contains(word))?;
    let words = words.collect::<Vec<_>>();
    match word {
        "fn" | "enum" | "struct" | "trait" => Some((word, words.first()?)),
        // `const fn` was passed over above, so this is a constant's own name.
        name if line.contains(&format!("const {name}:")) => Some(("const", name)),
        _ => None,
    }
}
