//! Worlds as a user of them sees them.

use super::*;
use crate::base::{CloseCode, Closed, Instant, Message};
use crate::link::{Address, Config, ConnId, Context, DialError, DialId, JobToken, Service};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::format;

mod classes;
mod edges;
mod faulty;
mod kept;
mod meeting;

const SECOND: Duration = Duration::from_secs(1);

/// Tells all what each says, has hard questions answered by a job, and passes on to another server what begins with `>`.
#[derive(Default)]
struct Relay {
    members: Vec<ConnId>,
    elsewhere: Option<&'static str>,
    asked: Vec<(DialId, String)>,
    failed: Vec<DialError>,
    refused: usize,
    answers: Vec<(JobToken, u32)>,
    walls: Vec<u64>,
    ends: Option<Instant>,
}

impl Service for Relay {
    type Job = u32;
    type Done = u32;
    type Command = &'static str;

    fn opened(&mut self, cx: &mut Context<'_, u32>, conn: ConnId) {
        let dial = cx.info(conn).and_then(|info| info.dial);
        match self.asked.iter().find(|(asked, _)| Some(*asked) == dial) {
            Some((_, text)) => {
                let _ = cx.send(conn, Message::text(text.as_str()));
            }
            None => self.members.push(conn),
        }
    }

    fn message(&mut self, cx: &mut Context<'_, u32>, conn: ConnId, message: Message<'_>) {
        self.walls.push(cx.wall().as_secs());
        if !self.members.contains(&conn) {
            return;
        }
        let text = message.as_text().unwrap_or_default();
        if let Ok(number) = text.parse() {
            self.refused += usize::from(cx.submit(number).is_err());
            return;
        }
        if let (Some(text), Some(elsewhere)) = (text.strip_prefix('>'), self.elsewhere) {
            let target: crate::link::Target = elsewhere.parse().unwrap();
            // Past the limit it is not passed on.
            return self.asked.extend(cx.dial(target).ok().map(|dial| (dial, text.into())));
        }
        for member in self.members.iter().filter(|member| **member != conn) {
            let _ = cx.send(*member, message.as_lent());
        }
    }

    fn closed(&mut self, _: &mut Context<'_, u32>, conn: ConnId, _: &Closed) {
        self.members.retain(|member| *member != conn);
    }

    fn dial_failed(&mut self, _: &mut Context<'_, u32>, _: DialId, error: &DialError) {
        self.failed.push(error.clone());
    }

    fn done(&mut self, cx: &mut Context<'_, u32>, job: JobToken, outcome: u32) {
        self.answers.push((job, outcome));
        for member in &self.members {
            let _ = cx.send(*member, Message::text(outcome.to_string()));
        }
    }

    fn command(&mut self, cx: &mut Context<'_, u32>, command: &'static str) {
        self.ends = Some(cx.now() + 30 * SECOND);
        for member in &self.members {
            let _ = cx.send(*member, Message::text(command));
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.ends
    }

    fn timeout(&mut self, cx: &mut Context<'_, u32>) {
        self.ends = None;
        for member in &self.members {
            let _ = cx.close(*member, CloseCode::NORMAL, "over");
        }
    }
}

fn relay(elsewhere: &'static str) -> Relay {
    Relay { elsewhere: Some(elsewhere), ..Relay::default() }
}

fn config() -> Arc<Config> {
    Arc::default()
}

/// The code that a client's connection ended with.
fn code(world: &World, client: ClientId) -> Option<CloseCode> {
    match world.client(client).outcome()? {
        Outcome::Closed(closed) => Some(closed.code),
        Outcome::Failed(_) => None,
    }
}
