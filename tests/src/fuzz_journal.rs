//! The fuzz target of the bus's journal: bytes as damage to one of its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use wharf::base::Wall;
use wharf::service::bus::{Accepted, Batch, Change, DeadReason, Death, Name, Numbers, Progress, Record, Seq};
use wharf_sqlite::Journal;

const FILES: [&str; 3] = ["bus.db", "bus.db-wal", "bus.db.mark"];

/// What lies in a folder, by name, without the lock.
type Files = BTreeMap<String, Vec<u8>>;

/// Damage to one file of a journal whose bus was killed: bits are flipped, it is cut, or it is other bytes. It is refused and
/// untouched, or nothing is lost.
///
/// # Panics
/// Neither is so.
pub fn journal(data: &[u8]) {
    static SOUND: OnceLock<(Files, Vec<Record>)> = OnceLock::new();
    let (files, records) = SOUND.get_or_init(sound);
    let Some(([choice, cut], rest)) = data.split_first_chunk::<2>() else { return };
    let mut files = files.clone();
    let file = files.get_mut(FILES[usize::from(*choice) % FILES.len()]).expect("a file");
    if choice & 0x80 != 0 {
        *file = rest.to_vec();
    } else {
        for edit in rest.chunks_exact(4) {
            let at = usize::from(edit[0]) | usize::from(edit[1]) << 8 | usize::from(edit[2]) << 16;
            let at = at % file.len();
            file[at] ^= edit[3];
        }
        file.truncate(file.len() - file.len() * usize::from(cut & 0x7f) / 128 * usize::from(cut >> 7));
    }
    let folder = Folder::new();
    for (name, bytes) in &files {
        fs::write(folder.0.join(name), bytes).expect("a file");
    }
    match Journal::open(folder.0.join(FILES[0]), |records| Ok(records.collect::<Vec<_>>())) {
        Ok((mut journal, found)) => {
            assert_eq!(found, *records, "something was lost");
            journal.carry_out(&Batch::new(vec![Change::Remove(Seq(2))])).expect("it goes on");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(folder.files(), files, "something was touched");
        }
    }
}

/// A journal with commits in its log, and what is in it.
fn sound() -> (Files, Vec<Record>) {
    let folder = Folder::new();
    let path = folder.0.join(FILES[0]);
    let name = |name: &str| Name::new(name).expect("a name");
    for part in 0..2 {
        let (mut journal, _) = Journal::open(&path, |_| Ok(())).expect("it opens");
        for at in part * 3..part * 3 + 3 {
            let (id, seq) = (name(&format!("m-{at}")), Seq(at + 1));
            let body = format!(r#"{{"payload":"{}"}}"#, "x".repeat(at as usize * 400));
            let accepted = Accepted::new(
                seq,
                id.clone(),
                name("shop"),
                name("mail"),
                "sold",
                body.into(),
                Wall::default(),
            );
            let death = Death::new(DeadReason::AckTimeout, Wall::default(), Progress::default());
            let mut changes = vec![Change::Accept(accepted)];
            changes.extend((at % 2 == 0).then_some(Change::Bury(seq, death)));
            changes.push(Change::RememberId { from: name("desk"), id, seq });
            let numbers = Numbers::new(name("shop"), name("m"), seq, at, vec![(3, 4)]);
            changes.push(Change::RememberNumbers(numbers));
            journal.carry_out(&Batch::new(changes)).expect("it is carried out");
        }
        if part == 1 {
            let mut files = folder.files();
            // The log's index, which does not last.
            files.remove("bus.db-shm");
            drop(journal);
            let found = Journal::open(&path, |records| Ok(records.collect())).expect("it opens").1;
            return (files, found);
        }
    }
    unreachable!("the second part returns")
}

/// A folder in memory, where there is one.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("wharf-fuzz-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn files(&self) -> Files {
        let entries = fs::read_dir(&self.0).expect("a folder").map(|entry| entry.expect("an entry").path());
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        entries
            .filter(|path| !name(path).ends_with(".lock"))
            .map(|path| (name(&path), fs::read(&path).expect("a file")))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is the temporary folder's business.
        let _ = fs::remove_dir_all(&self.0);
    }
}
