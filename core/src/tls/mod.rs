//! TLS as a stage on slices: ciphertext in, plaintext out, and the other way round. All of rustls's types are in
//! `session.rs`.
