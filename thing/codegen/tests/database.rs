//! Databases as models: types, defaults, keys, relations and their names, as PostgreSQL and MySQL describe them.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};
use thing_codegen::{Model, Options, from_database, from_prisma};
use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{ListItem, ValueType};

fn column(name: &str, declared: &str, holds: ValueType) -> ColumnSchema {
    ColumnSchema::new(name, declared, vec![holds])
}

fn counter(name: &str, declared: &str) -> ColumnSchema {
    let mut column = column(name, declared, ValueType::I64);
    column.generated = Some(Generated::Key);
    column
}

fn nullable(mut column: ColumnSchema) -> ColumnSchema {
    column.nullable = true;
    column
}

fn with_default(mut column: ColumnSchema, default: &str) -> ColumnSchema {
    column.default = Some(default.to_owned());
    column
}

fn table(name: &str, columns: Vec<ColumnSchema>, key: &[&str]) -> TableSchema {
    let mut table = TableSchema::new(name);
    table.columns = columns;
    table.key = key.iter().map(|&name| name.to_owned()).collect();
    table
}

fn refers(table: &mut TableSchema, column: &str, target: &str, on_delete: Action) {
    let name = format!("{}_{column}_fkey", table.name);
    let mut key = ForeignKeySchema::new(name, vec![column.to_owned()], target, vec!["id".to_owned()]);
    key.on_delete = on_delete;
    table.foreign_keys.push(key);
}

fn unique(table: &mut TableSchema, name: &str, column: &str) {
    table.indexes.push(IndexSchema::new(name, vec![IndexPart::column(column)], true));
}

fn postgres() -> Vec<TableSchema> {
    let id = || counter("id", "bigint");
    let mut status = column("status", "public.\"OrderStatus\"", ValueType::Text);
    status.allowed = vec!["new".into(), "in progress".into(), "".into()];
    status.allowed.pop();
    let mut people = table(
        "people",
        vec![
            id(),
            column("email", "character varying(255)", ValueType::Text),
            with_default(column("created_at", "timestamp with time zone", ValueType::Timestamp), "now()"),
            nullable(column("boss_id", "bigint", ValueType::I64)),
            with_default(column("type", "text collate \"C\"", ValueType::Text), "'plain'::text"),
        ],
        &["id"],
    );
    people.comment = Some("Who works here.\nAll of them.".into());
    unique(&mut people, "people_email_key", "email");
    refers(&mut people, "boss_id", "people", Action::SetNull);
    let mut orders = table(
        "orders",
        vec![
            id(),
            column("buyer_id", "bigint", ValueType::I64),
            column("seller_id", "bigint", ValueType::I64),
            with_default(status, "'in progress'::\"OrderStatus\""),
            column("total", "numeric(10,2)", ValueType::F64),
            column("where", "point", ValueType::Text),
        ],
        &["id"],
    );
    orders.columns[4].holds.clear();
    orders.checks.push(CheckSchema::new("positive", "total > 0"));
    orders.indexes.push(IndexSchema::new("lower_type", vec![IndexPart::expression("lower(x)")], false));
    refers(&mut orders, "buyer_id", "people", Action::Restrict);
    refers(&mut orders, "seller_id", "people", Action::Cascade);
    let mut links = table(
        "_OrderToTag",
        vec![column("A", "bigint", ValueType::I64), column("B", "bigint", ValueType::I64)],
        &["A", "B"],
    );
    refers(&mut links, "A", "orders", Action::Cascade);
    refers(&mut links, "B", "tags", Action::Cascade);
    links.foreign_keys.iter_mut().for_each(|key| key.on_update = Action::Cascade);
    links.indexes.push(IndexSchema::new("_OrderToTag_B_index", vec![IndexPart::column("B")], false));
    let tags = table("tags", vec![id(), column("select", "text", ValueType::Text)], &["id"]);
    let mut profiles = table("profiles", vec![column("id", "bigint", ValueType::I64)], &["id"]);
    refers(&mut profiles, "id", "people", Action::Cascade);
    let logs = table("logs", vec![column("text", "text", ValueType::Text)], &[]);
    vec![people, orders, links, tags, profiles, logs]
}

