//! Runs the cases in `pass/` and `fail/`. `cargo xtask ui` runs this and then holds every message
//! to what a reader can take in.
//!
//! Lines that a failing case may begin with:
//!
//! - `// mistakes: 2`: it has so many mistakes, not one.
//! - `// long: reason`: why its message is longer than 14 lines a mistake.

#[test]
fn compile_time() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
