//! For each number a list of numbers, in two blocks.

use std::sync::Arc;

/// The lists of `0..count`.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    starts: Box<[u32]>,
    items: Box<[u32]>,
}

impl Lists {
    /// From pairs of owner and item, whose owners are below `count`; each list is sorted, with each
    /// item once. Costs the pairs, times a logarithm of the longest list.
    pub(crate) fn new(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        // Each owner's first place comes from how many pairs stand before, and moves on as they fill.
        let mut ends = vec![0_u32; count + 1];
        for (owner, _) in pairs.clone() {
            if let Some(end) = ends.get_mut(owner as usize + 1) {
                *end += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut items = vec![0_u32; sum as usize];
        for (owner, item) in pairs {
            let Some(at) = ends.get_mut(owner as usize) else {
                continue;
            };
            if let Some(place) = items.get_mut(*at as usize) {
                *place = item;
                *at += 1;
            }
        }
        let mut starts = Vec::with_capacity(count + 1);
        let (mut from, mut kept) = (0, 0);
        for end in ends.into_iter().take(count) {
            starts.push(kept as u32);
            if let Some(list) = items.get_mut(from..end as usize) {
                list.sort_unstable();
            }
            let mut last = None;
            for at in from..end as usize {
                let item = items.get(at).copied();
                if item != last
                    && let (Some(item), Some(place)) = (item, items.get_mut(kept))
                {
                    *place = item;
                    kept += 1;
                }
                last = item;
            }
            from = end as usize;
        }
        starts.push(kept as u32);
        items.truncate(kept);
        Lists {
            starts: starts.into(),
            items: items.into(),
        }
    }

    /// For each number the places of the lists that hold it, ascending. Costs two passes over the lists.
    pub(crate) fn holding(lists: &[Arc<[u32]>]) -> Self {
        let mut starts: Vec<u32> = Vec::new();
        let highest = lists.iter().filter_map(|list| list.iter().max()).max();
        starts.resize(highest.map_or(0, |number| *number as usize + 1), 0);
        for number in lists.iter().flat_map(|list| list.iter()) {
            if let Some(count) = starts.get_mut(*number as usize) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        let mut items = vec![0; sum as usize];
        for (place, list) in (0..).zip(lists) {
            for number in list.iter() {
                if let Some(start) = starts.get_mut(*number as usize)
                    && let Some(item) = items.get_mut(*start as usize)
                {
                    *item = place;
                    *start += 1;
                }
            }
        }
        // Each start is at its end by now, where the next one began.
        starts.insert(0, 0);
        Lists {
            starts: starts.into(),
            items: items.into(),
        }
    }

    /// Whether there is nothing in any list.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The list of a number, empty for one past the last.
    pub(crate) fn get(&self, number: u32) -> &[u32] {
        let at = number as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        let range = bounds.map(|(from, to)| *from as usize..*to as usize);
        range
            .and_then(|range| self.items.get(range))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    #[test]
    fn each_list_is_sorted_and_has_each_item_once() {
        let lists = Lists::new(
            4,
            [(2, 9), (0, 5), (2, 1), (2, 9), (0, 5), (3, 0)].into_iter(),
        );
        let all: Vec<&[u32]> = (0..5).map(|at| lists.get(at)).collect();
        assert_eq!(all, [&[5][..], &[], &[1, 9], &[0], &[]]);
    }

    #[test]
    fn each_number_is_found_in_the_lists_that_hold_it() {
        let lists = Lists::holding(&[[1, 4].into(), [].into(), [0, 1].into()]);
        let all: Vec<&[u32]> = (0..6).map(|at| lists.get(at)).collect();
        assert_eq!(all, [&[2][..], &[0, 2], &[], &[], &[0], &[]]);
        assert!(Lists::holding(&[]).get(0).is_empty());
    }
}
