//! A library that depends on `wharf-core` alone runs unchanged on every runtime, and drags none along.

#[allow(dead_code)]
#[path = "../../examples/agnostic_async_std.rs"]
mod agnostic_async_std;
#[allow(dead_code)]
#[path = "../../examples/agnostic_mio.rs"]
mod agnostic_mio;
#[allow(dead_code)]
#[path = "../../examples/agnostic_tokio.rs"]
mod agnostic_tokio;

use std::process::Command;

#[test]
fn on_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(agnostic_tokio::count(10)).unwrap(), Some(55));
}

#[test]
fn on_async_std() {
    assert_eq!(async_std::task::block_on(agnostic_async_std::count(10)).unwrap(), Some(55));
}

#[test]
fn on_mio() {
    assert_eq!(agnostic_mio::count(10).unwrap(), Some(55));
}

/// The names of all that a package is built from.
fn tree(package: &str) -> Vec<String> {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package"])
        .arg(package)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split(' ').next().map(String::from)).collect();
    names.sort();
    names.dedup();
    names
}

const RUNTIMES: [&str; 9] =
    ["tokio", "async-std", "smol", "mio", "async-io", "async-executor", "futures-core", "polling", "rustix"];

#[test]
fn its_tree_holds_no_runtime() {
    let names = tree("wharf-agnostic");
    assert!(names.contains(&"wharf-core".into()) && names.contains(&"wharf-agnostic".into()), "{names:?}");
    let found: Vec<_> = names.iter().filter(|name| RUNTIMES.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// Lest the test above looks for names that nothing has.
#[test]
fn an_adapter_s_tree_does() {
    assert!(tree("wharf-tokio").contains(&"tokio".into()));
    assert!(tree("wharf-mio").contains(&"mio".into()));
    assert!(tree("wharf-async-std").contains(&"async-std".into()));
}
