//! What flags and file come to.

use super::args::HealthArgs;
use super::file::{File, Seconds, Section};
use crate::args::address;
use std::io;
use std::num::NonZeroU32;
use std::path::PathBuf;
use wharf::link::{Address, AddressError};
use wharf::service::health::{AddError, Config, Endpoint, EndpointError, Health};

/// What a health checker is told.
///
/// ```
/// use wharf_cli::health::Settings;
///
/// let settings = Settings::from_toml(r#"
///     interval = 10
///     [[endpoint]]
///     id = "redis"
///     url = "tcp://redis:6379"
///     timeout = 2.0
/// "#).unwrap();
/// assert_eq!((settings.config.interval.as_secs(), settings.endpoints[0].port()), (10, 6379));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub listen: Address,
    /// When to check, and what results amount to.
    pub config: Config,
    /// What to check: at least one.
    pub endpoints: Vec<Endpoint>,
}

/// What is wrong with flags or file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("--config {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The text is not what it should be.
    #[error("line {line}: {message}")]
    Text {
        /// Where.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A file whose text is not what it should be.
    #[error("--config {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: Box<SettingsError>,
    },
    /// The address to listen on.
    #[error("listen: {0}")]
    Listen(#[from] AddressError),
    /// An endpoint that is none.
    #[error("endpoint {id:?}: {error}")]
    Endpoint {
        /// What it is called.
        id: String,
        /// What is wrong with it.
        error: EndpointError,
    },
    /// Endpoints that cannot be together.
    #[error(transparent)]
    Add(#[from] AddError),
    /// Nothing to check.
    #[error("there is no endpoint to check; give --endpoint ID=URL or --config FILE")]
    NoEndpoint,
}

impl Settings {
    /// What the flags and their file come to.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(args: &HealthArgs) -> Result<Self, SettingsError> {
        let mut settings = match &args.config {
            None => Self::of(File::default())?,
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| SettingsError::Read { path: path.clone(), error })?;
                let parsed = parse(&text).and_then(Self::of);
                parsed.map_err(|error| SettingsError::File { path: path.clone(), error: error.into() })?
            }
        };
        settings.endpoints.extend(args.endpoint.iter().cloned());
        if let Some(listen) = &args.listen {
            settings.listen = listen.clone();
        }
        let config = &mut settings.config;
        config.interval = args.interval.unwrap_or(config.interval);
        config.timeout = args.timeout.unwrap_or(config.timeout);
        config.rise = args.rise.unwrap_or(config.rise);
        config.fall = args.fall.unwrap_or(config.fall);
        config.fast_interval = args.fast_interval.or(config.fast_interval);
        settings.checked()
    }

    /// What the text of a file comes to, by itself.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        Self::of(parse(text)?)?.checked()
    }

    /// The machine that does this.
    ///
    /// # Errors
    /// [`AddError`].
    pub fn health(&self) -> Result<Health, AddError> {
        Health::new(self.config.clone(), self.endpoints.iter().cloned())
    }

    fn of(file: File) -> Result<Self, SettingsError> {
        let listen = address(file.listen.as_deref().unwrap_or("127.0.0.1:8090"))?;
        let mut config = Config::default();
        let time = |seconds: Option<Seconds>, default| seconds.map_or(default, |Seconds(time)| time);
        config.interval = time(file.interval, config.interval);
        config.timeout = time(file.timeout, config.timeout);
        config.rise = file.rise.map_or(config.rise, NonZeroU32::get);
        config.fall = file.fall.map_or(config.fall, NonZeroU32::get);
        config.fast_interval = file.fast_interval.map(|Seconds(time)| time);
        let endpoints = file.endpoint.into_iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Self { listen, config, endpoints })
    }

    fn checked(self) -> Result<Self, SettingsError> {
        if self.endpoints.is_empty() {
            return Err(SettingsError::NoEndpoint);
        }
        self.health()?;
        Ok(self)
    }
}

fn parse(text: &str) -> Result<File, SettingsError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
        SettingsError::Text { line, message: error.message().to_owned() }
    })
}

