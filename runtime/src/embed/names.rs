//! Holds the names of a table with embedded structs to the rules of names, when it is compiled.
//!
//! A whole name is a prefix or several and a column's own name, each in another crate perhaps, so
//! it exists in a constant only as its pieces.

use std::borrow::Cow;

use super::ColumnTree;

/// How many pieces a name can have.
const PIECES: usize = 8;
/// The longest name that no database cuts.
const LONGEST: usize = 63;

/// A name, as its pieces.
#[derive(Clone, Copy)]
struct Name {
    pieces: [&'static str; PIECES],
    count: usize,
    length: usize,
    /// Of its lower-case letters.
    hash: u64,
}

impl Name {
    const EMPTY: Self =
        Self { pieces: [""; PIECES], count: 0, length: 0, hash: 0xcbf2_9ce4_8422_2325 };

    #[track_caller]
    const fn with(mut self, piece: &'static str) -> Self {
        assert!(
            self.count < PIECES,
            "structs can be embedded in each other 7 deep; write some fields out instead"
        );
        self.pieces[self.count] = piece;
        self.count += 1;
        self.length += piece.len();
        let bytes = piece.as_bytes();
        let mut position = 0;
        while position < bytes.len() {
            self.hash ^= bytes[position].to_ascii_lowercase() as u64;
            self.hash = self.hash.wrapping_mul(0x0100_0000_01b3);
            position += 1;
        }
        self
    }

    const fn text(&self) -> Text {
        let mut text = Text::new();
        let mut piece = 0;
        while piece < self.count {
            text = text.with(self.pieces[piece]);
            piece += 1;
        }
        text
    }
}

/// A message that is put together in a constant.
struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 512], length: 0 }
    }

    /// Adds what fits.
    const fn with(mut self, piece: &str) -> Self {
        let piece = piece.as_bytes();
        let mut position = 0;
        while position < piece.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = piece[position];
            self.length += 1;
            position += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            // A text that was cut within a character.
            Err(_) => "a column's name is too long; shorten it",
        }
    }

    /// Whether the texts differ in case alone.
    const fn is(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

/// Fails to compile when an embedded column has the name of another, or one that is longer than
/// every database can hold. The `count` columns from `first` on are the embedded ones in
/// question, `N` is the number of all.
///
/// Case does not tell columns apart, since `SQLite` ignores it.
#[track_caller]
pub const fn check_names<const N: usize>(tree: &'static [ColumnTree], first: usize, count: usize) {
    let (names, _) = collect(tree, Name::EMPTY, [Name::EMPTY; N], 0);
    let mut position = first;
    while position < first + count {
        let name = &names[position];
        if name.length > LONGEST {
            let message = Text::new().with("the column `").with(name.text().as_str()).with(
                "` has a name longer than 63 bytes; shorten it with `embed(prefix = \"..\")`",
            );
            panic!("{}", message.as_str());
        }
        let mut other = 0;
        while other < N {
            // A later one that is embedded too is reported there.
            let is_asked = other < position || names[other].count == 1;
            let twin = &names[other];
            if is_asked && twin.hash == name.hash && twin.text().is(&name.text()) {
                let message = Text::new()
                    .with("two columns have the name `")
                    .with(name.text().as_str())
                    .with("`; give the embedded ones another prefix with `embed(prefix = \"..\")`");
                panic!("{}", message.as_str());
            }
            other += 1;
        }
        position += 1;
    }
}

/// Puts the names of `tree` into `names` from `at` on; gives them back with where it ended.
#[track_caller]
const fn collect<const N: usize>(
    tree: &'static [ColumnTree],
    prefix: Name,
    mut names: [Name; N],
    mut at: usize,
) -> ([Name; N], usize) {
    let mut position = 0;
    while position < tree.len() {
        match &tree[position] {
            ColumnTree::Plain(column) => {
                let name = match &column.name {
                    Cow::Borrowed(name) => name,
                    // A constant holds no `String`.
                    Cow::Owned(_) => "",
                };
                names[at] = prefix.with(name);
                at += 1;
            }
            ColumnTree::Embedded { prefix: more, columns } => {
                (names, at) = collect(columns, prefix.with(more), names, at);
            }
        }
        position += 1;
    }
    (names, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        column_type::ColumnType,
        definition::{ColumnDef, ColumnRole},
    };

    const fn column(name: &'static str) -> ColumnTree {
        ColumnTree::Plain(ColumnDef {
            name: Cow::Borrowed(name),
            column_type: ColumnType::Text,
            nullable: false,
            description: None,
            default: None,
            role: ColumnRole::Plain,
            json_schema: None,
            rename_from: Cow::Borrowed(&[]),
        })
    }

    const INNER: &[ColumnTree] = &[column("a_b"), column("c")];
    const OUTER: &[ColumnTree] =
        &[column("b"), ColumnTree::Embedded { prefix: "x_", columns: INNER }];

    #[test]
    fn names_that_differ_are_accepted() {
        const TREE: &[ColumnTree] = &[
            column("a"),
            ColumnTree::Embedded { prefix: "home_", columns: OUTER },
            ColumnTree::Embedded { prefix: "work_", columns: OUTER },
        ];
        const { check_names::<{ ColumnTree::count(TREE) }>(TREE, 1, 3) };
        const { check_names::<{ ColumnTree::count(TREE) }>(TREE, 4, 3) };
        let names: Vec<_> =
            ColumnTree::columns(TREE).into_iter().map(|column| column.name).collect();
        assert_eq!(
            names,
            ["a", "home_b", "home_x_a_b", "home_x_c", "work_b", "work_x_a_b", "work_x_c"]
        );
    }

    #[test]
    #[should_panic(expected = "two columns have the name `home_X_a_b`")]
    fn one_name_in_two_pieces_is_found() {
        const TREE: &[ColumnTree] = &[
            ColumnTree::Embedded { prefix: "home_", columns: OUTER },
            ColumnTree::Embedded { prefix: "home_X_a_", columns: OUTER },
        ];
        check_names::<{ ColumnTree::count(TREE) }>(TREE, 3, 3);
    }

    #[test]
    #[should_panic(expected = "longer than 63 bytes")]
    fn a_name_that_becomes_too_long_is_found() {
        const LONG: &str = "a_prefix_of_sixty_two_bytes_which_is_as_long_as_nobody_writes__";
        const TREE: &[ColumnTree] = &[ColumnTree::Embedded { prefix: LONG, columns: INNER }];
        check_names::<2>(TREE, 0, 2);
    }

    #[test]
    #[should_panic(expected = "7 deep")]
    fn structs_cannot_be_embedded_without_end() {
        const A: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: INNER }];
        const B: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: A }];
        const C: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: B }];
        const D: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: C }];
        const E: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: D }];
        const F: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: E }];
        const G: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: F }];
        const H: &[ColumnTree] = &[ColumnTree::Embedded { prefix: "", columns: G }];
        check_names::<2>(H, 0, 2);
    }
}
