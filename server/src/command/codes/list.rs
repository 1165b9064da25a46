//! `genkan codes list`: what was imported.

use clap::Args;
use genkan_mapping::Text;
use serde_json::json;

use super::masters_file::{self, MastersArgs};
use crate::command::{Failure, Manner, Output};

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    masters: MastersArgs,
}

pub fn run(args: &ListArgs, manner: Manner) -> Result<(), Failure> {
    let store = masters_file::open(&args.masters.path()?)?;
    let hash = |hash: &[u8; 32]| data_encoding::HEXLOWER.encode(hash);
    if manner.output == Output::Json {
        let imports: Vec<_> = store
            .imports()
            .iter()
            .map(|import| {
                json!({
                    "kind": import.kind.word(), "file": import.file, "effective": import.effective.to_string(),
                    "rows": import.rows, "rejected": import.rejected, "blake3": hash(&import.hash),
                    "outdated": store.outdated().any(|one| one == import),
                })
            })
            .collect();
        let systems: serde_json::Map<_, _> =
            store.systems().map(|system| (system.to_owned(), json!(store.count(system)))).collect();
        say!("{}", json!({"imports": imports, "systems": systems}));
        return Ok(());
    }
    for import in store.imports() {
        let (kind, rows, rejected) = (import.kind.word(), import.rows, import.rejected);
        let short = hash(&import.hash)[..12].to_owned();
        say!(
            "{}  {kind:<16} {rows:>6} rows {rejected:>4} rejected  {short}  {}",
            import.effective,
            import.file
        );
    }
    for import in store.outdated() {
        let file = &import.file;
        let text = Text::new(
            format!("{file}: read by an earlier version, which took less from it; import it again"),
            format!(
                "{file}: 以前の版が取り込んだもので、内容の一部がありません。もう一度取り込んでください"
            ),
        );
        say!("{}", text.in_language(manner.language));
    }
    for system in store.systems() {
        say!("{:>8}  {system}", store.count(system));
    }
    Ok(())
}
