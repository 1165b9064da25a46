//! FHIR's XML. Entities, DOCTYPE and processing instructions are refused before anything of them is
//! expanded; a narrative stays as it was written.

use std::ops::Range;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{Code, Limits, Problem, Problems, decoded_span, element, keep, narrow, source_span};
use crate::{
    names::Name,
    tree::{Form, Format, Record, Span, Tree},
};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Prefixes of the root: each of every element is looked for among them.
const MAX_PREFIXES: usize = 16;
/// Names of nodes that no element has in the source, one after the other in the decoded texts.
const NAMES: &str = "resourceTypeidurl";
const RESOURCE_TYPE: Range<u32> = 0..12;
const ID: Range<u32> = 12..14;
const URL: Range<u32> = 14..17;

/// The resource, as far as it could be read.
pub(super) fn read<'s>(
    source: &'s str,
    limits: Limits,
    problems: &mut Problems,
) -> Option<Tree<'s>> {
    let text = source.strip_prefix('\u{FEFF}').unwrap_or(source);
    let tree = Tree { source, decoded: NAMES.to_owned(), records: Vec::new(), format: Format::Xml };
    let reader = Reader::from_str(text);
    let skipped = source.len() - text.len();
    let levels_max = limits.depth_levels();
    let (open, prefixes) = (Vec::new(), Vec::new());
    let mut scan = Scan { reader, skipped, tree, open, prefixes, problems, levels_max };
    match scan.run() {
        Ok(()) => Some(scan.tree),
        Err(problem) => {
            keep(scan.problems, *problem);
            None
        }
    }
}

type Stop = Box<Problem>;

struct Scan<'s, 'p> {
    reader: Reader<&'s [u8]>,
    /// Bytes before what the reader sees.
    skipped: usize,
    tree: Tree<'s>,
    /// The records of the open elements; a resource has that of the element around it.
    open: Vec<usize>,
    /// Prefixes that stand for FHIR's namespace.
    prefixes: Vec<String>,
    problems: &'p mut Problems,
    levels_max: usize,
}

