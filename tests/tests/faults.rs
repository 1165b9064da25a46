//! The hospital's database under faults, with the real binary: killed and started again, silent, slow,
//! locked, changed, and cut in the middle of a row. Whatever happens: an answer with status 200 is right
//! and whole, the server never has more connections of ours than agreed, who has to wait is told so,
//! the other source answers on, and nothing has to be started again.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Database, Engine, Network, Server, pause};
use genkan_tests::illness::{fill, is_whole, refused, serve, to_wait};
use serde_json::Value;

const SERVERS: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];
const QUICK: &str = "connect_timeout_ms = 1000\nstatement_timeout_ms = 500\n\
     breaker_open_secs = 1\nbreaker_open_secs_max = 2\n";

#[test]
fn a_server_that_is_killed_is_left_alone_and_used_again_when_it_is_back() -> Result<()> {
    for engine in SERVERS {
        let Some(mut server) = Server::start(engine)? else { continue };
        let database = Database::create_on(&server)?;
        let url = fill(&database)?;
        let limits = "connect_timeout_ms = 1000\nbreaker_failures = 3\n\
                      breaker_open_secs = 1\nbreaker_open_secs_max = 2";
        let site = serve(&url, limits, "")?;
        for _ in 0..2 {
            is_whole(&site.patients()?)?;
            server.kill()?;
            let spared = site.asks_until("/fhir/Patient", "GKN-307")?;
            ensure!(spared.json()?["issue"][0]["code"] == "transient", "{}", spared.text());
            ensure!(site.ready()?.contains("source `main`: breaker"), "{}", site.ready()?);
            site.lab_answers()?;
            // A probe that fails leaves it open.
            site.asks_until("/fhir/Patient", "GKN-301")?;
            site.asks_until("/fhir/Patient", "GKN-307")?;
            server.start_again()?;
            site.recovers()?;
        }
        for said in ["not asked for a while", "asked again, with one statement", "answers again"] {
            site.genkan.says(said, 1)?;
        }
        let log = site.genkan.log();
        ensure!(!log.contains("山田"), "no content of a row in: {log}");
    }
    Ok(())
}

#[test]
fn an_explanation_asks_no_more_of_a_source_that_is_ill_than_a_search() -> Result<()> {
    for engine in SERVERS {
        let Some(mut server) = Server::start(engine)? else { continue };
        let database = Database::create_on(&server)?;
        let url = fill(&database)?;
        let limits = "connect_timeout_ms = 1000\nbreaker_failures = 2\nbreaker_open_secs = 300";
        let site = serve(&url, limits, "[fhir]\nexplain = true")?;
        let explained = || {
            let answer = site.genkan.get("/fhir/Patient?__explain=true")?;
            ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
            anyhow::Ok(answer.text())
        };
        let well = explained()?;
        ensure!(well.contains("rows expected") && !well.contains("does not say"), "{well}");
        server.kill()?;
        // Its two statements are two failures.
        let failed = explained()?;
        ensure!(failed.contains("does not say: GKN-301"), "{failed}");
        let spared = explained()?;
        ensure!(spared.contains("does not say: GKN-307"), "{spared}");
        refused(&site.patients()?, 503, "GKN-307")?;
    }
    Ok(())
}

#[test]
fn a_server_that_says_nothing_more_is_left_alone_and_used_again() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let network = Network::before(&url)?;
        let url = network.url(&url);
        let site = serve(&url, QUICK, "")?;
        is_whole(&site.patients()?)?;
        network.silence();
        thread::scope(|scope| {
            let asked: Vec<_> =
                (0..6).map(|_| scope.spawn(|| to_wait(&site.patients()?))).collect();
            site.lab_answers()?;
            asked.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Ok(())))
        })?;
        site.asks_until("/fhir/Patient", "GKN-307")?;
        network.mend();
        site.recovers()?;
    }
    Ok(())
}

/// Later than its time limit is no answer; a little later is one.
#[test]
fn a_network_that_is_slow_delays_whole_answers() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let network = Network::before(&url)?;
        let url = network.url(&url);
        let limits = "statement_timeout_ms = 1000\nbreaker_failures = 2\n\
                      breaker_open_secs = 1\nbreaker_open_secs_max = 2";
        let site = serve(&url, limits, "")?;
        network.delay(Duration::from_millis(2));
        is_whole(&site.patients()?)?;
        // 300 rows are some dozens of pieces.
        network.delay(Duration::from_millis(400));
        site.asks_until("/fhir/Patient?_count=1000", "GKN-307")?;
        site.lab_answers()?;
        network.mend();
        site.recovers()?;
    }
    Ok(())
}

