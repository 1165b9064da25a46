//! The terminology service from outside: the demo hospital's code maps, small masters of our own, and
//! the published ones where they lie beside the repository.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Answer, Database, Engine, Genkan, genkan_command};
use genkan_tests::hospital;
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "../../mapping-rules/masters/tests/support/line.rs"]
mod line;
#[path = "terminology/published.rs"]
mod published;

use line::line;

const MODIFIER: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterZ-disease-modifier";
const FOOD: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS";
const HOUSE: &str = "http://minato-hospital.example.jp/CodeSystem/allergen";
const YJ: &str = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code";
const MAP: &str = "urn:x-genkan:1411234567:code-map:allergen";

/// 支払基金 修飾語.
fn modifiers() -> String {
    let rows = [("8002", "の疑い", "99999999"), ("4012", "急性", "20260331")];
    let row = |(code, name, until)| {
        let (key, exchange) = ((17, "27000001"), (18, "5395"));
        line(19, &[(1, "0"), (3, code), (7, name), (10, "よみ"), (16, until), key, exchange])
    };
    rows.map(row).concat()
}

fn allergens() -> String {
    let head = "\"DISPLAYSEQ\",\"JFAGYCODE\",\"JPTERM\",\"JPKANA\",\"ENTERM\",\"LEVEL\",\"MAINFLAG\",\
                \"GUIDELINE\",\"CXGCATEGORY\",\"RECORDDATE\",\"ENDDATE\"\n";
    let row = |(code, name, level): &(&str, &str, u8)| {
        format!("1,{code},{name},,,{level},,,0,00000000,99999999\n")
    };
    let rows = [
        ("00F", "食品", 1),
        ("J9FA00000000", "農産食品", 2),
        ("J9FA15000000", "小麦", 3),
        ("J9FB13110000", "鶏卵", 4),
    ];
    head.to_owned() + &rows.iter().map(row).collect::<String>()
}

struct Served {
    genkan: Genkan,
    _database: Database,
    folder: TempDir,
}

