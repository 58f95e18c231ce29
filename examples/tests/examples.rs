//! Runs every example as a newcomer does, and looks for the lines that matter in what it prints.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Each example, and what its output must hold. Runs of spaces count as one.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "quickstart",
        &[
            "imported 3376 airports and 5366 routes",
            "create an airport in Hawaii THG 1 0",
            "read ATL William B Hartsfield-Atlanta Intl 1 0",
            "read ATL again William B Hartsfield-Atlanta Intl 0 1",
            "list the airports of Hawaii 17 airports 1 0",
            "list them again 17 airports 0 18",
            "count the routes from ATL 173 1 0",
            "count them again 173 0 1",
            "rename ATL: one column is written saved 1 0",
            "read ATL Atlanta 1 0",
            "move 100 flights, in a transaction 7411",
            "delete THG, and roll back rolled back",
            "list the airports of Hawaii 17 airports 0 18",
            "list the airports of Hawaii 16 airports 1 0",
            "100000 reads of 3376 airports",
        ],
    ),
    (
        "models",
        &[
            "generated key: CustomerId(1)",
            "JSON: 1 Main Street in Springfield",
            "default: New",
            "enum in a filter: 1 not sent",
            "time of the update: true",
            "embedded column: order 1 of customer CustomerId(1)",
            "UUID key: version 4",
            "composite key: true",
            "unique index: create Customer: unique constraint failed",
            "indexes: orders_customer_index",
        ],
    ),
    (
        "values",
        &[
            "made in Japan: Camera",
            "lighter than half a kilo: Radio",
            "first port is USB: Camera, Radio",
            "tagged \"new\": Camera, Lamp",
            "tagged \"new\" and \"small\": Camera",
            "without tags: Radio",
            "data: 2 years of warranty",
            "warranty of two years or more: Camera",
            "a secret is ***, revealed 420",
            "stored as integers: 1, 2, 2",
        ],
    ),
    (
        "queries",
        &[
            "all, by key Middlemarch, Moby-Dick, Walden, Emma, Persuasion, 100% Wool",
            "year > 1850, newest first 100% Wool, Middlemarch, Walden, Moby-Dick",
            "shelf other than A2 Moby-Dick, 100% Wool",
            "contains \"100%\" 100% Wool",
            "page 2 of two each Middlemarch, Moby-Dick",
            "count, built in a loop 3",
            "one, of several several rows of Book match",
            "WHERE \"year\" = ?1",
        ],
    ),
    (
        "json_output",
        &[
            "public: id,first,last,books{id,title,year},full_name",
            r#"full_name,books{title}: [{"full_name":"Jane Austen","books":[{"title":"Emma"},{"title":"Persuasion"}]},"#,
            r#"-id: [{"first":"Jane","last":"Austen"},{"first":"John","last":"Keats"}] (0 statements)"#,
            r#"id,books: [{"id":1,"books":[{"id":1,"title":"Emma","year":1815},{"id":2,"title":"Persuasion","year":null}]},"#,
            "name: Author has no field `name` (character 1); known are `id`, `first`, `last`, `books`, `full_name`",
            "password: Author has no field `password` (character 1)",
            r#"one book: {"title":"Emma","author":{"initials":"JA"}}"#,
            r#"all books: [{"id":1,"title":"Emma","year":1815},"#,
        ],
    ),
    (
        "relations",
        &[
            "all authors with their books 2 statements",
            "Austen: Emma, Persuasion",
            "again 0 statements",
            "Austen: Persuasion, novel",
            "Keats: Endymion, nature and poem",
            "not loaded: Book::AUTHOR is not loaded; add `.with(Book::AUTHOR)` to the query",
            "its author, loaded later 0 statements",
            "by Thoreau",
            "the tags of all of them",
            "2 tags now",
            "nature: Endymion, Walden",
            "after a move Austen has 3 books",
        ],
    ),
    (
        "any_of",
        &[
            "3 comments, 3 statements",
            "on the post Norway: well told",
            "on the photo fjord.jpg: so blue",
            "again, 0 statements",
            r#"[{"text":"well told","subject":{"title":"Norway"}},{"text":"so blue","subject":{"file":"fjord.jpg"}},"#,
            "2 comments on the post",
            "1 on the photo",
            "refused: load Comment::SUBJECT: column `subject_type` of Comment 1 holds `video`, which is no kind of Subject",
        ],
    ),
    (
        "writing",
        &[
            "created Alice with key 1",
            "saved again 0 statements",
            "two holders Alice A. is 50",
            "changed Alice B. is 52",
            "below 50 false",
            "upsert Alice B. with key 1 is 60",
            "inserted 1000 in chunks",
            "created 100 in one transaction",
            "deleted 50, left 51",
            "refused User item 2",
            "column: email",
            "after it 51 users",
            "save of a deleted row: no User with key 1",
            "not found: true",
        ],
    ),
    (
        "encryption",
        &[
            "object Patient { id: 1, name: \"Ann\", ssn: Sealed { key: Some(1), .. } }",
            "opened 123-45-6789",
            "stored 57 bytes of ciphertext",
            "with both 123-45-6789",
            "sealed anew 2 patients",
            "again 0 patients",
            "key Some(2)",
            "refused column `patients.ssn`: the value is sealed by key 2, which the key ring has not",
            "tampered Some(NotAuthentic)",
        ],
    ),
    (
        "deleting",
        &[
            "books 3",
            "after a delete 2, deleted 1",
            "restored Sanditon",
            "dearer 2 books",
            "at 10 2 books",
            "refused delete Author 1: 1 of Contract refer to it by Author::CONTRACTS",
            "with the author 0 books",
            "name taken true",
            "back 3 books",
            "left 0 books, deleted ones counted",
        ],
    ),
    (
        "transactions",
        &[
            "30 from Alice to Bob Alice 70, Bob 80",
            "1000 from Alice to Bob Alice has 70 only",
            "nothing was changed Alice 70, Bob 80",
            "Bob, seen in the transaction 0",
            "Bob, seen after the rollback 80",
            "5, not 50, and 5 again Alice 60, Bob 90",
            "a write in a read-only one create Account: ",
        ],
    ),
    (
        "outbox",
        &[
            "created whales: [1]",
            "in between 1 in the outbox",
            "rolled back enough of them",
            "after it whales: [1], 0 in the outbox",
            "not yet told ships: []",
            "committed whales: [], ships: [1, 2]",
            "deleted ships: [2]",
            "left 0 in the outbox",
        ],
    ),
    (
        "caching",
        &[
            "the post again 0 1",
            "a post that does not exist 1 0 it again 0 1",
            "the best posts 1 0 the best posts again 0 5",
            "the count again 0 1",
            "the views of one of its posts change 1 0 the best posts (one post is read) 1 4",
            "a post of another author 1 0 the best posts 0 5",
            "a post of the author, with 1 star 1 0 the best posts 0 5",
            "one of its posts gets 5 stars 1 0 the best posts 1 0",
            "a post of the author, with 4 stars 1 0 the best posts 1 0",
            "read, change, roll back 3 0 the best posts 0 6",
            "title in the cache Post 4",
            "title after invalidate by raw SQL",
        ],
    ),
    (
        "raw_sql",
        &[
            "Austen 110 sold",
            "most below 80: 70",
            "short titles: Emma, Typee",
            "changed by one statement: 2",
            "Emma: 71 sold, before 70",
        ],
    ),
    (
        "streaming",
        &[
            "sensor 3: 6250 measurements, 20.10 °C on average",
            "the three highest: [24.9, 24.9, 24.9]",
            "with an even key: 25000 of 50000",
            "statements: 3 reads",
        ],
    ),
    (
        "custom_executor",
        &[
            "1 x BEGIN",
            "1 x SELECT \"id\", \"name\" FROM \"users\" WHERE \"id\" = ?1",
            "1 x INSERT INTO \"users\"",
            "1 x UPDATE \"users\"",
            "ms: WITH RECURSIVE n(i)",
        ],
    ),
];

