//! `[rules]`: reads the folder of a rule set, so that the compiler needs no file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail, ensure};
use genkan_mapping::RuleFiles;
use serde::Deserialize;

/// Recorded beside the rules, so that they can be checked and tested away from the hospital.
pub const SCHEMA: &str = "schema.yaml";
/// A table of codes with a million rows is far below; anything larger is no rule file.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const FILES_MAX: usize = 4096;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesConfig {
    pub directory: PathBuf,
    /// How often the folder is looked at while it is served; 0: only SIGHUP loads it again.
    #[serde(default)]
    pub watch_interval_secs: u64,
}

/// Name, size and time of every file: what says that something has changed without reading it. Looked
/// at again and again, because network shares and mounted volumes tell nobody of their changes.
pub type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// The folder and the file of masters as they are now; what can't be looked at is not there.
pub fn look(directory: &Path, masters_file: &Path) -> Look {
    let mut found = Look::new();
    if let Ok(known) = std::fs::metadata(masters_file) {
        found.insert(masters_file.to_owned(), (known.len(), known.modified().ok()));
    }
    for folder in FOLDERS {
        let entries = std::fs::read_dir(directory.join(folder)).into_iter().flatten().flatten();
        // Behind links too: a volume is often switched by one.
        found.extend(entries.take(FILES_MAX).filter_map(|entry| {
            let known = std::fs::metadata(entry.path()).ok()?;
            known.is_file().then(|| (entry.path(), (known.len(), known.modified().ok())))
        }));
    }
    found
}

/// `schema.NAME.yaml`: the name of a further source and the file, by name.
pub fn further_schemas(directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let name = file.strip_prefix("schema.")?.strip_suffix(".yaml")?;
            Some((name.to_owned(), entry.path()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Folders that hold parts of a rule set, and the folder itself.
const FOLDERS: [&str; 4] = ["", "fragments", "codes", "lookups"];

/// `*.map.yaml`, `fragments/*.yaml`, `codes/codemaps.yaml`, `codes/*.csv`, `lookups/*.csv`. Of
/// everything else only the name, so that the compiler can say that it is not used.
pub fn read(directory: &Path) -> anyhow::Result<RuleFiles> {
    let mut files = Vec::new();
    ensure!(directory.is_dir(), "{} is no folder", directory.display());
    for folder in FOLDERS {
        let path = directory.join(folder);
        if !path.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&path).with_context(|| path.display().to_string())?;
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let relative =
                if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if FOLDERS.contains(&relative.as_str()) {
                continue;
            }
            ensure!(files.len() < FILES_MAX, "more than {FILES_MAX} files in a rule set");
            let path = directory.join(&relative);
            if path.is_dir() {
                files.push((format!("{relative}/"), Vec::new()));
            } else if is_part(folder, &name) {
                files.push((relative, read_file(&path)?));
            } else {
                files.push((relative, Vec::new()));
            }
        }
    }
    if !files.iter().any(|(path, _)| path.ends_with(".map.yaml")) {
        bail!("{} holds no rule (*.map.yaml)", directory.display());
    }
    files.sort_unstable();
    Ok(RuleFiles(files))
}

fn is_part(folder: &str, name: &str) -> bool {
    !name.starts_with('.')
        && match folder {
            "" => name.ends_with(".map.yaml"),
            "fragments" => name.ends_with(".yaml"),
            "codes" => name == "codemaps.yaml" || name.ends_with(".csv"),
            _ => name.ends_with(".csv"),
        }
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = || path.display().to_string();
    let size = std::fs::metadata(path).with_context(shown)?.len();
    ensure!(size <= FILE_BYTES_MAX, "{} is larger than {FILE_BYTES_MAX} bytes", path.display());
    std::fs::read(path).with_context(shown)
}
