//! `encode`, `decode`, `escape` and `unescape`, which FHIRPath has on trial.

use data_encoding::{BASE64, BASE64URL, Encoding, HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{error::Fault, function::Text};

const ENCODINGS: &str = "'hex', 'base64' or 'urlbase64'";
const ESCAPES: &str = "'html' or 'json'";

/// `None` for a text that isn't written in the encoding.
pub(super) fn convert(function: Text, text: &str, format: &str) -> Result<Option<String>, Fault> {
    match function {
        Text::Encode => Ok(Some(encoding(format)?.encode(text.as_bytes()))),
        Text::Decode => {
            let encoding = match format {
                "hex" => HEXLOWER_PERMISSIVE,
                _ => encoding(format)?,
            };
            let bytes = encoding.decode(text.as_bytes()).ok();
            Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
        }
        Text::Escape => match format {
            "html" => Ok(Some(escape_html(text))),
            "json" => {
                let quoted = serde_json::Value::from(text).to_string();
                let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                Ok(inner.map(str::to_owned))
            }
            _ => Err(Fault::Argument { expected: ESCAPES }),
        },
        _ => match format {
            "html" => Ok(Some(unescape_html(text))),
            "json" => Ok(Some(unescape_json(text))),
            _ => Err(Fault::Argument { expected: ESCAPES }),
        },
    }
}

fn encoding(format: &str) -> Result<Encoding, Fault> {
    match format {
        "hex" => Ok(HEXLOWER),
        "base64" => Ok(BASE64),
        "urlbase64" => Ok(BASE64URL),
        _ => Err(Fault::Argument { expected: ENCODINGS }),
    }
}

const HTML: [(&str, char); 5] =
    [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')];

fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match HTML.iter().find(|(_, special)| *special == letter) {
            Some((name, _)) => escaped.push_str(name),
            None => escaped.push(letter),
        }
    }
    escaped
}

fn unescape_html(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        plain.push_str(before);
        match HTML.iter().find(|(name, _)| entity.starts_with(name)) {
            Some((name, letter)) => {
                plain.push(*letter);
                rest = entity.get(name.len()..).unwrap_or_default();
            }
            None => {
                plain.push('&');
                rest = entity.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// As FHIRPath's strings are written; quotes may also stand unescaped.
fn unescape_json(text: &str) -> String {
    let quoted = format!("\"{}\"", text.replace('"', "\\\""));
    let already = serde_json::from_str::<String>(&format!("\"{text}\""));
    already.or_else(|_| serde_json::from_str(&quoted)).unwrap_or_else(|_| text.to_owned())
}
