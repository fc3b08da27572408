//! Licences that the dependencies may have.
//!
//! Storehouse is MIT or Apache-2.0, so what it is linked with may ask for no more than those do of a
//! user: a notice. What a package offers is an SPDX expression; one branch of it must be allowed.

use cargo_metadata::{Metadata, Package};
use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// Each with the reason why it may be used.
const ALLOWED: [(&str, &str); 15] = [
    ("MIT", "ours; asks for its notice"),
    ("MIT-0", "MIT without even the notice"),
    ("Apache-2.0", "ours; asks for its notice, grants patents"),
    ("Apache-2.0 WITH LLVM-exception", "Apache-2.0, and the notice may be left out of binaries"),
    ("BSD-1-Clause", "as MIT, for source code"),
    ("BSD-2-Clause", "as MIT"),
    ("BSD-3-Clause", "as MIT, and forbids to advertise with the authors' names"),
    ("0BSD", "asks for nothing"),
    ("ISC", "as MIT"),
    ("Zlib", "asks not to claim it as one's own"),
    ("BSL-1.0", "as MIT, and the notice may be left out of binaries"),
    ("CC0-1.0", "public domain"),
    ("Unlicense", "public domain"),
    ("Unicode-3.0", "as MIT, for Unicode's data tables"),
    (
        "MPL-2.0",
        "asks that changes to its own files be published; we change none, and linking is free (imbl)",
    ),
];

/// A problem for each package whose licence is not allowed, or cannot be told.
pub fn check(graph: &Metadata) -> Vec<String> {
    graph.packages.iter().filter_map(problem).collect()
}

fn problem(package: &Package) -> Option<String> {
    let name = format!("{} {}", package.name, package.version);
    let Some(licence) = &package.license else {
        return Some(format!(
            "{name} states no licence; read its licence file and choose another crate, or ask for one upstream"
        ));
    };
    match allowed(licence) {
        Ok(true) => None,
        Ok(false) => Some(format!(
            "{name} is under {licence}; choose another crate, or allow the licence with its reason in xtask/src/commands/lint/licences.rs"
        )),
        Err(error) => {
            Some(format!("{name} states a licence that SPDX does not know, {licence}: {error}"))
        }
    }
}

fn allowed(licence: &str) -> Result<bool, spdx::ParseError> {
    // Older packages write "MIT/Apache-2.0", which the strict mode refuses.
    let expression = Expression::parse_mode(licence, ParseMode::LAX)?;
    Ok(expression.evaluate(|asked| ALLOWED.iter().any(|(allowed, _)| satisfies(allowed, asked))))
}

fn satisfies(allowed: &str, asked: &LicenseReq) -> bool {
    Licensee::parse(allowed).is_ok_and(|licensee| licensee.satisfies(asked))
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, allowed};

    #[test]
    fn one_allowed_branch_is_enough() {
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MPL-2.0+",
        ] {
            assert_eq!(allowed(fine), Ok(true), "{fine}");
        }
        assert_eq!(allowed("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"), Ok(true));
    }

    #[test]
    fn what_asks_for_more_is_refused() {
        for refused in
            ["GPL-3.0-only", "AGPL-3.0-or-later", "MIT AND GPL-2.0-only", "LGPL-2.1-or-later"]
        {
            assert_eq!(allowed(refused), Ok(false), "{refused}");
        }
        assert!(allowed("MIT AND Beerware of sorts").is_err());
    }

    #[test]
    fn the_list_itself_parses() {
        for (name, reason) in ALLOWED {
            assert_eq!(allowed(name), Ok(true), "{name}");
            assert!(!reason.is_empty());
        }
    }
}
