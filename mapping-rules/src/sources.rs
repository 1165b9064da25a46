//! The sources (院内システム) of a site as rules see them: a name and a schema each.
//!
//! A rule reads one source. References, `$contained` and includes may lead to rules of another one;
//! joins, children and chained searches can't, because one statement reaches one source.

use genkan_adapter::SourceSchema;

/// The source that rules read without naming it: `[source]` of the configuration.
pub const MAIN: &str = "main";

/// The schemas of a site's sources; a source is known by its place, the main one is the first.
#[derive(Debug, Clone)]
pub struct SourceSchemas(Vec<(String, SourceSchema)>);

impl SourceSchemas {
    /// Of a site whose rules read one source.
    pub fn new(main: SourceSchema) -> Self {
        SourceSchemas(vec![(MAIN.to_owned(), main)])
    }

    /// One source more. Names are unique, because they are keys of the configuration.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, schema: SourceSchema) -> Self {
        self.0.push((name.into(), schema));
        self
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub fn schemas(&self) -> impl Iterator<Item = &SourceSchema> {
        self.0.iter().map(|(_, schema)| schema)
    }

    /// The place of a source by its name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    /// The schema at a place.
    ///
    /// # Panics
    /// Never for a place that this value gave out.
    pub fn at(&self, place: usize) -> &SourceSchema {
        &self.0[place].1
    }

    /// The same sources, each with another schema.
    #[must_use]
    pub(crate) fn each(&self, schema: impl Fn(usize, &SourceSchema) -> SourceSchema) -> Self {
        let sources = self.0.iter().enumerate();
        SourceSchemas(
            sources.map(|(at, (name, known))| (name.clone(), schema(at, known))).collect(),
        )
    }

    /// The source that a row of a rule's test belongs to: the rule's own if it has such a table, or
    /// else the only other one that has.
    pub(crate) fn holding(&self, table: &str, own: usize) -> Option<usize> {
        let has = |place: &usize| self.at(*place).table(table).is_some();
        if has(&own) {
            return Some(own);
        }
        let mut others = (0..self.0.len()).filter(has);
        others.next().filter(|_| others.next().is_none())
    }
}

impl From<SourceSchema> for SourceSchemas {
    fn from(main: SourceSchema) -> Self {
        SourceSchemas::new(main)
    }
}
