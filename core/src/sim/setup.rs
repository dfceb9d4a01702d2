//! Who is in a world: servers, where they listen, and clients.

use super::host::HubHost;
use super::wire::{CALLED, Wire};
use super::world::Actor;
use super::{Client, ClientId, ConnectError, ServerId, Visit, World};
use crate::link::{Address, Config, Hop, Hub, Link, Service, Target};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::net::{IpAddr, Ipv4Addr};

/// Where a server listens.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) server: usize,
    pub(super) address: Address,
    pub(super) config: Option<Arc<Config>>,
    host: String,
    /// `None`: at every port.
    port: Option<u16>,
}

impl World {
    /// A service and one client of it, open: what a mock socket is for a handler. What `config` says is spoken is spoken by
    /// both, without TLS.
    ///
    /// # Errors
    /// [`ConnectError`], where the configuration lets nobody in.
    ///
    /// ```
    /// use wharf::link::Service;
    /// use wharf::sim::World;
    ///
    /// struct Quiet;
    /// impl Service for Quiet {
    ///     type Job = ();
    ///     type Done = ();
    ///     type Command = ();
    /// }
    /// let (world, server, client) = World::mock(Quiet, &Default::default()).unwrap();
    /// assert!(world.client(client).link().is_open() && world.hub(server).len() == 1);
    /// ```
    pub fn mock<S>(service: S, config: &Arc<Config>) -> Result<(Self, ServerId<S>, ClientId), ConnectError>
    where
        S: Service<Done: Default> + 'static,
    {
        let mut world = Self::new(0);
        let server = world.serve("mock", service, config);
        let own = Config { framing: config.framing.clone(), ..Config::client() };
        let visit = Visit { config: Arc::new(own), ..Visit::default() };
        let client = world.visit(&Target::tcp("mock", 80), visit)?;
        world.settle();
        Ok((world, server, client))
    }

    /// A server without jobs, or whose jobs are all answered by the default outcome. It listens at `name`: a host
    /// (`echo`, at every port), a host and a port (`echo:7000`), an address (`10.0.0.1:80`, `unix:/run/echo`).
    pub fn serve<S>(&mut self, name: &str, service: S, config: &Arc<Config>) -> ServerId<S>
    where
        S: Service<Done: Default> + 'static,
    {
        self.serve_with_jobs(name, service, config, |_| S::Done::default())
    }

    /// A server whose jobs `worker` does, each after a while ([`Faults::job_time`](super::Faults::job_time)) and in any order.
    pub fn serve_with_jobs<S: Service + 'static>(
        &mut self,
        name: &str,
        service: S,
        config: &Arc<Config>,
        worker: impl FnMut(S::Job) -> S::Done + 'static,
    ) -> ServerId<S> {
        let entropy = self.entropy();
        let hub = Hub::new(self.now, self.wall(), service, config, entropy);
        let index = self.hosts.len();
        self.hosts.push(Box::new(HubHost::new(hub, Box::new(worker))));
        self.actors.push(Actor::Host(index));
        let server = ServerId { index, service: PhantomData };
        self.listen(server, name, None);
        server
    }

    /// Another place where a server listens; with a `config`, what is spoken there ([`Hub::accept_as`]).
    ///
    /// # Panics
    /// If `name` is that of no place, or if whoever dials it would find one that listens there already. So does
    /// [`serve`](Self::serve).
    pub fn listen<S>(&mut self, server: ServerId<S>, name: &str, config: Option<&Arc<Config>>) {
        let named: Option<Address> = name.parse().ok();
        let (host, port) = match (&named, name.split_once(':')) {
            (Some(Address::Tcp(address)), _) => (address.ip().to_string(), Some(address.port())),
            (None, Some((host, port))) => {
                let port = port.parse().unwrap_or_else(|_| panic!("{name:?} names no place"));
                (host.into(), Some(port))
            }
            _ => (name.into(), None),
        };
        let covers = |other: &Listener| other.host == host && (other.port.is_none() || other.port == port);
        assert!(!self.listeners.iter().any(covers), "another listens at {name} already");
        let own = Ipv4Addr::from_bits(0x0a01_0000 | (self.listeners.len() as u32 + 1));
        let address = named.unwrap_or(Address::Tcp((own, port.unwrap_or(80)).into()));
        let config = config.cloned();
        self.listeners.push(Listener { server: server.index, address, config, host, port });
    }

    /// A client that does nothing by itself.
    ///
    /// # Errors
    /// [`ConnectError`], by what can be told before a byte is exchanged.
    pub fn connect(&mut self, target: &str) -> Result<ClientId, ConnectError> {
        let target: Target = target.parse().map_err(|_| ConnectError::Target(target.into()))?;
        self.visit(&target, Visit::default())
    }

    /// A client, as `visit` says.
    ///
    /// # Errors
    /// [`ConnectError`], by what can be told before a byte is exchanged.
    pub fn visit(&mut self, target: &Target, visit: Visit) -> Result<ClientId, ConnectError> {
        let hop = visit.config.hop(target);
        let listener = self.listener_at(&hop).filter(|listener| !self.crashed.contains(&listener.server));
        let listener = listener.ok_or_else(|| ConnectError::NoServer(target.to_string()))?;
        let (server, config) = (listener.server, listener.config.clone());
        if self.clients.len() >= Self::MAX_CLIENTS {
            return Err(ConnectError::TooMany);
        }
        let entropy = self.entropy();
        let link = Link::client(self.now, self.wall(), &visit.config, target, entropy)?;
        let address = visit.address.clone().unwrap_or_else(|| self.next_address());
        let now = self.told();
        let accepted = self.hosts[server].accept(now, address, config.as_ref());
        self.look_around(server);
        let conn = match accepted {
            Ok(conn) => conn,
            Err(refused) => {
                self.transcript.note(self.now, format_args!("{server}: {refused}"));
                return Err(refused.into());
            }
        };
        self.transcript.note(self.now, format_args!("{server}: {conn} is client {}", self.clients.len()));
        let (mut wire, id) = (Wire::default(), self.clients.len());
        wire.hold(CALLED, self.isolated.contains(&server));
        let wire = self.wires.insert(wire);
        let mut client = Client::new(self.now, link, wire, id, visit);
        client.conn = Some(conn);
        self.clients.push(client);
        self.actors.push(Actor::Client(id));
        // A link has to say what it has before its first byte: one without a handshake is open.
        self.with_client(id, Client::take);
        self.plug(server, conn, wire, CALLED, Some(id));
        Ok(ClientId(id))
    }
}

impl Listener {
    /// Whether a hop leads here.
    pub(super) fn answers(&self, hop: &Hop) -> bool {
        match hop {
            Hop::Address(address) => self.address == *address,
            Hop::Addresses(addresses) => addresses.contains(&self.address),
            Hop::Host(host, port) => {
                let is_ours = self.host == *host && self.port.is_none_or(|own| own == *port);
                let ip: Option<IpAddr> = host.parse().ok();
                is_ours || ip.is_some_and(|ip| self.address == Address::Tcp((ip, *port).into()))
            }
        }
    }
}
