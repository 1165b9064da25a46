//! Narratives: well-formed, with nothing that runs or reaches out (txt-1, txt-2).
//!
//! Spec: <https://hl7.org/fhir/R4/narrative.html>

use std::collections::HashSet;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{Code, Limits, Node, Walk};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

const ELEMENTS: [&str; 52] = [
    "a",
    "abbr",
    "acronym",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
];
const MORE_ELEMENTS: [&str; 4] = ["ul", "var", "u", "address"];
const ATTRIBUTES: [&str; 46] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "width",
];
const MORE_ATTRIBUTES: [&str; 4] = ["value", "xml:lang", "xml:space", "usemap"];
const SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "ftp", "cid"];

/// What is wrong with a narrative, each thing once.
#[derive(Debug, Default)]
struct Faults {
    is_malformed: bool,
    is_too_deep: bool,
    forbidden: Vec<String>,
    links: Vec<String>,
    has_content: bool,
}

impl<'w> Walk<'w> {
    pub(super) fn narrative(&mut self, node: Node<'w>, element: &str, text: &str) {
        let faults = check(text, self.outside.limits);
        if faults.is_too_deep {
            self.report(node, Code::TooDeep, element, "", "");
            return;
        }
        if faults.is_malformed {
            self.report(node, Code::NarrativeSyntax, element, "", "");
            return;
        }
        for found in &faults.forbidden {
            self.report(node, Code::NarrativeElement, element, found, "");
        }
        for found in &faults.links {
            self.report(node, Code::NarrativeLink, element, found, "");
        }
        if !faults.has_content {
            self.report(node, Code::NarrativeEmpty, element, "", "");
        }
    }
}

/// For `htmlChecks()`.
pub(super) fn is_good(text: &str, limits: Limits) -> bool {
    let faults = check(text, limits);
    !faults.is_malformed && !faults.is_too_deep && faults.forbidden.is_empty() && faults.has_content
}

fn check(text: &str, limits: Limits) -> Faults {
    let mut faults = Faults::default();
    if scan(text, limits.depth_levels(), &mut faults).is_none() {
        faults.is_malformed = true;
    }
    faults
}

/// `None` when it isn't one well-formed `div`.
fn scan(text: &str, levels_max: usize, faults: &mut Faults) -> Option<()> {
    let mut reader = Reader::from_str(text);
    let (mut depth, mut has_root) = (0_usize, false);
    let mut anchors = HashSet::new();
    let mut fragments = Vec::new();
    loop {
        let event = reader.read_event().ok()?;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                if depth == 0 && (has_root || !is_root(&start)) {
                    return None;
                }
                if depth >= levels_max {
                    faults.is_too_deep = true;
                    return None;
                }
                has_root = true;
                element(&start, faults, &mut anchors, &mut fragments)?;
                depth += usize::from(!is_empty);
            }
            Event::End(_) => depth = depth.checked_sub(1)?,
            Event::Text(text) => {
                let is_blank = text.trim().is_empty();
                if depth == 0 && !is_blank {
                    return None;
                }
                faults.has_content |= !is_blank;
            }
            Event::GeneralRef(_) | Event::CData(_) if depth == 0 => return None,
            Event::GeneralRef(_) | Event::CData(_) => faults.has_content = true,
            Event::DocType(_) | Event::PI(_) | Event::Decl(_) => return None,
            Event::Comment(_) => {}
            Event::Eof if depth == 0 && has_root => break,
            Event::Eof => return None,
        }
    }
    let missing = fragments.into_iter().filter(|fragment: &String| !anchors.contains(fragment));
    faults.links.extend(missing.map(|fragment| format!("#{fragment}")));
    Some(())
}

fn is_root(start: &BytesStart<'_>) -> bool {
    let is_xhtml = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        attribute.key.into_inner().starts_with("xmlns")
            && attribute.normalized_value(XmlVersion::Implicit1_0).is_ok_and(|value| value == XHTML)
    };
    start.local_name().into_inner() == "div" && start.attributes().flatten().any(is_xhtml)
}

fn element(
    start: &BytesStart<'_>,
    faults: &mut Faults,
    anchors: &mut HashSet<String>,
    fragments: &mut Vec<String>,
) -> Option<()> {
    let name = start.local_name().into_inner();
    let mut tell = |what: String| {
        if !faults.forbidden.contains(&what) && faults.forbidden.len() < 20 {
            faults.forbidden.push(what);
        }
    };
    if !ELEMENTS.contains(&name) && !MORE_ELEMENTS.contains(&name) {
        tell(format!("<{}>", name.chars().take(40).collect::<String>()));
    }
    faults.has_content |= name == "img";
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.into_inner();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        let is_known = ATTRIBUTES.contains(&key) || MORE_ATTRIBUTES.contains(&key);
        if !is_known && !key.starts_with("xmlns") && !key.starts_with("data-") {
            tell(format!("@{}", key.chars().take(40).collect::<String>()));
        }
        match key {
            "id" | "name" => {
                anchors.insert(value.into_owned());
            }
            "href" if name == "a" => match value.strip_prefix('#') {
                Some("") => {}
                Some(fragment) => fragments.push(fragment.to_owned()),
                None => faults.links.extend(bad_scheme(&value)),
            },
            _ => {}
        }
    }
    Some(())
}

/// The scheme of a link, if it is one that nobody should follow.
fn bad_scheme(link: &str) -> Option<String> {
    let (scheme, _) = link.split_once(':')?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    (is_scheme && !is_known).then(|| format!("{scheme}:"))
}
