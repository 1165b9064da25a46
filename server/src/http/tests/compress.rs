//! Packed answers hold what plain ones do, and only answers that are worth it are packed.

use std::io::Read as _;

use actix_web::web::Bytes;

use super::*;

async fn raw(http: &HttpConfig, uri: &str, accept: &str) -> (Vec<(String, String)>, Bytes) {
    let app = init_service(App::new().app_data(service(http).await).configure(routes)).await;
    let request = TestRequest::get().uri(uri).insert_header(("Accept-Encoding", accept));
    let response = call_service(&app, request.to_request()).await;
    let headers = response.headers().iter();
    let text = |value: &str| value.to_owned();
    let headers = headers
        .map(|(name, value)| (name.to_string(), value.to_str().map(text).unwrap_or_default()));
    let headers = headers.collect();
    (headers, read_body(response).await)
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[actix_web::test]
async fn an_answer_is_the_same_in_every_coding() {
    let http = HttpConfig { compress_bytes_min: 500, ..HttpConfig::default() };
    let uri = "/fhir/Patient";
    let (plain_headers, plain) = raw(&http, uri, "identity").await;
    assert_eq!(header(&plain_headers, "content-encoding"), None);
    for (accept, coding) in [("gzip", "gzip"), ("gzip, zstd", "zstd"), ("zstd;q=0, *", "gzip")] {
        let (headers, packed) = raw(&http, uri, accept).await;
        assert_eq!(header(&headers, "content-encoding"), Some(coding), "{accept}");
        assert_eq!(
            header(&headers, "vary"),
            Some("Accept, Accept-Language, Accept-Encoding, Prefer"),
            "{accept}"
        );
        assert_eq!(header(&headers, "etag"), header(&plain_headers, "etag"), "{accept}");
        assert!(packed.len() < plain.len() / 2, "{} of {}", packed.len(), plain.len());
        let mut unpacked = Vec::new();
        match coding {
            "zstd" => unpacked = zstd::decode_all(packed.as_ref()).expect("zstd"),
            _ => {
                let mut reader = flate2::read::GzDecoder::new(packed.as_ref());
                reader.read_to_end(&mut unpacked).expect("gzip");
            }
        }
        assert_eq!(unpacked, plain, "{accept}");
    }
}

#[actix_web::test]
async fn what_is_small_or_switched_off_goes_out_as_it_is() {
    let large = HttpConfig { compress_bytes_min: 1_000_000, ..HttpConfig::default() };
    let off = HttpConfig { compress: false, compress_bytes_min: 0, ..HttpConfig::default() };
    for http in [large, off] {
        let (headers, body) = raw(&http, "/fhir/Patient", "gzip, zstd").await;
        assert_eq!(header(&headers, "content-encoding"), None);
        assert!(body.starts_with(b"{\"resourceType\""));
        assert!(header(&headers, "vary").is_some_and(|vary| vary.contains("Accept-Encoding")));
    }
}

#[actix_web::test]
async fn a_packed_body_is_refused_with_what_is_taken() {
    for (coding, status) in [("gzip", 415), ("zstd", 415), ("identity", 200), ("", 415)] {
        let request = post("/fhir/Patient/_search", "gender=male")
            .insert_header(("Content-Encoding", coding));
        let answered = send(request).await;
        assert_eq!(answered.status, status, "{coding}: {}", answered.body);
        let told = (status == 415).then_some("identity");
        assert_eq!(answered.header("accept-encoding"), told, "{coding}");
    }
}
