//! The built binary as a process: started on a free port, waited for, watched and ended. Tests
//! see exactly what a hospital sees: arguments, a configuration file, HTTP, logs, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::Client;

/// How long a start or an orderly end may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A command of the built binary, e.g. `genkan_command()?.args(["rules", "check"])`.
pub fn genkan_command() -> Result<Command> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BINARY.get_or_init(|| binary().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(Command::new(path)),
        Err(reason) => bail!("{reason}"),
    }
}

/// `GENKAN_BIN` where it is set (`tests/run` sets it; a packaged binary can be tested so), or
/// else the binary of this workspace, built now. Cargo's own `CARGO_BIN_EXE_genkan` exists only
/// in the tests of package genkan.
fn binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os("GENKAN_BIN").map(PathBuf::from) {
        ensure!(path.is_file(), "GENKAN_BIN is `{}`, which is no file", path.display());
        return Ok(path);
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bin", "genkan"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(crate::tidy::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    ensure!(built.status.success(), "the genkan binary does not build; cargo says why above");
    let executable = built.stdout.split(|byte| *byte == b'\n').find_map(|line| {
        let message: Value = serde_json::from_slice(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.context("cargo built genkan but did not name its file")
}

/// A running `genkan serve`; killed when dropped, and its log shown when the test failed.
pub struct Genkan {
    pub client: Client,
    /// `http://127.0.0.1:<port>`, without a slash at its end.
    pub base: String,
    child: Child,
    log: Log,
    folder: Option<TempDir>,
}

impl Genkan {
    /// Writes the configuration into a folder of its own and serves it. The configuration says
    /// `listen = "127.0.0.1:0"`: the system picks the port, so tests never fight for one.
    pub fn serve(config: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("genkan.toml");
        fs::write(&file, config)?;
        let mut genkan = Self::serve_file(&file)?;
        genkan.folder = Some(folder);
        Ok(genkan)
    }

    /// Serves a configuration file and returns as soon as `/readyz` answers 200.
    pub fn serve_file(config: &Path) -> Result<Self> {
        Self::serve_file_to(config, |base| Ok(Client::new(base)))
    }

    /// As [`Self::serve_file`], for a client that it lets in.
    pub fn serve_file_to(config: &Path, client: impl Fn(&str) -> Result<Client>) -> Result<Self> {
        let mut command = genkan_command()?;
        command.arg("serve").arg("--config").arg(config);
        Self::start_for(command, client)
    }

    /// Starts a prepared command that serves, such as `genkan demo --listen 127.0.0.1:0`.
    pub fn start(command: Command) -> Result<Self> {
        Self::start_for(command, |base| Ok(Client::new(base)))
    }

    fn start_for(mut command: Command, to_client: impl Fn(&str) -> Result<Client>) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("genkan could not be started")?;
        let log = Log::default();
        log.follow(child.stdout.take());
        log.follow(child.stderr.take());
        // From here on dropping the value ends the process, whatever goes wrong below.
        let client = Client::new("");
        let mut genkan = Self { client, base: String::new(), child, log, folder: None };
        let found = genkan.wait_until("an address on its output", |genkan| genkan.log.address());
        genkan.base = found?;
        genkan.client = to_client(&genkan.base)?;
        genkan.wait_until("200 from /readyz", |genkan| {
            genkan.client.get("/readyz").ok().filter(|answer| answer.status == 200)
        })?;
        Ok(genkan)
    }

    pub fn get(&self, path: &str) -> Result<super::Answer> {
        self.client.get(path)
    }

    /// The listener for those who watch over it, where its configuration has one.
    pub fn operations(&mut self) -> Result<Client> {
        let printed = |genkan: &Self| {
            let text = genkan.log();
            address(text.split_once("operations on ")?.1)
        };
        Ok(Client::new(self.wait_until("the address of operations", printed)?))
    }

    /// The process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed so far, standard output and errors in the order they came.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Sends SIGHUP, as `systemctl reload` does.
    pub fn hang_up(&self) -> Result<()> {
        let asked = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status()?;
        ensure!(asked.success(), "genkan had ended; its log: {}", self.log());
        Ok(())
    }

    /// Waits until its log says this, so many times in all.
    pub fn says(&self, text: &str, times: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.log().matches(text).count() < times {
            ensure!(Instant::now() < deadline, "`{text}` is not {times} times in: {}", self.log());
            pause(LOOK_AGAIN);
        }
        Ok(())
    }

    /// Asks it to end, as systemd does, and waits for it: returns how it ended and its log.
    pub fn stop(mut self) -> Result<(ExitStatus, String)> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(asked.success(), "genkan had already ended; its log: {}", self.log());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, self.log()));
            }
            pause(LOOK_AGAIN);
        }
        bail!("genkan did not end within {PATIENCE:?} of SIGTERM; its log: {}", self.log())
    }

    fn wait_until<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                // Its last words may still be on their way through the pipe.
                pause(LOOK_AGAIN * 5);
                bail!("genkan ended ({status}) before {what}; its log: {}", self.log());
            }
            pause(LOOK_AGAIN);
        }
        bail!("waited {PATIENCE:?} for {what}; the log: {}", self.log())
    }
}

impl Drop for Genkan {
    fn drop(&mut self) {
        // Both fail only when it has ended already, and that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of genkan ---\n{}---", self.log());
        }
    }
}

/// For a thread of a test.
#[expect(clippy::disallowed_methods, reason = "the thread of a test is no worker of a runtime")]
pub fn pause(duration: Duration) {
    thread::sleep(duration);
}

/// The lines that the process printed; shared with the threads that read its pipes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn follow(&self, pipe: Option<impl Read + Send + 'static>) {
        let Some(pipe) = pipe else { return };
        let Self(lines) = self.clone();
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                line.clear();
            }
        });
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().flat_map(|line| [line, "\n"]).collect()
    }

    fn address(&self) -> Option<String> {
        address(&self.text())
    }
}

/// The first `http://127.0.0.1:<port>` or `https://…` with a real port in what was printed, whatever
/// the words around it: the wording of a log line is no interface. The scheme tells it from a
/// source's address.
fn address(printed: &str) -> Option<String> {
    const HOST: &str = "://127.0.0.1:";
    printed.match_indices(HOST).find_map(|(at, _)| {
        let (before, rest) = (&printed[..at], &printed[at + HOST.len()..]);
        let scheme = ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme))?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let port: u16 = rest[..digits].parse().ok()?;
        (port != 0).then(|| format!("{scheme}{HOST}{port}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_plain_and_in_json_lines() {
        for (printed, expected) in [
            ("listening on http://127.0.0.1:4711/fhir\n", Some("http://127.0.0.1:4711")),
            (r#"{"listen":"127.0.0.1:0","url":"http://127.0.0.1:1/"}"#, Some("http://127.0.0.1:1")),
            ("genkan: https://127.0.0.1:4711/fhir", Some("https://127.0.0.1:4711")),
            ("http://127.0.0.1:0 http://127.0.0.1:", None),
            ("source postgres://127.0.0.1:5432", None),
            ("http://127.0.0.1:99999", None),
        ] {
            assert_eq!(address(printed).as_deref(), expected, "{printed}");
        }
    }
}
