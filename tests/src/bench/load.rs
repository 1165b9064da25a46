//! A small HTTP/1.1 client that keeps its connection, and many of them at once. It checks the status
//! and the length of each answer and looks at nothing else, to leave the processor to the others.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const HEAD_BYTES_MAX: usize = 64 * 1024;
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

pub struct Connection {
    stream: TcpStream,
    address: String,
    received: Vec<u8>,
}

/// An answer in the connection's buffer.
pub struct Answer<'c> {
    head: &'c [u8],
    pub body: &'c [u8],
}

impl Answer<'_> {
    /// Of the status line, three digits.
    pub fn status(&self) -> &str {
        let status = self.head.get(9..12).unwrap_or_default();
        std::str::from_utf8(status).unwrap_or_default()
    }

    /// A header by its name in lower case, or "".
    pub fn header(&self, name: &str) -> &str {
        let head = std::str::from_utf8(self.head).unwrap_or_default();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Head and body.
    pub fn bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

impl Connection {
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, address: address.to_owned(), received: Vec::new() })
    }

    /// Asks for a path or, as links have it, for a whole URL.
    pub async fn get(&mut self, path: &str) -> Result<Answer<'_>> {
        let request = request(&self.address, path);
        self.send(&request).await
    }

    /// With further lines of the head.
    pub async fn get_with(&mut self, path: &str, lines: &str) -> Result<Answer<'_>> {
        let request = request_with(&self.address, path, lines);
        self.send(&request).await
    }

    /// Until the head of an answer and something of its body are here.
    pub async fn begin(&mut self, path: &str) -> Result<()> {
        let request = request(&self.address, path);
        let head = self.head(&request).await?;
        while self.received.len() == head {
            self.read_more().await?;
        }
        Ok(())
    }

    /// Lines and bytes of an answer of any length, which is not kept.
    pub async fn lines(&mut self, path: &str) -> Result<(u64, u64)> {
        let request = request(&self.address, path);
        let head = self.head(&request).await?;
        ensure!(self.received.starts_with(b"HTTP/1.1 200"), "no answer");
        self.received.drain(..head);
        let mut chunks = Chunks::default();
        let (mut lines, mut bytes) = (0, 0);
        loop {
            let over = chunks.take(&self.received, |part| {
                lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
                bytes += part.len() as u64;
            })?;
            if over {
                return Ok((lines, bytes));
            }
            self.received.clear();
            self.read_more().await?;
        }
    }

    /// Sends a request and waits for the head of its answer; returns its length.
    async fn head(&mut self, request: &[u8]) -> Result<usize> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            self.read_more().await?;
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                return Ok(at + 4);
            }
            ensure!(self.received.len() <= HEAD_BYTES_MAX, "a head without end");
        }
    }

    async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let head = self.head(request).await?;
        if self.received.starts_with(b"HTTP/1.1 304") {
            ensure!(self.received.len() == head, "a body behind 304");
            return Ok(Answer { head: &self.received, body: &[] });
        }
        let Some(length) = content_length(&self.received[..head]) else {
            return self.chunked(head).await;
        };
        ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
        while self.received.len() < head + length {
            self.read_more().await?;
        }
        ensure!(self.received.len() == head + length, "more bytes than were announced");
        Ok(Answer { head: &self.received[..head], body: &self.received[head..] })
    }

    /// The body comes in chunks, which are taken out.
    async fn chunked(&mut self, head: usize) -> Result<Answer<'_>> {
        let mut body = Vec::new();
        let mut chunks = Chunks::default();
        let mut arrived = self.received.split_off(head);
        while !chunks.take(&arrived, |part| body.extend_from_slice(part))? {
            ensure!(body.len() <= ANSWER_BYTES_MAX, "an answer of more than {} bytes", body.len());
            arrived.clear();
            self.read_more().await?;
            arrived.extend(self.received.drain(head..));
        }
        self.received.extend_from_slice(&body);
        Ok(Answer { head: &self.received[..head], body: &self.received[head..] })
    }

    async fn read_more(&mut self) -> Result<()> {
        self.received.reserve(64 * 1024);
        let read = self.stream.read_buf(&mut self.received);
        ensure!(timeout(PATIENCE, read).await?? > 0, "the server closed the connection");
        Ok(())
    }
}

