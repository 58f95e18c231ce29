//! What is asked of the system catalogues. Each text takes the name of a table.

/// Times are shown in UTC, and text without escapes, whatever the session says.
pub(super) const BEGIN: &str = "\
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; \
    SET LOCAL bytea_output = 'hex'; SET LOCAL standard_conforming_strings = on; SET LOCAL extra_float_digits = 1";

pub(super) const CURRENT_SCHEMA: &str = "SELECT pg_catalog.current_schema()::text";

/// The tables of the schema where a new one is made, without partitions and those of extensions.
pub(super) const TABLES: &str = "\
    SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = pg_catalog.current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass \
        AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY c.relname::text COLLATE \"C\"";

/// The comment.
pub(super) const TABLE: &str = "\
    SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c \
    WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1))";

pub(super) const COLUMNS: &str = "\
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull OR t.typnotnull, \
      coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.typdefault), a.attidentity <> '', a.attgenerated::text, \
      pg_catalog.array_position(i.indkey::int2[], a.attnum)::int8, \
      CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END, \
      CASE WHEN t.typtype = 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e \
        WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) END, \
      coalesce(l.collisdeterministic, true), \
      CASE WHEN l.collname = 'default' THEN (SELECT d.datcollate FROM pg_catalog.pg_database d \
        WHERE d.datname = pg_catalog.current_database())::text ELSE l.collname::text END, \
      CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.quote_ident(l.collname) END, \
      pg_catalog.col_description(a.attrelid, a.attnum) \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
    LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
    WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

/// One row for each part. A column with an operator class or a collation of its own is an expression, as in CREATE INDEX.
pub(super) const INDEXES: &str = "\
    SELECT c.relname::text, i.indisunique, pg_catalog.obj_description(c.oid, 'pg_class'), \
      pg_catalog.pg_get_expr(i.indpred, i.indrelid), m.amname::text, \
      EXISTS (SELECT FROM pg_catalog.pg_constraint n WHERE n.conindid = c.oid AND n.contype IN ('u', 'x')), \
      CASE WHEN o.opcdefault AND p.suffix IS NULL THEN a.attname::text END, \
      pg_catalog.pg_get_indexdef(c.oid, k.place::int4, false) || coalesce(p.suffix, '') \
        || CASE WHEN o.opcdefault THEN '' ELSE ' ' || pg_catalog.quote_ident(o.opcname) END, \
      i.indoption[k.place - 1] & 1 = 1 \
    FROM pg_catalog.pg_index i \
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
    JOIN pg_catalog.pg_am m ON m.oid = c.relam \
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) \
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number > 0 \
    LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[k.place - 1] \
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = i.indcollation[k.place - 1] AND l.oid <> a.attcollation \
    CROSS JOIN LATERAL (SELECT ' COLLATE ' || pg_catalog.quote_ident(l.collname)) AS p (suffix) \
    WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1)) AND NOT i.indisprimary AND i.indisvalid \
      AND k.place <= i.indnkeyatts \
    ORDER BY c.oid, k.place";

pub(super) const FOREIGN_KEYS: &str = "\
    SELECT n.conname::text, pg_catalog.obj_description(n.oid, 'pg_constraint'), r.relname::text, \
      ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(n.conkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = n.conrelid AND a.attnum = k.number ORDER BY k.place), \
      ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(n.confkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid = n.confrelid AND a.attnum = k.number ORDER BY k.place), \
      n.confdeltype::text, n.confupdtype::text \
    FROM pg_catalog.pg_constraint n JOIN pg_catalog.pg_class r ON r.oid = n.confrelid \
    WHERE n.contype = 'f' AND n.conrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1))";

pub(super) const CHECKS: &str = "\
    SELECT n.conname::text, pg_catalog.obj_description(n.oid, 'pg_constraint'), \
      pg_catalog.pg_get_expr(n.conbin, n.conrelid) \
    FROM pg_catalog.pg_constraint n \
    WHERE n.contype = 'c' AND n.conrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1))";
