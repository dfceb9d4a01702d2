//! The first bytes of the file, read before SQLite sees it (<https://www.sqlite.org/fileformat2.html#the_database_header>).

/// Length of it.
pub(crate) const LENGTH: usize = 100;
/// What a journal of a bus is marked by.
pub(crate) const APPLICATION: u32 = u32::from_be_bytes(*b"Whrf");

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A journal, with pages of this size.
    Journal {
        /// Bytes a page.
        page_size: u32,
    },
    /// A journal whose header says what none says.
    Damaged(&'static str),
    /// Something else.
    Foreign,
}

/// Tells by the header what a file is.
pub(crate) fn kind(header: &[u8; LENGTH]) -> Kind {
    let is_sqlite = header.starts_with(b"SQLite format 3\0");
    let is_ours = header[68..72] == APPLICATION.to_be_bytes();
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u32::from(size),
    };
    match (is_sqlite, is_ours) {
        (true, true) => {}
        (false, true) => return Kind::Damaged("it does not say that it is SQLite's"),
        _ => return Kind::Foreign,
    }
    // Without a log SQLite would write to the file itself.
    if header[18..20] != [2, 2] {
        return Kind::Damaged("it does not name the write-ahead log");
    }
    if !page_size.is_power_of_two() || page_size < 512 {
        return Kind::Damaged("its pages have an impossible size");
    }
    Kind::Journal { page_size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> [u8; LENGTH] {
        let mut header = [0; LENGTH];
        header[..16].copy_from_slice(b"SQLite format 3\0");
        header[16..20].copy_from_slice(&[16, 0, 2, 2]);
        header[68..72].copy_from_slice(&APPLICATION.to_be_bytes());
        header
    }

    #[test]
    fn what_is_told_by_the_header() {
        assert_eq!(kind(&header()), Kind::Journal { page_size: 4096 });
        let with = |at: usize, byte: u8| {
            let mut header = header();
            header[at] = byte;
            kind(&header)
        };
        assert_eq!(with(0, b's'), Kind::Damaged("it does not say that it is SQLite's"));
        assert_eq!(with(19, 1), Kind::Damaged("it does not name the write-ahead log"));
        assert_eq!(with(16, 3), Kind::Damaged("its pages have an impossible size"));
        assert_eq!(with(70, 0), Kind::Foreign);
        assert_eq!(kind(&[0; LENGTH]), Kind::Foreign);
    }
}