/// The demo hospital with these files as its masters.
fn serve(files: &[PathBuf], effective: &str, sections: &str) -> Result<Served> {
    let database = hospital::fill_database(Engine::Sqlite, 1)?.context("SQLite")?;
    let folder = TempDir::new()?;
    let config = hospital::configuration(&database, folder.path())?;
    let text = fs::read_to_string(&config)?;
    fs::write(&config, text + sections)?;
    if !files.is_empty() {
        let mut command = genkan_command()?;
        command.args(["codes", "import", "--config"]).arg(&config).args(["--effective", effective]);
        let run = command.args(files).output()?;
        ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
    let genkan = Genkan::serve_file(&config)?;
    Ok(Served { genkan, _database: database, folder })
}

fn small(sections: &str) -> Result<Served> {
    let folder = TempDir::new()?;
    let files = [("z_x.txt", modifiers()), ("jfagy_x.csv", allergens())];
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
    for (path, (_, text)) in paths.iter().zip(&files) {
        fs::write(path, text)?;
    }
    serve(&paths, "2025-04-01", sections)
}

fn ask(genkan: &Genkan, path: &str) -> Result<(u16, Value)> {
    let answer = genkan.get(&encoded(path))?;
    ensure!(!answer.header("Server-Timing").contains("fetch"), "{path} asks the source");
    Ok((answer.status, answer.json()?))
}

fn post(genkan: &Genkan, path: &str, body: &Value) -> Result<Answer> {
    let header = ("Content-Type", "application/fhir+json");
    genkan.client.send("POST", path, &[header], Some(body.to_string().as_bytes()))
}

/// Letters outside of ASCII and `|`, as a client has to send them.
fn encoded(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_graphic() && byte != b'|';
    let one = |byte: u8| match keep(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.bytes().map(one).collect()
}

/// The first value of a parameter by its name.
fn value<'v>(parameters: &'v Value, name: &str) -> &'v Value {
    let all = parameters["parameter"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().find(|one| one["name"] == name);
    let fields = found.and_then(Value::as_object).into_iter().flatten();
    fields.into_iter().find(|(name, _)| name.starts_with("value")).map_or(&Value::Null, |(_, v)| v)
}

fn matches(parameters: &Value) -> Vec<(String, String)> {
    let all = parameters["parameter"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = all.iter().filter(|one| one["name"] == "match");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found
        .map(|one| {
            let part = &one["part"];
            (text(&part[0]["valueCode"]), text(&part[1]["valueCoding"]["code"]))
        })
        .collect()
}

fn codes(value_set: &Value) -> String {
    let all = value_set["expansion"]["contains"].as_array().map(Vec::as_slice).unwrap_or_default();
    let codes: Vec<&str> = all.iter().filter_map(|one| one["code"].as_str()).collect();
    codes.join(" ")
}

fn refused(answer: &(u16, Value)) -> (u16, String) {
    let told = answer.1["issue"][0]["diagnostics"].as_str().unwrap_or_default();
    (answer.0, told.get(..7).unwrap_or(told).to_owned())
}

#[test]
fn codes_are_looked_up_validated_and_compared() -> Result<()> {
    let served = small("")?;
    let genkan = &served.genkan;
    let lookup = |code: &str, date: &str| {
        ask(genkan, &format!("/fhir/CodeSystem/$lookup?system={MODIFIER}&code={code}{date}"))
    };
    let (status, found) = lookup("8002", "")?;
    ensure!(status == 200 && value(&found, "display") == "の疑い", "{found}");
    ensure!(value(&found, "version") == "2025-04-01", "{found}");
    for (date, inactive) in [("&date=2026-03-31", false), ("&date=2026-04-01", true)] {
        let (status, found) = lookup("4012", date)?;
        let told = found.to_string().contains("\"inactive\"");
        ensure!(status == 200 && told == inactive, "{date}: {found}");
    }
    for (path, result, inactive) in [
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=8002"), true, false),
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=8002&display=の疑い"), true, false),
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=8002&display=急性"), false, false),
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=9999"), false, false),
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=4012&date=2026-04-01"), true, true),
        (format!("CodeSystem/$validate-code?url={HOUSE}&code=F001"), true, false),
        (
            format!("ValueSet/$validate-code?url={MAP}:targets&system={FOOD}&code=J9FB13110000"),
            true,
            false,
        ),
        (format!("ValueSet/$validate-code?url={MAP}:targets&system={FOOD}&code=00F"), false, false),
        (format!("ValueSet/$validate-code?url={MAP}:local&system={HOUSE}&code=F001"), true, false),
        (format!("ValueSet/$validate-code?url={MAP}:local&system={FOOD}&code=00F"), false, false),
    ] {
        let (status, found) = ask(genkan, &format!("/fhir/{path}"))?;
        ensure!(status == 200 && value(&found, "result") == result, "{path}: {found}");
        ensure!((value(&found, "inactive") == true) == inactive, "{path}: {found}");
        ensure!(result || value(&found, "message").is_string(), "{path}: {found}");
    }
    for (a, b, outcome) in [
        ("00F", "J9FA15000000", "subsumes"),
        ("J9FA15000000", "00F", "subsumed-by"),
        ("00F", "00F", "equivalent"),
        ("J9FA15000000", "J9FB13110000", "not-subsumed"),
    ] {
        let path = format!("/fhir/CodeSystem/$subsumes?system={FOOD}&codeA={a}&codeB={b}");
        let (status, found) = ask(genkan, &path)?;
        ensure!(status == 200 && value(&found, "outcome") == outcome, "{a} {b}: {found}");
    }
    Ok(())
}

#[test]
fn what_is_not_loaded_or_not_supported_is_refused_and_never_valid() -> Result<()> {
    let served = small("[codes]\nexpand_codes_max = 2\n")?;
    let genkan = &served.genkan;
    for (path, status, code) in [
        (format!("CodeSystem/$lookup?system={YJ}&code=2171022F4028"), 422, "GKN-142"),
        (format!("CodeSystem/$validate-code?url={YJ}&code=2171022F4028"), 422, "GKN-142"),
        ("ValueSet/$validate-code?url=urn:x-genkan:1411234567:code-map:drug:targets&code=2171022F4028".to_owned(), 422, "GKN-142"),
        ("CodeSystem/$lookup?system=urn:other&code=1".to_owned(), 404, "GKN-141"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=9999"), 404, "GKN-145"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=8002&version=2"), 404, "GKN-146"),
        (format!("CodeSystem/$lookup?system={MODIFIER}|2&code=8002"), 404, "GKN-146"),
        (format!("CodeSystem/$subsumes?system={MODIFIER}&codeA=8002&codeB=4012"), 422, "GKN-147"),
        (format!("CodeSystem/$subsumes?system={YJ}&codeA=1&codeB=2"), 422, "GKN-142"),
        (format!("CodeSystem/$subsumes?system={FOOD}&codeA=1&codeB=00F"), 404, "GKN-145"),
        ("ValueSet/$expand?url=urn:other".to_owned(), 404, "GKN-143"),
        (format!("ValueSet/$expand?url={MAP}:targets"), 422, "GKN-149"),
        ("ConceptMap/$translate?url=urn:other&system=x&code=1".to_owned(), 404, "GKN-144"),
        ("ConceptMap/$translate?system=urn:other&code=1".to_owned(), 404, "GKN-148"),
        (format!("ConceptMap/$translate?system={HOUSE}&code=F001&targetsystem={YJ}"), 404, "GKN-148"),
        ("ConceptMap/nobody/$translate?code=1&system=x".to_owned(), 404, "GKN-104"),
        ("ValueSet/nobody/$expand".to_owned(), 404, "GKN-104"),
        ("CodeSystem/nobody/$validate-code?code=1".to_owned(), 404, "GKN-104"),
        (format!("CodeSystem/$lookup?system={MODIFIER}"), 400, "GKN-113"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=8002&code=4012"), 400, "GKN-113"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=8002&property=colour"), 400, "GKN-113"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=8002&displayLanguage=fr"), 400, "GKN-113"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&code=8002&date=2026-04"), 400, "GKN-113"),
        (format!("CodeSystem/$lookup?system={MODIFIER}&coding=8002"), 400, "GKN-113"),
        (format!("CodeSystem/$validate-code?url={MODIFIER}&code=8002&abstract=true"), 400, "GKN-113"),
        (format!("ValueSet/$expand?url={MAP}:targets&count=3"), 400, "GKN-113"),
        (format!("ValueSet/$expand?url={MAP}:targets&count=1&contextDirection=incoming"), 400, "GKN-113"),
        (format!("ConceptMap/$translate?system={HOUSE}&code=F001&dependency=x"), 400, "GKN-113"),
        ("ConceptMap?_sort=url".to_owned(), 400, "GKN-113"),
        ("ConceptMap?name:exact=x".to_owned(), 400, "GKN-113"),
        ("CodeSystem?content-mode=complete".to_owned(), 400, "GKN-113"),
        ("CodeSystem/nobody".to_owned(), 404, "GKN-104"),
        ("metadata?mode=everything".to_owned(), 400, "GKN-113"),
    ] {
        let answer = ask(genkan, &format!("/fhir/{path}"))?;
        ensure!(refused(&answer) == (status, code.to_owned()), "{path}: {} {}", answer.0, answer.1);
        ensure!(answer.1["resourceType"] == "OperationOutcome", "{path}: {}", answer.1);
    }
    // A client's own words are not repeated.
    let (_, outcome) =
        ask(genkan, "/fhir/CodeSystem/$lookup?system=urn:patient:0000000001&code=1")?;
    ensure!(!outcome.to_string().contains("0000000001"), "{outcome}");
    Ok(())
}

