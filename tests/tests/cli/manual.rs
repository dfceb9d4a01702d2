//! `wharf completions` and `wharf man`.

use super::succeeds;
use std::process::Command;
use wharf_tests::folder::Folder;
use wharf_tests::program::run;

#[test]
fn each_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(["completions", shell]);
        assert_eq!((ended.code, ended.err.len()), (Some(0), 0), "{shell}");
        let script = ended.out.join("\n");
        assert!(script.contains("connect") && script.contains("send-file"), "{shell}");
        // Not all of them complete values.
        assert!(script.contains("mio") || matches!(shell, "elvish" | "powershell"), "{shell}");
    }
}

#[test]
fn bash_understands_its_own() {
    let folder = Folder::new();
    let path = folder.path("wharf.bash");
    std::fs::write(&path, run(["completions", "bash"]).out.join("\n")).unwrap();
    let ask = format!(
        ". {path}; COMP_WORDS=(wharf connect --send-f); COMP_CWORD=2; _wharf wharf --send-f connect; echo \"${{COMPREPLY[@]}}\""
    );
    let asked = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "--send-file", "{asked:?}");
}

#[test]
fn pages_are_printed_one_by_one_or_written_together() {
    let page = run(["man", "connect"]);
    assert_eq!((page.code, page.err.len()), (Some(0), 0));
    let plain = |text: &str| text.replace("\\-", "-");
    let text = page.out.join("\n");
    assert!(plain(&text).contains(".TH wharf-connect 1") && plain(&text).contains("--exit-codes"), "{text}");
    let folder = Folder::new();
    let pages = folder.path("man1");
    succeeds(&run(["man", "--dir", &pages]), &[]);
    for name in ["wharf", "wharf-connect", "wharf-bench", "wharf-bus-dead"] {
        let written = std::fs::read_to_string(format!("{pages}/{name}.1")).unwrap();
        assert!(plain(&written).contains(&format!(".TH {name} 1")), "{name}");
    }
    assert_eq!(
        std::fs::read_to_string(format!("{pages}/wharf-connect.1")).unwrap().trim_end(),
        text.trim_end()
    );
    let file = folder.path("file");
    std::fs::write(&file, "").unwrap();
    super::complains(&run(["man", "--dir", &file]), 1, &["--dir", &file]);
}
