//! A mesh over a NATS server.

use super::{MeshAt, MeshError};
use crate::chat::{ChatCommand, DatabaseAt, Notice as Told};
use crate::runner::Control;
use async_channel::Sender;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use wharf::service::mesh::Action;
use wharf_nats::{Nats, Notice, Notices};

/// A connection to the server, and the thread that hands on what it tells.
#[derive(Debug)]
pub(in crate::chat) struct Carrier {
    nats: Arc<Nats>,
    /// Until somebody hears it.
    notices: Option<Notices>,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    /// Begins to connect; the server need not be there.
    pub(in crate::chat) fn connect(at: &MeshAt, database: &DatabaseAt) -> Result<Self, MeshError> {
        if !matches!(database, DatabaseAt::Postgres(_)) {
            return Err(MeshError::Database);
        }
        let connected = Nats::connect(&at.0).map_err(|error| MeshError::Connect(error.to_string().into()))?;
        let (nats, notices) = connected;
        tracing::info!(server = nats.place(), "one of several nodes");
        Ok(Self { nats: Arc::new(nats), notices: Some(notices), thread: None })
    }

    /// What does as the mesh wants, without blocking. What is not published the other nodes miss, and find out.
    pub(in crate::chat) fn carry(&self) -> impl FnMut(Action) + Send + use<> {
        let nats = self.nats.clone();
        move |action| match action {
            Action::Subscribe(subject) => {
                if let Err(error) = nats.subscribe(subject.as_str()) {
                    tracing::error!(cause = %error, "a subject of the mesh is not heard");
                }
            }
            Action::Unsubscribe(subject) => nats.unsubscribe(subject.as_str()),
            Action::Publish { subject, bytes, .. } => {
                if let Err(error) = nats.publish(subject.as_str(), bytes) {
                    tracing::debug!(cause = %error, "something was not published");
                }
            }
            _ => {}
        }
    }

    /// Hands on what is told from now on. Where it is not taken, the server waits, and drops what becomes too much.
    pub(in crate::chat) fn hear(&mut self, control: Sender<Control<ChatCommand>>) -> io::Result<()> {
        let Some(mut notices) = self.notices.take() else { return Ok(()) };
        let hand_on = move || {
            while let Some(notice) = notices.recv() {
                let told = match notice {
                    Notice::Up => Told::Up,
                    Notice::Down => Told::Down,
                    Notice::Slow { dropped } => Told::Slow(dropped),
                    Notice::Delivered { subject, bytes } => Told::Delivered { subject, bytes },
                    Notice::Trouble { what } => {
                        tracing::warn!(cause = &*what, "the mesh");
                        continue;
                    }
                    _ => continue,
                };
                // After the end nobody takes it, and the connection is closed in its own time.
                drop(control.send_blocking(Control::Command(ChatCommand::Mesh(told))));
            }
        };
        self.thread = Some(std::thread::Builder::new().name("mesh".into()).spawn(hand_on)?);
        Ok(())
    }

    /// Waits until the last words have reached the server, for as long as that takes at most.
    pub(in crate::chat) fn finish(self) {
        self.nats.close();
        if let Some(thread) = self.thread {
            drop(thread.join());
        }
    }
}
