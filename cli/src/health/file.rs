//! The file of `wharf health --config`.

use serde::{Deserialize, Deserializer, de};
use std::num::NonZeroU32;
use std::time::Duration;

/// The keys of the file, those of the flags; no others.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Option<String>,
    pub(super) interval: Option<Seconds>,
    pub(super) timeout: Option<Seconds>,
    pub(super) rise: Option<NonZeroU32>,
    pub(super) fall: Option<NonZeroU32>,
    pub(super) fast_interval: Option<Seconds>,
    #[serde(default)]
    pub(super) endpoint: Vec<Section>,
}

/// One `[[endpoint]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) interval: Option<Seconds>,
    pub(super) timeout: Option<Seconds>,
    #[serde(default, deserialize_with = "status")]
    pub(super) status: Option<u16>,
    pub(super) body: Option<String>,
}

/// A number of seconds above zero, whole or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seconds(pub(super) Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        match Duration::try_from_secs_f64(seconds) {
            Ok(time) if !time.is_zero() => Ok(Self(time)),
            _ => Err(de::Error::custom(format!("{seconds} is not a number of seconds above 0"))),
        }
    }
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    match u16::deserialize(deserializer)? {
        status @ 200..=599 => Ok(Some(status)),
        status => Err(de::Error::custom(format!("{status} is not a status from 200 to 599"))),
    }
}
