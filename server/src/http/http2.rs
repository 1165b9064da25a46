//! HTTP/2 over TLS. The HTTP library speaks it too, but lets a client open any number of requests on
//! one connection, with 16 MB of headers each; here both have a limit, an answer that nobody takes is
//! given up, and a server that ends says so.
//!
//! A client that opens requests and takes them back at once (CVE-2023-44487) is cut off by `h2` when
//! they are more than it can hand over, and makes no more than [`STREAMS_MAX`] of them work here: one
//! counts until its work is done, also when it was taken back.
//!
//! Spec: RFC 9113

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use ::http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING, UPGRADE};
use ::http::{HeaderValue, Method, Response, Version};
use actix_http::Request;
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_service::Service;
use actix_web::http::header::{HOST, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, rt};
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Connection, Course};
use super::wire::Peer;

/// Requests of one connection at one time.
const STREAMS_MAX: u32 = 100;
/// Of one request, as HTTP/1.1's.
const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// Taken back before they were handed over.
const RESETS_MAX: usize = 20;
/// Bytes of bodies that a client may send ahead.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
const CHUNK_BYTES: usize = 16 * 1024;

/// What one connection goes by.
#[derive(Clone, Copy)]
pub struct Patience {
    /// For the first frames.
    pub handshake: Duration,
    /// Without a byte of an answer taken.
    pub stall: Duration,
}

/// Serves one connection to its end.
pub async fn serve<T, S, B>(
    io: Connection<T>,
    app: Rc<S>,
    patience: Patience,
    stop: impl Future<Output = ()>,
) -> Result<(), h2::Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request> + 'static,
    S::Response: Into<actix_http::Response<B>>,
    S::Error: Into<actix_http::Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let (course, peer) = (io.course(), io.peer.clone());
    let handshake = Builder::new()
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .handshake(io);
    let Ok(connection) = tokio::time::timeout(patience.handshake, handshake).await else {
        return Ok(());
    };
    let mut connection = connection?;
    let mut stop = std::pin::pin!(stop);
    let mut stopping = false;
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            () = &mut stop, if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
                continue;
            }
        };
        let Some(accepted) = accepted else { return Ok(()) };
        let (request, mut respond) = accepted?;
        if course.in_work() >= STREAMS_MAX as usize {
            respond.send_reset(Reason::REFUSED_STREAM);
            continue;
        }
        let (app, peer) = (Rc::clone(&app), peer.clone());
        let in_work = InWork::begin(&course);
        rt::spawn(async move {
            let _in_work = in_work;
            let head = *request.method() == Method::HEAD;
            // A client that is gone or takes nothing is no event: there is nobody to be told.
            let call = app.call(translated(request, peer));
            // Dropping the call ends its statement in the source.
            let answered = tokio::select! {
                answered = call => answered,
                _ = poll_fn(|context| respond.poll_reset(context)) => return,
            };
            let _ = match answered {
                Ok(response) => answer(response.into(), respond, head, patience.stall).await,
                Err(error) => answer(error.into(), respond, head, patience.stall).await,
            };
        });
    }
}

/// A request that counts until its answer is sent or given up.
struct InWork(Course);