fn endpoint(section: Section) -> Result<Endpoint, SettingsError> {
    let mut endpoint = Endpoint::new(&*section.id, &section.url)
        .map_err(|error| SettingsError::Endpoint { id: section.id, error })?;
    endpoint.interval = section.interval.map(|Seconds(time)| time);
    endpoint.timeout = section.timeout.map(|Seconds(time)| time);
    endpoint.status = section.status;
    endpoint.body = section.body;
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use std::time::Duration;

    fn flags(args: &[&str]) -> Result<HealthArgs, clap::Error> {
        let args = ["wharf", "health"].iter().chain(args);
        let Command::Health(args) = Cli::try_parse_from(args)?.command else { panic!("not health") };
        Ok(args)
    }

    const ONE: &str = "[[endpoint]]\nid = 'a'\nurl = 'tcp://h:1'\n";

    #[test]
    fn the_defaults() {
        let settings = Settings::new(&flags(&["--endpoint", "a=tcp://h:1"]).unwrap()).unwrap();
        assert_eq!(settings.listen, ([127, 0, 0, 1], 8090).into());
        assert_eq!(settings.config, Config::default());
    }

    #[test]
    fn a_flag_wins_over_the_file_and_endpoints_add_up() {
        let folder = std::env::temp_dir().join(format!("wharf-health-{}", std::process::id()));
        std::fs::write(
            &folder,
            format!(
                "listen = 'localhost:1'\ninterval = 10\ntimeout = 1.5\nrise = 4\nfall = 5\nfast_interval = 2\n{ONE}\
                 interval = 3\ntimeout = 0.5\nstatus = 204\nbody = 'ok'\n"
            ),
        )
        .unwrap();
        let file = folder.to_str().unwrap();
        let only = Settings::new(&flags(&["--config", file]).unwrap()).unwrap();
        let both = flags(&[
            "--config",
            file,
            "--listen",
            "[::1]:2",
            "--interval",
            "0.25",
            "--fall=1",
            "--endpoint",
            "b=http://h",
        ]);
        let both = Settings::new(&both.unwrap()).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let seconds = Duration::from_secs_f64;
        assert_eq!((only.listen, both.listen), (([127, 0, 0, 1], 1).into(), "[::1]:2".parse().unwrap()));
        assert_eq!((only.config.interval, both.config.interval), (seconds(10.0), seconds(0.25)));
        assert_eq!((only.config.fall, both.config.fall, both.config.rise), (5, 1, 4));
        assert_eq!((both.config.timeout, both.config.fast_interval), (seconds(1.5), Some(seconds(2.0))));
        let ids: Vec<_> = both.endpoints.iter().map(Endpoint::id).collect();
        assert_eq!(ids, ["a", "b"]);
        let a = &both.endpoints[0];
        assert_eq!((a.interval, a.timeout), (Some(seconds(3.0)), Some(seconds(0.5))));
        assert_eq!((a.status, a.body.as_deref()), (Some(204), Some("ok")));
    }

    #[test]
    fn what_a_file_must_not_say() {
        for (text, words) in [
            ("", "no endpoint"),
            ("intervall = 3", "intervall"),
            ("interval = 0", "above 0"),
            ("\ntimeout = -1", "line 2"),
            ("timeout = nan", "above 0"),
            ("timeout = inf", "above 0"),
            ("interval = '3'", "line 1"),
            ("rise = 0", "line 1"),
            ("fall = -1", "line 1"),
            ("listen = 'nowhere'", "listen"),
            ("a = ", "line 1"),
            ("[[endpoint]]\nid = 'a'", "url"),
            ("[[endpoint]]\nurl = 'tcp://h:1'", "id"),
            ("[[endpoint]]\nid = ''\nurl = 'tcp://h:1'", "the id is empty"),
            ("[[endpoint]]\nid = 'a'\nurl = 'https://h:1'", "endpoint \"a\""),
            ("[[endpoint]]\nid = 'a'\nurl = 'tcp://h:1'\nstatus = 99", "99"),
            ("[[endpoint]]\nid = 'a'\nurl = 'tcp://h:1'\nkind = 1", "kind"),
            ("[[endpoint]]\nid = 'a'\nurl = 'tcp://h:1'\ninterval = 0.0", "above 0"),
        ] {
            let error = Settings::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains('\n'), "{text:?}: {error}");
        }
        let twice = Settings::from_toml(&format!("{ONE}{ONE}")).unwrap_err().to_string();
        assert!(twice.contains("two endpoints are called"), "{twice}");
    }

    #[test]
    fn what_flags_must_not_say() {
        for bad in [
            "--interval=0",
            "--interval=-1",
            "--interval=x",
            "--timeout=0.0",
            "--timeout=inf",
            "--rise=0",
            "--fall=1.5",
            "--fast-interval=0",
            "--endpoint=a",
            "--endpoint==tcp://h:1",
            "--endpoint=a=udp://h:1",
            "--endpoint=a=tcp://h",
            "--listen=nowhere",
            "--interval",
        ] {
            assert_eq!(flags(&[bad]).unwrap_err().exit_code(), 2, "{bad}");
        }
        let none = Settings::new(&flags(&[]).unwrap());
        assert!(matches!(none, Err(SettingsError::NoEndpoint)));
        let absent = Settings::new(&flags(&["--config", "/nowhere/at/all"]).unwrap());
        assert!(absent.unwrap_err().to_string().starts_with("--config /nowhere/at/all: "));
        let twice = Settings::new(&flags(&["--endpoint=a=tcp://h:1", "--endpoint=a=tcp://h:2"]).unwrap());
        assert!(matches!(twice, Err(SettingsError::Add(AddError::Duplicate(_)))));
    }
}
