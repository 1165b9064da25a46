//! What the demo leaves in its folder for the other commands: the rule set as files, and a
//! configuration over them. Both are written once and then the user's: changes are kept.

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

/// Writes `rules/` and `genkan.toml` if they are not there; gives back the configuration's path.
pub fn keep(directory: &Path, database: &Path, files: &RuleFiles) -> anyhow::Result<PathBuf> {
    let rules = directory.join("rules");
    if !rules.exists() {
        for (path, content) in &files.0 {
            let path = rules.join(path);
            let parent = path.parent().unwrap_or(&rules);
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            fs::write(&path, content).with_context(|| path.display().to_string())?;
        }
    }
    let path = directory.join("genkan.toml");
    if !path.exists() {
        let database = std::path::absolute(database).context("the folder's path")?;
        let text = format!(
            "# The hospital of `genkan demo`. `genkan config example` explains every key.\n\
             [site]\ninstitution_no = \"{OWN_INSTITUTION}\"\nname = \"みなと総合病院\"\n\n\
             [rules]\ndirectory = \"rules\"\n\n\
             [source]\nurl = \"sqlite:{}\"\n\n\
             [identity]\nkeys = [{{ generation = \"a\", secret_file = \"site.key\" }}]\n",
            database.display()
        );
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(path)
}
