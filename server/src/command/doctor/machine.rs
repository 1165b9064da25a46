//! The machine: room on its disks, files that may be open, its clock, its time zone and language.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::finding::{Blame, Finding};
use crate::config::Config;
use crate::operations::RELEASED;
use crate::telemetry::open_files_max;

/// Below, the log and the copies of a night fill the rest in no time.
const FREE_PERCENT_MIN: u64 = 10;
/// The listeners, the log, a pipe and the runtime's own for each thread.
const FILES_BESIDES: u64 = 64;

pub struct Seen {
    pub disks: Vec<Disk>,
    pub open_files_max: Option<u64>,
    /// Seconds of Unix time
    pub now: u64,
    /// By a time server, as the system says; `None` if it says nothing.
    pub synchronised: Option<bool>,
    /// `+09:00`
    pub utc_offset: Option<String>,
    pub locale: Option<String>,
}

pub struct Disk {
    pub path: PathBuf,
    pub free_percent: u64,
}

/// What the configuration needs of the machine.
pub struct Needs {
    pub open_files: u64,
    pub utc_offset: String,
}

impl Needs {
    pub fn of(config: &Config) -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).get();
        let workers = if config.http.workers == 0 { cores } else { config.http.workers };
        let clients = config.http.connections_max.saturating_mul(workers) as u64;
        let sources = std::iter::once(&config.source).chain(config.sources.values());
        let connections: u64 = sources.map(|source| u64::from(source.connections_max)).sum();
        Needs {
            open_files: clients.saturating_add(connections).saturating_add(FILES_BESIDES),
            utc_offset: config.site.utc_offset.clone(),
        }
    }
}

pub fn look(config: &Config, path: &Path) -> Seen {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let places = [folder.unwrap_or(Path::new(".")), &config.rules.directory];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Seen {
        disks: places.into_iter().filter_map(disk).collect(),
        open_files_max: open_files_max(),
        now: now.as_secs(),
        synchronised: said_by("timedatectl", &["show", "--property=NTPSynchronized", "--value"])
            .and_then(|said| match &*said {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            }),
        utc_offset: said_by("date", &["+%:z"]),
        locale: set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")),
    }
}

fn disk(path: &Path) -> Option<Disk> {
    let system = rustix::fs::statvfs(path).ok()?;
    let free_percent = (system.f_bavail.saturating_mul(100)).checked_div(system.f_blocks)?;
    Some(Disk { path: path.to_owned(), free_percent })
}

/// What a program of the system says in one line; `None` if it is not there or fails.
fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.trim().to_owned()).filter(|said| output.status.success() && !said.is_empty())
}

pub fn judge(seen: &Seen, needs: &Needs) -> Vec<Finding> {
    let disks = seen.disks.iter().map(room);
    let files = seen.open_files_max.map(|most| open_files(most, needs.open_files));
    let mut findings: Vec<Finding> = disks.chain(files).collect();
    findings.push(clock(seen));
    findings.extend(seen.utc_offset.as_ref().map(|offset| time_zone(offset, &needs.utc_offset)));
    findings.push(language(seen.locale.as_deref()));
    findings
}

fn room(Disk { path, free_percent }: &Disk) -> Finding {
    let path = path.display();
    if *free_percent >= FREE_PERCENT_MIN {
        return Finding::ok((
            format!("{path}: {free_percent} % of the disk is free"),
            format!("{path}: ディスクの {free_percent} % が空いています"),
        ));
    }
    let message = (
        format!("{path}: only {free_percent} % of the disk is free"),
        format!("{path}: ディスクの空きが {free_percent} % しかありません"),
    );
    Finding::warning("GKN-750", message)
        .remedy(("make room: old logs and copies first", "古いログや控えから整理します"))
}

fn open_files(most: u64, needed: u64) -> Finding {
    if most >= needed {
        return Finding::ok((
            format!("{most} files may be open; {needed} are enough for all connections"),
            format!("開けるファイル数は {most}（全接続に必要な数は {needed}）です"),
        ));
    }
    let message = (
        format!("{most} files may be open, and all connections together need {needed}"),
        format!("開けるファイル数 {most} では、全接続に必要な {needed} に足りません"),
    );
    Finding::warning("GKN-751", message).remedy((
        format!("LimitNOFILE={needed} in the service, or fewer [http] connections_max"),
        format!(
            "サービスに LimitNOFILE={needed} を設定するか、[http] connections_max を減らします"
        ),
    ))
}

