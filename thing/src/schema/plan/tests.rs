//! Plans of several tables, on a driver that says what it would do.

use thing_driver_api::schema::{
    Change, ColumnSchema, Effect, ForeignKeySchema, IndexPart, IndexSchema, Schema, Step, TableChange, TableSchema,
};
use thing_driver_api::{Error, Result, Table, ValueType, async_trait};

use super::super::{Consent, Wanted};
use super::SchemaPlan;

/// A step for each change. What gets the type `SMALL` loses, and none can become `ODD`.
#[derive(Debug)]
struct Told;

#[async_trait]
impl Schema for Told {
    async fn describe(&self, _: &str) -> Result<Option<TableSchema>> {
        Ok(None)
    }

    async fn record_changes(&self, _: &[&Table]) -> Result<()> {
        Ok(())
    }

    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        let declared = |column: &str| Some(change.after.as_ref()?.column(column)?.declared.clone());
        let step = |one: &Change| {
            let step = Step::new(format!("{} {one:?}", change.name()), vec!["SQL".to_owned()]);
            match one {
                Change::AlterColumn(column) if declared(column).is_some_and(|declared| declared == "SMALL") => {
                    Ok(step.effect(Effect::Loses("what is big".to_owned())))
                }
                Change::AlterColumn(column) if declared(column).is_some_and(|declared| declared == "ODD") => {
                    Err(Error::unsupported("no column becomes ODD"))
                }
                Change::DropColumn(_) | Change::DropTable => Ok(step.effect(Effect::Loses("values".to_owned()))),
                _ => Ok(step),
            }
        };
        change.changes.iter().map(step).collect()
    }
}

fn table(name: &str, refers_to: &[&str]) -> TableSchema {
    let mut table = TableSchema::new(name);
    table.key = vec!["id".into()];
    table.columns.push(ColumnSchema::new("id", "INT", vec![ValueType::I32]));
    for parent in refers_to {
        table.columns.push(ColumnSchema::new(*parent, "INT", vec![ValueType::I32]));
        let key = ForeignKeySchema::new(format!("{name}_{parent}"), vec![(*parent).into()], *parent, vec!["id".into()]);
        table.foreign_keys.push(key);
    }
    table
}

fn plan(found: &[TableSchema], wanted: &[Wanted], consent: &Consent) -> SchemaPlan {
    SchemaPlan::new(&Told, found, wanted, consent).unwrap()
}

fn said(plan: &SchemaPlan) -> Vec<&str> {
    plan.steps().iter().map(|planned| &*planned.step.what).collect()
}

#[test]
fn tables_are_made_before_those_that_refer_to_them() {
    let wanted = [table("c", &["b", "a"]), table("b", &["a", "b"]), table("a", &[])].map(Wanted::exactly);
    assert_eq!(said(&plan(&[], &wanted, &Consent::none())), ["a CreateTable", "b CreateTable", "c CreateTable"]);
}

#[test]
fn circles_are_closed_at_the_end() {
    let wanted = [table("a", &["b"]), table("b", &["a"])].map(Wanted::exactly);
    let plan = plan(&[], &wanted, &Consent::none());
    assert_eq!(said(&plan), ["a CreateTable", "b CreateTable", "a AddForeignKey(\"a_b\")"]);
    assert!(plan.changes()[0].after.as_ref().unwrap().foreign_keys.is_empty());
}

#[test]
fn a_table_that_is_there_refers_to_a_new_one_when_that_is_made() {
    let mut before = table("a", &["b"]);
    before.foreign_keys.clear();
    before.indexes.push(IndexSchema::new("i", vec![IndexPart::column("b")], false));
    let mut after = table("a", &["b"]);
    after.indexes.push(IndexSchema::new("i", vec![IndexPart::column("b")], true));
    let wanted = [after, table("b", &[])].map(Wanted::exactly);
    let expected = ["a DropIndex(\"i\")", "a CreateIndex(\"i\")", "b CreateTable", "a AddForeignKey(\"a_b\")"];
    assert_eq!(said(&plan(&[before], &wanted, &Consent::none())), expected);
}

