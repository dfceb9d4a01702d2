//! The blocks of code in a page of Markdown.

/// What stands in the blocks of `page` that are marked as `language`, in their order.
///
/// ```
/// let page = "Run it:\n```nginx\nlisten 80;\n```\nand\n```\nlet a = 1;\n```\n";
/// assert_eq!(wharf_tests::code_block::code_blocks(page, "nginx"), ["listen 80;\n"]);
/// ```
#[must_use]
pub fn code_blocks(page: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<(bool, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut block) {
            (Some(marked), None) => block = Some((marked == language, String::new())),
            (Some(_), Some(_)) => {
                found.extend(block.take().filter(|(is_of, _)| *is_of).map(|(_, text)| text))
            }
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}
