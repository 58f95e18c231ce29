//! Errors: every mistake of one struct, collected and reported together.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// Collects the mistakes of one struct, so that the compiler shows all of them at once.
#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    /// Adds a mistake, shown under `tokens`.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.0.push(Error::new_spanned(tokens, message));
    }

    /// Adds a mistake that the parser found.
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// The number of mistakes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value, unless something was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> syn::Result<T> {
        let mut errors = self.0.into_iter();
        match (errors.next(), value) {
            (None, Some(value)) => Ok(value),
            (None, None) => Err(Error::new(proc_macro2::Span::call_site(), "nothing to derive")),
            (Some(mut first), _) => {
                first.extend(errors);
                Err(first)
            }
        }
    }
}

/// The expansion, or the errors in its place.
pub(crate) fn tokens(result: syn::Result<TokenStream>) -> proc_macro::TokenStream {
    result.unwrap_or_else(Error::into_compile_error).into()
}

/// `; did you mean …?` when one of the known names is close.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= candidate.len().max(name.len()).div_ceil(3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

/// The number of letters to insert, delete, replace or swap (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("key", "", 3),
            ("kye", "key", 1),
            ("colunm", "column", 1),
            ("colum", "column", 1),
            ("index", "unique", 5),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn suggests_only_what_is_close() {
        let known = ["column", "key", "index"];
        assert_eq!(did_you_mean("colunm", known), "; did you mean `column`?");
        assert_eq!(did_you_mean("kye", known), "; did you mean `key`?");
        assert_eq!(did_you_mean("foreign", known), "");
    }
}
