//! Logical ids: made from the key of a row, opaque, stateless, reversible, and refused when made up.
//!
//! `id = generation ‖ base32(AES-SIV(key of the row))`, with the rule as associated data (RFC 5297).
//! Deterministic encryption is what is wanted here: one row has one id, on every server and after
//! every restart, and patient numbers stay out of URLs and access logs. The letters are those that
//! FHIR's `id` allows and that survive stores which fold case; keys too long for 64 of them take the
//! denser alphabet with `-` and `.`.

mod packing;

use std::cell::RefCell;
use std::collections::HashMap;

use aes_siv::KeyInit;
use aes_siv::siv::Aes128Siv;
use data_encoding::{BASE32_NOPAD, Encoding, Specification};

use packing::{pack, unpack};

/// FHIR's limit for an id.
const ID_LENGTH_MAX: usize = 64;
const TAG_LENGTH: usize = 16;

/// A site's secret of one generation. New ids use the newest; ids of earlier ones still open.
#[derive(Clone)]
pub struct SiteKey {
    /// `a` … `z`, the first letter of the ids made with it.
    pub generation: char,
    pub secret: [u8; 32],
}

/// How ids are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdMode {
    Opaque,
    /// The key of the row in readable form, for sites that require it.
    Plain,
}

#[derive(Clone)]
pub struct Identity {
    mode: IdMode,
    /// The current generation first.
    keys: Vec<SiteKey>,
    dense: Encoding,
}

/// The ids of one answer. Its resources refer to the same few others again and again, so each id is
/// made once.
pub struct Ids<'a> {
    identity: &'a Identity,
    known: RefCell<KnownIds>,
}

/// By rule and packed key.
type KnownIds = HashMap<(usize, Vec<u8>), Option<String>>;

/// More ids than a page refers to are forgotten again.
const IDS_KNOWN_MAX: usize = 4096;

impl<'a> Ids<'a> {
    pub fn new(identity: &'a Identity) -> Self {
        Ids { identity, known: RefCell::default() }
    }

    /// As [`Identity::encode`]; `index` stands for the rule.
    pub fn encode(&self, index: usize, rule: &str, key: &[&str]) -> Option<String> {
        let mut known = self.known.borrow_mut();
        if known.len() >= IDS_KNOWN_MAX {
            known.clear();
        }
        let id = known.entry((index, pack(key))).or_insert_with(|| self.identity.encode(rule, key));
        id.clone()
    }
}

/// Why an [`Identity`] can't be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IdentityError {
    #[error("no site key is configured")]
    NoKey,
    #[error("the generation of a site key is one letter from a to z, each used once")]
    Generation,
}

impl Identity {
    /// `keys`: the current generation first.
    pub fn new(mode: IdMode, keys: &[SiteKey]) -> Result<Self, IdentityError> {
        if keys.is_empty() {
            return Err(IdentityError::NoKey);
        }
        for (index, key) in keys.iter().enumerate() {
            let taken = keys[..index].iter().any(|known| known.generation == key.generation);
            if !key.generation.is_ascii_lowercase() || taken {
                return Err(IdentityError::Generation);
            }
        }
        let mut dense = Specification::new();
        dense.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");
        let dense = dense.encoding().map_err(|_| IdentityError::Generation)?;
        Ok(Identity { mode, keys: keys.to_vec(), dense })
    }

    /// How new ids are made: another mode or generation makes other ids of the same rows.
    pub fn way(&self) -> [u8; 2] {
        let generation = self.keys.first().and_then(|key| u8::try_from(key.generation).ok());
        [self.mode as u8, generation.unwrap_or_default()]
    }

    /// The id of the row with this key; `None` if the key is too long for FHIR's 64 characters.
    pub fn encode(&self, rule: &str, key: &[&str]) -> Option<String> {
        match self.mode {
            IdMode::Plain => {
                let parts = std::iter::once(rule).chain(key.iter().copied()).map(plain_part);
                let id = parts.collect::<Vec<_>>().join(".");
                (id.len() <= ID_LENGTH_MAX).then_some(id)
            }
            IdMode::Opaque => self.encode_opaque(rule, &pack(key)),
        }
    }

