//! Ways through proxies of other making: tinyproxy and squid (HTTP CONNECT), microsocks and dante (SOCKS 5). Each is
//! started for the test; one that is not installed is skipped.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use wharf::base::{Cause, End, Message, When};
use wharf::link::{Config, DialError, OpenError, Target};
use wharf::proxy::{Proxies, ProxyError, SocksReply};
use wharf_cli::runner::RuntimeKind;
use wharf_std::ConnectError;
use wharf_tests::cell::{Cell, Spoken, Stand};
use wharf_tests::client::{self, Client};
use wharf_tests::daemon::{Daemon, are_installed};
use wharf_tests::dialer::dial;

/// The proxies by their programs' names, each with what else it is told.
fn tinyproxy(rules: &str) -> Daemon {
    Daemon::start("tinyproxy", |port, folder| {
        let text = format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n{rules}");
        vec!["-d".into(), "-c".into(), Daemon::file(folder, "conf", &text)]
    })
}

fn squid(access: &str) -> Daemon {
    Daemon::start("squid", |port, folder| {
        let text = format!(
            "http_port 127.0.0.1:{port}\nhttp_access {access}\npid_filename none\naccess_log none\n\
             cache_log /dev/null\ncache deny all\nshutdown_lifetime 0 seconds\nnetdb_filename none\n"
        );
        vec!["-N".into(), "-f".into(), Daemon::file(folder, "conf", &text)]
    })
}

fn microsocks(login: &[&str]) -> Daemon {
    Daemon::start("microsocks", |port, _| {
        let mut arguments: Vec<String> =
            ["-i", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).into();
        arguments.extend(login.iter().map(|word| (*word).to_owned()));
        arguments
    })
}

fn dante(verdict: &str) -> Daemon {
    Daemon::start("danted", |port, folder| {
        let rule = "{ from: 0.0.0.0/0 to: 0.0.0.0/0 }";
        let text = format!(
            "logoutput: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: lo\nclientmethod: none\n\
             socksmethod: none\nclient pass {rule}\nsocks {verdict} {rule}\n"
        );
        let pid = folder.path("pid");
        vec!["-f".into(), Daemon::file(folder, "conf", &text), "-p".into(), pid]
    })
}

/// The rules as an environment sets them: one proxy for everything.
fn through(url: &str) -> Option<Arc<Proxies>> {
    let proxies = Proxies::from_variables(|name| (name == "all_proxy").then(|| url.to_owned()));
    Some(Arc::new(proxies.expect("a proxy's URL")))
}

fn cell(runtime: RuntimeKind, spoken: Spoken, tls: bool) -> Cell {
    Cell { spoken, runtime, unix: false, tls }
}

/// All that can be spoken goes through, for clients and for dials; and nothing once the proxy is gone.
fn carries(runtime: RuntimeKind, scheme: &str, proxy: Daemon) {
    let url = format!("{scheme}://{}", proxy.address);
    let ways = [
        (Spoken::WebSocket, false),
        (Spoken::WebSocket, true),
        (Spoken::Lines, false),
        (Spoken::Typed, true),
    ];
    let stands = ways.map(|(spoken, tls)| Stand::start(cell(runtime, spoken, tls)));
    let config = |cell: &Cell| {
        let mut config = cell.client(Stand::LIMIT);
        config.proxies = through(&url);
        config
    };
    for stand in &stands {
        let cell = stand.cell;
        let mut client = stand.connect_with(config(&cell));
        stand.echoes(&mut client, "ahoy");
        stand.echoes(&mut client, &"x".repeat(300_000));
        client.close(1000, "");
        let (own, told) = (client.ended(), stand.ended());
        assert!(told.is_clean(), "{cell:?}: {told:?}");
        // Most of these proxies end both ways where one was ended, and cut off the server's goodbye: nobody can know then
        // whether all was heard, unless the framing has a goodbye of its own.
        let is_cut = own.cause == Cause::Transport(End::Truncated) && cell.tls && !cell.is_websocket();
        assert!(own.is_clean() || is_cut, "{cell:?}: {own:?}");
        let target = cell.target(&stand.serving.address);
        let heard = dial(runtime, target, cell.message("dialed"), &config(&cell));
        assert_eq!(heard, Ok(cell.message("dialed")), "{cell:?}");
    }
    let _ = proxy.kill();
    for stand in &stands {
        let target = stand.cell.target(&stand.serving.address);
        let gone = Client::connect(runtime, &target, &Arc::new(config(&stand.cell)));
        assert!(
            matches!(gone, Err(ConnectError::Connect(_))),
            "it does not lead through the proxy: {gone:?}"
        );
    }
}

