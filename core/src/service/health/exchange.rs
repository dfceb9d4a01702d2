//! What is said and heard in an HTTP check.

use super::{Endpoint, Failure, Protocol};
use crate::base::Input;
use crate::http::{BodyReader, HeadBuffer, ResponseHead};
use alloc::format;
use alloc::string::String;
use bytes::Bytes;
use memchr::memmem;

/// Bytes that are read of an answer, its head among them.
const MAX_READ: usize = 64 * 1024;

/// How every answer begins.
const BEGIN: &[u8] = b"HTTP/1.";

/// What is said and heard in an HTTP check: a GET that asks the server to close behind its answer, and the judgement of what comes.
/// At most 64 KiB of it are read; redirects are not followed.
///
/// ```
/// use wharf::base::Input;
/// use wharf::service::health::{Endpoint, Exchange, Failure};
///
/// let endpoint = Endpoint::new("api", "http://localhost:3000/ready").unwrap();
/// let mut exchange = Exchange::new(&endpoint).unwrap();
/// assert!(exchange.request().starts_with(b"GET /ready HTTP/1.1\r\nHost: localhost:3000\r\n"));
/// let mut answer = *b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
/// assert_eq!(exchange.receive(&mut Input::new(&mut answer)), Some(Err(Failure::Status(503))));
/// ```
#[derive(Debug)]
pub struct Exchange {
    request: Bytes,
    status: Option<u16>,
    body: Option<String>,
    stage: Stage,
    /// How much more is read.
    left: usize,
}

#[derive(Debug)]
enum Stage {
    /// With as much of its begin as came.
    Head(HeadBuffer, usize),
    Body(BodyReader),
    Over(Result<(), Failure>),
}

