//! What is known of one request before its query is read, and what is counted while it is
//! answered: form, language, own address, trace id, stages.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use chrono::{DateTime, Utc};
use genkan_mapping::diagnostic::Language;

use crate::clients::ClientName;
use crate::conditional::Conditions;
use crate::error::Error;
use crate::http::Peer;
use crate::negotiate::{self, Form, Handling};
use crate::parse;
use crate::service::Service;
use crate::stages::Stages;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const REQUEST_ID_BYTES_MAX: usize = 64;
/// As it stands in the manifest, and as a client may write it.
const FILES: [&str; 2] = ["/fhir/$export-file/", "/fhir/%24export-file/"];
const HOST_BYTES_MAX: usize = 255;

/// One request on its way through the rooms.
#[derive(Debug)]
pub struct Exchange {
    /// `X-Request-Id` of the client if it is harmless, or else the id of the trace.
    pub trace_id: String,
    /// By the address and the headers, or by the form of a search that came in a body.
    form: Cell<Form>,
    pub language: Language,
    /// Of search parameters that can't be answered.
    pub handling: Handling,
    /// `https://fhir.example.jp/fhir`, without a slash at its end.
    pub base: String,
    /// What the client has already.
    pub conditions: Conditions,
    /// Since when the rules that answer hold: before, a resource may have looked different.
    pub rules_since: DateTime<Utc>,
    pub timeout_secs: u64,
    /// When its time is over; set when its interaction begins.
    deadline: Cell<Option<Instant>>,
    pub client: ClientName,
    /// It came by TLS.
    pub secure: bool,
    pub stages: Stages,
}

impl Exchange {
    /// Reads what every interaction needs. The exchange is there in any case, so that a refusal
    /// can be rendered; the error says why there will be no other answer.
    pub fn open(
        service: &Service,
        request: &HttpRequest,
        trace_id: String,
    ) -> (Self, Result<(), Error>) {
        let headers = request.headers();
        let stages = Stages::start();
        let uri_length = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
        let bytes_max = service.uri_bytes_max;
        let too_long = uri_length > bytes_max;
        let query = if too_long { "" } else { request.query_string() };
        let pairs = parse::pairs(query.as_bytes());
        // A file of an export has one form, whatever else a client takes.
        let is_file = FILES.iter().any(|path| request.path().starts_with(path));
        let accept = text(headers, &header::ACCEPT).filter(|_| !is_file);
        let form = negotiate::form(&pairs, accept);
        let peer = Peer::of(request);
        let base = service.base_url.clone().map_or_else(|| own_base(headers, peer.secure), Ok);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut exchange = Exchange {
            trace_id,
            form: Cell::default(),
            language: negotiate::language(text(headers, &header::ACCEPT_LANGUAGE)),
            handling: negotiate::handling(
                headers.get_all(&PREFER).filter_map(|value| value.to_str().ok()),
            ),
            base: String::new(),
            conditions: match reads {
                true => Conditions::of_headers(headers, SystemTime::now().into()),
                false => Conditions::default(),
            },
            rules_since: service.rules_since,
            timeout_secs: service.request_timeout_secs,
            deadline: Cell::default(),
            client: peer.client,
            secure: peer.secure,
            stages,
        };
        let entrance = || {
            exchange.form.set(form?);
            exchange.base = base?;
            if too_long { Err(Error::UriTooLong { bytes_max }) } else { Ok(()) }
        };
        let entrance = entrance();
        (exchange, entrance)
    }

    /// How the answer is written.
    pub fn form(&self) -> Form {
        self.form.get()
    }

    /// The interaction begins, and has this long.
    pub fn begin(&self) -> Instant {
        let deadline = Instant::now() + Duration::from_secs(self.timeout_secs);
        self.deadline.set(Some(deadline));
        deadline
    }

    /// `None`: nothing has begun, or a command takes the time that it needs.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.get()
    }

    /// A search in a body may say there how it wants its answer.
    pub fn reform(&self, pairs: &parse::Pairs) -> Result<(), Error> {
        self.form.set(negotiate::reform(self.form.get(), pairs)?);
        Ok(())
    }

    /// The exchange of an entry of a batch: whatever form the whole has, its parts are JSON.
    pub fn of_entry(&self, conditions: Conditions) -> Self {
        Exchange {
            trace_id: self.trace_id.clone(),
            form: Cell::default(),
            language: self.language,
            handling: self.handling,
            base: self.base.clone(),
            conditions,
            rules_since: self.rules_since,
            timeout_secs: self.timeout_secs,
            deadline: self.deadline.clone(),
            client: self.client.clone(),
            secure: self.secure,
            stages: Stages::start(),
        }
    }

    /// An exchange without a client: a command answers its own question.
    pub fn local(base: &str) -> Self {
        Exchange {
            trace_id: "local".to_owned(),
            form: Cell::default(),
            language: Language::English,
            handling: Handling::Strict,
            base: base.to_owned(),
            conditions: Conditions::default(),
            rules_since: DateTime::UNIX_EPOCH,
            timeout_secs: 60,
            deadline: Cell::default(),
            client: ClientName::default(),
            secure: false,
            stages: Stages::start(),
        }
    }
}

/// The client's own id for the request, if it can go into a log and a header unchanged.
pub fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = text(headers, &REQUEST_ID)?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let fits = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len());
    (fits && id.bytes().all(harmless)).then(|| id.to_owned())
}

/// The address under which the client knows us, where the configuration names none.
fn own_base(headers: &HeaderMap, secure: bool) -> Result<String, Error> {
    let host = text(headers, &header::HOST).filter(|host| is_host(host)).ok_or(Error::BadHost)?;
    let scheme = if secure { "https" } else { "http" };
    Ok(format!("{scheme}://{host}/fhir"))
}

/// A name or address with a port: nothing that could end the host part of a URL.
fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (1..=HOST_BYTES_MAX).contains(&host.len()) && host.bytes().all(allowed)
}

pub fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_can_not_smuggle_a_path_into_links() {
        for (host, allowed) in [
            ("ehr.example.jp", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("", false),
            ("evil/fhir?", false),
            ("user@evil", false),
            ("a b", false),
            ("病院", false),
        ] {
            assert_eq!(is_host(host), allowed, "{host}");
        }
    }
}
