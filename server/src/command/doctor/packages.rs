//! The packages of the site: whether each is whole, whether its profiles compile, and what it needs.

use crate::config::Config;
use crate::validate::packages::{self, Index, SitePackage};
use crate::validate::{Definitions, Unusable};

use super::finding::{Blame, Finding};

/// What was found in the folder.
pub struct Seen {
    indexes: Vec<Index>,
    /// Profiles that don't compile, each with its reason.
    faults: Vec<String>,
}

pub fn look(config: &Config) -> Result<Seen, Unusable> {
    let site = packages::open(&config.validation.packages_dir)?;
    let mut definitions = Definitions::load(config.validation.guide, None, &[])?;
    definitions.add_site_packages(&site)?;
    let faults = if site.is_empty() { Vec::new() } else { definitions.faults() };
    Ok(Seen { indexes: site.into_iter().map(|SitePackage { index, .. }| index).collect(), faults })
}

pub fn judge(seen: &Result<Seen, Unusable>) -> Vec<Finding> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(unusable) => return vec![unusable_package(unusable)],
    };
    let mut findings: Vec<Finding> = seen.faults.iter().map(|fault| broken(fault)).collect();
    let all: Vec<&Index> = seen.indexes.iter().collect();
    findings.extend(packages::missing(&all).iter().map(missing));
    if findings.is_empty() {
        let shown = all.iter().map(|index| index.shown()).collect::<Vec<_>>().join(", ");
        findings.push(Finding::ok(match shown.as_str() {
            "" => (
                "no packages: resources are held against Genkan's own profiles".to_owned(),
                "パッケージはありません。Genkan のプロファイルで検証します".to_owned(),
            ),
            shown => (
                format!("packages: {shown}; all their profiles compile"),
                format!("パッケージ {shown}: すべてのプロファイルを読めました"),
            ),
        }));
    }
    findings
}

fn unusable_package(unusable: &Unusable) -> Finding {
    Finding::error("GKN-770", Blame::Surroundings, unusable.text()).remedy((
        "`genkan package add` with the published file writes it again; until then nothing is validated",
        "公開されているファイルを genkan package add でもう一度追加します。それまで検証はできません",
    ))
}

fn broken(fault: &str) -> Finding {
    let message = (
        format!("a profile of a package can't be used: {fault}"),
        format!("パッケージのプロファイルを使えません: {fault}"),
    );
    Finding::error("GKN-771", Blame::Surroundings, message).remedy((
        "add the package that it builds on with `genkan package add`",
        "元になるパッケージを genkan package add で追加します",
    ))
}

fn missing(packages::Missing { of, name, version, is_here_as }: &packages::Missing<'_>) -> Finding {
    let of = of.shown();
    let (here, here_ja) = match is_here_as {
        Some(other) => (format!("here is {other}"), format!("あるのは {other} です")),
        None => ("which is not here".to_owned(), "追加されていません".to_owned()),
    };
    let message = (
        format!("{of} needs {name} {version}, {here}"),
        format!("{of} には {name} {version} が必要ですが、{here_ja}"),
    );
    Finding::warning("GKN-772", message).remedy((
        "add it with `genkan package add`; what it defines is not checked until then",
        "genkan package add で追加します。それまで、そこで定義されたものは検証されません",
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use genkan_fhir::validation::Package;
    use genkan_mapping::Text;

    use super::super::finding::codes;
    use super::*;

    fn index(name: &str, needs: &[(&str, &str)]) -> Index {
        let needs = needs.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned()));
        let package = Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            fhir_versions: vec!["4.0.1".to_owned()],
            dependencies: needs.collect::<BTreeMap<_, _>>(),
            resources: Vec::new(),
        };
        packages::pack(&package, b"").expect("packed").0
    }

    #[test]
    fn packages_that_are_broken_or_need_others_are_told() {
        let refused = Unusable::Refused(Text::new("x is no package", "x"));
        for (seen, expected) in [
            (Ok(Seen { indexes: vec![], faults: vec![] }), vec![]),
            (Ok(Seen { indexes: vec![index("a", &[])], faults: vec![] }), vec![]),
            (
                Ok(Seen { indexes: vec![index("a", &[("b", "2")])], faults: vec![] }),
                vec!["GKN-772"],
            ),
            (
                Ok(Seen {
                    indexes: vec![index("a", &[("b", "2")]), index("b", &[])],
                    faults: vec!["http://x: no base".to_owned()],
                }),
                vec!["GKN-771", "GKN-772"],
            ),
            (Err(refused), vec!["GKN-770"]),
        ] {
            let findings = judge(&seen);
            assert_eq!(codes(&findings), expected);
            assert!(!findings.is_empty(), "what is well is said too");
        }
    }
}
