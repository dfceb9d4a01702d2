//! The rules of the house about what is no Rust: JavaScript, Python and the shell. What a line is follows from how far it is indented.

use crate::source::File;
use crate::style::FUNCTION_LINES;

/// Functions that no longer fit on a screen.
#[must_use]
pub fn long_functions(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| begins(&file.path, line)) {
        let count = body_end(&lines[i..]);
        if count > FUNCTION_LINES {
            found.push(format!("{}:{}: {} has {count} lines", file.path, i + 1, line.trim()));
        }
    }
    found
}

/// Whether a function begins on this line.
fn begins(path: &str, line: &str) -> bool {
    let line = line.trim();
    if path.ends_with(".py") {
        return line.starts_with("def ") || line.starts_with("async def ");
    }
    if path.ends_with("js") {
        let is_named = line.split(|c: char| !c.is_alphanumeric()).any(|word| word == "function");
        let is_method = line.ends_with(") {") && !line.starts_with(['}', ')']);
        return is_named || line.ends_with("=> {") || is_method;
    }
    line.ends_with("() {") || line.contains("() { #")
}

/// How many lines the function has that begins on the first of these.
fn body_end(lines: &[&str]) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = indent(lines[0]);
    let ends = |line: &str| {
        // A list of arguments may have lines of its own.
        let is_head = line.trim_start().starts_with(')') && line.ends_with(['{', ':']);
        !line.trim().is_empty() && indent(line) <= first && !is_head
    };
    let Some(after) = lines[1..].iter().position(|line| ends(line)) else { return lines.len() };
    let closes = lines[after + 1].trim_start().starts_with('}');
    let last = if closes { after + 1 } else { after };
    lines[..=last].iter().rposition(|line| !line.trim().is_empty()).map_or(1, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_are_found_in_each_language() {
        for (path, head, line, end) in [
            ("a.js", "export async function a(b) {", "  b();", "}"),
            ("a.mjs", "  await check(\"a\", async () => {", "    b();", "  });"),
            ("a.js", "  function render(\n    state,\n  ) {", "    b();", "  }"),
            ("a.js", "  #render(state) {", "    b();", "  }"),
            ("a.py", "    def a(\n        b,\n    ):", "        b()", "    c = 1"),
            ("a.sh", "a() { # all of it", "  b", "}"),
            (".ci/run", "a() {", "  b", "}"),
        ] {
            let around = head.lines().count() + usize::from(end.trim().starts_with('}'));
            let text = |more: usize| {
                let body = format!("{line}\n").repeat(FUNCTION_LINES - around + more);
                format!("{head}\n{body}{end}\nlast\n")
            };
            assert_eq!(long_functions(&File::new(path, &text(0))), [""; 0], "{head}");
            assert_eq!(long_functions(&File::new(path, &text(1))).len(), 1, "{head}");
        }
    }
}
