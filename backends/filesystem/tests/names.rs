//! Every key has a name of its own, on every file system, and comes back from it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use fastrand::Rng;
use storehouse_filesystem::names::{
    decode, encode, key_from_name, key_from_path, key_name, key_path,
};
use storehouse_runtime::{ColumnType, EncodedKey, Value};
use unicode_normalization::UnicodeNormalization as _;

const TIMES: usize = 20_000;

/// What other systems get wrong: what leads out of a folder, what a file system takes for the same,
/// and what has a meaning of its own somewhere.
const NASTY: &[&str] = &[
    "",
    ".",
    "..",
    "...",
    "/",
    "//",
    "a/",
    "/a",
    "a/../b",
    "../../etc/passwd",
    "C:\\x",
    "c:",
    "\\\\?\\x",
    "\0",
    "a\0b",
    "con",
    "CON",
    "Con.txt",
    "con.",
    "con .txt",
    "nul",
    "aux.json",
    "com1",
    "com¹",
    "lpt9.x",
    "conin$",
    "a.",
    "a ",
    " a",
    ".a",
    "a.json",
    "a.bin",
    "%",
    "%%",
    "%2",
    "%2f",
    "+",
    "+a",
    "~",
    "a~",
    ",",
    "a,b",
    "*",
    "?",
    "\"",
    "<>|",
    ":",
    "\u{7f}",
    "\u{1}",
    "\n",
    "ü",
    "u\u{308}",
    "Ü",
    "ß",
    "ẞ",
    "ss",
    "ı",
    "İ",
    "i\u{307}",
    "ſ",
    "s",
    "K",
    "\u{212a}",
    "Å",
    "\u{212b}",
    "å",
    "ﬁ",
    "ĳ",
    "ij",
    "Ω",
    "\u{2126}",
    "ς",
    "σ",
    "が",
    "か\u{3099}",
    "가",
    "\u{1100}\u{1161}",
    "\u{200b}",
    "\u{feff}",
    "\u{202e}x",
    "😀",
    "產",
    "\u{fa64}",
    "-",
    "--help",
    "-rf",
    "$HOME",
    "`id`",
    "a;b",
    "thumbs.db",
    ".git",
    ".storehouse",
    "journal.json",
];

/// A text of characters that matter, some of them often.
fn text(rng: &mut Rng) -> String {
    let length = if rng.u8(..20) == 0 { rng.usize(100..400) } else { rng.usize(..12) };
    let character = |rng: &mut Rng| match rng.u8(..6) {
        0 => rng.char('a'..='z'),
        1 => rng.char('A'..='Z'),
        2 => *rng
            .choice(&['.', ' ', '/', '\\', '%', '+', '~', ',', '-', '\0', ':', '2', 'f'])
            .unwrap(),
        3 => rng.char('\u{80}'..='\u{600}'),
        4 => *rng.choice(&['\u{300}', '\u{308}', 'ü', 'U', 'ı', 'ſ', 'K', 'ς', 'ﬁ', '產']).unwrap(),
        _ => rng.char(..),
    };
    (0..length).map(|_| character(rng)).collect()
}

fn texts() -> impl Iterator<Item = String> {
    let mut rng = Rng::with_seed(20);
    let nasty = NASTY.iter().map(|&text| text.to_owned());
    let long = NASTY.iter().map(|text| text.repeat(300));
    nasty.chain(long).chain((0..TIMES).map(move |_| text(&mut rng)))
}

/// What a file system that ignores case and composition compares.
fn folded(name: &str) -> String {
    let upper: String = name.nfkc().flat_map(char::to_uppercase).collect();
    upper.nfkd().flat_map(char::to_lowercase).collect()
}

/// A part of a path that every file system takes and gives back.
fn check_part(part: &str) {
    assert!(!part.is_empty() && part.len() <= 140, "{part}");
    assert!(!part.starts_with(['.', ' ']) && !part.ends_with(['.', ' ']), "{part:?}");
    let forbidden = |c: char| c.is_control() || "<>:\"/\\|?*".contains(c) || c.is_ascii_uppercase();
    assert!(!part.contains(forbidden), "{part:?}");
    assert_eq!(part, part.nfc().collect::<String>(), "it is composed already");
    let stem = part.split('.').next().unwrap();
    let device = ["con", "prn", "aux", "nul"].contains(&stem)
        || ["com", "lpt"].iter().any(|name| {
            stem.strip_prefix(name)
                .is_some_and(|rest| rest.len() == 1 && rest.parse::<u8>().is_ok())
        });
    assert!(!device, "{part}");
}

/// Keys by their folded names: no two different keys share one.
#[derive(Default)]
struct Taken(HashMap<String, String>);

impl Taken {
    fn take(&mut self, name: &str, key: &str) {
        if let Some(other) = self.0.insert(folded(name), key.to_owned()) {
            assert_eq!(other, key, "two keys have the name {name}");
        }
    }
}

#[test]
fn every_text_comes_back_from_its_name() {
    let mut taken = Taken::default();
    for text in texts() {
        let name = encode(&text);
        assert_eq!(decode(&name).as_ref(), Some(&text), "{name}");
        taken.take(&name, &text);
    }
}

#[test]
fn every_key_has_a_file_of_its_own() {
    let mut taken = Taken::default();
    for text in texts() {
        let key = EncodedKey::single(Value::Text(text.clone()));
        let name = key_name(&key);
        check_part(&name);
        check_part(&format!("{name}.json"));
        taken.take(&name, &text);
        // A shortened name does not tell; no name tells another key.
        let told = key_from_name(&name, ColumnType::Text);
        assert!(told.as_ref() == Some(&key) || told.is_none() && name.contains('~'), "{name}");
    }
}

#[test]
fn keys_of_several_columns_do_not_meet() {
    let mut rng = Rng::with_seed(3);
    let mut taken = Taken::default();
    for _ in 0..TIMES {
        let values = [text(&mut rng), text(&mut rng)];
        let key = values.iter().cloned().map(Value::Text).collect();
        taken.take(&key_name(&key), &format!("{values:?}"));
    }
}

#[test]
fn every_path_leads_to_its_key_alone() {
    let mut taken = Taken::default();
    let mut folders = Taken::default();
    for key in texts() {
        let path = key_path(&key);
        assert_eq!(key_from_path(&path).as_ref(), Some(&key), "{path}");
        path.split('/').for_each(check_part);
        taken.take(&path, &key);
        let mut rest = path.as_str();
        while let Some((folder, _)) = rest.rsplit_once('/') {
            folders.0.insert(folded(folder), String::new());
            rest = folder;
        }
    }
    assert!(folders.0.keys().all(|folder| !taken.0.contains_key(folder)), "a file is a folder");
}

/// Names that nobody made either belong to one key or to none, and are never taken for two.
#[test]
fn any_name_is_one_keys_or_nobodys() {
    for text in texts() {
        if let Some(key) = decode(&text) {
            assert_eq!(encode(&key), text);
        }
        if let Some(key) = key_from_path(&text) {
            assert_eq!(key_path(&key), text);
        }
        for key_type in [ColumnType::Text, ColumnType::I64, ColumnType::Uuid, ColumnType::Bool] {
            if let Some(key) = key_from_name(&text, key_type) {
                assert_eq!(key_name(&key), text);
            }
        }
    }
}
