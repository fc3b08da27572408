//! Filters that are put together at run time and stay typed: conditions that are there or not,
//! and lists of them.

use super::{Filter, FilterTree};

impl<T> Filter<T> {
    /// With the condition that `condition` makes of a value, when there is one.
    ///
    /// ```
    /// use storehouse::prelude::*;
    ///
    /// #[derive(Table)]
    /// struct Product {
    ///     #[table(key, auto)]
    ///     id: i64,
    ///     category: String,
    ///     price: f64,
    /// }
    ///
    /// fn search(category: Option<&str>, max: Option<f64>) -> Filter<Product> {
    ///     Filter::all()
    ///         .and_if(category, |category| Product::CATEGORY.eq(category))
    ///         .and_if(max, |max| Product::PRICE.le(max))
    /// }
    /// # let _ = search(None, Some(1.0));
    /// ```
    #[must_use]
    pub fn and_if<V>(self, value: Option<V>, condition: impl FnOnce(V) -> Self) -> Self {
        match value {
            Some(value) => self & condition(value),
            None => self,
        }
    }

    /// Or the condition that `condition` makes of a value, when there is one.
    #[must_use]
    pub fn or_if<V>(self, value: Option<V>, condition: impl FnOnce(V) -> Self) -> Self {
        match value {
            Some(value) => self | condition(value),
            None => self,
        }
    }

    /// Rows that match every one of `filters`; every row when there is none.
    ///
    /// ```
    /// # use storehouse::prelude::*;
    /// # #[derive(Table)]
    /// # struct Note { #[table(key)] id: i64, text: String }
    /// let words = ["red", "blue"];
    /// let both = Filter::every(words.iter().map(|word| Note::TEXT.contains(*word)));
    /// let either = Filter::any(words.iter().map(|word| Note::TEXT.contains(*word)));
    /// # let _ = (both, either);
    /// ```
    pub fn every(filters: impl IntoIterator<Item = Self>) -> Self {
        let all = FilterTree::all();
        Self::from_tree(filters.into_iter().fold(all, |tree, filter| tree.and(filter.tree)))
    }

    /// Rows that match at least one of `filters`; no row when there is none.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        let none = FilterTree::Or(Vec::new());
        Self::from_tree(filters.into_iter().fold(none, |tree, filter| tree.or(filter.tree)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_null(column: usize) -> Filter<()> {
        Filter::from_tree(FilterTree::IsNull { column })
    }

    #[test]
    fn a_condition_that_is_not_there_changes_nothing() {
        let filter = is_null(0).and_if(None, is_null).or_if(None, is_null);
        assert_eq!(filter.tree(), is_null(0).tree());
        let filter = is_null(0).and_if(Some(1), is_null).or_if(Some(2), is_null);
        assert_eq!(filter.tree(), ((is_null(0) & is_null(1)) | is_null(2)).tree());
    }

    #[test]
    fn lists_of_filters() {
        assert!(Filter::<()>::every([]).tree().is_all());
        assert!(Filter::<()>::any([]).tree().is_none());
        let parts: Vec<_> = (0..3).map(|column| FilterTree::IsNull { column }).collect();
        assert_eq!(*Filter::every((0..3).map(is_null)).tree(), FilterTree::And(parts.clone()));
        assert_eq!(*Filter::any((0..3).map(is_null)).tree(), FilterTree::Or(parts));
    }
}
