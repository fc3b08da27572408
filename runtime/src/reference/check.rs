//! What is wrong with the references of a table, so far as its definition and those that it
//! refers to tell: the same for every backend, and said before anything is created.

use crate::{
    capabilities::Capabilities,
    definition::TableDef,
    error::{Error, Result},
    reference::OnDelete,
};

/// Fails when the table cannot be set up because of what it refers to.
pub(crate) fn check_set_up(
    definition: &TableDef,
    capabilities: Capabilities,
    backend: &'static str,
) -> Result<()> {
    if definition.references.is_empty() {
        return Ok(());
    }
    if !capabilities.references {
        return Err(Error::unsupported(
            "references",
            backend,
            "remove `references` from the table's columns, or use a backend that enforces them",
        ));
    }
    check_columns(definition)?;
    let mut path = vec![definition];
    let mut done = Vec::new();
    check_cycle(&mut path, &mut done)
}

/// The derive asks the same of rustc; a definition that is made at run time is checked here.
fn check_columns(definition: &TableDef) -> Result<()> {
    for reference in &*definition.references {
        let target = reference.target(definition);
        let (Some(column), Some(referenced)) =
            (definition.columns.get(reference.column), target.columns.get(reference.referenced))
        else {
            return Err(Error::schema(format!(
                "a reference of table `{}` names a column by a number that does not exist",
                definition.full_name()
            )));
        };
        let refuse = |why: &str| {
            Err(Error::schema(format!(
                "column `{}` of table `{}` cannot refer to `{}` of table `{}`: {why}",
                column.name,
                definition.full_name(),
                referenced.name,
                target.full_name()
            )))
        };
        if column.column_type != referenced.column_type {
            return refuse("their types differ; give both columns one type");
        }
        if !column.nullable && reference.on_delete == OnDelete::SetNull {
            return refuse(
                "it cannot become NULL; make it nullable, or choose another `on_delete`",
            );
        }
        if !is_unique(target, reference.referenced) {
            return refuse("rows can share its values; refer to the key, or make it unique");
        }
    }
    Ok(())
}

/// Whether no two rows share a value of the column.
fn is_unique(definition: &TableDef, column: usize) -> bool {
    *definition.key == [column]
        || definition.indexes.iter().any(|index| index.unique && *index.columns == [column])
}

/// Fails when tables refer to each other in a circle, since none of them could be the first.
fn check_cycle(path: &mut Vec<&TableDef>, done: &mut Vec<String>) -> Result<()> {
    let Some(&last) = path.last() else { return Ok(()) };
    for reference in &*last.references {
        let target = reference.target(last);
        let name = target.full_name();
        if reference.is_to_itself(last) || done.iter().any(|done| *done == name) {
            continue;
        }
        if let Some(begin) = path.iter().position(|table| table.full_name() == name) {
            let circle: Vec<String> =
                path[begin..].iter().map(|table| format!("`{}`", table.full_name())).collect();
            return Err(Error::schema(format!(
                "tables {} refer to each other in a circle, so none can be set up first; \
                 remove one of the references, and keep that link in a table of its own",
                circle.join(", ")
            )));
        }
        path.push(target);
        check_cycle(path, done)?;
        path.pop();
    }
    done.push(last.full_name().into_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        reference::{ReferenceDef, ReferencedTable},
        test_table,
    };

    fn table(name: &'static str, references: Vec<ReferenceDef>) -> TableDef {
        let products = test_table::definition();
        TableDef { references: references.into(), ..products.renamed(name) }
    }

    fn reference(column: usize, table: ReferencedTable, referenced: usize) -> ReferenceDef {
        ReferenceDef { column, table, referenced, on_delete: OnDelete::Restrict }
    }

    fn check(definition: &TableDef) -> Result<()> {
        let capabilities = Capabilities { references: true, ..Capabilities::NONE };
        check_set_up(definition, capabilities, "test")
    }

    #[test]
    fn what_a_definition_made_at_run_time_may_get_wrong() {
        let other = || ReferencedTable::Defined(test_table::definition());
        let refused = |reference| check(&table("a", vec![reference])).unwrap_err().to_string();
        check(&table("a", vec![reference(0, other(), 0), reference(3, other(), 1)])).unwrap();
        check(&table("a", vec![reference(3, ReferencedTable::Itself, 1)])).unwrap();
        assert!(refused(reference(1, other(), 0)).contains("types differ"));
        assert!(refused(reference(2, other(), 2)).contains("share its values"));
        assert!(refused(reference(0, other(), 9)).contains("does not exist"));
        let to_null = ReferenceDef { on_delete: OnDelete::SetNull, ..reference(0, other(), 0) };
        assert!(refused(to_null).contains("cannot become NULL"));
    }

    #[test]
    fn a_backend_that_enforces_none_says_so() {
        let itself = reference(3, ReferencedTable::Itself, 1);
        let refused = check_set_up(&table("a", vec![itself]), Capabilities::NONE, "test");
        assert!(matches!(refused, Err(Error::Unsupported { .. })));
        check_set_up(&table("a", vec![]), Capabilities::NONE, "test").unwrap();
    }

    #[test]
    fn a_circle_is_found_however_long_it_is() {
        fn one() -> &'static Arc<TableDef> {
            static ONE: std::sync::OnceLock<Arc<TableDef>> = std::sync::OnceLock::new();
            ONE.get_or_init(|| {
                Arc::new(table("one", vec![reference(0, ReferencedTable::Derived(three), 0)]))
            })
        }
        fn three() -> &'static Arc<TableDef> {
            static THREE: std::sync::OnceLock<Arc<TableDef>> = std::sync::OnceLock::new();
            THREE.get_or_init(|| {
                let two = table("two", vec![reference(0, ReferencedTable::Derived(one), 0)]);
                let to_two = reference(0, ReferencedTable::Defined(Arc::new(two)), 0);
                Arc::new(table("three", vec![to_two]))
            })
        }
        let refused = check(one()).unwrap_err().to_string();
        assert!(refused.contains("`one`, `three`, `two` refer to each other"), "{refused}");
        let beside = table("beside", vec![reference(0, ReferencedTable::Derived(one), 0)]);
        assert!(check(&beside).is_err());
    }
}
