//! Splits users into groups who get the same, without looking at each user's whole answer.
//!
//! Begins with one group and is refined by one set of users after the other: those of a group who are in
//! the set become a group of their own. Costs the sizes of the sets, and nothing for each group.

/// Not in any set so far.
const UNTOUCHED: u32 = u32::MAX;

/// The group of those who are in no set.
const ROOT: u32 = 0;

/// Users, as small numbers, in groups.
pub(crate) struct Partition {
    /// The group of each user.
    group_of: Vec<u32>,
    touched: Vec<u32>,
    /// Of each group that from which it was split, and the set that did it.
    groups: Vec<(u32, usize)>,
    /// Of each group the one that the set of the moment splits from it.
    split: Vec<u32>,
    /// The groups that the set of the moment split.
    divided: Vec<u32>,
}

impl Partition {
    /// One group of users below `users`. `scratch` is what [`Partition::finish`] gave, or empty.
    pub(crate) fn new(mut scratch: Vec<u32>, users: usize) -> Self {
        scratch.resize(users.max(scratch.len()), UNTOUCHED);
        let (touched, groups) = (Vec::new(), vec![(ROOT, usize::MAX)]);
        Partition {
            group_of: scratch,
            touched,
            groups,
            split: vec![UNTOUCHED],
            divided: Vec::new(),
        }
    }

    /// Splits every group into those in a set of users and those not.
    pub(crate) fn refine(&mut self, set: usize, users: &[u32]) {
        for user in users {
            let Some(group) = self.group_of.get_mut(*user as usize) else {
                continue;
            };
            if *group == UNTOUCHED {
                self.touched.push(*user);
                *group = ROOT;
            }
            // A user who stands twice in a set is beyond `split` the second time.
            if let Some(split) = self.split.get_mut(*group as usize) {
                if *split == UNTOUCHED {
                    *split = self.groups.len() as u32;
                    self.groups.push((*group, set));
                    self.divided.push(*group);
                }
                *group = *split;
            }
        }
        for group in self.divided.drain(..) {
            if let Some(split) = self.split.get_mut(group as usize) {
                *split = UNTOUCHED;
            }
        }
        self.split.resize(self.groups.len(), UNTOUCHED);
    }

    /// Counts users in, also if they are in no set.
    pub(crate) fn touch(&mut self, users: &[u32]) {
        for user in users {
            if let Some(group) = self.group_of.get_mut(*user as usize)
                && *group == UNTOUCHED
            {
                self.touched.push(*user);
                *group = ROOT;
            }
        }
    }

    /// For each group, empty ones too, the sets its users are in.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Vec<usize>> {
        (0..self.groups.len() as u32).map(|mut group| {
            let mut sets = Vec::new();
            while group != ROOT
                && let Some((from, set)) = self.groups.get(group as usize)
            {
                sets.push(*set);
                group = *from;
            }
            sets
        })
    }

    /// Every user counted in, with their group.
    pub(crate) fn users(&self) -> impl Iterator<Item = (u32, usize)> {
        self.touched
            .iter()
            .map(|user| (*user, self.group_of(*user)))
    }

    /// The group of a user who was counted in.
    pub(crate) fn group_of(&self, user: u32) -> usize {
        self.group_of
            .get(user as usize)
            .map_or(usize::MAX, |group| *group as usize)
    }

    /// Gives the memory back for the next time.
    pub(crate) fn finish(mut self) -> Vec<u32> {
        for user in self.touched {
            if let Some(group) = self.group_of.get_mut(user as usize) {
                *group = UNTOUCHED;
            }
        }
        self.group_of
    }
}
