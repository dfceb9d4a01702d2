//! The limits of a server, where an HTTP server upgrades its sockets.

use super::*;
use tokio::sync::Notify;
use wharf::link::Forwarding;

/// As `serve`, where axum tells whom each request comes from.
async fn serve_knowing(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn status_of(address: SocketAddr, fields: &str) -> (u16, String, TcpStream) {
    let (head, _, stream) = ask(address, format!("{UPGRADE}{fields}\r\n").as_bytes(), 0).await;
    (head[9..12].parse().unwrap(), head, stream)
}

#[tokio::test]
async fn the_limit_of_an_address_holds_behind_axum() {
    in_time(async {
        let mut config = Config::default();
        config.max_connections_per_address = Some(2);
        config.retry_after = Duration::from_secs(7);
        let door = Door::new(Arc::new(config));
        let address = serve_knowing(echo_app().layer(Extension(door.clone()))).await;
        let url = format!("ws://{address}/ws");
        let (mut one, _two) = (connect(&url).await.unwrap(), connect(&url).await.unwrap());
        let (status, head, _) = status_of(address, "X-Forwarded-For: 203.0.113.7\r\n").await;
        assert_eq!(status, 503);
        assert!(
            head.contains("\r\nretry-after: 7\r\n") && head.contains("\r\nconnection: close\r\n"),
            "{head}"
        );
        let stats = door.stats();
        assert_eq!((stats.accepted, stats.refused_address, stats.turned_away), (2, 1, 1));
        one.close(CloseCode::NORMAL, "").await.unwrap();
        while door.connections() == 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(status_of(address, "").await.0, 101);
    })
    .await;
}

/// Each client that a trusted proxy names has a limit of his own, and the application learns who he is.
#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart_behind_axum() {
    in_time(async {
        let mut config = Config::default();
        config.max_connections_per_address = Some(1);
        config.forwarding = Some(Arc::new(Forwarding::trusting(["127.0.0.0/8".parse().unwrap()])));
        let door = Door::new(Arc::new(config));
        let (tell, mut told) = mpsc::unbounded_channel();
        let ws = move |upgrade: WebSocketUpgrade| {
            let tell = tell.clone();
            async move {
                upgrade.on_upgrade(move |socket: Socket| {
                    tell.send(socket.welcome().client).unwrap();
                    echo(socket)
                })
            }
        };
        let app = Router::new().route("/ws", get(ws)).layer(Extension(door.clone()));
        let address = serve_knowing(app.clone()).await;
        let (seven, eight) = ("X-Forwarded-For: 203.0.113.7\r\n", "X-Forwarded-For: 203.0.113.8\r\n");
        let mut open = Vec::new();
        for (fields, expected) in [(seven, 101), (seven, 503), (eight, 101)] {
            let (status, _, stream) = status_of(address, fields).await;
            assert_eq!(status, expected, "{fields}");
            open.push(stream);
        }
        for client in ["203.0.113.7", "203.0.113.8"] {
            assert_eq!(told.recv().await.unwrap(), Some(client.parse().unwrap()));
        }
        // Where axum tells no address the limit would be none.
        assert_eq!(status_of(serve(app).await, "X-Forwarded-For: 203.0.113.9\r\n").await.0, 500);
    })
    .await;
}

/// One that was answered and has not opened is in its handshake; one whose upgrade fails gives its place back.
#[tokio::test]
async fn the_limit_of_handshakes_holds_behind_axum() {
    in_time(async {
        let mut config = Config::default();
        config.max_handshakes = 1;
        let door = Door::new(Arc::new(config));
        let (arrived, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (arriving, opening) = (arrived.clone(), gate.clone());
        let hold = move |request: axum::extract::Request, next: axum::middleware::Next| {
            let (arriving, opening) = (arriving.clone(), opening.clone());
            async move {
                let waits = request.headers().contains_key("x-wait");
                let answer = next.run(request).await;
                if waits {
                    arriving.notify_one();
                    opening.notified().await;
                }
                answer
            }
        };
        let app = echo_app().layer(axum::middleware::from_fn(hold)).layer(Extension(door.clone()));
        let address = serve(app).await;
        let waiting = tokio::spawn(async move { status_of(address, "X-Wait: 1\r\n").await });
        arrived.notified().await;
        assert_eq!((door.handshakes(), status_of(address, "").await.0), (1, 503));
        gate.notify_one();
        let (status, _, _open) = waiting.await.unwrap();
        assert_eq!(status, 101);
        while door.handshakes() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(status_of(address, "").await.0, 101);
        while door.handshakes() > 0 {
            tokio::task::yield_now().await;
        }
        // Gone before its answer: hyper drops the request with the connection.
        let gone = tokio::spawn(async move { status_of(address, "X-Wait: 1\r\n").await });
        arrived.notified().await;
        assert_eq!(door.handshakes(), 1);
        gone.abort();
        while door.handshakes() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!((door.stats().accepted, door.stats().refused_handshakes), (3, 1));
    })
    .await;
}

/// The same door before hyper alone, by an address that is told.
#[tokio::test]
async fn the_limit_of_an_address_holds_behind_hyper() {
    in_time(async {
        let mut config = Config::default();
        config.max_connections_per_address = Some(1);
        let door = Door::new(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = door.clone();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let door = own.clone();
                let service = service_fn(move |mut request| {
                    let asked = upgrade::Asked::new(&mut request, door.config()).unwrap().from(peer.into());
                    let answer = match asked.enter(&door) {
                        Ok(berth) => {
                            let (answer, upgrading) = asked.accept(&Default::default()).unwrap();
                            tokio::spawn(berth.open(upgrading, echo));
                            answer.map(|()| axum::body::Body::empty())
                        }
                        Err(reason) => {
                            upgrade::turned_away(reason, door.config()).map(axum::body::Body::from)
                        }
                    };
                    std::future::ready(Ok::<_, Infallible>(answer))
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades();
                tokio::spawn(connection);
            }
        });
        let (status, _, open) = status_of(address, "").await;
        assert_eq!((status, status_of(address, "").await.0), (101, 503));
        drop(open);
        assert_eq!(door.drain().await.reset, 0);
        assert_eq!((door.connections(), door.handshakes()), (0, 0));
        assert_eq!(status_of(address, "").await.0, 503);
        assert_eq!(door.stats().refused_draining, 1);
    })
    .await;
}
