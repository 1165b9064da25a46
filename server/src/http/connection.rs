//! A connection that a slow client can't hold. The HTTP library limits the head of the first request
//! only; here each head and each pause has a limit. What a client has to do after its answer is
//! written, read it, is limited by [`super::stall`].
//!
//! It stands above TLS and sees what HTTP sees: a record that never ends is a head that never does.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::wire::Peer;

#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// From one answer to the next request.
    pub idle: Duration,
}

/// A byte stream under limits.
pub struct Connection<T> {
    io: T,
    patience: Patience,
    course: Course,
    /// Who is at its other end.
    pub peer: Peer,
    read_timer: Pin<Box<Sleep>>,
}

/// Where the connection is, shared with the service that knows when a request is complete.
#[derive(Debug, Clone)]
pub struct Course {
    phase: Rc<Cell<Phase>>,
    idle: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Between two requests, until then.
    Quiet(Instant),
    /// A head is arriving, until then.
    Head(Instant),
    /// So many requests are in work, more than one only over HTTP/2; their own limits hold.
    Work(usize),
    /// The answer is made; the pause starts with its last byte.
    Answered,
}

impl Course {
    /// The head of a request is complete.
    pub fn arrived(&self) {
        self.phase.set(Phase::Work(self.in_work() + 1));
    }

    /// Its answer is ready to be written.
    pub fn answered(&self) {
        self.leave(Phase::Answered);
    }

    /// Its answer is with the client, or will never be.
    pub fn finished(&self) {
        self.leave(Phase::Quiet(Instant::now() + self.idle));
    }

    pub fn in_work(&self) -> usize {
        if let Phase::Work(requests) = self.phase.get() { requests } else { 0 }
    }

    fn leave(&self, last: Phase) {
        self.phase.set(match self.in_work() {
            0 | 1 => last,
            more => Phase::Work(more - 1),
        });
    }
}

impl<T> Connection<T> {
    pub fn new(io: T, patience: Patience, peer: Peer) -> Self {
        let deadline = Instant::now() + patience.idle;
        Connection {
            io,
            patience,
            course: Course {
                phase: Rc::new(Cell::new(Phase::Quiet(deadline))),
                idle: patience.idle,
            },
            peer,
            read_timer: Box::pin(sleep_until(deadline)),
        }
    }

    pub fn course(&self) -> Course {
        self.course.clone()
    }

    fn phase(&self) -> Phase {
        self.course.phase.get()
    }

    fn begin_head(&self) {
        if let Phase::Quiet(_) | Phase::Answered = self.phase() {
            self.course.phase.set(Phase::Head(Instant::now() + self.patience.head));
        }
    }

    fn begin_quiet(&self) {
        if let Phase::Quiet(_) | Phase::Answered = self.phase() {
            self.course.phase.set(Phase::Quiet(Instant::now() + self.patience.idle));
        }
    }

    /// Ready when the client had its time.
    fn poll_read_limit(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let (Phase::Quiet(deadline) | Phase::Head(deadline)) = self.phase() else {
            return Poll::Pending;
        };
        if self.read_timer.deadline() != deadline {
            self.read_timer.as_mut().reset(deadline);
        }
        self.read_timer.as_mut().poll(cx).map(|()| timed_out())
    }
}

pub fn timed_out() -> io::Error {
    io::Error::from(io::ErrorKind::TimedOut)
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let connection = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut connection.io).poll_read(cx, buffer);
        if read.is_ready() && buffer.filled().len() > before {
            connection.begin_head();
        }
        // A client that drips is always ready: the limit is looked at in any case.
        match connection.poll_read_limit(cx) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => read,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let connection = self.get_mut();
        let written = ready!(Pin::new(&mut connection.io).poll_write(cx, bytes));
        connection.begin_quiet();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const NONE: Duration = Duration::ZERO;
    const HOUR: Duration = Duration::from_secs(3600);

    fn connection(patience: Patience) -> (Connection<DuplexStream>, DuplexStream) {
        let (server, client) = duplex(16);
        (Connection::new(server, patience, Peer::default()), client)
    }

    /// The server's side of a request that took its time and was answered.
    async fn exchange(connection: &mut Connection<DuplexStream>, client: &mut DuplexStream) {
        client.write_all(b"GET").await.expect("a request");
        let mut head = [0; 3];
        connection.read_exact(&mut head).await.expect("its head");
        connection.course().arrived();
        connection.course().answered();
        connection.write_all(b"ok").await.expect("its answer");
        client.read_exact(&mut [0; 2]).await.expect("taken");
    }

    async fn cut(connection: &mut Connection<DuplexStream>) -> io::ErrorKind {
        let mut buffer = [0; 16];
        loop {
            match connection.read(&mut buffer).await {
                Ok(0) => panic!("the client did not close"),
                Ok(_) => {}
                Err(error) => return error.kind(),
            }
        }
    }

    #[tokio::test]
    async fn an_unfinished_head_is_cut_on_every_request_of_a_connection() {
        for requests_before in 0..3 {
            let patience = Patience { head: HOUR, idle: HOUR };
            let (mut connection, mut client) = connection(patience);
            for _ in 0..requests_before {
                exchange(&mut connection, &mut client).await;
            }
            connection.patience.head = NONE;
            client.write_all(b"G").await.expect("the client begins");
            assert_eq!(cut(&mut connection).await, io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test]
    async fn more_bytes_of_a_head_give_it_no_more_time() {
        let patience = Patience { head: HOUR, idle: HOUR };
        let (mut connection, mut client) = connection(patience);
        let mut deadlines = Vec::new();
        for _ in 0..3 {
            client.write_all(b"G").await.expect("the client drips");
            connection.read_exact(&mut [0; 1]).await.expect("a drop");
            let Phase::Head(deadline) = connection.phase() else { panic!("a head arrives") };
            deadlines.push(deadline);
        }
        deadlines.dedup();
        assert_eq!(deadlines.len(), 1);
    }

    #[tokio::test]
    async fn a_pause_is_cut_and_a_request_in_work_is_not() {
        let patience = Patience { head: HOUR, idle: NONE };
        let (mut connection, mut client) = connection(patience);
        connection.course().arrived();
        assert!(connection.read(&mut [0; 1]).now_or_never().is_none(), "it waits for its work");
        connection.course().answered();
        connection.write_all(b"ok").await.expect("its answer");
        client.read_exact(&mut [0; 2]).await.expect("taken");
        assert_eq!(cut(&mut connection).await, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn of_several_requests_in_work_the_last_that_ends_begins_the_pause() {
        let (mut connection, _client) = connection(Patience { head: HOUR, idle: NONE });
        let course = connection.course();
        course.arrived();
        course.arrived();
        course.finished();
        assert_eq!(course.in_work(), 1);
        assert!(connection.read(&mut [0; 1]).now_or_never().is_none(), "one is still in work");
        course.finished();
        assert_eq!(cut(&mut connection).await, io::ErrorKind::TimedOut);
    }
}
