//! A database server of a test's own, to be killed and started again. The programs are those that
//! `tests/run` starts its servers with; the folder is private and gone with the value.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::{Engine, database, pause};

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

pub struct Server {
    pub engine: Engine,
    /// The administrator's URL.
    pub url: String,
    port: u16,
    folder: TempDir,
    programs: Programs,
    process: Option<Child>,
}

/// Where they are, and whom they run as: database servers refuse to be root.
struct Programs {
    server: PathBuf,
    initialize: PathBuf,
    account: Option<(u32, u32)>,
}

impl Server {
    /// `None` with a message where its programs are not installed.
    pub fn start(engine: Engine) -> Result<Option<Self>> {
        let Some(programs) = Programs::find(engine)? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        // The server's account passes through it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = match engine {
            Engine::Postgres => format!("postgres://genkan@127.0.0.1:{port}/postgres"),
            Engine::MariaDb => format!("mysql://root@127.0.0.1:{port}/"),
            Engine::Sqlite => bail!("SQLite has no server"),
        };
        let mut server = Self { engine, url, port, folder, programs, process: None };
        server.initialize()?;
        server.start_again()?;
        Ok(Some(server))
    }

    /// Ends it as a crash does: nothing is said to anybody, and it recovers when it starts.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        let signal = match self.engine {
            // Its sessions are processes of their own, which this signal takes along.
            Engine::Postgres => "-QUIT",
            Engine::MariaDb | Engine::Sqlite => "-KILL",
        };
        let sent = Command::new("kill").args([signal, &process.id().to_string()]).status()?;
        ensure!(sent.success(), "{:?} had ended", self.engine);
        process.wait()?;
        Ok(())
    }

    /// On the same port, with what it held; returns as soon as it answers.
    pub fn start_again(&mut self) -> Result<()> {
        let mut command = self.programs.command(&self.programs.server);
        match self.engine {
            Engine::Postgres => {
                command.arg("-D").arg(self.place());
                for setting in [
                    &format!("port={}", self.port),
                    "listen_addresses=127.0.0.1",
                    "unix_socket_directories=",
                    "shared_buffers=16MB",
                    "fsync=off",
                ] {
                    command.args(["-c", setting]);
                }
            }
            Engine::MariaDb | Engine::Sqlite => {
                let place = self.place();
                let argument = |name: &str, file: &str| format!("--{name}={}", shown(&place, file));
                command.arg("--no-defaults").args([
                    argument("datadir", "data"),
                    argument("socket", "socket"),
                    argument("pid-file", "pid"),
                    argument("log-error", "log"),
                    argument("init-file", "admin.sql"),
                    format!("--port={}", self.port),
                    "--bind-address=127.0.0.1".to_owned(),
                    "--skip-name-resolve".to_owned(),
                    "--innodb-buffer-pool-size=16M".to_owned(),
                    "--performance-schema=OFF".to_owned(),
                ]);
            }
        }
        self.process = Some(command.spawn().context("the server could not be started")?);
        let start = Instant::now();
        while let Err(error) = database::execute(self.engine, &self.url, "SELECT 1".to_owned()) {
            ensure!(start.elapsed() < PATIENCE, "{:?} does not answer: {error:#}", self.engine);
            pause(LOOK);
        }
        Ok(())
    }

    fn initialize(&self) -> Result<()> {
        let place = self.place();
        fs::create_dir(&place)?;
        let mut command = self.programs.command(&self.programs.initialize);
        match self.engine {
            Engine::Postgres => {
                command.arg(format!("--pgdata={}", place.display())).args([
                    "--username=genkan",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                ]);
            }
            Engine::MariaDb | Engine::Sqlite => {
                fs::write(
                    place.join("admin.sql"),
                    "CREATE OR REPLACE USER root@127.0.0.1 IDENTIFIED BY '';\n\
                     GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;\n",
                )?;
                command.args([
                    "--no-defaults",
                    &format!("--datadir={}", shown(&place, "data")),
                    "--skip-test-db",
                    "--auth-root-authentication-method=normal",
                ]);
            }
        }
        if let Some((user, group)) = self.programs.account {
            chown(&place, Some(user), Some(group))?;
        }
        let made = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        ensure!(made.status.success(), "{:?} could not be set up: {said}", self.engine);
        Ok(())
    }

    /// The server's own folder.
    fn place(&self) -> PathBuf {
        self.folder.path().join("server")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some()
            && let Err(error) = self.kill()
        {
            eprintln!("{:?} was not ended: {error:#}", self.engine);
        }
    }
}

impl Programs {
    fn find(engine: Engine) -> Result<Option<Self>> {
        let (server, initialize, account) = match engine {
            Engine::Postgres => {
                let newest = newest_postgres();
                let program = |name: &str| newest.as_ref().map(|folder| folder.join(name));
                (program("postgres"), program("initdb"), "postgres")
            }
            Engine::MariaDb => (in_path("mariadbd"), in_path("mariadb-install-db"), "mysql"),
            Engine::Sqlite => return Ok(None),
        };
        let (Some(server), Some(initialize)) = (server, initialize) else {
            let required = env::var("GENKAN_TEST_REQUIRE_DATABASES").as_deref() == Ok("1");
            ensure!(!required, "the programs of {engine:?} are not installed; use tests/run");
            eprintln!("skipped on {engine:?}: its programs are not installed");
            return Ok(None);
        };
        let account = match number("-u", None)? {
            0 => Some((number("-u", Some(account))?, number("-g", Some(account))?)),
            _ => None,
        };
        Ok(Some(Self { server, initialize, account }))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Of an account, or of our own.
fn number(what: &str, account: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(what).args(account).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().with_context(|| format!("id {what} {account:?}: {text}"))
}

/// The folder of the newest server programs, as Debian installs them.
fn newest_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().map(|entry| entry.path()).max_by_key(|path| version(path))?;
    Some(newest.join("bin")).filter(|bin| bin.join("initdb").exists())
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.exists())
}

fn shown(folder: &Path, file: &str) -> String {
    folder.join(file).display().to_string()
}