#[test]
fn house_codes_are_translated_and_found_back() -> Result<()> {
    let served = small("")?;
    let genkan = &served.genkan;
    let translate = |rest: &str| ask(genkan, &format!("/fhir/ConceptMap/$translate?{rest}"));
    let one = |equivalence: &str, code: &str| vec![(equivalence.to_owned(), code.to_owned())];
    for (rest, result, expected) in [
        (format!("system={HOUSE}&code=F001"), true, one("equivalent", "J9FB13110000")),
        (
            format!("url={MAP}&system={HOUSE}&code=F001&date=2026-05-01"),
            true,
            one("equivalent", "J9FB13110000"),
        ),
        (
            format!("source={MAP}:local&target={MAP}:targets&system={HOUSE}&code=F001"),
            true,
            one("equivalent", "J9FB13110000"),
        ),
        (
            format!("system={HOUSE}&code=F001&targetsystem={FOOD}"),
            true,
            one("equivalent", "J9FB13110000"),
        ),
        (format!("system={HOUSE}&code=F999"), false, one("unmatched", "D9N000000000")),
        (format!("system={FOOD}&code=J9FB13110000&reverse=true"), true, one("equivalent", "F001")),
        (format!("system={FOOD}&code=00F&reverse=true"), false, Vec::new()),
    ] {
        let (status, found) = translate(&rest)?;
        ensure!(status == 200 && value(&found, "result") == result, "{rest}: {found}");
        ensure!(matches(&found) == expected, "{rest}: {found}");
    }
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "codeableConcept", "valueCodeableConcept": {"coding": [
            {"system": "urn:other", "code": "1"}, {"system": HOUSE, "code": "F001"},
        ]}},
    ]});
    let answer = post(genkan, "/fhir/ConceptMap/allergen/$translate", &body)?;
    let found = answer.json()?;
    ensure!(
        answer.status == 200 && matches(&found) == one("equivalent", "J9FB13110000"),
        "{found}"
    );
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": format!("ConceptMap/$translate?system={HOUSE}&code=F001")}},
        {"request": {"method": "GET", "url": "ConceptMap/allergen"}},
        {"request": {"method": "GET", "url": "CodeSystem/$nothing"}},
    ]});
    let answer = post(genkan, "/fhir", &batch)?.json()?;
    let entry = |index: usize| &answer["entry"][index];
    ensure!(matches(&entry(0)["resource"]) == one("equivalent", "J9FB13110000"), "{answer}");
    ensure!(entry(1)["resource"]["resourceType"] == "ConceptMap", "{answer}");
    ensure!(
        entry(2)["response"]["status"].as_str().is_some_and(|s| s.starts_with("404")),
        "{answer}"
    );
    Ok(())
}

