//! "Did you mean ..?", for names that come at run time: columns, operators, members.

/// How alike two names must be for one to be taken for a misspelling of the other.
const ALIKE: f64 = 0.8;

/// `; did you mean ..?` when a candidate is like `name`, else what `otherwise` says.
pub(crate) fn did_you_mean<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    // What is longer than a name can be is no misspelling of one, and takes long to compare.
    if name.len() > 80 {
        return otherwise();
    }
    let best = (candidates.into_iter())
        .filter_map(|candidate| Some((likeness(name, candidate)?, candidate)))
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    match best {
        Some((_, candidate)) => format!("; did you mean `{candidate}`?"),
        None => otherwise(),
    }
}

/// How alike two names are, when they are alike at all.
fn likeness(name: &str, candidate: &str) -> Option<f64> {
    let likeness = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
    let is_one_slip = name.len() > 2 && strsim::osa_distance(name, candidate) == 1;
    (likeness > ALIKE || is_one_slip).then_some(likeness)
}

/// `` `a`, `b` and `c` ``, for messages.
pub(crate) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// A name from outside, short enough for a message.
pub(crate) fn shortened(name: &str) -> String {
    const LONGEST: usize = 80;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_alike_name_is_offered() {
        let offer = |name| did_you_mean(name, ["price", "sku"], || "; no idea".into());
        assert_eq!(offer("prize"), "; did you mean `price`?");
        assert_eq!(offer("PRICE"), "; did you mean `price`?");
        assert_eq!(offer("color"), "; no idea");
        assert_eq!(offer(&"price".repeat(50)), "; no idea");
    }

    #[test]
    fn names_in_a_message() {
        assert_eq!(list([]), "");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(shortened("é"), "é");
        assert_eq!(shortened(&"é".repeat(100)).chars().count(), 81);
    }
}
