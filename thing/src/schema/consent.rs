//! Consent: what may be lost.

/// What a change of the schema may lose, by name.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    names: Vec<String>,
    everything: bool,
}

impl Consent {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything: the database becomes what is wanted, and what is not wanted goes, tables too. For comparisons of two
    /// states of which both are known whole.
    pub fn everything() -> Self {
        Self { names: Vec::new(), everything: true }
    }

    /// This too: `users.nickname` for a column, an index, a foreign key or a check of the table `users`.
    #[must_use]
    pub fn allow(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Whether this part of the table may be lost.
    pub fn allows(&self, table: &str, part: &str) -> bool {
        let named = |name: &String| name.eq_ignore_ascii_case(&full(table, part));
        self.everything || self.names.iter().any(named)
    }

    /// Whether tables may be lost.
    pub fn is_everything(&self) -> bool {
        self.everything
    }
}

/// The name of a part of a table.
pub(super) fn full(table: &str, part: &str) -> String {
    format!("{table}.{part}")
}
