//! What is asked of a workload, and what changes in it.

use super::{Chance, Workload};

/// A fact that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The room.
    pub room: String,
    /// Who joins or leaves.
    pub user: String,
    /// Whether they join.
    pub joins: bool,
}

/// An endless stream of questions; the same seed asks the same.
#[derive(Debug, Clone)]
pub struct Questions {
    workload: Workload,
    chance: Chance,
}

impl Workload {
    /// Questions about its known users.
    pub fn questions(&self) -> Questions {
        Questions {
            workload: *self,
            chance: Chance::new(self.seed, 7),
        }
    }
}

impl Questions {
    /// A known user: half of the time a local one, and rather one of the first.
    pub fn user(&mut self) -> String {
        let size = self.workload.size;
        let local = size.remote == 0 || self.chance.below(2) == 0;
        let number = match local {
            true => self.chance.low(size.local),
            false => size.local + self.chance.low(size.remote),
        };
        self.workload.user(number)
    }

    /// The senders of a batch of updates, some maybe twice.
    pub fn batch(&mut self, updates: u32) -> Vec<String> {
        (0..updates).map(|_| self.user()).collect()
    }

    /// Someone joins a room or leaves it.
    pub fn change(&mut self) -> Change {
        let room = self.chance.below(self.workload.size.rooms.max(1));
        Change {
            room: self.workload.room(room),
            user: self.user(),
            joins: self.chance.below(2) == 0,
        }
    }
}
