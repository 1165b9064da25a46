//! What a site has: made once for its rules and its masters, when it is first asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use genkan_masters::{Crosswalk, Kind, Store, system};

use super::listing::Listing;
use super::{CodeSystem, Content, Holding, Map, Terminology, ValueSet};
use crate::codemap::concept_map::Frame;
use crate::codemap::{CodeMap, MapRow, rows};
use crate::program::RuleSet;

/// Of an id: FHIR allows 64.
const WORD_LETTERS_MAX: usize = 40;
/// Before everything that we name ourselves.
const OWN: &str = "urn:x-genkan:";

/// What there is to be asked.
#[derive(Debug)]
pub(super) struct Catalog {
    systems: Vec<CodeSystem>,
    value_sets: Vec<ValueSet>,
    maps: Vec<Map>,
    /// By the places of the systems; each is made when it is first searched.
    listings: Vec<OnceLock<Listing>>,
}

impl Catalog {
    fn of(rules: &RuleSet, masters: &Store) -> Self {
        let maps: Vec<Map> = rules
            .code_maps
            .iter()
            .enumerate()
            .map(|(place, map)| self::map(rules, place, map))
            .collect();
        let crosswalk = Crosswalk::new(masters);
        let mut systems: Vec<CodeSystem> = urls(rules, &crosswalk)
            .into_iter()
            .map(|url| match house(rules, &maps, &url) {
                Some(codes) => of_house(&url, codes, &maps, rules),
                None => of_masters(&url, masters, &crosswalk),
            })
            .collect();
        systems.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut value_sets: Vec<ValueSet> =
            systems.iter().enumerate().map(|(place, system)| all_codes(place, system)).collect();
        value_sets.extend(maps.iter().enumerate().flat_map(|(place, map)| of_map(place, map)));
        value_sets.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let listings = systems.iter().map(|_| OnceLock::new()).collect();
        Catalog { systems, value_sets, maps, listings }
    }
}

impl Terminology {
    pub fn new(rules: Arc<RuleSet>, masters: Arc<Store>) -> Self {
        Terminology { rules, masters, catalog: OnceLock::new() }
    }

    /// Nothing can be asked: there is neither a code map nor a master. It needs no catalog.
    pub fn is_empty(&self) -> bool {
        self.rules.code_maps.is_empty() && self.masters.systems().next().is_none()
    }

    fn catalog(&self) -> &Catalog {
        self.catalog.get_or_init(|| Catalog::of(&self.rules, &self.masters))
    }

    pub fn systems(&self) -> &[CodeSystem] {
        &self.catalog().systems
    }

    pub fn value_sets(&self) -> &[ValueSet] {
        &self.catalog().value_sets
    }

    pub fn maps(&self) -> &[Map] {
        &self.catalog().maps
    }

    /// The codes of a system, by its place, as they are searched.
    pub(super) fn listing(&self, place: usize) -> &Listing {
        let Catalog { systems, listings, .. } = self.catalog();
        listings[place].get_or_init(|| Listing::of(&self.crosswalk(), &systems[place].url))
    }

    pub fn code_map(&self, map: &Map) -> &CodeMap {
        &self.rules.code_maps[map.place]
    }

    /// What its ConceptMap says of the whole map.
    pub fn frame(&self, map: &Map) -> Frame {
        let [source, target] = own_sets(map).map(|set| set.1);
        Frame {
            id: map.id.clone(),
            url: map.url.clone(),
            version: map.version.clone(),
            title: map.title.clone(),
            source,
            target,
        }
    }
}

fn map(rules: &RuleSet, place: usize, map: &CodeMap) -> Map {
    let path = format!("codes/{}.csv", map.id);
    let text = rules.files.iter().find(|file| file.path == path).map_or("", |file| &file.text);
    let institution = rules.site.constants.get("institution_no").map_or("", String::as_str);
    Map {
        id: slug(&map.id),
        url: format!("{OWN}{institution}:code-map:{}", map.id),
        title: format!("院内コード対応表 {}", map.id),
        version: hash(text.as_bytes()),
        rows: rows(text),
        place,
    }
}

