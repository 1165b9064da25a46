//! Which form and language an answer has: `_format`, `Accept`, `Accept-Language`.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#mime-type>. `_format` wins over `Accept`, because a
//! browser can't choose its header.

use genkan_mapping::diagnostic::{Language, Text};

use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse::Pairs;

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Form {
    pub format: Format,
    /// With line breaks and indents, for people.
    pub pretty: bool,
}

/// A form of a resource on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
    Xml,
}

impl Format {
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/fhir+json; charset=utf-8",
            Format::Xml => "application/fhir+xml; charset=utf-8",
        }
    }

    /// A MIME type without its parameters, or FHIR's short form of it.
    fn of(media_type: &str) -> Option<Self> {
        Some(match media_type.to_ascii_lowercase().as_str() {
            "json" | "application/fhir+json" | "application/json" | "text/json" => Format::Json,
            "xml" | "application/fhir+xml" | "application/xml" | "text/xml" => Format::Xml,
            _ => return None,
        })
    }
}

/// Chooses the form of the answer from the parameters of an address and the header.
pub fn form(pairs: &Pairs, accept: Option<&str>) -> Result<Form, Error> {
    let format = format(only(pairs, "_format")?, accept)?;
    Ok(Form { format, pretty: pretty(pairs)?.unwrap_or(false) })
}

/// The form with what a body says of it: R4 lets a search send all its parameters there.
pub fn reform(form: Form, pairs: &Pairs) -> Result<Form, Error> {
    let format = match only(pairs, "_format")? {
        Some(parameter) => format(Some(parameter), None)?,
        None => form.format,
    };
    Ok(Form { format, pretty: pretty(pairs)?.unwrap_or(form.pretty) })
}

fn pretty(pairs: &Pairs) -> Result<Option<bool>, Error> {
    match only(pairs, "_pretty")? {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(refused("_pretty", "has to be true or false", "は true か false です")),
    }
}

fn only<'p>(pairs: &'p Pairs, name: &str) -> Result<Option<&'p str>, Error> {
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(refused(name, "may stand once", "は一度しか書けません")),
    }
}

fn refused(name: &str, en: &str, ja: &str) -> Error {
    let message = Text::new(format!("{name}: {en}"), format!("「{name}」{ja}"));
    let reason = Refusal::Invalid;
    Error::Parameters(vec![RefusedParameter { name: name.to_owned(), reason, message }])
}

/// What becomes of search parameters that are unknown or can't be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Handling {
    /// They are refused.
    #[default]
    Strict,
    /// They are left out, and told.
    Lenient,
}

/// `Prefer: handling=lenient`. The first `handling` counts; preferences that nobody knows are none.
///
/// Spec: RFC 7240, 2
pub fn handling<'h>(prefer: impl Iterator<Item = &'h str>) -> Handling {
    let mut preferences = prefer.flat_map(|header| header.split(','));
    let value = preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let is_ours = name.trim().eq_ignore_ascii_case("handling");
        is_ours.then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    match value.as_deref() {
        Some("lenient") => Handling::Lenient,
        _ => Handling::Strict,
    }
}

/// Chooses between the formats.
pub fn format(parameter: Option<&str>, accept: Option<&str>) -> Result<Format, Error> {
    if let Some(parameter) = parameter {
        // A `+` that was not escaped in the URL has become a blank.
        let media_type = media_type(parameter).replace(' ', "+");
        let format = Format::of(&media_type).filter(|_| is_ours(parameter));
        return format.ok_or(Error::NotAcceptable);
    }
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Ok(Format::Json);
    };
    match (weight(accept, Format::Json), weight(accept, Format::Xml)) {
        (0, 0) => Err(Error::NotAcceptable),
        (json, xml) if xml > json => Ok(Format::Xml),
        _ => Ok(Format::Json),
    }
}

/// Refuses what has another form than JSON in mind. A browser would rather have XML, and takes any.
pub fn json_only(pairs: &Pairs, accept: Option<&str>) -> Result<(), Error> {
    let chosen = match only(pairs, "_format")? {
        None if accept.is_some_and(|accept| weight(accept, Format::Json) > 0) => Format::Json,
        parameter => format(parameter, accept)?,
    };
    if chosen == Format::Json { Ok(()) } else { Err(Error::NotAcceptable) }
}

/// How much a header wants a format, in thousandths.
fn weight(accept: &str, format: Format) -> u16 {
    let ranges: Vec<(&str, u16)> = accept
        .split(',')
        .filter(|range| is_ours(range))
        .map(|range| (media_type(range), quality(range)))
        .collect();
    // The most specific range decides: `*/*, application/fhir+xml;q=0` wants no XML.
    let named = ranges.iter().filter(|(range, _)| Format::of(range) == Some(format));
    let by_type = ranges.iter().filter(|(range, _)| *range == "application/*");
    let any = ranges.iter().filter(|(range, _)| *range == "*/*");
    let best = |found: &mut dyn Iterator<Item = &(&str, u16)>| found.map(|(_, q)| *q).max();
    let weight =
        best(&mut { named }).or_else(|| best(&mut { by_type })).or_else(|| best(&mut { any }));
    weight.unwrap_or(0)
}

