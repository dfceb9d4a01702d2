//! What is a header and what is none, in any pieces.

use super::{HeaderReader, ProxyHeader, ProxyHeaderError};
use crate::base::Input;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use proptest::prelude::*;

type Outcome = Option<Result<ProxyHeader, ProxyHeaderError>>;

/// What becomes of bytes that come in pieces of at most `size`, and how many are left.
fn read(bytes: &[u8], size: usize) -> (Outcome, usize) {
    let (mut reader, mut left) = (HeaderReader::default(), bytes.to_vec());
    let mut taken = 0;
    for piece in left.chunks_mut(size) {
        let mut input = Input::new(piece);
        let before = input.len();
        let outcome = reader.receive(&mut input);
        taken += before - input.len();
        if outcome.is_some() {
            return (outcome, bytes.len() - taken);
        }
        assert!(input.is_empty(), "it takes all until it knows");
    }
    (None, 0)
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = super::v2::SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend((rest.len() as u16).to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn proxied(source: &str, destination: &str) -> ProxyHeader {
    ProxyHeader::Proxied { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

#[test]
fn lines_of_version_1() {
    let longest = std::format!("{:x<105}", "PROXY UNKNOWN whatever is there ");
    for (line, header) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443", proxied("192.0.2.1:56324", "198.51.100.2:443")),
        ("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0", proxied("255.255.255.255:65535", "0.0.0.0:0")),
        ("PROXY TCP6 2001:db8::1 ::1 1 2", proxied("[2001:db8::1]:1", "[::1]:2")),
        ("PROXY UNKNOWN", ProxyHeader::Unknown),
        (&longest, ProxyHeader::Unknown),
    ] {
        let text = std::format!("{line}\r\nGET /");
        for size in [1, 2, 7, 200] {
            assert_eq!(read(text.as_bytes(), size), (Some(Ok(header)), 5), "{line}");
        }
    }
}

#[test]
fn what_is_no_line_of_version_1() {
    use ProxyHeaderError::{Malformed, Missing, TooLong};
    for (text, error) in [
        ("GET / HTTP/1.1\r\n", Missing),
        ("PRI * HTTP/2.0\r\n", Missing),
        ("PROXY\tTCP4 ", Missing),
        ("proxy UNKNOWN\r\n", Missing),
        ("\x16\x03\x01", Missing),
        ("\r\n\r\nGET", Missing),
        ("PROXY UNKNOWN\n", Malformed("end of line")),
        ("PROXY UNKNOWNS\r\n", Malformed("protocol")),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", Malformed("protocol")),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Malformed("protocol")),
        ("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", Malformed("address")),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", Malformed("address")),
        ("PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", Malformed("address")),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Malformed("address")),
        ("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", Malformed("address")),
        ("PROXY TCP4 localhost 1.2.3.4 1 2\r\n", Malformed("address")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", Malformed("port")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", Malformed("port")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Malformed("port")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Malformed("port")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Malformed("number of words")),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", Malformed("number of words")),
        ("PROXY \u{e9}\r\n", Malformed("protocol")),
    ] {
        for size in [1, 200] {
            assert_eq!(read(text.as_bytes(), size).0, Some(Err(error)), "{text:?}");
        }
    }
    for len in [107, 108, 60_000] {
        let text = std::format!("{:x<len$}", "PROXY UNKNOWN ");
        let (outcome, left) = read(text.as_bytes(), 64);
        assert_eq!(outcome, Some(Err(TooLong)), "{len}");
        assert!(left + 107 == len, "and no more is held");
    }
    assert_eq!(read(b"PROXY TCP4 1.2.3.4", 64).0, None, "it may go on");
}

#[test]
fn blocks_of_version_2() {
    let v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
    let mut v6 = [0; 36];
    (v6[..4]).copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    (v6[15], v6[31], v6[33], v6[35]) = (1, 1, 7, 9);
    let values = |block: &[u8], n: usize| [block, &[0xee, 0, 3, 1, 2, 3].repeat(n)].concat();
    let header = proxied("192.0.2.1:56324", "198.51.100.2:443");
    for (bytes, header) in [
        (v2(0x21, 0x11, &v4), header),
        (v2(0x21, 0x11, &values(&v4, 1)), header),
        (v2(0x21, 0x11, &values(&v4, 678)), header),
        (v2(0x21, 0x21, &v6), proxied("[2001:db8::1]:7", "[::1]:9")),
        (v2(0x21, 0x21, &values(&v6, 9)), proxied("[2001:db8::1]:7", "[::1]:9")),
        (v2(0x20, 0x00, &[]), ProxyHeader::Local),
        (v2(0x20, 0x11, &v4), ProxyHeader::Local),
        (v2(0x20, 0x21, b"short"), ProxyHeader::Local),
        (v2(0x21, 0x00, b"anything"), ProxyHeader::Unknown),
        (v2(0x21, 0x12, &v4), ProxyHeader::Unknown),
        (v2(0x21, 0x31, &[0; 216]), ProxyHeader::Unknown),
    ] {
        let bytes = [&bytes[..], b"\x16\x03\x01"].concat();
        for size in [1, 13, 5000] {
            assert_eq!(read(&bytes, size), (Some(Ok(header)), 3), "{bytes:?}");
        }
    }
}

#[test]
fn what_is_no_block_of_version_2() {
    use ProxyHeaderError::{Malformed, Missing, TooLong};
    let mut cut_signature = v2(0x21, 0x11, &[0; 12]);
    cut_signature[11] = b'\r';
    for (bytes, error) in [
        (cut_signature, Missing),
        (v2(0x11, 0x11, &[0; 12]), Malformed("version")),
        (v2(0x31, 0x11, &[0; 12]), Malformed("version")),
        (v2(0x22, 0x11, &[0; 12]), Malformed("command")),
        (v2(0x21, 0x41, &[0; 12]), Malformed("family")),
        (v2(0x21, 0x13, &[0; 12]), Malformed("protocol")),
        (v2(0x20, 0xf0, &[]), Malformed("family")),
        (v2(0x21, 0x11, &[0; 11]), Malformed("length")),
        (v2(0x21, 0x21, &[0; 35]), Malformed("length")),
        (v2(0x21, 0x11, &[0; 4081]), TooLong),
        (v2(0x21, 0x11, &[0; 65_535]), TooLong),
    ] {
        for size in [1, 5000] {
            assert_eq!(read(&bytes, size).0, Some(Err(error)), "{:?}", &bytes[..16]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_come_to_the_same(
        beginning in prop_oneof![
            Just(Vec::new()), Just(b"PROXY TCP4 ".to_vec()), Just(b"PROXY ".to_vec()), Just(super::v2::SIGNATURE.to_vec()),
            Just([super::v2::SIGNATURE, &[0x21, 0x11, 0]].concat()),
        ],
        rest in prop_oneof![prop::collection::vec(any::<u8>(), 0..80), "[0-9. \r\n]{0,60}".prop_map(String::into_bytes)],
        size in 1..20usize,
    ) {
        let bytes: Vec<u8> = [beginning, rest].concat();
        let (whole, pieces) = (read(&bytes, usize::MAX), read(&bytes, size));
        prop_assert_eq!(whole.0, pieces.0);
        // How much of what is no header was looked at does not matter.
        prop_assert!(whole.1 == pieces.1 || matches!(whole.0, Some(Err(_))));
    }

    #[test]
    fn what_a_proxy_writes_is_read(source: SocketAddr, destination: SocketAddr, size in 1..60usize) {
        let (source, destination) = match (source, destination) {
            (SocketAddr::V4(a), SocketAddr::V4(b)) => (SocketAddr::from(a), SocketAddr::from(b)),
            (a, b) => {
                let v6 = |address: SocketAddr| match address.ip() {
                    core::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    core::net::IpAddr::V6(ip) => ip,
                };
                ((v6(a), a.port()).into(), (v6(b), b.port()).into())
            }
        };
        let header = ProxyHeader::Proxied { source, destination };
        let name = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let line = std::format!(
            "PROXY {name} {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port(),
        );
        prop_assert_eq!(read(line.as_bytes(), size), (Some(Ok(header)), 0));
        let mut block = Vec::new();
        for address in [source, destination] {
            match address.ip() {
                core::net::IpAddr::V4(ip) => block.extend(ip.octets()),
                core::net::IpAddr::V6(ip) => block.extend(ip.octets()),
            }
        }
        block.extend(source.port().to_be_bytes());
        block.extend(destination.port().to_be_bytes());
        let bytes = v2(0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, &block);
        prop_assert_eq!(read(&bytes, size), (Some(Ok(header)), 0));
    }
}