#[test]
fn value_sets_are_expanded_in_pages_and_by_words() -> Result<()> {
    let served = small("[codes]\nexpand_codes_max = 100\n")?;
    let genkan = &served.genkan;
    let (_, found) = ask(
        genkan,
        "/fhir/CodeSystem?url=http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS",
    )?;
    let food =
        found["entry"][0]["resource"]["valueSet"].as_str().context("a value set")?.to_owned();
    ensure!(food.starts_with("urn:x-genkan:all-codes:JP-JfagyFoodAllergen-CS"), "{food}");
    for (rest, total, expected) in [
        ("", 4, "00F J9FA00000000 J9FA15000000 J9FB13110000"),
        ("&count=2", 4, "00F J9FA00000000"),
        ("&count=2&offset=2", 4, "J9FA15000000 J9FB13110000"),
        ("&count=2&offset=9", 4, ""),
        ("&count=0", 4, ""),
        ("&filter=食品", 2, "00F J9FA00000000"),
        ("&filter=j9fa15", 1, "J9FA15000000"),
    ] {
        let (status, found) = ask(genkan, &format!("/fhir/ValueSet/$expand?url={food}{rest}"))?;
        ensure!(status == 200 && found["resourceType"] == "ValueSet", "{rest}: {found}");
        ensure!(
            found["expansion"]["total"] == total && codes(&found) == expected,
            "{rest}: {found}"
        );
    }
    let (_, found) = ask(genkan, &format!("/fhir/ValueSet/$expand?url={MAP}:local&filter=ｿﾊﾞ"))?;
    ensure!(codes(&found) == "F004", "{found}");
    let modifiers = "/fhir/ValueSet?_elements=url&_count=100";
    let (_, found) = ask(genkan, modifiers)?;
    let sets = found["entry"].as_array().context("entries")?;
    let set = sets.iter().find_map(|entry| {
        let url = entry["resource"]["url"].as_str()?;
        url.contains("masterZ-disease-modifier").then(|| url.to_owned())
    });
    let set = set.context("the value set of all modifiers")?;
    let (_, found) = ask(genkan, &format!("/fhir/ValueSet/$expand?url={set}&date=2026-04-01"))?;
    ensure!(found["expansion"]["contains"][0]["inactive"] == true, "{found}");
    let active = format!("/fhir/ValueSet/$expand?url={set}&date=2026-04-01&activeOnly=true");
    ensure!(codes(&ask(genkan, &active)?.1) == "8002");
    Ok(())
}

