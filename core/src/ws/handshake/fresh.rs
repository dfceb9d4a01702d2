//! Fields that are made afresh for each attempt.

use super::ClientRequest;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A function that makes fields. Two are equal if they are the same one.
#[derive(Clone)]
pub(super) struct Fresh(Arc<dyn Fn(u32) -> Vec<(String, String)> + Send + Sync>);

impl Fresh {
    pub(super) fn make(&self, attempt: u32) -> Vec<(String, String)> {
        (self.0)(attempt)
    }
}

impl ClientRequest {
    /// Adds fields that `make` makes afresh for each attempt, behind the others: a token that expires, a trace's id. They
    /// are checked as by [`header`](Self::header) when the attempt begins; one that cannot be set fails that attempt with
    /// [`HandshakeError::Request`](super::HandshakeError::Request). A second function takes the place of the first.
    ///
    /// It is called within the loop or task that opens the connection, so it must not wait. Where making a token takes
    /// time, make the request anew for each attempt instead: in the closure that is retried, or in the service before it dials.
    ///
    /// Two requests are equal only if they share the function.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use wharf::ws::handshake::ClientRequest;
    ///
    /// let token = Arc::new(Mutex::new("first".to_owned()));
    /// let current = token.clone();
    /// let request = ClientRequest::new("ws://localhost/")
    ///     .unwrap()
    ///     .headers_with(move || vec![("Authorization".into(), format!("Bearer {}", current.lock().unwrap()))]);
    /// *token.lock().unwrap() = "second".to_owned();
    /// # drop(request);
    /// ```
    #[must_use]
    pub fn headers_with(self, make: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> Self {
        self.headers_by(move |_| make())
    }

    /// As [`headers_with`](Self::headers_with), with a function that is told the number of the attempt
    /// ([`numbered`](Self::numbered)): the first one may go with the token that is there, the second with a new one.
    ///
    /// ```
    /// use wharf::ws::handshake::ClientRequest;
    ///
    /// let request = ClientRequest::new("ws://localhost/")
    ///     .unwrap()
    ///     .headers_by(|attempt| vec![("X-Attempt".into(), attempt.to_string())]);
    /// assert_ne!(request.clone().numbered(2), request);
    /// ```
    #[must_use]
    pub fn headers_by(mut self, make: impl Fn(u32) -> Vec<(String, String)> + Send + Sync + 'static) -> Self {
        self.fresh = Some(Fresh(Arc::new(make)));
        self
    }

    /// The same for the attempt of this number, counted from 1 by whoever tries again; what a redirect leads to belongs to the
    /// same attempt. It is nothing that a server sees, unless a field is made of it.
    #[must_use]
    pub fn numbered(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }
}

impl PartialEq for Fresh {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fresh {}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}

#[cfg(test)]
mod tests {
    use super::super::RequestError;
    use super::*;
    use crate::base::Entropy;
    use std::format;

    fn plain() -> ClientRequest {
        ClientRequest::new("ws://a:81/x").unwrap()
    }

    fn written(request: &ClientRequest) -> String {
        let (bytes, _) = request.encode(&mut Entropy::from_seed([0; 32]), None);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn fresh_fields_are_made_for_each_attempt() {
        let count = core::sync::atomic::AtomicU32::new(0);
        let request = plain().header("X", "set").unwrap().headers_with(move || {
            let n = count.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
            [("Y", format!("{n}")), ("Sec-WebSocket-Protocol", "p".into())].map(|(k, v)| (k.into(), v)).into()
        });
        for n in 0..3 {
            let attempt = request.attempt().unwrap();
            assert_eq!(attempt.subprotocols(), ["p"]);
            assert!(written(&attempt).ends_with(&format!("\r\nX: set\r\nY: {n}\r\n\r\n")));
        }
        assert!(request == request.clone() && request != plain() && plain() == plain());
        assert!(format!("{request:?}").contains("Fresh"));
        let never = plain().headers_with(Vec::new);
        assert_eq!(never.attempt().unwrap().subprotocols(), [""; 0]);
    }

    #[test]
    fn fresh_fields_that_cannot_be_set_fail_the_attempt() {
        for (name, value) in [("X", "a\r\nb"), ("Upgrade", "h2c"), ("", "x"), ("Authorization", "x")] {
            let request = plain().basic_auth("a", "b").unwrap();
            let request = request.headers_with(move || Vec::from([(name.into(), value.into())]));
            assert_eq!(request.attempt(), Err(RequestError::Header(name.into())), "{name}");
        }
    }

    #[test]
    fn fresh_fields_are_told_which_attempt_it_is() {
        let request =
            plain().headers_by(|attempt| [("X", format!("{attempt}"))].map(|(k, v)| (k.into(), v)).into());
        for attempt in [1, 2, 3, u32::MAX] {
            let attempted = request.clone().numbered(attempt);
            assert!(written(&attempted.attempt().unwrap()).ends_with(&format!("\r\nX: {attempt}\r\n\r\n")));
        }
        assert_eq!(request.clone().numbered(1), request);
    }
}
