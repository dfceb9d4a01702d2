//! Earlier lines in a file.

use super::editor::Editor;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file, which only its owner can read; what is typed may be a secret. One that cannot be used is done without.
#[derive(Debug, Default)]
pub(super) struct History {
    file: Option<File>,
}

impl History {
    /// That of the user: the file, and the lines in it, the oldest first.
    pub(super) fn of_user() -> (Self, Vec<String>) {
        let folder = dirs::state_dir().or_else(dirs::data_local_dir);
        let opened =
            folder.map(|folder| folder.join("wharf").join("connect-history")).map(|path| Self::open(&path));
        opened.and_then(Result::ok).unwrap_or_default()
    }

    /// Cuts it to what is remembered when it has become twice as long.
    fn open(path: &Path) -> io::Result<(Self, Vec<String>)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = match fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        let over = lines.len().saturating_sub(Editor::REMEMBERED);
        lines.drain(..over);
        if over > Editor::REMEMBERED {
            // Renamed, so that neither a crash nor another program that does the same leaves half of it.
            let beside = PathBuf::from(format!("{}.{}", path.display(), std::process::id()));
            own(&beside)?.write_all((lines.join("\n") + "\n").as_bytes())?;
            fs::rename(beside, path)?;
        }
        Ok((Self { file: Some(own(path)?) }, lines))
    }

    /// Keeps a line, unless it begins with a space or would not be one line of text there.
    pub(super) fn keep(&mut self, line: &str) {
        if line.is_empty() || line.starts_with(' ') || line.contains(|c: char| c.is_control()) {
            return;
        }
        if let Some(file) = &mut self.file {
            // In one piece, since others may append too. The line was said whether it is kept or not.
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }
}

fn own(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn lines_are_kept_for_their_owner_alone_and_not_without_end() {
        let folder = std::env::temp_dir().join(format!("wharf-history-{}", std::process::id()));
        let path = folder.join("wharf").join("connect-history");
        let (mut history, lines) = History::open(&path).unwrap();
        assert!(lines.is_empty());
        for line in ["one", " secret", "", "two\nlines", "two"] {
            history.keep(line);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (mut history, lines) = History::open(&path).unwrap();
        assert_eq!(lines, ["one", "two"]);
        (0..2 * Editor::REMEMBERED).for_each(|i| history.keep(&i.to_string()));
        let (_, lines) = History::open(&path).unwrap();
        let last = (2 * Editor::REMEMBERED - 1).to_string();
        assert_eq!((lines.len(), lines.last()), (Editor::REMEMBERED, Some(&last)));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), Editor::REMEMBERED);
        fs::remove_dir_all(folder).unwrap();
    }
}
