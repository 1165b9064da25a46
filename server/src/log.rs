//! `[log]`: structured lines on standard error, for journald. Fields hold no patient data: codes,
//! stages, counts and names of parameters only.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: Level,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { format: LogFormat::Text, level: Level::Info }
    }
}

/// Starts the log of this process; later calls change nothing.
pub fn start(config: &LogConfig) {
    // The words of a panic can quote the text that it stumbled over: only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(code = "GKN-901", place, "a panic");
    }));
    let level = match config.level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    // Statements of the driver hold values of the request: never below warn. The HTTP library says
    // the address that we say ourselves.
    let quiet = ["sqlx", "sea_orm", "actix_server", "actix_http", "h2"];
    let quiet: String = quiet.iter().map(|name| format!(",{name}=warn")).collect();
    let filter = EnvFilter::new(format!("{level}{quiet}"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => subscriber.with_target(false).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
