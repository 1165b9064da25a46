//! Files of the configuration: secrets that others can read, and what others could change.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::finding::{Blame, Finding};
use crate::command::{Manner, opening};
use crate::config::Config;
use crate::http::tls::{Secrecy, secrecy};

/// A file or folder as it was found.
pub struct Seen {
    path: PathBuf,
    purpose: Purpose,
    /// Its permissions, or why there are none to be seen.
    mode: Result<u32, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Genkan's account only may read it.
    Secret,
    /// Who can change it, changes what is served.
    Trusted,
}

pub fn look(config: &Config, path: &Path) -> Vec<Seen> {
    let secrets = config.identity.keys.iter().map(|key| &key.secret_file);
    let sources = std::iter::once(&config.source).chain(config.sources.values());
    let of_sources = sources.flat_map(|source| [&source.url_file, &source.password_file]);
    let of_tls = config.http.tls.iter().map(|tls| &tls.key_file);
    let secrets: Vec<&PathBuf> = secrets.chain(of_sources.flatten()).chain(of_tls).collect();
    // Not every site has packages.
    let packages = Some(config.validation.packages_dir.as_path()).filter(|folder| folder.exists());
    let trusted = [path, &config.rules.directory].into_iter().chain(packages);
    let secrets = secrets.into_iter().map(|path| seen(path, Purpose::Secret));
    secrets.chain(trusted.map(|path| seen(path, Purpose::Trusted))).collect()
}

fn seen(path: &Path, purpose: Purpose) -> Seen {
    let mode = fs::metadata(path).map(|file| file.permissions().mode());
    Seen { path: path.to_owned(), purpose, mode: mode.map_err(|error| error.to_string()) }
}

pub fn judge(files: &[Seen]) -> Vec<Finding> {
    files.iter().map(judged).collect()
}

fn judged(Seen { path, purpose, mode }: &Seen) -> Finding {
    let path = path.display();
    let mode = match mode {
        Ok(mode) => *mode,
        Err(error) => {
            let message = (format!("{path}: {error}"), format!("{path} を読めません: {error}"));
            return Finding::error("GKN-702", Blame::Configuration, message);
        }
    };
    let chmod = format!("chmod 600 {path}");
    match (purpose, secrecy(mode)) {
        (Purpose::Secret, Secrecy::Everybody) => Finding::warning(
            "GKN-703",
            (
                format!("{path}: every account of this machine can read this secret"),
                format!("{path}: この秘密情報はどのアカウントからも読めます"),
            ),
        )
        .remedy((chmod.clone(), chmod)),
        (Purpose::Secret, Secrecy::Group) => Finding::warning(
            "GKN-703",
            (
                format!("{path}: a group of accounts can read this secret"),
                format!("{path}: この秘密情報はグループの他のアカウントからも読めます"),
            ),
        )
        .remedy((
            format!("{chmod}, if the group is not meant to"),
            format!("意図したものでなければ {chmod}"),
        )),
        (Purpose::Trusted, _) if mode & 0o002 != 0 => Finding::warning(
            "GKN-704",
            (
                format!("{path}: every account of this machine can change it"),
                format!("{path}: どのアカウントからも書き換えられます"),
            ),
        )
        .remedy((format!("chmod o-w {path}"), format!("chmod o-w {path}"))),
        (Purpose::Secret, Secrecy::Owner) => Finding::ok((
            format!("{path}: a secret of its owner"),
            format!("{path}: 所有者だけが読めます"),
        )),
        (Purpose::Trusted, _) => Finding::ok((
            format!("{path}: no other account can change it"),
            format!("{path}: 他のアカウントは書き換えられません"),
        )),
    }
}

/// The site's keys themselves: whether ids can be made with them.
pub fn site_key(config: &Config, manner: Manner) -> Option<Finding> {
    let refused = opening::identity(&config.identity, manner).err()?;
    Some(Finding::error("GKN-702", Blame::Configuration, refused.text()))
}

#[cfg(test)]
mod tests {
    use super::super::finding::codes;
    use super::*;

    #[test]
    fn a_secret_of_others_and_a_file_that_others_can_change_are_told() {
        use Purpose::{Secret, Trusted};
        for (purpose, mode, expected) in [
            (Secret, Ok(0o100_600), None),
            (Secret, Ok(0o100_400), None),
            (Secret, Ok(0o100_640), Some("GKN-703")),
            (Secret, Ok(0o100_644), Some("GKN-703")),
            (Secret, Ok(0o100_602), Some("GKN-703")),
            (Secret, Err("no such file".to_owned()), Some("GKN-702")),
            (Trusted, Ok(0o100_644), None),
            (Trusted, Ok(0o40_775), None),
            (Trusted, Ok(0o40_777), Some("GKN-704")),
            (Trusted, Err("no such file".to_owned()), Some("GKN-702")),
        ] {
            let told = format!("{purpose:?} {mode:?}");
            let seen = Seen { path: "x".into(), purpose, mode };
            let findings = judge(&[seen]);
            assert_eq!(codes(&findings), expected.into_iter().collect::<Vec<_>>(), "{told}");
        }
    }
}
