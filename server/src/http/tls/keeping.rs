//! Keeps TLS as the files say, while requests are served, and says in time that a certificate ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, interval};

use super::{DAYS_LEFT_MIN, Tls, now};

const DAY: Duration = Duration::from_secs(86_400);

/// Never ends; a task for as long as requests are served.
///
/// # Errors
/// If the process can't listen to SIGHUP.
pub fn keep_current(tls: Arc<Tls>) -> std::io::Result<impl Future<Output = ()>> {
    let asked = signal(SignalKind::hangup())?;
    Ok(keep(tls, asked))
}

async fn keep(tls: Arc<Tls>, mut asked: Signal) {
    let every = Duration::from_secs(tls.config.reload_check_secs.max(1));
    let mut ticks = interval(every);
    let mut told: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = asked.recv() => reload(&tls),
            _ = ticks.tick() => {
                if tls.is_outdated() {
                    reload(&tls);
                }
            }
        }
        if told.is_none_or(|told| told.elapsed() >= DAY) {
            tell(&tls);
            told = Some(Instant::now());
        }
    }
}

fn reload(tls: &Tls) {
    match tls.reload() {
        Ok(()) => {
            let certificate = tls.certificate();
            let days_left = certificate.days_left(now());
            tracing::info!(days_left, "TLS certificates were read again");
            tell(tls);
        }
        Err(reason) => {
            tracing::error!(
                code = "GKN-712",
                "{}; what was read before is used further",
                reason.en
            );
        }
    }
}

/// In the log, if it ends soon.
fn tell(tls: &Tls) {
    let certificate = tls.certificate();
    let days_left = certificate.days_left(now());
    if days_left < 0 || certificate.not_before > now() {
        tracing::error!(code = "GKN-711", days_left, "the TLS certificate is not valid now");
    } else if days_left < DAYS_LEFT_MIN {
        tracing::warn!(code = "GKN-711", days_left, "the TLS certificate ends soon; renew it");
    }
}
