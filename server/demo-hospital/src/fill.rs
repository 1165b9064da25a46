//! Fills a database with a hospital. Rows are made on one thread and written on another, some
//! thousand at a time, so that memory does not grow with the hospital.

mod mariadb;
mod postgres;
mod sqlite;
mod target;

use std::collections::BTreeMap;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use crate::manifest::{TableDigest, Tally};
use crate::rows::Batch;
use crate::schema::{Schema, Table};
use crate::{Generator, Hospital, Manifest, schema};

pub use target::{Target, create_database, create_reader, drop_database};

/// Rows of one batch; three or four batches are in memory at the same time.
const ROWS_PER_BATCH: usize = 20_000;

/// An open connection that can take a hospital.
enum Sink {
    Sqlite(sqlite::Sink),
    Postgres(postgres::Sink),
    MariaDb(mariadb::Sink),
}

impl Sink {
    async fn open(target: &Target) -> anyhow::Result<Self> {
        Ok(match target {
            Target::Sqlite(options) => Sink::Sqlite(sqlite::Sink::open(options).await?),
            Target::Postgres(options) => Sink::Postgres(postgres::Sink::open(options).await?),
            Target::MariaDb(options) => Sink::MariaDb(mariadb::Sink::open(options).await?),
        })
    }

    async fn execute(&mut self, sql: String) -> anyhow::Result<()> {
        match self {
            Sink::Sqlite(sink) => sink.execute(sql).await,
            Sink::Postgres(sink) => sink.execute(sql).await,
            Sink::MariaDb(sink) => sink.execute(sql).await,
        }
    }

    /// Writes one batch in one transaction.
    async fn write(&mut self, schema: &Schema, batch: &Batch) -> anyhow::Result<()> {
        self.execute("BEGIN".to_owned()).await?;
        for (table, rows) in schema.tables.iter().zip(batch.tables()) {
            if rows.is_empty() {
                continue;
            }
            let written = match self {
                Sink::Sqlite(sink) => sink.write(table, rows).await,
                Sink::Postgres(sink) => sink.write(table, rows).await,
                Sink::MariaDb(sink) => sink.write(table, rows).await,
            };
            written.with_context(|| format!("writing {}", table.name))?;
        }
        self.execute("COMMIT".to_owned()).await
    }

    async fn read_back(&mut self, table: &Table) -> anyhow::Result<TableDigest> {
        let hash = match self {
            Sink::Sqlite(sink) => sink.read_back(table).await,
            Sink::Postgres(sink) => sink.read_back(table).await,
            Sink::MariaDb(sink) => sink.read_back(table).await,
        }
        .with_context(|| format!("reading {}", table.name))?;
        Ok(TableDigest { rows: hash.rows, hash: hash.hex() })
    }
}

/// A bar that counts patients on standard error; indicatif hides it where that is no terminal.
pub fn progress_bar(hospital: &Hospital) -> ProgressBar {
    let bar = ProgressBar::new(u64::from(hospital.patients));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} patients, {eta} left, {msg}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Creates the tables in an empty database, fills them, then creates keys and indexes.
///
/// Fails if one of the tables is already there: a hospital is never written over.
pub async fn fill(
    target: &Target,
    hospital: &Hospital,
    progress: &ProgressBar,
) -> anyhow::Result<Manifest> {
    let schema = schema()?;
    let dialect = target.dialect();
    let mut sink = Sink::open(target).await?;
    for table in &schema.tables {
        let created = sink.execute(dialect.create_table(table)).await;
        created.with_context(|| format!("creating {}", table.name))?;
    }
    let mut tally = Tally::new(*hospital, &schema);
    let (sender, mut batches) = mpsc::channel(1);
    let hospital = *hospital;
    let making = tokio::task::spawn_blocking(move || make(hospital, &sender));
    while let Some(batch) = batches.recv().await {
        sink.write(&schema, &batch).await?;
        tally.add(&batch);
        progress.inc(u64::from(batch.patients));
    }
    making.await.context("the generator stopped")??;
    for table in &schema.tables {
        progress.set_message(format!("indexes of {}", table.name));
        for statement in dialect.after_loading(table) {
            sink.execute(statement).await?;
        }
    }
    progress.finish_and_clear();
    Ok(tally.manifest())
}

/// Makes all batches; stops early if nobody takes them any more.
fn make(hospital: Hospital, sender: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    let generator = Generator::new(hospital)?;
    let mut batch = generator.masters()?;
    let mut next = 1;
    loop {
        let made = batch.patients;
        if sender.blocking_send(batch).is_err() {
            return Ok(());
        }
        next += made;
        if next > hospital.patients {
            return Ok(());
        }
        batch = generator.patients(next, hospital.patients, ROWS_PER_BATCH)?;
    }
}

/// Rows and hashes of a filled database as it answers now; compare with [`Manifest::tables`].
pub async fn read_back(target: &Target) -> anyhow::Result<BTreeMap<String, TableDigest>> {
    let mut sink = Sink::open(target).await?;
    let mut digests = BTreeMap::new();
    for table in schema()?.tables {
        let digest = sink.read_back(&table).await?;
        digests.insert(table.name, digest);
    }
    Ok(digests)
}