#[test]
fn the_resources_are_read_searched_and_declared() -> Result<()> {
    let served = small("[codes]\nread_codes_max = 3\n")?;
    let genkan = &served.genkan;
    let (_, metadata) = ask(genkan, "/fhir/metadata")?;
    let declared = metadata["rest"][0]["resource"].as_array().context("resources")?;
    for (resource_type, operations) in [("CodeSystem", 3), ("ValueSet", 2), ("ConceptMap", 1)] {
        let own = declared.iter().find(|one| one["type"] == resource_type).context("declared")?;
        ensure!(own["operation"].as_array().is_some_and(|all| all.len() == operations), "{own}");
        let (_, all) = ask(genkan, &format!("/fhir/{resource_type}?_count=1000&_total=accurate"))?;
        let entries = all["entry"].as_array().context("entries")?;
        ensure!(
            all["total"] == entries.len() && entries.len() > 5,
            "{resource_type}: {}",
            all["total"]
        );
        // Page by page the same.
        let (mut paged, mut next) = (0, Some(format!("/fhir/{resource_type}?_count=2")));
        while let Some(path) = next {
            let (status, page) = ask(genkan, &path)?;
            ensure!(status == 200, "{path}: {page}");
            paged += page["entry"].as_array().map_or(0, Vec::len);
            let links = page["link"].as_array().context("links")?;
            let link = links.iter().find(|link| link["relation"] == "next");
            let url = link.and_then(|link| link["url"].as_str());
            next = url.and_then(|url| url.strip_prefix(&genkan.base)).map(str::to_owned);
        }
        ensure!(paged == entries.len(), "{resource_type}: {paged}");
        for entry in entries {
            let resource = &entry["resource"];
            let id = resource["id"].as_str().context("an id")?;
            let (status, read) = ask(genkan, &format!("/fhir/{resource_type}/{id}"))?;
            ensure!(status == 200 && read == *resource, "{id}: {read}");
            for name in ["url", "version", "name", "status"] {
                let Some(text) = resource[name].as_str() else { continue };
                let (_, found) =
                    ask(genkan, &format!("/fhir/{resource_type}?{name}={text}&_id={id}"))?;
                ensure!(found["entry"][0]["resource"]["id"] == id, "{name}={text}: {found}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_resource_says_how_much_of_it_is_there() -> Result<()> {
    let served = small("[codes]\nread_codes_max = 3\n")?;
    let genkan = &served.genkan;
    let of = |url: &str| -> Result<Value> {
        let (_, found) = ask(genkan, &format!("/fhir/CodeSystem?url={url}"))?;
        Ok(found["entry"][0]["resource"].clone())
    };
    for (url, content, concepts) in [
        (MODIFIER, "complete", 2),
        (FOOD, "not-present", 0),
        (YJ, "not-present", 0),
        ("http://minato-hospital.example.jp/CodeSystem/ka", "not-present", 0),
    ] {
        let found = of(url)?;
        let told = found["concept"].as_array().map_or(0, Vec::len);
        ensure!(found["content"] == content && told == concepts, "{found}");
    }
    for path in ["/fhir/ConceptMap/department", "/fhir/metadata?mode=terminology"] {
        let answer = genkan.get(path)?;
        let header = [("If-None-Match", answer.header("ETag"))];
        let again = genkan.client.send("GET", path, &header, None)?;
        ensure!(again.status == 304, "{path}: {}", again.status);
    }
    let (_, told) = ask(genkan, "/fhir/metadata?mode=terminology")?;
    ensure!(told["resourceType"] == "TerminologyCapabilities", "{told}");
    let systems = told["codeSystem"].as_array().context("systems")?;
    let food = systems.iter().find(|one| one["uri"] == FOOD);
    ensure!(food.is_some_and(|one| one["subsumption"] == true), "{told}");
    let (status, part) = ask(genkan, "/fhir/ConceptMap/allergen?_summary=true")?;
    ensure!(status == 200 && part["meta"]["tag"][0]["code"] == "SUBSETTED", "{part}");
    ensure!(part["url"] == MAP && part.get("group").is_none(), "{part}");
    // The writer of XML knows every element of R4, and no other.
    let patients = genkan.get("/fhir/Patient?_count=1")?;
    ensure!(patients.header("Server-Timing").contains("fetch"), "what `ask` looks for");
    for path in [
        "metadata?mode=terminology&",
        "CodeSystem?",
        "ValueSet?",
        "ConceptMap?",
        &format!("ValueSet/$expand?url={MAP}:local&filter=a&includeDesignations=true&"),
        &format!("CodeSystem/$lookup?system={FOOD}&code=J9FA15000000&"),
        &format!("ConceptMap/$translate?system={HOUSE}&code=F001&"),
    ] {
        let answer = genkan.get(&format!("/fhir/{path}_format=xml"))?;
        ensure!(answer.status == 200, "{path}: {}", answer.text());
    }
    Ok(())
}

#[test]
fn masters_that_were_imported_meanwhile_are_served_after_a_hang_up() -> Result<()> {
    let served = serve(&[], "", "")?;
    let genkan = &served.genkan;
    let path = format!("/fhir/CodeSystem/$lookup?system={FOOD}&code=00F");
    ensure!(ask(genkan, &path)?.0 == 422, "not loaded yet");
    let file = served.folder.path().join("jfagy_20250401.csv");
    fs::write(&file, allergens())?;
    let config = served.folder.path().join("genkan.toml");
    let mut command = genkan_command()?;
    let run = command.args(["codes", "import", "--config"]).arg(&config).arg(&file).output()?;
    ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    genkan.hang_up()?;
    genkan.says("rules loaded", 1)?;
    let (status, found) = ask(genkan, &path)?;
    ensure!(status == 200 && value(&found, "display") == "食品", "{found}");
    Ok(())
}
