//! `wharf health`: whether endpoints are up, as JSON and on a page.
//!
//! [`args`] are the flags, [`Settings`] what they and the file come to; the checker itself is
//! [`wharf::service::health`].

pub mod args;
mod file;
mod run;
mod settings;

pub use run::run;
pub use settings::{Settings, SettingsError};
