//! Finding a value in a document's text without building the document.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value as Json;

use super::PathSegment;

/// What lies at the end of `segments`. Of two members with one name the last counts, as it does
/// for `serde_json::Value`.
pub(super) fn find(document: &str, segments: &[PathSegment]) -> serde_json::Result<Option<Json>> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let found = Seek(segments).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

#[derive(Clone, Copy)]
struct Seek<'s>(&'s [PathSegment]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Json>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            return serde::Deserialize::deserialize(deserializer).map(Some);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Json>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let (first, rest) = self.0.split_first().ok_or_else(|| A::Error::custom("no step"))?;
        let wanted = match first {
            PathSegment::Key(wanted) => Some(wanted.as_str()),
            PathSegment::Index(_) => None,
        };
        while let Some(is_wanted) = members.next_key_seed(IsName(wanted))? {
            if is_wanted {
                found = members.next_value_seed(Seek(rest))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let (first, rest) = self.0.split_first().ok_or_else(|| A::Error::custom("no step"))?;
        for place in 0_u32.. {
            if *first == PathSegment::Index(place) {
                let Some(item) = items.next_element_seed(Seek(rest))? else { break };
                found = item;
            } else if items.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Tells whether a member has a name, without copying it.
struct IsName<'s>(Option<&'s str>);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(self.0 == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_path::JsonPath;

    #[test]
    fn it_finds_what_a_parsed_document_has() {
        let documents = [
            r#"{"a": {"b": [1, {"c": "x"}]}, "z": null}"#,
            r#"{"a": 1, "a": {"b": [true, 2.5]}}"#,
            r#"{"a": {"b": 1}, "a": 7}"#,
            "[[], [0, [1]]]",
            r#""a""#,
            "12345678901234567890",
            "null",
            r#"{"\u0061": {"b": "esc\u0061ped"}}"#,
        ];
        for document in documents {
            let parsed: Json = serde_json::from_str(document).unwrap();
            for path in ["a", "a.b", "a.b[0]", "a.b[1].c", "z", "[1][1][0]", "[0]", "b"] {
                let path = JsonPath::from(path);
                let found = path.find_in_text(document).unwrap();
                assert_eq!(found.as_ref(), path.find(&parsed), "{path} of {document}");
            }
            assert_eq!(JsonPath::root().find_in_text(document).unwrap(), Some(parsed));
        }
    }

    #[test]
    fn what_is_no_json_is_an_error_wherever_it_is_broken() {
        for document in ["", "{", r#"{"a": 1, "b"}"#, r#"{"a": 1} 2"#, "[1, 2"] {
            assert!(JsonPath::from("a").find_in_text(document).is_err(), "{document}");
        }
    }
}
