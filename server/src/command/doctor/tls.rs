//! `[http.tls]`: whether the files can be used, how long the certificate is valid, whether the chain is
//! one, and who could read along without it.

use genkan_mapping::Text;

use super::finding::{Blame, Finding};
use crate::clients::Clients;
use crate::config::Config;
use crate::http::tls::{
    Certificate, ClientCertificates, DAYS_LEFT_MIN, Tls, VersionMin, chain, now,
};

pub struct Seen {
    /// The data API listens on this machine only.
    local: bool,
    tls: Option<TlsSeen>,
}

struct TlsSeen {
    /// As `genkan serve` would load it.
    usable: Result<(), Text>,
    chain: Vec<Certificate>,
    client_certificates: ClientCertificates,
    version_min: VersionMin,
    now: i64,
}

pub fn look(config: &Config) -> Seen {
    let tls = config.http.tls.as_ref().map(|section| {
        let clients = Clients::new(&config.clients);
        let usable = clients.and_then(|clients| Tls::load(section, clients)).map(|_| ());
        let read = chain(&section.certificate_file).unwrap_or_default();
        TlsSeen {
            usable,
            chain: read.iter().filter_map(|der| Certificate::of(der)).collect(),
            client_certificates: section.client_certificates,
            version_min: section.version_min,
            now: now(),
        }
    });
    let host = config.http.listen.rsplit_once(':').map_or("", |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    Seen { local, tls }
}

pub fn judge(seen: &Seen) -> Vec<Finding> {
    let Some(tls) = &seen.tls else { return vec![plain(seen.local)] };
    if let Err(refused) = &tls.usable {
        return vec![Finding::error("GKN-710", Blame::Configuration, refused.clone())];
    }
    let mut findings: Vec<Finding> = tls.chain.iter().map(|one| validity(one, tls.now)).collect();
    findings.extend(order(&tls.chain));
    if tls.version_min == VersionMin::Tls12 {
        findings.push(
            Finding::warning(
                "GKN-715",
                (
                    "[http.tls] version_min allows TLS 1.2",
                    "[http.tls] version_min が TLS 1.2 を許しています",
                ),
            )
            .remedy((
                "only for clients that can't do 1.3 (GL 6.0 wants 1.3)",
                "TLS 1.3 を使えない接続元がある場合だけにします（ガイドライン 6.0 は 1.3）",
            )),
        );
    }
    if tls.client_certificates != ClientCertificates::Required && !seen.local {
        findings.push(Finding::warning(
            "GKN-716",
            (
                "who reaches the data API without a certificate is answered: there is no other authorization",
                "証明書のない接続元にも応答します（他に認可の仕組みはありません）",
            ),
        ).remedy((
            "[http.tls] client_certificates = \"required\", or let only a gateway reach it",
            "[http.tls] client_certificates = \"required\" とするか、ゲートウェイだけが届くようにします",
        )));
    }
    findings
}

fn plain(local: bool) -> Finding {
    if local {
        return Finding::ok((
            "[http] listens on this machine only, without TLS",
            "[http] このコンピューターの中だけで待ち受けます（TLS なし）",
        ));
    }
    Finding::warning(
        "GKN-714",
        (
            "[http] listens on the network without TLS: who reads along sees patients",
            "[http] TLS なしでネットワークに待ち受けます。通信を盗み見られると患者の情報が漏れます",
        ),
    )
    .remedy((
        "set [http.tls], or listen on 127.0.0.1 behind a gateway that has TLS",
        "[http.tls] を設定するか、TLS のあるゲートウェイの後ろで 127.0.0.1 に待ち受けます",
    ))
}

fn validity(certificate: &Certificate, now: i64) -> Finding {
    let (subject, days) = (&certificate.subject, certificate.days_left(now));
    let renew = (
        "renew it and put it in place; Genkan reads it again by itself",
        "更新した証明書を置きます。Genkan は再起動なしで読み直します",
    );
    if certificate.not_before > now {
        let message = (
            format!("the certificate of {subject} is not valid yet"),
            format!("{subject} の証明書はまだ有効期間前です"),
        );
        return Finding::error("GKN-711", Blame::Surroundings, message).remedy((
            "look at the clock of this machine, or wait",
            "このコンピューターの時計を確かめるか、有効期間まで待ちます",
        ));
    }
    match days {
        ..0 => Finding::error(
            "GKN-711",
            Blame::Surroundings,
            (
                format!("the certificate of {subject} has ended"),
                format!("{subject} の証明書は期限切れです"),
            ),
        )
        .remedy(renew),
        0..DAYS_LEFT_MIN => Finding::warning(
            "GKN-711",
            (
                format!("the certificate of {subject} ends in {days} days"),
                format!("{subject} の証明書はあと {days} 日で切れます"),
            ),
        )
        .remedy(renew),
        _ => Finding::ok((
            format!("the certificate of {subject} is valid for {days} days"),
            format!("{subject} の証明書はあと {days} 日有効です"),
        )),
    }
}

/// Each certificate is issued by the one below it.
fn order(chain: &[Certificate]) -> Option<Finding> {
    let broken = chain.windows(2).find(|pair| pair[0].issuer != pair[1].subject);
    let (found, missing) = match (broken, chain) {
        (Some(pair), _) => (&pair[1].subject, &pair[0].issuer),
        (None, [first, ..]) if first.is_authority => (&first.subject, &first.subject),
        _ => return None,
    };
    let message = if found == missing {
        (
            format!("the first certificate, {found}, is an authority and not the server's"),
            format!("先頭の証明書 {found} は認証局のもので、サーバーのものではありません"),
        )
    } else {
        (
            format!("the chain is broken: {missing} is expected where {found} stands"),
            format!("証明書の並びが正しくありません。{found} の位置には {missing} が必要です"),
        )
    };
    Some(Finding::warning("GKN-713", message).remedy((
        "certificate_file: the server's own first, then each one's issuer",
        "certificate_file はサーバー証明書を先頭に、発行元を順に並べます",
    )))
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Severity, codes};
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_780_000_000;

    fn certificate(subject: &str, issuer: &str, days: i64) -> Certificate {
        Certificate {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            not_before: NOW - DAY,
            not_after: NOW + days * DAY,
            is_authority: subject == "CA",
            ..Certificate::default()
        }
    }

    fn seen(chain: Vec<Certificate>) -> TlsSeen {
        TlsSeen {
            usable: Ok(()),
            chain,
            client_certificates: ClientCertificates::Required,
            version_min: VersionMin::Tls13,
            now: NOW,
        }
    }

    #[test]
    fn certificates_are_judged_by_their_days_and_their_order() {
        let early = Certificate { not_before: NOW + 1, ..certificate("S", "CA", 90) };
        for (chain, expected) in [
            (vec![certificate("S", "CA", 90)], vec![]),
            (vec![certificate("S", "I", 90), certificate("I", "CA", 90)], vec![]),
            (vec![certificate("S", "CA", 29)], vec!["GKN-711"]),
            (vec![certificate("S", "CA", 30)], vec![]),
            (vec![certificate("S", "CA", -1)], vec!["GKN-711"]),
            (vec![early], vec!["GKN-711"]),
            (vec![certificate("S", "I", 90), certificate("I", "CA", 3)], vec!["GKN-711"]),
            (vec![certificate("S", "I", 90), certificate("J", "CA", 90)], vec!["GKN-713"]),
            (vec![certificate("CA", "CA", 90)], vec!["GKN-713"]),
        ] {
            let told = format!("{chain:?}");
            let findings = judge(&Seen { local: false, tls: Some(seen(chain)) });
            assert_eq!(codes(&findings), expected, "{told}");
        }
        let ended = judge(&Seen { local: true, tls: Some(seen(vec![certificate("S", "CA", -1)])) });
        assert_eq!(ended[0].severity, Severity::Error(Blame::Surroundings));
    }

    #[test]
    fn who_could_read_along_or_reach_it_is_told() {
        let optional = ClientCertificates::Optional;
        let good = || seen(vec![certificate("S", "CA", 90)]);
        for (local, tls, expected) in [
            (true, None, vec![]),
            (false, None, vec!["GKN-714"]),
            (false, Some(good()), vec![]),
            (false, Some(TlsSeen { client_certificates: optional, ..good() }), vec!["GKN-716"]),
            (true, Some(TlsSeen { client_certificates: optional, ..good() }), vec![]),
            (false, Some(TlsSeen { version_min: VersionMin::Tls12, ..good() }), vec!["GKN-715"]),
            (
                false,
                Some(TlsSeen { usable: Err(Text::new("no pair", "対ではない")), ..good() }),
                vec!["GKN-710"],
            ),
        ] {
            assert_eq!(codes(&judge(&Seen { local, tls })), expected, "{local}");
        }
    }
}
