//! The parts of the suite that concern some backends only.

use anyhow::{Result, bail};

use super::{Part, Tests};
use crate::commands::wasm;
use crate::project::Project;
use crate::tools::wasm_target::WasmTarget;

pub const CONFORMANCE: &str = "storehouse-conformance";

/// The backend that runs in a browser, and so with other tools.
const BROWSER: &str = "browser";

/// For each backend its file in tests/conformance/tests, and its crate where it has one.
pub fn parts<'a>(tests: &'a Tests<'a>, backends: &'a [String]) -> Result<Vec<Part<'a>>> {
    let &Tests { project, filter, .. } = tests;
    let suites = suites(project)?;
    let mut parts: Vec<Part<'a>> = Vec::new();
    for backend in backends {
        let has_suite = suites.contains(backend);
        let package = format!("storehouse-{backend}");
        let has_package = project.package(&package)?.is_some();
        if !has_suite && !has_package {
            bail!("there is no backend `{backend}`; tests/conformance has {}", suites.join(", "));
        }
        if has_package {
            parts.push((package.clone(), Box::new(move || tests.cargo(&["--package", &package]))));
        }
        if has_suite && backend == BROWSER {
            parts.push((
                format!("conformance: {backend}"),
                Box::new(move || wasm::in_browser(project, &WasmTarget::ensure(project)?, filter)),
            ));
        } else if has_suite {
            parts.push((
                format!("conformance: {backend}"),
                Box::new(move || tests.cargo(&["--package", CONFORMANCE, "--test", backend])),
            ));
        }
    }
    Ok(parts)
}

/// The names of the files in tests/conformance/tests.
pub fn suites(project: &Project) -> Result<Vec<String>> {
    let Some(package) = project.package(CONFORMANCE)? else {
        bail!("the workspace has no package {CONFORMANCE}");
    };
    Ok(package
        .targets
        .into_iter()
        .filter(cargo_metadata::Target::is_test)
        .map(|target| target.name)
        .collect())
}
