//! Test your server without a network.
