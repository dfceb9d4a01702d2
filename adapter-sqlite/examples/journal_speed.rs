//! Batches and messages a second that a journal takes on this disk: `journal_speed FILE [SECONDS]`.
//!
//! A message is accepted with a body of 100 bytes, its number is remembered, and it is removed once 256 came after it: three
//! changes.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};
use wharf::base::Wall;
use wharf::service::bus::{Accepted, Batch, Change, Name, Numbers, Seq};
use wharf_sqlite::Journal;

const BODY: &str = r#"{"id":"m-0000000","from":"shop","to":"mail","type":"sold","payload":"0123456789","timestamp":1234567}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: journal_speed FILE [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    println!(
        "{:>8} {:>10} {:>12} {:>12} {:>12}",
        "changes", "batches/s", "messages/s", "us/batch", "us/message"
    );
    let (mut journal, last) = Journal::open(&file, |records| Ok(records.count()))?;
    if last > 0 {
        return Err("the journal is to be an empty one".into());
    }
    let mut traffic = Traffic { seq: 0, waiting: VecDeque::new() };
    for size in [1, 16, 256, 1024] {
        let (mut batches, mut busy) = (0_u32, Duration::ZERO);
        while busy < Duration::from_secs(seconds) {
            let batch = Batch::new((0..size).map(|_| traffic.next()).collect::<Result<_, _>>()?);
            let begun = Instant::now();
            journal.carry_out(&batch)?;
            busy += begun.elapsed();
            batches += 1;
        }
        let each = busy.as_secs_f64() * 1e6 / f64::from(batches);
        let messages = f64::from(size) / 3.0;
        let rate = 1e6 / each;
        println!("{size:>8} {rate:>10.0} {:>12.0} {each:>12.1} {:>12.2}", rate * messages, each / messages);
    }
    journal.close()?;
    Ok(())
}

/// Changes as a broker would make them.
struct Traffic {
    seq: u64,
    waiting: VecDeque<Change>,
}

impl Traffic {
    fn next(&mut self) -> Result<Change, Box<dyn Error>> {
        if self.waiting.len() <= 256 {
            self.seq += 1;
            let (from, to) = (Name::new("shop")?, Name::new("mail")?);
            let id = Name::new(&format!("m-{}", self.seq))?;
            let seq = Seq(self.seq);
            self.waiting.push_back(Change::Remove(seq));
            let numbers = Numbers::new(from.clone(), Name::new("m")?, seq, self.seq, Vec::new());
            self.waiting.push_front(Change::RememberNumbers(numbers));
            return Ok(Change::Accept(Accepted::new(
                seq,
                id,
                from,
                to,
                "sold",
                BODY.into(),
                Wall::default(),
            )));
        }
        Ok(self.waiting.pop_front().ok_or("nothing waits")?)
    }
}
