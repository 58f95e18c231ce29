//! Triggers: they write what others do to a table into `thing_changes`.
//!
//! The table and the function are in the schema of the tables that they serve. The function belongs to who called
//! `record_changes`, and runs with its rights: those who write need none on `thing_changes`.

use thing_driver_api::{Result, Table};
use tokio_postgres::types::ToSql;

use super::image::{LONGEST, SETTINGS};
use super::patiently;
use super::place::{Place, text, within};
use crate::connection::Connection;
use crate::executor::PostgresExecutor;

/// The table that holds what has not been told.
pub(super) const CHANGES: &str = "thing_changes";
const FUNCTION: &str = "thing_record_change";
const ROW_TRIGGER: &str = "thing_changes";
const TRUNCATE_TRIGGER: &str = "thing_changes_truncate";

/// A number on which those wait for each other who create triggers.
const LOCK: i64 = 0x7468_696e_6763_6867;

pub(crate) async fn create(executor: &PostgresExecutor, tables: &[&Table]) -> Result<()> {
    let mut texts = vec![format!("SELECT pg_catalog.pg_advisory_xact_lock({LOCK})")];
    let mut schemas: Vec<String> = Vec::new();
    let connection = executor.database.pool.open().await?;
    for table in tables {
        let place = Place::of(&connection, table).await?;
        if is_recorded(&connection, &place).await? && has_function(&connection, &place.schema).await? {
            continue;
        }
        if !schemas.contains(&place.schema) {
            schemas.push(place.schema.clone());
            texts.extend([table_of_changes(&place.schema), function(&place.schema)]);
        }
        texts.extend(triggers(&place));
    }
    if schemas.is_empty() { Ok(()) } else { executor.change(&texts).await }
}

pub(crate) async fn drop(executor: &PostgresExecutor, tables: &[&Table]) -> Result<()> {
    let mut texts = Vec::new();
    let connection = executor.database.pool.open().await?;
    for table in tables {
        let Some(place) = Place::find(&connection, table).await? else { continue };
        for trigger in [ROW_TRIGGER, TRUNCATE_TRIGGER] {
            texts.push(format!("DROP TRIGGER IF EXISTS {trigger} ON {}", place.quoted()));
        }
        if is_recorded(&connection, &place).await? {
            let changes = within(&place.schema, CHANGES);
            let name = text(&place.name);
            // What a feed holds at the moment, it deletes itself.
            texts.push(format!(
                "DELETE FROM {changes} WHERE id IN \
                 (SELECT id FROM {changes} WHERE relation = {name} FOR UPDATE SKIP LOCKED)"
            ));
        }
    }
    if texts.is_empty() { Ok(()) } else { executor.change(&texts).await }
}

/// Whether both triggers are there and fire.
pub(super) async fn is_recorded(connection: &Connection, place: &Place) -> Result<bool> {
    const TRIGGERS: &str = "\
        SELECT count(*) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1::text::regclass \
        AND t.tgname = ANY ($2::text[]) AND t.tgenabled <> 'D'";
    let names = vec![ROW_TRIGGER, TRUNCATE_TRIGGER];
    let parameters: [&(dyn ToSql + Sync); 2] = [&place.quoted(), &names];
    let row = patiently(connection.client().query_one(TRIGGERS, &parameters)).await?;
    Ok(row.get::<_, i64>(0) == 2)
}

/// Whether the function is there as this version of the driver writes it.
async fn has_function(connection: &Connection, schema: &str) -> Result<bool> {
    const FUNCTIONS: &str = "\
        SELECT count(*) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
        WHERE n.nspname = $1::text AND p.proname = $2::text AND p.prosrc = $3::text";
    let parameters: [&(dyn ToSql + Sync); 3] = [&schema, &FUNCTION, &body(schema)];
    let row = patiently(connection.client().query_one(FUNCTIONS, &parameters)).await?;
    Ok(row.get::<_, i64>(0) == 1)
}

