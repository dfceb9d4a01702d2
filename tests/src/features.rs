//! The features of a package, and what the front page of its documentation tells of them.

use crate::source::File;

/// What the table under `# Features` of a crate's root does not tell, or tells otherwise than its manifest.
#[must_use]
pub fn untold_features(manifest: &File, root: &File) -> Vec<String> {
    let features = features(&manifest.text);
    let told = table(&root.text);
    let missing =
        features.iter().filter(|feature| !told.contains(feature)).map(|feature| (feature, "untold"));
    let stale = told.iter().filter(|row| !features.contains(row)).map(|row| (row, "not in the manifest"));
    let fault = |((name, default), what): (&(String, bool), &str)| {
        let default = if *default { " (default)" } else { "" };
        format!("{}: the feature {name}{default} is {what}", root.path)
    };
    missing.chain(stale).map(fault).collect()
}

/// Each feature, and whether it is on by default.
fn features(manifest: &str) -> Vec<(String, bool)> {
    let section = manifest.split("\n[features]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let keys = section.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    let (default, rest): (Vec<_>, Vec<_>) =
        keys.filter_map(|line| line.split_once(" = ")).partition(|(name, _)| *name == "default");
    let is_default = |name: &str| default.iter().any(|(_, on)| on.contains(&format!("\"{name}\"")));
    rest.into_iter().map(|(name, _)| (name.to_owned(), is_default(name))).collect()
}

/// The rows of the table: `name` or `name` (default).
fn table(root: &str) -> Vec<(String, bool)> {
    let page = root.lines().take_while(|line| line.starts_with("//!"));
    let section = page.skip_while(|line| *line != "//! # Features").skip(1);
    let rows = section.take_while(|line| !line.starts_with("//! # "));
    let cells = rows.filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    cells.map(|(name, rest)| (name.to_owned(), rest.starts_with(" (default) |"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(table: &str) -> Vec<String> {
        let manifest = "[package]\nname = \"a\"\n\n[features]\ndefault = [\"b\"]\n# Of b.\nb = []\nc-d = [\"b\"]\n\n[dependencies]\ne = \"1\"\n";
        let root = format!("//! A.\n//!\n//! # Features\n//!\n{table}#![forbid(unsafe_code)]\n//! | `f` |\n");
        untold_features(&File::new("a/Cargo.toml", manifest), &File::new("a/src/lib.rs", &root))
    }

    #[test]
    fn a_feature_is_untold_or_told_otherwise() {
        assert_eq!(faults("//! | `b` (default) | b |\n//! | `c-d` | d |\n"), [""; 0]);
        assert_eq!(faults("//! | `b` (default) | b |\n"), ["a/src/lib.rs: the feature c-d is untold"]);
        assert_eq!(faults("//! | `b` | b |\n//! | `c-d` | d |\n").len(), 2, "b is on by default");
        let stale = faults("//! | `b` (default) | b |\n//! | `c-d` | d |\n//! | `e` | e |\n");
        assert_eq!(stale, ["a/src/lib.rs: the feature e is not in the manifest"]);
    }

    #[test]
    fn a_package_without_features_tells_of_none() {
        let manifest = File::new("a/Cargo.toml", "[package]\nname = \"a\"\n");
        assert_eq!(untold_features(&manifest, &File::new("a/src/lib.rs", "//! A.\n")), [""; 0]);
    }
}
