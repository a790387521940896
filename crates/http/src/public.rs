//! Which addresses a server may fetch from when others name the URL: public ones only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A client's resolver that refuses host names which lead to an address that is not public. The
/// client does not ask it for hosts that are written as addresses: check those with [`refusal`].
#[derive(Debug, Clone, Default)]
pub struct PublicResolver {
    /// A host name that may lead anywhere, since the owner of the server allowed it.
    pub exempt: Option<String>,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self
            .exempt
            .as_deref()
            .is_some_and(|exempt| exempt.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            // The client replaces port 0 with the port of its request.
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // A single address that is not public refuses the name, since any could be used.
            let refused = found.iter().find_map(|address| refusal(address.ip()));
            if let Some(reason) = refused.filter(|_| !exempt) {
                let message = format!(
                    "{} leads to {reason}: only public addresses are fetched from",
                    name.as_str()
                );
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, message).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Why an address is refused; `None` when it is public.
#[must_use]
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refusal_v4(address),
        IpAddr::V6(address) => refusal_v6(address),
    }
}

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        (0, ..) => Some("this network (0.0.0.0/8)"),
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => Some("a private network"),
        (100, 64..=127, ..) => Some("carrier-grade NAT (100.64.0.0/10)"),
        (127, ..) => Some("this machine (loopback)"),
        (169, 254, ..) => Some("link-local, where cloud metadata lives"),
        (192, 0, 0, _) | (192, 31, 196, _) | (192, 52, 193, _) | (192, 175, 48, _) => {
            Some("reserved for protocols")
        }
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Some("reserved for documentation"),
        (192, 88, 99, _) => Some("a 6to4 relay"),
        (198, 18..=19, ..) => Some("reserved for measurements"),
        (168, 63, 129, 16) => Some("a cloud's metadata service"),
        (224..=239, ..) => Some("multicast"),
        (240..=255, ..) => Some("reserved or broadcast"),
        _ => None,
    }
}

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let low = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] => refusal_v4(low).or(Some("an IPv4-mapped address")),
        [0, 0, 0, 0, 0, 0, ..] => Some("loopback, unspecified or IPv4-compatible"),
        [0, 0, 0, 0, 0xffff, 0, ..] => Some("an IPv4-translated address"),
        [0x0064, 0xff9b, ..] => Some("NAT64, which leads to IPv4"),
        [0x0100, ..] => Some("discard only"),
        [0x2001, 0..=0x01ff, ..] => Some("Teredo or reserved for protocols"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("reserved for documentation"),
        [0x2002, ..] => Some("6to4, which leads to IPv4"),
        [0x5f00, ..] => Some("segment routing"),
        [0xfc00..=0xfdff, ..] => Some("a private network (unique local)"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // Only 2000::/3 is given out.
        [0x2000..=0x3fff, ..] => None,
        _ => Some("not a public address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_of_this_machine_are_resolved_only_if_they_are_exempt() {
        let name = || "localhost".parse::<Name>().expect("a name");
        let refused = PublicResolver::default().resolve(name()).await;
        let message = refused.err().expect("refused").to_string();
        assert!(message.contains("only public addresses"), "{message}");
        let exempt = PublicResolver {
            exempt: Some("LocalHost".to_owned()),
        };
        assert!(exempt.resolve(name()).await.expect("resolved").count() > 0);
    }
}
