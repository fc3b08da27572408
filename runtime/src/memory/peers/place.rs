//! Where in the order of all writes a tab is, and the names of the locks that tell the others.

use super::codec::{Read, Reader, Writer};

/// Tells the tabs of a database from one another; random.
pub(super) type Tab = u64;

/// A place in the order of all writes: behind the write that it names.
///
/// Each time that a tab takes the right to write, that is a tenure, with a greater number than any before
/// that it can have heard of. So of two places the one of the later tenure is the later, and a place says by
/// itself who wrote what is there. Only a tab that died can have written in a tenure of which another did
/// not hear and gave its number again; then the tab tells the two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) tenure: u64,
    pub(super) number: u64,
    pub(super) tab: Tab,
}

impl Place {
    /// The place behind the next write.
    pub(super) const fn next(self, tenure: u64, tab: Tab) -> Self {
        Self { tenure, number: self.number + 1, tab }
    }

    /// Whether something was written from here on by one of whom this place does not know: both are of
    /// one tenure, and of different tabs.
    pub(super) const fn is_twin_of(self, other: Self) -> bool {
        self.tenure == other.tenure && self.tab != other.tab
    }

    /// Whether a write that leads to `other` cannot be news for a tab that is here.
    pub(super) const fn is_past(self, other: Self) -> bool {
        other.tenure < self.tenure
            || (other.tenure == self.tenure && other.tab == self.tab && other.number <= self.number)
    }

    pub(super) fn write(self, to: &mut Writer) {
        to.number(self.tenure);
        to.number(self.number);
        to.number(self.tab);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { tenure: from.number()?, number: from.number()?, tab: from.number()? })
    }
}

/// The names of a database's locks.
pub(super) struct LockNames {
    /// Held by the tab that may write.
    pub(super) write: String,
    /// What the names begin with by which each tab says where it is.
    at: String,
}

/// A tab that lives, as the lock that it holds says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Living {
    /// The version of this protocol that it speaks.
    pub(super) version: u8,
    pub(super) tab: Tab,
    /// Where it was when it last wrote, or when it came. It may be further by now.
    pub(super) place: Place,
}

impl LockNames {
    pub(super) fn new(database: &str) -> Self {
        Self { write: format!("storehouse/{database}"), at: format!("storehouse/{database}/at/") }
    }

    /// The name of the lock that says so.
    pub(super) fn at(&self, living: Living) -> String {
        let Living { version, tab, place: Place { tenure, number, tab: writer } } = living;
        format!("{}{version}/{tenure:x}.{number:x}.{writer:x}/{tab:x}", self.at)
    }

    /// What the name of a lock says; `None` for other locks, those of other programs too.
    pub(super) fn living(&self, name: &str) -> Option<Living> {
        let said = name.strip_prefix(&self.at)?;
        let (version, said) = said.split_once('/')?;
        let (place, tab) = said.split_once('/')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let mut parts = place.split('.').map(number);
        let mut part = || parts.next().flatten();
        let place = Place { tenure: part()?, number: part()?, tab: part()? };
        Some(Living { version: version.parse().ok()?, tab: number(tab)?, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locks_name_says_who_is_where() {
        let names = LockNames::new("shop");
        let place = Place { tenure: 3, number: u64::MAX, tab: 17 };
        let living = Living { version: 1, tab: 255, place };
        assert_eq!(names.at(living), "storehouse/shop/at/1/3.ffffffffffffffff.11/ff");
        assert_eq!(names.living(&names.at(living)), Some(living));
        for other in ["storehouse/shop", "storehouse/shop2/at/1/0.0.0/1", "storehouse/shop/at/x"] {
            assert_eq!(names.living(other), None, "{other}");
        }
    }

    #[test]
    fn a_later_tenure_is_a_later_place() {
        let early = Place { tenure: 1, number: 9, tab: 9 };
        let late = early.next(2, 3);
        assert!(early < late && late.is_past(early) && !early.is_past(late));
        assert!(late.is_past(late) && !late.is_past(late.next(2, 3)));
        let twin = early.next(2, 4);
        assert!(late.is_twin_of(twin) && !late.is_past(twin));
    }
}
