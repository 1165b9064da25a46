//! `genkan package`: the FHIR packages of a site, which its resources are validated against.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use genkan_fhir::validation::Package;
use genkan_mapping::Text;
use serde_json::{Value, json};

use crate::command::{Failure, Manner, Output};
use crate::config::Config;
use crate::validate::Definitions;
use crate::validate::packages::{self, Index, Missing, SitePackage};

#[derive(Debug, Subcommand)]
pub enum PackageCommand {
    /// Add packages as they are published (.tgz): all of them or none
    Add(AddArgs),
    /// The packages of the site, what is in them, and what they need
    List(ListArgs),
    /// Take a package away
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct FolderArgs {
    /// genkan.toml, whose [validation] names the folder with the packages of the site
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// That folder itself
    #[arg(long, value_name = "DIR")]
    packages_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    /// Packages; those that need each other may come together, in any order
    #[arg(required = true, value_name = "FILE.tgz")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Its name, with #VERSION where there are several
    #[arg(value_name = "NAME[#VERSION]")]
    package: String,
    #[command(flatten)]
    folder: FolderArgs,
}

/// A package that waits until all were looked at.
struct Waiting {
    file: PathBuf,
    package: Package,
    index: Index,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Added {
    New,
    Replaced,
    Known,
}

pub fn run(command: &PackageCommand, manner: Manner) -> Result<(), Failure> {
    match command {
        PackageCommand::Add(args) => add(args, manner),
        PackageCommand::List(args) => list(args, manner),
        PackageCommand::Remove(args) => remove(args, manner),
    }
}

impl FolderArgs {
    fn path(&self) -> Result<PathBuf, Failure> {
        match (&self.packages_dir, &self.config) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(config)) => Ok(Config::load(config)?.validation.packages_dir),
            (None, None) => Err(Failure::usage(Text::new(
                "give --config or --packages-dir",
                "--config か --packages-dir を指定してください",
            ))),
        }
    }
}

fn add(args: &AddArgs, manner: Manner) -> Result<(), Failure> {
    let folder = args.folder.path()?;
    let mut waiting = Vec::new();
    for file in &args.files {
        waiting.push(wait(file)?);
    }
    let written: Vec<PathBuf> = waiting.iter().map(|one| one.index.path_in(&folder)).collect();
    let site = packages::open_beside(&folder, &written)?;
    waiting.sort_by(|one: &Waiting, other| one.index.key().cmp(&other.index.key()));
    check_twice(&waiting)?;
    let of = |one: &Waiting| match site.iter().find(|known| known.index.key() == one.index.key()) {
        Some(known) if known.index == one.index => Added::Known,
        Some(_) => Added::Replaced,
        None => Added::New,
    };
    let added: Vec<Added> = waiting.iter().map(of).collect();
    let stays =
        |known: &&SitePackage| !waiting.iter().any(|one| one.index.key() == known.index.key());
    let kept: Vec<&SitePackage> = site.iter().filter(stays).collect();
    let all = kept.iter().map(|known| &known.index).chain(waiting.iter().map(|one| &one.index));
    let all: Vec<Index> = all.cloned().collect();
    if added.iter().any(|one| *one != Added::Known) {
        check(&kept, &mut waiting)?;
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("can't make {}", folder.display()))?;
        for (one, _) in waiting.iter().zip(&added).filter(|(_, added)| **added != Added::Known) {
            let path = one.index.path_in(&folder);
            let placed = crate::replace::replace(&path, &one.bytes, || Ok(()));
            placed.with_context(|| format!("can't write {}", path.display()))?;
        }
    }
    for (one, added) in waiting.iter().zip(&added) {
        tell_added(&one.index, *added, manner);
    }
    let all: Vec<&Index> = all.iter().collect();
    tell_missing(&packages::missing(&all), manner);
    tell_shared(&all, manner);
    Ok(())
}

