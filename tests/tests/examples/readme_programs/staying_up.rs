use wharf::service::client::{ClientConfig, Fate};
use wharf_tokio::{Client, Tokio};

async fn tell(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (client, _messages) = Client::connect_with::<Tokio, _, _>(url, &Default::default(), ClientConfig::default(),
        |mut socket, again| async move {
            socket.send(if again { "resume" } else { "login" }).await?; // on each connection, before anything else goes out
            Ok(socket)
        })?;
    match client.send("important").await? {
        Fate::Unknown { message } => println!("the connection ended with {message:?} on its way: yours to decide"),
        Fate::Unsent { message, why } => println!("not a byte of {message:?} was written ({why:?}): send it again"),
        _ => println!("written; or acknowledged, by send_acknowledged"),
    }
    println!("{:?}", client.state()); // connected or not, the last error, how often again, since when
    client.stop().await;
    Ok(())
}
