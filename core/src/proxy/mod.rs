//! Ways out: HTTP CONNECT and SOCKS5 as machines, and the rules that say when a proxy is used.
