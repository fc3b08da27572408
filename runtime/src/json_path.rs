//! Paths into JSON columns, so that a filter can look inside a document.
//!
//! A [`JsonPath`] leads from a document to one of its values. [`Column::path`] begins a test of
//! what lies there; a [`JsonTest`] is that test as data. What a value counts as is written down
//! once, in `scalar`, and the memory backend and SQLite both run that code; PostgreSQL's
//! expressions are held to it by the conformance suite.
//!
//! [`Column::path`]: crate::Column::path

mod column;
mod scalar;
mod seek;
mod test;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    column::{AtPath, JsonDocument, ReadAsType, TypedAtPath},
    scalar::{JsonScalar, JsonType},
    test::JsonTest,
};
use crate::error::{Error, Result};

/// How deep a path may lead. No document is deeper than 127, as `serde_json` reads them.
const DEEPEST: usize = 64;

/// One step of a [`JsonPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum PathSegment {
    /// The element at this place of an array, counted from 0. In an object it leads nowhere.
    Index(u32),
    /// The member of an object with this name. In an array it leads nowhere.
    Key(String),
}

/// The way from a JSON document to one of its values.
///
/// As text, names stand between dots and places in brackets: `size.width`, `tags[0]`. A name
/// with a character that has a meaning there stands in brackets and quotes, as JSON writes it:
/// `["a.b"].c`. A list of names takes each as it is:
///
/// ```
/// use storehouse_runtime::JsonPath;
///
/// let path = JsonPath::parse(r#"size["a.b"][0]"#)?;
/// assert_eq!(path, JsonPath::root().key("size").key("a.b").index(0));
/// assert_eq!(path.to_string(), r#"size["a.b"][0]"#);
/// assert_eq!(JsonPath::from(["size", "a.b"]).to_string(), r#"size["a.b"]"#);
/// # Ok::<_, storehouse_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JsonPath {
    segments: Vec<PathSegment>,
    /// What was wrong with the text that it was made from, for [`JsonPath::check`].
    problem: Option<String>,
}

impl JsonPath {
    /// Leads to the document itself.
    pub const fn root() -> Self {
        Self { segments: Vec::new(), problem: None }
    }

    /// Reads a path as text.
    ///
    /// Fails with [`Error::Validation`] when a name is empty, or a bracket or a quote has no end.
    pub fn parse(path: &str) -> Result<Self> {
        text::parse(path).map(Self::from_iter).map_err(Error::validation)
    }

    /// On to the member of that name, taken as it is.
    #[must_use]
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.segments.push(PathSegment::Key(name.into()));
        self
    }

    /// On to the element at that place, counted from 0.
    #[must_use]
    pub fn index(mut self, place: u32) -> Self {
        self.segments.push(PathSegment::Index(place));
        self
    }

    /// The steps.
    pub fn segments(&self) -> &[PathSegment] {
        &self.segments
    }

    /// What the path leads to in `document`.
    pub fn find<'d>(&self, document: &'d serde_json::Value) -> Option<&'d serde_json::Value> {
        self.segments.iter().try_fold(document, |value, segment| match (value, segment) {
            (serde_json::Value::Object(members), PathSegment::Key(name)) => members.get(name),
            (serde_json::Value::Array(items), PathSegment::Index(place)) => {
                items.get(usize::try_from(*place).ok()?)
            }
            _ => None,
        })
    }

    /// What the path leads to in a document that is still text. Only that is built, the rest is
    /// read over.
    ///
    /// Fails when the text is no JSON.
    pub fn find_in_text(&self, document: &str) -> serde_json::Result<Option<serde_json::Value>> {
        seek::find(document, &self.segments)
    }

    /// The path as a JSON array, in the form that engines hand to their own code.
    pub fn encode(&self) -> String {
        // Names and numbers always have a JSON form.
        serde_json::to_string(&self.segments).unwrap_or_default()
    }

    /// Reads what [`JsonPath::encode`] wrote.
    pub fn decode(encoded: &str) -> serde_json::Result<Self> {
        serde_json::from_str(encoded).map(|segments| Self { segments, problem: None })
    }

    /// Fails with [`Error::Validation`] when the path was written wrong, leads too deep, or has a
    /// name that no document can have.
    pub fn check(&self) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(Error::validation(problem.as_str()));
        }
        if self.segments.len() > DEEPEST {
            return Err(Error::validation(format!(
                "a JSON path has {DEEPEST} steps at most, this one has {}",
                self.segments.len()
            )));
        }
        let has_nul = |segment: &PathSegment| matches!(segment, PathSegment::Key(name) if name.contains('\0'));
        if self.segments.iter().any(has_nul) {
            return Err(Error::validation(
                "a name in a JSON path has the NUL character, which no stored document has",
            ));
        }
        Ok(())
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(&self.segments, f)
    }
}

