//! What must be known of an XML document before the library sees it.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use serde_json::Value;

use super::{MAX_DEPTH, MAX_XML_BYTES, XmlError, unknown_type};
use crate::definitions::Definitions;

const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// What the library makes of a narrative that holds only its number.
const NUMBERED: [&str; 2] = ["<div xmlns=\"http://www.w3.org/1999/xhtml\">", "</div>"];

/// A well-formed document without what FHIR forbids.
pub struct Document {
    /// With a number in place of each narrative.
    pub xml: String,
    /// As they were written.
    pub narratives: Vec<String>,
}

impl Document {
    pub fn checked(xml: &str) -> Result<Self, XmlError> {
        if xml.len() > MAX_XML_BYTES {
            return Err(XmlError::TooLong);
        }
        let mut document = Self { xml: String::with_capacity(xml.len()), narratives: Vec::new() };
        let mut copied = 0;
        Scan::new(xml).run(Root::Resource, |narrative| {
            document.xml.push_str(xml.get(copied..narrative.start).unwrap_or_default());
            let number = document.narratives.len();
            document.xml.push_str(&numbered(number));
            document.narratives.push(xml.get(narrative.clone()).unwrap_or_default().to_owned());
            copied = narrative.end;
        })?;
        document.xml.push_str(xml.get(copied..).unwrap_or_default());
        Ok(document)
    }
}

/// What stands for a narrative while the library works.
pub fn numbered(number: usize) -> String {
    format!("{}{number}{}", NUMBERED[0], NUMBERED[1])
}

/// Puts the narratives back where their numbers stand in a resource.
pub fn restore_in_json(value: &mut Value, narratives: &[String]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| restore_in_json(item, narratives)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match field {
                    Value::String(text) if name == "div" => {
                        *text = restore_in_xml(text, narratives);
                    }
                    other => restore_in_json(other, narratives),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts the narratives back where their numbers stand in a document. Nothing else can look like
/// one: in an attribute, `<` is escaped.
pub fn restore_in_xml(xml: &str, narratives: &[String]) -> String {
    let length = narratives.iter().map(String::len).sum::<usize>();
    let mut restored = String::with_capacity(xml.len() + length);
    let mut parts = xml.split(NUMBERED[0]);
    restored.extend(parts.next());
    for part in parts {
        let numbered = part.split_once(NUMBERED[1]);
        let narrative = numbered.and_then(|(number, rest)| {
            Some((narratives.get(number.trim().parse::<usize>().ok()?)?, rest))
        });
        match narrative {
            Some((narrative, rest)) => restored.extend([narrative.as_str(), rest]),
            None => restored.extend([NUMBERED[0], part]),
        }
    }
    restored
}

/// Whether the text is one well-formed `div` of XHTML and nothing else.
pub fn check_narrative(text: &str) -> Result<(), XmlError> {
    let mut count = 0;
    let is_all = text.starts_with('<') && text.ends_with('>');
    match Scan::new(text).run(Root::Narrative, |_| count += 1) {
        Ok(()) if is_all && count == 1 => Ok(()),
        Err(XmlError::TooDeep) => Err(XmlError::TooDeep),
        _ => Err(XmlError::Narrative),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Resource,
    Narrative,
}

/// One pass over a document.
struct Scan<'x> {
    reader: Reader<&'x [u8]>,
    /// Elements that are open.
    depth: usize,
    has_root: bool,
    /// Where the narrative that is open starts, and at which depth.
    narrative: Option<(usize, usize)>,
}

impl<'x> Scan<'x> {
    fn new(xml: &'x str) -> Self {
        Self { reader: Reader::from_str(xml), depth: 0, has_root: false, narrative: None }
    }

    /// Refuses what may not be there; calls `found` with the bytes of each narrative.
    fn run(
        mut self,
        root: Root,
        mut found: impl FnMut(std::ops::Range<usize>),
    ) -> Result<(), XmlError> {
        loop {
            let at = self.reader.buffer_position();
            let malformed = || XmlError::NotWellFormed { at };
            let event = self.reader.read_event().map_err(|_| malformed())?;
            let is_empty = matches!(event, Event::Empty(_));
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    if self.depth == 0 && self.has_root {
                        return Err(malformed());
                    }
                    self.open(&start, root, at)?;
                    self.has_root = true;
                    self.depth += 1;
                    if is_empty {
                        self.close(&mut found);
                    }
                }
                Event::End(_) if self.depth == 0 => return Err(malformed()),
                Event::End(_) => self.close(&mut found),
                Event::Eof if self.depth > 0 || !self.has_root => return Err(malformed()),
                Event::Eof => return Ok(()),
                Event::Text(text) if self.depth == 0 && !text.trim_ascii().is_empty() => {
                    return Err(malformed());
                }
                Event::GeneralRef(_) | Event::CData(_) if self.depth == 0 => {
                    return Err(malformed());
                }
                Event::GeneralRef(entity) if !is_known(&entity) => return Err(XmlError::Forbidden),
                Event::DocType(_) | Event::PI(_) => return Err(XmlError::Forbidden),
                Event::Decl(_) if root == Root::Narrative => return Err(XmlError::Forbidden),
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::GeneralRef(_) => {}
            }
        }
    }

    fn open(&mut self, start: &BytesStart<'_>, root: Root, at: u64) -> Result<(), XmlError> {
        // A resource inside a resource takes two levels of XML for one of JSON.
        if self.depth > 2 * MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if start.name().prefix().is_some() {
            return Err(XmlError::Prefixed);
        }
        let mut is_xhtml = false;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| XmlError::NotWellFormed { at })?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| XmlError::Forbidden)?;
            is_xhtml |= attribute.key.into_inner() == "xmlns" && value == XHTML;
        }
        let name = start.local_name().into_inner();
        if self.depth == 0 && root == Root::Resource && !Definitions::r4().is_resource(name) {
            return Err(unknown_type(name));
        }
        if self.narrative.is_none() && (name == "div" || root == Root::Narrative) {
            if name != "div" || !is_xhtml {
                return Err(XmlError::Narrative);
            }
            let start = usize::try_from(at).map_err(|_| XmlError::TooLong)?;
            self.narrative = Some((start, self.depth));
        }
        Ok(())
    }

    fn close(&mut self, found: &mut impl FnMut(std::ops::Range<usize>)) {
        self.depth -= 1;
        if let Some((start, depth)) = self.narrative
            && depth == self.depth
        {
            self.narrative = None;
            // The position stays inside the text that was read.
            let end = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            found(start..end);
        }
    }
}

fn is_known(entity: &str) -> bool {
    matches!(entity, "lt" | "gt" | "amp" | "quot" | "apos") || entity.starts_with('#')
}