fn rust(model: &Model, name: &str) -> String {
    let (files, _) = model.to_rust(&Options::default());
    files.into_iter().find(|file| file.path == format!("generated/{name}.rs")).unwrap().text
}

fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
}

#[test]
fn a_database_becomes_models_with_relations() {
    let (model, notes) = from_database(&postgres(), "postgres");
    assert_has(
        &rust(&model, "person"),
        &[
            "/// Who works here.\n/// All of them.\n",
            "#[thing(table = \"people\")]",
            "#[thing(belongs_to(boss: Person, BOSS_ID))]",
            "#[thing(comment = \"Who works here.\\nAll of them.\")]",
            "#[thing(cascades(Order::SELLER_ID, Profile::ID))]",
            "#[thing(nulls(Person::BOSS_ID))]",
            "#[thing(has_many(boss_people: Person, Person::BOSS_ID))]",
            "#[thing(has_many(buyer_orders: Order, Order::BUYER_ID))]",
            "#[thing(has_many(seller_orders: Order, Order::SELLER_ID))]",
            "#[thing(has_one(profile: Profile, Profile::ID))]",
            "#[thing(foreign_key(Person, name = \"people_boss_id_fkey\", on_delete = \"set_null\"))]",
            "#[thing(unique = \"people_email_key\")]\n    pub email: String,",
            "#[thing(created)]\n    pub created_at: Timestamp,",
            "#[thing(default = \"plain\")]\n    pub r#type: String,",
        ],
    );
    assert_has(
        &rust(&model, "order"),
        &[
            "#[thing(default = OrderStatus::InProgress)]\n    pub status: OrderStatus,",
            "pub total: Decimal,",
            "#[thing(check(name = \"positive\", \"total > 0\"))]",
            "foreign_key(Person, name = \"orders_buyer_id_fkey\", on_delete = \"restrict\")",
            "many_to_many(tags: Tag, OrderToTag::A, OrderToTag::B)",
        ],
    );
    assert_has(
        &rust(&model, "profile"),
        &[
            "#[thing(assigned, foreign_key(Person, name = \"profiles_id_fkey\", on_delete = \"cascade\"))]\n    pub id: i64,",
        ],
    );
    let (_, more) = model.to_rust(&Options::default());
    let said: Vec<String> = notes.iter().chain(&more).map(ToString::to_string).collect();
    for about in ["orders.total: ", "orders.where: ", "table logs: ", "`lower_type`"] {
        assert!(said.iter().any(|note| note.contains(about)), "{about}: {said:#?}");
    }
}

#[test]
fn a_database_becomes_a_prisma_schema_that_stays_as_it_is() {
    let (mut model, _) = from_database(&postgres(), "postgres");
    let (text, notes) = model.to_prisma("postgresql");
    assert!(notes.iter().any(|note| note.message.contains("`positive`")), "{notes:?}");
    model.tables.iter_mut().for_each(|table| table.checks.clear());
    assert_has(
        &text,
        &[
            "model Person {",
            "@relation(\"Person_boss\", fields: [boss_id], references: [id], onUpdate: NoAction)",
            "Unsupported(\"point\")",
            "enum OrderStatus {\n  new\n  in_progress @map(\"in progress\")\n}",
            "@@ignore",
        ],
    );
    let (again, _) = from_prisma(&text).unwrap_or_else(|found| panic!("{}\n{text}", found[0]));
    assert_eq!(again.to_prisma("postgresql").0, text);
    assert_eq!(again.to_rust(&Options::default()).0, model.to_rust(&Options::default()).0);
}

#[test]
fn the_order_of_tables_makes_no_difference() {
    let mut tables = postgres();
    let (model, notes) = from_database(&tables, "postgres");
    tables.reverse();
    assert_eq!(from_database(&tables, "postgres"), (model.clone(), notes));
    tables.rotate_left(2);
    assert_eq!(from_database(&tables, "postgres").0.to_rust(&Options::default()), model.to_rust(&Options::default()));
}

