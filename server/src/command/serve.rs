//! `genkan serve`: the product.

mod reload;

use actix_web::web;
use anyhow::Context;
use clap::Args;
use reload::Reloader;

use crate::command::{ConfigArg, Failure, Manner, opening};
use crate::config::Config;
use crate::service::{Served, Service};
use crate::{http, identity, log, rule_files};

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArg,
}

pub async fn run(args: &ServeArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    log::start(&config.log);
    let seen = rule_files::look(&config.rules.directory);
    let service = service(&config, manner).await?;
    for warning in identity::warnings(&config.identity) {
        tracing::warn!("{}", warning.en);
    }
    let listener = opening::listener(&config.http.listen)?;
    let address = listener.local_addr().context("no local address")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "no authorization in this release: let only a gateway reach this");
    }
    tracing::info!(%address, rules = service.rules.rules.len(), "serving");
    let served = web::Data::new(Served::new(service));
    let mut reloader = Reloader::new(served.clone(), &config, seen)?;
    say!("genkan: http://{address}/fhir");
    tokio::select! {
        ended = http::serve(served, &config.http, listener) => ended?,
        () = reloader.run() => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// Everything that requests share, from a configuration.
pub async fn service(config: &Config, manner: Manner) -> Result<Service, Failure> {
    let identity = opening::identity(&config.identity, manner)?;
    let site = config.site.site().map_err(Failure::usage)?;
    let files = opening::files(&config.rules.directory)?;
    let (sources, schemas) = opening::sources(config).await?;
    let rules = opening::rules(&files, &schemas, &site, manner)?;
    let name = config.site.name.clone();
    let service = Service::new(name, rules, identity, sources, &config.fhir, &config.http);
    Ok(Service { bundle: config.bundle.clone(), ..service })
}
