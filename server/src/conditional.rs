//! What a client has already: `If-None-Match`, `If-Modified-Since` and `If-Match`. Pure.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#cread>, RFC 9110, 13. Tags are compared weakly, because
//! FHIR's are weak: they name a version, whatever form it is sent in.

use actix_web::http::header::{self, HeaderMap, HeaderName, HttpDate};
use chrono::{DateTime, SubsecRound, Utc};

/// The conditions of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    if_modified_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// What stands between the quotes.
    These(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is sent.
    Send,
    /// The client has it: 304.
    Unchanged,
    /// `If-Match` names another version: 412.
    Failed,
}

impl Conditions {
    /// Of a GET or HEAD. A time that can't be read or is still to come says nothing (RFC 9110,
    /// 13.1.3), and a tag that is none is not ours.
    pub fn of_headers(headers: &HeaderMap, now: DateTime<Utc>) -> Self {
        let tags = |name: HeaderName| {
            let lines = headers.get_all(name).filter_map(|value| value.to_str().ok());
            Tags::of(&lines.collect::<Vec<_>>().join(","))
        };
        let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let since = since.and_then(|text| text.parse::<HttpDate>().ok());
        let since = since.map(|date| DateTime::<Utc>::from(std::time::SystemTime::from(date)));
        Conditions {
            if_match: tags(header::IF_MATCH),
            if_none_match: tags(header::IF_NONE_MATCH),
            if_modified_since: since.filter(|since| *since <= now),
        }
    }

    /// Of an entry of a batch.
    pub fn of_entry(
        if_match: Option<&str>,
        if_none_match: Option<&str>,
        if_modified_since: Option<DateTime<Utc>>,
    ) -> Self {
        Conditions {
            if_match: if_match.and_then(Tags::of),
            if_none_match: if_none_match.and_then(Tags::of),
            if_modified_since,
        }
    }

    /// Whether a tag alone can end the request, before the rest of the answer is read.
    pub fn has_tags(&self) -> bool {
        self.if_none_match.is_some() && self.if_match.is_none()
    }

    /// Whether a time alone can.
    pub fn has_time(&self) -> bool {
        self.if_modified_since.is_some() && self.if_none_match.is_none() && self.if_match.is_none()
    }

    /// `tag`: what the answer's ETag says; `modified`: its Last-Modified.
    pub fn verdict(&self, tag: Option<&str>, modified: Option<DateTime<Utc>>) -> Verdict {
        if self.if_match.as_ref().is_some_and(|tags| !tags.name(tag)) {
            return Verdict::Failed;
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            // It is the better word: the time is not looked at.
            (Some(tags), _) => tags.name(tag),
            (None, Some(since)) => modified.is_some_and(|at| at.trunc_subsecs(0) <= since),
            (None, None) => false,
        };
        if unchanged { Verdict::Unchanged } else { Verdict::Send }
    }
}

impl Tags {
    fn of(list: &str) -> Option<Self> {
        if list.trim().is_empty() {
            return None;
        }
        if list.trim() == "*" {
            return Some(Tags::Any);
        }
        // The tags are what stands between quotes; what stands outside is `W/` and commas.
        let inside = list.split('"').skip(1).step_by(2);
        Some(Tags::These(inside.map(str::to_owned).collect()))
    }

    /// What has no tag has no current version that a tag could name; `*` asks for any answer.
    fn name(&self, tag: Option<&str>) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(tags) => tag.is_some_and(|tag| tags.iter().any(|known| known == tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn conditions(lines: &[(HeaderName, &str)]) -> Conditions {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).expect("a header"));
        }
        Conditions::of_headers(&headers, at("2026-04-02T00:00:00Z"))
    }

    #[test]
    fn tags_come_before_times_and_both_only_if_they_can_be_read() {
        use Verdict::{Failed, Send, Unchanged};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH};
        let same = "Wed, 01 Apr 2026 03:00:00 GMT";
        let before = "Wed, 01 Apr 2026 02:59:59 GMT";
        for (lines, expected) in [
            (vec![], Send),
            (vec![(IF_NONE_MATCH, r#"W/"a""#)], Unchanged),
            (vec![(IF_NONE_MATCH, r#""a""#)], Unchanged),
            (vec![(IF_NONE_MATCH, r#"W/"x,y" , "a""#)], Unchanged),
            (vec![(IF_NONE_MATCH, r#"W/"b""#), (IF_NONE_MATCH, r#"W/"a""#)], Unchanged),
            (vec![(IF_NONE_MATCH, "*")], Unchanged),
            (vec![(IF_NONE_MATCH, r#"W/"b", "A""#)], Send),
            (vec![(IF_NONE_MATCH, "a")], Send),
            (vec![(IF_NONE_MATCH, r#""x, "a", "#)], Send),
            (vec![(IF_NONE_MATCH, " ")], Send),
            (vec![(IF_MODIFIED_SINCE, same)], Unchanged),
            (vec![(IF_MODIFIED_SINCE, "Wednesday, 01-Apr-26 03:00:00 GMT")], Unchanged),
            (vec![(IF_MODIFIED_SINCE, before)], Send),
            (vec![(IF_MODIFIED_SINCE, "2026-04-01T03:00:00Z")], Send),
            // Still to come.
            (vec![(IF_MODIFIED_SINCE, "Fri, 01 Jan 2038 00:00:00 GMT")], Send),
            (vec![(IF_NONE_MATCH, r#"W/"b""#), (IF_MODIFIED_SINCE, same)], Send),
            (vec![(IF_NONE_MATCH, r#"W/"a""#), (IF_MODIFIED_SINCE, before)], Unchanged),
            (vec![(IF_MATCH, r#"W/"a""#)], Send),
            (vec![(IF_MATCH, "*")], Send),
            (vec![(IF_MATCH, r#"W/"b""#)], Failed),
            (vec![(IF_MATCH, r#"W/"b""#), (IF_NONE_MATCH, r#"W/"a""#)], Failed),
            (vec![(IF_MATCH, r#"W/"a""#), (IF_NONE_MATCH, r#"W/"a""#)], Unchanged),
        ] {
            let verdict = conditions(&lines).verdict(Some("a"), Some(at("2026-04-01T03:00:00.7Z")));
            assert_eq!(verdict, expected, "{lines:?}");
        }
    }

    #[test]
    fn what_has_neither_tag_nor_time_is_sent() {
        let lines = [(header::IF_NONE_MATCH, r#"W/"a""#)];
        assert_eq!(conditions(&lines).verdict(None, None), Verdict::Send);
        let lines = [(header::IF_MODIFIED_SINCE, "Wed, 01 Apr 2026 03:00:00 GMT")];
        assert_eq!(conditions(&lines).verdict(Some("a"), None), Verdict::Send);
    }
}
