//! All codes of a system one after the other, without a copy of anything: for what is to be turned round
//! or counted, of which most is looked at once and thrown away.

use chrono::NaiveDate;

use super::Store;
use super::packed::At;
use crate::concept::Property;

/// What a master says of a code now, where it is packed.
#[derive(Clone, Copy)]
pub(crate) struct Glimpse<'s> {
    pub code: &'s str,
    pub display: &'s str,
    pub until: Option<NaiveDate>,
    /// The master that names the code; others say more of it.
    pub is_first: bool,
    properties: At<'s>,
}

impl<'s> Glimpse<'s> {
    /// The values of a property, each passed on.
    pub fn each_value(&self, of: Property, mut take: impl FnMut(&'s str)) {
        let mut at = self.properties;
        let mut read = || {
            for _ in 0..at.count()? {
                let is_it = at.is_text(of.code())?;
                for _ in 0..at.count()? {
                    match is_it {
                        true => take(at.text()?),
                        false => at.skip()?,
                    }
                }
            }
            Some(())
        };
        let _damaged_ends_it = read();
    }
}

impl Store {
    /// Each code of a system, once for each master that has it.
    pub(crate) fn walk<'s>(&'s self, system: &str, mut take: impl FnMut(Glimpse<'s>)) {
        let Some(place) = self.place(system) else { return };
        for index in 0..place.count {
            let Some(at) = self.entry(&place, index) else { return };
            if self.glimpses(at, &mut take).is_none() {
                return;
            }
        }
    }

    fn glimpses<'s>(&'s self, mut at: At<'s>, take: &mut impl FnMut(Glimpse<'s>)) -> Option<()> {
        let code = at.text()?;
        let mut is_first = true;
        for _ in 0..at.count()? {
            at.skip()?;
            let mut latest = None;
            for _ in 0..at.count()? {
                let is_seen = self.sees(at.count()?);
                let said = glimpse(&mut at, code, is_first)?;
                latest = if is_seen { Some(said) } else { latest };
            }
            is_first &= latest.is_none();
            latest.into_iter().for_each(&mut *take);
        }
        Some(())
    }
}

/// Behind the number of its import.
fn glimpse<'s>(at: &mut At<'s>, code: &'s str, is_first: bool) -> Option<Glimpse<'s>> {
    let display = at.text()?;
    at.skip_optional()?;
    at.date()?;
    let until = at.date()?;
    at.skip_optional()?;
    for _ in 0..at.count()? {
        at.skip()?;
    }
    let properties = *at;
    for _ in 0..at.count()? {
        at.skip()?;
        for _ in 0..at.count()? {
            at.skip()?;
        }
    }
    Some(Glimpse { code, display, until, is_first, properties })
}
