//! What is asked of `information_schema`. The name of the table is a constant, by which the server opens that table only.

use crate::dialect::Flavour;
use crate::schema::name::constant;

pub(super) const CURRENT_SCHEMA: &str = "SELECT DATABASE() AS name";

pub(super) const TABLES: &str = "\
    SELECT TABLE_NAME AS name FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'";

pub(super) fn columns(table: &str) -> String {
    format!(
        "SELECT COLUMN_NAME AS name, COLUMN_TYPE AS declared, COLLATION_NAME AS collation, IS_NULLABLE AS nullable, \
           COLUMN_DEFAULT AS initial, EXTRA AS extra, COLUMN_COMMENT AS comment, GENERATION_EXPRESSION AS expression \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
        constant(table)
    )
}

/// One row for each part, in order.
pub(super) fn indexes(table: &str, flavour: Flavour) -> String {
    let expression = match flavour {
        Flavour::MariaDb => "NULL",
        Flavour::MySql => "EXPRESSION",
    };
    format!(
        "SELECT INDEX_NAME AS name, NON_UNIQUE AS repeats, COLUMN_NAME AS part, {expression} AS expression, \
           COLLATION AS direction, SUB_PART AS prefix, INDEX_TYPE AS method \
         FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} \
         ORDER BY INDEX_NAME, SEQ_IN_INDEX",
        constant(table)
    )
}

/// One row for each column, in order.
pub(super) fn foreign_keys(table: &str) -> String {
    format!(
        "SELECT k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS part, k.REFERENCED_TABLE_NAME AS target, \
           k.REFERENCED_COLUMN_NAME AS referred, r.DELETE_RULE AS deleting, r.UPDATE_RULE AS updating \
         FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r \
           ON r.CONSTRAINT_NAME = k.CONSTRAINT_NAME \
         WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = {0} \
           AND r.CONSTRAINT_SCHEMA = DATABASE() AND r.TABLE_NAME = {0} \
         ORDER BY k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
        constant(table)
    )
}

pub(super) fn checks(table: &str, flavour: Flavour) -> String {
    let name = constant(table);
    match flavour {
        Flavour::MariaDb => format!(
            "SELECT CONSTRAINT_NAME AS name, CHECK_CLAUSE AS shown FROM information_schema.CHECK_CONSTRAINTS \
             WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = {name}"
        ),
        Flavour::MySql => format!(
            "SELECT c.CONSTRAINT_NAME AS name, c.CHECK_CLAUSE AS shown FROM information_schema.CHECK_CONSTRAINTS c \
             JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA \
               AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME \
             WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = {name} AND t.CONSTRAINT_TYPE = 'CHECK'"
        ),
    }
}

pub(super) fn table(table: &str) -> String {
    format!(
        "SELECT TABLE_COMMENT AS comment, TABLE_TYPE AS sort FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {}",
        constant(table)
    )
}
