//! What every planner has to find out: which column was which, and what becomes of each index.
//!
//! The types and the SQL differ from database to database; this does not.

use storehouse_sql::index_name;

use crate::definition::{IndexDef, TableDef};

/// For each column of the definition the place of its column among `live`, by its name or one
/// that it had before. `None` for a column that is new.
pub fn match_columns(definition: &TableDef, live: &[&str]) -> Vec<Option<usize>> {
    let place = |name: &str| live.iter().position(|live| *live == name);
    (definition.columns.iter())
        .map(|column| {
            let previous = || column.rename_from.iter().find_map(|name| place(name));
            place(&column.name).or_else(previous)
        })
        .collect()
}

/// An index as it is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveIndex {
    /// Its name.
    pub name: String,
    /// Its columns, by the names that they have now; `None` for an expression.
    pub columns: Vec<Option<String>>,
    /// Whether no two rows may share its values.
    pub unique: bool,
    /// Whether it covers every row and is in working order.
    pub whole: bool,
}

/// What becomes of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexChange {
    /// The live index of that place is dropped.
    Drop {
        /// Its place among the live ones.
        live: usize,
        /// Whether the derive made it, and not somebody by hand.
        derived: bool,
    },
    /// The live index of that place gets the name of the defined one.
    Rename {
        /// Its place among the live ones.
        live: usize,
        /// Its place among the defined ones.
        defined: usize,
    },
    /// The defined index of that place is created.
    Create {
        /// Its place among the defined ones.
        defined: usize,
    },
}

/// What becomes of the indexes of a table: drops first, then renames, then creations.
///
/// `indexes` are those of the definition with the names that they have in the database, `live`
/// those that are there, but for the key's. `live_table` is the table's name as it is there,
/// `live_columns` its columns, and `columns` where each column of the definition is among those.
///
/// An index that is not in the definition stays if somebody made it by hand and it is not unique:
/// it makes reads faster and has no other effect. One that has the name that the derive gives is
/// taken for the derive's.
pub fn match_indexes(
    indexes: &[IndexDef],
    live_table: &str,
    live_columns: &[&str],
    columns: &[Option<usize>],
    live: &[LiveIndex],
) -> Vec<IndexChange> {
    // The columns of a defined index by the names that they have now; none if one is new.
    let wanted = |index: &IndexDef| -> Option<Vec<&str>> {
        index.columns.iter().map(|&column| Some(live_columns[columns[column]?])).collect()
    };
    let is_over = |live: &LiveIndex, wanted: &[&str]| {
        live.columns.iter().map(Option::as_deref).eq(wanted.iter().map(|&name| Some(name)))
    };
    let does_the_same = |live: &LiveIndex, index: &IndexDef| {
        live.whole
            && live.unique == index.unique
            && wanted(index).is_some_and(|wanted| is_over(live, &wanted))
    };
    let is_derived = |live: &LiveIndex| {
        let columns: Option<Vec<&str>> = live.columns.iter().map(Option::as_deref).collect();
        columns.is_some_and(|columns| {
            let auto = columns.first().map(|first| format!("{live_table}_{first}_auto"));
            live.name == index_name(live_table, &columns, live.unique)
                || (!live.unique && auto.as_ref() == Some(&live.name))
        })
    };
    let (mut drops, mut renames, mut creations) = (Vec::new(), Vec::new(), Vec::new());
    let named = |name: &str| live.iter().position(|live| live.name == name);
    let mut taken = vec![false; live.len()];
    for (defined, index) in indexes.iter().enumerate() {
        match named(&index.name) {
            Some(place) if does_the_same(&live[place], index) => taken[place] = true,
            Some(place) => {
                taken[place] = true;
                drops.push(IndexChange::Drop { live: place, derived: is_derived(&live[place]) });
                creations.push(IndexChange::Create { defined });
            }
            None => {}
        }
    }
    for (defined, index) in indexes.iter().enumerate() {
        if named(&index.name).is_some() {
            continue;
        }
        let same = (live.iter().enumerate())
            .find(|(place, live)| !taken[*place] && is_derived(live) && does_the_same(live, index));
        if let Some((place, _)) = same {
            taken[place] = true;
            renames.push(IndexChange::Rename { live: place, defined });
        } else {
            creations.push(IndexChange::Create { defined });
        }
    }
    for (place, index) in live.iter().enumerate().filter(|(place, _)| !taken[*place]) {
        let derived = is_derived(index);
        // A unique index under a name of its own will do, as it does for a set-up.
        let is_known = indexes.iter().any(|defined| does_the_same(index, defined));
        if derived || (index.unique && !is_known) {
            drops.push(IndexChange::Drop { live: place, derived });
        }
    }
    drops.into_iter().chain(renames).chain(creations).collect()
}
