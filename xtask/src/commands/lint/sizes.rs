//! A hint at source files that have grown long. Not a failure: some things are one thing.

use std::fs;
use std::path::Path;

use crate::project::Project;
use crate::report::heading;

const LINES: usize = 400;

/// Prints the files over the limit, longest first.
pub fn hint(project: &Project) {
    let mut long = Vec::new();
    visit(&project.root, &mut |file, lines| {
        long.push((lines, project.relative(file).display().to_string()));
    });
    if long.is_empty() {
        return;
    }
    long.sort_by(|a, b| b.cmp(a));
    heading(&format!("Hint: files over {LINES} lines; does each still do one thing?"));
    for (lines, file) in long {
        println!("{lines:>6}  {file}");
    }
}

fn visit(folder: &Path, found: &mut impl FnMut(&Path, usize)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                visit(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
            if lines > LINES {
                found(&path, lines);
            }
        }
    }
}
