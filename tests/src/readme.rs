//! The parts of README.md that tests make: between `<!-- NAME: made by tests/scripts/readme.sh -->` and `<!-- NAME ends -->`.

use std::path::Path;

/// Judges that the part `name` is `made`; with `WHARF_README=write` it becomes that.
///
/// # Panics
/// README has another, or no such part.
pub fn has_part(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).expect("a README");
    let (begin, end) =
        (format!("<!-- {name}: made by tests/scripts/readme.sh -->\n"), format!("<!-- {name} ends -->"));
    let (head, rest) = readme.split_once(&begin).expect("a mark where it begins");
    let (there, tail) = rest.split_once(&end).expect("a mark where it ends");
    if std::env::var("WHARF_README").as_deref() == Ok("write") {
        std::fs::write(path, [head, &begin, made, &end, tail].concat()).expect("it can be written");
    } else {
        assert!(there == made, "README.md has another part \"{name}\"; run tests/scripts/readme.sh");
    }
}
