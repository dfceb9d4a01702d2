//! Two services on a message bus, on any runtime: what one sends is accepted, delivered and applied once, though the bus goes away in
//! between. `cargo run -p wharf-tests --example bus_services -- --runtime smol`

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wharf::base::{CloseCode, Instant, Wall};
use wharf::framed::Lines;
use wharf::link::{Address, Framing};
use wharf::service::bus::client::{BusClientConfig, BusClientEvent};
use wharf::service::bus::{Batch, BusConfig, BusService, Memory, Name, Restoring, StoreFailure};
use wharf::service::schedule::Schedule;
use wharf_async_std::{AsyncStd, Bound, BusClient, Deliveries, Runtime, ServiceHandle, Smol, serve_service};
use wharf_cli::runner::RuntimeKind;
use wharf_tokio::Tokio;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip_while(|arg| arg != "--runtime").skip(1);
    let runtime = match args.next() {
        Some(name) => clap::ValueEnum::from_str(&name, true)?,
        None => RuntimeKind::Tokio,
    };
    for line in play(runtime)? {
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
        RuntimeKind::Mio => Err("a client of the bus on mio is a service: see service::bus::client".into()),
    }
}

/// A bus at a TCP address, for lines, and one for WebSockets, both of them `wharf bus` in one process; its store is in memory.
async fn serve<R: Runtime>(
    addresses: &[Address],
    store: &Arc<Mutex<Memory>>,
) -> Outcome<ServiceHandle<BusService>> {
    let config = BusConfig::default();
    let limits = BusService::config(&config);
    let mut lines = limits.clone();
    lines.framing = Framing::codec(Lines::new());
    let lines = Arc::new(lines);
    let [tcp, web] = addresses else { return Err("two addresses".into()) };
    let bound =
        vec![Bound::<R>::bind(tcp.clone()).await?.speaking(&lines), Bound::<R>::bind(web.clone()).await?];
    let mut restoring = Restoring::new(config);
    let records: Vec<_> = store.lock().expect("nobody has panicked").records().collect();
    for record in records {
        restoring.record(record)?;
    }
    let service = BusService::new(restoring.finish(Instant::ORIGIN, Wall::default()));
    let store = store.clone();
    let handle = serve_service(bound, service, &limits.into(), move |batch: Batch| {
        let store = store.clone();
        async move {
            let mut store = store.lock().map_err(|error| StoreFailure::new(error.to_string()))?;
            store.carry_out(&batch).map_err(|misfit| StoreFailure::new(misfit.to_string()))
        }
    })?;
    Ok(handle)
}

fn connect<R: Runtime>(url: &str, service: &str) -> Outcome<(BusClient, Deliveries)> {
    let mut config = BusClientConfig::new(Name::new(service)?);
    // An example has no time; the default is 1 s, 2 s, 4 s and so on.
    config.schedule = Schedule::spaced(Duration::from_millis(20)).jittered();
    Ok(BusClient::connect::<R>(url, config)?)
}

async fn talk<R: Runtime>() -> Outcome<Vec<String>> {
    let mut told = Vec::new();
    let store = Arc::default();
    let any: Address = ([127, 0, 0, 1], 0).into();
    let bus = serve::<R>(&[any.clone(), any], &store).await?;
    let addresses = bus.local_addrs().to_vec();
    let (orders, mut answers) = connect::<R>(&format!("tcp://{}", addresses[0]), "order-service")?;
    // The other service is not there yet; its messages wait.
    orders.send("user-service", "user.lookup", &["ada"]).await?;
    told.push("accepted before its receiver is there".into());
    let (users, mut lookups) = connect::<R>(&format!("ws://{}/", addresses[1]), "user-service")?;
    let lookup = lookups.next().await.ok_or("stopped")?;
    let [name] = lookup.payload::<[String; 1]>()?;
    told.push(format!("user-service looks {name} up"));
    // The bus goes away before it hears that this is done, and comes back with what it has stored.
    bus.drain(CloseCode::GOING_AWAY).await;
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
    bus.drain(CloseCode::GOING_AWAY).await;
    Ok(told)
}
