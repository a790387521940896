//! Which addresses a reference may be fetched from: public ones only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
