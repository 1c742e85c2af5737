//! The conversations of a server, by their tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::conversation::Conversation;
use crate::options::Options;

/// The conversations under way, and seats for those that are about to begin.
pub(crate) struct Table {
    seats: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    conversations: HashMap<String, Arc<Conversation>>,
    /// Seats taken by conversations that are being made.
    reserved: usize,
}

/// A seat for one conversation, given back when dropped.
pub(crate) struct Seat<'a>(&'a Table);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.inner().reserved -= 1;
    }
}

impl Table {
    pub(crate) fn new(seats: usize) -> Self {
        Self {
            seats,
            inner: Mutex::default(),
        }
    }

    pub(crate) fn seats(&self) -> usize {
        self.seats
    }

    pub(crate) fn len(&self) -> usize {
        self.inner().conversations.len()
    }

    /// A seat, if one is free.
    pub(crate) fn reserve(&self) -> Option<Seat<'_>> {
        let mut inner = self.inner();
        if inner.conversations.len() + inner.reserved >= self.seats {
            return None;
        }
        inner.reserved += 1;
        Some(Seat(self))
    }

    /// Takes a seat for an avatar elsewhere, if one is free, until it is [given back](Self::give_back).
    pub(crate) fn take(&self) -> bool {
        self.reserve().map(std::mem::forget).is_some()
    }

    /// Gives back a seat that was [taken](Self::take).
    pub(crate) fn give_back(&self) {
        drop(Seat(self));
    }

    /// Seats that are taken.
    pub(crate) fn taken(&self) -> usize {
        let inner = self.inner();
        inner.conversations.len() + inner.reserved
    }

    /// The conversation takes the seat.
    pub(crate) fn insert(&self, seat: Seat<'_>, conversation: Arc<Conversation>) {
        let token = conversation.token.clone();
        self.inner().conversations.insert(token, conversation);
        drop(seat);
    }

    pub(crate) fn find(&self, token: &str) -> Option<Arc<Conversation>> {
        let found = self.inner().conversations.get(token).cloned();
        found.filter(|conversation| !conversation.has_ended())
    }

    /// The conversations of an agent's, or the one in a room alone.
    pub(crate) fn of_agent(&self, code: &str, room: Option<&str>) -> Vec<Arc<Conversation>> {
        let inner = self.inner();
        let is_meant = |conversation: &&Arc<Conversation>| {
            conversation.face.code == code && room.is_none_or(|room| conversation.room == room)
        };
        inner
            .conversations
            .values()
            .filter(is_meant)
            .cloned()
            .collect()
    }

    pub(crate) fn remove(&self, token: &str) -> Option<Arc<Conversation>> {
        self.inner().conversations.remove(token)
    }

    /// Takes out what is over by `options`, each with the reason. Dropping them waits for threads.
    pub(crate) fn expire(&self, options: &Options) -> Vec<(Arc<Conversation>, &'static str)> {
        let mut inner = self.inner();
        let over = inner.conversations.values().filter_map(|conversation| {
            let (absence, joined) = conversation.absence();
            let age = conversation.begun.elapsed();
            let reason = if age > options.session_limit {
                "this conversation has reached its longest time; start a new one"
            } else if absence.is_some_and(|absence| absence > options.resume) {
                "the page was away for too long"
            } else if !joined && age > options.join_limit {
                "nobody joined"
            } else if conversation.has_failed() {
                "the avatar failed"
            } else if conversation.is_to_end() {
                "this conversation was ended"
            } else if conversation.has_ended() {
                "the avatar has ended the call"
            } else {
                return None;
            };
            Some((conversation.clone(), reason))
        });
        let over: Vec<_> = over.collect();
        for (conversation, _) in &over {
            inner.conversations.remove(&conversation.token);
        }
        over
    }

    /// Takes all out.
    pub(crate) fn clear(&self) -> Vec<Arc<Conversation>> {
        let mut inner = self.inner();
        inner.conversations.drain().map(|(_, c)| c).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
