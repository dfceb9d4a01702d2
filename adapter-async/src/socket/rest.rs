//! A socket that nobody uses for now.

use super::Socket;
use crate::runtime::Runtime;
use std::task::Context;

impl<R: Runtime> Socket<R> {
    /// [`Driver::is_at_rest`], of a connection that is there.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        !self.ended && self.driver.as_mut().is_some_and(|driver| driver.is_at_rest())
    }

    /// [`Driver::poll_at_rest`], of a connection that is there.
    pub(crate) fn poll_at_rest(&mut self, cx: &mut Context<'_>) -> bool {
        !self.ended && self.driver.as_mut().is_some_and(|driver| driver.poll_at_rest(cx))
    }

    /// [`Driver::retire_senders`].
    pub(crate) fn retire_senders(&mut self) -> bool {
        self.driver.as_mut().is_none_or(|driver| driver.retire_senders())
    }
}