impl Exchange {
    /// The exchange for a check of `endpoint`; `None` where connecting is all.
    #[must_use]
    pub fn new(endpoint: &Endpoint) -> Option<Self> {
        if endpoint.protocol() != Protocol::Http {
            return None;
        }
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: wharf\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            endpoint.path(),
            endpoint.authority()
        );
        Some(Self {
            request: request.into(),
            status: endpoint.status,
            body: endpoint.body.clone(),
            stage: Stage::Head(HeadBuffer::default(), 0),
            left: MAX_READ,
        })
    }

    /// What is to be written.
    #[must_use]
    pub fn request(&self) -> Bytes {
        self.request.clone()
    }

    /// Takes what came; the result, as soon as it is known. It stays the same from then on, and all that comes is passed over.
    pub fn receive(&mut self, input: &mut Input<'_>) -> Option<Result<(), Failure>> {
        let mut wanted = Input::new(input.take(self.left));
        self.left -= wanted.len();
        input.take_all();
        loop {
            match &mut self.stage {
                Stage::Over(result) => return Some(*result),
                Stage::Head(buffer, begun) => {
                    // What greets in another protocol may say no more until it is answered.
                    let expected = &BEGIN[*begun..];
                    let begin = &wanted.as_slice()[..wanted.len().min(expected.len())];
                    if !expected.starts_with(begin) {
                        return self.end(Err(Failure::NotHttp));
                    }
                    *begun += begin.len();
                    let head = match buffer.take(&mut wanted) {
                        Ok(Some(head)) => ResponseHead::from_head(head),
                        Ok(None) if self.left > 0 => return None,
                        _ => return self.end(Err(Failure::NotHttp)),
                    };
                    match head {
                        Ok(head) => self.handle_head(&head),
                        Err(_) => return self.end(Err(Failure::NotHttp)),
                    }
                }
                Stage::Body(reader) => {
                    reader.receive(&mut wanted);
                    if reader.is_broken() {
                        return self.end(Err(Failure::NotHttp));
                    }
                    if !reader.is_done() && self.left > 0 {
                        return None;
                    }
                    return self.judge_body();
                }
            }
        }
    }

    /// The connection ended; the result.
    ///
    /// # Errors
    /// What was asked for had not come whole, or was no sign of health.
    pub fn receive_end(&mut self) -> Result<(), Failure> {
        if let Stage::Body(reader) = &mut self.stage {
            reader.receive_eof();
            let judged = if reader.is_done() { self.judge_body() } else { None };
            return judged.unwrap_or(Err(Failure::Ended));
        }
        match self.stage {
            Stage::Over(result) => result,
            _ => Err(Failure::Ended),
        }
    }

    /// An answer may be preceded by others that only say that it comes (RFC 9110 section 15.2).
    fn handle_head(&mut self, head: &ResponseHead) {
        let status = head.status();
        self.stage = match self.status {
            _ if matches!(status, 100 | 102..=199) => Stage::Head(HeadBuffer::default(), 0),
            Some(expected) if expected != status => Stage::Over(Err(Failure::Status(status))),
            None if !(200..=399).contains(&status) => Stage::Over(Err(Failure::Status(status))),
            _ => Stage::Body(BodyReader::new(head, MAX_READ)),
        };
    }

    /// All of the body is there that is read.
    fn judge_body(&mut self) -> Option<Result<(), Failure>> {
        let over = Stage::Over(Err(Failure::Ended));
        let Stage::Body(reader) = core::mem::replace(&mut self.stage, over) else { return None };
        let (body, _) = reader.into_parts();
        let has_it = self.body.as_ref().is_none_or(|text| memmem::find(&body, text.as_bytes()).is_some());
        self.end(if has_it { Ok(()) } else { Err(Failure::Body) })
    }

    fn end(&mut self, result: Result<(), Failure>) -> Option<Result<(), Failure>> {
        self.stage = Stage::Over(result);
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn exchange(set: impl FnOnce(&mut Endpoint)) -> Exchange {
        let mut endpoint = Endpoint::new("a", "http://[::1]:8080/x?y").unwrap();
        set(&mut endpoint);
        Exchange::new(&endpoint).unwrap()
    }

    /// What an answer comes to, whole with its end behind it and cut at any place.
    fn judged(set: impl Fn(&mut Endpoint), answer: &str) -> Result<(), Failure> {
        let mut results: Vec<_> = (0..=answer.len())
            .map(|cut| {
                let mut exchange = exchange(&set);
                for piece in [&answer[..cut], &answer[cut..]] {
                    exchange.receive(&mut Input::new(&mut piece.as_bytes().to_vec()));
                }
                exchange.receive_end()
            })
            .collect();
        results.dedup();
        assert_eq!(results.len(), 1, "{answer:?}");
        results[0]
    }

    #[test]
    fn the_request() {
        assert_eq!(
            exchange(|_| ()).request(),
            "GET /x?y HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: wharf\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        assert!(Exchange::new(&Endpoint::new("a", "tcp://a:1").unwrap()).is_none());
    }

    #[test]
    fn a_status_from_200_to_399_is_up_unless_one_is_named() {
        for (status, is_up) in
            [(199, false), (200, true), (204, true), (302, true), (399, true), (400, false), (503, false)]
        {
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
            // A 1xx is no answer.
            let failure = if status < 200 { Failure::Ended } else { Failure::Status(status) };
            assert_eq!(judged(|_| (), &answer), if is_up { Ok(()) } else { Err(failure) }, "{status}");
            let named = |endpoint: &mut Endpoint| endpoint.status = Some(503);
            let expected = match status {
                199 => Err(Failure::Ended),
                503 => Ok(()),
                other => Err(Failure::Status(other)),
            };
            assert_eq!(judged(named, &answer), expected, "{status}");
        }
        let early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(judged(|_| (), early), Ok(()));
        assert_eq!(judged(|_| (), "HTTP/1.1 101 x\r\n\r\n"), Err(Failure::Status(101)));
    }

    #[test]
    fn a_body_is_searched_however_it_is_framed() {
        let wants = |endpoint: &mut Endpoint| endpoint.body = Some("\"ök\"".into());
        for (head, body, result) in [
            ("Content-Length: 11", "{\"a\":\"ök\"}", Ok(())),
            ("Content-Length: 2", "{}\"ök\"", Err(Failure::Body)),
            ("Server: x", "ab\"ök\"", Ok(())),
            ("Transfer-Encoding: chunked", "3\r\n\"ö\r\n2\r\nk\"\r\n0\r\n\r\n", Ok(())),
            ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n\"ök\"", Err(Failure::NotHttp)),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
            // A piece of text may be cut inside of a character, which `judged` does not do.
            let mut exchange = exchange(wants);
            let pieces: Vec<_> =
                answer.bytes().map(|b| exchange.receive(&mut Input::new(&mut [b]))).collect();
            assert_eq!(exchange.receive_end(), result, "{head} {body}");
            assert!(pieces.iter().flatten().all(|early| *early == result), "{head} {body}");
        }
    }

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        ] {
            assert_eq!(judged(|_| (), answer), Err(Failure::Ended), "{answer:?}");
        }
        for answer in ["SSH-2.0-x\r\n\r\n", "HTTP/2.0 200 x\r\n\r\n", "220 ready\r\n", "HTTP1"] {
            assert_eq!(judged(|_| (), answer), Err(Failure::NotHttp), "{answer:?}");
        }
    }

    /// A body may go on for ever, and a head too.
    #[test]
    fn no_more_than_64_kib_are_read() {
        let mut long = exchange(|_| ());
        let mut head = *b"HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(long.receive(&mut Input::new(&mut head)), None);
        let mut results =
            (0..64).map(|_| long.receive(&mut Input::new(&mut [b'a'; 1024]))).collect::<Vec<_>>();
        assert_eq!(results.pop(), Some(Some(Ok(()))));
        assert!(results.iter().all(Option::is_none));
        let mut endless = exchange(|_| ());
        assert_eq!(endless.receive(&mut Input::new(&mut b"HTTP/1.1 200 OK\r\na: ".to_vec())), None);
        assert_eq!(endless.receive(&mut Input::new(&mut [b'a'; 20_000])), Some(Err(Failure::NotHttp)));
        let mut late = exchange(|endpoint| endpoint.body = Some("end".into()));
        let mut answer = [&head[..], &[b' '; 70_000], b"end"].concat();
        assert_eq!(late.receive(&mut Input::new(&mut answer)), Some(Err(Failure::Body)));
    }
}
