//! The addresses of `[http]` and `[operations]`: whether Genkan can listen there.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::finding::{Blame, Finding};
use crate::config::Config;

/// Another server that says nothing is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Address {
    section: &'static str,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Free,
    /// A Genkan answers there, probably the one of this configuration.
    Genkan,
    Taken,
    /// No address at all.
    Malformed,
    /// Not of this machine, or not for this account.
    Refused(String),
}

pub fn addresses(config: &Config) -> Vec<Address> {
    let data = Address { section: "[http]", text: config.http.listen.clone() };
    let operations = config.operations.listen.iter();
    let operations = operations.map(|text| Address { section: "[operations]", text: text.clone() });
    std::iter::once(data).chain(operations).collect()
}

pub fn look(address: &Address) -> Seen {
    let addresses: Vec<_> = address.text.to_socket_addrs().map_or(Vec::new(), Iterator::collect);
    if addresses.is_empty() {
        return Seen::Malformed;
    }
    match TcpListener::bind(addresses.as_slice()) {
        Ok(_) => Seen::Free,
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let genkan = addresses.iter().any(|address| answers_as_genkan(*address));
            if genkan { Seen::Genkan } else { Seen::Taken }
        }
        Err(error) => Seen::Refused(error.to_string()),
    }
}

fn answers_as_genkan(address: std::net::SocketAddr) -> bool {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("live\n"))
}

pub fn judge(address: &Address, seen: &Seen) -> Option<Finding> {
    let Address { section, text } = address;
    Some(match seen {
        Seen::Free => Finding::ok((
            format!("{section} {text} is free"),
            format!("{section} {text} は空いています"),
        )),
        Seen::Genkan => Finding::ok((
            format!("{section} a Genkan serves on {text}"),
            format!("{section} {text} では Genkan が動いています"),
        )),
        Seen::Taken => Finding::warning(
            "GKN-720",
            (
                format!("{section} {text} is taken, by another program or by Genkan with TLS"),
                format!("{section} {text} は使用中です（別のプログラムか、TLS の Genkan）"),
            ),
        )
        .remedy((
            format!("see who it is: ss -ltnp 'sport = :{}'", port(text)),
            format!("使用しているプログラムを調べます: ss -ltnp 'sport = :{}'", port(text)),
        )),
        Seen::Malformed => Finding::error(
            "GKN-721",
            Blame::Configuration,
            (
                format!("{section} listen: `{text}` is no address"),
                format!("{section} listen:「{text}」はアドレスではありません"),
            ),
        )
        .remedy(("HOST:PORT, like 127.0.0.1:8080", "127.0.0.1:8080 のように書きます")),
        Seen::Refused(error) => Finding::error(
            "GKN-722",
            Blame::Surroundings,
            (
                format!("{section} can't listen on {text}: {error}"),
                format!("{section} {text} で待ち受けできません: {error}"),
            ),
        )
        .remedy((
            "an address of this machine, and a port from 1024 on",
            "このコンピューターのアドレスと 1024 以上のポートを使います",
        )),
    })
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::finding::codes;
    use super::*;

    #[test]
    fn an_address_is_free_or_it_is_said_why_not() {
        for (text, expected) in [
            ("127.0.0.1:0", None),
            ("127.0.0.1:99999", Some("GKN-721")),
            ("nowhere", Some("GKN-721")),
            // TEST-NET-1: no machine has it. Spec: RFC 5737
            ("192.0.2.1:0", Some("GKN-722")),
        ] {
            let address = Address { section: "[http]", text: text.to_owned() };
            let findings: Vec<Finding> = judge(&address, &look(&address)).into_iter().collect();
            assert_eq!(codes(&findings), expected.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn a_port_that_is_taken_is_told_apart_from_our_own() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let text = listener.local_addr().expect("its address").to_string();
        let address = Address { section: "[http]", text };
        for (said, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlive\n", Seen::Genkan),
            ("HTTP/1.1 200 OK\r\n\r\nhello", Seen::Taken),
            ("SSH-2.0-x\r\n", Seen::Taken),
        ] {
            let server = listener.try_clone().expect("the same port");
            let answering = std::thread::spawn(move || {
                let (mut stream, _) = server.accept().expect("a look");
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(said.as_bytes());
            });
            assert_eq!(look(&address), expected, "{said}");
            answering.join().expect("it has answered");
        }
        let findings: Vec<Finding> = judge(&address, &Seen::Taken).into_iter().collect();
        assert_eq!(codes(&findings), ["GKN-720"]);
    }
}
