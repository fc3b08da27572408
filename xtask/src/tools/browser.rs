//! Chromium and its driver, for tests that run in a browser.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::apt;
use crate::process;

/// The browser's names in Debian, in Ubuntu and from Google.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Why each is passed is said beside it; all were tried together, as root, on a closed network.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox", // root and containers cannot have Chromium's sandbox; it visits our own page only
    "--disable-gpu",
    // The rest keeps it from reaching for the network at each start, which on a closed one takes long.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser and the driver that goes with it.
pub struct Browser {
    program: PathBuf,
    /// The path of `chromedriver`.
    pub driver: PathBuf,
}

impl Browser {
    /// Finds the browser and its driver in `PATH`, or installs both.
    pub fn ensure() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        apt::install(&["chromium", "chromium-driver"])?;
        match Self::find() {
            Some(found) => Ok(found),
            None => bail!(
                "chromium and chromium-driver are installed, but PATH has no chromium or no chromedriver"
            ),
        }
    }

    fn find() -> Option<Self> {
        let program = BROWSERS.iter().find_map(|name| process::find(name))?;
        Some(Self { program, driver: process::find("chromedriver")? })
    }

    /// Writes the `webdriver.json` that wasm-bindgen's test runner reads, and gives its path.
    pub fn write_capabilities(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join("webdriver.json");
        let capabilities =
            json!({ "goog:chromeOptions": { "binary": self.program, "args": FLAGS } });
        fs::write(&file, capabilities.to_string())
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(file)
    }
}
