//! `[identity]`: the site's secrets, from files, and the identity made of them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
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

/// Reads the secrets.
pub fn load(config: &IdentityConfig) -> anyhow::Result<Identity> {
    let keys: Vec<SiteKey> = config
        .keys
        .iter()
        .map(|key| {
            let secret = read_secret(&key.secret_file)
                .with_context(|| format!("site key {}", key.secret_file.display()))?;
            Ok(SiteKey { generation: key.generation, secret })
        })
        .collect::<anyhow::Result<_>>()?;
    let mode = match config.mode {
        Mode::Opaque => IdMode::Opaque,
        Mode::Plain => IdMode::Plain,
    };
    Identity::new(mode, &keys).context("[identity] keys")
}

fn read_secret(path: &Path) -> anyhow::Result<[u8; 32]> {
    secret(&std::fs::read_to_string(path)?)
        .context("has to be 32 bytes as 64 hexadecimal digits or in base64")
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
}
