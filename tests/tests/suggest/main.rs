//! `genkan codes suggest` and `review`, and the operations of reviewers, from outside: the demo hospital
//! with two diseases that nobody has mapped yet, and a small master of diseases.

mod command;
mod http;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, genkan_command};
use genkan_tests::hospital;
use tempfile::TempDir;

/// 脂質異常症 and 高尿酸血症: common enough to be among forty patients.
const UNMAPPED: [&str; 2] = ["B0135", "B0149"];

/// A line of 傷病名マスター, 46 columns.
fn disease([code, key, exchange, icd10, name]: [&str; 5]) -> String {
    let value = |number| match number {
        1 => "0",
        2 => "B",
        3 | 4 => code,
        6 => name,
        11 => key,
        13 => exchange,
        16 => icd10,
        19 => "00",
        24 => "99999999",
        _ => "",
    };
    let fields: Vec<String> = (1..=46).map(|number| format!("\"{}\"", value(number))).collect();
    fields.join(",") + "\r\n"
}

fn master() -> String {
    [
        ["8844446", "20091221", "L9HQ", "E785", "脂質異常症"],
        ["2724002", "20061512", "DP3C", "E785", "高脂血症"],
        ["7906015", "20061658", "VTF4", "E790", "高尿酸血症"],
        ["2720004", "20061550", "A9KB", "E780", "高コレステロール血症"],
    ]
    .map(disease)
    .concat()
}

/// The demo hospital with rules of a test's own.
struct Site {
    database: Database,
    folder: TempDir,
    config: PathBuf,
}

impl Site {
    fn new(sections: &str) -> Result<Self> {
        let database = hospital::fill_database(Engine::Sqlite, 1)?.context("SQLite")?;
        let folder = TempDir::new()?;
        let config = hospital::configuration(&database, folder.path())?;
        let rules = folder.path().join("rules");
        hospital::own_rules(&config, &rules)?;
        let text = fs::read_to_string(&config)?;
        fs::write(&config, text + sections)?;
        let site = Site { database, folder, config };
        let kept = |line: &&str| !UNMAPPED.iter().any(|code| line.starts_with(code));
        let text = site.text("disease")?;
        let lines: Vec<&str> = text.lines().filter(kept).collect();
        fs::write(site.csv("disease"), lines.join("\n") + "\n")?;
        Ok(site)
    }

    fn import(&self) -> Result<()> {
        let path = self.folder.path().join("b_20260401.txt");
        fs::write(&path, master())?;
        let run = self.run(&["import", &path.display().to_string()])?;
        ensure!(run.code == Some(0), "{}{}", run.out, run.err);
        Ok(())
    }

    fn csv(&self, map: &str) -> PathBuf {
        self.folder.path().join("rules/codes").join(format!("{map}.csv"))
    }

    fn text(&self, map: &str) -> Result<String> {
        Ok(fs::read_to_string(self.csv(map))?)
    }

    /// `genkan codes …` with the configuration of this site.
    fn run(&self, arguments: &[&str]) -> Result<Run> {
        let mut command = genkan_command()?;
        command.args(["codes"]).args(arguments).args(["--language", "en", "--config"]);
        let run = command.arg(&self.config).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Run { code: run.status.code(), out: text(&run.stdout), err: text(&run.stderr) })
    }
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    fn ends(&self, code: i32, parts: &[&str]) -> Result<()> {
        ensure!(self.code == Some(code), "{:?}: {}{}", self.code, self.out, self.err);
        for part in parts {
            let told = self.out.contains(part) || self.err.contains(part);
            ensure!(told, "`{part}` is not in: {}{}", self.out, self.err);
        }
        Ok(())
    }
}

fn read_only(path: &Path, is: bool) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if is { 0o444 } else { 0o644 };
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}
