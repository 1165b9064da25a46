//! A hospital with two sources behind one base, of which one is to fall ill: what is asked of it, and
//! what may be answered while it is. An answer with status 200 is right and whole; whoever has to wait
//! is told so; the other source answers on.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::harness::{Answer, Client, Database, Engine, Genkan, pause};
use crate::hospital::reading_url;

/// Until something has to have happened that is not waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);
const PATIENTS: usize = 300;

const PATIENT: &str = "rule: patient\nresource: Patient\nfrom:\n  p: {table: pt, key: [id]}\nemit:\n  \
     name: [{text: = p.nm}]\n";
/// The same rows, by a view that takes as long as it is let.
const SLOW: &str = "rule: slow\nresource: Practitioner\nfrom:\n  p: {table: slow, key: [id]}\nemit:\n  \
     name: [{text: = p.nm}]\n";
const RESULT: &str = "rule: result\nresource: Observation\nsource: lab\nfrom:\n  \
     l: {table: lab, key: [no]}\nemit:\n  status: final\n  code: {text: = l.item}\n";

/// Two sources behind one base: the one that is ill, and a file that is well.
pub struct Site {
    pub genkan: Genkan,
    /// The account that Genkan reads with.
    reader: String,
    _lab: Database,
    _folder: TempDir,
}

/// Returns the URL of an account that can only read.
pub fn fill(database: &Database) -> Result<String> {
    let rows: Vec<String> = (1..=PATIENTS).map(|id| format!("({id}, '{}')", name(id))).collect();
    database.run(&format!(
        "CREATE TABLE pt (id integer PRIMARY KEY, nm varchar(200)); INSERT INTO pt VALUES {}",
        rows.join(", ")
    ))?;
    database.run(match database.engine {
        Engine::Postgres => {
            "CREATE VIEW slow AS SELECT id, nm FROM pt, (SELECT pg_sleep(100)) AS wait"
        }
        Engine::MariaDb => "CREATE VIEW slow AS SELECT id, nm FROM pt WHERE SLEEP(100) = 0",
        Engine::Sqlite => {
            "CREATE VIEW slow AS SELECT id, nm FROM pt WHERE (WITH RECURSIVE n(i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0"
        }
    })?;
    reading_url(database)
}

/// Long enough that a cut hits the middle of one.
fn name(id: usize) -> String {
    format!("山田 {id} {}", "花".repeat(40))
}

/// `limits` are lines of `[source]`, `http` of `[http]`.
pub fn serve(url: &str, limits: &str, http: &str) -> Result<Site> {
    serve_to(url, limits, http, |base| Ok(Client::new(base)))
}

/// As [`serve`], for a client that it lets in.
pub fn serve_to(
    url: &str,
    limits: &str,
    http: &str,
    client: impl Fn(&str) -> Result<Client>,
) -> Result<Site> {
    let lab = Database::create(Engine::Sqlite)?.context("SQLite is always there")?;
    lab.run(
        "CREATE TABLE lab (no integer PRIMARY KEY, item varchar(9)); \
             INSERT INTO lab VALUES (1, 'Na')",
    )?;
    let folder = TempDir::new()?;
    fs::create_dir(folder.path().join("rules"))?;
    for (file, rule) in [("patient", PATIENT), ("slow", SLOW), ("result", RESULT)] {
        fs::write(folder.path().join(format!("rules/{file}.map.yaml")), rule)?;
    }
    fs::write(folder.path().join("site.key"), "0123456789abcdef".repeat(4))?;
    let account = url.split_once("://").and_then(|(_, rest)| rest.split_once(':'));
    let reader = account.map(|(account, _)| account.to_owned()).unwrap_or_default();
    let config = format!(
        "[site]\ninstitution_no = \"1312345670\"\nname = \"病院\"\n[rules]\ndirectory = \"rules\"\n\
         [identity]\nmode = \"plain\"\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n{http}\n\
         [source]\nurl = \"{url}\"\n{limits}\n[sources.lab]\nurl = \"{}\"\n",
        lab.url
    );
    let file = folder.path().join("genkan.toml");
    fs::write(&file, config)?;
    Ok(Site { genkan: Genkan::serve_file_to(&file, client)?, reader, _lab: lab, _folder: folder })
}

impl Site {
    pub fn patients(&self) -> Result<Answer> {
        self.genkan.get("/fhir/Patient?_count=1000")
    }

    /// The other source is not concerned.
    pub fn lab_answers(&self) -> Result<()> {
        let answer = self.genkan.get("/fhir/Observation")?;
        ensure!(answer.status == 200, "the other source: {} {}", answer.status, answer.text());
        ensure!(answer.json()?["entry"][0]["resource"]["code"]["text"] == "Na");
        Ok(())
    }

    pub fn ready(&self) -> Result<String> {
        let answer = self.genkan.get("/readyz")?;
        ensure!(answer.status == 200, "{}", answer.status);
        Ok(answer.text())
    }

