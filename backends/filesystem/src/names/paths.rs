//! Paths of raw files: the key is the path, with `/` between folders.
//!
//! A key `a` and a key `a/b` can be there at once, so the name of a file is never that of a folder: a
//! file's name has a dot, and gets the ending `.bin` where it has none, and a folder's name has no
//! dot. What is too long for a name goes on in a folder beneath.

use super::{Escape, LONGEST, cut, encode, encode_with, unescape};

/// The ending of files whose key has none.
const ENDING: &str = ".bin";

/// Marks a folder in which the name goes on, and the name that goes on.
const MARK: char = '~';

/// The path of a key's file, relative to the store's folder, with `/` between its parts.
///
/// ```
/// use storehouse_filesystem::names::{key_from_path, key_path};
///
/// assert_eq!(key_path("docs/read-me.txt"), "docs/read-me.txt");
/// assert_eq!(key_path("docs"), "docs.bin");
/// assert_eq!(key_path("../v1.2/Data"), "%2e%2e/v1%2e2/+data.bin");
/// assert_eq!(key_from_path("%2e%2e/v1%2e2/+data.bin").as_deref(), Some("../v1.2/Data"));
/// ```
pub fn key_path(key: &str) -> String {
    let mut segments = key.split('/').peekable();
    let mut parts = Vec::new();
    while let Some(segment) = segments.next() {
        let is_file = segments.peek().is_none();
        let name = if is_file { file_name(segment) } else { folder_name(segment) };
        if name.len() <= LONGEST {
            parts.push(name);
        } else {
            push_long(&mut parts, segment, is_file);
        }
    }
    parts.join("/")
}

/// The key of the file at a path; `None` where no key has that path.
pub fn key_from_path(path: &str) -> Option<String> {
    let mut segments = Vec::new();
    let mut long = String::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let is_file = parts.peek().is_none();
        if let Some(begin) = part.strip_suffix(MARK) {
            long.push_str(begin);
        } else if let Some(rest) = part.strip_prefix(MARK) {
            long.push_str(if is_file { rest.strip_suffix(ENDING)? } else { rest });
            segments.push(unescape(&long)?);
            long.clear();
        } else {
            let name = if is_file { part.strip_suffix(ENDING).unwrap_or(part) } else { part };
            segments.push(unescape(name)?);
        }
    }
    let key = segments.join("/");
    // More than one path can be read so, of which one is right.
    (key_path(&key) == path).then_some(key)
}

/// Without a dot.
fn folder_name(segment: &str) -> String {
    encode(segment).replace('.', "%2e")
}

/// With a dot, which is not the one of [`ENDING`] unless that was added.
fn file_name(segment: &str) -> String {
    let name = encode(segment);
    if name.contains('.') && !name.ends_with(ENDING) {
        return name;
    }
    name.replace('.', "%2e") + ENDING
}

/// Cuts a name into the names of folders, the last of which, or a file, ends it.
fn push_long(parts: &mut Vec<String>, segment: &str, is_file: bool) {
    let name = encode_with(segment, Escape::Strict);
    let mut rest = name.as_str();
    while rest.len() > LONGEST - 8 {
        let (begin, end) = rest.split_at(cut(rest, LONGEST - 8));
        parts.push(format!("{begin}{MARK}"));
        rest = end;
    }
    parts.push(format!("{MARK}{rest}{}", if is_file { ENDING } else { "" }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_back_from_its_path() {
        let long = ["x".repeat(300), "A.".repeat(200), "ü/".repeat(200), "... ".repeat(99)];
        let strange = [
            "",
            "/",
            "//",
            ".",
            "..",
            "a",
            "a/b",
            "a/b/c",
            "a.bin",
            "a.bin.bin",
            "a.txt/b",
            "a/.git",
            "~",
            "a~/~b",
            "con",
            "con.txt/nul",
            "A/B",
            "%",
            "+",
            "a%2eb",
            ".bin",
            "a\\b",
            "\0",
        ];
        let long = long.iter().map(String::as_str);
        let mut paths = Vec::new();
        for key in strange.into_iter().chain(long) {
            let path = key_path(key);
            assert_eq!(key_from_path(&path).as_deref(), Some(key), "{path}");
            assert!(
                path.split('/').all(|part| part.len() <= LONGEST + 1 && !part.starts_with('.'))
            );
            paths.push(path);
        }
        // No file is where a folder has to be.
        for path in &paths {
            let folder = format!("{path}/");
            assert!(paths.iter().all(|other| !other.starts_with(&folder)), "{path}");
        }
    }

    #[test]
    fn paths_that_no_key_has_are_nobodys() {
        for path in
            ["", "a", "A.txt", "a.b/c.txt", "a//b.txt", "../a.txt", "a~/b.txt", "~a.bin", ".a.txt"]
        {
            assert_eq!(key_from_path(path), None, "{path}");
        }
    }
}
