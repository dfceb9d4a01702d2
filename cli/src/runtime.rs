//! The runtimes, and what is run on whichever was asked for.

use clap::ValueEnum;
use std::io;
use wharf_async_std::{AsyncStd, Runtime, Smol};
use wharf_tokio::Tokio;

/// The runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuntimeKind {
    /// tokio, on one thread.
    Tokio,
    /// async-std, on its own threads.
    AsyncStd,
    /// smol, on its global executor.
    Smol,
    /// A hand-rolled poll loop on mio.
    Mio,
}

/// What is written once for the async runtimes and once for a bare loop, so that it runs on any of them.
///
/// ```
/// use wharf_cli::runner::{Portable, RuntimeKind};
/// use wharf_async_std::Runtime;
///
/// struct Add(u32, u32);
///
/// impl Portable for Add {
///     type Output = u32;
///
///     async fn run_async<R: Runtime>(self) -> u32 {
///         self.0 + self.1
///     }
///
///     fn run_mio(self) -> u32 {
///         self.0 + self.1
///     }
/// }
///
/// for runtime in RuntimeKind::ALL {
///     assert_eq!(runtime.run(Add(2, 3)).unwrap(), 5);
/// }
/// ```
pub trait Portable: Sized {
    /// What comes of it.
    type Output;

    /// Runs on an async runtime.
    fn run_async<R: Runtime>(self) -> impl Future<Output = Self::Output>;

    /// Runs on a bare loop, which has this thread.
    fn run_mio(self) -> Self::Output;
}

impl RuntimeKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tokio, Self::AsyncStd, Self::Smol, Self::Mio];

    /// That which the program's arguments name by `--runtime NAME`, else tokio: for programs, such as examples, that take nothing else.
    ///
    /// # Errors
    /// The name is none.
    pub fn from_args() -> Result<Self, String> {
        let mut args = std::env::args().skip_while(|arg| arg != "--runtime").skip(1);
        args.next().map_or(Ok(Self::Tokio), |name| Self::from_str(&name, true))
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// The runtime cannot be started.
    pub fn run<P: Portable>(self, program: P) -> io::Result<P::Output> {
        Ok(match self {
            Self::Tokio => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(program.run_async::<Tokio>()),
            // This thread hardly works, the tasks do. In the runtime's own `block_on` it would take turns at the reactor with the
            // threads that have the tasks, and what it found there for them would cost a switch of threads.
            Self::AsyncStd => smol::future::block_on(program.run_async::<AsyncStd>()),
            Self::Smol => smol::future::block_on(program.run_async::<Smol>()),
            Self::Mio => program.run_mio(),
        })
    }
}
