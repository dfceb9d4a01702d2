//! What a request is made from.
//!
//! A function that takes anything of this says `R: TryInto<ClientRequest>` where `RequestError: From<R::Error>`.

use super::{ClientRequest, RequestError};
use crate::ws::{Url, UrlError};
use alloc::string::String;
use core::convert::Infallible;

impl From<Infallible> for RequestError {
    /// For whoever takes anything that makes a request, a request among it.
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<&Self> for ClientRequest {
    fn from(request: &Self) -> Self {
        request.clone()
    }
}

impl TryFrom<&str> for ClientRequest {
    type Error = RequestError;

    /// As [`ClientRequest::new`].
    fn try_from(url: &str) -> Result<Self, RequestError> {
        Self::new(url)
    }
}

impl TryFrom<&String> for ClientRequest {
    type Error = RequestError;

    /// As [`ClientRequest::new`].
    fn try_from(url: &String) -> Result<Self, RequestError> {
        Self::new(url)
    }
}

impl TryFrom<String> for ClientRequest {
    type Error = RequestError;

    /// As [`ClientRequest::new`].
    fn try_from(url: String) -> Result<Self, RequestError> {
        Self::new(&url)
    }
}

impl TryFrom<Url> for ClientRequest {
    type Error = RequestError;

    /// As [`ClientRequest::new`]: user name and password are refused.
    fn try_from(url: Url) -> Result<Self, RequestError> {
        match url.user_info() {
            Some(_) => Err(UrlError::UserInfo.into()),
            None => Ok(Self::from_url(url)),
        }
    }
}

impl TryFrom<&Url> for ClientRequest {
    type Error = RequestError;

    /// As from the URL by value.
    fn try_from(url: &Url) -> Result<Self, RequestError> {
        Self::try_from(url.clone())
    }
}

#[cfg(feature = "http")]
mod http {
    use super::{ClientRequest, RequestError};
    use ::http::{Method, Request, Uri, Version};

    impl TryFrom<&Uri> for ClientRequest {
        type Error = RequestError;

        /// A whole `ws` or `wss` URL.
        fn try_from(uri: &Uri) -> Result<Self, RequestError> {
            Self::new(&alloc::format!("{uri}"))
        }
    }

    impl TryFrom<Uri> for ClientRequest {
        type Error = RequestError;

        /// As from the URI by reference.
        fn try_from(uri: Uri) -> Result<Self, RequestError> {
            Self::try_from(&uri)
        }
    }

    impl<B> TryFrom<&Request<B>> for ClientRequest {
        type Error = RequestError;

        /// A GET in HTTP/1.1 of a whole `ws` or `wss` URL. Its body is not looked at.
        fn try_from(request: &Request<B>) -> Result<Self, RequestError> {
            if request.method() != Method::GET || request.version() != Version::HTTP_11 {
                return Err(RequestError::NotGet);
            }
            let converted = Self::try_from(request.uri())?;
            request.headers().iter().try_fold(converted, |converted, (name, value)| {
                let text = core::str::from_utf8(value.as_bytes());
                converted.header(name.as_str(), text.map_err(|_| RequestError::Header(name.as_str().into()))?)
            })
        }
    }

    impl<B> TryFrom<Request<B>> for ClientRequest {
        type Error = RequestError;

        /// As from the request by reference.
        fn try_from(request: Request<B>) -> Result<Self, RequestError> {
            Self::try_from(&request)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an adapter's `connect` says of its argument.
    fn made<R: TryInto<ClientRequest>>(from: R) -> Result<ClientRequest, RequestError>
    where
        RequestError: From<R::Error>,
    {
        Ok(from.try_into()?)
    }

    #[test]
    fn from_anything_that_names_a_target() {
        let plain = ClientRequest::new("ws://a:81/x").unwrap();
        let (text, url) = (String::from("ws://a:81/x"), Url::parse("ws://a:81/x").unwrap());
        assert_eq!(made("ws://a:81/x"), Ok(plain.clone()));
        assert_eq!(made(&text), Ok(plain.clone()));
        assert_eq!(made(text), Ok(plain.clone()));
        assert_eq!(made(&url), Ok(plain.clone()));
        assert_eq!(made(url), Ok(plain.clone()));
        assert_eq!(made(&plain), Ok(plain.clone()));
        assert_eq!(made(plain.clone()), Ok(plain));
        assert_eq!(made("http://a"), Err(UrlError::Scheme.into()));
        assert_eq!(made(Url::parse("ws://u:p@a").unwrap()), Err(UrlError::UserInfo.into()));
    }

    #[cfg(feature = "http")]
    #[test]
    fn from_the_http_crate() {
        let plain = ClientRequest::new("ws://a:81/x").unwrap();
        let uri = ::http::Uri::from_static("ws://a:81/x");
        assert_eq!((made(&uri), made(uri.clone())), (Ok(plain.clone()), Ok(plain.clone())));
        let theirs = ::http::Request::get(uri).header("Upgrade", "websocket").body(()).unwrap();
        assert_eq!(made(&theirs), Ok(plain.clone()));
        assert_eq!(made(theirs), Ok(plain));
        let post = ::http::Request::post("ws://a/").body(()).unwrap();
        assert_eq!(made(&post), Err(RequestError::NotGet));
        let newer = ::http::Request::get("ws://a/").version(::http::Version::HTTP_2).body(()).unwrap();
        assert_eq!(made(&newer), Err(RequestError::NotGet));
        let relative = ::http::Request::get("/x").body(()).unwrap();
        assert_eq!(made(relative), Err(UrlError::Scheme.into()));
        let conflict = ::http::Request::get("ws://a/").header("Upgrade", "h2c").body(()).unwrap();
        assert_eq!(made(&conflict), Err(RequestError::Header("upgrade".into())));
    }
}