#[test]
fn every_example_runs_and_prints_what_it_shows() {
    for (name, wanted) in EXAMPLES {
        let output = run(name);
        for text in *wanted {
            assert!(output.contains(text), "{name} does not print {text:?}; it prints:\n{output}");
        }
    }
}

/// Output that goes to a file or a pipe is text only: no bar, no escapes.
#[test]
fn output_without_a_terminal_has_no_control_characters() {
    let output = Command::new(program("quickstart")).output().expect("it starts");
    let mut bytes = output.stdout.iter().chain(&output.stderr);
    assert!(!bytes.any(|byte| byte.is_ascii_control() && *byte != b'\n'));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_file_is_declared_and_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
        .collect();
    let run: BTreeSet<String> = EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, run, "every example has its place in EXAMPLES");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("the manifest is there");
    for file in &files {
        let declaration = format!("[[example]]\nname = \"{file}\"\npath = \"{file}.rs\"\n");
        assert!(manifest.contains(&declaration), "Cargo.toml does not declare {file}");
    }
}

/// Runs an example, in another folder than its own, and gives what it prints.
fn run(name: &str) -> String {
    let output =
        Command::new(program(name)).current_dir(std::env::temp_dir()).stdin(Stdio::null()).output().expect("it starts");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}:\n{printed}\n{errors}", output.status);
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The program that Cargo built for the example, beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.parent().and_then(Path::parent).expect("the test is in target/<profile>/deps");
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing; `cargo test -p thing-examples` builds it", program.display());
    program
}
