//! What changes of the schema cost on a large table: how long each takes, and how long others wait meanwhile.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use thing::Db;
use thing::driver::schema::{Change, Effect, Step, TableChange};
use thing::driver::{Column, Table, TableBuilder, Value, ValueType};
use thing_bench::arguments::{self, Values};
use thing_bench::server::Server;
use thing_bench::suite;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresDatabase};

const USAGE: &str =
    "cargo bench -p thing-bench --bench schema -- [options] with the addresses of PostgreSQL and MariaDB
in the environment, see `tests/servers/servers env`

--quick              a hundredth of the rows
--rows <x>           how many rows the table has, 1000000 unless given";

#[derive(Debug)]
struct Options {
    rows: u64,
}

impl Options {
    fn set(&mut self, option: &str, values: &mut Values) -> Result<(), String> {
        match option {
            "--quick" => self.rows = 10_000,
            "--rows" => self.rows = values.number()?,
            unknown => return arguments::unknown(unknown),
        }
        Ok(())
    }
}

/// A change, and the table as it is after it.
struct Case {
    name: &'static str,
    change: Change,
    after: fn(TableBuilder) -> TableBuilder,
}

/// The columns that every form of the table has.
fn large() -> TableBuilder {
    Table::builder("large")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("name", ValueType::Text))
        .key([0])
}

fn amount(value_type: ValueType, nullable: bool) -> Column {
    Column::new("amount", value_type).nullable(nullable)
}

fn note() -> Column {
    Column::new("note", ValueType::Text).nullable(true)
}

fn rank(name: &'static str) -> Column {
    Column::new(name, ValueType::I32).default_value(Value::I64(1))
}

/// One after the other; each begins with what the one before it left.
fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "add a nullable column",
            change: Change::AddColumn("note".to_owned()),
            after: |table| table.column(amount(ValueType::I32, true)).column(note()),
        },
        Case {
            name: "add a column with a default",
            change: Change::AddColumn("rank".to_owned()),
            after: |table| table.column(amount(ValueType::I32, true)).column(note()).column(rank("rank")),
        },
        Case {
            name: "create an index",
            change: Change::CreateIndex("large_name_index".to_owned()),
            after: |table| {
                let table = table.column(amount(ValueType::I32, true)).column(note()).column(rank("rank"));
                table.index(None, [1], false)
            },
        },
        Case {
            name: "rename a column",
            change: Change::RenameColumn { from: "rank".to_owned(), to: "grade".to_owned() },
            after: |table| {
                let table = table.column(amount(ValueType::I32, true)).column(note()).column(rank("grade"));
                table.index(None, [1], false)
            },
        },
        Case {
            name: "widen an integer",
            change: Change::AlterColumn("amount".to_owned()),
            after: |table| {
                let table = table.column(amount(ValueType::I64, true)).column(note()).column(rank("grade"));
                table.index(None, [1], false)
            },
        },
        Case {
            name: "forbid NULL",
            change: Change::AlterColumn("amount".to_owned()),
            after: |table| {
                let table = table.column(amount(ValueType::I64, false)).column(note()).column(rank("grade"));
                table.index(None, [1], false)
            },
        },
        Case {
            name: "drop a column",
            change: Change::DropColumn("note".to_owned()),
            after: |table| {
                let table = table.column(amount(ValueType::I64, false)).column(rank("grade"));
                table.index(None, [1], false)
            },
        },
    ]
}

fn main() -> ExitCode {
    let options = match arguments::read(USAGE, Options { rows: 1_000_000 }, Options::set) {
        Ok(options) => options,
        Err(code) => return code,
    };
    suite::runtime().block_on(run(&options));
    ExitCode::SUCCESS
}

async fn run(options: &Options) {
    println!("| database | change of {} rows | s | longest read ms | longest write ms | said to |", options.rows);
    println!("|---|---|--:|--:|--:|---|");
    let rows = options.rows;
    let counted =
        format!("WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {rows})");
    let folder = tempfile::tempdir().expect("there is room for files");
    let sqlite = SqliteExecutor::open(folder.path().join("large.db")).await.expect("SQLite opens a file");
    let sqlite_fill = format!("INSERT INTO large {counted} SELECT n, 'name ' || n, n % 1000 FROM counted");
    measure_all("SQLite", &Db::builder(sqlite).build(), &sqlite_fill).await;
    let postgres = PostgresDatabase::create().await;
    let db = Server::Postgres.db(postgres.url()).await.build();
    let fill = format!("INSERT INTO large SELECT n, 'name ' || n, n % 1000 FROM generate_series(1, {rows}) AS n");
    measure_all("PostgreSQL", &db, &fill).await;
    let mariadb = MysqlDatabase::create().await;
    let db = Server::Mysql.db(mariadb.url()).await.build();
    let fill = format!("INSERT INTO large SELECT seq, concat('name ', seq), seq % 1000 FROM seq_1_to_{rows}");
    measure_all("MariaDB", &db, &fill).await;
}

async fn measure_all(database: &str, db: &Db, fill: &str) {
    let schema = db.executor().schema().expect("the driver changes schemas");
    let first = large().column(amount(ValueType::I32, true)).build().expect("a table");
    let mut session = schema.session().await.expect("a session");
    let mut before = schema.wanted(&first).expect("the database has what the table needs");
    for step in schema.plan(&TableChange::create(before.clone())).expect("a plan") {
        run_step(&mut *session, &step).await;
    }
    db.raw(fill).execute().await.expect("the table is filled");
    for case in cases() {
        let after = schema.wanted(&(case.after)(large()).build().expect("a table")).expect("it is possible");
        let change = TableChange::alter(before, after.clone(), vec![case.change]);
        let steps = schema.plan(&change).expect("a plan");
        let over = Arc::new(AtomicBool::new(false));
        let others = [true, false].map(|reads| tokio::spawn(longest(db.clone(), reads, over.clone())));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = Instant::now();
        for step in &steps {
            run_step(&mut *session, step).await;
        }
        let took = began.elapsed().as_secs_f64();
        over.store(true, Relaxed);
        let mut waits = Vec::new();
        for other in others {
            waits.push(other.await.expect("no panic").as_secs_f64() * 1e3);
        }
        let said: Vec<&str> = steps.iter().flat_map(|step| &step.effects).filter_map(effect).collect();
        let (name, said) = (case.name, said.join(", "));
        println!("| {database} | {name} | {took:.3} | {:.1} | {:.1} | {said} |", waits[0], waits[1]);
        before = after;
    }
}

async fn run_step(session: &mut dyn thing::driver::schema::SchemaSession, step: &Step) {
    let transactional = session.is_transactional() && !step.effects.contains(&Effect::NotTransactional);
    if transactional {
        session.begin().await.expect("a transaction begins");
    }
    for sql in &step.sql {
        session.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    if transactional {
        session.commit().await.expect("it is committed");
    }
}

/// The longest that a statement took, one after the other: a read of a row, or a change.
async fn longest(db: Db, reads: bool, over: Arc<AtomicBool>) -> Duration {
    let mut longest = Duration::ZERO;
    while !over.load(Relaxed) {
        let began = Instant::now();
        if reads {
            let _: String = db.raw("SELECT name FROM large WHERE id = 7").row().await.expect("the row is read");
        } else {
            db.raw("UPDATE large SET name = 'renamed' WHERE id = 8").execute().await.expect("the row is changed");
        }
        longest = longest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    longest
}

fn effect(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::BlocksReads => Some("block reads"),
        Effect::BlocksWrites => Some("block writes"),
        Effect::Scans => Some("scan"),
        Effect::Rewrites => Some("rewrite"),
        _ => None,
    }
}
