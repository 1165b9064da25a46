//! Answers that are still being made when their head goes out: what has to wait for their end.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::web::Bytes;

/// A body that says when it is over: sent, broken off or left.
struct Watched<B, F: FnOnce()> {
    body: B,
    end: Option<F>,
}

/// Runs `end` now, or if the answer is a stream when that is over.
pub fn at_end_of_stream<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    end: impl FnOnce() + Unpin + 'static,
) -> ServiceResponse<BoxBody> {
    match response.response().body().size() {
        BodySize::Stream => response
            .map_body(|_, body| BoxBody::new(Watched { body: body.boxed(), end: Some(end) })),
        BodySize::None | BodySize::Sized(_) => {
            end();
            response.map_into_boxed_body()
        }
    }
}

impl<F: FnOnce() + Unpin> MessageBody for Watched<BoxBody, F> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}

impl<B, F: FnOnce()> Drop for Watched<B, F> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}
