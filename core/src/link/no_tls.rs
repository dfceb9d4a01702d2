//! Without the feature `tls` there is no session: a type without values stands in its place, and costs nothing.

use super::OpenError;
use crate::base::{End, Output, Wall};
use alloc::vec::Vec;

#[derive(Debug)]
pub(super) enum Session {}

#[derive(Clone, Debug)]
pub(super) enum NoFailure {}

impl From<NoFailure> for OpenError {
    fn from(never: NoFailure) -> Self {
        match never {}
    }
}

impl Session {
    pub(super) fn open(&mut self, _: Wall, _: &mut [u8], _: &mut Vec<u8>) {
        match *self {}
    }

    pub(super) fn seal<'a>(&'a mut self, _: Output<'a>) -> Output<'a> {
        match *self {}
    }

    pub(super) fn wants_write(&self, _: bool) -> bool {
        match *self {}
    }

    pub(super) fn close(&mut self) {
        match *self {}
    }

    pub(super) fn is_close_written(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(super) fn peer_closed(&self) -> bool {
        match *self {}
    }

    pub(super) fn judge_end(&self, _: End) -> End {
        match *self {}
    }

    pub(super) fn forget_credits(&mut self) {
        match *self {}
    }

    pub(super) fn failure(&self) -> Option<&NoFailure> {
        match *self {}
    }
}