/// How the bytes of an answer are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Identity,
    Gzip,
    Zstd,
}

/// By weight; of equal ones zstd, then gzip, because both are smaller than nothing. Whoever takes none
/// of them gets the plain bytes. Spec: RFC 9110, 12.5.3
pub fn coding(accept_encoding: Option<&str>) -> Coding {
    let ranges = accept_encoding.unwrap_or_default().split(',');
    let weight = |names: &[&str]| {
        let named = ranges.clone().filter(|range| names.iter().any(|n| same(media_type(range), n)));
        named.map(quality).max()
    };
    let any = weight(&["*"]);
    let zstd = weight(&["zstd"]).or(any).unwrap_or(0);
    let gzip = weight(&["gzip", "x-gzip"]).or(any).unwrap_or(0);
    // Plain bytes are welcome to everybody who does not say otherwise, but no better than what is
    // named.
    let identity = weight(&["identity"]).unwrap_or(1);
    match zstd.max(gzip) {
        0 => Coding::Identity,
        best if best < identity => Coding::Identity,
        best if best == zstd => Coding::Zstd,
        _ => Coding::Gzip,
    }
}

/// The language of messages: Japanese if the client asks for it before English.
pub fn language(accept_language: Option<&str>) -> Language {
    let ranges = accept_language.unwrap_or_default().split(',');
    let weight = |wanted: &str| {
        ranges
            .clone()
            .filter(|range| {
                let tag = media_type(range);
                tag.split('-').next().is_some_and(|primary| primary.eq_ignore_ascii_case(wanted))
            })
            .map(quality)
            .max()
            .unwrap_or(0)
    };
    if weight("ja") > weight("en") { Language::Japanese } else { Language::English }
}

/// Is this the media type of a body that can be read here: in UTF-8, and of our version of FHIR?
pub fn is_media_type(header: Option<&str>, expected: &str) -> bool {
    header.is_some_and(|header| {
        let ascii = parameter_of(header, "charset").is_some_and(|name| same(name, "us-ascii"));
        media_type(header).eq_ignore_ascii_case(expected)
            && (ascii || is_our_charset(header))
            && is_our_version(header)
    })
}

/// In UTF-8, which is all that FHIR is written in, and of our version of it.
fn is_ours(range: &str) -> bool {
    is_our_version(range) && is_our_charset(range)
}

fn is_our_charset(range: &str) -> bool {
    let charset = parameter_of(range, "charset");
    charset.is_none_or(|charset| same(charset, "utf-8") || same(charset, "utf8"))
}

fn same(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// FHIR's own parameter of a MIME type: a client that wants another version gets no R4.
fn is_our_version(range: &str) -> bool {
    let version = parameter_of(range, "fhirVersion");
    version.is_none_or(|version| version == "4.0" || version.starts_with("4.0."))
}

/// The value of a parameter, without quotes.
fn parameter_of<'r>(range: &'r str, wanted: &str) -> Option<&'r str> {
    range.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
}