fn request(address: &str, path: &str) -> Vec<u8> {
    request_with(address, path, "")
}

/// `lines`: each with its end.
fn request_with(address: &str, path: &str, lines: &str) -> Vec<u8> {
    let path =
        path.strip_prefix("http://").and_then(|rest| rest.strip_prefix(address)).unwrap_or(path);
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/fhir+json\r\n{lines}\r\n"
    )
    .into()
}

/// Takes a body in chunks apart (RFC 9112, 7.1), wherever it was cut on the way.
#[derive(Default)]
struct Chunks {
    /// Of the chunk that is being read; 0: its length is.
    left: usize,
    line: Vec<u8>,
    seen: bool,
    last: bool,
}

impl Chunks {
    /// Hands on what is in the chunks; true behind the last one.
    fn take(&mut self, mut bytes: &[u8], mut part: impl FnMut(&[u8])) -> Result<bool> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (own, rest) = bytes.split_at(self.left.min(bytes.len()));
                part(own);
                self.left -= own.len();
                bytes = rest;
                continue;
            }
            self.line.push(bytes[0]);
            bytes = &bytes[1..];
            if !self.line.ends_with(b"\r\n") {
                ensure!(self.line.len() < 64, "a chunk without a length");
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            self.line.clear();
            if line.is_empty() && self.seen {
                if self.last {
                    return Ok(true);
                }
                continue;
            }
            self.left = usize::from_str_radix(&line, 16).context("a chunk without a length")?;
            (self.seen, self.last) = (true, self.left == 0);
        }
        Ok(false)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let start = head.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))?;
    let digits = &head[start + NAME.len()..];
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// What clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Of each answer, in order of length.
    pub latencies: Vec<Duration>,
    pub elapsed: Duration,
    pub bytes: usize,
}

impl Seen {
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        let index =
            (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).copied().unwrap_or_default()
    }
}

/// One question, and the status that its answer has to have.
pub struct Asked {
    pub path: String,
    /// Further lines of the head, each with its end.
    pub lines: String,
    pub status: &'static str,
}

impl Asked {
    pub fn plain(path: String) -> Self {
        Asked { path, lines: String::new(), status: "200" }
    }
}

/// Asks at random on so many connections, one request after the other on each.
pub async fn run(
    address: &str,
    questions: &[Asked],
    clients: usize,
    length: Duration,
) -> Result<Seen> {
    let mut set = JoinSet::new();
    let began = Instant::now();
    for client in 0..clients {
        let written =
            |asked: &Asked| (request_with(address, &asked.path, &asked.lines), asked.status);
        let requests = questions.iter().map(written).collect();
        let connection = Connection::open(address).await?;
        set.spawn(ask(connection, requests, client as u64, began + length));
    }
    let mut seen = Seen::default();
    while let Some(asked) = set.join_next().await {
        let (latencies, bytes) = asked??;
        seen.latencies.extend(latencies);
        seen.bytes += bytes;
    }
    seen.elapsed = began.elapsed();
    seen.latencies.sort_unstable();
    ensure!(!seen.latencies.is_empty(), "no answer in time");
    Ok(seen)
}

async fn ask(
    mut connection: Connection,
    requests: Vec<(Vec<u8>, &'static str)>,
    seed: u64,
    end: Instant,
) -> Result<(Vec<Duration>, usize)> {
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let (mut latencies, mut bytes) = (Vec::new(), 0);
    let mut sent = Instant::now();
    while sent < end {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (request, status) = &requests[(random >> 16) as usize % requests.len()];
        let answer = connection.send(request).await?;
        if answer.status() != *status {
            bail!("{}: {}", answer.status(), String::from_utf8_lossy(answer.body));
        }
        bytes += answer.bytes();
        let now = Instant::now();
        latencies.push(now - sent);
        sent = now;
    }
    Ok((latencies, bytes))
}