    fn encode_opaque(&self, rule: &str, packed: &[u8]) -> Option<String> {
        let key = &self.keys[0];
        let sealed = key.cipher().encrypt([b"id".as_slice(), rule.as_bytes()], packed).ok()?;
        let mut id = String::with_capacity(ID_LENGTH_MAX);
        if BASE32_NOPAD.encode_len(sealed.len()) < ID_LENGTH_MAX {
            id.push(key.generation);
            BASE32_NOPAD.encode_append(&sealed, &mut id);
            id.make_ascii_lowercase();
        } else {
            id.push(key.generation.to_ascii_uppercase());
            self.dense.encode_append(&sealed, &mut id);
        }
        (id.len() <= ID_LENGTH_MAX).then_some(id)
    }

    /// The key behind an id of this rule; `None` for every id that this site did not make.
    pub fn decode(&self, rule: &str, id: &str) -> Option<Vec<String>> {
        if id.len() > ID_LENGTH_MAX {
            return None;
        }
        match self.mode {
            IdMode::Plain => {
                let mut parts = id.split('.');
                let is_rule = parts.next().and_then(plain_text).is_some_and(|text| text == rule);
                is_rule.then(|| parts.map(plain_text).collect())?
            }
            IdMode::Opaque => {
                let generation = id.chars().next()?;
                let sealed = if generation.is_ascii_lowercase() {
                    if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
                        return None;
                    }
                    BASE32_NOPAD.decode(id.get(1..)?.to_ascii_uppercase().as_bytes()).ok()?
                } else {
                    self.dense.decode(id.get(1..)?.as_bytes()).ok()?
                };
                let key = self.key(generation.to_ascii_lowercase())?;
                let opened = key.cipher().decrypt([b"id".as_slice(), rule.as_bytes()], &sealed);
                unpack(&opened.ok()?)
            }
        }
    }

    /// Seals a text for a client to hold and give back (page tokens): secret and tamper-evident.
    /// `context` must be the same when it is opened.
    pub fn seal(&self, context: &[u8], key: &[&str]) -> String {
        let current = &self.keys[0];
        let sealed = current.cipher().encrypt([b"page".as_slice(), context], &pack(key));
        let mut token = current.generation.to_string();
        data_encoding::BASE64URL_NOPAD.encode_append(&sealed.unwrap_or_default(), &mut token);
        token
    }

    /// Opens what [`Identity::seal`] made in the same context.
    pub fn open(&self, context: &[u8], token: &str) -> Option<Vec<String>> {
        let key = self.key(token.chars().next()?)?;
        let sealed = data_encoding::BASE64URL_NOPAD.decode(token.get(1..)?.as_bytes()).ok()?;
        unpack(&key.cipher().decrypt([b"page".as_slice(), context], &sealed).ok()?)
    }

    /// A name for something outside, from which nothing of its key can be learnt. Made with the
    /// earliest key, so that a new generation does not rename what others know already.
    pub fn pseudonym(&self, purpose: &str, key: &[&str]) -> [u8; TAG_LENGTH] {
        let mut name = [0; TAG_LENGTH];
        if let Some(earliest) = self.keys.last() {
            let derived = blake3::derive_key("genkan pseudonym", &earliest.secret);
            let mut hasher = blake3::Hasher::new_keyed(&derived);
            hasher.update(&pack(&[purpose]));
            hasher.update(&pack(key));
            hasher.finalize_xof().fill(&mut name);
        }
        name
    }

    fn key(&self, generation: char) -> Option<&SiteKey> {
        self.keys.iter().find(|key| key.generation == generation)
    }
}

impl SiteKey {
    fn cipher(&self) -> Aes128Siv {
        Aes128Siv::new(&self.secret.into())
    }
}

/// Letters and digits as they are, every other byte as `-` and two hex digits.
fn plain_part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            part.push(char::from(byte));
        } else {
            part.push('-');
            part.push_str(&data_encoding::HEXLOWER.encode(&[byte]));
        }
    }
    part
}