fn media_type(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

/// `q` in thousandths; 1000 when it is absent, 0 when it can't be read.
fn quality(range: &str) -> u16 {
    let Some(value) = parameter_of(range, "q") else { return 1000 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let thousandths = format!("{fraction:0<3}");
    match (whole, thousandths.get(..3).and_then(|digits| digits.parse().ok())) {
        ("0", Some(thousandths)) => thousandths,
        ("1", Some(0)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_an_answer_follows_format_then_accept() {
        for (parameter, accept, expected) in [
            (None, None, Some(Format::Json)),
            (None, Some("*/*"), Some(Format::Json)),
            (None, Some("application/*"), Some(Format::Json)),
            (None, Some("application/fhir+xml"), Some(Format::Xml)),
            (None, Some("application/fhir+xml;q=0.8, application/json;q=0.9"), Some(Format::Json)),
            (None, Some("text/html,application/xml;q=0.9,*/*;q=0.8"), Some(Format::Xml)),
            (None, Some("*/*, application/fhir+json;q=0"), Some(Format::Xml)),
            (None, Some("application/fhir+json; fhirVersion=4.0"), Some(Format::Json)),
            (None, Some("application/fhir+json; fhirVersion=3.0"), None),
            (None, Some("application/fhir+json; fhirVersion=\"4.0.1\""), Some(Format::Json)),
            (
                None,
                Some("application/fhir+json; fhirVersion=5.0, application/xml; q=0.1"),
                Some(Format::Xml),
            ),
            (Some("application/fhir+json;fhirVersion=3.0"), None, None),
            (None, Some("text/html"), None),
            (None, Some("application/fhir+json;q=0"), None),
            (None, Some("application/fhir+json;q=abc"), None),
            (Some("xml"), Some("application/fhir+json"), Some(Format::Xml)),
            (Some("application/fhir xml"), None, Some(Format::Xml)),
            (Some("application/fhir+json;fhirVersion=4.0"), None, Some(Format::Json)),
            (Some("ttl"), Some("application/fhir+json"), None),
            (Some(""), None, None),
            (Some("application/fhir+xml; charset=UTF-8"), None, Some(Format::Xml)),
            (Some("application/fhir+json;fhirVersion=5.0"), None, None),
            (Some("application/fhir+json;charset=Shift_JIS"), None, None),
            (None, Some("application/fhir+json; charset=\"utf-8\""), Some(Format::Json)),
            (None, Some("application/fhir+xml; charset=utf-16, */*;q=0.1"), Some(Format::Json)),
            (None, Some("text/turtle"), None),
            (None, Some("application/fhir+turtle, application/x-turtle"), None),
        ] {
            let chosen = format(parameter, accept).ok();
            assert_eq!(chosen, expected, "_format={parameter:?} Accept: {accept:?}");
        }
    }

    #[test]
    fn the_smaller_coding_that_the_client_takes_is_chosen() {
        for (header, expected) in [
            (None, Coding::Identity),
            (Some(""), Coding::Identity),
            (Some("gzip"), Coding::Gzip),
            (Some("x-gzip, deflate"), Coding::Gzip),
            (Some("gzip, deflate, br, zstd"), Coding::Zstd),
            (Some("gzip;q=1.0, zstd;q=0.5"), Coding::Gzip),
            (Some("GZIP;q=0.001"), Coding::Gzip),
            (Some("gzip;q=0, *;q=0"), Coding::Identity),
            (Some("*"), Coding::Zstd),
            (Some("zstd;q=0, *;q=0.5"), Coding::Gzip),
            (Some("identity, gzip;q=0.5"), Coding::Identity),
            (Some("identity;q=0.5, gzip;q=0.5"), Coding::Gzip),
            (Some("br, deflate"), Coding::Identity),
            // Nothing that we have: the plain bytes are better than none.
            (Some("br, identity;q=0"), Coding::Identity),
        ] {
            assert_eq!(coding(header), expected, "{header:?}");
        }
    }

    #[test]
    fn what_stands_twice_or_is_neither_true_nor_false_is_no_form() {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        for pairs in [
            vec![("_pretty", "yes")],
            vec![("_pretty", "true"), ("_pretty", "true")],
            vec![("_format", "json"), ("_format", "xml")],
        ] {
            let asked: Pairs = pairs.iter().map(pair).collect();
            assert!(form(&asked, None).is_err(), "{pairs:?}");
            assert!(reform(Form::default(), &asked).is_err(), "{pairs:?}");
        }
        let asked = [("name", "x"), ("_format", "xml")].iter().map(pair).collect();
        let pretty = Form { format: Format::Json, pretty: true };
        let reformed = reform(pretty, &asked).expect("a form");
        assert_eq!(reformed, Form { format: Format::Xml, pretty: true });
    }

    #[test]
    fn unknown_parameters_are_refused_unless_the_client_wants_them_left_out() {
        for (headers, expected) in [
            (&[][..], Handling::Strict),
            (&["handling=lenient"][..], Handling::Lenient),
            (&["handling=strict"][..], Handling::Strict),
            (&["return=minimal, Handling = \"lenient\"; x=y"][..], Handling::Lenient),
            (&["respond-async", "handling=lenient"][..], Handling::Lenient),
            (&["handling=strict", "handling=lenient"][..], Handling::Strict),
            (&["handling=loose"][..], Handling::Strict),
            (&["lenient", "handling"][..], Handling::Strict),
        ] {
            assert_eq!(handling(headers.iter().copied()), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_body_is_read_in_utf8_and_r4_only() {
        for (header, readable) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
            ("application/x-www-form-urlencoded;charset=\"utf-8\"", true),
            ("application/x-www-form-urlencoded; charset=Shift_JIS", false),
            ("application/x-www-form-urlencoded; fhirVersion=3.0", false),
            ("text/plain", false),
        ] {
            let read = is_media_type(Some(header), "application/x-www-form-urlencoded");
            assert_eq!(read, readable, "{header}");
        }
    }

    #[test]
    fn messages_are_english_unless_japanese_is_wanted_more() {
        for (header, expected) in [
            (None, Language::English),
            (Some("ja"), Language::Japanese),
            (Some("ja-JP,ja;q=0.9,en;q=0.8"), Language::Japanese),
            (Some("en-US,en;q=0.9,ja;q=0.8"), Language::English),
            (Some("de"), Language::English),
            (Some(";;q==,"), Language::English),
        ] {
            assert_eq!(language(header), expected, "{header:?}");
        }
    }
}
