//! What changes do, in words that are the same on every database.

use super::{CheckSchema, ColumnSchema, Effect, ForeignKeySchema, Generated};

impl ColumnSchema {
    /// How the column differs from what it was, to follow "change column `age`": "from int to bigint, to NOT NULL". `None`
    /// where its comment alone does.
    pub fn difference(&self, before: &Self) -> Option<String> {
        let mut parts = Vec::new();
        if before.declared != self.declared {
            parts.push(format!("from {} to {}", before.declared, self.declared));
        }
        match (before.nullable, self.nullable) {
            (true, false) => parts.push("to NOT NULL".to_owned()),
            (false, true) => parts.push("to nullable".to_owned()),
            _ => {}
        }
        if before.default != self.default {
            let default = self.default.as_ref().map(|default| format!("to the default {default}"));
            parts.push(default.unwrap_or_else(|| "to no default".to_owned()));
        }
        if before.generated != self.generated {
            parts.push(match self.generated {
                Some(Generated::Key) => "to count by itself".to_owned(),
                Some(_) => "to be computed otherwise".to_owned(),
                None => "to be filled in by hand".to_owned(),
            });
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The usual reasons why a step fails, and the usual losses.
impl Effect {
    /// Fails where the column holds NULL.
    pub fn null_in(column: &str) -> Self {
        Self::MayFail(format!("a row has NULL in `{column}`"))
    }

    /// Fails where a value is too large or too long for the type that the column gets.
    pub fn does_not_fit(column: &str, declared: &str) -> Self {
        Self::MayFail(format!("a value of `{column}` does not fit {declared}"))
    }

    /// Fails where rows are equal in what a unique index is to be over.
    pub fn not_unique(index: &str) -> Self {
        Self::MayFail(format!("two rows agree in what the unique index `{index}` is over"))
    }

    /// Fails where rows can't have the key that the table gets.
    pub fn no_key(columns: &[String]) -> Self {
        let key = columns.join(", ");
        Self::MayFail(format!("two rows agree in ({key}), one has NULL there, or a foreign key refers to the old key"))
    }

    /// Fails where a row refers to none.
    pub fn refers_to_none(key: &ForeignKeySchema) -> Self {
        Self::MayFail(format!("a row refers by ({}) to none of `{}`", key.columns.join(", "), key.table))
    }

    /// Fails where a check does not hold.
    pub fn does_not_hold(check: &CheckSchema) -> Self {
        Self::MayFail(format!("for a row it does not hold that {}", check.condition))
    }

    /// Loses a table's rows.
    pub fn rows_of(table: &str) -> Self {
        Self::Loses(format!("the rows of table `{table}`"))
    }

    /// Loses a column's values.
    pub fn values_of(column: &str, table: &str) -> Self {
        Self::Loses(format!("the values of column `{column}` of table `{table}`"))
    }

    /// Loses what the type that the column gets does not keep: digits behind the point.
    pub fn not_kept(column: &str, declared: &str) -> Self {
        Self::Loses(format!("what {declared} does not keep of the values of column `{column}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_all_that_differs_but_the_comment() {
        let before = ColumnSchema::new("age", "int", Vec::new());
        let mut after = before.clone();
        after.comment = Some("in years".into());
        assert_eq!(after.difference(&before), None);
        after.declared = "bigint".into();
        after.nullable = true;
        after.default = Some("3".into());
        after.generated = Some(Generated::Key);
        let said = "from int to bigint, to nullable, to the default 3, to count by itself";
        assert_eq!(after.difference(&before).as_deref(), Some(said));
        let back = "from bigint to int, to NOT NULL, to no default, to be filled in by hand";
        assert_eq!(before.difference(&after).as_deref(), Some(back));
    }
}
