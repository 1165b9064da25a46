//! The parameters of an operation, from a query or a Parameters resource. Each is taken by its name;
//! what nobody took is refused.

use chrono::NaiveDate;
use genkan_fhir::datetime::parse_date_time;
use genkan_mapping::Text;
use serde_json::Value;

use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse::Pairs;
use crate::service::Service;

/// They choose the form of the answer and were read before.
const CONTROL: [&str; 2] = ["_format", "_pretty"];
/// More than any client needs.
const PARAMETERS_MAX: usize = 100;
/// `YYYY-MM-DD`
const DAY_LETTERS: usize = 10;

/// What an operation is given, less what was taken.
#[derive(Debug, Default)]
pub struct Given {
    parameters: Vec<(String, Value)>,
    refused: Vec<RefusedParameter>,
}

/// A code with what it is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coding {
    pub system: Option<String>,
    pub version: Option<String>,
    pub code: String,
    pub display: Option<String>,
}

pub fn of_query(pairs: Pairs) -> Given {
    let pairs = pairs.into_iter().filter(|(name, _)| !CONTROL.contains(&name.as_str()));
    let parameters = pairs.map(|(name, value)| (name, Value::String(value))).collect();
    Given { parameters, refused: Vec::new() }
}

/// Those of a Parameters resource, behind those of the address.
pub fn of_body(mut given: Given, body: &[u8]) -> Result<Given, Error> {
    let resource: Value = serde_json::from_slice(body).map_err(|_| Error::BodyUnreadable)?;
    if resource["resourceType"] != "Parameters" {
        return Err(Error::BodyUnreadable);
    }
    let parameters = match resource.get("parameter") {
        None => return Ok(given),
        Some(parameters) => parameters.as_array().ok_or(Error::BodyUnreadable)?,
    };
    for parameter in parameters {
        let fields = parameter.as_object().ok_or(Error::BodyUnreadable)?;
        let name = fields.get("name").and_then(Value::as_str).ok_or(Error::BodyUnreadable)?;
        let mut values = fields.iter().filter(|(element, _)| element.starts_with("value"));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => {
                let value = match value {
                    Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
                    other => other.clone(),
                };
                given.parameters.push((name.to_owned(), value));
            }
            // A resource or parts: no operation takes them here.
            (None, _) => given.parameters.push((name.to_owned(), Value::Null)),
            _ => return Err(Error::BodyUnreadable),
        }
    }
    Ok(given)
}

impl Given {
    /// One more; without a value it is refused by whoever takes it.
    pub fn add(&mut self, name: &str, text: Option<&str>) {
        self.parameters.push((name.to_owned(), text.map_or(Value::Null, Value::from)));
    }

    /// # Errors
    /// Everything that is wrong, and everything that nobody took.
    pub fn end(mut self) -> Result<(), Error> {
        if self.parameters.len() > PARAMETERS_MAX {
            self.parameters.truncate(PARAMETERS_MAX);
        }
        for (name, _) in std::mem::take(&mut self.parameters) {
            let en = "not a parameter of this operation, or one that is not answered here";
            let ja = "はこの操作のパラメータでないか、ここでは使えません";
            self.refuse(&name, Refusal::NotSupported, en, ja);
        }
        if self.refused.is_empty() { Ok(()) } else { Err(Error::Parameters(self.refused)) }
    }

    pub fn refuse(&mut self, name: &str, reason: Refusal, en: &str, ja: &str) {
        let message = Text::new(format!("{name}: {en}"), format!("「{name}」{ja}"));
        self.refused.push(RefusedParameter { name: name.to_owned(), reason, message });
    }

