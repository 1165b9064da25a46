//! What was made, written down for another validator to judge.

use std::path::PathBuf;

use crate::kind::Mutant;

/// Where another validator finds it; nowhere unless it is asked for.
#[derive(Default)]
pub struct Corpus {
    folder: Option<PathBuf>,
    list: String,
    count: usize,
}

impl Corpus {
    pub fn of_environment() -> Self {
        let folder = std::env::var_os("GENKAN_MUTANTS_DIR").map(PathBuf::from);
        Self { folder, ..Self::default() }
    }

    pub fn add(&mut self, url: &str, file: &str, mutant: &Mutant) {
        let Some(folder) = &self.folder else { return };
        let profile = url.rsplit('/').next().expect("a name");
        std::fs::create_dir_all(folder.join(profile)).expect("a folder");
        self.count += 1;
        let name = format!("{profile}/{:05}.json", self.count);
        let text = serde_json::to_string_pretty(&mutant.document).expect("JSON");
        std::fs::write(folder.join(&name), text).expect("written");
        let Mutant { what, kind, .. } = mutant;
        let label = if kind.stays_valid() { "free" } else { "broken" };
        self.list += &format!("{name}\t{url}\t{label}\t{} {what} in {file}\n", kind.name);
    }

    pub fn finish(self) {
        let Some(folder) = self.folder else { return };
        std::fs::write(folder.join("mutants.tsv"), self.list).expect("written");
        println!("{} files written to {}", self.count, folder.display());
    }
}
