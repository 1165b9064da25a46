//! `[identity]`: the site's secrets, from files, and the identity made of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use genkan_mapping::diagnostic::{Language, Text};
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    #[serde(default)]
    pub mode: Mode,
    /// The current generation first.
    pub keys: Vec<KeyConfig>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Opaque,
    Plain,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    pub generation: char,
    pub secret_file: PathBuf,
}

/// 32 random bytes have about 30 different ones; what has so few was typed.
const DIFFERENT_BYTES_MIN: usize = 8;

/// Reads the secrets. The messages are for people, in their language.
pub fn load(config: &IdentityConfig, language: Language) -> anyhow::Result<Identity> {
    let keys: Vec<SiteKey> = config
        .keys
        .iter()
        .map(|key| {
            let secret = read_secret(&key.secret_file, language)?;
            Ok(SiteKey { generation: key.generation, secret })
        })
        .collect::<anyhow::Result<_>>()?;
    let mode = match config.mode {
        Mode::Opaque => IdMode::Opaque,
        Mode::Plain => IdMode::Plain,
    };
    Identity::new(mode, &keys).context("[identity] keys")
}

/// Readable ids, so that a test can name the resource it refers to: `Patient/patient.0000999739`.
pub fn plain_identity() -> anyhow::Result<Identity> {
    Ok(Identity::new(IdMode::Plain, &[SiteKey { generation: 'a', secret: [0; 32] }])?)
}

/// What a person should mend of the files of the secrets, although they can be used.
pub fn warnings(config: &IdentityConfig) -> Vec<Text> {
    let readable = config.keys.iter().filter(|key| is_readable_by_all(&key.secret_file));
    let told = readable.map(|key| {
        let path = key.secret_file.display();
        Text::new(
            format!("site key {path}: every account of this machine can read it; chmod 600 {path}"),
            format!("サイト鍵 {path}: どのアカウントからも読めます。chmod 600 {path}"),
        )
    });
    told.collect()
}

#[cfg(unix)]
fn is_readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &Path) -> bool {
    false
}

fn read_secret(file: &Path, language: Language) -> anyhow::Result<[u8; 32]> {
    let path = file.display();
    let wrong = |en: &str, ja: &str| {
        let text = Text::new(
            format!("site key {path}: {en}; make one: openssl rand -hex 32 > {path}"),
            format!("サイト鍵 {path}: {ja}。作り方: openssl rand -hex 32 > {path}"),
        );
        anyhow::anyhow!(text.in_language(language).to_owned())
    };
    let text = std::fs::read_to_string(file).map_err(|error| {
        let told = error.to_string();
        wrong(&told, &told)
    })?;
    let secret = secret(&text).ok_or_else(|| {
        let en = "has to be 32 bytes as 64 hexadecimal digits or in base64";
        wrong(en, "32 バイト（16 進数 64 桁か base64）でなければなりません")
    })?;
    let different: BTreeSet<u8> = secret.iter().copied().collect();
    if different.len() < DIFFERENT_BYTES_MIN {
        let en = "is too simple to keep ids secret";
        return Err(wrong(en, "単純すぎて id を秘匿できません"));
    }
    Ok(secret)
}

fn secret(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    let bytes = HEXLOWER_PERMISSIVE.decode(text).or_else(|_| BASE64.decode(text)).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_exactly_32_bytes_in_hexadecimal_or_base64() {
        let hex = "0f".repeat(32);
        assert_eq!(secret(&hex), Some([15; 32]));
        assert_eq!(secret(&format!("{}\n", hex.to_uppercase())), Some([15; 32]));
        assert_eq!(secret(&BASE64.encode(&[15; 32])), Some([15; 32]));
        for wrong in ["", "0f", &"0f".repeat(31), &"0f".repeat(33), "password"] {
            assert_eq!(secret(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_that_was_typed_or_is_missing_says_how_to_make_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("site.key");
        let random = "8f3a17c4d05b92e61a7f4c08b3d95e2761f0a84bc93d7e15520a9bd6f4318ec7";
        for (text, taken) in [(random, true), (&"00".repeat(32), false), (&"12".repeat(32), false)]
        {
            std::fs::write(&file, text).expect("written");
            let read = read_secret(&file, Language::English);
            assert_eq!(read.is_ok(), taken, "{text}");
            if let Err(error) = read {
                assert!(error.to_string().contains("openssl rand -hex 32"), "{error}");
            }
        }
        let missing = read_secret(&folder.path().join("none"), Language::Japanese);
        let told = missing.expect_err("it is not there").to_string();
        assert!(told.contains("openssl rand -hex 32 > ") && told.contains("作り方"), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_every_account_can_read_is_a_warning() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let secret_file = folder.path().join("site.key");
        std::fs::write(&secret_file, "x").expect("written");
        let key = KeyConfig { generation: 'a', secret_file: secret_file.clone() };
        let config = IdentityConfig { mode: Mode::Opaque, keys: vec![key] };
        for (mode, told) in [(0o644, 1), (0o640, 0), (0o600, 0)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&secret_file, permissions).expect("changed");
            assert_eq!(warnings(&config).len(), told, "{mode:o}");
        }
    }
}