fn wait(file: &Path) -> Result<Waiting, Failure> {
    let shown = file.display();
    let refused = |why: Text| {
        Failure::usage(Text::new(format!("{shown}: {}", why.en), format!("{shown}: {}", why.ja)))
    };
    let archive = std::fs::read(file).with_context(|| format!("can't read {shown}"))?;
    let package = Package::read(&archive).map_err(|error| {
        let said = error.to_string();
        refused(Text::new(said.clone(), said))
    })?;
    let (index, bytes) = packages::pack(&package, &archive).map_err(refused)?;
    Ok(Waiting { file: file.to_owned(), package, index, bytes })
}

fn check_twice(waiting: &[Waiting]) -> Result<(), Failure> {
    let twice = waiting.windows(2).find_map(|pair| match pair {
        [one, other] if one.index.key() == other.index.key() => Some((one, other)),
        _ => None,
    });
    let Some((one, other)) = twice else { return Ok(()) };
    let (shown, one, other) = (one.index.shown(), one.file.display(), other.file.display());
    Err(Failure::usage(Text::new(
        format!("{one} and {other} are both {shown}: give one of them"),
        format!("{one} と {other} はどちらも {shown} です。一方だけを指定してください"),
    )))
}

/// All profiles, those of the site too: what is new may be what they build on.
fn check(kept: &[&SitePackage], waiting: &mut [Waiting]) -> Result<(), Failure> {
    let mut definitions = Definitions::load(None, None, &[])?;
    definitions.add_site_packages(kept.iter().copied())?;
    for one in waiting {
        let resources = std::mem::take(&mut one.package.resources);
        definitions.add_resources(&one.file, resources)?;
    }
    refuse_faults(&definitions)
}

fn refuse_faults(definitions: &Definitions) -> Result<(), Failure> {
    let faults = definitions.faults();
    if faults.is_empty() {
        return Ok(());
    }
    let faults = faults.join("\n");
    Err(Failure::usage(Text::new(
        format!("{faults}\nnothing was changed"),
        format!("{faults}\n何も変更していません"),
    )))
}

fn remove(args: &RemoveArgs, manner: Manner) -> Result<(), Failure> {
    let folder = args.folder.path()?;
    let site = packages::open(&folder)?;
    let (name, version) = match args.package.split_once('#') {
        Some((name, version)) => (name, Some(version)),
        None => (args.package.as_str(), None),
    };
    let is_meant = |one: &&SitePackage| {
        one.index.name == name && version.is_none_or(|version| one.index.version == version)
    };
    let meant: Vec<&SitePackage> = site.iter().filter(is_meant).collect();
    let [meant] = meant.as_slice() else {
        return Err(not_one(&args.package, &meant));
    };
    let mut definitions = Definitions::load(None, None, &[])?;
    definitions.add_site_packages(site.iter().filter(|one| one.path != meant.path))?;
    refuse_faults(&definitions)?;
    std::fs::remove_file(&meant.path)
        .with_context(|| format!("can't remove {}", meant.path.display()))?;
    let shown = meant.index.shown();
    match manner.output {
        Output::Json => {
            say!("{}", json!({"removed": meant.index.name, "version": meant.index.version}))
        }
        Output::Text => {
            let text = Text::new(format!("{shown} removed"), format!("{shown} を削除しました"));
            say!("{}", text.in_language(manner.language));
        }
    }
    Ok(())
}

fn not_one(asked: &str, meant: &[&SitePackage]) -> Failure {
    if meant.is_empty() {
        return Failure::usage(Text::new(
            format!("there is no package {asked}; `genkan package list` shows them"),
            format!("パッケージ {asked} はありません。genkan package list で確認してください"),
        ));
    }
    let versions: Vec<&str> = meant.iter().map(|one| one.index.version.as_str()).collect();
    let versions = versions.join(", ");
    Failure::usage(Text::new(
        format!("{asked} is there as {versions}: give {asked}#VERSION"),
        format!("{asked} には {versions} があります。{asked}#バージョン と指定してください"),
    ))
}

