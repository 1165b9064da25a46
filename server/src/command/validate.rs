//! `genkan validate`: what a receiver would refuse, found before sending.

mod compared;
mod inputs;
mod page;
mod theirs;
mod told;

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::Context as _;
use clap::Args;
use genkan_fhir::validation::Report;
use genkan_mapping::Text;
use genkan_mapping::conformance::Version;
use genkan_masters::Store;
use indicatif::ProgressBar;

use crate::command::codes::masters_file;
use crate::command::{Failure, Manner, Output};
use crate::config::Config;
use crate::validate::{Definitions, Unusable};
use compared::Comparison;
use inputs::{Input, Inputs};
use page::Page;

/// As much as the first thread has: profiles in each other go deep.
const STACK_BYTES: usize = 8 * 1024 * 1024;
/// Reports that wait for an earlier one.
const WAITING_MAX: usize = 64;

#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Resources in JSON or XML, or NDJSON with one in each line; of folders, every .json, .xml and .ndjson in them
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// A FHIR package with profiles and value sets, or one definition; may be given several times
    #[arg(long = "package", value_name = "FILE.tgz")]
    packages: Vec<PathBuf>,
    /// genkan.toml, which names the packages of the site, its masters and its guide; what is given beside it
    /// counts instead
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder with the packages of the site, as `genkan package add` wrote them
    #[arg(long, value_name = "DIR")]
    packages_dir: Option<PathBuf>,
    /// The version of the implementation guide that profiles without a version mean; the newest if not given
    #[arg(long, value_name = "VERSION")]
    guide: Option<Version>,
    /// The national code masters, as `genkan codes import` wrote them
    #[arg(long, value_name = "FILE")]
    masters: Option<PathBuf>,
    /// The canonical of a profile that every resource must conform to, beside those it claims
    #[arg(long = "profile", value_name = "URL")]
    profiles: Vec<String>,
    /// What another validator found: an OperationOutcome, a Bundle of them, or a folder with one for each
    /// file, by its name. Prints where the two agree instead of what was found
    #[arg(long, value_name = "FILE|DIR")]
    compare_with: Option<PathBuf>,
}

/// Which of all inputs it is, and what came out.
type Judged = (usize, Result<(Input, Report), Failure>);

/// Where the reports go, one after the other.
enum Teller {
    Lines(Manner),
    Page(Page),
    Comparison(Comparison),
}

pub fn run(args: &ValidateArgs, is_page: bool, manner: Manner) -> Result<(), Failure> {
    let config = args.config.as_deref().map(Config::load).transpose()?;
    // Nobody needs their memory back: the program ends with this command.
    let loaded = ManuallyDrop::new(loaded(args, config.as_ref())?);
    let (definitions, masters) = &*loaded;
    for canonical in &args.profiles {
        if !definitions.knows(canonical) {
            return Err(Failure::usage(unknown_profile(canonical)));
        }
    }
    let files = inputs::files(&args.files)?;
    let mut teller = Teller::of(args, is_page, manner, &files)?;
    let progress = ProgressBar::new(files.len() as u64);
    let profiles: Vec<&str> = args.profiles.iter().map(String::as_str).collect();
    let (mut count, mut refused) = (0, 0);
    let judged = judge(definitions, masters, &profiles, &files, |input, report| {
        count += 1;
        refused += usize::from(!report.is_valid());
        progress.set_position(input.file as u64);
        progress.suspend(|| teller.tell(&files[input.file], input, report));
    });
    progress.finish_and_clear();
    judged?;
    teller.finish(files.len(), count, refused)
}

/// What the files are held against. The masters are as large as all the rest: they are read beside it.
fn loaded(args: &ValidateArgs, config: Option<&Config>) -> Result<(Definitions, Store), Failure> {
    let site = config.map(|config| &config.validation);
    let folder = args.packages_dir.as_ref().or(site.map(|site| &site.packages_dir));
    let guide = args.guide.or(site.and_then(|site| site.guide));
    thread::scope(|scope| {
        let masters = scope.spawn(|| match (&args.masters, config) {
            (Some(path), _) => masters(path),
            // None were imported yet: codes are told as not checked.
            (None, Some(config)) => Ok(masters_file::open(&config.codes.masters_file)?),
            (None, None) => Ok(Store::default()),
        });
        let definitions = Definitions::load(guide, folder.map(PathBuf::as_path), &args.packages)?;
        let definitions = match site {
            Some(site) => definitions.configured(site),
            None => definitions,
        };
        let masters = masters.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((definitions, masters))
    })
}

