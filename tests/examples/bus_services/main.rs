//! Two services on a message bus, on any runtime: what one sends is accepted, delivered and applied once, though the bus goes away in
//! between. On tokio, async-std and smol a handle does it; on mio (`on_mio.rs`) a service does, by the machine that the others have inside.
//! `cargo run -p wharf-tests --example bus_services -- --runtime mio`

mod on_mio;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wharf::base::{Instant, Wall};
use wharf::framed::Lines;
use wharf::link::{Address, Config, Framing};
use wharf::service::bus::client::{BusClientConfig, BusClientEvent};
use wharf::service::bus::{Batch, BusConfig, BusService, Memory, Name, Restoring, StoreFailure};
use wharf::service::schedule::Schedule;
use wharf_async_std::{AsyncStd, Bound, BusClient, Deliveries, Runtime, ServiceHandle, Smol, serve_service};
use wharf_cli::runner::RuntimeKind;
use wharf_tokio::Tokio;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    for line in play(RuntimeKind::from_args()?)? {
        println!("{line}");
    }
    Ok(())
}

/// What the services have to tell.
pub(crate) fn play(runtime: RuntimeKind) -> Outcome<Vec<String>> {
    match runtime {
        RuntimeKind::Tokio => tokio::runtime::Runtime::new()?.block_on(talk::<Tokio>()),
        RuntimeKind::AsyncStd => async_std::task::block_on(talk::<AsyncStd>()),
        RuntimeKind::Smol => smol::block_on(talk::<Smol>()),
        RuntimeKind::Mio => on_mio::talk(),
    }
}

/// A store in memory, which outlives a bus.
type Store = Arc<Mutex<Memory>>;

/// A bus of what is stored, and what is spoken at its doors: WebSockets, and lines.
fn bus(store: &Store) -> Outcome<(BusService, Arc<Config>, Arc<Config>)> {
    let config = BusConfig::default();
    let web = BusService::config(&config);
    let mut lines = web.clone();
    lines.framing = Framing::codec(Lines::new());
    let mut restoring = Restoring::new(config);
    for record in store.lock().expect("nobody has panicked").records() {
        restoring.record(record)?;
    }
    let broker = restoring.finish(Instant::ORIGIN, Wall::default());
    Ok((BusService::new(broker), web.into(), lines.into()))
}

fn carry_out(store: &Store, batch: &Batch) -> Result<(), StoreFailure> {
    let mut store = store.lock().map_err(|error| StoreFailure::new(error.to_string()))?;
    store.carry_out(batch).map_err(|misfit| StoreFailure::new(misfit.to_string()))
}

fn config(service: &str) -> Outcome<BusClientConfig> {
    let mut config = BusClientConfig::new(Name::new(service)?);
    // An example has no time; the default is 1 s, 2 s, 4 s and so on.
    config.schedule = Schedule::spaced(Duration::from_millis(20)).jittered();
    Ok(config)
}

/// A bus at a TCP address, for lines, and one for WebSockets: what `wharf bus` is, with a store on disk.
async fn serve<R: Runtime>([tcp, web]: &[Address; 2], store: &Store) -> Outcome<ServiceHandle<BusService>> {
    let (service, limits, lines) = bus(store)?;
    let bound =
        vec![Bound::<R>::bind(tcp.clone()).await?.speaking(&lines), Bound::<R>::bind(web.clone()).await?];
    let store = store.clone();
    let jobs = move |batch: Batch| {
        let store = store.clone();
        async move { carry_out(&store, &batch) }
    };
    Ok(serve_service(bound, service, &limits, jobs)?)
}

fn connect<R: Runtime>(url: &str, service: &str) -> Outcome<(BusClient, Deliveries)> {
    Ok(BusClient::connect::<R>(url, config(service)?)?)
}

async fn talk<R: Runtime>() -> Outcome<Vec<String>> {
    let mut told = Vec::new();
    let store = Arc::default();
    let any: Address = ([127, 0, 0, 1], 0).into();
    let bus = serve::<R>(&[any.clone(), any], &store).await?;
    let [tcp, web] = bus.local_addrs() else { return Err("it listens at two addresses".into()) };
    let addresses = [tcp.clone(), web.clone()];
    let (orders, mut answers) = connect::<R>(&format!("tcp://{}", addresses[0]), "order-service")?;
    // The other service is not there yet; its messages wait.
    orders.send("user-service", "user.lookup", &["ada"]).await?;
    told.push("accepted before its receiver is there".into());
    let (users, mut lookups) = connect::<R>(&format!("ws://{}/", addresses[1]), "user-service")?;
    let lookup = lookups.next().await.ok_or("stopped")?;
    let [name] = lookup.payload::<[String; 1]>()?;
    told.push(format!("user-service looks {name} up"));
    // The bus goes away before it hears that this is done, and comes back with what it has stored.
    bus.drain().await;
    let mut watch = users.watch();
    while watch.state().is_registered && watch.changed().await.is_some() {}
    lookup.ack();
    let answer = users.send("order-service", "user.found", &(name, 36));
    let bus = serve::<R>(&addresses, &store).await?;
    answer.await?;
    let found = answers.next().await.ok_or("stopped")?;
    let (name, age): (String, u32) = found.payload()?;
    told.push(format!("order-service hears that {name} is {age}"));
    found.ack();
    // What is refused, or dropped, comes again, and in the end its sender hears that it is dead.
    orders.send("user-service", "user.delete", &"ada").await?;
    let refused = lookups.next().await.ok_or("stopped")?;
    told.push(format!("user-service refuses {}", refused.envelope().kind));
    refused.nack("not by order");
    let again = lookups.next().await.ok_or("stopped")?;
    told.push(format!("it comes again, after {} attempt", again.envelope().retry_count));
    again.ack();
    while !matches!(orders.notice().await, Some(BusClientEvent::Registered { .. }) | None) {}
    orders.drain(Duration::from_secs(5)).await;
    told.push(users.drain(Duration::from_secs(5)).await.to_string());
    let stats = bus.with_service(|service| service.broker().stats()).ok_or("the bus has gone")?;
    told.push(format!("{} acknowledged since it came back", stats.acknowledged));
    bus.drain().await;
    Ok(told)
}
