//! Limits how many requests are processed at once. A request beyond the limit is answered 503 at
//! once, so that it does not slow down the others.
//!
//! A request takes its place when its whole body has been read, so that a caller who only announces
//! a body holds no place. One caller never gets more than its share of the places of a kind.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::Extensions;
use axum::http::request::Parts;
use clippy_core::{Error, ErrorCode};
use parking_lot::Mutex;

use crate::access::Caller;
use crate::options::ApiOptions;
use crate::problem::Problem;

/// Bodies are counted in pieces of this many bytes.
const PIECE: usize = 1024;

/// Identifies the caller that a place is counted for: by its key, or else by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CallerId {
    /// The digest of a key's name.
    Key(u64),
    /// An address. For IPv6 its /64 network, since one machine can use all addresses in it.
    Address(IpAddr),
    /// The address is not known.
    Unknown,
}

impl CallerId {
    pub(crate) fn of(extensions: &Extensions) -> Self {
        if let Some(name) = extensions
            .get::<Caller>()
            .map(Caller::name)
            .filter(|name| name.starts_with("key-"))
        {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            return Self::Key(hasher.finish());
        }
        extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(Self::Unknown, |ConnectInfo(address)| Self::at(address.ip()))
    }

    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
            address => address,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for CallerId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// A limited number of places of one kind.
#[derive(Clone)]
pub(crate) struct Pool {
    most: usize,
    share: usize,
    taken: Arc<Mutex<Usage>>,
}

#[derive(Default)]
struct Usage {
    all: usize,
    by: HashMap<CallerId, usize>,
}

impl Pool {
    /// A pool of `most` places. One caller gets at most three quarters of them.
    pub(crate) fn new(most: usize) -> Self {
        Self::with_share(most, most - most / 4)
    }

    /// A pool of `most` places, of which one caller gets at most `share`.
    pub(crate) fn with_share(most: usize, share: usize) -> Self {
        Self {
            most,
            share,
            taken: Arc::default(),
        }
    }

    /// Returns the same pool with another share for each caller.
    pub(crate) fn with_other_share(&self, share: usize) -> Self {
        Self {
            share,
            ..self.clone()
        }
    }

    /// Takes one place, until it is dropped; `None` if this caller cannot have one.
    pub(crate) fn take(&self, who: CallerId) -> Option<Places> {
        let mut places = self.empty(who);
        places.grow(1).then_some(places)
    }

    /// Takes no place yet; see [`Places::grow`].
    pub(crate) fn empty(&self, who: CallerId) -> Places {
        Places {
            pool: self.clone(),
            who,
            count: 0,
        }
    }
}

/// Places that one caller has taken. They are freed when this is dropped.
pub(crate) struct Places {
    pool: Pool,
    who: CallerId,
    count: usize,
}

impl Places {
    /// Takes more places. If this caller cannot have all of them, it takes none and returns
    /// `false`.
    #[must_use]
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let mut taken = self.pool.taken.lock();
        let own = taken.by.get(&self.who).copied().unwrap_or_default();
        if taken.all + more > self.pool.most || own + more > self.pool.share {
            return false;
        }
        taken.all += more;
        taken.by.insert(self.who, own + more);
        self.count += more;
        true
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let mut taken = self.pool.taken.lock();
        taken.all = taken.all.saturating_sub(self.count);
        let own = taken
            .by
            .get(&self.who)
            .copied()
            .unwrap_or_default()
            .saturating_sub(self.count);
        if own == 0 {
            taken.by.remove(&self.who);
        } else {
            taken.by.insert(self.who, own);
        }
    }
}

/// Limits the bytes of all bodies that are in memory at once.
#[derive(Clone)]
pub(crate) struct BodyRoom(Pool);

impl BodyRoom {
    /// Makes room for `bytes` in all, and always for one body of `longest` bytes.
    pub(crate) fn new(bytes: usize, longest: usize) -> Self {
        let (most, longest) = (bytes.max(longest) / PIECE + 1, longest / PIECE + 1);
        Self(Pool::with_share(most, (most - most / 4).max(longest)))
    }

    /// Starts counting a new body, of which no bytes have arrived yet.
    pub(crate) fn hold(&self, who: CallerId) -> HeldBody {
        HeldBody {
            pieces: self.0.empty(who),
            bytes: 0,
        }
    }
}

/// The counted bytes of one body. They are freed when this is dropped.
pub(crate) struct HeldBody {
    pieces: Places,
    bytes: usize,
}

impl HeldBody {
    /// Counts bytes that have arrived.
    ///
    /// # Errors
    /// 503 when the bodies in memory leave no room for them.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes += bytes;
        let missing = (self.bytes / PIECE + 1).saturating_sub(self.pieces.count);
        if missing > 0 && !self.pieces.grow(missing) {
            return Err(full("other request bodies leave no memory for this one"));
        }
        Ok(())
    }
}