#[test]
fn types_of_mysql_are_those_of_models() {
    let mut size = column("size", "enum('small','large')", ValueType::Text);
    size.allowed = vec!["small".into(), "large".into()];
    let mut shirts = table(
        "shirts",
        vec![
            counter("id", "int(11)"),
            size,
            column("key", "binary(16)", ValueType::Uuid),
            with_default(column("sold", "tinyint(1)", ValueType::Bool), "0"),
            column("data", "longtext collate utf8mb4_bin", ValueType::Json),
            column("at", "datetime(6)", ValueType::Timestamp),
            column("count", "int(10) unsigned", ValueType::I64),
            column("name", "varchar(40) collate utf8mb4_bin", ValueType::Text),
            with_default(column("price", "decimal(65,30) unsigned", ValueType::Decimal), "1.50"),
            with_default(column("ratio", "double", ValueType::F64), "2.5e-1"),
            with_default(
                column("seen", "timestamp(6)", ValueType::Timestamp),
                "current_timestamp(6) on update current_timestamp(6)",
            ),
        ],
        &["id"],
    );
    shirts.checks.push(CheckSchema::new("data", "json_valid(`data`)"));
    let (model, _) = from_database(&[shirts], "mysql");
    assert_has(
        &rust(&model, "shirt"),
        &[
            "pub id: i32,",
            "pub size: ShirtSize,",
            "pub key: Uuid,",
            "#[thing(default = false)]\n    pub sold: bool,",
            "pub data: Json<Value>,",
            "pub at: Timestamp,",
            "pub count: i64,",
            "pub name: String,",
            "#[thing(default = Decimal::new(150, 2))]\n    pub price: Decimal,",
            "#[thing(default = 0.25)]\n    pub ratio: f64,",
            "#[thing(updated)]\n    pub seen: Timestamp,",
        ],
    );
    let (text, notes) = model.to_prisma("mysql");
    assert_eq!(notes, []);
    assert_eq!(from_prisma(&text).unwrap().0.to_prisma("mysql").0, text);
}

#[test]
fn names_that_rust_has_already_are_changed() {
    let id = || vec![counter("id", "bigint")];
    let mut options = table("options", id(), &["id"]);
    for name in ["self", "fn", "Größe", "2fa", "a-b", "a_b", "Id2"] {
        options.columns.push(column(name, "text", ValueType::Text));
    }
    let others = ["users", "new_users", "user", "Users", "mods", "enums", "weird \"name\""]
        .map(|name| table(name, id(), &["id"]));
    let mut tables = others.to_vec();
    tables.push(options);
    let (model, _) = from_database(&tables, "postgres");
    let (files, notes) = model.to_rust(&Options::default());
    assert_eq!(notes, []);
    let mut paths: Vec<String> = files.iter().map(|file| file.path.to_lowercase()).collect();
    paths.dedup();
    assert_eq!(paths.len(), files.len());
    assert_has(
        &rust(&model, "option_row"),
        &[
            "pub struct OptionRow {",
            "#[thing(column = \"self\")]\n    pub self_: String,",
            "pub r#fn: String,",
            "#[thing(column = \"2fa\")]\n    pub field_2fa: String,",
            "#[thing(column = \"a-b\")]\n    pub a_b: String,",
            "#[thing(column = \"a_b\")]\n    pub a_b_2: String,",
        ],
    );
    let (text, _) = model.to_prisma("postgresql");
    assert_eq!(from_prisma(&text).unwrap().0.to_prisma("postgresql").0, text);
}

#[test]
fn unique_indexes_over_living_rows_mark_the_column_of_deleted_ones() {
    let mut users = table(
        "users",
        vec![
            counter("id", "bigint"),
            column("email", "text", ValueType::Text),
            nullable(column("deleted_at", "timestamp with time zone", ValueType::Timestamp)),
            nullable(column("gone", "timestamp with time zone", ValueType::Timestamp)),
        ],
        &["id"],
    );
    unique(&mut users, "users_email_unique", "email");
    users.indexes[0].living = true;
    let (model, _) = from_database(&[users.clone()], "postgres");
    assert_has(
        &rust(&model, "user"),
        &["#[thing(unique)]\n    pub email: String,", "#[thing(deleted)]\n    pub deleted_at: Option<Timestamp>,"],
    );

    users.indexes[0].condition = Some("\"gone\" IS NULL".into());
    unique(&mut users, "users_some", "gone");
    (users.indexes[1].living, users.indexes[1].condition) = (true, Some("(id > 1) AND \"gone\" IS NULL".into()));
    let (model, _) = from_database(&[users], "postgres");
    assert_has(&rust(&model, "user"), &["#[thing(deleted)]\n    pub gone: Option<Timestamp>,"]);
    let (_, notes) = model.to_rust(&Options::default());
    assert!(notes[0].message.contains("`users_some` is left out"), "{notes:?}");
}

