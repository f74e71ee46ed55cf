//! A room that a policy names, and where it was found last.
//!
//! Law: the number is that of the room in the directory asked about; that of another one, or of another
//! time, costs a look-up and nothing else.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::directory::{Directory, Joined};
use crate::policy::Room;

/// A room, to be found in directories.
#[derive(Debug)]
pub(crate) struct NamedRoom {
    pub(super) room: Room,
    /// Its number in the directory that was asked last.
    last: AtomicU32,
}

impl NamedRoom {
    pub(crate) fn new(room: Room) -> Self {
        NamedRoom {
            room,
            last: AtomicU32::new(0),
        }
    }

    /// Whether somebody who is joined to some rooms is joined to this one.
    pub(super) fn is_among(&self, joined: &Joined, directory: &Directory) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let Some(number) = directory.room_number(&self.room, last) else {
            return false;
        };
        if number != last {
            self.last.store(number, Ordering::Relaxed);
        }
        joined.contains(number)
    }
}
