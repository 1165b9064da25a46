//! The SQL adapter against real databases: SQLite always; PostgreSQL and MariaDB where
//! `GENKAN_TEST_POSTGRES_URL` and `GENKAN_TEST_MARIADB_URL` name a server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod charsets;
mod conformance;
mod database;
mod differential;
mod failures;
mod indexes;
mod legacy_text;
mod load;
mod network;
mod protection;
mod rights;
mod round_trip;
