//! Names that a Bundle gives away: its identifier and the `fullUrl` of its entries. Both are the
//! same every time and show no patient number.

use super::kind::Kind;

pub const SYSTEM: &str = "http://jpfhir.jp/fhir/clins/bundle-identifier";
/// Keeps identifiers of Genkan apart from those of the hospital's other systems, which share the
/// numbers of the institution and the year.
const PREFIX: &str = "GKN";

/// `^[0-4][0-9][1-3][0-9]{7}$`: prefecture, 点数表区分 and number of the institution.
pub fn is_institution_no(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().all(u8::is_ascii_digit)
        && (b'0'..=b'4').contains(&bytes[0])
        && (b'1'..=b'3').contains(&bytes[2])
}

/// Years that the profile admits: `20[2-3][0-9]`.
pub fn is_year(year: i32) -> bool {
    (2020..=2039).contains(&year)
}

/// `<医療機関コード>^<発行年>^GKN-C-<26 letters>`: 32 of the 36 characters of the third part.
/// `unique` is a keyed hash of what the unit is.
pub fn value(institution_no: &str, year: i32, kind: Kind, unique: [u8; 16]) -> String {
    let unique = data_encoding::BASE32_NOPAD.encode(&unique);
    format!("{institution_no}^{year}^{PREFIX}-{}-{unique}", kind.letter())
}

/// `urn:uuid:…` of a resource (`Type/id`) in one Bundle: a UUID of version 8, which is the one for
/// other hashes than SHA-1. Another Bundle gives the same resource another one.
pub fn full_url(bundle: &str, resource: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("genkan Bundle.entry.fullUrl");
    hasher.update(bundle.as_bytes());
    hasher.update(&[0]);
    hasher.update(resource.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_institution_number_has_prefecture_fee_table_and_number() {
        for (text, expected) in [
            ("1312345670", true),
            ("0110000000", true),
            ("4739999999", true),
            ("5012345670", false),
            ("1342345670", false),
            ("1302345670", false),
            ("131234567", false),
            ("13123456700", false),
            ("１３１２３４５", false),
            ("", false),
        ] {
            assert_eq!(is_institution_no(text), expected, "{text}");
        }
    }

    #[test]
    fn the_third_part_of_the_identifier_is_within_its_letters_and_length() {
        for kind in Kind::ALL {
            let value = value("1312345670", 2026, kind, [0xA5; 16]);
            let third = value.strip_prefix("1312345670^2026^").expect("institution and year");
            assert!((1..=36).contains(&third.len()), "{third}");
            assert!(third.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{third}");
        }
    }

    #[test]
    fn a_full_url_is_a_uuid_of_the_resource_in_its_bundle() {
        let url = full_url("b1", "Patient/a");
        assert_eq!(url.len(), "urn:uuid:".len() + 36);
        assert_eq!(&url[23..24], "8");
        assert_eq!(url, full_url("b1", "Patient/a"));
        assert_ne!(url, full_url("b1", "Patient/b"));
        assert_ne!(url, full_url("b2", "Patient/a"));
    }
}