#[test]
fn slow_statements_end_on_the_server_and_the_cap_holds() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        // Without the breaker the pressure stays.
        let limits = "connections_max = 3\nconnect_timeout_ms = 20000\nstatement_timeout_ms = 400\n\
                      breaker_failures = 0";
        let site = serve(&url, limits, "")?;
        let most = thread::scope(|scope| {
            let clients: Vec<_> = (0..9)
                .map(|client| {
                    let site = &site;
                    scope.spawn(move || -> Result<()> {
                        for turn in 0..4 {
                            if (client + turn) % 3 == 0 {
                                refused(&site.genkan.get("/fhir/Practitioner")?, 503, "GKN-303")?;
                            } else {
                                is_whole(&site.patients()?)?;
                            }
                        }
                        Ok(())
                    })
                })
                .collect();
            let mut most = 0;
            while !clients.iter().all(thread::ScopedJoinHandle::is_finished) {
                most = most.max(site.settled_sessions(&database, 3)?);
                pause(Duration::from_millis(10));
            }
            for client in clients {
                client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
            }
            anyhow::Ok(most)
        })?;
        ensure!((1..=3).contains(&most), "{engine:?}: {most} sessions at one time");
        site.waits_for_at_work(&database, 0, "all statements have ended")?;
        site.lab_answers()?;
        ensure!(site.ready()? == "ready\n", "a breaker that is switched off never opens");
    }
    Ok(())
}

/// Neither of one who has gone, nor of one whose time is over.
#[test]
fn a_statement_that_nobody_waits_for_ends_on_the_server() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let limits = "connections_max = 2\nstatement_timeout_ms = 90000";
        let site = serve(&url, limits, "request_timeout_secs = 2")?;
        is_whole(&site.patients()?)?;
        let timed_out = site.genkan.get("/fhir/Practitioner")?;
        refused(&timed_out, 504, "GKN-115")?;
        site.waits_for_at_work(&database, 0, "the statement of a request that timed out")?;
        drop(site);
        // Longer than is waited for: only that the client goes can end it.
        let site = serve(&url, limits, "request_timeout_secs = 90")?;
        is_whole(&site.patients()?)?;
        site.a_client_goes(&database)?;
        is_whole(&site.patients()?)?;
        ensure!(site.settled_sessions(&database, 2)? <= 2, "{engine:?}");
        ensure!(site.ready()? == "ready\n", "who goes says nothing of the source");
    }
    Ok(())
}

/// The time of a request is a time limit of the source; who leaves earlier says nothing of it.
#[test]
fn a_statement_that_takes_all_the_time_of_its_request_is_a_failure_of_the_source() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let limits = "statement_timeout_ms = 90000\nbreaker_failures = 2\nbreaker_open_secs = 300";
        let site = serve(&url, limits, "request_timeout_secs = 4")?;
        for _ in 0..3 {
            site.a_client_goes(&database)?;
        }
        for _ in 0..2 {
            refused(&site.genkan.get("/fhir/Practitioner")?, 504, "GKN-115")?;
        }
        refused(&site.patients()?, 503, "GKN-307")?;
        site.genkan.says("no answer in the time of a request", 1)?;
        site.lab_answers()?;
    }
    Ok(())
}

#[test]
fn a_locked_table_is_not_waited_for_by_everybody() -> Result<()> {
    for engine in Engine::ALL {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let lock = match engine {
            Engine::Postgres => "BEGIN; LOCK TABLE pt IN ACCESS EXCLUSIVE MODE",
            Engine::MariaDb => "LOCK TABLES pt WRITE",
            Engine::Sqlite => {
                // Readers of a file with a write-ahead log wait for nobody.
                database.run("PRAGMA journal_mode = DELETE")?;
                "BEGIN EXCLUSIVE"
            }
        };
        let site = serve(&url, &format!("{QUICK}breaker_failures = 2"), "")?;
        is_whole(&site.patients()?)?;
        let held = database.hold(lock)?;
        site.asks_until("/fhir/Patient", "GKN-307")?;
        site.lab_answers()?;
        drop(held);
        site.recovers()?;
    }
    Ok(())
}

/// However it is changed: an error or the right answer, and the breaker stays out of it.
#[test]
fn a_table_that_is_changed_is_no_reason_to_leave_the_source_alone() -> Result<()> {
    for engine in Engine::ALL {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        database
            .run("DROP VIEW slow; CREATE TABLE slow (id integer PRIMARY KEY, nm varchar(9))")?;
        let site = serve(&url, "breaker_failures = 2", "")?;
        is_whole(&site.patients()?)?;
        for (change, back) in CHANGES {
            database.run(change)?;
            for _ in 0..5 {
                refused(&site.patients()?, 502, "GKN-304").context(change)?;
            }
            ensure!(site.genkan.get("/fhir/Practitioner")?.status == 200, "{change}: other tables");
            site.lab_answers()?;
            database.run(back)?;
            site.fits_again().context(back)?;
        }
    }
    Ok(())
}

