//! Things that JavaScript knows by number.

/// Values by number. A number that was never given out, or was given back, finds nothing.
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

enum Slot<T> {
    Free,
    Here(T),
    /// Somebody works with the value.
    Away,
    /// As `Away`, but the number was given back meanwhile.
    Orphaned,
}

impl<T> Slots<T> {
    /// No values.
    pub fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Keeps a value and gives its number.
    pub fn insert(&mut self, value: T) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::Free);
            self.slots.len() - 1
        });
        self.slots[index] = Slot::Here(value);
        index
    }

    /// Takes a number back, and gives the value unless that is away.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let slot = self.slots.get_mut(index)?;
        match std::mem::replace(slot, Slot::Free) {
            Slot::Here(value) => {
                self.free.push(index);
                Some(value)
            }
            Slot::Away => {
                *slot = Slot::Orphaned;
                None
            }
            was @ (Slot::Free | Slot::Orphaned) => {
                *slot = was;
                None
            }
        }
    }

    /// Takes a value out to work with it. It comes back by [`put_back`](Self::put_back).
    pub fn take(&mut self, index: usize) -> Option<T> {
        let slot = self.slots.get_mut(index)?;
        match std::mem::replace(slot, Slot::Away) {
            Slot::Here(value) => Some(value),
            was => {
                *slot = was;
                None
            }
        }
    }

    /// Puts back what [`take`](Self::take) gave; false, and the value is dropped, if nobody holds the
    /// number any more.
    pub fn put_back(&mut self, index: usize, value: T) -> bool {
        match self.slots.get_mut(index) {
            Some(slot @ Slot::Away) => {
                *slot = Slot::Here(value);
                true
            }
            Some(slot @ Slot::Orphaned) => {
                *slot = Slot::Free;
                self.free.push(index);
                false
            }
            _ => false,
        }
    }

    /// Whether somebody works with the value of a number that is in use.
    pub fn is_away(&self, index: usize) -> bool {
        matches!(self.slots.get(index), Some(Slot::Away))
    }

    /// The value with a number, if it is not away.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match self.slots.get_mut(index)? {
            Slot::Here(value) => Some(value),
            Slot::Free | Slot::Away | Slot::Orphaned => None,
        }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values_until_they_are_removed() {
        let mut slots = Slots::new();
        let (a, b) = (slots.insert('a'), slots.insert('b'));
        assert_eq!(slots.get_mut(a), Some(&mut 'a'));
        assert_eq!(slots.remove(a), Some('a'));
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.get_mut(a), None);
        assert_eq!(slots.insert('c'), a);
        assert_eq!(slots.take(b), Some('b'));
        assert_eq!(slots.take(7), None);
    }

    #[test]
    fn gives_a_number_out_again_only_when_its_value_is_back() {
        let mut slots = Slots::new();
        let a = slots.insert('a');
        assert_eq!(slots.take(a), Some('a'));
        assert_eq!(slots.take(a), None);
        assert_eq!(slots.remove(a), None);
        assert_ne!(slots.insert('b'), a);
        assert!(!slots.put_back(a, 'a'));
        assert_eq!(slots.insert('c'), a);
        assert!(!slots.put_back(a, 'x'), "nobody took it");
        assert_eq!(slots.take(a), Some('c'));
        assert!(slots.put_back(a, 'd'));
        assert_eq!(slots.get_mut(a), Some(&mut 'd'));
    }
}