impl Scan<'_, '_> {
    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX) + self.skipped
    }

    /// A problem of the element that is open.
    fn keep(&mut self, mut problem: Problem) {
        // To find the element takes a while: not for one that isn't told anyway.
        if self.problems.has_room() {
            problem.expression = element::expression(&self.tree, &self.open);
            keep(self.problems, problem);
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        loop {
            let at = self.position();
            let malformed = |code| Box::new(Problem::new(code, at));
            let event = self.reader.read_event().map_err(|_| malformed(Code::XmlSyntax))?;
            match event {
                Event::Start(start) => {
                    self.start(&start, at, false)?;
                }
                Event::Empty(start) => self.start(&start, at, true)?,
                Event::End(_) if self.open.is_empty() => return Err(malformed(Code::XmlSyntax)),
                Event::End(_) => self.end(),
                Event::Eof if !self.open.is_empty() || self.tree.records.is_empty() => {
                    return Err(malformed(Code::XmlSyntax));
                }
                Event::Eof => return Ok(()),
                Event::Text(text) => {
                    if !text.trim_ascii().is_empty() {
                        self.keep(Problem::new(Code::TextContent, at));
                    }
                }
                Event::CData(_) => self.keep(Problem::new(Code::TextContent, at)),
                Event::GeneralRef(entity) => {
                    check_entity(&entity, at)?;
                    self.keep(Problem::new(Code::TextContent, at));
                }
                Event::DocType(_) => return Err(forbidden("DOCTYPE", at)),
                Event::PI(_) => return Err(forbidden("processing instruction", at)),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().and_then(Result::ok);
                    if let Some(encoding) = encoding
                        && !encoding.eq_ignore_ascii_case("utf-8")
                    {
                        let found = encoding.chars().take(40).collect::<String>();
                        keep(self.problems, Problem::new(Code::NotUtf8, at).found(found));
                    }
                }
                Event::Comment(_) => {}
            }
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, at: usize, is_empty: bool) -> Result<(), Stop> {
        if self.open.len() >= self.levels_max {
            return Err(Box::new(Problem::new(Code::TooDeep, at)));
        }
        let is_root = self.open.is_empty();
        if is_root && !self.tree.records.is_empty() {
            return Err(Box::new(Problem::new(Code::XmlSyntax, at).found("a second root element")));
        }
        let qualified = start.name();
        let local = start.local_name().into_inner();
        let prefix = qualified.prefix().map_or(0, |prefix| prefix.into_inner().len() + 1);
        let name_at = at + 1 + prefix;
        let name = source_span(name_at, name_at + local.len());
        if local == "div" && !is_root {
            return self.narrative(start, name, at, is_empty);
        }
        if is_root {
            self.namespaces(start, at)?;
        }
        let is_resource = local.starts_with(|letter: char| letter.is_ascii_uppercase());
        let record = match (is_resource, self.open.last().copied()) {
            (true, Some(around)) => around,
            (true, None) => self.push(Span::EMPTY, Span::EMPTY, Form::Object, at),
            (false, _) => self.push(name, Span::EMPTY, Form::Object, at),
        };
        if let Some(prefix) = qualified.prefix()
            && !self.prefixes.iter().any(|known| *known == prefix.into_inner())
        {
            keep(self.problems, Problem::new(Code::Namespace, at));
        }
        if is_resource {
            self.push(decoded_span(RESOURCE_TYPE), name, Form::String, at);
        }
        self.open.push(record);
        self.attributes(start, at, record, is_root)?;
        if is_empty {
            self.end();
        }
        Ok(())
    }

    fn push(&mut self, name: Span, value: Span, form: Form, at: usize) -> usize {
        let index = self.tree.records.len();
        self.tree.records.push(Record {
            name,
            number: Name::of(self.tree.text(name)),
            value,
            form,
            is_item: false,
            is_twin: false,
            at: narrow(at),
            end: narrow(index + 1),
            list: 0,
        });
        index
    }

    fn end(&mut self) {
        let Some(index) = self.open.pop() else { return };
        let end = narrow(self.tree.records.len());
        if let Some(record) = self.tree.records.get_mut(index) {
            record.end = end;
            if record.form == Form::Object && end as usize == index + 1 {
                record.form = Form::EmptyObject;
            }
        }
    }

    fn namespaces(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), Stop> {
        let mut is_fhir = start.name().prefix().is_some();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Box::new(Problem::new(Code::XmlSyntax, at)))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            if value.is_ok_and(|value| value == FHIR) {
                match attribute.key.into_inner().strip_prefix("xmlns:") {
                    Some(_) if self.prefixes.len() >= MAX_PREFIXES => {
                        let problem = Problem::new(Code::TooLarge, at);
                        return Err(Box::new(problem.found("prefixes of namespaces")));
                    }
                    Some(prefix) => self.prefixes.push(prefix.to_owned()),
                    None => is_fhir = true,
                }
            }
        }
        if !is_fhir {
            keep(self.problems, Problem::new(Code::Namespace, at));
        }
        Ok(())
    }

    fn attributes(
        &mut self,
        start: &BytesStart<'_>,
        at: usize,
        record: usize,
        is_root: bool,
    ) -> Result<(), Stop> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Box::new(Problem::new(Code::XmlSyntax, at)))?;
            let key = attribute.key.into_inner();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| forbidden("entity", at))?;
            let name = match key {
                "value" => None,
                "id" => Some(ID),
                "url" => Some(URL),
                "xmlns" if value == FHIR => continue,
                "xmlns" => {
                    keep(self.problems, Problem::new(Code::Namespace, at));
                    continue;
                }
                _ if is_root && key.starts_with("xmlns:") => continue,
                _ => {
                    let found = format!("@{}", key.chars().take(64).collect::<String>());
                    self.keep(Problem::new(Code::UnknownAttribute, at).found(found));
                    continue;
                }
            };
            let from = narrow(self.tree.decoded.len());
            self.tree.decoded.push_str(&value);
            let end = narrow(self.tree.decoded.len());
            let span = decoded_span(from..end);
            match name {
                Some(name) => {
                    self.push(decoded_span(name), span, Form::Attribute, at);
                }
                None => {
                    if let Some(record) = self.tree.records.get_mut(record) {
                        record.value = span;
                        record.form = Form::Attribute;
                    }
                }
            }
        }
        Ok(())
    }

    /// A `div` up to its end, with everything in it well-formed.
    fn narrative(
        &mut self,
        start: &BytesStart<'_>,
        name: Span,
        at: usize,
        is_empty: bool,
    ) -> Result<(), Stop> {
        let is_xhtml = start.attributes().flatten().any(|attribute| {
            attribute.key.into_inner().starts_with("xmlns")
                && attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .is_ok_and(|value| value == XHTML)
        });
        if !is_xhtml && start.name().prefix().is_none() {
            keep(self.problems, Problem::new(Code::Namespace, at));
        }
        let mut depth = usize::from(!is_empty);
        while depth > 0 {
            let here = self.position();
            let malformed = || Box::new(Problem::new(Code::XmlSyntax, here));
            match self.reader.read_event().map_err(|_| malformed())? {
                Event::Start(_) if depth >= self.levels_max => {
                    return Err(Box::new(Problem::new(Code::TooDeep, here)));
                }
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(malformed()),
                Event::DocType(_) => return Err(forbidden("DOCTYPE", here)),
                Event::PI(_) => return Err(forbidden("processing instruction", here)),
                Event::GeneralRef(entity) => check_entity(&entity, here)?,
                Event::Empty(_)
                | Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_) => {}
            }
        }
        let end = self.position();
        self.push(name, source_span(at, end), Form::Xhtml, at);
        Ok(())
    }
}

fn forbidden(found: &str, at: usize) -> Stop {
    Box::new(Problem::new(Code::XmlForbidden, at).found(found))
}

fn check_entity(entity: &str, at: usize) -> Result<(), Stop> {
    let is_known =
        matches!(entity, "lt" | "gt" | "amp" | "quot" | "apos") || entity.starts_with('#');
    if is_known { Ok(()) } else { Err(forbidden("entity", at)) }
}