fn clock(seen: &Seen) -> Finding {
    if seen.now < RELEASED.as_secs() {
        let message = ("the clock of this machine was never set", "時計が設定されていません");
        return Finding::error("GKN-752", Blame::Surroundings, message)
            .remedy(("set it: timedatectl set-ntp true", "timedatectl set-ntp true で合わせます"));
    }
    match seen.synchronised {
        Some(true) => {
            Finding::ok(("the clock follows a time server", "時計は時刻サーバーに同期しています"))
        }
        Some(false) => Finding::warning(
            "GKN-752",
            (
                "the clock follows no time server: times in the log can't be relied on",
                "時計が時刻サーバーに同期していません。ログの時刻を信頼できません",
            ),
        )
        .remedy((
            "set one of the hospital in /etc/systemd/timesyncd.conf or chrony",
            "院内の時刻サーバーを /etc/systemd/timesyncd.conf か chrony に設定します",
        )),
        None => Finding::ok((
            "the system does not say whether its clock follows a time server",
            "時計が同期しているかは、このシステムからは分かりません",
        )),
    }
}

fn time_zone(machine: &str, site: &str) -> Finding {
    if machine == site {
        return Finding::ok((
            format!("the time zone of the machine is the hospital's, {site}"),
            format!("時間帯は病院と同じ {site} です"),
        ));
    }
    Finding::warning(
        "GKN-753",
        (
            format!("the machine is in time zone {machine} and the hospital in {site}: only times that \
                     people compare are touched"),
            format!("コンピューターの時間帯は {machine}、病院は {site} です。人がログの時刻を比べるときだけ\
                     影響します"),
        ),
    )
    .remedy(("timedatectl set-timezone Asia/Tokyo", "timedatectl set-timezone Asia/Tokyo"))
}

fn language(locale: Option<&str>) -> Finding {
    let named = locale.unwrap_or("C");
    let folded = named.to_ascii_lowercase();
    if folded.ends_with("utf-8") || folded.ends_with("utf8") {
        return Finding::ok((
            format!("the terminal shows UTF-8 ({named})"),
            format!("端末の文字コードは UTF-8（{named}）です"),
        ));
    }
    Finding::warning(
        "GKN-754",
        (
            format!("the locale is {named}: this terminal may not show Japanese"),
            format!("ロケールが {named} です。この端末では日本語が表示されないことがあります"),
        ),
    )
    .remedy(("LANG=ja_JP.UTF-8 or LANG=C.UTF-8", "LANG=ja_JP.UTF-8 か LANG=C.UTF-8 にします"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::codes;
    use super::*;

    fn good() -> Seen {
        Seen {
            disks: vec![Disk { path: "/".into(), free_percent: 10 }],
            open_files_max: Some(5000),
            now: RELEASED.as_secs(),
            synchronised: Some(true),
            utc_offset: Some("+09:00".to_owned()),
            locale: Some("ja_JP.UTF-8".to_owned()),
        }
    }

    #[test]
    fn each_want_of_the_machine_is_told() {
        let full = vec![Disk { path: "/".into(), free_percent: 9 }];
        let text = |text: &str| Some(text.to_owned());
        for (seen, expected) in [
            (good(), vec![]),
            (Seen { disks: full, ..good() }, vec!["GKN-750"]),
            (Seen { open_files_max: Some(4999), ..good() }, vec!["GKN-751"]),
            (Seen { open_files_max: None, ..good() }, vec![]),
            (Seen { now: 0, ..good() }, vec!["GKN-752"]),
            (Seen { synchronised: Some(false), ..good() }, vec!["GKN-752"]),
            (Seen { synchronised: None, ..good() }, vec![]),
            (Seen { utc_offset: text("+00:00"), ..good() }, vec!["GKN-753"]),
            (Seen { utc_offset: None, ..good() }, vec![]),
            (Seen { locale: text("C.utf8"), ..good() }, vec![]),
            (Seen { locale: text("ja_JP.eucJP"), ..good() }, vec!["GKN-754"]),
            (Seen { locale: None, ..good() }, vec!["GKN-754"]),
        ] {
            let needs = Needs { open_files: 5000, utc_offset: "+09:00".to_owned() };
            let findings = judge(&seen, &needs);
            assert_eq!(codes(&findings), expected, "{findings:?}");
        }
    }

    #[test]
    fn every_connection_needs_a_file() {
        let mut config = Config::parse(crate::config::EXAMPLE).expect("the example");
        (config.http.workers, config.http.connections_max) = (3, 100);
        config.source.connections_max = 7;
        assert_eq!(Needs::of(&config).open_files, 3 * 100 + 7 + FILES_BESIDES);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let config = Config::parse(crate::config::EXAMPLE).expect("the example");
        let seen = look(&config, Path::new("genkan.toml"));
        assert!(seen.disks.first().is_some_and(|disk| disk.free_percent <= 100));
        assert!(seen.open_files_max.is_some() && seen.now > RELEASED.as_secs());
        let offset = seen.utc_offset.expect("date is everywhere");
        assert!(offset.len() == 6 && offset.starts_with(['+', '-']), "{offset}");
    }
}
