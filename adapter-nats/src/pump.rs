//! The thread that moves what comes and goes.

use crate::address::Address;
use crate::bell::Bell;
use crate::config::NatsConfig;
use crate::dial::{Heard, options};
use crate::error::ConnectError;
use crate::inbox::Inbox;
use crate::nats::Shared;
use crate::notice::Notice;
use crate::outgoing::{Change, Message};
use async_nats::client::{PublishErrorKind, RequestErrorKind};
use async_nats::connection::State;
use async_nats::message::OutboundMessage;
use async_nats::{Client, ConnectOptions, ServerAddr, Subscriber};
use bytes::Bytes;
use futures_sink::Sink;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Sleep;

/// Nobody is subscribed to it, so that a server says so at once: by then it has taken all that was sent before.
const NOBODY: &str = "_closing";

/// Starts it. It returns whether the server has taken all that was published.
pub(crate) fn start(
    address: &Address,
    config: &NatsConfig,
    shared: Arc<Shared>,
) -> Result<JoinHandle<bool>, ConnectError> {
    let heard = Arc::new(Heard::default());
    let options = options(address, config, heard.clone(), shared.bell.clone())?;
    // It has been looked at, so that nothing but the client's own idea of it could be wrong.
    let server: ServerAddr = address.server.parse().map_err(|_| ConnectError::Url)?;
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let config = config.clone();
    let run = move || {
        let over = Over(&shared);
        let is_confirmed = runtime.block_on(run(options, server, &shared, &heard, config));
        end(runtime);
        shared.incoming.tell(Notice::Closed { is_confirmed });
        drop(over);
        is_confirmed
    };
    Ok(std::thread::Builder::new().name("nats".into()).spawn(run)?)
}

/// Whoever waits is told of the end, whatever ended it.
struct Over<'s>(&'s Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.outgoing.close();
        self.0.outgoing.down();
        self.0.incoming.end();
    }
}

/// A name that is being looked up is not waited for.
fn end(runtime: Runtime) {
    runtime.shutdown_background();
}

async fn run(
    options: ConnectOptions,
    server: ServerAddr,
    shared: &Shared,
    heard: &Heard,
    config: NatsConfig,
) -> bool {
    // As it is dialed for ever, it is there at once.
    let Ok(client) = options.connect(server).await else { return false };
    let bell: &Arc<Bell> = &shared.bell;
    let mut pump = Pump {
        client,
        shared,
        heard,
        inbox: Inbox::new(config.told_last, bell.clone()),
        is_up: false,
        connects: 0,
        trouble: None,
        subscribing: None,
        closing: None,
        close_timeout: config.close_timeout,
    };
    // With a budget it would leave half of what came together for later.
    tokio::task::unconstrained(poll_fn(|context| pump.poll(context))).await
}

type Subscribing = Pin<Box<dyn Future<Output = Option<Subscriber>> + Send>>;

struct Pump<'s> {
    client: Client,
    shared: &'s Shared,
    heard: &'s Heard,
    inbox: Inbox,
    /// As was told last.
    is_up: bool,
    /// The client's count of connections that was seen last.
    connects: u64,
    /// What was told last.
    trouble: Option<Box<str>>,
    /// The one subscription that is being made.
    subscribing: Option<(Change, Subscribing)>,
    closing: Option<Closing>,
    close_timeout: Duration,
}

struct Closing {
    deadline: Pin<Box<Sleep>>,
    confirming: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    /// The connection was lost meanwhile, and whatever was on its way with it.
    is_lost: bool,
}

impl Pump<'_> {
    /// Does all that can be done; ready once it is closed.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        self.shared.bell.listen(context.waker());
        let incoming = &self.shared.incoming;
        self.inbox.take_all(|subject, bytes| incoming.message(subject, bytes));
        self.look();
        if self.is_up {
            self.send(context);
        }
        if !self.shared.outgoing.is_closing() {
            return Poll::Pending;
        }
        self.close(context)
    }

    /// Tells what has become of the connection. Its state is looked at and not its events, since the client drops events when there are many.
    fn look(&mut self) {
        let (incoming, outgoing) = (&self.shared.incoming, &self.shared.outgoing);
        let complaints = self.heard.take();
        if complaints.dropped > 0 || complaints.is_server_slow {
            incoming.dropped(complaints.dropped);
        }
        let connects = self.client.statistics().connects.load(Ordering::Relaxed);
        let is_up = self.client.connection_state() == State::Connected;
        if self.is_up && (!is_up || connects != self.connects) {
            self.is_up = false;
            outgoing.down();
            incoming.tell(Notice::Down);
            if let Some(closing) = &mut self.closing {
                closing.is_lost = true;
            }
        }
        if let Some(what) = complaints.trouble
            && self.trouble.as_ref() != Some(&what)
        {
            self.trouble = Some(what.clone());
            incoming.tell(Notice::Trouble { what });
        }
        if !self.is_up && is_up {
            (self.is_up, self.connects, self.trouble) = (true, connects, None);
            outgoing.up(self.client.max_payload());
            incoming.tell(Notice::Up);
        }
    }

    /// Subscriptions first: who publishes a question is to hear the answer.
    fn send(&mut self, context: &mut Context<'_>) {
        let outgoing = &self.shared.outgoing;
        loop {
            if self.subscribe(context).is_pending() {
                return;
            }
            let Poll::Ready(Ok(())) = Pin::new(&mut self.client).poll_ready(context) else { return };
            let Some(Message { subject, bytes }) = outgoing.message() else { return };
            let message =
                OutboundMessage { subject: subject.into(), payload: bytes, reply: None, headers: None };
            if let Err(error) = Pin::new(&mut self.client).start_send(message)
                && error.kind() == PublishErrorKind::MaxPayloadExceeded
            {
                outgoing.was_too_large();
            }
        }
    }

    /// Ready once the subscriptions are as they are wanted.
    fn subscribe(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some((_, subscribing)) = &mut self.subscribing {
                let Poll::Ready(made) = subscribing.as_mut().poll(context) else { return Poll::Pending };
                let (change, _) = self.subscribing.take().expect("it was there");
                if let Some(subscriber) = made {
                    self.inbox.insert(change.number, change.subject, subscriber);
                }
            }
            let Some(change) = self.shared.outgoing.change() else { return Poll::Ready(()) };
            if !change.is_wanted {
                self.inbox.remove(change.number);
                continue;
            }
            let (client, subject) = (self.client.clone(), self.shared.outgoing.prefixed(&change.subject));
            self.subscribing = Some((change, Box::pin(async move { client.subscribe(subject).await.ok() })));
        }
    }

    /// Ready once the server has taken everything, or can't be told so in time.
    fn close(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let timeout = self.close_timeout;
        let closing = self.closing.get_or_insert_with(|| Closing {
            deadline: Box::pin(tokio::time::sleep(timeout)),
            confirming: None,
            is_lost: false,
        });
        if !self.is_up || closing.is_lost || closing.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(false);
        }
        if self.subscribing.is_some() || !self.shared.outgoing.is_empty() {
            return Poll::Pending;
        }
        let (client, subject) = (&self.client, self.shared.outgoing.prefixed(NOBODY));
        let confirming = closing.confirming.get_or_insert_with(|| {
            let client = client.clone();
            Box::pin(async move {
                let answer = client.request(subject, Bytes::new()).await;
                answer.map_or_else(|error| error.kind() == RequestErrorKind::NoResponders, |_| true)
            })
        });
        confirming.as_mut().poll(context)
    }
}
