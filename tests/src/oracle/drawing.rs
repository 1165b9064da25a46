//! Draws queries of what a server declares. Most of their values hold of one resource, so that several
//! parameters together find something; the others are drawn freely.

use std::collections::HashMap;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::archive::{Archive, Set};
use super::candidates::candidates;
use super::declared::{Declared, Include, Link, Parameter};
use super::query::{Query, Term};
use super::question::{Modifier, Question};

/// Values that are drawn for a parameter until one holds where it should.
const TRIES_MAX: usize = 12;
/// Pages of a query, so that none takes long.
const PAGES_MAX: usize = 8;

/// Questions by the parameter of their type, and by modifier and prefix.
type Pools = HashMap<(String, String), Rc<Vec<Vec<Question>>>>;

pub struct Drawing<'a> {
    archive: &'a Archive,
    declared: &'a [Declared],
    pools: Pools,
    random: ChaCha8Rng,
}

impl<'a> Drawing<'a> {
    pub fn new(archive: &'a Archive, declared: &'a [Declared]) -> Self {
        Drawing { archive, declared, pools: HashMap::new(), random: ChaCha8Rng::seed_from_u64(0) }
    }

    /// The query of a seed: the same for the same resources and declarations.
    pub fn query(&mut self, seed: u64) -> Query {
        self.random = ChaCha8Rng::seed_from_u64(seed);
        let declared = self.one_of(self.declared);
        let resource_type = &declared.resource_type;
        let witness = self.below(self.archive.of(resource_type).len());
        let mut query = Query {
            resource_type: resource_type.clone(),
            terms: Vec::new(),
            sort: Vec::new(),
            includes: Vec::new(),
            count: None,
            brief: self.chance(60),
            total: None,
            post: self.chance(15),
        };
        for _ in 0..self.terms() {
            let term = match query.terms.last().cloned() {
                // Another value of the same parameter has to hold too.
                Some(Term { links, questions }) if self.chance(15) && links.is_empty() => {
                    let code = questions[0].code.clone();
                    self.term(resource_type, witness, Vec::new(), &code)
                }
                _ => self.any_term(declared, witness),
            };
            query.terms.extend(term);
        }
        if self.chance(35) && !declared.sorts.is_empty() {
            for _ in 0..=self.below(2) {
                let code = self.one_of(&declared.sorts).clone();
                if query.sort.iter().all(|(known, _)| *known != code) {
                    let descending = self.chance(50);
                    query.sort.push((code, descending));
                }
            }
        }
        if self.chance(25) && !declared.includes.is_empty() {
            for _ in 0..=self.below(2) {
                let include = self.one_of(&declared.includes).clone();
                self.include(&mut query.includes, include);
            }
        }
        if self.chance(20) {
            query.total = Some(*self.one_of(&["none", "estimate", "accurate"]));
        }
        if self.chance(50) {
            let found = query.matches(self.archive).map_or(0, |found| found.len());
            let least = found.div_ceil(PAGES_MAX).max(1);
            query.count = Some(least + self.below(least * 2));
        }
        query
    }

    /// With one that starts from what it brings, now and then.
    fn include(&mut self, includes: &mut Vec<Include>, mut include: Include) {
        include.iterate = self.chance(20);
        let brings = match (include.reverse, &include.target) {
            (true, _) => Some(include.source.clone()),
            (false, target) => target.clone(),
        };
        let further = self.declared.iter().find(|of| Some(&of.resource_type) == brings.as_ref());
        if !includes.contains(&include) {
            includes.push(include);
        }
        if let Some(further) = further.filter(|further| !further.includes.is_empty())
            && self.chance(40)
        {
            let next = Include { iterate: true, ..self.one_of(&further.includes).clone() };
            if !includes.contains(&next) {
                includes.push(next);
            }
        }
    }

    fn terms(&mut self) -> usize {
        match self.below(100) {
            0..25 => 1,
            25..65 => 2,
            65..88 => 3,
            _ => 4,
        }
    }

    /// A parameter, or a chain of one or two steps to one.
    fn any_term(&mut self, declared: &'a Declared, witness: usize) -> Option<Term> {
        if declared.chains.is_empty() || !self.chance(35) {
            let parameter = self.one_of(&declared.parameters);
            let code = parameter.code.clone();
            return self.term(&declared.resource_type, witness, Vec::new(), &code);
        }
        let first = self.one_of(&declared.chains);
        let (mut links, mut code) = (vec![first.link.clone()], first.code.clone());
        let next = self.declared.iter().find(|next| next.resource_type == first.link.to());
        if let Some(next) = next
            && self.chance(30)
            && !next.chains.is_empty()
        {
            let second = self.one_of(&next.chains);
            links.push(second.link.clone());
            code.clone_from(&second.code);
        }
        self.term(&declared.resource_type, witness, links, &code)
    }

    /// Values for a parameter of the type at the end of the links.
    fn term(
        &mut self,
        resource_type: &str,
        witness: usize,
        links: Vec<Link>,
        code: &str,
    ) -> Option<Term> {
        let end = links.last().map_or(resource_type, Link::to).to_owned();
        let pools = self.pool(&end, code);
        if pools.is_empty() {
            return None;
        }
        let pool = self.one_of(&pools);
        let values = match self.below(100) {
            _ if pool[0].modifier == Some(Modifier::Missing) => 1,
            0..70 => 1,
            70..90 => 2,
            _ => 3,
        };
        let mut term = Term { links, questions: Vec::new() };
        let wanted = self.chance(90);
        for _ in 0..values {
            for attempt in 0..TRIES_MAX {
                let question = self.one_of(pool).clone();
                let mut longer = term.clone();
                if !longer.questions.contains(&question) {
                    longer.questions.push(question);
                }
                let Some(holding) = longer.holding(self.archive) else { continue };
                let enough = !wanted || attempt + 1 == TRIES_MAX;
                if enough || self.telling(&holding, resource_type, witness) {
                    term = longer;
                    break;
                }
            }
        }
        (!term.questions.is_empty()).then_some(term)
    }

    fn telling(&self, holding: &Set, resource_type: &str, witness: usize) -> bool {
        holding.contains(&witness) && holding.len() < self.archive.of(resource_type).len()
    }

    /// The questions of a parameter, by modifier and prefix.
    fn pool(&mut self, resource_type: &str, code: &str) -> Rc<Vec<Vec<Question>>> {
        let key = (resource_type.to_owned(), code.to_owned());
        if let Some(known) = self.pools.get(&key) {
            return Rc::clone(known);
        }
        let of_type = self.declared.iter().find(|one| one.resource_type == resource_type);
        let mut parameters = of_type.into_iter().flat_map(|of_type| &of_type.parameters);
        let found = parameters.find(|one| one.code == code);
        let made = found.map(|found| self.questions(resource_type, found)).unwrap_or_default();
        let made = Rc::new(made);
        self.pools.insert(key, Rc::clone(&made));
        made
    }

    fn questions(&self, resource_type: &str, parameter: &Parameter) -> Vec<Vec<Question>> {
        let Parameter { code, modifiers, prefixes, .. } = parameter;
        let all = candidates(self.archive, resource_type, code, (modifiers, prefixes));
        let forms = parameter.forms().into_iter();
        let pools = forms.map(|(modifier, prefix)| {
            let own = |one: &&Question| one.modifier.as_ref() == modifier && one.prefix == prefix;
            all.iter().filter(own).cloned().collect::<Vec<_>>()
        });
        pools.filter(|pool| !pool.is_empty()).collect()
    }

    fn one_of<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.random.next_u64()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