fn table_of_changes(schema: &str) -> String {
    // Rows come and go: without these the space of dead ones would be looked through at each poll.
    format!(
        "CREATE TABLE IF NOT EXISTS {} (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, relation TEXT NOT NULL, \
         before JSON, after JSON, same JSON, at TIMESTAMPTZ NOT NULL DEFAULT pg_catalog.clock_timestamp()) \
         WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, \
         autovacuum_vacuum_insert_threshold = -1)",
        within(schema, CHANGES)
    )
}

fn function(schema: &str) -> String {
    let settings: String = SETTINGS.iter().map(|(name, value)| format!(" SET {name} = {}", text(value))).collect();
    format!(
        "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
         SET search_path = pg_catalog, pg_temp{settings} AS {body}; REVOKE ALL ON FUNCTION {name}() FROM PUBLIC",
        name = within(schema, FUNCTION),
        body = text(&body(schema)),
    )
}

/// What the function does. Whatever a row holds, the write that it is about goes on: a row that can't be written as JSON
/// is recorded without images.
fn body(schema: &str) -> String {
    let changes = within(schema, CHANGES);
    let short = |side: &str| {
        format!(
            "coalesce(json_object_agg(key, {side}.value) FILTER (WHERE {side}.value IS NULL OR length({side}.value) <= {LONGEST}), '{{}}')"
        )
    };
    let row =
        |image: &str, of: &str| format!("SELECT {} INTO {image}_row FROM json_each_text(to_json({of})) v;", short("v"));
    format!(
        "
DECLARE
  before_row JSON;
  after_row JSON;
  same_columns JSON;
BEGIN
  BEGIN
    IF TG_OP = 'INSERT' THEN
      {inserted}
    ELSIF TG_OP = 'DELETE' THEN
      {deleted}
    ELSIF TG_OP = 'UPDATE' THEN
      SELECT {old}, {new}, json_agg(key) FILTER (WHERE o.value IS NOT DISTINCT FROM n.value)
        INTO before_row, after_row, same_columns
        FROM json_each_text(to_json(OLD)) o JOIN json_each_text(to_json(NEW)) n USING (key);
    END IF;
  EXCEPTION WHEN OTHERS THEN
    before_row := NULL;
    after_row := NULL;
  END;
  INSERT INTO {changes} (relation, before, after, same) VALUES (TG_ARGV[0], before_row, after_row, same_columns);
  RETURN NULL;
END",
        inserted = row("after", "NEW"),
        deleted = row("before", "OLD"),
        old = short("o"),
        new = short("n"),
    )
}

/// The triggers of one table. A write of Thing itself costs the test of a setting for each row; its event is not even
/// queued. They fire for rows that logical replication brings, too.
fn triggers(place: &Place) -> Vec<String> {
    let (table, function, name) = (place.quoted(), within(&place.schema, FUNCTION), text(&place.name));
    let create = |trigger: &str, events: &str, level: &str| {
        format!(
            "CREATE TRIGGER {trigger} AFTER {events} ON {table} FOR EACH {level} \
             WHEN (pg_catalog.current_setting('thing.writer', true) IS DISTINCT FROM 'on') \
             EXECUTE FUNCTION {function}({name})"
        )
    };
    let mut texts = Vec::new();
    for (trigger, events, level) in
        [(ROW_TRIGGER, "INSERT OR UPDATE OR DELETE", "ROW"), (TRUNCATE_TRIGGER, "TRUNCATE", "STATEMENT")]
    {
        texts.push(format!("DROP TRIGGER IF EXISTS {trigger} ON {table}"));
        texts.push(create(trigger, events, level));
        texts.push(format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"));
    }
    // What was written before nobody recorded.
    texts.push(format!("INSERT INTO {} (relation) VALUES ({name})", within(&place.schema, CHANGES)));
    texts
}