/// A key that was a number and is text now has another order, and cursors and filters of another kind.
#[test]
fn a_column_that_changes_its_kind_is_no_wrong_answer() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        database
            .run("DROP VIEW slow; CREATE TABLE slow (id integer PRIMARY KEY, nm varchar(9))")?;
        let site = serve(&url, "breaker_failures = 2", "")?;
        is_whole(&site.patients()?)?;
        let (change, back) = match engine {
            Engine::Postgres => (
                "ALTER TABLE pt ALTER COLUMN id TYPE varchar(20)",
                "ALTER TABLE pt ALTER COLUMN id TYPE integer USING id::integer",
            ),
            Engine::MariaDb | Engine::Sqlite => {
                ("ALTER TABLE pt MODIFY id varchar(20)", "ALTER TABLE pt MODIFY id integer")
            }
        };
        database.run(change)?;
        for path in ["Patient/patient.7", "Patient?_id=patient.7", "Patient?_count=1000"] {
            refused(&site.genkan.get(&format!("/fhir/{path}"))?, 502, "GKN-304").context(path)?;
        }
        database.run(back)?;
        site.fits_again()?;
    }
    Ok(())
}

/// What is done to the table, and how it is undone.
const CHANGES: [(&str, &str); 3] = [
    (
        "ALTER TABLE pt RENAME COLUMN nm TO name_of_old",
        "ALTER TABLE pt RENAME COLUMN name_of_old TO nm",
    ),
    ("ALTER TABLE pt RENAME TO patients", "ALTER TABLE patients RENAME TO pt"),
    (
        "CREATE TABLE copy AS SELECT * FROM pt; ALTER TABLE pt DROP COLUMN nm",
        "ALTER TABLE pt ADD COLUMN nm varchar(200); \
         UPDATE pt SET nm = (SELECT copy.nm FROM copy WHERE copy.id = pt.id); DROP TABLE copy",
    ),
];

/// Wherever the connection is cut: the whole answer or none.
#[test]
fn a_connection_that_is_cut_in_the_middle_of_a_row_is_no_short_answer() -> Result<()> {
    for engine in SERVERS {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        let network = Network::before(&url)?;
        let url = network.url(&url);
        let site = serve(&url, "breaker_failures = 0", "")?;
        is_whole(&site.patients()?)?;
        let mut cut = 0;
        // The rows are some 45,000 bytes.
        for bytes in (0..40_000).step_by(1_777) {
            network.cut_after(bytes);
            let answer = site.patients()?;
            match answer.status {
                200 => is_whole(&answer).with_context(|| format!("after {bytes} bytes"))?,
                _ => {
                    to_wait(&answer)?;
                    cut += 1;
                }
            }
            network.mend();
            is_whole(&site.patients()?)?;
            site.lab_answers()?;
        }
        ensure!(cut > 15, "{engine:?}: {cut} answers were cut");
    }
    Ok(())
}

/// In the configuration, on each engine: more is an error and never a part, and says nothing of the
/// source.
#[test]
fn what_is_more_than_allowed_is_refused_and_what_takes_too_long_as_well() -> Result<()> {
    for engine in Engine::ALL {
        let Some(database) = Database::create(engine)? else { continue };
        let url = fill(&database)?;
        for limit in ["rows_max = 299", "bytes_max = 20000"] {
            let site = serve(&url, &format!("{limit}\nbreaker_failures = 2"), "")?;
            for _ in 0..4 {
                let answer = site.patients()?;
                refused(&answer, 400, "GKN-125").context(limit)?;
                ensure!(answer.json()?["issue"][0]["code"] == "too-costly", "{}", answer.text());
                ensure!(answer.header("retry-after").is_empty(), "as much the next time");
            }
            let few = site.genkan.get("/fhir/Patient?_count=5")?;
            ensure!(few.json()?["entry"].as_array().map(Vec::len) == Some(5), "{}", few.text());
            ensure!(site.ready()? == "ready\n", "{limit}: {}", site.ready()?);
            let key = limit.split(' ').next().unwrap_or_default();
            // For whoever is on duty.
            site.genkan.says(&format!("raise `{key}`"), 1)?;
        }
        let limits = "connections_max = 1\nconnect_timeout_ms = 300\nstatement_timeout_ms = 3000\n\
                      breaker_failures = 2\nbreaker_open_secs = 1\nbreaker_open_secs_max = 2";
        let site = serve(&url, limits, "")?;
        let answers: Vec<Result<Value>> = thread::scope(|scope| {
            let ask = || {
                let answer = site.genkan.get("/fhir/Practitioner")?;
                to_wait(&answer)?;
                answer.json()
            };
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().filter_map(|one| one.join().ok()).collect()
        });
        let answers = answers.into_iter().collect::<Result<Vec<_>>>()?;
        let told =
            |code: &str| answers.iter().filter(|told| told.to_string().contains(code)).count();
        ensure!((told("GKN-303"), told("GKN-306")) == (1, 3), "{engine:?}: {answers:?}");
        ensure!(site.ready()? == "ready\n", "our own cap is no failure: {}", site.ready()?);
        site.asks_until("/fhir/Practitioner", "GKN-307")?;
        site.recovers()?;
    }
    Ok(())
}
