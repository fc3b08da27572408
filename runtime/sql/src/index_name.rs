//! The names of indexes, which are made from those of their columns. The derive gives them, and
//! migrations know them again.

/// The longest name that no database cuts.
const LONGEST: usize = 63;

/// The name of an index: `products_category_price_idx`, or `products_sku_key` for a unique one.
///
/// A name too long is cut and ends in a hash of the whole, so that it stays different from
/// others that begin alike.
///
/// ```
/// let name = storehouse_sql::index_name("products", &["category", "price"], false);
/// assert_eq!(name, "products_category_price_idx");
/// ```
pub fn index_name(table: &str, columns: &[&str], unique: bool) -> String {
    let name = format!("{table}_{}_{}", columns.join("_"), if unique { "key" } else { "idx" });
    if name.len() <= LONGEST {
        return name;
    }
    let tail = format!("_{:08x}", fnv1a(&name));
    // The names in a live database need not be ASCII.
    let cut = name.floor_char_boundary(LONGEST - tail.len());
    format!("{}{tail}", &name[..cut])
}

/// The name of an index, with a number where it is taken: `index(a, b_c)` and `index(a_b, c)`
/// would share one.
pub fn free_index_name(
    table: &str,
    columns: &[&str],
    unique: bool,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let mut name = index_name(table, columns, unique);
    let mut number = 2;
    while is_taken(&name) {
        let numbered = number.to_string();
        let mut longer = columns.to_vec();
        longer.push(&numbered);
        name = index_name(table, &longer, unique);
        number += 1;
    }
    name
}

fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_index_name_is_cut_and_stays_its_own() {
        let long = "x".repeat(60);
        let one = index_name("t", &[&long, "a"], false);
        let other = index_name("t", &[&long, "b"], false);
        assert_eq!((one.len(), other.len()), (63, 63));
        assert_ne!(one, other);
        assert_eq!(index_name("t", &["a", "b"], true), "t_a_b_key");
    }

    #[test]
    fn a_name_that_is_taken_is_numbered() {
        let taken = ["t_a_b_idx", "t_a_b_2_idx"];
        let name = free_index_name("t", &["a", "b"], false, |name| taken.contains(&name));
        assert_eq!(name, "t_a_b_3_idx");
    }
}
