//! CONNECT of HTTP/1.1 (RFC 9110 section 9.3.6).

use super::host::Host;
use super::url::Credentials;
use super::{ProxyError, ProxyRefusal};
use crate::base::Input;
use crate::http::{BodyReader, HeadBuffer, ResponseHead, basic};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads the answer to a CONNECT.
#[derive(Debug)]
pub(super) struct HttpConnect {
    head: HeadBuffer,
    /// A user name was sent.
    authorized: bool,
    /// Interim answers passed over.
    interim: u8,
    /// A refusal whose body is still coming.
    refused: Option<Box<(ProxyRefusal, BodyReader)>>,
}

impl HttpConnect {
    /// How much of a refusal's body is kept.
    const BODY: usize = 4096;
    /// Most interim answers that are passed over.
    const INTERIM: u8 = 8;

    /// The machine, and what it asks.
    pub(super) fn new(host: &Host, port: u16, credentials: Option<&Credentials>) -> (Self, Vec<u8>) {
        let authorization = match credentials {
            Some(c) => format!("Proxy-Authorization: {}\r\n", basic(&c.user, &c.password)),
            None => String::new(),
        };
        // The port stands in both, whatever it is: no scheme is there that would have one of its own.
        let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n");
        let authorized = credentials.is_some();
        let machine = Self { head: HeadBuffer::default(), authorized, interim: 0, refused: None };
        (machine, request.into_bytes())
    }

    /// Takes the answer; what is behind one that opens the tunnel stays. `asked`: the request is written.
    pub(super) fn receive(&mut self, input: &mut Input<'_>, asked: bool) -> Option<Result<(), ProxyError>> {
        while self.refused.is_none() {
            match self.head.take(input).and_then(|head| head.map(ResponseHead::from_head).transpose()) {
                Ok(None) => return None,
                Ok(Some(head)) => {
                    if let Some(outcome) = self.judge(&head, asked) {
                        return Some(outcome);
                    }
                }
                Err(e) => return Some(Err(ProxyError::NotHttp(e))),
            }
        }
        let (_, body) = &mut **self.refused.as_mut()?;
        body.receive(input);
        if body.is_done() { self.take_refusal().map(Err) } else { None }
    }

    /// The stream ended, which is the end of a body that tells no other.
    pub(super) fn receive_eof(&mut self) {
        if let Some(refused) = &mut self.refused {
            refused.1.receive_eof();
        }
    }

    /// A refusal with what has come of its body, if there is one.
    pub(super) fn take_refusal(&mut self) -> Option<ProxyError> {
        let (mut refusal, body) = *self.refused.take()?;
        (refusal.body, refusal.body_is_whole) = body.into_parts();
        let refusal = Box::new(refusal);
        Some(match refusal.status {
            // 401 is the target's to say, which no request has reached: there are proxies (tinyproxy) that say it of a
            // login that they did not take.
            401 | 407 if self.authorized => ProxyError::AuthFailed(Some(refusal)),
            401 | 407 => ProxyError::AuthRequired(refusal),
            _ => ProxyError::Refused(refusal),
        })
    }

    fn judge(&mut self, head: &ResponseHead, asked: bool) -> Option<Result<(), ProxyError>> {
        match head.status() {
            200..=299 if !asked => return Some(Err(ProxyError::OutOfTurn)),
            // "Any 2xx (Successful) response indicates that the sender [...] will switch to tunnel mode immediately
            // after the response header section"; "A client MUST ignore any Content-Length or Transfer-Encoding header
            // fields received in a successful response to CONNECT."
            200..=299 => return Some(Ok(())),
            // No other protocol was asked for.
            101 => return Some(Err(ProxyError::OutOfTurn)),
            // "A client MUST be able to parse one or more 1xx responses received prior to a final response" (RFC 9110
            // section 15.2).
            100..=199 if self.interim < Self::INTERIM => self.interim += 1,
            100..=199 => return Some(Err(ProxyError::OutOfTurn)),
            status => {
                let headers = head.headers().clone();
                let refusal = ProxyRefusal { status, headers, body: Vec::new(), body_is_whole: false };
                self.refused = Some(Box::new((refusal, BodyReader::new(head, Self::BODY))));
            }
        }
        None
    }
}
