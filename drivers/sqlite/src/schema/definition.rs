//! Definitions: what the text of a CREATE statement says that SQLite tells nowhere else.

use super::tokens::{Token, group, parts, text, tokens};

/// What the text of `CREATE TABLE` says.
#[derive(Debug, Default)]
pub(super) struct TableDefinition {
    pub(super) columns: Vec<ColumnDefinition>,
    /// Names and conditions.
    pub(super) checks: Vec<(String, String)>,
    pub(super) foreign_keys: Vec<ForeignKeyDefinition>,
    /// `AUTOINCREMENT`, `STRICT`, `WITHOUT ROWID`, and what a table that is made anew would lose.
    pub(super) options: Vec<String>,
}

/// What it says of a column.
#[derive(Debug, Default)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    pub(super) collation: Option<String>,
    /// The expression, and whether it is stored.
    pub(super) generated: Option<(String, bool)>,
}

/// What it says of a foreign key.
#[derive(Debug, Default)]
pub(super) struct ForeignKeyDefinition {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) table: String,
}

/// What the text of `CREATE INDEX` says.
#[derive(Debug, Default)]
pub(super) struct IndexDefinition {
    /// The parts, without their order.
    pub(super) parts: Vec<String>,
    pub(super) condition: Option<String>,
}

/// The option that says that the numbers of rows are never used again.
pub(super) const AUTOINCREMENT: &str = "AUTOINCREMENT";
/// The option that says that rows have no numbers besides their key.
pub(super) const WITHOUT_ROWID: &str = "WITHOUT ROWID";
/// A table that an extension keeps.
const VIRTUAL: &str = "VIRTUAL";
/// A key or a constraint that sorts a column otherwise than the column says.
const COLLATED: &str = "COLLATE in a constraint";
/// Options that a table has which this driver can't make.
pub(super) const ODD: [&str; 5] = ["ON CONFLICT", "DEFERRABLE", "MATCH", VIRTUAL, COLLATED];

impl TableDefinition {
    pub(super) fn parse(sql: &str) -> Self {
        let mut definition = Self::default();
        let all = tokens(sql);
        if all.get(1).is_some_and(|token| token.is(VIRTUAL)) {
            // Its arguments are no columns.
            definition.option(VIRTUAL);
            return definition;
        }
        let Some(start) = all.iter().position(|token| token.text == "(") else { return definition };
        let Some((body, behind)) = group(&all[start..]) else { return definition };
        for part in parts(body) {
            let constraint = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
            if constraint.iter().any(|word| part[0].is(word)) {
                definition.constraints(part, None);
            } else {
                definition.columns.push(ColumnDefinition { name: part[0].name(), ..ColumnDefinition::default() });
                definition.constraints(&part[1..], Some(definition.columns.len() - 1));
            }
        }
        definition.options.extend(parts(behind).into_iter().map(|option| text(option).to_ascii_uppercase()));
        definition
    }

    fn option(&mut self, option: &str) {
        if !self.options.iter().any(|known| known == option) {
            self.options.push(option.to_owned());
        }
    }

    /// Reads constraints, of a column or of the table; the type of a column is passed over.
    fn constraints(&mut self, tokens: &[Token<'_>], column: Option<usize>) {
        let mut name = String::new();
        let mut rest = tokens;
        while let Some((word, mut behind)) = rest.split_first() {
            let next = |word: &str, at: usize| behind.get(at).is_some_and(|token: &Token<'_>| token.is(word));
            if word.is("CONSTRAINT") {
                if let Some((token, further)) = behind.split_first() {
                    name = token.name();
                    behind = further;
                }
            } else if word.is("CHECK") {
                if let Some((condition, further)) = group(behind) {
                    self.checks.push((std::mem::take(&mut name), text(condition)));
                    behind = further;
                }
            } else if word.is("FOREIGN") && next("KEY", 0) {
                if let Some((columns, further)) = group(&behind[1..]) {
                    let columns = parts(columns).iter().map(|part| part[0].name()).collect();
                    behind = self.reference(further, columns, std::mem::take(&mut name));
                }
            } else if word.is("REFERENCES") {
                let columns = column.map(|column| self.columns[column].name.clone());
                behind = self.reference(rest, columns.into_iter().collect(), std::mem::take(&mut name));
            } else if word.is("COLLATE") {
                if let (Some(column), Some((token, further))) = (column, behind.split_first()) {
                    self.columns[column].collation = Some(token.name());
                    behind = further;
                }
            } else if word.is("AS") {
                if let (Some(column), Some((expression, further))) = (column, group(behind)) {
                    let stored = further.first().is_some_and(|token| token.is("STORED"));
                    self.columns[column].generated = Some((text(expression), stored));
                    behind = further;
                }
            } else if word.is("DEFAULT") {
                // Words in an expression are no constraints.
                behind = match group(behind) {
                    Some((_, further)) => further,
                    None => behind.get(1..).unwrap_or_default(),
                };
            } else if word.is("ON") && next("CONFLICT", 0) {
                self.option("ON CONFLICT");
            } else if word.is("PRIMARY") || word.is("UNIQUE") {
                name.clear();
                if let Some((parts, further)) = group(behind.get(usize::from(word.is("PRIMARY"))..).unwrap_or_default())
                {
                    if parts.iter().any(|token| token.is("COLLATE")) {
                        self.option(COLLATED);
                    }
                    behind = further;
                }
            } else if word.is("(") {
                // Of a type: `VARCHAR(50)`.
                behind = group(rest).map_or(behind, |(_, further)| further);
            } else if word.is("AUTOINCREMENT") {
                self.option(AUTOINCREMENT);
            } else if word.is("DEFERRABLE") || word.is("MATCH") {
                self.option(&word.text.to_ascii_uppercase());
            }
            rest = behind;
        }
    }

    /// Reads a foreign key from REFERENCES on, and gives what is behind its table, columns and actions.
    fn reference<'t, 'a>(&mut self, tokens: &'t [Token<'a>], columns: Vec<String>, name: String) -> &'t [Token<'a>] {
        let Some(table) = tokens.get(1) else { return &[] };
        self.foreign_keys.push(ForeignKeyDefinition { name, columns, table: table.name() });
        let mut rest = &tokens[2..];
        if let Some((_, behind)) = group(rest) {
            rest = behind;
        }
        while rest.len() > 2 && rest[0].is("ON") && (rest[1].is("DELETE") || rest[1].is("UPDATE")) {
            let two = rest[2].is("SET") || rest[2].is("NO");
            rest = rest.get(if two { 4 } else { 3 }..).unwrap_or_default();
        }
        rest
    }
}

