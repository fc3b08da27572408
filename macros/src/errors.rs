//! Gathers every mistake of a struct, so that the compiler reports them all at once.
//!
//! Each phase goes on after a mistake with what it could make of it. A collection that is
//! dropped unread is a bug in this crate, and panics.

use std::{cell::RefCell, fmt::Display, thread};

use proc_macro2::TokenStream;
use quote::ToTokens;

/// How alike two names must be for one to be taken for a misspelling of the other.
const ALIKE: f64 = 0.8;

/// The mistakes found so far.
pub struct Errors {
    /// `None` once [`Errors::finish`] was called.
    found: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    pub const fn new() -> Self {
        Self { found: RefCell::new(Some(Vec::new())) }
    }

    /// Adds a mistake at `tokens`. The message says what is wrong and what to write instead.
    pub fn at(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub fn push(&self, error: syn::Error) {
        self.found
            .borrow_mut()
            .as_mut()
            .expect("mistakes are gathered before `finish`")
            .push(error);
    }

    /// The mistakes as `compile_error!` calls; `None` when there are none.
    pub fn finish(self) -> Option<TokenStream> {
        let found = self.found.take().expect("`finish` takes `self`");
        let all = found.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        })?;
        Some(all.into_compile_error())
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(
            thread::panicking() || self.found.borrow().is_none(),
            "mistakes were gathered but never reported"
        );
    }
}

/// `; did you mean ..?` when a candidate is like `name`, else what `otherwise` says.
pub fn did_you_mean(
    name: &str,
    candidates: impl IntoIterator<Item = impl AsRef<str>>,
    otherwise: impl FnOnce() -> String,
) -> String {
    let best = (candidates.into_iter())
        .filter_map(|candidate| Some((likeness(name, candidate.as_ref())?, candidate)))
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    match best {
        Some((_, candidate)) => format!("; did you mean `{}`?", candidate.as_ref()),
        None => otherwise(),
    }
}

/// How alike two names are, when they are alike at all.
fn likeness(name: &str, candidate: &str) -> Option<f64> {
    let likeness = strsim::jaro_winkler(name, candidate);
    // Of a short name two exchanged letters are half, so one such slip counts as well.
    let is_one_slip = name.len() > 2 && strsim::osa_distance(name, candidate) == 1;
    (likeness > ALIKE || is_one_slip).then_some(likeness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_name_is_offered() {
        let offer = |name| did_you_mean(name, ["unique", "index"], || "; no idea".into());
        assert_eq!(offer("uniqe"), "; did you mean `unique`?");
        assert_eq!(offer("idnex"), "; did you mean `index`?");
        assert_eq!(offer("vector"), "; no idea");
        assert_eq!(did_you_mean("kye", ["key"], String::new), "; did you mean `key`?");
        assert_eq!(did_you_mean("a", ["b"], String::new), "");
    }

    #[test]
    #[should_panic(expected = "never reported")]
    fn mistakes_cannot_be_forgotten() {
        Errors::new().at(quote::quote!(x), "wrong");
    }
}
