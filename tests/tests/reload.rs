//! Rules that change while they are served: swapped as a whole, or refused with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use genkan_tests::harness::{
    Answer, Client, Database, Engine, Genkan, available_engines, genkan_command,
};
use genkan_tests::hospital::own_configuration;
use serde_json::Value;
use tempfile::TempDir;

const LOADED: &str = "rules loaded";
const REFUSED: &str = "rules refused";

/// A rule whose resources all carry its mark, twice.
fn rule(mark: &str, key: &str) -> String {
    format!(
        "rule: patient\nresource: Patient\nfrom:\n  p: {{table: PT, key: {key}}}\nemit:\n  \
         language: {mark}\n  name: [{{text: = p.NM, family: {mark}}}]\ntests:\n  \
         - name: marked\n    rows: {{PT: [{{ID: 1, NM: a}}]}}\n    expect: {{language: {mark}}}\n"
    )
}

struct Site {
    genkan: Genkan,
    database: Database,
    folder: TempDir,
}

impl Site {
    /// Eight patients behind this rule; `None` where there is no server for the engine.
    fn serve(engine: Engine, text: &str, watch_secs: u64) -> Result<Option<Self>> {
        let Some(database) = Database::create(engine)? else { return Ok(None) };
        let quote = if engine == Engine::MariaDb { '`' } else { '"' };
        let name = |name: &str| format!("{quote}{name}{quote}");
        let rows: Vec<String> = (1..9).map(|id| format!("({id}, 'name {id}', '0')")).collect();
        // KBN is nothing that a test of a rule has to fill.
        let (table, id, kanji, other) = (name("PT"), name("ID"), name("NM"), name("KBN"));
        database.run(&format!(
            "CREATE TABLE {table} ({id} integer PRIMARY KEY, {kanji} varchar(20) NOT NULL, \
             {other} char(1) NOT NULL); INSERT INTO {table} VALUES {}",
            rows.join(", ")
        ))?;
        let folder = TempDir::new()?;
        fs::create_dir(folder.path().join("rules"))?;
        let config = own_configuration(&database, folder.path())?;
        if watch_secs > 0 {
            let text = fs::read_to_string(&config)?;
            let watch = format!("directory = \"rules\"\nwatch_interval_secs = {watch_secs}\n");
            fs::write(&config, text.replace("directory = \"rules\"\n", &watch))?;
        }
        write(folder.path(), text)?;
        let genkan = Genkan::serve_file(&config)?;
        Ok(Some(Site { genkan, database, folder }))
    }

    fn write(&self, text: &str) -> Result<()> {
        write(self.folder.path(), text)
    }

    /// Asks for the rules of the folder; the log has said so many times what becomes of them.
    fn load(&self, text: &str, says: &str, times: usize) -> Result<()> {
        self.write(text)?;
        self.genkan.hang_up()?;
        self.genkan.says(says, times)
    }

    fn serves(&self, mark: &str) -> Result<()> {
        let marks = marks(&self.genkan.get("/fhir/Patient")?)?;
        ensure!(marks == BTreeSet::from([mark.to_owned()]), "{marks:?} instead of {mark}");
        Ok(())
    }
}

fn write(folder: &Path, text: &str) -> Result<()> {
    Ok(fs::write(folder.join("rules/patient.map.yaml"), text)?)
}

/// Every mark in an answer of eight patients.
fn marks(answer: &Answer) -> Result<BTreeSet<String>> {
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let bundle = answer.json()?;
    let entries = bundle["entry"].as_array().context("entries")?;
    ensure!(entries.len() == 8, "{} entries", entries.len());
    let marks = entries.iter().flat_map(|entry| {
        let resource = &entry["resource"];
        [&resource["language"], &resource["name"][0]["family"]]
    });
    marks.map(|mark| Ok(mark.as_str().context("a mark")?.to_owned())).collect()
}

