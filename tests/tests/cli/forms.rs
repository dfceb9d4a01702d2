//! Bytes in and out of `wharf connect`: hex, base64, files, all of stdin, and JSON set out.

use super::{RUNTIMES, complains, connect, paths, succeeds};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use wharf_tests::folder::Folder;
use wharf_tests::program::{Ended, Running, wharf};

/// What comes back for this stdin, byte for byte.
fn bytes(args: &[&str], stdin: &[u8]) -> Output {
    let mut command = Command::new(wharf());
    command.arg("connect").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn lines_of_hex_and_base64_are_binary_messages() {
    let (_serving, url) = paths();
    for runtime in RUNTIMES {
        let mut client = connect(runtime, &url, &["--input", "hex", "--output", "base64"]);
        client.say("00 ff 10\n\nnot hex\nC3A9\r\n");
        let Ended { code, out, err } = client.wait();
        assert_eq!((code, &out[..]), (Some(0), &["AP8Q", "", "w6k="].map(String::from)[..]), "{err:?}");
        assert!(err.len() == 1 && err[0].contains("not hex"), "{err:?}");

        let base64 = ["--input", "base64", "--send", "AP8Q", "--send", "w6k="];
        succeeds(&connect(runtime, &url, &base64).wait(), &["binary 00ff10", "binary c3a9"]);
        succeeds(&connect(runtime, &url, &["--send", "\u{e9}", "--output", "hex"]).wait(), &["c3a9"]);
    }
}

#[test]
fn a_file_and_all_of_stdin_are_one_message_and_come_out_as_they_are() {
    let (_serving, url) = paths();
    let folder = Folder::new();
    let path = folder.path("in.bin");
    // All bytes, line ends and what is no UTF-8 among them; larger than one read.
    let all: Vec<u8> = (0..300_000_u32).map(|i| (i ^ i >> 8) as u8).collect();
    std::fs::write(&path, &all).unwrap();
    for runtime in RUNTIMES {
        let raw = [&*url, "--runtime", runtime, "--output", "raw"];
        for output in [
            bytes(&[&raw[..], &["--send-file", &path]].concat(), b""),
            bytes(&[&raw[..], &["--input", "whole"]].concat(), &all),
        ] {
            assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""));
            assert!(output.stdout == all, "{} bytes on {runtime}", output.stdout.len());
        }
        let output = bytes(&[&raw[..], &["--input", "whole", "--max-message", "299999"]].concat(), &all);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--max-message"), "{output:?}");
    }
    let both = connect("mio", &url, &["--send", "first", "--send-file", &path, "--output", "hex"]).wait();
    assert_eq!((both.code, both.out.len(), &*both.out[0]), (Some(0), 2, "6669727374"));
}

#[test]
fn a_message_over_the_limit_is_not_taken() {
    let (_server, address) = Running::serve(["echo"]);
    let url = format!("ws://{address}/");
    let fits = ["--max-message", "8", "--send", "12345678"];
    succeeds(&connect("tokio", &url, &fits).wait(), &["12345678"]);
    let other = Running::start(["connect", "--listen", "127.0.0.1:0", "--max-message", "8"]);
    let listening = other.complaint_with("listening on");
    let url = format!("ws://{}/", listening.trim_start_matches("listening on "));
    complains(
        &connect("tokio", &url, &["--send", "123456789", "--wait", "9"]).wait(),
        1,
        &["close:", "1009"],
    );
}

#[test]
fn json_is_set_out_for_those_who_ask() {
    let (_serving, url) = paths();
    let json = "{\"b\":[1.0,{}],\"a\":null}";
    let ask = ["--send", json, "--send", "[oops"];
    succeeds(&connect("smol", &url, &ask).wait(), &[json, "[oops"]);
    let set_out = ["{", "  \"b\": [", "    1.0,", "    {}", "  ],", "  \"a\": null", "}", "[oops"];
    for flag in ["--json", "--json=always"] {
        succeeds(&connect("smol", &url, &[&ask[..], &[flag]].concat()).wait(), &set_out);
    }
}
