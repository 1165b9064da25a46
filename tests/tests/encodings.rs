//! Text of legacy encodings through the whole product: a row whose bytes are no text is told in its
//! place, and whatever stands beside it is served, found and paged as ever.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Encoding, Engine, Genkan};
use serde_json::Value;
use tempfile::TempDir;

const RULE: &str = "rule: pt\nresource: Patient\nfrom:\n  p: {table: PT, key: [ID]}\nemit:\n  \
     name: [{text: = p.NAME}]\n";

/// A database with patients 1 to 5, of which 3 has a name that can't be read.
struct Source {
    engine: Engine,
    encoding: Encoding,
    /// What the configuration says of it.
    text_encoding: &'static str,
    /// Of the column NAME.
    column: &'static str,
    /// The text of a hexadecimal string of bytes.
    stored: fn(&str) -> String,
    /// 山田, the name that is no text, and 高橋, as bytes.
    names: [&'static str; 3],
    /// A text that no row holds; most of these encodings can't.
    unknown: &'static str,
}

const SOURCES: [Source; 6] = [
    Source {
        engine: Engine::Postgres,
        encoding: Encoding::EucJp,
        text_encoding: "",
        column: "varchar(40)",
        stored: |hex| format!("convert_from('\\x{hex}', 'EUC_JP')"),
        names: ["bbb3c5c4", "bbb3fcfe", "b9e2b6b6"],
        unknown: "𠮷",
    },
    Source {
        engine: Engine::Postgres,
        encoding: Encoding::SqlAscii,
        text_encoding: "text_encoding = \"euc-jp\"",
        column: "char(40)",
        stored: |hex| format!("convert_from('\\x{hex}', 'SQL_ASCII')"),
        names: ["bbb3c5c4", "bbb3fcfe", "b9e2b6b6"],
        unknown: "𠮷",
    },
    Source {
        engine: Engine::Postgres,
        encoding: Encoding::SqlAscii,
        text_encoding: "text_encoding = \"cp932\"",
        column: "text",
        stored: |hex| format!("convert_from('\\x{hex}', 'SQL_ASCII')"),
        names: ["8e529363", "8e5285bf", "8d828bb4"],
        unknown: "𠮷",
    },
    Source {
        engine: Engine::Postgres,
        encoding: Encoding::SqlAscii,
        text_encoding: "text_encoding = \"utf-8\"",
        column: "text",
        stored: |hex| format!("convert_from('\\x{hex}', 'SQL_ASCII')"),
        names: ["e5b1b1e794b0", "e5b1b1fcfe", "e9ab98e6a98b"],
        unknown: "鈴",
    },
    Source {
        engine: Engine::MariaDb,
        encoding: Encoding::Utf8,
        text_encoding: "",
        column: "varchar(40) CHARACTER SET sjis",
        stored: |hex| format!("CONVERT(x'{hex}' USING sjis)"),
        names: ["8e529363", "8e5285bf", "8d828bb4"],
        unknown: "𠮷",
    },
    Source {
        engine: Engine::MariaDb,
        encoding: Encoding::Utf8,
        text_encoding: "text_encoding = \"cp932\"",
        column: "varchar(40) CHARACTER SET latin1",
        stored: |hex| format!("CONVERT(x'{hex}' USING latin1)"),
        names: ["8e529363", "8e5285bf", "8d828bb4"],
        unknown: "𠮷",
    },
];

impl Source {
    /// `None` where there is no server for it.
    fn fill(&self) -> Result<Option<Database>> {
        let Some(database) = Database::create_encoded(self.engine, self.encoding)? else {
            return Ok(None);
        };
        let quote = if self.engine == Engine::MariaDb { "`" } else { "\"" };
        let name = |name: &str| format!("{quote}{name}{quote}");
        let (table, id, column) = (name("PT"), name("ID"), name("NAME"));
        database.run(&format!(
            "CREATE TABLE {table} ({id} char(4) NOT NULL PRIMARY KEY, {column} {})",
            self.column
        ))?;
        let [yamada, broken, takahashi] = self.names.map(self.stored);
        for (id, text) in
            [(1, &yamada), (2, &takahashi), (3, &broken), (4, &yamada), (5, &takahashi)]
        {
            database.run(&format!("INSERT INTO {table} VALUES ('{id}', {text})"))?;
        }
        Ok(Some(database))
    }

