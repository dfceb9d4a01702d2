use std::io;
use wharf::service::bus::{Broker, BusConfig, BusService};
use wharf_async::{Bound, Runtime, ServiceHandle, serve_service};

/// A bus that keeps all in memory, and where it is.
pub async fn start<R: Runtime>() -> io::Result<(String, ServiceHandle<BusService>)> {
    let config = BusConfig::default();
    let limits = BusService::config(&config).into();
    let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
    let url = format!("ws://{}/", bound.local_addr());
    // Its batches are for a disk, which there is none.
    let bus = serve_service(vec![bound], BusService::new(Broker::new(config)), &limits, |_| async { Ok(()) })?;
    Ok((url, bus))
}