fn urls(rules: &RuleSet, masters: &Crosswalk<'_>) -> BTreeSet<String> {
    let held = system::ALL.into_iter().filter(|url| masters.holding(url) != Holding::Nothing);
    let mut urls: BTreeSet<String> = held.map(str::to_owned).collect();
    for map in &rules.code_maps {
        urls.insert(map.local_system.clone());
        urls.extend(map.targets.iter().map(|target| target.system.clone()));
        urls.extend(map.uncoded_choices().map(|(_, coding)| coding.system.clone()));
    }
    urls
}

/// The house's codes of a system, as far as its maps have rows for them.
fn house(rules: &RuleSet, maps: &[Map], url: &str) -> Option<BTreeMap<String, Option<String>>> {
    let own = maps.iter().filter(|map| rules.code_maps[map.place].local_system == url);
    let mut codes: Option<BTreeMap<String, Option<String>>> = None;
    for MapRow { local, local_name, .. } in own.flat_map(|map| &map.rows) {
        let name = codes.get_or_insert_default().entry(local.clone()).or_default();
        if name.is_none() && !local_name.is_empty() {
            *name = Some(local_name.clone());
        }
    }
    let is_own = rules.code_maps.iter().any(|map| map.local_system == url);
    codes.or_else(|| is_own.then(BTreeMap::new))
}

fn of_house(
    url: &str,
    codes: BTreeMap<String, Option<String>>,
    maps: &[Map],
    rules: &RuleSet,
) -> CodeSystem {
    let own: Vec<&Map> =
        maps.iter().filter(|map| rules.code_maps[map.place].local_system == url).collect();
    let ids: Vec<&str> = own.iter().map(|map| map.id.as_str()).collect();
    let versions: String = own.iter().map(|map| map.version.as_str()).collect();
    CodeSystem {
        id: id_of(url),
        url: url.to_owned(),
        title: format!("院内コード {}", ids.join("・")),
        version: Some(hash(versions.as_bytes())),
        holding: Holding::Part,
        count: codes.len(),
        hierarchy: false,
        house: Some(codes),
    }
}

fn of_masters(url: &str, masters: &Store, crosswalk: &Crosswalk<'_>) -> CodeSystem {
    let kinds = Kind::of_system(url);
    let own = masters.imports().iter().filter(|import| kinds.contains(&import.kind));
    let newest = own.map(|import| import.effective).max();
    let holding = crosswalk.holding(url);
    CodeSystem {
        id: id_of(url),
        url: url.to_owned(),
        title: system::title(url).unwrap_or(url).to_owned(),
        version: newest.filter(|_| holding != Holding::Nothing).map(|day| day.to_string()),
        holding,
        count: if holding == Holding::Nothing { 0 } else { crosswalk.count(url) },
        hierarchy: system::has_levels(url) && masters.has_hierarchy(url),
        house: None,
    }
}

fn all_codes(place: usize, system: &CodeSystem) -> ValueSet {
    ValueSet {
        id: system.id.clone(),
        url: format!("{OWN}all-codes:{}", system.id),
        title: format!("{} すべて", system.title),
        version: system.version.clone(),
        content: Content::All(place),
    }
}

fn of_map(place: usize, map: &Map) -> [ValueSet; 2] {
    let [local, targets] = own_sets(map);
    let set = |(id, url), title: &str, content| ValueSet {
        id,
        url,
        title: format!("{} {title}", map.title),
        version: Some(map.version.clone()),
        content,
    };
    [set(local, "対応元", Content::Local(place)), set(targets, "対応先", Content::Targets(place))]
}

/// Id and URL of the value sets that a map maps from and to.
fn own_sets(map: &Map) -> [(String, String); 2] {
    ["local", "targets"].map(|end| (format!("map-{}-{end}", map.id), format!("{}:{end}", map.url)))
}

/// The last word of a URL and a hash of all of it.
fn id_of(url: &str) -> String {
    let word = url.rsplit(['/', ':']).find(|word| !word.is_empty()).unwrap_or("system");
    let hash = hash(url.as_bytes());
    format!("{}-{hash}", slug(word))
}

/// As ids are written: ASCII letters, digits, hyphens and dots.
fn slug(word: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    word.chars().take(WORD_LETTERS_MAX).map(allowed).collect()
}

fn hash(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&blake3::hash(bytes).as_bytes()[..5])
}