/// All places of a server.
pub(crate) struct Admission {
    searches: Pool,
    calls: Pool,
    files: Pool,
    streams: Pool,
    bodies: BodyRoom,
    retry_after: Duration,
}

impl Admission {
    pub(crate) fn new(options: &ApiOptions) -> Self {
        Self {
            searches: Pool::new(options.searches_at_once),
            calls: Pool::new(options.calls_at_once),
            files: Pool::new(options.files_at_once),
            streams: Pool::new(options.streams_at_once),
            bodies: BodyRoom::new(options.held_body_bytes, options.search_body_bytes),
            retry_after: options.retry_after,
        }
    }

    /// Takes a place for a stream of events, or for a call that waits for a job.
    ///
    /// # Errors
    /// 503 when none is left.
    pub(crate) fn open_stream(&self, who: CallerId) -> Result<Places, Problem> {
        self.take(&self.streams, who, "too many event streams are open")
    }

    /// Takes a place for sending a picture, until its last byte has been sent.
    ///
    /// # Errors
    /// 503 when none is left.
    pub(crate) fn send_file(&self, who: CallerId) -> Result<Places, Problem> {
        self.take(&self.files, who, "too many pictures are being sent")
    }

    fn take(&self, pool: &Pool, who: CallerId, refusal: &str) -> Result<Places, Problem> {
        pool.take(who)
            .ok_or_else(|| full(refusal).retry_after(self.retry_after))
    }

    /// Returns an empty slot for a search.
    pub(crate) fn search_slot(&self, who: CallerId) -> Slot {
        self.slot(&self.searches, who, "too many searches are running")
    }

    /// Returns an empty slot for any other call.
    pub(crate) fn call_slot(&self, who: CallerId) -> Slot {
        self.slot(&self.calls, who, "too many calls are running")
    }

    fn slot(&self, pool: &Pool, who: CallerId, refusal: &'static str) -> Slot {
        Slot {
            pool: pool.clone(),
            who,
            refusal,
            retry_after: self.retry_after,
            place: Arc::default(),
        }
    }

    /// The room for bodies.
    pub(crate) fn bodies(&self) -> &BodyRoom {
        &self.bodies
    }
}

/// Holds a request's place until its answer is ready. Work on another thread holds a clone, so that
/// the place is not freed before that work has ended.
#[derive(Clone)]
pub(crate) struct Slot {
    pool: Pool,
    who: CallerId,
    refusal: &'static str,
    retry_after: Duration,
    place: Arc<Mutex<Option<Places>>>,
}

impl Slot {
    /// Takes the place, unless it was taken before.
    ///
    /// # Errors
    /// 503 when there is none.
    pub(crate) fn fill(&self) -> Result<(), Problem> {
        let mut place = self.place.lock();
        if place.is_none() {
            let taken = self.pool.take(self.who);
            *place = Some(taken.ok_or_else(|| full(self.refusal).retry_after(self.retry_after))?);
        }
        Ok(())
    }
}

fn full(what: &str) -> Problem {
    metrics::counter!("clippy_http_shed_total").increment(1);
    Problem::from(Error::new(ErrorCode::Overloaded, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(last: u8) -> CallerId {
        CallerId::at(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn one_caller_leaves_places_for_others() {
        let pool = Pool::new(8);
        let mut held: Vec<Places> = (0..6).filter_map(|_| pool.take(machine(1))).collect();
        assert_eq!(held.len(), 6);
        assert!(pool.take(machine(1)).is_none(), "its share is six of eight");
        held.extend(pool.take(machine(2)));
        held.extend(pool.take(machine(2)));
        assert_eq!(held.len(), 8);
        assert!(pool.take(machine(3)).is_none(), "all are taken");
        held.clear();
        assert!(pool.take(machine(3)).is_some());
        assert!(
            pool.taken.lock().by.is_empty(),
            "callers without places are removed"
        );
    }

    #[test]
    fn one_caller_may_take_all_places_of_a_small_pool() {
        for most in 1..4 {
            let pool = Pool::new(most);
            let held: Vec<Places> = (0..most)
                .filter_map(|_| pool.take(CallerId::Unknown))
                .collect();
            assert_eq!(held.len(), most);
        }
    }

    #[test]
    fn bodies_are_counted_by_the_bytes_that_arrived() {
        let room = BodyRoom::new(10 << 10, 4 << 10);
        let mut one = room.hold(machine(1));
        one.grow(4 << 10).expect("room");
        let mut other = room.hold(machine(2));
        other.grow(1).expect("room");
        assert!(
            other.grow(8 << 10).is_err(),
            "together they exceed the limit"
        );
        drop(one);
        other.grow(0).expect("the requested bytes fit now");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_caller() {
        let at = |text: &str| CallerId::at(text.parse().expect("an address"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), machine(1));
    }
}
