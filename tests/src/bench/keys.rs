//! Which patients are asked for: the same ones through Genkan and through pgbench.

use anyhow::{Result, ensure};
use sqlx::Row;

use super::source::Source;

/// Rows of a search page, and so the results that a patient must at least have.
pub const PAGE_ROWS: usize = 20;

/// Patient numbers from all over the hospital, of people whose results fill a page.
pub async fn patients(source: &Source, most: usize) -> Result<Vec<String>> {
    // Short histories come first, so that sorting a long one is no part of the figure.
    let wanted = PAGE_ROWS * 2;
    let sql = format!(
        r#"SELECT trim("PT_ID")
           FROM "PT_MST" JOIN "LAB_IRAI" USING ("PT_ID") JOIN "LAB_KEKKA" USING ("IRAI_NO")
           WHERE "TEST_FLG" <> '1' AND "DEL_FLG" <> '1' AND "TORIKESI" <> '1'
             AND "LATEST_FLG" = '1' AND "KEKKA_STS" IN ('F', 'C') AND "TOUGOU_PT_ID" = ''
           GROUP BY "PT_ID" HAVING count(*) > {PAGE_ROWS}
           ORDER BY count(*) > {wanted}, md5("PT_ID") LIMIT {most}"#
    );
    let rows = source.query(sql).await?;
    let keys: Vec<String> =
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?;
    ensure!(!keys.is_empty(), "no patient has more than {PAGE_ROWS} results");
    let numbers = keys.iter().all(|key| key.bytes().all(|byte| byte.is_ascii_digit()));
    ensure!(numbers, "patient numbers have to be numbers: pgbench makes no other keys");
    Ok(keys)
}
