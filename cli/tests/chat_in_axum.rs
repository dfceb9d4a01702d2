//! The rooms in an axum app, on real sockets.
#![forbid(unsafe_code)]

#[allow(dead_code)]
#[path = "../examples/chat_in_axum.rs"]
mod example;

use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wharf_tokio::{Socket, connect};

async fn hear(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(30), socket.next()).await;
        let message = next.expect("it waits for ever").expect("it is open").unwrap();
        let message: Value = serde_json::from_str(message.as_text().expect("text")).unwrap();
        if message["type"] == kind {
            return message;
        }
    }
}

#[tokio::test]
async fn two_talk_and_one_comes_back_beside_a_page_of_the_apps_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = example::app().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let url = format!("ws://{address}/chat");
    let mut ada = connect(url.as_str()).await.unwrap();
    let token = hear(&mut ada, "welcome").await["token"].as_str().unwrap().to_owned();
    hear(&mut ada, "history").await;
    let mut eve = connect(url.as_str()).await.unwrap();
    eve.send(r#"{"type":"message","content":"ahoy"}"#).await.unwrap();
    assert_eq!(hear(&mut ada, "message").await["content"], "ahoy");
    assert_eq!(hear(&mut eve, "message").await["id"], 1);
    drop(ada);
    hear(&mut eve, "leave").await;
    eve.send(r#"{"type":"message","content":"again"}"#).await.unwrap();
    let mut ada = connect(url.as_str()).await.unwrap();
    ada.send(format!(r#"{{"type":"resume","token":"{token}","after":1}}"#)).await.unwrap();
    assert_eq!(hear(&mut ada, "message").await["content"], "again");
    let mut page = TcpStream::connect(address).await.unwrap();
    page.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    page.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("a page of the app's own\n"), "{text}");
}
