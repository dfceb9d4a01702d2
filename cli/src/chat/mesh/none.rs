//! No mesh.

use super::{MeshAt, MeshError};
use crate::chat::{ChatCommand, DatabaseAt};
use crate::runner::Control;
use async_channel::Sender;
use std::io;
use wharf::service::mesh::Action;

/// There is none in this build.
#[derive(Debug)]
pub(in crate::chat) enum Carrier {}

impl Carrier {
    pub(in crate::chat) const fn connect(_: &MeshAt, _: &DatabaseAt) -> Result<Self, MeshError> {
        Err(MeshError::Missing)
    }

    pub(in crate::chat) const fn carry(&self) -> fn(Action) {
        match *self {}
    }

    #[expect(clippy::needless_pass_by_value, reason = "another carrier keeps it")]
    pub(in crate::chat) const fn hear(&mut self, _: Sender<Control<ChatCommand>>) -> io::Result<()> {
        match *self {}
    }

    pub(in crate::chat) const fn finish(self) {
        match self {}
    }
}
