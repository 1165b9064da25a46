//! A network between the adapter and its server that can be cut: all at once, or each connection
//! after so many bytes of the server's answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::database::Database;

pub struct Network {
    pub address: SocketAddr,
    pub server: String,
    /// Bytes that each connection may still bring from the server.
    bytes_left: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Network {
    pub async fn before(database: &Database) -> Network {
        let (_, rest) = database.url.split_once('@').unwrap();
        let (server, _) = rest.split_once('/').unwrap();
        Network::open("127.0.0.1:0", server).await
    }

    pub async fn open(at: &str, server: &str) -> Network {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes_left = Arc::new(AtomicU64::new(u64::MAX));
        let (left, far) = (Arc::clone(&bytes_left), server.to_owned());
        let task = tokio::spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (left, far) = (Arc::clone(&left), far.clone());
                links.spawn(async move {
                    if let Ok(far) = TcpStream::connect(far).await {
                        carry(near, far, &left).await;
                    }
                });
            }
        });
        Network { address, server: server.to_owned(), bytes_left, task }
    }

    /// The database's address through this network.
    pub fn url(&self, database: &Database) -> String {
        database.url.replace(&self.server, &self.address.to_string())
    }

    /// From now on each connection is cut when all of them together have brought so many bytes.
    pub fn cut_after(&self, bytes: u64) {
        self.bytes_left.store(bytes, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.bytes_left.store(u64::MAX, Ordering::SeqCst);
    }

    pub async fn cut(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Until either end closes, or no byte is left.
async fn carry(mut near: TcpStream, mut far: TcpStream, left: &AtomicU64) {
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    let there = tokio::io::copy(&mut from_near, &mut to_far);
    let back = async {
        let mut piece = vec![0; 1024];
        while let Ok(read @ 1..) = from_far.read(&mut piece).await {
            let allowed = left.load(Ordering::SeqCst).min(read as u64);
            if left.load(Ordering::SeqCst) != u64::MAX {
                left.fetch_sub(allowed, Ordering::SeqCst);
            }
            let passed = &piece[..usize::try_from(allowed).unwrap()];
            if to_near.write_all(passed).await.is_err() || allowed < read as u64 {
                return;
            }
        }
    };
    tokio::select! { _ = there => {}, () = back => {} }
}
