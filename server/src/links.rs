//! Links of a page: the search as it was understood, and where it goes on.
//!
//! Who searches by POST keeps names and numbers out of addresses, which proxies and browsers write
//! down. R4 wants the self link to be a GET; so what the body said is sealed into `_page`, and only
//! this server can open it. A link that is too long for an address can be sent by POST again.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#conformance>

use genkan_mapping::identity::Identity;

use crate::exchange::Exchange;
use crate::parse::{Pairs, Search};
use crate::service::Service;

const PAGE: &str = "_page";
/// They choose the form of an answer and are read before any search is.
const OPEN: [&str; 2] = ["_format", "_pretty"];

/// The parameters of a search as they came.
#[derive(Debug)]
pub struct Asked {
    pub pairs: Pairs,
    /// By a body, or by the link of one.
    pub sealed: bool,
}

impl From<Pairs> for Asked {
    fn from(pairs: Pairs) -> Self {
        Asked { pairs, sealed: false }
    }
}

impl Asked {
    /// With what a link of ours has sealed.
    #[must_use]
    pub fn opened(mut self, identity: &Identity, resource_type: &str) -> Self {
        let mut pages = self.pairs.iter().enumerate().filter(|(_, (name, _))| name == PAGE);
        let sealed = pages.find_map(|(index, (_, token))| {
            Some((index, identity.open(&context(resource_type), token)?))
        });
        if let Some((index, texts)) = sealed {
            let mut texts = texts.into_iter();
            let mut inside = Pairs::new();
            while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
                inside.push((name, value));
            }
            self.pairs.splice(index..=index, inside);
            self.sealed = true;
        }
        self
    }
}

/// `base/Type?…`; with the token of the next page, the address of that one.
pub fn url(service: &Service, exchange: &Exchange, search: &Search, next: Option<&str>) -> String {
    let resource_type = search.request.resource_type;
    let own = search.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let own = own.filter(|(name, _)| next.is_none() || *name != PAGE);
    let all: Vec<(&str, &str)> = own.chain(next.map(|token| (PAGE, token))).collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    if search.sealed {
        let is_open = |(name, _): &&(&str, &str)| OPEN.contains(name);
        query.extend_pairs(all.iter().filter(is_open));
        let inside = all.iter().filter(|pair| !is_open(pair));
        let texts: Vec<&str> = inside.flat_map(|(name, value)| [*name, *value]).collect();
        query.append_pair(PAGE, &service.identity.seal(&context(resource_type), &texts));
    } else {
        query.extend_pairs(all);
    }
    let query = query.finish();
    let question = if query.is_empty() { "" } else { "?" };
    format!("{}/{resource_type}{question}{query}", exchange.base)
}

/// Longer than the one of a cursor, so that neither opens as the other.
fn context(resource_type: &str) -> Vec<u8> {
    format!("parameters of a search by POST: {resource_type}").into_bytes()
}
