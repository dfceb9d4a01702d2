//! SOCKS version 5 (RFC 1928) with user name and password (RFC 1929).

use super::host::Host;
use super::url::Credentials;
use super::{ProxyError, SocksReply};
use crate::base::{Input, Instant, Outbox};
use alloc::vec::Vec;
use core::net::IpAddr;

const VERSION: u8 = 5;
/// Methods to log in (RFC 1928 section 3).
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;

/// Greets, logs in and asks for the target. A reply that was cut waits in `held`, at most 262 bytes.
#[derive(Debug)]
pub(super) struct Socks5 {
    stage: Stage,
    host: Host,
    port: u16,
    credentials: Option<Credentials>,
    held: Vec<u8>,
    /// How long the reply at hand is, as far as that can be told yet.
    wanted: usize,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Waits for how to log in.
    Method,
    /// Waits for whether the login was taken.
    Login,
    /// Waits for whether the target was reached.
    Reply,
}

enum Step {
    /// The reply is so long.
    More(usize),
    /// Say this, then wait for the next reply.
    Say(Vec<u8>, Stage),
    /// The tunnel is open.
    Open,
}

impl Socks5 {
    /// The shortest piece that can be judged: a whole reply to greeting and login, version and code of the last one.
    const JUDGED: usize = 2;

    /// The machine, and its greeting.
    pub(super) fn new(host: Host, port: u16, credentials: Option<Credentials>) -> (Self, Vec<u8>) {
        let greeting = match credentials {
            Some(_) => [VERSION, 2, NO_LOGIN, USER_AND_PASSWORD].to_vec(),
            None => [VERSION, 1, NO_LOGIN].to_vec(),
        };
        let (stage, held, wanted) = (Stage::Method, Vec::new(), Self::JUDGED);
        (Self { stage, host, port, credentials, held, wanted }, greeting)
    }

    /// Takes replies and queues what comes next; what is behind the last reply stays.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        input: &mut Input<'_>,
        outbox: &mut Outbox,
    ) -> Option<Result<(), ProxyError>> {
        while !input.is_empty() {
            if !outbox.is_empty() {
                return Some(Err(ProxyError::OutOfTurn));
            }
            let missing = self.wanted.saturating_sub(self.held.len());
            self.held.extend_from_slice(input.take(missing));
            if self.held.len() < self.wanted {
                return None;
            }
            match self.judge() {
                Ok(Step::More(wanted)) => self.wanted = wanted,
                Ok(Step::Say(bytes, stage)) => {
                    outbox.cork(now).extend_from_slice(&bytes);
                    self.held.clear();
                    (self.stage, self.wanted) = (stage, Self::JUDGED);
                }
                Ok(Step::Open) => return Some(Ok(())),
                Err(e) => return Some(Err(e)),
            }
        }
        None
    }

    fn judge(&self) -> Result<Step, ProxyError> {
        match (self.stage, &self.held[..]) {
            (Stage::Method, [VERSION, method]) => self.begin(*method),
            // The version of this reply is not looked at: it is to be 1, and there are servers that say 5.
            (Stage::Login, [_, 0]) => Ok(Step::Say(self.request(), Stage::Reply)),
            (Stage::Login, _) => Err(ProxyError::AuthFailed(None)),
            (Stage::Reply, [VERSION, 0]) => Ok(Step::More(5)),
            // A refusal is told without its address: there are servers that leave that out.
            (Stage::Reply, [VERSION, code]) => Err(ProxyError::Socks(SocksReply::from(*code))),
            (Stage::Reply, [_, _, _, kind, first]) => Ok(Step::More(reply_len(*kind, *first)?)),
            (Stage::Reply, [_, _, _, _, _, ..]) => Ok(Step::Open),
            _ => Err(ProxyError::NotSocks("version")),
        }
    }

    /// What follows the greeting.
    fn begin(&self, method: u8) -> Result<Step, ProxyError> {
        match (method, &self.credentials) {
            (NO_LOGIN, _) => Ok(Step::Say(self.request(), Stage::Reply)),
            (USER_AND_PASSWORD, Some(credentials)) => Ok(Step::Say(login(credentials), Stage::Login)),
            (NONE_ACCEPTABLE, _) => Err(ProxyError::NoAcceptableMethod),
            _ => Err(ProxyError::NotSocks("method")),
        }
    }

    /// CONNECT (RFC 1928 section 4).
    fn request(&self) -> Vec<u8> {
        let mut out = [VERSION, 1, 0].to_vec();
        match &self.host {
            Host::Address(IpAddr::V4(address)) => {
                out.push(1);
                out.extend_from_slice(&address.octets());
            }
            Host::Address(IpAddr::V6(address)) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            Host::Name(name) => {
                // A host's name has at most 253 bytes.
                out.extend_from_slice(&[3, name.len() as u8]);
                out.extend_from_slice(name.as_bytes());
            }
        }
        out.extend_from_slice(&self.port.to_be_bytes());
        out
    }
}

/// User name and password (RFC 1929 section 2), each at most 255 bytes.
fn login(credentials: &Credentials) -> Vec<u8> {
    let Credentials { user, password } = credentials;
    [&[1, user.len() as u8], &user[..], &[password.len() as u8], password].concat()
}

/// How long a reply is whose address is of this kind and begins with this byte (RFC 1928 section 6).
fn reply_len(kind: u8, first: u8) -> Result<usize, ProxyError> {
    let address = match kind {
        1 => 4,
        3 => 1 + usize::from(first),
        4 => 16,
        _ => return Err(ProxyError::NotSocks("address type")),
    };
    Ok(4 + address + 2)
}
