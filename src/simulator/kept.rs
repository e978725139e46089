//! What is remembered, within bounds: a stand-in that runs for weeks forgets its oldest, as LINE does.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Messages with their authors and kinds.
pub(super) const MESSAGES_KEPT_MAX: usize = 200_000;
/// Reply tokens; LINE takes none that is older than 21 minutes.
pub(super) const REPLY_TOKENS_KEPT_MAX: usize = 200_000;
/// Quote tokens.
pub(super) const QUOTE_TOKENS_KEPT_MAX: usize = 200_000;
/// Retry keys with the answers that they had.
pub(super) const RETRY_KEYS_KEPT_MAX: usize = 100_000;
/// `markAsReadToken`s.
pub(super) const READ_TOKENS_KEPT_MAX: usize = 200_000;
/// Stateless channel access tokens.
pub(super) const ACCESS_TOKENS_KEPT_MAX: usize = 10_000;
/// Ids of events that the webhook answered 200 to.
pub(super) const ACKNOWLEDGED_KEPT_MAX: usize = 400_000;
/// Pictures of people and groups.
pub(super) const PICTURES_KEPT_MAX: usize = 1_000;
/// Requests, violations and accepted sends, each.
pub(super) const HISTORY_KEPT_MAX: usize = 200_000;
/// Lines of one chat that a member can scroll back.
pub(super) const CHAT_LINES_KEPT_MAX: usize = 5_000;
/// Chats whose lines are kept.
pub(super) const CHAT_LOGS_KEPT_MAX: usize = 20_000;
/// Octets of all that people sent; the newest is kept in any case.
pub(super) const CONTENT_BYTES_KEPT_MAX: usize = 256 * 1024 * 1024;

/// A map of at most so many entries; the oldest goes first.
pub(super) struct Kept<K, V> {
    found: HashMap<K, V>,
    order: VecDeque<K>,
    max: usize,
}

impl<K: Clone + Eq + Hash, V> Kept<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self { found: HashMap::new(), order: VecDeque::new(), max }
    }

    /// A known key gets another value and keeps its age.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.found.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
            if self.order.len() > self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.found.remove(&oldest);
            }
        }
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.found.get(key)
    }

    pub(super) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.found.get_mut(key)
    }

    pub(super) fn contains<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.found.contains_key(key)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.found.values_mut()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.found.keys()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.found.len(), self.order.len());
        self.found.len()
    }
}

impl<K: Clone + Eq + Hash, V: Default> Kept<K, V> {
    /// What is kept under `key`; something new, where there is nothing.
    pub(super) fn entry(&mut self, key: &K) -> &mut V {
        if !self.found.contains_key(key) {
            self.insert(key.clone(), V::default());
        }
        self.found.get_mut(key).expect("it was just put in, and the newest stays")
    }
}

/// Puts `item` at the end; at `max` the first goes.
pub(super) fn push_bounded<T>(into: &mut VecDeque<T>, item: T, max: usize) {
    if into.len() >= max {
        into.pop_front();
    }
    into.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_a_known_key_keeps_its_age() {
        let mut kept = Kept::new(2);
        for key in ["a", "b", "a", "c"] {
            kept.insert(key, key.len());
        }
        assert_eq!((kept.len(), kept.contains("a"), kept.contains("b"), kept.contains("c")), (2, false, true, true));
        *kept.entry(&"d") += 3;
        assert_eq!((kept.len(), kept.get("d"), kept.get("b")), (2, Some(&3), None));
    }
}
