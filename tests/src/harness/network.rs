//! A network between Genkan and a database server that can be made worse: slow, silent, or cut, all at
//! once or after so many bytes of the server's answers.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::pause;

/// How soon a link notices what has become of the network.
const LOOK: Duration = Duration::from_millis(5);
const PIECE_BYTES: usize = 1024;

pub struct Network {
    address: SocketAddr,
    /// `host:port` of the server.
    server: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    closed: AtomicBool,
    silent: AtomicBool,
    /// Before each piece of the server's answers.
    delay_ms: AtomicU64,
    /// Bytes that the server may still answer.
    bytes_left: Mutex<Option<usize>>,
    links: Mutex<Vec<TcpStream>>,
}

impl Network {
    /// Before the server of this URL.
    pub fn before(url: &str) -> Result<Self> {
        let (_, rest) = url.split_once('@').context("the URL names no account")?;
        let server = rest.split('/').next().unwrap_or_default().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let (of_links, far) = (Arc::clone(&state), server.clone());
        thread::spawn(move || {
            for near in listener.incoming() {
                if of_links.closed.load(Ordering::SeqCst) {
                    return;
                }
                // A server that is not there: whoever connects is cut off, as by a router.
                if let (Ok(near), Ok(far)) = (near, TcpStream::connect(&far)) {
                    let _ = link(near, far, &of_links);
                }
            }
        });
        Ok(Self { address, server, state })
    }

    /// The same URL through this network.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&self.server, &self.address.to_string(), 1)
    }

    /// Nothing comes through any more, and nobody is told.
    pub fn silence(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// Each piece of an answer comes so much later.
    pub fn delay(&self, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.state.delay_ms.store(delay_ms, Ordering::SeqCst);
    }

    /// All connections are cut as soon as the server has answered so many bytes more.
    pub fn cut_after(&self, bytes: usize) {
        *lock(&self.state.bytes_left) = Some(bytes);
    }

    /// As it was. What was cut stays so; new connections come through.
    pub fn mend(&self) {
        self.state.silent.store(false, Ordering::SeqCst);
        self.state.delay_ms.store(0, Ordering::SeqCst);
        *lock(&self.state.bytes_left) = None;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        self.state.cut();
        // So that the listener looks up.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn cut(&self) {
        for link in lock(&self.links).drain(..) {
            let _ = link.shutdown(Shutdown::Both);
        }
    }

    /// How many of these bytes of an answer may pass.
    fn allowed(&self, bytes: usize) -> usize {
        let mut left = lock(&self.bytes_left);
        let allowed = left.map_or(bytes, |left| left.min(bytes));
        *left = left.map(|left| left - allowed);
        allowed
    }
}

fn link(near: TcpStream, far: TcpStream, state: &Arc<State>) -> Result<()> {
    for end in [&near, &far] {
        end.set_nodelay(true)?;
        lock(&state.links).push(end.try_clone()?);
    }
    let (question, answer) = (Arc::clone(state), Arc::clone(state));
    let (near_too, far_too) = (near.try_clone()?, far.try_clone()?);
    thread::spawn(move || carry(near_too, far_too, &question, false));
    thread::spawn(move || carry(far, near, &answer, true));
    Ok(())
}

/// Until either end closes, or no byte more may pass.
fn carry(mut from: TcpStream, mut to: TcpStream, state: &State, is_answer: bool) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        while state.silent.load(Ordering::SeqCst) && !state.closed.load(Ordering::SeqCst) {
            pause(LOOK);
        }
        if is_answer {
            pause(Duration::from_millis(state.delay_ms.load(Ordering::SeqCst)));
        }
        let allowed = if is_answer { state.allowed(read) } else { read };
        if to.write_all(&piece[..allowed]).is_err() {
            break;
        }
        if allowed < read {
            state.cut();
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
