//! One version of each crate that the workspace uses directly.
//!
//! Two versions of, say, serde mean two sets of traits that do not fit together, and a longer build.
//! What only others depend on is theirs to sort out.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, PackageId};

/// Crates that may come twice, and why.
const EXCEPTIONS: [(&str, &str); 4] = [
    (
        "getrandom",
        "sqlx and what tests use bring older ones by way of rand_core; it is one function, and none of its types leave it",
    ),
    (
        "hashbrown",
        "sqlx shares ours, and indexmap has another; it holds a table of one module, and none of its types leave that",
    ),
    (
        "sha2",
        "sqlx brings two by itself; ours is its newer one, and its types stay inside one function",
    ),
    (
        "syn",
        "procedural macros of others are still on syn 2; it runs at build time only and its types never meet ours",
    ),
];

/// A problem for each direct dependency with more than one version.
pub fn check(graph: &Metadata) -> Vec<String> {
    let direct = direct(graph);
    let mut versions: BTreeMap<&str, Vec<&PackageId>> = BTreeMap::new();
    for package in &graph.packages {
        if direct.contains(package.name.as_str())
            && !EXCEPTIONS.iter().any(|(name, _)| *name == package.name.as_str())
        {
            versions.entry(package.name.as_str()).or_default().push(&package.id);
        }
    }
    versions
        .into_iter()
        .filter(|(_, ids)| ids.len() > 1)
        .map(|(name, ids)| {
            let who: Vec<_> = ids.into_iter().map(|id| format!("  {} brought by {}", graph[id].version, dependents(graph, id))).collect();
            format!(
                "{name}, a direct dependency, comes in {} versions; settle on one, or add an exception with its reason \
                 to xtask/src/commands/lint/duplicates.rs:\n{}",
                who.len(),
                who.join("\n")
            )
        })
        .collect()
}

/// The names of all crates outside the workspace that a member depends on.
fn direct(graph: &Metadata) -> BTreeSet<&str> {
    let members: BTreeSet<_> = graph.workspace_members.iter().collect();
    nodes(graph)
        .filter(|node| members.contains(&node.id))
        .flat_map(|node| &node.deps)
        .filter(|dependency| !members.contains(&dependency.pkg))
        .map(|dependency| graph[&dependency.pkg].name.as_str())
        .collect()
}

/// Who depends on the package, with the kind where it is not an ordinary dependency.
fn dependents(graph: &Metadata, id: &PackageId) -> String {
    let names: BTreeSet<_> = nodes(graph)
        .flat_map(|node| node.deps.iter().map(move |dependency| (node, dependency)))
        .filter(|(_, dependency)| dependency.pkg == *id)
        .map(|(node, dependency)| {
            let package = &graph[&node.id];
            let ordinary =
                dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            format!(
                "{} {}{}",
                package.name,
                package.version,
                if ordinary { "" } else { " (dev or build)" }
            )
        })
        .collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn nodes(graph: &Metadata) -> impl Iterator<Item = &cargo_metadata::Node> {
    graph.resolve.iter().flat_map(|resolve| &resolve.nodes)
}
