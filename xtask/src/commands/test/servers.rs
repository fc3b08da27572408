//! The PostgreSQL servers that the suite runs on.

use std::env;

use anyhow::Result;

use super::backends::{CONFORMANCE, suites};
use super::{POSTGRES, Part, Tests};
use crate::process;
use crate::project::Project;
use crate::tools::postgres::{Durability, Release, Server, URL_VARIABLE};

/// Starts the server for the suite; none if the environment names one, which then is used.
pub fn start(project: &Project) -> Result<Option<Server>> {
    if is_given() {
        println!("using the server that {URL_VARIABLE} names");
        return Ok(None);
    }
    let server = Server::start(&Release::ensure(project)?, Durability::None, &process::scratch()?)?;
    println!("{} at {}", server.description(), server.url());
    Ok(Some(server))
}

/// How the summary calls the server, so that it says which release the tests ran on.
pub fn name(server: Option<&Server>) -> String {
    match server {
        Some(server) => format!("start PostgreSQL {}", server.version),
        None if is_given() => "given PostgreSQL server".to_owned(),
        None => "start PostgreSQL".to_owned(),
    }
}

/// The conformance test once more, on each release that the system's packages have brought.
///
/// Not on a given server's machine: who names a server means that one.
pub fn on_older_releases<'a>(tests: &'a Tests<'a>) -> Result<Vec<Part<'a>>> {
    if is_given() || !suites(tests.project)?.iter().any(|suite| suite == POSTGRES) {
        return Ok(Vec::new());
    }
    let parts = Release::of_system().into_iter().map(|release| -> Part<'a> {
        let name = format!("conformance: PostgreSQL {}", release.version);
        let run = move || {
            let server = Server::start(&release, Durability::None, &process::scratch()?)?;
            tests.cargo_on(Some(&server), &["--package", CONFORMANCE, "--test", POSTGRES])
        };
        (name, Box::new(run))
    });
    Ok(parts.collect())
}

fn is_given() -> bool {
    env::var_os(URL_VARIABLE).is_some_and(|url| !url.is_empty())
}