impl<S: Into<PathSegment>> FromIterator<S> for JsonPath {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self { segments: segments.into_iter().map(Into::into).collect(), problem: None }
    }
}

/// Reads a path as [`JsonPath::parse`] does. What is wrong with it is told when it is used, as a
/// malformed pattern is.
impl From<&str> for JsonPath {
    fn from(path: &str) -> Self {
        match text::parse(path) {
            Ok(segments) => Self { segments, problem: None },
            Err(problem) => Self { segments: Vec::new(), problem: Some(problem) },
        }
    }
}

impl From<String> for JsonPath {
    fn from(path: String) -> Self {
        path.as_str().into()
    }
}

/// Takes each name as it is.
impl<S: Into<PathSegment>, const N: usize> From<[S; N]> for JsonPath {
    fn from(segments: [S; N]) -> Self {
        segments.into_iter().collect()
    }
}

impl From<&str> for PathSegment {
    fn from(name: &str) -> Self {
        Self::Key(name.to_owned())
    }
}

impl From<String> for PathSegment {
    fn from(name: String) -> Self {
        Self::Key(name)
    }
}

impl From<u32> for PathSegment {
    fn from(place: u32) -> Self {
        Self::Index(place)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_lead_into_objects_and_places_into_arrays() {
        let document = json!({"a": [{"0": 1}, [2]], "0": 3, "": {"b.c": null}});
        let find = |path: JsonPath| path.find(&document).cloned();
        assert_eq!(find(JsonPath::root()), Some(document.clone()));
        assert_eq!(find("a[0].0".into()), Some(json!(1)));
        assert_eq!(find("a[1][0]".into()), Some(json!(2)));
        assert_eq!(find("0".into()), Some(json!(3)));
        assert_eq!(find("[0]".into()), None);
        assert_eq!(find("a.0".into()), None);
        assert_eq!(find("a[2]".into()), None);
        assert_eq!(find(JsonPath::from(["", "b.c"])), Some(json!(null)));
        for path in ["a[0].0", "a[1][0]", "0", "[0]", "a.0", "a[2]", "a"] {
            let path = JsonPath::from(path);
            assert_eq!(path.find_in_text(&document.to_string()).unwrap(), find(path));
        }
    }

    #[test]
    fn a_path_comes_back_from_its_encoded_form() {
        let path = JsonPath::root().key("a\"b").index(7).key("7").key("");
        assert_eq!(path.encode(), r#"["a\"b",7,"7",""]"#);
        assert_eq!(JsonPath::decode(&path.encode()).unwrap(), path);
    }

    #[test]
    fn what_is_wrong_with_a_path_is_told_when_it_is_checked() {
        let refused = |path: JsonPath| path.check().unwrap_err().to_string();
        assert!(refused("a..b".into()).contains("empty"));
        assert!(refused(JsonPath::from(["a\0"])).contains("NUL"));
        assert!(refused((0..65_u32).collect()).contains("64 steps"));
        JsonPath::from("a.b").check().unwrap();
    }
}
