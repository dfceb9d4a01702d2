//! A log without a sound header.

use super::check::{fill, rewind};
use super::format::{FRAME_HEADER, Frame};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// The header is written when a log begins anew, which is once the database has all that is in it. So if the header was cut short,
/// the commits behind it are those that the database has; otherwise it was damaged, and they would be lost.
pub(super) fn is_obsolete(
    log: &mut (impl Read + Seek),
    database: &mut (impl Read + Seek),
    page_size: u32,
) -> io::Result<bool> {
    let (pages, size) = last_commit(log, page_size)?;
    let mut frame = vec![0; page_size as usize];
    let mut page = frame.clone();
    for (number, at) in pages.into_iter().filter(|(number, _)| *number <= size) {
        log.seek(SeekFrom::Start(at))?;
        database.seek(SeekFrom::Start(u64::from(number - 1) * u64::from(page_size)))?;
        if !fill(log, &mut frame)? || !fill(database, &mut page)? || frame != page {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where the newest form of each page stands as of the last commit that can be made out, and how many pages there were then.
fn last_commit(log: &mut (impl Read + Seek), page_size: u32) -> io::Result<(BTreeMap<u32, u64>, u32)> {
    rewind(log)?;
    let mut frame = Frame { bytes: vec![0; FRAME_HEADER + page_size as usize] };
    let (mut pages, mut size) = (BTreeMap::new(), 0);
    let mut open = Vec::new();
    let mut before = None;
    let mut at = (super::format::HEADER + FRAME_HEADER) as u64;
    while fill(log, &mut frame.bytes)? {
        let is_next = before.is_none_or(|(salts, sum)| {
            // Which way the sums go stood in the header.
            salts == frame.salts() && (frame.follows(sum, false) || frame.follows(sum, true))
        });
        if !is_next || frame.page_number() == 0 {
            break;
        }
        before = Some((frame.salts(), frame.sum()));
        open.push((frame.page_number(), at));
        if frame.commit() != 0 {
            size = frame.commit();
            pages.extend(open.drain(..));
        }
        at += frame.bytes.len() as u64;
    }
    Ok((pages, size))
}
