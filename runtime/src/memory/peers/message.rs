//! What tabs say to each other, as bytes.

use super::{
    codec::{Malformed, Read, Reader, Writer},
    place::{Place, Tab},
};

/// Tabs of another version are not understood. It stands in the first byte of every message, and in the
/// name of the lock that each tab holds.
pub(super) const VERSION: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Message<'a> {
    pub(super) from: Tab,
    pub(super) body: Body<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Body<'a> {
    /// Who may write is asked to let go.
    Wanted,
    /// Something was written, and leads from one place to another.
    Written { base: Place, place: Place, contents: &'a [u8] },
    /// One tab, which may write next, asks another for what it lacks; it has nothing where it is nowhere.
    Ask { to: Tab, question: u64, place: Option<Place> },
    /// The answer: where the other is, and, unless it sent again what was written in between, all that it has.
    Answer { to: Tab, question: u64, place: Place, contents: Option<&'a [u8]> },
    /// To oneself: what was sent before has arrived.
    Echo { token: u64 },
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A tab of that version sent it.
    Version(u8),
    Malformed,
}

impl From<Malformed> for Unreadable {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

impl<'a> Message<'a> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.byte(VERSION);
        to.number(self.from);
        match self.body {
            Body::Wanted => to.byte(0),
            Body::Written { base, place, contents } => {
                to.byte(1);
                base.write(&mut to);
                place.write(&mut to);
                to.bytes(contents);
            }
            Body::Ask { to: tab, question, place } => {
                to.byte(2);
                to.number(tab);
                to.number(question);
                to.option(place, |to, place| place.write(to));
            }
            Body::Answer { to: tab, question, place, contents } => {
                to.byte(3);
                to.number(tab);
                to.number(question);
                place.write(&mut to);
                to.option(contents, Writer::bytes);
            }
            Body::Echo { token } => {
                to.byte(4);
                to.number(token);
            }
        }
        to.finish()
    }

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut from = Reader::new(bytes);
        let version = from.byte()?;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let message = Self { from: from.number()?, body: Body::read(&mut from)? };
        from.end()?;
        Ok(message)
    }
}

impl<'a> Body<'a> {
    fn read(from: &mut Reader<'a>) -> Read<Self> {
        Ok(match from.byte()? {
            0 => Self::Wanted,
            1 => Self::Written {
                base: Place::read(from)?,
                place: Place::read(from)?,
                contents: from.bytes()?,
            },
            2 => Self::Ask {
                to: from.number()?,
                question: from.number()?,
                place: from.option(Place::read)?,
            },
            3 => Self::Answer {
                to: from.number()?,
                question: from.number()?,
                place: Place::read(from)?,
                contents: from.option(Reader::bytes)?,
            },
            4 => Self::Echo { token: from.number()? },
            _ => return Err(Malformed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_and_others_are_told_apart() {
        let place = Place { tenure: 5, number: 6, tab: u64::MAX };
        let bodies = [
            Body::Wanted,
            Body::Written { base: Place::default(), place, contents: b"abc" },
            Body::Ask { to: 1, question: 2, place: None },
            Body::Ask { to: 1, question: 2, place: Some(place) },
            Body::Answer { to: 1, question: 2, place, contents: None },
            Body::Answer { to: 1, question: 2, place, contents: Some(b"") },
            Body::Echo { token: 9 },
        ];
        for body in bodies {
            let message = Message { from: 7, body };
            let mut bytes = message.write();
            assert_eq!(Message::read(&bytes), Ok(message));
            bytes.push(0);
            assert_eq!(Message::read(&bytes), Err(Unreadable::Malformed));
            bytes[0] = VERSION + 1;
            assert_eq!(Message::read(&bytes), Err(Unreadable::Version(VERSION + 1)));
        }
        assert_eq!(Message::read(b""), Err(Unreadable::Malformed));
    }
}