/// How a proxy refuses to lead to `target`, to a client and to a dial alike.
fn refusal(runtime: RuntimeKind, proxy: &str, target: SocketAddr) -> ProxyError {
    let mut config: Config = client::config();
    config.proxies = through(proxy);
    let target: Target = format!("ws://{target}/").parse().unwrap();
    let error = match Client::connect(runtime, &target, &Arc::new(config.clone())) {
        Err(ConnectError::Open(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.when(), When::Proxy);
    let OpenError::Proxy(error) = error else { panic!("{error}") };
    match dial(runtime, target, Message::text("ahoy"), &config) {
        Err(DialError::Open(OpenError::Proxy(told))) => {
            assert_eq!(std::mem::discriminant(&told), std::mem::discriminant(&error));
        }
        other => panic!("{other:?}"),
    }
    error
}

/// A port on which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn http_by_tinyproxy(runtime: RuntimeKind) {
    if are_installed("tinyproxy", &["tinyproxy"]) {
        carries(runtime, "http", tinyproxy(""));
    }
}

fn http_by_squid(runtime: RuntimeKind) {
    if are_installed("squid", &["squid"]) {
        carries(runtime, "http", squid("allow all"));
    }
}

fn socks_by_microsocks(runtime: RuntimeKind) {
    if are_installed("microsocks", &["microsocks"]) {
        carries(runtime, "socks5h", microsocks(&[]));
    }
}

fn socks_by_dante(runtime: RuntimeKind) {
    if are_installed("dante", &["danted"]) {
        carries(runtime, "socks5", dante("pass"));
    }
}

fn http_that_is_refused(runtime: RuntimeKind) {
    if !are_installed("refusals by HTTP", &["tinyproxy", "squid"]) {
        return;
    }
    // CONNECT to nowhere.
    let proxy = tinyproxy("ConnectPort 0\n");
    match refusal(runtime, &format!("http://{}", proxy.address), nobody()) {
        ProxyError::Refused(by) => assert_eq!(by.status, 403),
        other => panic!("{other}"),
    }
    let proxy = squid("deny all");
    match refusal(runtime, &format!("http://{}", proxy.address), nobody()) {
        ProxyError::Refused(by) => {
            assert_eq!((by.status, by.headers.get("x-squid-error").is_some()), (403, true));
        }
        other => panic!("{other}"),
    }
    let proxy = tinyproxy("");
    match refusal(runtime, &format!("http://{}", proxy.address), nobody()) {
        error @ ProxyError::Refused(_) => assert!(error.is_retryable(), "{error}"),
        other => panic!("{other}"),
    }
}

fn http_with_a_login(runtime: RuntimeKind) {
    if !are_installed("logins by HTTP", &["tinyproxy"]) {
        return;
    }
    let proxy = tinyproxy("BasicAuth sailor ahoy\n");
    let address = proxy.address;
    match refusal(runtime, &format!("http://{address}"), nobody()) {
        ProxyError::AuthRequired(by) => assert!(matches!(by.status, 401 | 407)),
        other => panic!("{other}"),
    }
    match refusal(runtime, &format!("http://sailor:wrong@{address}"), nobody()) {
        ProxyError::AuthFailed(Some(by)) => assert!(matches!(by.status, 401 | 407)),
        other => panic!("{other}"),
    }
    logs_in(runtime, &format!("http://sailor:ahoy@{address}"));
}

fn socks_that_is_refused(runtime: RuntimeKind) {
    if !are_installed("refusals by SOCKS", &["microsocks", "danted"]) {
        return;
    }
    let proxy = microsocks(&[]);
    let refused = refusal(runtime, &format!("socks5://{}", proxy.address), nobody());
    assert_eq!(refused, ProxyError::Socks(SocksReply::ConnectionRefused));
    let proxy = dante("block");
    let refused = refusal(runtime, &format!("socks5://{}", proxy.address), nobody());
    assert_eq!(refused, ProxyError::Socks(SocksReply::NotAllowed));
}

fn socks_with_a_login(runtime: RuntimeKind) {
    if !are_installed("logins by SOCKS", &["microsocks"]) {
        return;
    }
    let proxy = microsocks(&["-u", "sailor", "-P", "ahoy"]);
    let address = proxy.address;
    let required = refusal(runtime, &format!("socks5://{address}"), nobody());
    assert_eq!(required, ProxyError::NoAcceptableMethod);
    let failed = refusal(runtime, &format!("socks5://sailor:wrong@{address}"), nobody());
    assert_eq!(failed, ProxyError::AuthFailed(None));
    logs_in(runtime, &format!("socks5://sailor:ahoy@{address}"));
}

fn logs_in(runtime: RuntimeKind, proxy: &str) {
    let cell = cell(runtime, Spoken::WebSocket, true);
    let stand = Stand::start(cell);
    let mut config = cell.client(Stand::LIMIT);
    config.proxies = through(proxy);
    let mut client = stand.connect_with(config);
    stand.echoes(&mut client, "ahoy");
}

/// A process whose environment names a proxy goes through it, with nothing configured; one that excepts the target does not.
fn the_environment_is_obeyed(runtime: RuntimeKind) {
    if !are_installed("the environment", &["microsocks"]) {
        return;
    }
    let stand = Stand::start(cell(runtime, Spoken::WebSocket, false));
    let proxy = microsocks(&[]);
    let child = |url: &str, exceptions: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            child.env_remove(name);
        }
        child.args(["proxies::in_a_child", "--exact"]).env("all_proxy", url).env("no_proxy", exceptions);
        child.env("WHARF_TEST_TARGET", format!("ws://{}/", stand.serving.address));
        child.env("WHARF_TEST_RUNTIME", format!("{runtime:?}"));
        child.output().unwrap().status.success()
    };
    let there = format!("socks5h://{}", proxy.address);
    assert!(child(&there, ""));
    let gone = format!("socks5h://{}", proxy.kill());
    assert!(!child(&gone, ""), "it does not lead through the proxy");
    assert!(child(&gone, "127.0.0.0/8"));
    assert!(!child("socks4://x", ""), "no proxy's URL");
}

/// What [`the_environment_is_obeyed`] runs in a process of its own.
#[test]
fn in_a_child() {
    let Ok(target) = std::env::var("WHARF_TEST_TARGET") else { return };
    let name = std::env::var("WHARF_TEST_RUNTIME").unwrap();
    let runtime = RuntimeKind::ALL.into_iter().find(|kind| format!("{kind:?}") == name).unwrap();
    let mut config = client::config();
    config.proxies = None;
    let heard = dial(runtime, target.parse().unwrap(), Message::text("dialed"), &config);
    let mut client = Client::connect(runtime, &target.parse().unwrap(), &Arc::new(config)).unwrap();
    client.send(Message::text("ahoy"));
    assert_eq!((client.message(), heard), (Message::text("ahoy"), Ok(Message::text("dialed"))));
}

wharf_tests::on_every_runtime!({
    http_by_tinyproxy
    http_by_squid
    socks_by_microsocks
    socks_by_dante
    http_that_is_refused
    http_with_a_login
    socks_that_is_refused
    socks_with_a_login
    the_environment_is_obeyed
});