    fn configuration(&self, database: &Database, folder: &Path) -> Result<String> {
        fs::create_dir(folder.join("rules"))?;
        fs::write(folder.join("rules/pt.map.yaml"), RULE)?;
        fs::write(folder.join("site.key"), "0123456789abcdef".repeat(4))?;
        let folder = folder.display();
        Ok(format!(
            "[site]\ninstitution_no = \"1411234567\"\nname = \"みなと総合病院\"\n\
             [rules]\ndirectory = \"{folder}/rules\"\n\
             [source]\nurl = \"{}\"\n{}\n\
             [identity]\nmode = \"plain\"\n\
             keys = [{{ generation = \"a\", secret_file = \"{folder}/site.key\" }}]\n\
             [http]\nlisten = \"127.0.0.1:0\"\n",
            database.reader_url()?,
            self.text_encoding
        ))
    }
}

fn get(genkan: &Genkan, path: &str) -> Result<Value> {
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// Id and name of each match, and the text of each outcome, in their order.
fn entries(bundle: &Value) -> Vec<(String, String)> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = entries.iter().map(|entry| match entry["search"]["mode"].as_str() {
        Some("outcome") => ("outcome".to_owned(), entry["resource"]["issue"].to_string()),
        _ => (text(&entry["resource"]["id"]), text(&entry["resource"]["name"][0]["text"])),
    });
    told.collect()
}

fn ids(genkan: &Genkan, query: &str) -> Result<Vec<String>> {
    let written = |byte: u8| match byte {
        0..0x80 => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let query: String = query.bytes().map(written).collect();
    let found = entries(&get(genkan, &format!("/fhir/Patient?{query}"))?);
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

fn check(genkan: &Genkan, source: &Source) -> Result<()> {
    // Page by page: the cursor stands on the broken row as well.
    for count in [1, 2, 3, 100] {
        let mut found = Vec::new();
        let mut next = Some(format!("/fhir/Patient?_count={count}"));
        while let Some(path) = next {
            let page = get(genkan, &path)?;
            found.extend(entries(&page));
            let links = page["link"].as_array().context("links")?;
            let link = links.iter().find(|link| link["relation"] == "next");
            let url = link.and_then(|link| link["url"].as_str());
            next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
            ensure!(found.len() < 10, "paging does not end");
        }
        let names: Vec<(&str, &str)> =
            found.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        let [.., (_, told), _, _] = names.as_slice() else { anyhow::bail!("{names:?}") };
        let expected = [
            ("pt.1", "山田"),
            ("pt.2", "高橋"),
            ("outcome", *told),
            ("pt.4", "山田"),
            ("pt.5", "高橋"),
        ];
        ensure!(names == expected, "{names:?}");
        told_without_content(told)?;
    }
    let read = genkan.get("/fhir/Patient/pt.3")?;
    ensure!(read.status == 422, "{} {}", read.status, read.text());
    told_without_content(&read.json()?["issue"].to_string())?;
    ensure!(genkan.get("/fhir/Patient/pt.4")?.status == 200);
    ensure!(ids(genkan, "name:exact=山田")? == ["pt.1", "pt.4"]);
    ensure!(ids(genkan, "name=高")? == ["pt.2", "pt.5"]);
    ensure!(ids(genkan, "name:contains=田")? == ["pt.1", "pt.4"]);
    for query in ["name", "name:exact", "name:contains"] {
        let unknown = source.unknown;
        ensure!(ids(genkan, &format!("{query}={unknown}"))?.is_empty(), "{query}");
        ensure!(ids(genkan, &format!("{query}={unknown},高橋"))? == ["pt.2", "pt.5"], "{query}");
    }
    Ok(())
}

/// Table, column, place and one byte; neither the readable part of the name nor the rest.
fn told_without_content(issue: &str) -> Result<()> {
    for part in ["bad-text", "column NAME", "table PT", "is 0x"] {
        ensure!(issue.contains(part), "no `{part}` in {issue}");
    }
    for content in ["山", "0xFE", "0xBF", "\u{fffd}"] {
        ensure!(!issue.contains(content), "{content} in {issue}");
    }
    Ok(())
}

#[test]
fn a_row_that_is_no_text_is_told_and_the_others_are_served() -> Result<()> {
    for source in &SOURCES {
        let Some(database) = source.fill()? else { continue };
        let folder = TempDir::new()?;
        let genkan = Genkan::serve(&source.configuration(&database, folder.path())?)?;
        let place =
            || format!("{:?} {:?} {}", source.engine, source.encoding, source.text_encoding);
        check(&genkan, source).with_context(place)?;
        let log = genkan.log();
        ensure!(!log.contains("山"), "{}: {log}", place());
    }
    Ok(())
}

#[test]
fn a_database_that_names_no_encoding_is_refused_until_it_is_configured() -> Result<()> {
    let source = Source { text_encoding: "", ..SOURCES[1] };
    let Some(database) = source.fill()? else { return Ok(()) };
    let folder = TempDir::new()?;
    let config = source.configuration(&database, folder.path())?;
    let refusal = Genkan::serve(&config).err().context("it serves")?;
    let told = format!("{refusal:#}");
    for part in ["SQL_ASCII", "text_encoding"] {
        ensure!(told.contains(part), "no `{part}` in {told}");
    }
    Ok(())
}
