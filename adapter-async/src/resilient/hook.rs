//! What is done on each connection before anything else.

use crate::drain::unwound;
use crate::runtime::Runtime;
use crate::socket::Socket;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Why a program does not take a connection: a login that failed, say.
pub type HookError = Box<dyn std::error::Error + Send + Sync>;

/// A socket on its way through the hook.
pub(super) type Hooking<R> = Pin<Box<dyn Future<Output = Result<Socket<R>, HookError>> + Send>>;

/// Logs in, subscribes, resumes. It is told whether it is connected again.
pub(super) struct Hook<R: Runtime>(Arc<dyn Fn(Socket<R>, bool) -> Hooking<R> + Send + Sync>);

impl<R: Runtime> Hook<R> {
    pub(super) fn new<F, Fut>(hook: F) -> Self
    where
        F: Fn(Socket<R>, bool) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Socket<R>, HookError>> + Send + 'static,
    {
        Self(Arc::new(move |socket, again| Box::pin(hook(socket, again))))
    }

    /// A panic in it is an error.
    pub(super) fn begin(&self, socket: Socket<R>, again: bool) -> Hooking<R> {
        let hook = self.0.clone();
        Box::pin(async move {
            let hooked = unwound(move || hook(socket, again)).await;
            hooked.unwrap_or_else(|cause| Err(cause.into()))
        })
    }
}
