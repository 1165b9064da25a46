//! What the mapping engineer works with: coverage, record, diff, and the schema of the language.

mod coverage;
mod diff;
mod guide;
mod json_schema;
mod recheck;
mod record;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, genkan_command};
use genkan_tests::hospital::{copy, own_configuration, rules};
use serde_json::Value;
use tempfile::TempDir;

/// What a command says, if it ends well.
fn run(arguments: &[&str]) -> Result<String> {
    let output = genkan_command()?.args(["--language", "en"]).args(arguments).output()?;
    let (said, wrong) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    ensure!(output.status.success(), "{arguments:?}: {said}{wrong}");
    Ok(said)
}

/// A command that ends with this code, and says this.
fn fails(arguments: &[&str], code: i32, parts: &[&str]) -> Result<()> {
    let output = genkan_command()?.args(["--language", "en"]).args(arguments).output()?;
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{arguments:?}: {:?}: {told}", output.status);
    for part in parts {
        ensure!(told.contains(part), "{arguments:?}: `{part}` is not in: {told}");
    }
    Ok(())
}

fn says(told: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(told.contains(part), "`{part}` is not in: {told}");
    }
    Ok(())
}

fn lines(told: &str) -> Vec<Value> {
    told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The demo hospital's rules in a folder of a test's own.
fn own_rules(site: &Path) -> Result<PathBuf> {
    let folder = site.join("own");
    copy(&rules(), &folder)?;
    Ok(folder)
}

/// A hospital of three tables in SQLite, with its rules in `rules`.
struct Small {
    _database: Database,
    folder: TempDir,
    config: String,
}

const PATIENT: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: PT, key: [PT_NO]}\n\
     updated: = p.UPD_DT | datetime\nemit:\n  name: [{text: = p.SIMEI}]\n  gender: = p.SEX | map 1=male 2=female\n\
     tests:\n  - name: one\n    rows: {PT: [{PT_NO: '1', SEX: 1}]}\n    expect: {gender: male}\n";
const CONDITION: &str = "rule: condition\nresource: Condition\n\
     profile: http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS\nfrom:\n  \
     d: {table: BYO, key: [PT_NO, SEQ]}\nwhere: = d.DEL_FLG != \"1\"\nupdated: = d.UPD_DT | datetime\nemit:\n  \
     verificationStatus: {text: = d.UTAGAI | map 1=疑い else 確定}\n  \
     code: {$code: disease, from: = d.CD, text: = d.NM, at: = d.START_YMD | date}\n  \
     subject: {$ref: patient, key: [= d.PT_NO]}\n  onsetDateTime: = d.START_YMD | date\n";
const SCHEMA: &str = "PT:\n  key: [PT_NO]\n  columns: {PT_NO: char(6), SIMEI: text, SEX: char(1), TEL: text, UPD_DT: char(14)}\n\
     BYO:\n  key: [PT_NO, SEQ]\n  columns: {PT_NO: char(6), SEQ: integer, CD: text, NM: text, UTAGAI: char(1), START_YMD: char(8), \
     BIKO: text, KARA: text, DEL_FLG: char(1), UPD_DT: char(14)}\nRAIIN:\n  columns: {RAIIN_NO: char(8)}\n";
const MAPS: &str = "disease:\n  local: {system: http://x.example.jp/byomei, emit: always}\n  targets:\n    \
     - {id: medis, system: http://medis.or.jp/CodeSystem/master-disease-keyNumber}\n  unmapped: {policy: warn}\n";
/// B1 has a code from 2024 on.
const CODES: &str = "local,target,code,status,valid_from\nB1,medis,20050020,accepted,2024-01-01\nB2,medis,1,draft,\n";

impl Small {
    fn new() -> Result<Self> {
        let database = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
        database.run(
            "CREATE TABLE PT (PT_NO CHAR(6) PRIMARY KEY, SIMEI TEXT, SEX CHAR(1), TEL TEXT, UPD_DT CHAR(14));
             CREATE TABLE BYO (PT_NO CHAR(6), SEQ INTEGER, CD TEXT, NM TEXT, UTAGAI CHAR(1), START_YMD CHAR(8), BIKO TEXT,
               KARA TEXT, DEL_FLG CHAR(1), UPD_DT CHAR(14), PRIMARY KEY (PT_NO, SEQ));
             CREATE TABLE RAIIN (RAIIN_NO CHAR(8));
             INSERT INTO PT VALUES ('000101', '牧野　爛漫', '1', '045-111-2222', '20250101000000'),
               ('000102', '林　藍', '2', NULL, '20250101000000'), ('000103', '森　亮', '1', NULL, '20250101000000');
             INSERT INTO BYO VALUES
               ('000101', 1, 'B1', '糖尿病', '0', '20240101', 'x', NULL, '0', '20240101000000'),
               ('000101', 2, 'B1', '糖尿病', '0', '20231231', '', NULL, '0', '20240101000000'),
               ('000101', 3, 'B2', '喘息', '0', '20240101', NULL, NULL, '0', '20240101000000'),
               ('000101', 4, 'B2', '喘息', '1', '20240101', NULL, NULL, '0', '20250601000000'),
               ('000102', 1, 'B2', '喘息', '0', '20240101', NULL, NULL, '0', '20250601000000'),
               ('000102', 2, 'B2', '消した病名', '0', '20240101', NULL, NULL, '1', '20250601000000'),
               ('000103', 1, NULL, '自由記載の病名', '0', '20240101', NULL, NULL, '0', '20250601000000'),
               ('000103', 2, '林さんの親戚', '秘密', '0', '20240101', NULL, NULL, '0', '20250601000000');",
        )?;
        let folder = TempDir::new()?;
        let config = own_configuration(&database, folder.path())?.display().to_string();
        let small = Small { _database: database, folder, config };
        let rules = small.rules();
        fs::create_dir_all(Path::new(&rules).join("codes"))?;
        for (path, text) in [
            ("patient.map.yaml", PATIENT),
            ("condition.map.yaml", CONDITION),
            ("schema.yaml", SCHEMA),
            ("codes/codemaps.yaml", MAPS),
            ("codes/disease.csv", CODES),
        ] {
            small.write(path, text)?;
        }
        Ok(small)
    }

    fn rules(&self) -> String {
        self.folder.path().join("rules").display().to_string()
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        fs::write(Path::new(&self.rules()).join(path), text)?;
        Ok(())
    }

    fn read(&self, path: &str) -> Result<String> {
        Ok(fs::read_to_string(Path::new(&self.rules()).join(path))?)
    }
}