fn list(args: &ListArgs, manner: Manner) -> Result<(), Failure> {
    let site = packages::open(&args.folder.path()?)?;
    let all: Vec<&Index> = site.iter().map(|one| &one.index).collect();
    for index in &all {
        match manner.output {
            Output::Json => say!("{}", to_json(index)),
            Output::Text => {
                let (profiles, systems, sets) =
                    (index.profiles.len(), index.code_systems.len(), index.value_sets.len());
                let shown = index.shown();
                let text = Text::new(
                    format!(
                        "{shown}: {profiles} profiles, {systems} code systems, {sets} value sets"
                    ),
                    format!(
                        "{shown}: プロファイル {profiles}、コードシステム {systems}、値セット {sets}"
                    ),
                );
                say!("{}", text.in_language(manner.language));
            }
        }
    }
    tell_missing(&packages::missing(&all), manner);
    Ok(())
}

fn to_json(index: &Index) -> Value {
    json!({
        "name": index.name,
        "version": index.version,
        "fhirVersions": index.fhir_versions,
        "dependencies": index.dependencies,
        "profiles": index.profiles.len(),
        "codeSystems": index.code_systems.len(),
        "valueSets": index.value_sets.len(),
        "blake3": index.blake3,
    })
}

fn tell_added(index: &Index, added: Added, manner: Manner) {
    let shown = index.shown();
    if manner.output == Output::Json {
        let word = match added {
            Added::New => "added",
            Added::Replaced => "replaced",
            Added::Known => "known",
        };
        let mut told = to_json(index);
        told["outcome"] = json!(word);
        say!("{told}");
        return;
    }
    let text = match added {
        Added::New => Text::new(format!("{shown} added"), format!("{shown} を追加しました")),
        Added::Replaced => Text::new(
            format!("{shown} took the place of another package of this version"),
            format!("{shown} を同じバージョンの別の内容と置き換えました"),
        ),
        Added::Known => {
            Text::new(format!("{shown} is there already"), format!("{shown} は追加済みです"))
        }
    };
    say!("{}", text.in_language(manner.language));
}

/// On standard error: what is there is right, but not all of it can be checked.
fn tell_missing(missing: &[Missing<'_>], manner: Manner) {
    for Missing { of, name, version, is_here_as } in missing {
        let shown = of.shown();
        let text = match is_here_as {
            None => Text::new(
                format!("{shown} needs {name} {version}, which is not here: add it"),
                format!("{shown} には {name} {version} が必要ですが、ありません。追加してください"),
            ),
            Some(here) => Text::new(
                format!("{shown} needs {name} {version}; here is {here}"),
                format!("{shown} には {name} {version} が必要ですが、あるのは {here} です"),
            ),
        };
        eprintln!("genkan: {}", text.in_language(manner.language));
    }
}

/// Of two packages that define the same, the newer is meant; of one version, that of the later in the list.
fn tell_shared(all: &[&Index], manner: Manner) {
    for (at, one) in all.iter().enumerate() {
        for other in all.iter().skip(at + 1) {
            // Also in another version: a canonical without one can mean only one of them.
            let is_in = |of: &Index, url: &str| of.profiles.iter().any(|known| known.url == url);
            let count = one.profiles.iter().filter(|known| is_in(other, &known.url)).count();
            if count == 0 {
                continue;
            }
            let (later, earlier) =
                if one.key() < other.key() { (other, one) } else { (one, other) };
            let (later, earlier) = (later.shown(), earlier.shown());
            let text = Text::new(
                format!(
                    "{count} profiles are in both {earlier} and {later}: the newest of each is used, and \
                     of one version that of {later}"
                ),
                format!(
                    "{earlier} と {later} の両方に {count} 件のプロファイルがあります。それぞれ新しい版を、\
                     同じ版なら {later} のものを使います"
                ),
            );
            eprintln!("genkan: {}", text.in_language(manner.language));
        }
    }
}
