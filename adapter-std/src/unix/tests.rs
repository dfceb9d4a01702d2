//! The files that sockets leave behind, each case by its name.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of a test's own, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wharf-unix-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn error(path: &str) -> io::Error {
    listen_unix(path, None).map(drop).unwrap_err()
}

#[test]
fn a_stale_path_is_taken_over() {
    let folder = Folder::new();
    let path = folder.path("socket");
    drop(UnixListener::bind(&path).unwrap());
    assert!(fs::exists(&path).unwrap(), "std leaves it behind");
    let (listener, _file) = listen_unix(&path, None).unwrap();
    connect_unix(&path).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_path_in_use_stays_with_whoever_listens() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let (listener, _file) = listen_unix(&path, None).unwrap();
    assert_eq!(error(&path).kind(), ErrorKind::AddrInUse);
    // The one that was made to find out.
    listener.accept().unwrap();
    connect_unix(&path).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_path_whose_queue_is_full_is_in_use() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let listener = open().unwrap();
    listener.bind(&address_of(&path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    let full = loop {
        match connect_unix(&path) {
            Ok(stream) => waiting.push(stream),
            Err(e) => break e,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    assert_eq!(error(&path).kind(), ErrorKind::AddrInUse);
    assert!(fs::exists(&path).unwrap());
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = Folder::new();
    let (file, link, inner) = (folder.path("file"), folder.path("link"), folder.path("folder"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&inner).unwrap();
    // A socket that nobody listens on, but by way of a link.
    let stale = folder.path("stale");
    drop(UnixListener::bind(&stale).unwrap());
    std::os::unix::fs::symlink(&stale, &link).unwrap();
    for path in [&file, &link, &inner] {
        assert_eq!(error(path).kind(), ErrorKind::AlreadyExists, "{path}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::exists(&stale).unwrap());
}

#[test]
fn the_file_goes_with_its_listener() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let (_listener, file) = listen_unix(&path, None).unwrap();
    drop(file);
    assert!(!fs::exists(&path).unwrap());
}

#[test]
fn the_file_of_another_stays() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let (_first, first_file) = listen_unix(&path, None).unwrap();
    fs::remove_file(&path).unwrap();
    let (second, _second_file) = listen_unix(&path, None).unwrap();
    drop(first_file);
    connect_unix(&path).unwrap();
    second.accept().unwrap();
}

#[test]
fn the_mode_is_what_was_asked_for() {
    let folder = Folder::new();
    for mode in [0o600, 0o660, 0o777] {
        let path = folder.path(&format!("{mode:o}"));
        let (_listener, _file) = listen_unix(&path, Some(mode)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
    }
    let past = listen_unix(&folder.path("past"), Some(0o1777)).map(drop).unwrap_err();
    assert_eq!(past.kind(), ErrorKind::InvalidInput);
}

#[test]
fn paths_that_cannot_be() {
    let long = format!("/tmp/{}", "x".repeat(200));
    for (path, word) in [("", "path"), ("a\0b", "zero"), (&*long, "205 bytes")] {
        for e in [error(path), connect_unix(path).unwrap_err()] {
            assert!(e.kind() == ErrorKind::InvalidInput && e.to_string().contains(word), "{e}");
        }
    }
    assert_eq!(error("/nowhere/at/all").kind(), ErrorKind::NotFound);
    assert_eq!(connect_unix("/nowhere/at/all").unwrap_err().kind(), ErrorKind::NotFound);
}