impl InWork {
    fn begin(course: &Course) -> Self {
        course.arrived();
        InWork(course.clone())
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// The request in the form that routes know, with its host where HTTP/1.1 has it.
fn translated(request: ::http::Request<RecvStream>, peer: Peer) -> Request {
    let (parts, body) = request.into_parts();
    let mut translated = Request::with_payload(body.into());
    translated.extensions_mut().insert(peer);
    let head = translated.head_mut();
    let mut headers: HeaderMap = parts.headers.into();
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(HOST, host);
    }
    (head.uri, head.method, head.version, head.headers) =
        (parts.uri, parts.method, parts.version, headers);
    translated
}

async fn answer<B: MessageBody>(
    response: actix_http::Response<B>,
    mut respond: SendResponse<Bytes>,
    head: bool,
    stall: Duration,
) -> Result<(), h2::Error> {
    let mut translated = Response::new(());
    *translated.status_mut() = response.status();
    *translated.version_mut() = Version::HTTP_2;
    let headers = translated.headers_mut();
    for (name, value) in response.headers().iter() {
        // HTTP/2 says these with its frames.
        if ![CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name) {
            headers.append(name, value.clone());
        }
    }
    let body = response.into_body();
    if let BodySize::Sized(bytes) = body.size() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    let now = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = HeaderValue::from_str(&now) {
        headers.entry(DATE).or_insert(now);
    }
    let empty = head || matches!(body.size(), BodySize::None | BodySize::Sized(0));
    let stream = respond.send_response(translated, empty)?;
    if empty { Ok(()) } else { send(body, stream, stall).await }
}

/// The body, as fast as the client takes it.
async fn send<B: MessageBody>(
    body: B,
    mut stream: SendStream<Bytes>,
    stall: Duration,
) -> Result<(), h2::Error> {
    let mut body = std::pin::pin!(body);
    loop {
        // A client that is gone, or takes its request back, waits for no further chunk.
        let chunk = poll_fn(|cx| match stream.poll_reset(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => body.as_mut().poll_next(cx).map(Some),
        });
        let Some(chunk) = chunk.await else { return Ok(()) };
        let Some(chunk) = chunk else { break };
        let Ok(mut chunk) = chunk else {
            // An answer that is not whole must not look like one.
            stream.send_reset(Reason::INTERNAL_ERROR);
            return Ok(());
        };
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len().min(CHUNK_BYTES));
            let room = tokio::time::timeout(stall, poll_fn(|cx| stream.poll_capacity(cx))).await;
            let Ok(Some(room)) = room else {
                stream.send_reset(Reason::CANCEL);
                return Ok(());
            };
            let part = chunk.split_to(room?.min(chunk.len()));
            stream.send_data(part, false)?;
        }
    }
    stream.send_data(Bytes::new(), true)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::pin::Pin;
    use std::task::Context;

    use actix_service::fn_service;
    use actix_web::http::StatusCode;
    use tokio::sync::Notify;

    use super::super::connection;
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Tells when it goes.
    struct Work(Rc<Notify>);

    impl Drop for Work {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    /// One chunk, and then none for ever.
    struct Unending {
        _work: Work,
        chunk: Option<Bytes>,
    }

    impl MessageBody for Unending {
        type Error = Infallible;

        fn size(&self) -> BodySize {
            BodySize::Stream
        }

        fn poll_next(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, Infallible>>> {
            self.chunk.take().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk))))
        }
    }

    #[actix_web::test]
    async fn the_work_for_a_request_that_was_taken_back_ends_and_its_connection_serves_on() {
        let (began, ended) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        let (begin, end) = (Rc::clone(&began), Rc::clone(&ended));
        let app = fn_service(move |request: Request| {
            let (begin, end) = (Rc::clone(&begin), Rc::clone(&end));
            async move {
                let body = match request.path() {
                    "/answered" => return Ok(actix_http::Response::ok()),
                    "/made" => {
                        let _work = Work(end);
                        begin.notify_one();
                        pending().await
                    }
                    _ => {
                        begin.notify_one();
                        Unending { _work: Work(end), chunk: Some(Bytes::from_static(b"a")) }
                    }
                };
                let response = actix_http::Response::ok().set_body(BoxBody::new(body));
                Ok::<_, actix_http::Error>(response)
            }
        });
        let (client, server) = tokio::io::duplex(64 * 1024);
        let patience = connection::Patience { head: LONG, idle: LONG };
        let io = Connection::new(server, patience, Peer::default());
        let patience = Patience { handshake: LONG, stall: LONG };
        rt::spawn(serve::<_, _, BoxBody>(io, Rc::new(app), patience, pending()));
        let (mut requests, connection) = h2::client::handshake(client).await.expect("h2");
        rt::spawn(connection);
        let mut send = |path: &str| {
            let request = ::http::Request::get(format!("https://fhir.test{path}")).body(());
            requests.send_request(request.expect("a request"), true).expect("sent")
        };
        for path in ["/made", "/sent"] {
            let (response, mut stream) = send(path);
            began.notified().await;
            if path == "/sent" {
                let mut body = response.await.expect("a head").into_body();
                assert!(body.data().await.is_some_and(|chunk| chunk.is_ok()));
            }
            stream.send_reset(Reason::CANCEL);
            let waited = tokio::time::timeout(LONG, ended.notified()).await;
            assert!(waited.is_ok(), "{path}: it works on for nobody");
            let answered = tokio::time::timeout(LONG, send("/answered").0).await;
            let answered = answered.expect("in time").expect("an answer");
            assert_eq!(answered.status(), StatusCode::OK, "after {path}");
        }
    }
}
