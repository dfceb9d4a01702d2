//! A server of groups, ready to run.

use super::frames::{Ask, Frame, Refusal};
use super::{Config, Groups, To};
use crate::base::{Closed, Instant, Message};
use crate::framed::Typed;
use crate::framed::json::JsonError;
use crate::link::{ConnId, Context, Service};
use crate::ws::Prepared;
use alloc::string::String;
use serde::Serialize;

/// A service by which clients join groups and say things to all of one. Feature `json`.
///
/// Each message is one JSON object, on any transport: a text of a WebSocket, a line ([`Lines`](crate::framed::Lines)), or a
/// typed frame, read whatever its type is and written under [`Typed::DATA`]. The connections of one server may differ in
/// that. Other fields than these are ignored.
///
/// | a client says | what comes of it |
/// |---|---|
/// | `{"type":"subscribe","groupId":"news"}` | It is a member, and the group exists. A second time changes nothing. |
/// | `{"type":"unsubscribe","groupId":"news"}` | It is none. A group without members does not exist. |
/// | `{"type":"broadcast","groupId":"news","data":…}` | All members get `data` and nothing else. |
/// | anything else | It is answered, and the connection stays. |
///
/// Members get the JSON that was said, without the white space between its tokens. Who says it need not be a member, and gets it too if
/// it is one, unless [`except_sender`](Self::except_sender).
///
/// The answer is `{"type":"error","code":"bad_json","message":"not JSON at line 1 column 2"}`. Codes are `bad_json`,
/// `bad_message` (not an object, a field missing or of the wrong kind), `unknown_type`, `bad_group` (a name that is empty or
/// over [`Config::max_name`]), `too_many_groups` (of this member), `group_full` and `no_more_groups` (in all). What
/// succeeds is not answered; a connection's messages are dealt with in their order.
///
/// Members that do not read are dealt with as [`Config::slow`] says. A connection that ends, however it does, leaves all its
/// groups; whoever wants to know what it missed wraps this service and asks [`Groups::member`] before it hands `closed` on.
///
/// ```
/// use wharf::base::{Entropy, Instant, Wall};
/// use wharf::framed::Lines;
/// use wharf::link::{self, Address, Framing, Hub};
/// use wharf::service::groups::{Config, GroupServer};
///
/// let now = Instant::ORIGIN;
/// let mut limits = link::Config::default();
/// limits.framing = Framing::codec(Lines::new());
/// let server = GroupServer::new(Config::default());
/// let mut hub = Hub::new(now, Wall::default(), server, &limits.into(), Entropy::from_seed([0; 32]));
/// let conn = hub.accept(now, Address::Unix(String::new())).unwrap();
/// let said = concat!(
///     r#"{"type":"subscribe","groupId":"news"}"#, "\n",
///     r#"{"type":"broadcast","groupId":"news","data":{"headline":"ahoy"}}"#, "\n",
/// );
/// hub.receive(now, conn, &mut said.as_bytes().to_vec());
/// let mut slices = [&[][..]; 4];
/// hub.slices(conn, &mut slices);
/// assert_eq!(slices[0], b"{\"headline\":\"ahoy\"}\n");
/// ```
#[derive(Debug)]
pub struct GroupServer {
    groups: Groups,
    except_sender: bool,
}

/// What a program says to a group, or to the members of all groups: the command of a [`GroupServer`].
///
/// ```
/// use wharf::service::groups::Announcement;
///
/// let to_one = Announcement::to_group("news", &["ahoy"]).unwrap();
/// let to_all = Announcement::to_all(&["ahoy"]).unwrap();
/// # let _ = (to_one, to_all);
/// ```
#[derive(Clone, Debug)]
pub struct Announcement {
    group: Option<String>,
    message: Prepared,
}

impl Announcement {
    /// For the members of one group.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`].
    pub fn to_group<T: Serialize + ?Sized>(group: impl Into<String>, data: &T) -> Result<Self, JsonError> {
        Ok(Self { group: Some(group.into()), ..Self::to_all(data)? })
    }

    /// For the members of any group, each once.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`].
    pub fn to_all<T: Serialize + ?Sized>(data: &T) -> Result<Self, JsonError> {
        let text = serde_json::to_string(data).map_err(JsonError::Unwritable)?;
        Ok(Self { group: None, message: prepared(text) })
    }
}

impl GroupServer {
    /// A server without groups.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self { groups: Groups::new(config), except_sender: false }
    }

    /// The same, but who says something does not get it back.
    #[must_use]
    pub const fn except_sender(mut self) -> Self {
        self.except_sender = true;
        self
    }

    /// The groups, to look at.
    #[must_use]
    pub const fn groups(&self) -> &Groups {
        &self.groups
    }

    fn obey(&mut self, cx: &mut Context<'_>, conn: ConnId, frame: Frame<'_>) -> Result<(), Refusal> {
        let Frame { ask, group } = frame;
        self.groups.check_name(&group)?;
        match ask {
            Ask::Subscribe => drop(self.groups.subscribe(cx, conn, &group)?),
            Ask::Unsubscribe => drop(self.groups.unsubscribe(conn, &group)),
            Ask::Broadcast { data } => {
                let except = self.except_sender.then_some(conn);
                self.groups.broadcast(cx, To::Group(&group), except, &prepared(data));
            }
        }
        Ok(())
    }
}

impl Service for GroupServer {
    type Job = ();
    type Done = ();
    type Command = Announcement;

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let obeyed = Frame::parse(&message).and_then(|frame| self.obey(cx, conn, frame));
        if let Err(refusal) = obeyed {
            self.groups.send(cx, conn, &prepared(refusal.to_json()));
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.groups.handle_drained(cx, conn);
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.groups.leave_all(conn);
    }

    fn command(&mut self, cx: &mut Context<'_>, announcement: Announcement) {
        let Announcement { group, message } = announcement;
        let to = group.as_deref().map_or(To::Members, To::Group);
        self.groups.broadcast(cx, to, None, &message);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.groups.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.groups.handle_timeout(cx);
    }
}

/// A text, which is data on typed frames.
fn prepared(text: String) -> Prepared {
    Prepared::text(text).with_type(Typed::DATA)
}
