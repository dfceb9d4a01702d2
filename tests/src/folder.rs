//! A folder of a test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use wharf::link::Address;

/// A folder that is there for one test. Dropped, it is removed with all that lies in it.
///
/// ```
/// let folder = wharf_tests::folder::Folder::new();
/// assert!(folder.socket("a").to_string().starts_with("unix:/"));
/// ```
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder that nobody else has.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wharf-test-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A path in it.
    ///
    /// # Panics
    /// It is not UTF-8.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path of text").to_owned()
    }

    /// The address of a Unix socket in it.
    #[must_use]
    pub fn socket(&self, name: &str) -> Address {
        Address::Unix(self.path(name))
    }

    /// The names of what lies in it, in order.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .expect("a folder")
            .map(|entry| name(&entry.expect("an entry").path()))
            .collect();
        names.sort();
        names
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is the temporary folder's business.
        let _ = fs::remove_dir_all(&self.0);
    }
}
