//! Constraints: foreign keys, the rows that they change, and checks.

use thing_driver_api::schema::Action;

use super::plan::{Kind, Struct};
use crate::model::{Check, Relation, Table};

/// `foreign_key(Parent, …)`
pub(super) struct RustForeignKey {
    pub(super) parent: String,
    pub(super) name: String,
    /// The positions of its fields.
    pub(super) fields: Vec<usize>,
    pub(super) on_delete: Option<&'static str>,
    pub(super) on_update: Option<&'static str>,
}

/// `cascades(Child::FIELD)` or `nulls(Child::FIELD)`: what the database does to the children of a row that is deleted.
pub(super) struct RustDependent {
    pub(super) word: &'static str,
    pub(super) child: String,
    pub(super) field: String,
}

/// `check = "…"` of the field at this position, or of the struct.
pub(super) struct RustCheck<'a> {
    pub(super) field: Option<usize>,
    pub(super) check: &'a Check,
}

/// The foreign key of a relation; an error says why a model declares none.
pub(super) fn foreign_key(relation: &Relation, from: &Struct<'_>, to: &Struct<'_>) -> Result<RustForeignKey, String> {
    let name = &relation.constraint;
    let position = |column: &String| from.fields.iter().position(|field| field.column.name == *column);
    let fields: Option<Vec<usize>> = relation.columns.iter().map(position).collect();
    let fields = fields.ok_or("no field has the type of its column")?;
    let key: Vec<&str> = to.key.iter().map(|&at| to.fields[at].column.name.as_str()).collect();
    if key != relation.references {
        return Err("it refers to other columns than the key, or in another order".into());
    }
    let same = |(&own, &other): (&usize, &usize)| match (&from.fields[own].kind, &to.fields[other].kind) {
        (Kind::Plain(own), Kind::Plain(other)) => own == other,
        _ => false,
    };
    if !fields.iter().zip(&to.key).all(same) {
        return Err("its column is not of the type of the key".into());
    }
    if fields.len() > 1 && matches!(relation.on_delete, Action::Cascade | Action::SetNull) {
        return Err("a cache can't be told what a foreign key of several columns changes; delete the rows that refer \
                    before what they refer to, or let no cache hold them"
            .into());
    }
    let on_delete = match relation.on_delete {
        Action::SetNull if fields.iter().all(|&at| from.fields[at].column.nullable) => Some("set_null"),
        Action::SetNull => return Err("`SET NULL` is for a column that may be NULL".into()),
        other => word(other)?,
    };
    let on_update = word(relation.on_update)?;
    if from.foreign_keys.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
        return Err("another foreign key of the table has its name".into());
    }
    Ok(RustForeignKey { parent: to.name.clone(), name: name.clone(), fields, on_delete, on_update })
}

fn word(action: Action) -> Result<Option<&'static str>, String> {
    match action {
        Action::NoAction => Ok(None),
        Action::Restrict => Ok(Some("restrict")),
        Action::Cascade => Ok(Some("cascade")),
        other => Err(format!("models declare no `{}` here", other.sql())),
    }
}

/// What the parent says of the rows that the database deletes or changes along, by the field at this position.
pub(super) fn dependent(relation: &Relation, from: &Struct<'_>, field: usize) -> Option<RustDependent> {
    let word = match relation.on_delete {
        Action::Cascade => "cascades",
        Action::SetNull if from.fields[field].column.nullable => "nulls",
        _ => return None,
    };
    Some(RustDependent { word, child: from.name.clone(), field: from.fields[field].name.clone() })
}

/// The checks of a struct whose fields are known, and of those that it does not have why.
pub(super) fn checks<'a>(table: &'a Table, planned: &Struct<'a>) -> (Vec<RustCheck<'a>>, Vec<String>) {
    let (mut checks, mut left): (Vec<RustCheck<'a>>, Vec<String>) = (Vec::new(), Vec::new());
    for check in &table.checks {
        if checks.iter().any(|other| other.check.name.eq_ignore_ascii_case(&check.name)) {
            left.push(format!("the check `{}` is left out: another has its name", check.name));
        } else if names_left_out(table, planned, &check.condition) {
            left.push(format!("the check `{}` is left out: no field has a column that it names", check.name));
        } else {
            let usual = |column: &str| format!("{}_{column}_check", table.table);
            let field = planned.fields.iter().position(|field| check.name == usual(&field.column.column));
            checks.push(RustCheck { field, check });
        }
    }
    (checks, left)
}

/// Whether an expression of the database names a column that no field has, so that a table of the model alone would not
/// have it.
pub(super) fn names_left_out(table: &Table, planned: &Struct<'_>, expression: &str) -> bool {
    let words: Vec<&str> = expression.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').collect();
    let missing = |name: &str| !planned.fields.iter().any(|field| field.column.column == name);
    let said = |name: &str| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    table.columns.iter().any(|column| missing(&column.column) && said(&column.column))
}