#[test]
fn every_answer_during_a_swap_is_wholly_of_the_old_or_of_the_new_rules() -> Result<()> {
    for engine in available_engines()? {
        let rules = [rule("aa", "[ID]"), rule("bb", "[ID]")];
        let Some(site) = Site::serve(engine, &rules[0], 0)? else { continue };
        let ended = AtomicBool::new(false);
        let ask = || -> Result<(usize, BTreeSet<String>)> {
            let client = Client::new(&site.genkan.base);
            let (mut answers, mut seen) = (0, BTreeSet::new());
            while !ended.load(Ordering::Relaxed) {
                let marks = marks(&client.get("/fhir/Patient")?)?;
                ensure!(marks.len() == 1, "an answer of both: {marks:?}");
                seen.extend(marks);
                answers += 1;
            }
            Ok((answers, seen))
        };
        let swap = || -> Result<()> {
            for round in 1..=12 {
                site.load(&rules[round % 2], LOADED, round)?;
                // What begins after the log has said so sees the new rules.
                site.serves(["aa", "bb"][round % 2])?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let askers = [(); 3].map(|()| scope.spawn(ask));
            let swapped = swap();
            ended.store(true, Ordering::Relaxed);
            let (mut answers, mut seen) = (0, BTreeSet::new());
            for asker in askers {
                let Ok(asked) = asker.join() else { bail!("an asker panicked") };
                let (count, marks) = asked?;
                answers += count;
                seen.extend(marks);
            }
            swapped?;
            println!("{engine:?}: {answers} answers during 12 swaps");
            ensure!(seen.len() == 2, "{seen:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_failing_set_is_refused_with_its_reasons_and_the_old_one_serves_on() -> Result<()> {
    let good = rule("aa", "[ID]");
    let Some(site) = Site::serve(Engine::Sqlite, &good, 0)? else { bail!("SQLite is there") };
    let says = |part: &str| site.genkan.says(part, 1);
    let cases: [(String, &[&str]); 4] = [
        (good.replace("p.NM", "p.NAME"), &["E0402", "patient.map.yaml:7:19", "NAME"]),
        (good.replace("emit:", "emit: ["), &["E0103"]),
        (good.replace("{language: aa}", "{language: zz}"), &["a test fails: .language: -zz +aa"]),
        (String::new(), &["E0101"]),
    ];
    for (number, (bad, parts)) in cases.iter().enumerate() {
        site.load(bad, REFUSED, number + 1)?;
        for part in *parts {
            says(part)?;
        }
        site.serves("aa")?;
        let ready = site.genkan.get("/readyz")?;
        let told = ready.text().contains("ready\nnewer rules refused at 20");
        ensure!(ready.status == 200 && told, "{}", ready.text());
    }
    fs::remove_file(site.folder.path().join("rules/patient.map.yaml"))?;
    site.genkan.hang_up()?;
    site.genkan.says(REFUSED, cases.len() + 1)?;
    says("holds no rule")?;
    site.load(&good.replace("aa", "bb"), LOADED, 1)?;
    site.serves("bb")?;
    ensure!(site.genkan.get("/readyz")?.text() == "ready\n");
    Ok(())
}

#[test]
fn a_page_goes_on_under_new_rules_whose_rows_come_in_the_same_order() -> Result<()> {
    let Some(site) = Site::serve(Engine::Sqlite, &rule("aa", "[ID]"), 0)? else { bail!("SQLite") };
    let first = site.genkan.get("/fhir/Patient?_count=3")?.json()?;
    let next = |bundle: &Value| -> Result<String> {
        let links = bundle["link"].as_array().context("links")?;
        let next = links.iter().find(|link| link["relation"] == "next").context("a next page")?;
        let url = next["url"].as_str().context("an address")?;
        Ok(url.strip_prefix(&site.genkan.base).context("ours")?.to_owned())
    };
    let (second, language) = (next(&first)?, |bundle: &Value, entry: usize| {
        bundle["entry"][entry]["resource"]["language"].as_str().map(str::to_owned)
    });
    site.load(&rule("bb", "[ID]"), LOADED, 1)?;
    let page = site.genkan.get(&second)?.json()?;
    ensure!(language(&page, 0).as_deref() == Some("bb"), "{page}");
    ensure!(page["entry"].as_array().map(Vec::len) == Some(3), "{page}");
    site.load(&rule("cc", "[NM, ID]"), LOADED, 2)?;
    let refused = site.genkan.get(&second)?;
    ensure!(refused.status == 400, "{}: {}", refused.status, refused.text());
    Ok(())
}

#[test]
fn the_source_is_looked_at_again() -> Result<()> {
    for engine in available_engines()? {
        let text = rule("aa", "[ID]");
        let Some(site) = Site::serve(engine, &text, 0)? else { continue };
        let with_sex =
            text.replace("  language: aa\n", "  language: aa\n  gender: = p.SEX | map 1=male\n");
        site.load(&with_sex, REFUSED, 1)?;
        let quote = if engine == Engine::MariaDb { '`' } else { '"' };
        site.database.run(&format!(
            "ALTER TABLE {quote}PT{quote} ADD COLUMN {quote}SEX{quote} char(1);
             UPDATE {quote}PT{quote} SET {quote}SEX{quote} = '1'"
        ))?;
        site.genkan.hang_up()?;
        site.genkan.says(LOADED, 1)?;
        let found = site.genkan.get("/fhir/Patient?gender=male")?.json()?;
        ensure!(found["entry"].as_array().map(Vec::len) == Some(8), "{engine:?}: {found}");
    }
    Ok(())
}

#[test]
fn a_watched_folder_is_loaded_when_it_has_changed_and_stays_so() -> Result<()> {
    let Some(site) = Site::serve(Engine::Sqlite, &rule("aa", "[ID]"), 1)? else { bail!("SQLite") };
    site.serves("aa")?;
    site.write(&rule("bb", "[ID]"))?;
    site.genkan.says(LOADED, 1)?;
    site.serves("bb")?;
    site.write("rule: [")?;
    site.genkan.says(REFUSED, 1)?;
    site.serves("bb")?;
    site.write(&rule("ccc", "[ID]"))?;
    site.genkan.says(LOADED, 2)?;
    // Neither a set that is served nor one that was refused is tried again and again.
    let log = site.genkan.log();
    ensure!(log.matches(REFUSED).count() == 1, "{log}");
    site.serves("ccc")
}

const MAPS: &str = "m:\n  local: {system: urn:l}\n  targets:\n    \
     - {id: yj, system: 'http://capstandard.jp/iyaku.info/CodeSystem/YJ-code'}\n    \
     - {id: hot9, system: 'http://medis.or.jp/CodeSystem/master-HOT9', derive: {from: yj, table: hot}}\n  \
     unmapped: {policy: warn}\n";

/// A line of the HOT master, 24 columns.
fn hot(hot9: &str, yj: &str) -> String {
    let value = |number| match number {
        1 => hot9,
        7 | 8 => yj,
        12 => "甲錠",
        24 => "20260401",
        _ => "",
    };
    let fields: Vec<String> = (1..=24).map(|number| format!("\"{}\"", value(number))).collect();
    fields.join(",") + "\n"
}

/// Codes that follow from masters are served as soon as these are imported; a damaged file of masters is
/// refused as a bad rule is.
#[test]
fn imported_masters_are_a_change_of_the_rules() -> Result<()> {
    let coded = rule("aa", "[ID]")
        .replace("  name:", "  maritalStatus: {$code: m, from: = p.KBN}\n  name:");
    let Some(site) = Site::serve(Engine::Sqlite, &rule("aa", "[ID]"), 1)? else { bail!("SQLite") };
    let folder = site.folder.path();
    fs::create_dir(folder.join("rules/codes"))?;
    fs::write(folder.join("rules/codes/codemaps.yaml"), MAPS)?;
    let csv = "local,target,code,status\n0,yj,1111001F1011,accepted\n";
    fs::write(folder.join("rules/codes/m.csv"), csv)?;
    site.write(&coded)?;
    site.genkan.says(LOADED, 1)?;
    site.genkan.says("no master of their systems is loaded", 1)?;
    let codes = || -> Result<(Value, Value)> {
        let one = site.genkan.get("/fhir/Patient?_count=1")?.json()?["entry"][0]["resource"].take();
        let codings = one["maritalStatus"]["coding"].as_array().context("codings")?;
        let codes: Vec<Value> = codings.iter().map(|coding| coding["code"].clone()).collect();
        Ok((codes.into(), one["meta"]["versionId"].clone()))
    };
    let (before, version) = codes()?;
    ensure!(before == serde_json::json!(["1111001F1011"]), "{before}");
    let file = folder.join("hot9_20260401.csv");
    fs::write(&file, hot("100000001", "1111001F1011"))?;
    let masters = folder.join("masters.genkan").display().to_string();
    let arguments = ["codes", "import", "--masters", &masters, &file.display().to_string()];
    let imported = genkan_command()?.args(arguments).output()?;
    ensure!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    site.genkan.says(LOADED, 2)?;
    let (after, newer) = codes()?;
    ensure!(after == serde_json::json!(["1111001F1011", "100000001"]), "{after}");
    ensure!(version != newer, "another resource is another version");
    fs::write(&masters, "damaged")?;
    site.genkan.says(REFUSED, 1)?;
    site.genkan.says("not a file of masters", 1)?;
    ensure!(codes()?.0 == after, "the earlier ones serve on");
    Ok(())
}
