//! The codes of a system as they are searched: their words folded once, in one text, so that a search
//! decodes nothing and only what it shows is looked up.

use chrono::NaiveDate;
use genkan_masters::{Crosswalk, Described, Words, fold};

use super::is_active;

#[derive(Debug)]
pub(super) struct Listing {
    codes: Vec<Box<str>>,
    /// The folded words of one code behind those of the other.
    words: String,
    /// Where each code's words end.
    ends: Vec<usize>,
    /// First and last day of use.
    days: Vec<(Option<NaiveDate>, Option<NaiveDate>)>,
}

impl Listing {
    /// Every code of a system that the masters have.
    pub fn of(crosswalk: &Crosswalk<'_>, url: &str) -> Self {
        let all = crosswalk.all(url);
        let mut listing = Listing {
            codes: Vec::with_capacity(all.len()),
            words: String::new(),
            ends: Vec::with_capacity(all.len()),
            days: Vec::with_capacity(all.len()),
        };
        for code in all {
            let Ok(Described { concept, sought_by, .. }) = crosswalk.described(url, &code) else {
                continue;
            };
            let names = [&concept.code, &concept.display].into_iter();
            let names = names.chain(&concept.kana).chain(&concept.synonyms).chain(&sought_by);
            for name in names {
                listing.words += &fold(name);
                // Words have no end of a line in them, so that none goes over two names.
                listing.words.push('\n');
            }
            listing.ends.push(listing.words.len());
            listing.days.push((concept.from, concept.until));
            listing.codes.push(code.into());
        }
        listing.words.shrink_to_fit();
        listing
    }

    /// The codes with these words, of those in use on a day if it is given, in their order.
    pub fn matching<'l>(
        &'l self,
        words: &'l Words,
        active_on: Option<NaiveDate>,
    ) -> impl Iterator<Item = &'l str> {
        let mut begin = 0;
        let all = self.codes.iter().zip(&self.ends).zip(&self.days);
        all.filter_map(move |((code, end), (from, until))| {
            let own = self.words.get(begin..*end).unwrap_or_default();
            begin = *end;
            let active = active_on.is_none_or(|day| is_active(*from, *until, day));
            (active && words.are_in(own)).then_some(&**code)
        })
    }
}