impl IndexDefinition {
    pub(super) fn parse(sql: &str) -> Self {
        let all = tokens(sql);
        let Some(start) = all.iter().position(|token| token.text == "(") else { return Self::default() };
        let Some((body, behind)) = group(&all[start..]) else { return Self::default() };
        let of = |part: &&[Token<'_>]| {
            let directed = part.last().is_some_and(|last| last.is("ASC") || last.is("DESC"));
            text(&part[..part.len() - usize::from(directed && part.len() > 1)])
        };
        let condition = behind.split_first().filter(|(word, _)| word.is("WHERE")).map(|(_, condition)| text(condition));
        Self { parts: parts(body).iter().map(of).collect(), condition }
    }
}

/// Whether the condition of a unique index says that rows are counted which are not marked as deleted: it is, or ends
/// with, `column IS NULL` or `NOT column`.
pub(super) fn is_of_living(condition: &str) -> bool {
    let all = tokens(condition);
    let mark = match all.as_slice() {
        [.., column, is, null] if column.is_name() && is.is("IS") && null.is("NULL") => 3,
        [.., not, column] if not.is("NOT") && column.is_name() => 2,
        _ => return false,
    };
    match all[..all.len() - mark].split_last() {
        None => true,
        // As this driver writes what a model asks for besides.
        Some((and, before)) => and.is("AND") && group(before).is_some_and(|(_, behind)| behind.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::{IndexDefinition, TableDefinition, is_of_living};

    #[test]
    fn a_table_is_read_whatever_stands_in_it() {
        let sql = "CREATE TABLE IF NOT EXISTS \"a (b\" (\n  id INTEGER PRIMARY KEY AUTOINCREMENT, -- CHECK (no)\n  \
            name VARCHAR(50) NOT NULL DEFAULT 'CHECK (x)' COLLATE nocase CONSTRAINT \"named, so\" CHECK (length(name) > 0),\n  \
            up TEXT GENERATED ALWAYS AS (upper(name)) STORED, other INT CHECK (other IN (1, 2)) REFERENCES x ON DELETE SET NULL \
            ON UPDATE NO ACTION CHECK (other > 0),\n  CONSTRAINT pair UNIQUE (name, other)\n  \
            CONSTRAINT fk FOREIGN KEY (name, [other]) REFERENCES \"y\" (a, b) ON DELETE SET DEFAULT\n) STRICT, WITHOUT ROWID";
        let found = TableDefinition::parse(sql);
        let names: Vec<_> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "name", "up", "other"]);
        assert_eq!(found.columns[1].collation.as_deref(), Some("nocase"));
        assert_eq!(found.columns[2].generated, Some(("upper(name)".to_owned(), true)));
        let checks: Vec<_> = found.checks.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(checks, [("named, so", "length(name) > 0"), ("", "other IN (1, 2)"), ("", "other > 0")]);
        let keys: Vec<_> =
            found.foreign_keys.iter().map(|key| (&*key.name, key.columns.join(" "), &*key.table)).collect();
        assert_eq!(keys, [("", "other".to_owned(), "x"), ("fk", "name other".to_owned(), "y")]);
        assert_eq!(found.options, ["AUTOINCREMENT", "STRICT", "WITHOUT ROWID"]);
    }

    #[test]
    fn what_can_t_be_made_again_is_noticed() {
        let sql = "CREATE TABLE t (a INT UNIQUE ON CONFLICT REPLACE, b REFERENCES c DEFERRABLE INITIALLY DEFERRED)";
        assert_eq!(TableDefinition::parse(sql).options, ["ON CONFLICT", "DEFERRABLE"]);
        assert!(TableDefinition::parse("CREATE TABLE t").columns.is_empty());
        assert!(TableDefinition::parse("CREATE TABLE t (a REFERENCES").columns.len() < 2);
    }

    #[test]
    fn an_index_is_read() {
        let found =
            IndexDefinition::parse("CREATE UNIQUE INDEX i ON t (a DESC, lower(b), c COLLATE x ASC) WHERE a > 1");
        assert_eq!(found.parts, ["a", "lower(b)", "c COLLATE x"]);
        assert_eq!(found.condition.as_deref(), Some("a > 1"));
        assert_eq!(IndexDefinition::parse("CREATE INDEX i ON t (a)").condition, None);
    }

    #[test]
    fn conditions_of_living_rows_are_known() {
        for condition in ["\"deleted\" IS NULL", "NOT deleted", "(a OR b) AND \"d\" IS NULL"] {
            assert!(is_of_living(condition), "{condition}");
        }
        for condition in ["a > 1", "a IS NULL OR b IS NULL", "a AND b IS NULL", "deleted IS NOT NULL", "NULL"] {
            assert!(!is_of_living(condition), "{condition}");
        }
    }
}
