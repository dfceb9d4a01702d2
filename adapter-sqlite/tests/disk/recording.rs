//! What `strace` saw of a test's own children.

use super::trace::{Event, events};
use crate::folder::Folder;
use std::fs;
use std::process::Command;

/// What two processes did to this file and those beside it, the second after the first was killed; nothing where processes cannot be
/// traced. Each is this test again, told by `WHARF_TEST_JOURNAL` where the file is.
pub fn recorded(test: &str, file: &str) -> Option<Vec<Event>> {
    let folder = Folder::new();
    let place = folder.path("place");
    fs::create_dir(&place).expect("a folder");
    let place = place.canonicalize().expect("a folder");
    let calls = "trace=open,openat,creat,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,\
                 rename,renameat,renameat2,unlink,unlinkat,link,linkat,copy_file_range,sendfile";
    let mut all = Vec::new();
    for _ in 0..2 {
        let trace = folder.path("trace");
        let child = Command::new("strace")
            .args(["-f", "-y", "-xx", "-s", "100000", "-e", calls, "-o"])
            .arg(&trace)
            .arg(std::env::current_exe().expect("this test"))
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env("WHARF_TEST_JOURNAL", place.join(file))
            .output();
        if !child.as_ref().is_ok_and(|output| output.status.success()) {
            assert!(
                std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"),
                "{test}: needs strace: {child:?}"
            );
            println!("SKIPPED {test}: needs strace");
            return None;
        }
        let text = fs::read_to_string(&trace).expect("a trace");
        all.extend(events(&text, place.to_str().expect("a path of text")));
    }
    Some(all)
}
