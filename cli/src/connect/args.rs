//! The flags of `wharf connect`.

use super::form::{InputForm, OutputForm, When};
use crate::args::{address, at_least_one, positive_seconds, seconds};
use crate::framing::FramingKind;
use crate::runner::RuntimeKind;
use clap::{ArgAction, Args};
use std::path::PathBuf;
use std::time::Duration;
use tracing::Level;
use wharf::link::Address;

/// `wharf connect`.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = NOTES)]
pub struct Connect {
    /// Where to: `ws://HOST[:PORT][/PATH]`, `wss://…`, `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:PATH`. `wss` and `tls`
    /// are over TLS.
    #[arg(required_unless_present = "listen")]
    pub url: Option<String>,
    /// Be the other side: wait at `HOST:PORT`, `[V6]:PORT` or `unix:PATH` for one client, and end with it. Port 0 picks one; stderr
    /// says where it listens.
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with_all = ["url", "retry", "header", "subprotocol", "ca", "proxy", "no_proxy"])]
    pub listen: Option<Address>,
    /// With --listen: speak TLS, with this certificate chain and private key (PEM files).
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"], conflicts_with = "url", action = ArgAction::Set)]
    pub tls: Vec<PathBuf>,
    /// What is spoken. [default: lines for tcp and tls, ws for all others]
    #[arg(long, value_enum)]
    pub framing: Option<FramingKind>,

    /// Send this message; repeatable. Without a terminal on stdin the last one ends the input.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = MESSAGES)]
    pub send: Vec<String>,
    /// Send what is in this file as one binary message, behind those of --send; repeatable, and ends the input as they do.
    #[arg(long, value_name = "FILE", help_heading = MESSAGES)]
    pub send_file: Vec<PathBuf>,
    /// What stdin and --send have: a text a line, a binary message a line in hex or base64, or, for stdin alone, one binary message
    /// that is all of it.
    #[arg(long, value_name = "FORM", value_enum, default_value_t, help_heading = MESSAGES)]
    pub input: InputForm,
    /// What stdout gets: a line a message, the payloads with nothing between them, or each of them as hex or base64 on a line.
    #[arg(long, value_name = "FORM", value_enum, default_value_t, help_heading = MESSAGES)]
    pub output: OutputForm,
    /// Print JSON over several lines, as it came but for white space. Alone it is `always`; `auto` is on a terminal.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "always", help_heading = MESSAGES)]
    pub json: When,
    /// Largest message taken or sent, in bytes.
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES", value_parser = at_least_one, help_heading = MESSAGES)]
    pub max_message: usize,
    /// Tell by the exit code what failed: 3 to 7 in place of 1.
    #[arg(long, help_heading = CONNECTION)]
    pub exit_codes: bool,
    /// Ping the WebSocket every so many seconds. stderr says how long each answer took, and at the end min, avg, p99 and max.
    #[arg(long, value_name = "SECS", value_parser = positive_seconds, help_heading = MESSAGES)]
    pub ping: Option<Duration>,
    /// On a terminal: send each line as it is, commands such as /ping too.
    #[arg(long, help_heading = MESSAGES)]
    pub no_commands: bool,
    /// On a terminal: neither read nor write the file with earlier lines.
    #[arg(long, help_heading = MESSAGES)]
    pub no_history: bool,

    /// A header of the request, as 'K: V'; repeatable.
    #[arg(long, value_name = "K: V", help_heading = CONNECTION)]
    pub header: Vec<String>,
    /// A subprotocol to offer; repeatable, the preferred one first.
    #[arg(long, value_name = "P", help_heading = CONNECTION)]
    pub subprotocol: Vec<String>,
    /// Offer to compress messages (permessage-deflate), or take such an offer.
    #[arg(long, help_heading = CONNECTION)]
    pub deflate: bool,
    /// Trust the authorities of this PEM file and no others. [default: those of the system]
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    pub ca: Option<PathBuf>,
    /// Go through this proxy: `http://HOST:PORT`, `socks5://…`. [default: as http_proxy, https_proxy, all_proxy, no_proxy say]
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy", help_heading = CONNECTION)]
    pub proxy: Option<String>,
    /// Go through no proxy, whatever the environment says.
    #[arg(long, help_heading = CONNECTION)]
    pub no_proxy: bool,
    /// Stay so many seconds after the end of the input before closing.
    #[arg(long, default_value = "0", value_name = "SECS", value_parser = seconds, help_heading = CONNECTION)]
    pub wait: Duration,
    /// Connect again when the connection is lost or none comes about, and send what waits then: after 1 s, 2 s, 4 s, 8 s and 16 s,
    /// then every 30 s, each a fifth more or less.
    #[arg(long, help_heading = CONNECTION)]
    pub retry: bool,
    /// Give up when the connection is not open after so many seconds; with --retry, an attempt to connect.
    #[arg(long, default_value = "10", value_name = "SECS", value_parser = seconds, help_heading = CONNECTION)]
    pub open_timeout: Duration,
    /// The runtime that drives the socket.
    #[arg(long, value_enum, default_value_t = RuntimeKind::Tokio, help_heading = CONNECTION)]
    pub runtime: RuntimeKind,
    /// Log from this level on, to stderr.
    #[arg(long, default_value = "warn", value_name = "LEVEL", help_heading = CONNECTION)]
    pub log: Level,
}