fn plain_text(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'-' {
            bytes.extend(data_encoding::HEXLOWER.decode(tail.get(..2)?).ok()?);
            rest = &tail[2..];
        } else if first.is_ascii_alphanumeric() {
            bytes.push(*first);
            rest = tail;
        } else {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(mode: IdMode, generations: &str) -> Identity {
        let keys: Vec<SiteKey> = generations
            .chars()
            .map(|generation| SiteKey { generation, secret: [generation as u8; 32] })
            .collect();
        Identity::new(mode, &keys).expect("valid keys")
    }

    proptest! {
        #[test]
        fn an_id_opens_to_the_key_it_was_made_from(
            key in prop::collection::vec(
                "[0-9]{1,12}|[A-Za-z0-9 ._-]{0,6}|[あ-ん]{0,2}|[0-9a-f]{32}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|[0-9T:.+ -]{4,33}",
                1..3,
            ),
            plain in any::<bool>(),
        ) {
            let mode = if plain { IdMode::Plain } else { IdMode::Opaque };
            let identity = identity(mode, "ba");
            let parts: Vec<&str> = key.iter().map(String::as_str).collect();
            if let Some(id) = identity.encode("condition", &parts) {
                prop_assert!(id.len() <= ID_LENGTH_MAX);
                prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'));
                prop_assert_eq!(identity.decode("condition", &id), Some(key));
                prop_assert_eq!(identity.decode("patient", &id), None);
            }
        }

        #[test]
        fn made_up_ids_and_tokens_are_refused(text in "[a-zA-Z0-9.-]{0,70}") {
            let identity = identity(IdMode::Opaque, "a");
            prop_assert_eq!(identity.decode("patient", &text), None);
            prop_assert_eq!(identity.open(b"x", &text), None);
        }
    }

    #[test]
    fn an_altered_letter_is_noticed() {
        let identity = identity(IdMode::Opaque, "a");
        let id = identity.encode("patient", &["0000999739"]).expect("fits");
        for position in 0..id.len() {
            let mut altered = id.clone().into_bytes();
            altered[position] = if altered[position] == b'b' { b'c' } else { b'b' };
            let altered = String::from_utf8(altered).expect("ascii");
            assert_eq!(identity.decode("patient", &altered), None, "{altered}");
        }
        assert_eq!(identity.decode("patient", &id.to_uppercase()), None);
    }

    #[test]
    fn ids_of_an_earlier_generation_still_open() {
        let earlier = identity(IdMode::Opaque, "a").encode("patient", &["1"]).expect("fits");
        let rotated = identity(IdMode::Opaque, "ba");
        assert_eq!(rotated.decode("patient", &earlier), Some(vec!["1".to_owned()]));
        assert!(rotated.encode("patient", &["1"]).expect("fits").starts_with('b'));
        assert_eq!(identity(IdMode::Opaque, "b").decode("patient", &earlier), None);
    }

    #[test]
    fn usual_keys_make_short_ids_and_too_long_ones_are_refused() {
        let identity = identity(IdMode::Opaque, "a");
        assert!(identity.encode("patient", &["0000999739"]).expect("fits").len() <= 37);
        assert!(identity.encode("lab", &["20260401-123456", "K0001"]).expect("fits").len() <= 64);
        for key in [
            "0e984725-c51c-4bf4-9960-e1c80e27aba0",
            "0E984725-C51C-4BF4-9960-E1C80E27ABA0",
            "0e984725c51c4bf49960e1c80e27aba0",
            "0E984725C51C4BF49960E1C80E27ABA0",
            "2024-05-01T10:00:00.123456+09:00",
            "2024-05-01T10:00:00",
        ] {
            let id = identity.encode("lab", &[key, "12"]).expect("fits");
            assert_eq!(identity.decode("lab", &id), Some(vec![key.to_owned(), "12".to_owned()]));
        }
        assert_eq!(identity.encode("lab", &["x".repeat(60).as_str()]), None);
    }

    #[test]
    fn a_pseudonym_is_of_its_key_and_purpose_and_outlives_new_generations() {
        let (earlier, rotated) = (identity(IdMode::Opaque, "a"), identity(IdMode::Opaque, "ba"));
        let name = earlier.pseudonym("Bundle", &["1", "23"]);
        assert_eq!(rotated.pseudonym("Bundle", &["1", "23"]), name);
        assert_ne!(earlier.pseudonym("Bundle", &["12", "3"]), name);
        assert_ne!(earlier.pseudonym("Other", &["1", "23"]), name);
        assert_ne!(identity(IdMode::Opaque, "b").pseudonym("Bundle", &["1", "23"]), name);
    }

    #[test]
    fn a_page_token_opens_only_in_its_own_search() {
        let identity = identity(IdMode::Opaque, "a");
        let token = identity.seal(b"Observation?code=1", &["0", "山田"]);
        let key = vec!["0".to_owned(), "山田".to_owned()];
        assert_eq!(identity.open(b"Observation?code=1", &token), Some(key));
        assert_eq!(identity.open(b"Observation?code=2", &token), None);
    }
}
