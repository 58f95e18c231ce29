//! Effects are true: the server accepts the way that is said, and none that disturbs less.

use mysql_async::prelude::Queryable;
use thing_conformance::schema::described;
use thing_driver_api::Schema;
use thing_driver_api::schema::{
    Change, CheckSchema, ColumnSchema, Effect, ForeignKeySchema, Generated, IndexPart, IndexSchema, Step, TableChange,
    TableSchema,
};

use crate::support::{Fresh, raw};

/// The ways, from the least disturbing to the most, with what is said of each. An index that goes needs no reading.
fn ways(changes: &[Change]) -> [(&'static str, Vec<Effect>); 4] {
    let drops = matches!(changes, [Change::DropIndex(_) | Change::DropForeignKey(_)]);
    [
        (if drops { "ALGORITHM=NOCOPY, LOCK=NONE" } else { "ALGORITHM=INSTANT, LOCK=NONE" }, vec![]),
        ("ALGORITHM=NOCOPY, LOCK=NONE", vec![Effect::Scans]),
        ("ALGORITHM=INPLACE, LOCK=NONE", vec![Effect::Rewrites]),
        ("ALGORITHM=COPY, LOCK=SHARED", vec![Effect::BlocksWrites, Effect::Rewrites]),
    ]
}

const PLAIN: &str = "CREATE TABLE t (id BIGINT PRIMARY KEY, a INT NOT NULL DEFAULT 1, b LONGTEXT, c VARCHAR(100) NOT NULL, \
     d DECIMAL(10, 2) NOT NULL DEFAULT 1, e ENUM('a', 'b'), gone DATETIME(6), p BIGINT, f VARCHAR(9), g VARCHAR(32), \
     INDEX by_c (c), CONSTRAINT k CHECK (a > 0), CONSTRAINT r FOREIGN KEY (p) REFERENCES parents (id)) \
     DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin";
const LIVING: &str = "ALTER TABLE t ADD COLUMN thing_living TINYINT(1) GENERATED ALWAYS AS (IF(gone IS NULL, 1, NULL)) VIRTUAL, \
     ADD UNIQUE INDEX sole (c, thing_living)";

async fn fresh_table(fresh: &Fresh, living: bool) -> TableSchema {
    raw(&fresh.executor, "DROP TABLE IF EXISTS t").await.unwrap();
    raw(&fresh.executor, "CREATE TABLE IF NOT EXISTS parents (id BIGINT PRIMARY KEY)").await.unwrap();
    raw(&fresh.executor, PLAIN).await.unwrap();
    if living {
        raw(&fresh.executor, LIVING).await.unwrap();
    }
    raw(&fresh.executor, "INSERT INTO t (id, b, c, e, f) VALUES (1, 'x', 'x', 'a', 'x')").await.unwrap();
    described(&fresh.executor, "t").await
}

fn said(step: &Step) -> Vec<Effect> {
    let of_ways = |effect: &&Effect| matches!(effect, Effect::Scans | Effect::Rewrites | Effect::BlocksWrites);
    step.effects.iter().filter(of_ways).cloned().collect()
}

async fn try_out(fresh: &Fresh, text: &str) -> Result<(), mysql_async::Error> {
    fresh.other().await.query_drop(text).await
}

async fn assert_way(fresh: &Fresh, living: bool, change: Change, edit: &Edit) {
    let before = fresh_table(fresh, living).await;
    let mut after = before.clone();
    edit(&mut after);
    let case = format!("{change:?}, living: {living}");
    let ways = ways(std::slice::from_ref(&change));
    let steps = fresh.executor.plan(&TableChange::alter(before, after, vec![change])).unwrap();
    let [step] = steps.as_slice() else { panic!("{case}: {steps:?}") };
    assert!(step.effects.contains(&Effect::NotTransactional));
    let at = ways.iter().position(|(_, effects)| *effects == said(step)).unwrap();
    for (stricter, (way, _)) in ways[..=at].iter().enumerate() {
        fresh_table(fresh, living).await;
        let outcome = try_out(fresh, &format!("{}, {way}", step.sql[0])).await;
        assert_eq!(outcome.is_ok(), stricter == at, "{case}: {way}: {outcome:?}: {step:?}");
    }
}

type Edit = Box<dyn Fn(&mut TableSchema)>;

fn column(name: &str, declared: &str, default: Option<&str>) -> ColumnSchema {
    let mut column = ColumnSchema::new(name, declared, Vec::new());
    column.nullable = default.is_none();
    column.default = default.map(str::to_owned);
    column
}

fn adds(column: ColumnSchema) -> (Change, Edit) {
    (Change::AddColumn(column.name.clone()), Box::new(move |t| t.columns.push(column.clone())))
}

fn alters(name: &'static str, edit: impl Fn(&mut ColumnSchema) + 'static) -> (Change, Edit) {
    let find = move |t: &mut TableSchema| edit(t.columns.iter_mut().find(|column| column.name == name).unwrap());
    (Change::AlterColumn(name.into()), Box::new(find))
}

fn retypes(name: &'static str, declared: &'static str) -> (Change, Edit) {
    alters(name, move |column| column.declared = declared.into())
}

fn creates(index: IndexSchema) -> (Change, Edit) {
    (Change::CreateIndex(index.name.clone()), Box::new(move |t| t.indexes.push(index.clone())))
}

fn cases() -> Vec<(Change, Edit)> {
    let mut computed = column("n", "int", None);
    computed.generated = Some(Generated::Virtual("a * 2".into()));
    let mut stored = computed.clone();
    stored.generated = Some(Generated::Stored("a * 2".into()));
    let mut words = IndexSchema::new("n", vec![IndexPart::column("b")], false);
    words.method = Some("fulltext".into());
    let mut living = IndexSchema::new("n", vec![IndexPart::column("a")], true);
    living.living = true;
    living.condition = Some("`gone` IS NULL".into());
    vec![
        adds(column("n", "int", None)),
        adds(column("n", "int", Some("5"))),
        adds(column("n", "longtext", Some("'x'"))),
        adds(column("n", "binary(16)", Some("unhex('00000000000000000000000000000000')"))),
        adds(column("n", "json", None)),
        adds(column("n", "datetime(6)", Some("current_timestamp(6)"))),
        adds(computed),
        adds(stored),
        (Change::DropColumn("d".into()), Box::new(|t| t.columns.retain(|column| column.name != "d"))),
        (
            Change::RenameColumn { from: "d".into(), to: "n".into() },
            Box::new(|t| t.columns.iter_mut().filter(|c| c.name == "d").for_each(|c| c.name = "n".into())),
        ),
        retypes("a", "bigint"),
        retypes("d", "decimal(12,2)"),
        retypes("c", "varchar(200)"),
        retypes("c", "varchar(50)"),
        retypes("f", "varchar(60)"),
        retypes("f", "varchar(64)"),
        retypes("g", "varchar(63)"),
        retypes("g", "varchar(64)"),
        retypes("f", "longtext"),
        retypes("b", "varchar(255)"),
        retypes("b", "longtext collate utf8mb4_general_ci"),
        retypes("gone", "datetime"),
        alters("e", |e| {
            e.declared = "enum('a','b','c')".into();
            e.allowed = ["a", "b", "c"].map(str::to_owned).into();
        }),
        alters("e", |e| {
            e.declared = "enum('c','a','b')".into();
            e.allowed = ["c", "a", "b"].map(str::to_owned).into();
        }),
        alters("b", |b| b.nullable = false),
        alters("a", |a| a.nullable = true),
        alters("c", |c| c.nullable = true),
        alters("a", |a| a.default = Some("7".into())),
        alters("c", |c| c.comment = Some("x".into())),
        (Change::ChangeKey, Box::new(|t| t.key = vec!["id".into(), "a".into()])),
        creates(IndexSchema::new("n", vec![IndexPart::column("a")], false)),
        creates(IndexSchema::new("n", vec![IndexPart::column("a")], true)),
        creates(IndexSchema::new("n", vec![IndexPart::column("b")], false)),
        creates(words),
        (Change::DropIndex("by_c".into()), Box::new(|t| t.indexes.retain(|index| index.name != "by_c"))),
        (
            Change::AddForeignKey("n".into()),
            Box::new(|t| {
                t.foreign_keys.push(ForeignKeySchema::new("n", vec!["p".into()], "parents", vec!["id".into()]))
            }),
        ),
        (Change::DropForeignKey("r".into()), Box::new(|t| t.foreign_keys.clear())),
        (Change::AddCheck("n".into()), Box::new(|t| t.checks.push(CheckSchema::new("n", "a < 5")))),
        (Change::DropCheck("k".into()), Box::new(|t| t.checks.clear())),
        (Change::ChangeComment, Box::new(|t| t.comment = Some("x".into()))),
        creates(living),
    ]
}

#[tokio::test]
async fn each_change_is_made_in_the_way_that_is_said() {
    let fresh = Fresh::new().await;
    for (change, edit) in cases() {
        assert_way(&fresh, false, change, &edit).await;
    }
}

#[tokio::test]
async fn a_table_with_an_index_of_living_rows_is_changed_in_the_way_that_is_said() {
    let fresh = Fresh::new().await;
    for (change, edit) in cases() {
        assert_way(&fresh, true, change, &edit).await;
    }
}

#[tokio::test]
async fn changes_together_take_the_way_that_is_said() {
    let fresh = Fresh::new().await;
    let together: [(Vec<Change>, Edit); 3] = [
        (
            vec![Change::AddColumn("n".into()), Change::CreateIndex("n".into())],
            Box::new(|t| {
                t.columns.push(column("n", "int", None));
                t.indexes.push(IndexSchema::new("n", vec![IndexPart::column("n")], false));
            }),
        ),
        (
            vec![Change::DropIndex("by_c".into()), Change::CreateIndex("by_c".into())],
            Box::new(|t| t.indexes[0].parts[0].descending = true),
        ),
        (
            vec![Change::AddColumn("n".into()), Change::DropColumn("d".into()), Change::AlterColumn("a".into())],
            Box::new(|t| {
                t.columns.retain(|column| column.name != "d");
                t.columns[1].default = Some("9".into());
                t.columns.push(column("n", "int", None));
            }),
        ),
    ];
    for (changes, edit) in together {
        let before = fresh_table(&fresh, false).await;
        let mut after = before.clone();
        edit(&mut after);
        let ways = ways(&changes);
        let steps = fresh.executor.plan(&TableChange::alter(before, after, changes)).unwrap();
        assert_eq!(steps.len(), 1);
        let at = ways.iter().position(|(_, effects)| *effects == said(&steps[0])).unwrap();
        for (stricter, (way, _)) in ways[..=at].iter().enumerate() {
            fresh_table(&fresh, false).await;
            let outcome = try_out(&fresh, &format!("{}, {way}", steps[0].sql[0])).await;
            assert_eq!(outcome.is_ok(), stricter == at, "{way}: {outcome:?}: {steps:?}");
        }
    }
}
