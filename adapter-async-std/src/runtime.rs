//! The two runtimes, which differ in who runs a task.
#![cfg(any(feature = "async-std", feature = "smol"))]

use crate::stream::{self, IoTimer, TcpListener, TcpStream, UnixListener, UnixStream};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net;
use wharf_async::Runtime;

macro_rules! runtime {
    ($(#[$doc:meta])* $name:ident, $spawn:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Runtime for $name {
            type Tcp = TcpStream;
            type Unix = UnixStream;
            type TcpListener = TcpListener;
            type UnixListener = UnixListener;
            type Timer = IoTimer;

            fn timer() -> IoTimer {
                stream::timer()
            }

            fn spawn(future: impl Future<Output = ()> + Send + 'static) {
                $spawn(future)
            }

            async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
                stream::resolve(host, port).await
            }

            async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
                stream::connect(address).await
            }

            fn unix(stream: net::UnixStream) -> io::Result<UnixStream> {
                stream::unix(stream)
            }

            fn tcp_listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
                stream::tcp_listener(listener)
            }

            fn unix_listener(listener: net::UnixListener) -> io::Result<UnixListener> {
                stream::unix_listener(listener)
            }
        }
    };
}

#[cfg(feature = "async-std")]
runtime!(
    /// async-std. Its tasks run on its own threads.
    ///
    /// ```
    /// use wharf_async_std::AsyncStd;
    ///
    /// # async_std::task::block_on(async {
    /// let bound = wharf_async_std::bind::<AsyncStd>(([127, 0, 0, 1], 0)).await?;
    /// let url = format!("ws://{}/", bound.local_addr());
    /// let server = wharf_async_std::serve(bound, Default::default(), |mut socket| async move {
    ///     socket.send("welcome").await
    /// });
    /// let mut socket = wharf_async_std::connect::<AsyncStd>(&url).await?;
    /// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
    /// # drop(socket);
    /// # server.drain().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    AsyncStd,
    |future| drop(async_std::task::spawn(future))
);

#[cfg(feature = "smol")]
runtime!(
    /// smol. Its tasks run on the global executor's threads (`SMOL_THREADS`, one by default).
    ///
    /// ```
    /// use wharf_async_std::Smol;
    ///
    /// # smol::block_on(async {
    /// let bound = wharf_async_std::bind::<Smol>(([127, 0, 0, 1], 0)).await?;
    /// let url = format!("ws://{}/", bound.local_addr());
    /// let server = wharf_async_std::serve(bound, Default::default(), |mut socket| async move {
    ///     socket.send("welcome").await
    /// });
    /// let mut socket = wharf_async_std::connect::<Smol>(&url).await?;
    /// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
    /// # drop(socket);
    /// # server.drain().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    Smol,
    |future| smol::spawn(future).detach()
);
