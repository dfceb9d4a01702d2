//! From nothing to a listener, a socket or a client.

use crate::{Bound, Client, ConnectError, Messages, Socket, Tokio};
#[cfg(feature = "json")]
use crate::{BusClient, Deliveries};
use std::io;
use std::sync::Arc;
use wharf::link::{Address, Config, Target};

/// Binds a listener to a TCP address or a Unix socket; port 0 picks a port. A Unix socket's file is removed at the end, and
/// one that a dead listener left behind is taken over; [`Bound::bind_unix`] gives it permissions.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// let address = bound.local_addr().clone();
/// assert!(address.tcp().is_some_and(|address| address.port() != 0));
/// let taken = wharf_tokio::bind(address).await.unwrap_err();
/// assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As the operating system says; `AddrInUse` where somebody listens.
///
/// # Cancel safety
/// It never waits. Dropped before its poll, nothing is bound.
pub async fn bind(address: impl Into<Address>) -> io::Result<Bound> {
    Bound::bind(address).await
}

/// Connects with the defaults to a URL, or to whatever else makes a [`Target`]: `ws`, `wss`, an `http::Request`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_tokio::Error>(())
/// # });
/// use wharf::base::CloseCode;
///
/// let mut socket = wharf_tokio::connect(&url).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// socket.close(CloseCode::NORMAL, "").await?;
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<Socket, ConnectError> {
    connect_with(target, &Arc::new(Config::client())).await
}

/// Connects as `target` and `config` say: through a proxy, over TLS, over a Unix socket ([`wharf_async::connect`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_tokio::Error>(())
/// # });
/// use std::time::Duration;
/// use wharf::link::Config;
/// use wharf::ws::handshake::ClientRequest;
/// use wharf_tokio::connect_with;
///
/// let mut config = Config::client();
/// config.open_timeout = Duration::from_secs(3);
/// let request = ClientRequest::new(&url)?.header("Authorization", "Bearer 3f2a")?;
/// let mut socket = connect_with(request, &config.into()).await?;
/// socket.send("ahoy").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("ahoy"));
/// # drop(socket);
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConnectError`], which says when it failed.
///
/// # Cancel safety
/// Dropped before it is done, the connection is closed.
pub async fn connect_with(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: &Arc<Config>,
) -> Result<Socket, ConnectError> {
    wharf_async::connect(target, config).await
}

/// A client that stays up, with the defaults, and what it hears: it connects now and again whenever it has to
/// ([`Client::connect`]). To be called inside of the runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_tokio::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_tokio::Error>(())
/// # });
/// use wharf::service::client::Fate;
///
/// let (client, mut messages) = wharf_tokio::keep_connected(&url)?;
/// assert_eq!(client.send("ahoy").await?, Fate::Written);
/// assert_eq!(messages.next().await.unwrap().as_text(), Some("ahoy"));
/// assert!(client.state().is_connected);
/// client.stop().await;
/// # server.drain().await;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Client::connect`].
pub fn keep_connected(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
) -> Result<(Client, Messages), ConnectError> {
    Client::connect::<Tokio>(target, &Arc::new(Config::client()), Default::default())
}

/// A client of the message bus at `tcp://HOST:PORT`, `ws://…` or over TLS, and what comes for its service
/// ([`BusClient::connect`]). To be called inside of the runtime.
///
/// ```
/// # #[cfg(feature = "json")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::{Arc, Mutex};
/// # use wharf::service::bus::{BusConfig, BusService, Memory, Restoring, StoreFailure};
/// # let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let (config, store) = (BusConfig::default(), Arc::new(Mutex::new(Memory::default())));
/// # let limits = Arc::new(BusService::config(&config));
/// # let service = BusService::new(Restoring::new(config).finish(Default::default(), Default::default()));
/// # let bus = wharf_tokio::serve_service(vec![bound], service, &limits, move |batch| {
/// #     let stored = store.lock().unwrap().carry_out(&batch).map_err(|_| StoreFailure::new("misfit"));
/// #     async move { stored }
/// # })?;
/// use std::time::Duration;
/// use wharf::service::bus::{Name, client::BusClientConfig};
///
/// let config = |service| Name::new(service).map(BusClientConfig::new);
/// let (orders, _) = wharf_tokio::bus_client(&url, config("order-service")?)?;
/// let (users, mut deliveries) = wharf_tokio::bus_client(&url, config("user-service")?)?;
/// // Once this is done it is on the bus's disk.
/// orders.send("user-service", "order.created", &("ada", 7)).await?;
/// let delivery = deliveries.next().await.unwrap();
/// assert_eq!(delivery.payload::<(String, u32)>()?, ("ada".into(), 7));
/// delivery.ack();
/// users.drain(Duration::from_secs(5)).await;
/// orders.stop().await;
/// # bus.drain().await;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "json"))]
/// # fn main() {}
/// ```
///
/// # Errors
/// As [`BusClient::connect`].
#[cfg(feature = "json")]
pub fn bus_client(
    target: impl TryInto<Target, Error: Into<ConnectError>>,
    config: wharf::service::bus::client::BusClientConfig,
) -> Result<(BusClient, Deliveries), ConnectError> {
    BusClient::connect::<Tokio>(target, config)
}