#[test]
fn what_sync_writes_in_other_words_is_noted() {
    let mut things = table(
        "things",
        vec![
            counter("id", "INTEGER"),
            column("shown", "BOOLEAN", ValueType::Bool),
            column("price", "DECIMAL_TEXT COLLATE DECIMAL", ValueType::Decimal),
            nullable(column("deleted_at", "TIMESTAMP", ValueType::Timestamp)),
        ],
        &["id"],
    );
    things.columns[1].comment = Some(" Whether all see it.".into());
    unique(&mut things, "one_price", "price");
    (things.indexes[0].living, things.indexes[0].condition) = (true, Some("deleted_at IS NULL".into()));
    let notes: Vec<String> = from_database(&[things], "sqlite").1.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "table things: `sync` makes the index `one_price` again, with the condition in its own words",
            "things.shown: its comment has spaces around its lines; `sync` writes it without them",
        ]
    );
}

#[test]
fn a_foreign_key_that_is_there_twice_is_told_of() {
    let users = table("users", vec![counter("id", "bigint")], &["id"]);
    let mut posts = table("posts", vec![counter("id", "bigint"), column("user_id", "bigint", ValueType::I64)], &["id"]);
    refers(&mut posts, "user_id", "users", Action::Cascade);
    let mut again = posts.foreign_keys[0].clone();
    (again.name, again.on_delete) = ("by_hand".into(), Action::NoAction);
    posts.foreign_keys.push(again);
    let (model, notes) = from_database(&[users, posts], "postgres");
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "table posts: `user_id` refers to `users` by several foreign keys; `posts_user_id_fkey` stands for all of them"
        ]
    );
    // A cache has to know that the database deletes rows.
    let cascade = "#[thing(foreign_key(User, name = \"posts_user_id_fkey\", on_delete = \"cascade\"))]";
    assert_has(&rust(&model, "post"), &[cascade]);
    assert_has(&rust(&model, "user"), &["#[thing(cascades(Post::USER_ID))]"]);
}

