//! Bodies of requests: the right form, not too large, not too slow.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use genkan_fhir::validation::Format;

use crate::error::Error;
use crate::exchange;
use crate::negotiate;
use crate::service::Service;

const FHIR_JSON: &str = "application/fhir+json";
const FHIR_XML: &str = "application/fhir+xml";
const FORM: &str = "application/x-www-form-urlencoded";

/// Lets a body in that has one of these forms; the first of them is what it should have.
fn accept(request: &HttpRequest, forms: &[&'static str]) -> Result<(), Error> {
    plain(request)?;
    let content_type = exchange::text(request.headers(), &header::CONTENT_TYPE);
    if forms.iter().any(|form| negotiate::is_media_type(content_type, form)) {
        return Ok(());
    }
    Err(Error::UnsupportedMediaType { expected: forms.first().copied().unwrap_or_default() })
}

/// Bodies here are forms and short lists. A packed one would only be a way to send 50 MB as 50 KB.
fn plain(request: &HttpRequest) -> Result<(), Error> {
    let coding = exchange::text(request.headers(), &header::CONTENT_ENCODING).unwrap_or_default();
    let is_plain = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    // A coding that is no text is none that anybody could read.
    let is_text = !request.headers().contains_key(header::CONTENT_ENCODING) || !coding.is_empty();
    if is_plain && is_text { Ok(()) } else { Err(Error::UnsupportedCoding) }
}

/// The bytes of a form.
pub async fn form(
    service: &Service,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<web::Bytes, Error> {
    accept(request, &[FORM])?;
    read(service, payload).await
}

/// The bytes of a resource in JSON.
pub async fn resource(
    service: &Service,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<web::Bytes, Error> {
    accept(request, &[FHIR_JSON, "application/json"])?;
    read(service, payload).await
}

/// The bytes of a document that is to be judged as it was written, and how it is said to be written.
pub async fn document(
    service: &Service,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(web::Bytes, Format), Error> {
    const XML: [&str; 2] = [FHIR_XML, "application/xml"];
    accept(request, &[FHIR_JSON, "application/json", XML[0], XML[1]])?;
    let content_type = exchange::text(request.headers(), &header::CONTENT_TYPE);
    let is_xml = XML.iter().any(|form| negotiate::is_media_type(content_type, form));
    let format = if is_xml { Format::Xml } else { Format::Json };
    Ok((read(service, payload).await?, format))
}

async fn read(service: &Service, payload: web::Payload) -> Result<web::Bytes, Error> {
    let (bytes_max, timeout_secs) = (service.body_bytes_max, service.body_read_timeout_secs);
    let arrived = payload.to_bytes_limited(bytes_max);
    match tokio::time::timeout(Duration::from_secs(timeout_secs), arrived).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Error::BodyUnreadable),
        Ok(Err(_)) => Err(Error::BodyTooLarge { bytes_max }),
        Err(_) => Err(Error::BodyTimeout { timeout_secs }),
    }
}
