//! What an RFC demands, as written down in `docs/rfc`.

use toml::{Table, Value};

/// A sentence with MUST, MUST NOT, REQUIRED or SHALL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// The RFC's number, the section, and the place in it: `6455-5.1-2`.
    pub(crate) id: String,
    pub(crate) rfc: String,
    pub(crate) section: String,
    /// Whom it binds.
    pub(crate) binds: String,
    /// The sentence, on one line.
    pub(crate) text: String,
    /// Why it binds nothing here.
    pub(crate) not_ours: Option<String>,
}

const BOUND: [&str; 6] = ["browser", "client", "endpoint", "extension author", "intermediary", "server"];

impl Requirement {
    /// The requirements in the file of `rfc`, and what is wrong with it.
    pub(crate) fn read(rfc: &str, text: &str) -> (Vec<Self>, Vec<String>) {
        let table: Table = text.parse().unwrap_or_else(|e| panic!("rfc{rfc}.toml: {e}"));
        let rows = table.get("requirement").and_then(Value::as_array).expect("requirements");
        let rows: Vec<Self> = rows.iter().map(|row| Self::of(rfc, row)).collect();
        let mut faults = Vec::new();
        let (mut last, mut place) = ("", 0);
        for row in &rows {
            place = if row.section == last { place + 1 } else { 1 };
            last = &row.section;
            if row.id != format!("{rfc}-{last}-{place}") {
                faults.push(format!("{}: should be {rfc}-{last}-{place}", row.id));
            }
            if !BOUND.contains(&&*row.binds) {
                faults.push(format!("{}: binds {:?}, which is none of {BOUND:?}", row.id, row.binds));
            }
            if !["MUST", "REQUIRED", "SHALL"].iter().any(|word| row.text.contains(word)) {
                faults.push(format!("{}: demands nothing", row.id));
            }
        }
        for pair in rows.windows(2).filter(|pair| number(&pair[0].section) > number(&pair[1].section)) {
            faults.push(format!("{}: stands behind {}", pair[1].id, pair[0].id));
        }
        (rows, faults)
    }

    fn of(rfc: &str, row: &Value) -> Self {
        let string = |name: &str| row.get(name).and_then(Value::as_str).map(one_line);
        let id = string("id").expect("an id");
        let section = id.split('-').nth(1).unwrap_or_default().to_owned();
        Self {
            rfc: rfc.into(),
            section,
            binds: string("binds").unwrap_or_default(),
            text: string("text").unwrap_or_default(),
            not_ours: string("not_ours"),
            id,
        }
    }
}

/// Each run of white space as one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(section: &str) -> Vec<u32> {
    section.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}