#[test]
fn columns_that_models_read_otherwise_are_told_of() {
    let things = |columns| {
        let mut things = table("things", vec![counter("id", "bigint")], &["id"]);
        things.columns.extend(columns);
        things
    };
    let fixed = ColumnSchema::new("country", "character(2)", vec![]);
    let (_, notes) = from_database(&[things(vec![fixed, column("name", "text", ValueType::Text)])], "postgres");
    let expected = "things.country: `character(2)` does not keep every text exactly; `sync` will ask for a wider type";
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    let (_, notes) = from_database(&[things(vec![ColumnSchema::new("code", "uuid", vec![])])], "mysql");
    let expected = "things.code: models read no `uuid`; `sync` makes `binary(16)` of it";
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn arrays_of_postgres_are_lists() {
    let list = |name: &str, declared: &str, item| column(name, declared, ValueType::List(item));
    let posts = table(
        "posts",
        vec![
            counter("id", "bigint"),
            nullable(list("tags", "text[]", ListItem::Text)),
            list("parts", "bigint[]", ListItem::I64),
            list("keys", "uuid[]", ListItem::Uuid),
            column("days", "date[]", ValueType::Text),
        ],
        &["id"],
    );
    let debts = table("thing_debts", vec![counter("id", "bigint")], &["id"]);
    let (model, _) = from_database(&[posts, debts], "postgres");
    assert_has(
        &rust(&model, "post"),
        &[
            "use thing::{List, Model};",
            "pub tags: Option<List<String>>,",
            "pub parts: List<i64>,",
            "pub keys: List<Uuid>,",
        ],
    );
    let (files, notes) = model.to_rust(&Options::default());
    assert!(notes.iter().any(|note| note.about == "posts.days"), "{notes:?}");
    assert!(files.iter().any(|file| file.text.contains("Features of `thing` that they need: `json`, `uuid`.")));
    assert!(!files.iter().any(|file| file.path.contains("debt")), "tables of Thing's own are passed over");
    let (text, _) = model.to_prisma("postgresql");
    assert_has(&text, &["tags  String[]\n", "@db.Uuid"]);
    assert_eq!(from_prisma(&text).unwrap().0.to_prisma("postgresql").0, text);
}

/// Tables that are made of random bytes: odd names, all types, keys, indexes and foreign keys.
fn random_tables(tape: &[u8], types: &[&str]) -> Vec<TableSchema> {
    let mut tape = tape.iter().copied().map(usize::from);
    let mut below = |count: usize| tape.next().unwrap_or(0) % count;
    let names = [
        "users",
        "_UserToPost",
        "Post",
        "post",
        "new_posts",
        "a b",
        "öl",
        "2",
        "type",
        "options",
        "\"",
        "A",
        "B",
        "id",
    ];
    let defaults = ["1", "now()", "'a'::text", "true", "f(x)", "NULL", "'it''s'", "-1.5", "nextval('s')"];
    let mut tables: Vec<TableSchema> = Vec::new();
    for _ in 0..1 + below(5) {
        let mut table = table(names[below(names.len())], vec![counter("id", types[below(2)])], &["id"]);
        if tables.iter().any(|other| other.name == table.name) {
            continue;
        }
        for _ in 0..below(6) {
            let mut column = column(names[below(names.len())], types[below(types.len())], ValueType::Text);
            column.nullable = below(2) == 1;
            column.default = (below(2) == 1).then(|| defaults[below(defaults.len())].to_owned());
            column.comment = (below(4) == 1).then(|| " a\r\n// b".to_owned());
            if below(5) == 1 {
                column.allowed = ["a", "", "A", "x y"][..1 + below(4)].iter().map(|&text| text.to_owned()).collect();
            }
            if table.column(&column.name).is_none() {
                table.columns.push(column);
            }
        }
        match below(4) {
            0 => table.key.clear(),
            1 => table.key.push(table.columns[below(table.columns.len())].name.clone()),
            _ => {}
        }
        table.key.dedup();
        for at in 0..below(3) {
            let name = table.columns[below(table.columns.len())].name.clone();
            let mut index =
                IndexSchema::new(format!("{at} {}", table.name), vec![IndexPart::column(name)], below(2) == 1);
            index.parts[0].descending = below(4) == 1;
            index.living = index.unique && below(4) == 1;
            table.indexes.push(index);
        }
        tables.push(table);
    }
    let all: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    for table in &mut tables {
        for _ in 0..below(4) {
            let column = table.columns[below(table.columns.len())].name.clone();
            refers(table, &column, &all[below(all.len())], Action::Cascade);
        }
    }
    tables
}

proptest! {
    #[test]
    fn every_database_becomes_a_schema_that_stays_as_it_is(tape in vec(any::<u8>(), 0..200)) {
        let databases = [
            ("postgres", ["bigint", "integer", "uuid", "text", "numeric(10,2)", "date", "odd \"type\"", "text[]", "boolean"]),
            ("mysql", ["bigint", "int(11)", "binary(16)", "longtext", "decimal(10,2)", "date", "geometry", "bit(3)", "tinyint(1)"]),
            ("sqlite", ["INTEGER", "BIGINT", "UUID_BLOB", "TEXT", "DECIMAL_TEXT", "DATE", "", "GUID", "BOOLEAN"]),
        ];
        for (dialect, types) in databases {
            let mut tables = random_tables(&tape, &types);
            let (model, notes) = from_database(&tables, dialect);
            let (text, _) = model.to_prisma(dialect);
            let again = from_prisma(&text).map(|(again, _)| again.to_prisma(dialect).0);
            match again {
                Ok(again) => prop_assert_eq!(again, text),
                Err(found) => panic!("{}\n{text}", found[0]),
            }
            tables.reverse();
            prop_assert_eq!(from_database(&tables, dialect), (model.clone(), notes));
            let (files, _) = model.to_rust(&Options::default());
            let mut paths: Vec<String> = files.iter().map(|file| file.path.to_lowercase()).collect();
            paths.dedup();
            prop_assert_eq!(paths.len(), files.len());
            for file in files {
                syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{error}\n{}", file.text));
            }
        }
    }
}