    /// Asks until this code is told; what comes before are other refusals to wait.
    pub fn asks_until(&self, path: &str, code: &str) -> Result<Answer> {
        let start = Instant::now();
        loop {
            let answer = self.genkan.get(path)?;
            to_wait(&answer)?;
            if answer.text().contains(code) {
                return Ok(answer);
            }
            ensure!(start.elapsed() < PATIENCE, "no {code}, but {}", answer.text());
        }
    }

    /// Answers again without a start; until then it says to wait, and nothing else.
    pub fn recovers(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let answer = self.patients()?;
            if answer.status == 200 {
                is_whole(&answer)?;
                break;
            }
            to_wait(&answer)?;
            ensure!(start.elapsed() < PATIENCE, "still {}", answer.text());
            pause(Duration::from_millis(50));
        }
        ensure!(self.ready()? == "ready\n", "{}", self.ready()?);
        Ok(())
    }

    /// Within a moment: the catalog is looked at once a second at most.
    pub fn fits_again(&self) -> Result<()> {
        ensure!(self.ready()? == "ready\n", "{}", self.ready()?);
        let start = Instant::now();
        loop {
            let answer = self.patients()?;
            if answer.status == 200 {
                return is_whole(&answer);
            }
            refused(&answer, 502, "GKN-304")?;
            ensure!(start.elapsed() < PATIENCE, "still {}", answer.text());
        }
    }

    /// Sessions of ours in the server's own list: all, or those at work.
    pub fn sessions(&self, database: &Database, at_work: bool) -> Result<i64> {
        let reader = &self.reader;
        database.number(&if database.engine == Engine::Postgres {
            let at_work = if at_work { " AND state = 'active'" } else { "" };
            format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{reader}'{at_work}")
        } else {
            let at_work = if at_work { " AND COMMAND IN ('Query', 'Execute')" } else { "" };
            format!(
                "SELECT count(*) FROM information_schema.PROCESSLIST \
                 WHERE USER = '{reader}'{at_work}"
            )
        })
    }

    /// All sessions. The server notices a moment later than we do that one has ended, and lists it
    /// meanwhile beside the one that came in its place: what is more than `most` has that moment.
    pub fn settled_sessions(&self, database: &Database, most: i64) -> Result<i64> {
        let mut sessions = self.sessions(database, false)?;
        for _ in 0..20 {
            if sessions <= most {
                break;
            }
            pause(Duration::from_millis(10));
            sessions = self.sessions(database, false)?;
        }
        Ok(sessions)
    }

    /// A client begins a statement that would take long, and goes: the statement ends.
    pub fn a_client_goes(&self, database: &Database) -> Result<()> {
        let address = self.genkan.base.strip_prefix("http://").context("an address")?;
        let mut client = TcpStream::connect(address)?;
        client.write_all(b"GET /fhir/Practitioner HTTP/1.1\r\nHost: x\r\n\r\n")?;
        self.waits_for_at_work(database, 1, "the statement has begun")?;
        drop(client);
        self.waits_for_at_work(database, 0, "the statement of a client that has gone")
    }

    pub fn waits_for_at_work(&self, database: &Database, expected: i64, what: &str) -> Result<()> {
        let start = Instant::now();
        while self.sessions(database, true)? != expected {
            ensure!(start.elapsed() < PATIENCE, "{:?}: not so: {what}", database.engine);
            pause(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// All patients with their names, and nothing else: the answer of a source that is well.
pub fn is_whole(answer: &Answer) -> Result<()> {
    let bundle = answer.json()?;
    let entries = bundle["entry"].as_array().context("entries")?;
    ensure!(entries.len() == PATIENTS, "{} entries", entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let told = &entry["resource"]["name"][0]["text"];
        ensure!(*told == name(place + 1), "entry {place} is {entry}");
    }
    ensure!(bundle["link"].as_array().is_some_and(|links| links.len() == 1), "one page");
    Ok(())
}

/// 503, when to come again, and an OperationOutcome that says so; never a part of the answer.
pub fn to_wait(answer: &Answer) -> Result<()> {
    ensure!(answer.status == 503, "{}: {}", answer.status, answer.text());
    let seconds: u64 = answer.header("retry-after").parse().context("Retry-After")?;
    ensure!(seconds > 0);
    let outcome = answer.json()?;
    ensure!(outcome["resourceType"] == "OperationOutcome", "{outcome}");
    let code = &outcome["issue"][0]["code"];
    ensure!(code == "transient" || code == "too-costly", "{outcome}");
    Ok(())
}

pub fn refused(answer: &Answer, status: u16, code: &str) -> Result<()> {
    let told = answer.json()?.to_string();
    ensure!(answer.status == status && told.contains(code), "{}: {told}", answer.status);
    Ok(())
}
