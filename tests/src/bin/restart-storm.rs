//! A restart storm: many clients that stay up, whose server is killed and started again. Tells when all were back, how many tried in
//! any one second, and what became of what was said meanwhile. `tests/scripts/restart_storm.sh` runs it.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf::link::Config;
use wharf::service::client::{ClientConfig, Fate};
use wharf_async::Timer;
use wharf_async_std::{Client, Messages};
use wharf_tests::door::{AsyncStd, Door, Smol, Tokio};
use wharf_tests::program::Running;

/// A restart storm.
#[derive(Parser)]
struct Args {
    /// How many clients.
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// How long the server is away, in seconds.
    #[arg(long, default_value_t = 20)]
    away: u64,
    /// The runtime of the clients: tokio, async-std or smol.
    #[arg(long, default_value = "tokio")]
    runtime: String,
}

/// How often it is looked at the counters.
const LOOK: Duration = Duration::from_millis(50);

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

struct Crowd {
    clients: Vec<(Client, Messages)>,
    begin: Instant,
    /// When it was looked at, and how many dials and connections there had been by then.
    seen: Vec<(Duration, u64, u64)>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let is_well = match &*args.runtime {
        "async-std" => AsyncStd::block_on(storm::<AsyncStd>(&args)),
        "smol" => Smol::block_on(storm::<Smol>(&args)),
        _ => Tokio::block_on(storm::<Tokio>(&args)),
    };
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn storm<D: Door>(args: &Args) -> bool {
    let echo = ["echo", "--log", "error", "--max-connections", "20000"];
    let (server, address) = Running::serve(echo);
    let (url, address) = (format!("ws://{address}/"), address.to_string());
    let config = Arc::new(Config::client());
    let connect = |_| Client::connect::<D>(&*url, &config, ClientConfig::default()).expect("a target");
    let clients = (0..args.clients).map(connect).collect();
    let mut crowd = Crowd { clients, begin: Instant::now(), seen: Vec::new() };
    crowd.wait::<D>(|crowd| crowd.connected() == crowd.clients.len()).await;
    println!("{} clients connected after {:.1} s", args.clients, crowd.begin.elapsed().as_secs_f64());
    // Long enough that a schedule begins afresh.
    let steady = Instant::now() + ClientConfig::default().steady_after + Duration::from_secs(1);
    crowd.wait::<D>(|_| Instant::now() >= steady).await;
    (crowd.begin, crowd.seen) = (Instant::now(), Vec::new());
    // Dropped, it is killed.
    drop(server);
    crowd.wait::<D>(|crowd| crowd.connected() == 0).await;
    let sent: Vec<_> = crowd.clients.iter().map(|(client, _)| client.send("meanwhile")).collect();
    let up = crowd.begin + Duration::from_secs(args.away);
    crowd.wait::<D>(|_| Instant::now() >= up).await;
    let server = Running::start(echo.into_iter().chain(["--listen", &*address]));
    let _ = server.listening();
    let was_up = crowd.begin.elapsed();
    crowd.wait::<D>(|crowd| crowd.connected() == crowd.clients.len()).await;
    let all_back = crowd.begin.elapsed();
    let mut written = 0;
    for sending in sent {
        written += usize::from(matches!(sending.await, Ok(Fate::Written)));
    }
    let mut echoed = 0;
    for (_, messages) in &mut crowd.clients {
        echoed += usize::from(messages.next().await.is_some_and(|m| m.as_text() == Some("meanwhile")));
    }
    let again = crowd.clients.iter().filter(|(client, _)| client.state().reconnect_count == 1).count();
    println!(
        "server away for {:.1} s; all back {:.1} s later",
        was_up.as_secs_f64(),
        (all_back - was_up).as_secs_f64()
    );
    println!("most dials in a second: {}", crowd.peak(|(_, dials, _)| *dials, Duration::ZERO));
    println!(
        "most dials in a second, from 10 s on: {}",
        crowd.peak(|(_, dials, _)| *dials, Duration::from_secs(10))
    );
    println!("most connections in a second: {}", crowd.peak(|(_, _, connected)| *connected, Duration::ZERO));
    println!("connected again once: {again}; said meanwhile: {written} written, {echoed} came back");
    for (client, _) in &crowd.clients {
        client.stop().await;
    }
    let step = Duration::from_secs(37);
    let is_well = [again, written, echoed] == [args.clients; 3] && all_back - was_up <= step;
    println!("{}", if is_well { "well" } else { "NOT WELL" });
    is_well
}

impl Crowd {
    fn connected(&self) -> usize {
        self.clients.iter().filter(|(client, _)| client.state().is_connected).count()
    }

    /// Looks again and again until something holds.
    async fn wait<D: Door>(&mut self, holds: impl Fn(&Self) -> bool) {
        let (mut timer, until) = (D::timer(), Instant::now() + PATIENCE);
        while !holds(self) {
            assert!(Instant::now() < until, "it takes too long");
            timer.set(Instant::now() + LOOK);
            std::future::poll_fn(|cx| timer.poll(cx)).await;
            let dials = self.clients.iter().map(|(client, _)| client.stats().dials).sum();
            let connected = self.clients.iter().map(|(client, _)| client.state().reconnect_count).sum();
            self.seen.push((self.begin.elapsed(), dials, connected));
        }
    }

    /// The most that a counter rises within any second.
    fn peak(&self, counter: impl Fn(&(Duration, u64, u64)) -> u64, from: Duration) -> u64 {
        let second = Duration::from_secs(1);
        let seen: Vec<_> = self.seen.iter().filter(|look| look.0 >= from).collect();
        let rise = |(i, first): (usize, &&(Duration, u64, u64))| {
            let last = seen[i..].iter().take_while(|look| look.0 - first.0 <= second).last();
            last.map_or(0, |last| counter(last) - counter(first))
        };
        seen.iter().enumerate().map(rise).max().unwrap_or_default()
    }
}
