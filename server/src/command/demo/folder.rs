//! What the demo leaves in its folder for the other commands: the rule set as files, and a
//! configuration for each hospital. They are written once and then the user's: changes are kept.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use genkan_demo_hospital::OWN_INSTITUTION;
use genkan_mapping::RuleFiles;

use crate::site::SiteConfig;

/// The site of the invented hospital.
pub fn site_config() -> SiteConfig {
    SiteConfig { institution_no: OWN_INSTITUTION.to_owned(), ..SiteConfig::example() }
}

/// Writes the configuration of this hospital, and the built-in rules for it unless others are
/// served; gives back the configuration's path. Of the user's own rules no copy is made.
pub fn keep(
    directory: &Path,
    database: &Path,
    own_rules: Option<&Path>,
    built_in: &RuleFiles,
) -> anyhow::Result<PathBuf> {
    let rules = match own_rules {
        Some(rules) => std::path::absolute(rules).context("the path of the rules")?,
        None => {
            let rules = directory.join("rules");
            if !rules.exists() {
                write(built_in, &rules)?;
            }
            PathBuf::from("rules")
        }
    };
    let name = database.file_stem().unwrap_or_default().to_string_lossy();
    let path = match own_rules {
        Some(_) => directory.join(format!("{name}-own-rules.toml")),
        None => directory.join(format!("{name}.toml")),
    };
    if own_rules.is_some() || !path.exists() {
        let database = std::path::absolute(database).context("the folder's path")?;
        let text = format!(
            "# The hospital of `genkan demo`. `genkan config example` explains every key.\n\
             [site]\ninstitution_no = \"{OWN_INSTITUTION}\"\nname = \"みなと総合病院\"\n\n\
             [rules]\ndirectory = \"{}\"\n\n\
             [source]\nurl = \"sqlite:{}\"\n\n\
             [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n\n\
             [fhir]\nexplain = true\n",
            rules.display(),
            database.display()
        );
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(path)
}

/// What the folder's rules are served with, if they are no longer the built-in ones: the user has
/// changed them, or they are of another release.
pub fn changed_rules(directory: &Path, built_in: &RuleFiles) -> Option<PathBuf> {
    let rules = directory.join("rules");
    let same = |(path, content): &(String, Vec<u8>)| {
        fs::read(rules.join(path)).is_ok_and(|found| found == *content)
    };
    (!built_in.0.iter().all(same)).then_some(rules)
}

fn write(files: &RuleFiles, folder: &Path) -> anyhow::Result<()> {
    for (path, content) in &files.0 {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        fs::write(&path, content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
