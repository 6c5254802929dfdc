//! A database with the schema as the migrations make it, for the check of queries at compile time.
//!
//! Prints its address on one line and keeps it until standard input ends. Knows nothing of the store, whose queries
//! may not be checked yet: `cargo xtask queries` builds this without it.

#![expect(clippy::print_stdout, reason = "xtask reads the address")]

use std::io::Read as _;

use skrynka_core::postgres::testing::TestDatabase;
use sqlx::ConnectOptions as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let database = TestDatabase::new().await;
    let mut connection = database.pool.acquire().await?;
    sqlx::raw_sql("CREATE SCHEMA skrynka").execute(&mut *connection).await?;
    sqlx::migrate!("../../../migrations").run_direct(None, &mut *connection, false).await?;
    let mut address = database.pool.connect_options().to_url_lossy();
    address.query_pairs_mut().append_pair("options", "-csearch_path=skrynka,public");
    println!("{address}");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