    pub fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(known, _)| known == name)
    }

    fn all(&mut self, name: &str) -> Vec<Value> {
        let (own, rest) =
            std::mem::take(&mut self.parameters).into_iter().partition(|(known, _)| known == name);
        self.parameters = rest;
        let own: Vec<(String, Value)> = own;
        own.into_iter().map(|(_, value)| value).collect()
    }

    fn one(&mut self, name: &str) -> Option<Value> {
        let mut values = self.all(name).into_iter();
        let first = values.next();
        if values.next().is_some() {
            self.refuse(name, Refusal::Invalid, "may stand once", "は一度しか書けません");
        }
        first
    }

    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.all(name) {
            match value.as_str().filter(|text| !text.is_empty()) {
                Some(text) => texts.push(text.to_owned()),
                None => self.refuse(name, Refusal::Invalid, "has to be a text", "は文字列です"),
            }
        }
        texts
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.one(name)?;
        let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if text.is_none() {
            self.refuse(name, Refusal::Invalid, "has to be a text", "は文字列です");
        }
        text
    }

    pub fn needed(&mut self, name: &str) -> String {
        let (there, text) = (self.has(name), self.text(name));
        if !there {
            self.refuse(name, Refusal::Invalid, "is needed", "が必要です");
        }
        text.unwrap_or_default()
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                let (en, ja) = ("has to be true or false", "は true か false です");
                self.refuse(name, Refusal::Invalid, en, ja);
                None
            }
        }
    }

    /// Only its value `false` is what is done here.
    pub fn never(&mut self, name: &str) {
        if self.boolean(name) == Some(true) {
            let (en, ja) = ("only false is answered here", "は false だけです");
            self.refuse(name, Refusal::NotSupported, en, ja);
        }
    }

    pub fn number(&mut self, name: &str) -> Option<usize> {
        let text = self.text(name)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // As large as FHIR's integers are.
        let number = text.parse::<i32>().ok().filter(|_| digits);
        let number = number.and_then(|number| usize::try_from(number).ok());
        if number.is_none() {
            let (en, ja) = ("has to be a number from 0 on", "は 0 以上の数です");
            self.refuse(name, Refusal::Invalid, en, ja);
        }
        number
    }

    /// `date`: the day for which the answer holds; today if it is not given.
    pub fn day(&mut self, service: &Service) -> NaiveDate {
        const NAME: &str = "date";
        let today = service.wall_clock().date();
        let Some(text) = self.text(NAME) else { return today };
        // A month has no day for which an answer could hold.
        let parsed = parse_date_time(&text).ok().filter(|_| text.len() >= DAY_LETTERS);
        let day = parsed.map(|moment| moment.period(service.rules.site.zone).start.date());
        if day.is_none() {
            let en = "has to be a day (YYYY-MM-DD) or a moment with its offset";
            self.refuse(
                NAME,
                Refusal::Invalid,
                en,
                "は日（YYYY-MM-DD）か、オフセット付きの日時です",
            );
        }
        day.unwrap_or(today)
    }

    /// `displayLanguage`: the masters are Japanese.
    pub fn language(&mut self) {
        const NAME: &str = "displayLanguage";
        let language = self.text(NAME).unwrap_or_else(|| "ja".to_owned()).to_ascii_lowercase();
        if language.split(['-', '_']).next() != Some("ja") {
            let en = "displays are in Japanese: only `ja` is answered";
            self.refuse(NAME, Refusal::NotSupported, en, "は ja だけです");
        }
    }

    /// A Coding, which only a body can hold.
    pub fn coding(&mut self, name: &str) -> Option<Coding> {
        let value = self.one(name)?;
        let coding = of_json(&value);
        if coding.is_none() {
            let en = "has to be a Coding with a code, in the body of a POST";
            self.refuse(name, Refusal::Invalid, en, "は code のある Coding です（POST の本文）");
        }
        coding
    }

    /// The codings of a CodeableConcept.
    pub fn concept(&mut self, name: &str) -> Option<Vec<Coding>> {
        let value = self.one(name)?;
        let codings = value["coding"].as_array().map(Vec::as_slice).unwrap_or_default();
        let read: Option<Vec<Coding>> = codings.iter().map(of_json).collect();
        let read = read.filter(|codings| !codings.is_empty());
        if read.is_none() {
            let en = "has to be a CodeableConcept with codings, in the body of a POST";
            let ja = "は coding のある CodeableConcept です（POST の本文）";
            self.refuse(name, Refusal::Invalid, en, ja);
        }
        read
    }
}

fn of_json(value: &Value) -> Option<Coding> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some(Coding {
        system: text("system"),
        version: text("version"),
        code: text("code").filter(|code| !code.is_empty())?,
        display: text("display"),
    })
}
