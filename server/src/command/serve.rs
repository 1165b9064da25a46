//! `genkan serve`: the product.

pub mod reload;

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web;
use anyhow::Context;
use clap::Args;
use reload::Reloader;
use tokio::signal::unix::{SignalKind, signal};

use crate::clients::Clients;
use crate::command::codes::compared;
use crate::command::{ConfigArg, Failure, Manner, opening};
use crate::config::Config;
use crate::http::tls::{ClientCertificates, Tls, VersionMin, keep_current};
use crate::operations::{self, Operating};
use crate::service::{Served, Service};
use crate::telemetry::Telemetry;
use crate::validate::Validation;
use crate::{http, identity, log, rule_files};

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArg,
}

pub async fn run(args: &ServeArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    log::start(&config.log);
    let seen = rule_files::look(&config.rules.directory, &config.codes.masters_file);
    let service = service(&config, manner).await?;
    for warning in identity::warnings(&config.identity) {
        tracing::warn!("{}", warning.en);
    }
    let listener = opening::listener(&config.http.listen)?;
    let address = listener.local_addr().context("no local address")?;
    let tls = tls(&config)?;
    for warning in exposure(&config, &address) {
        tracing::warn!(%address, "{warning}");
    }
    if config.codes.review && !address.ip().is_loopback() {
        tracing::warn!(%address, "[codes] review: whoever reaches this can change the code maps");
    }
    tracing::info!(%address, rules = service.rules.rules.len(), "serving");
    let served = web::Data::new(Served::new(service));
    let mut reloader = Reloader::new(served.clone(), &config, seen)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    say!("genkan: {scheme}://{address}/fhir");
    let scraped = config.operations.listen.is_some();
    let telemetry = Telemetry::start(&config.telemetry, scraped).map_err(Failure::usage)?;
    let telemetry = web::Data::new(telemetry);
    let operating = Arc::new(Operating::new(served.clone(), &config.http, tls.clone()));
    telemetry.observe(&operating);
    let watch = watch(&config, &operating, &telemetry)?;
    let ended = tokio::select! {
        ended = http::serve(served, telemetry.clone(), &config.http, listener, tls) => ended,
        () = reloader.run() => Ok(()),
    };
    if let Some(watch) = watch {
        watch.stop(false).await;
    }
    telemetry.stop();
    ended?;
    tracing::info!("stopped");
    Ok(())
}

/// TLS of the configuration, kept current from now on.
fn tls(config: &Config) -> Result<Option<Arc<Tls>>, Failure> {
    let Some(section) = &config.http.tls else { return Ok(None) };
    let clients = Clients::new(&config.clients).map_err(Failure::usage)?;
    let tls = Arc::new(Tls::load(section, clients).map_err(Failure::usage)?);
    tokio::spawn(keep_current(Arc::clone(&tls)).context("no signals")?);
    Ok(Some(tls))
}

/// What somebody on the network could do with the data API.
fn exposure(config: &Config, address: &SocketAddr) -> Vec<&'static str> {
    if address.ip().is_loopback() {
        return Vec::new();
    }
    let Some(tls) = &config.http.tls else {
        return vec![
            "no authorization in this release, and no TLS: let only a gateway reach this, and nobody \
             read along",
        ];
    };
    let mut warnings = Vec::new();
    if tls.client_certificates != ClientCertificates::Required {
        warnings.push(
            "no authorization in this release: let only a gateway reach this, or require client \
             certificates",
        );
    }
    if tls.version_min == VersionMin::Tls12 {
        warnings.push("TLS 1.2 is allowed: for clients that can't do 1.3 only");
    }
    warnings
}

/// Opens the listener for those who watch over this process, if the configuration names one.
fn watch(
    config: &Config,
    operating: &Arc<Operating>,
    telemetry: &web::Data<Telemetry>,
) -> Result<Option<ServerHandle>, Failure> {
    let Some(address) = &config.operations.listen else { return Ok(None) };
    let listener = opening::listener(address)?;
    let address = listener.local_addr().context("no local address")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "operations: no authorization; let only the management network reach this");
    }
    let (server, handle) = operations::server(Arc::clone(operating), telemetry.clone(), listener)?;
    tokio::spawn(server);
    tokio::spawn(operations::look(Arc::clone(operating), operations::pause(&config.operations)));
    let operating = Arc::clone(operating);
    let mut terminated = signal(SignalKind::terminate()).context("no signals")?;
    tokio::spawn(async move {
        terminated.recv().await;
        operating.stop();
    });
    say!("genkan: operations on http://{address}");
    Ok(Some(handle))
}

/// Everything that requests share, from a configuration.
pub async fn service(config: &Config, manner: Manner) -> Result<Service, Failure> {
    let identity = opening::identity(&config.identity, manner)?;
    let site = config.site.site().map_err(Failure::usage)?;
    let files = opening::files(&config.rules.directory)?;
    let (sources, schemas) = opening::sources(config).await?;
    let masters = opening::masters(config)?;
    let compiled = opening::compiled(&files, &schemas, &site, &masters, manner)?;
    compared::log(&compiled);
    let rules = compiled.rules.ok_or_else(Failure::rules)?;
    let name = config.site.name.clone();
    let service = Service::new(name, rules, identity, sources, &config.fhir, &config.http);
    let service = service.with_masters(masters, &config.codes);
    let service = service.with_review(&config.rules.directory, !config.clients.is_empty());
    let validation = Arc::new(Validation::new(config.validation.clone()));
    Ok(Service { bundle: config.bundle.clone(), validation, ..service })
}
