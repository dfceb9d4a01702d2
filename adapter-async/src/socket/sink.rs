//! A socket as a sink of messages.

use super::Socket;
use crate::Error;
use crate::runtime::Runtime;
use futures_sink::Sink;
use std::pin::Pin;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, Message};

impl<R: Runtime> Sink<Message<'static>> for Socket<R> {
    type Error = Error;

    /// Writes nothing while there is room: what is fed goes out with the next `poll_flush` or `poll_next`, in one write.
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match &self.driver {
            Some(driver) if driver.closed.is_none() && !driver.link.is_congested() => Poll::Ready(Ok(())),
            _ => self.poll_room(cx),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message<'static>) -> Result<(), Error> {
        self.queue(message)?;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flushed(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // One that is closing already goes on closing.
        let _ = self.begin_close(CloseCode::NORMAL, "");
        loop {
            match self.poll_next_with(cx, &mut |_, _, _| ()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Err(e))) => return Poll::Ready(Err(e)),
                Poll::Ready(Some(Ok(()))) => {}
            }
        }
    }
}
