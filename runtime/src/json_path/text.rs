//! Paths as text: `size.width`, `tags[0]`, `["a.b"].c`.

use std::fmt::{self, Write as _};

use super::PathSegment;

/// The characters that have a meaning outside of quotes.
const SPECIAL: [char; 4] = ['.', '[', ']', '"'];

/// Reads a path. The error says what is wrong, and does not repeat the path beyond the place.
pub(super) fn parse(path: &str) -> Result<Vec<PathSegment>, String> {
    let mut segments = Vec::new();
    let mut rest = path;
    loop {
        if let Some(after) = rest.strip_prefix('[') {
            let (segment, after) = in_brackets(after)?;
            segments.push(segment);
            rest = after;
        } else {
            let end = rest.find(SPECIAL).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!(
                    "a JSON path has an empty name at byte {}; names stand between dots, as \
                     `size.width`, and a name with dots, brackets or quotes, or without any \
                     characters, stands as `[\"a.b\"]`",
                    path.len() - rest.len()
                ));
            }
            segments.push(PathSegment::Key(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        match rest.chars().next() {
            None => return Ok(segments),
            Some('.') => rest = &rest[1..],
            Some('[') => {}
            Some(other) => {
                return Err(format!(
                    "a JSON path has `{other}` at byte {}, where a `.` or a `[` continues it; \
                     a name with such a character stands as `[\"a.b\"]`",
                    path.len() - rest.len()
                ));
            }
        }
    }
}

/// What stands between brackets, and what comes after them.
fn in_brackets(rest: &str) -> Result<(PathSegment, &str), String> {
    let wrong = || {
        "a JSON path has brackets that hold neither a place, as `[0]`, nor a name in quotes, \
         as `[\"a.b\"]`"
            .to_owned()
    };
    if rest.starts_with('"') {
        let mut name = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let found = name.next().and_then(Result::ok).ok_or_else(wrong)?;
        let after = rest[name.byte_offset()..].strip_prefix(']').ok_or_else(wrong)?;
        return Ok((PathSegment::Key(found), after));
    }
    let (place, after) = rest.split_once(']').ok_or_else(wrong)?;
    if !place.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    place.parse().map(|place| (PathSegment::Index(place), after)).map_err(|_| wrong())
}

/// Writes a path as [`parse`] reads it.
pub(super) fn write(segments: &[PathSegment], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (position, segment) in segments.iter().enumerate() {
        match segment {
            PathSegment::Index(place) => write!(f, "[{place}]")?,
            PathSegment::Key(name) if name.is_empty() || name.contains(SPECIAL) => {
                write!(f, "[{}]", serde_json::Value::from(name.as_str()))?;
            }
            PathSegment::Key(name) => {
                if position > 0 {
                    f.write_char('.')?;
                }
                f.write_str(name)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_path::JsonPath;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        let key = |name: &str| PathSegment::Key(name.into());
        for (path, segments) in [
            ("a", vec![key("a")]),
            ("a.b", vec![key("a"), key("b")]),
            ("a[0][12].b", vec![key("a"), PathSegment::Index(0), PathSegment::Index(12), key("b")]),
            ("[3]", vec![PathSegment::Index(3)]),
            (r#"["a.b"]"#, vec![key("a.b")]),
            (r#"a["\"]["].c"#, vec![key("a"), key("\"]["), key("c")]),
            (r#"[""]"#, vec![key("")]),
            ("'; DROP TABLE x --", vec![key("'; DROP TABLE x --")]),
            ("日本.0", vec![key("日本"), key("0")]),
        ] {
            assert_eq!(parse(path).unwrap(), segments, "{path}");
            assert_eq!(segments.into_iter().collect::<JsonPath>().to_string(), path);
        }
        // Two names beside each other need no dot when one is in brackets; it may be there.
        assert_eq!(parse(r#"a.["b"]"#).unwrap(), [key("a"), key("b")]);
        assert_eq!(parse("a.[0]").unwrap(), [key("a"), PathSegment::Index(0)]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (path, says) in [
            ("", "empty name at byte 0"),
            ("a.", "empty name at byte 2"),
            (".a", "empty name at byte 0"),
            ("a..b", "empty name at byte 2"),
            ("a]", "`]` at byte 1"),
            ("a\"b", "`\"` at byte 1"),
            ("a[", "brackets"),
            ("a[]", "brackets"),
            ("a[-1]", "brackets"),
            ("a[99999999999]", "brackets"),
            ("a[\"b\"", "brackets"),
            ("a[\"b]", "brackets"),
            ("a[0]b", "`b` at byte 4"),
        ] {
            let problem = parse(path).unwrap_err();
            assert!(problem.contains(says), "{path}: {problem}");
        }
    }
}
