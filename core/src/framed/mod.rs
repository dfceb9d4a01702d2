//! Messages over a byte stream without a WebSocket.