/// Tells each report in the order of the files, however many threads make them.
fn judge(
    definitions: &Definitions,
    masters: &Store,
    profiles: &[&str],
    files: &[PathBuf],
    mut tell: impl FnMut(&Input, &Report),
) -> Result<(), Failure> {
    let inputs = Mutex::new(Inputs::of(files).enumerate());
    let next = || inputs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |reports: mpsc::SyncSender<Judged>| {
        definitions.judge(masters, |validator| {
            while let Some((place, input)) = next() {
                let judged = input.map(|input| {
                    let mut report = validator.validate(&input.source, None, profiles);
                    input.place(&mut report);
                    (input, report)
                });
                // Nobody listens any more: an earlier one could not be read.
                if reports.send((place, judged)).is_err() {
                    return;
                }
            }
        });
    };
    thread::scope(|scope| {
        let (sender, reports) = mpsc::sync_channel(WAITING_MAX);
        let threads =
            thread::available_parallelism().map_or(1, usize::from).min(files.len().max(1));
        for _ in 0..threads {
            let sender = sender.clone();
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, || work(sender)).context("can't start a thread")?;
        }
        drop(sender);
        let (mut waiting, mut place) = (BTreeMap::new(), 0);
        for (at, judged) in reports {
            waiting.insert(at, judged);
            while let Some(judged) = waiting.remove(&place) {
                let (input, report) = judged?;
                tell(&input, &report);
                place += 1;
            }
        }
        Ok(())
    })
}

impl Teller {
    fn of(
        args: &ValidateArgs,
        is_page: bool,
        manner: Manner,
        files: &[PathBuf],
    ) -> Result<Self, Failure> {
        let Some(theirs) = &args.compare_with else {
            return Ok(match is_page {
                true => Teller::Page(Page::new(manner.language)),
                false => Teller::Lines(manner),
            });
        };
        if is_page {
            return Err(Failure::usage(Text::new(
                "--compare-with prints text or json",
                "--compare-with の出力は text か json です",
            )));
        }
        Ok(Teller::Comparison(Comparison::with(theirs, files, manner)?))
    }

    fn tell(&mut self, file: &Path, input: &Input, report: &Report) {
        match self {
            Teller::Lines(manner) => told::tell(file, input.line, report, *manner),
            Teller::Page(page) => page.add(file, input.line, report),
            Teller::Comparison(comparison) => comparison.add(file, input.line, report),
        }
    }

    fn finish(self, files: usize, count: usize, refused: usize) -> Result<(), Failure> {
        match self {
            Teller::Comparison(comparison) => return comparison.finish(),
            Teller::Page(page) => say!("{}", page.finish(files, count, refused)),
            Teller::Lines(manner) if manner.output == Output::Text => {
                say!("{}", summary(files, count, refused).in_language(manner.language));
            }
            Teller::Lines(_) => {}
        }
        // Each file's faults were printed.
        if refused > 0 { Err(Failure::rules()) } else { Ok(()) }
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        let text = unusable.text();
        match unusable {
            Unusable::Unread(..) => Failure::runtime(text),
            Unusable::Refused(_) => Failure::usage(text),
        }
    }
}

fn masters(path: &Path) -> Result<Store, Failure> {
    let bytes = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    let opened = Store::open(bytes);
    opened.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn unknown_profile(canonical: &str) -> Text {
    Text::new(
        format!("the profile {canonical} is in none of the packages; add it with --package"),
        format!(
            "プロファイル {canonical} がどのパッケージにもありません。--package で追加してください"
        ),
    )
}

/// Files with lines of NDJSON have more resources than there are of them.
fn summary(files: usize, count: usize, refused: usize) -> Text {
    if files == count {
        return Text::new(
            format!("{files} files, {refused} with errors"),
            format!("{files} ファイル中 {refused} ファイルにエラー"),
        );
    }
    Text::new(
        format!("{count} resources in {files} files, {refused} with errors"),
        format!("{files} ファイル、{count} リソース中 {refused} リソースにエラー"),
    )
}

#[cfg(test)]
mod tests {
    use genkan_mapping::Language;

    use super::*;

    const GOOD: &str = r#"{"resourceType": "Patient", "active": true}"#;
    const BAD: &str = r#"<Patient xmlns="http://hl7.org/fhir"><gender value="man"/></Patient>"#;

    fn run_on(files: &[(&str, &str)], more: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let mut args = ValidateArgs {
            files: vec![folder.path().to_owned()],
            packages: Vec::new(),
            config: None,
            packages_dir: None,
            guide: None,
            masters: None,
            compare_with: None,
            profiles: more.iter().map(|url| (*url).to_owned()).collect(),
        };
        args.packages.extend(
            files
                .iter()
                .filter(|(name, _)| name.ends_with(".tgz") || name.starts_with("package"))
                .map(|(name, _)| folder.path().join(name)),
        );
        let manner = Manner { language: Language::English, output: Output::Json };
        run(&args, false, manner).err().map(|failure| failure.text().en)
    }

    #[test]
    fn a_folder_is_valid_if_all_its_resources_are() {
        assert_eq!(run_on(&[("a.json", GOOD), ("notes.txt", "x")], &[]), None);
        assert_eq!(run_on(&[("a.json", GOOD), ("b.xml", BAD)], &[]), Some(String::new()));
    }

    #[test]
    fn what_cannot_be_checked_is_refused_before_anything_is() {
        let unknown = run_on(&[("a.json", GOOD)], &["http://example.org/p"]);
        assert!(unknown.is_some_and(|text| text.contains("is in none of the packages")));
        let broken = run_on(&[("a.json", GOOD), ("p.tgz", "no archive")], &[]);
        assert!(broken.is_some_and(|text| text.contains("p.tgz: not a .tgz archive")));
        let other = run_on(&[("a.json", GOOD), ("package.json", GOOD)], &[]);
        assert!(other.is_some_and(|text| text.contains("package.json: no StructureDefinition")));
    }
}