const MESSAGES: &str = "Messages";
const CONNECTION: &str = "Connection";

/// What the flags do not say.
const NOTES: &str = "\
Examples:
  wharf connect wss://example.org/feed                      talk, on a terminal with history and editing
  echo '{\"op\":\"time\"}' | wharf connect wss://example.org/api --wait 1
  wharf connect wss://example.org/ --send-file in.bin --output raw --wait 1 > out.bin
  wharf connect wss://example.org/ --ping 1                 how far away is it?
  wharf connect --listen 127.0.0.1:9000                     the other side, in a second terminal

Each line of stdin is a message; LF or CR LF ends it. Each message that comes is one line on stdout: text as it
is, binary as `binary ` and hex. Framings that do not tell text from binary show as text what is UTF-8; typed sends
type 2 (data) and shows the type before each payload: `2 ahoy`, `7 binary ff00`.

With terminals on both sides lines are edited with the arrows and the usual keys; Up and Ctrl-R find earlier ones, which are kept in a
file but for those that begin with a space. JSON is set out, and control characters of the server are not obeyed. Ctrl-D ends the
input, Ctrl-C clears the line, then closes. A line that is one of these is not sent: /ping, /close [CODE [REASON]], /binary HEX,
/file PATH, /help. Any other line is, //ping as /ping.

At the end of the input the connection is closed with 1000, and what still comes within 5 s is printed; SIGINT and
SIGTERM do the same at once. There is one try, and redirects are not followed.

With --retry a connection that is lost is made again, and so is one that does not come about, until the server says that it is no
use (401, 403, 404, a close with 1000, 1008 or 4000 to 4999, a certificate that is not trusted). What was not written to one connection goes
out on the next; what was written in part, or may not have arrived, is not sent twice, and stderr says so. Lines of stdin wait meanwhile.

Exit code 0, 1 or 2; any but 0 comes with one line on stderr that says when it failed and what to try. --exit-codes tells more of 1:
  0  closed with 1000 by either side, or as /close said, or without a Close by framings that have none
  1  interrupted before it was open, a message that cannot be sent, or this machine is at fault
  2  bad use
  3  not reached: no address, nobody listens, no answer in time, or the proxy let nobody through
  4  TLS: a certificate that is not trusted, or no TLS at all
  5  the handshake was refused (401, 404, …), or is none
  6  the other side closed with another code than 1000
  7  the connection was lost: no Close frame, a timeout, or a broken protocol";
