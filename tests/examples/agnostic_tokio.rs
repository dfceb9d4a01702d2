//! The library `wharf-agnostic`, unchanged, in a tokio application. Its siblings do the same on async-std and on mio.

use std::error::Error;
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf_agnostic::{Client, Counter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{:?}", count(10).await?);
    Ok(())
}

/// Serves a counter, adds 1 to `n` to it, and returns the total that the client heard last.
pub(crate) async fn count(n: i64) -> Result<Option<i64>, Box<dyn Error>> {
    let bound = wharf_tokio::bind(([127, 0, 0, 1], 0)).await?;
    let jobs = wharf_tokio::no_jobs;
    let server = wharf_tokio::serve_service(vec![bound], Counter::default(), &Arc::default(), jobs)?;

    let mut socket = wharf_tokio::connect(&format!("ws://{}/", server.local_addrs()[0])).await?;
    let mut client = Client::default();
    for i in 1..=n {
        socket.send(client.add(i)).await?;
    }
    while client.is_waiting() {
        let message = socket.next().await.ok_or("the counter hung up")??;
        client.receive(&message)?;
    }
    socket.close(CloseCode::NORMAL, "").await?;
    server.drain().await;
    Ok(client.total())
}