#[test]
fn renames_are_made_first_and_followed_everywhere() {
    let mut before = table("people", &[]);
    before.columns.push(ColumnSchema::new("nick", "TEXT", vec![ValueType::Text]));
    before.indexes.push(IndexSchema::new("people_nick_index", vec![IndexPart::column("nick")], false));
    let mut posts = table("posts", &["people"]);
    posts.foreign_keys[0].name.clear();
    let mut after = table("users", &[]);
    after.columns.push(ColumnSchema::new("name", "TEXT", vec![ValueType::Text]));
    after.indexes.push(IndexSchema::new("users_name_index", vec![IndexPart::column("name")], false));
    let mut after = Wanted::exactly(after);
    after.former_names = vec!["persons".into(), "people".into()];
    after.former_columns = vec![("name".into(), "nick".into()), ("name".into(), "id".into())];
    let mut wanted_posts = table("posts", &["people"]);
    wanted_posts.foreign_keys[0].table = "users".into();
    let wanted = [after, Wanted::exactly(wanted_posts)];
    let plan = plan(&[before, posts], &wanted, &Consent::none());
    let expected = [
        "people RenameTable",
        "people RenameColumn { from: \"nick\", to: \"name\" }",
        "users DropIndex(\"people_nick_index\")",
        "users CreateIndex(\"users_name_index\")",
    ];
    assert_eq!(said(&plan), expected, "{plan}");
    let again: Vec<TableSchema> = wanted.iter().map(|wanted| wanted.schema.clone()).collect();
    assert!(SchemaPlan::new(&Told, &again, &wanted, &Consent::none()).unwrap().is_empty(), "the new names are there");
}

#[test]
fn losses_need_consent_by_name() {
    let mut after = table("a", &[]);
    after.columns[0] = ColumnSchema::new("id", "SMALL", vec![ValueType::I16]);
    let wanted = [Wanted::exactly(after)];
    let refused = plan(&[table("a", &[])], &wanted, &Consent::none());
    let loss = &refused.refused()[0];
    assert_eq!((loss.kind, loss.consent.as_deref()), ("loss", Some("a.id")));
    let message = refused.accepted().unwrap_err().to_string();
    assert!(message.contains("changing column `id` loses what is big"), "{message}");
    assert!(message.contains("1. a AlterColumn"), "the plan is shown: {message}");
    let allowed = plan(&[table("a", &[])], &wanted, &Consent::none().allow("a.id"));
    assert!(allowed.refused().is_empty());
}

#[test]
fn what_the_database_can_t_do_is_refused() {
    let mut after = table("a", &[]);
    after.columns[0] = ColumnSchema::new("id", "ODD", vec![ValueType::I16]);
    let plan = plan(&[table("a", &[])], &[Wanted::exactly(after)], &Consent::everything());
    assert_eq!(plan.refused()[0].kind, "unsupported");
    assert_eq!(plan.refused()[0].to_string(), "table `a`: no column becomes ODD");
    assert!(!plan.is_empty());
}

#[test]
fn tables_go_with_everything_only_and_in_reverse() {
    let found = [table("a", &[]), table("b", &["a"]), table("c", &["b"])];
    assert!(plan(&found, &[], &Consent::none().allow("a")).is_empty());
    let plan = plan(&found, &[], &Consent::everything());
    assert_eq!(said(&plan), ["c DropTable", "b DropTable", "a DropTable"]);
    assert!(plan.refused().is_empty());
    assert!(plan.to_string().contains("   - loses values for good"), "{plan}");
}

#[test]
fn thousands_of_tables_in_a_row_are_made_from_its_end() {
    let name = |number: usize| format!("t{number:04}");
    let wanted: Vec<Wanted> = (0..2000)
        .map(|number| {
            let next = name(number + 1);
            let refers_to = [next.as_str()];
            Wanted::exactly(table(&name(number), &refers_to[usize::from(number == 1999)..]))
        })
        .collect();
    let plan = plan(&[], &wanted, &Consent::none());
    let made: Vec<&str> = plan.changes().iter().map(TableChange::name).collect();
    let expected: Vec<String> = (0..2000).rev().map(name).collect();
    assert_eq!(made, expected);
}
