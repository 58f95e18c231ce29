//! Splitting: every statement whole, and nothing lost.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

use proptest::prelude::{Strategy, prop_assert_eq, proptest};
use thing_migrate::{Script, Syntax, pieces};

fn statements(text: &str, syntax: Syntax) -> Vec<&str> {
    let pieces = pieces(text, syntax).unwrap();
    assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), text, "nothing is lost");
    pieces.iter().filter_map(|piece| piece.statement()).collect()
}

const ALL: [Syntax; 4] = [Syntax::Standard, Syntax::Sqlite, Syntax::Postgres, Syntax::Mysql];

#[test]
fn semicolons_end_statements_and_nothing_else_does() {
    for syntax in ALL {
        assert_eq!(statements("a; b ;\n;; -- c;\n/* d; */ e", syntax), ["a", "b", "e"]);
        assert_eq!(statements("", syntax), [""; 0]);
        assert_eq!(statements("-- only this", syntax), [""; 0]);
        assert_eq!(statements("SELECT 'it''s;' ; SELECT 2", syntax), ["SELECT 'it''s;'", "SELECT 2"]);
        assert_eq!(statements("SELECT \"a;\"\"b\"; x", syntax), ["SELECT \"a;\"\"b\"", "x"]);
        assert_eq!(statements("ü; 'ß;'; 日本", syntax), ["ü", "'ß;'", "日本"]);
    }
}

#[test]
fn each_database_has_quotes_of_its_own() {
    assert_eq!(statements(r"SELECT 'a\'; b'; c", Syntax::Mysql), [r"SELECT 'a\'; b'", "c"]);
    assert_eq!(statements(r"SELECT 'a\'; b", Syntax::Postgres), [r"SELECT 'a\'", "b"]);
    assert_eq!(statements(r"SELECT E'a\'; b'; c", Syntax::Postgres), [r"SELECT E'a\'; b'", "c"]);
    assert_eq!(statements("SELECT `a;b`; c", Syntax::Mysql), ["SELECT `a;b`", "c"]);
    assert_eq!(statements("SELECT [a;b]; c", Syntax::Sqlite), ["SELECT [a;b]", "c"]);
    assert_eq!(statements("SELECT a[1]; c", Syntax::Postgres), ["SELECT a[1]", "c"]);
    assert_eq!(statements("SELECT $$a;'$$; c", Syntax::Postgres), ["SELECT $$a;'$$", "c"]);
    assert_eq!(statements("SELECT $x$a;$$;$x$; c", Syntax::Postgres), ["SELECT $x$a;$$;$x$", "c"]);
    assert_eq!(statements("SELECT $1; c", Syntax::Postgres), ["SELECT $1", "c"]);
    assert_eq!(statements("SELECT a$b$; c; d$b$", Syntax::Postgres), ["SELECT a$b$", "c", "d$b$"]);
    assert_eq!(statements("a /* /* ; */ ; */ ; b", Syntax::Postgres), ["a", "b"]);
    assert_eq!(statements("a # ;\n; b", Syntax::Mysql), ["a", "b"]);
    assert_eq!(statements("SELECT 1--2; b", Syntax::Mysql), ["SELECT 1--2", "b"]);
    assert_eq!(statements("a; /* no end", Syntax::Sqlite), ["a"]);
}

#[test]
fn bodies_are_part_of_their_statement() {
    let trigger =
        "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE c WHEN 1 THEN 2 END; SELECT 1; END";
    assert_eq!(statements(&format!("{trigger}; x"), Syntax::Sqlite), [trigger, "x"]);
    let procedure = "CREATE OR REPLACE PROCEDURE p() BEGIN DECLARE i INT; IF i > 1 THEN SET i = 2; END IF; \
                     WHILE i < 3 DO BEGIN SET i = IF(1, 2, 3); END; END WHILE; CASE i WHEN 1 THEN SET i = 1; END CASE; END";
    assert_eq!(statements(&format!("{procedure}; x;"), Syntax::Mysql), [procedure, "x"]);
    let function = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
    assert_eq!(statements(&format!("{function}; x"), Syntax::Postgres), [function, "x"]);
    assert_eq!(statements("BEGIN; x; END; y", Syntax::Sqlite), ["BEGIN", "x", "END", "y"]);
    assert!(pieces("CREATE TRIGGER t BEGIN\n a;", Syntax::Sqlite).unwrap_err().1.contains("without END"));
}

#[test]
fn dumps_are_read() {
    let dump = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n/*!40101 SET NAMES utf8 */;\n\
                /*!50001 CREATE VIEW v AS SELECT ';' */;\n/* x; */ SELECT 1";
    let first = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n/*!40101 SET NAMES utf8 */";
    assert_eq!(statements(dump, Syntax::Mysql), [first, "/*!50001 CREATE VIEW v AS SELECT ';' */", "SELECT 1"]);
    assert_eq!(statements("/*!a*/; b", Syntax::Sqlite), ["b"]);
    let script = Script::new("a.up.sql", "-- A dump.\n\\restrict x\n\nCREATE TABLE a (b INT);").unwrap();
    let refused = script.statements(Syntax::Postgres).unwrap_err().to_string();
    assert!(refused.contains("a.up.sql, line 2: ") && refused.contains("psql"), "{refused}");
}

#[test]
fn names_are_no_words_of_bodies() {
    let trigger = "CREATE TRIGGER t AFTER UPDATE ON stays FOR EACH ROW BEGIN \
                   UPDATE log SET a = NEW.begin, b = NEW.end; UPDATE log SET c = 1; END";
    for syntax in [Syntax::Sqlite, Syntax::Mysql] {
        assert_eq!(statements(&format!("{trigger}; x"), syntax), [trigger, "x"]);
        let table = "CREATE TABLE stays (event INT, trigger TEXT, begin INT)";
        assert_eq!(statements(&format!("{table}; x"), syntax), [table, "x"]);
        let index = "CREATE INDEX i ON stays (trigger, begin)";
        assert_eq!(statements(&format!("{index}; x"), syntax), [index, "x"]);
        let view = "CREATE VIEW trigger AS SELECT begin FROM stays";
        assert_eq!(statements(&format!("{view}; x"), syntax), [view, "x"]);
    }
}

#[test]
fn comments_that_the_server_runs_are_statements() {
    let dump = "/*!40101 SET NAMES utf8 */;\n/*M!100401 a 'b */;' */; /* c; */ d /*! e */; f--; g */*h*/ i";
    let found = ["/*!40101 SET NAMES utf8 */", "/*M!100401 a 'b */;' */", "d /*! e */", "f--", "g */*h*/ i"];
    assert_eq!(statements(dump, Syntax::Mysql), found);
    assert_eq!(statements("/*!40101 a */; d /*! e */", Syntax::Postgres), ["d"]);
    let script = Script::new("a.up.sql", "/*!40000 COMMIT */").unwrap();
    assert!(script.statements(Syntax::Mysql).is_err(), "it ends the transaction");
}

#[test]
fn the_delimiter_can_be_set() {
    let text = "a;\nDELIMITER //\nCREATE TRIGGER t FOR EACH ROW IF x THEN y; END IF//\nb//\ndelimiter $$\nEND$$\nDELIMITER ;\nc; d";
    let found = statements(text, Syntax::Mysql);
    assert_eq!(found, ["a", "CREATE TRIGGER t FOR EACH ROW IF x THEN y; END IF", "b", "END", "c", "d"]);
}

#[test]
fn what_has_no_end_is_named_with_its_line() {
    for (text, line) in [("a;\n'b", 2), ("\n\n\"b", 3), ("a; b\n/* c", 2)] {
        assert_eq!(pieces(text, Syntax::Postgres).unwrap_err().0, line, "{text}");
    }
    assert_eq!(pieces("a $x$ b $y$", Syntax::Postgres).unwrap_err().0, 1);
}

#[test]
fn statements_know_their_lines() {
    let script = Script::new("a.up.sql", "-- thing: changes a, b\r\n-- x\r\nCREATE\r\n;\r\n\r\n/* c\r\n */ b").unwrap();
    assert_eq!(script.changes().unwrap(), ["a", "b"]);
    let lines: Vec<usize> = script.statements(Syntax::Sqlite).unwrap().iter().map(|s| s.line).collect();
    assert_eq!(lines, [3, 7]);
}

#[test]
fn lines_that_say_how_a_script_is_run_are_the_first() {
    let read =
        |text: &str| Script::new("a.up.sql", text).unwrap().statements(Syntax::Postgres).map(|found| found.len());
    let late = "CREATE TABLE a (b INT);\n-- thing: no transaction\nCREATE INDEX CONCURRENTLY c ON a (b);";
    let refused = read(late).unwrap_err().to_string();
    assert!(
        refused.contains("a.up.sql, line 2: `thing: no transaction`") && refused.contains("beginning"),
        "{refused}"
    );
    assert!(read("/* By the book. */\n--thing:changes a\nSELECT 1").unwrap_err().to_string().contains("line 2"));
    assert_eq!(read("\n-- By the book.\n\n  --- thing: changes a\nSELECT 1; SELECT '\n-- thing: x\n'").unwrap(), 2);
    assert_eq!(read("SELECT $$\n-- thing: x\n$$; -- some thing: y").unwrap(), 1);
}

#[test]
fn statements_that_end_the_transaction_are_refused() {
    for text in ["BEGIN", "x; commit", "START TRANSACTION", "ROLLBACK", "END", "PREPARE TRANSACTION 'a'"] {
        let script = Script::new("a.up.sql", text).unwrap();
        assert!(script.statements(Syntax::Postgres).unwrap_err().to_string().contains("a.up.sql, line 1"), "{text}");
    }
    for text in ["SAVEPOINT a; ROLLBACK TO a", "START SLAVE", "CREATE TABLE begin (x INT)", "PREPARE a AS SELECT 1"] {
        Script::new("a.up.sql", text).unwrap().statements(Syntax::Postgres).unwrap();
    }
}

/// Texts of what means something to the splitter.
fn texts() -> impl Strategy<Value = String> {
    let parts = [
        "'",
        "\"",
        "`",
        "[",
        "]",
        ";",
        "--",
        "/*",
        "*/",
        "$$",
        "$a$",
        "\\",
        "\n",
        " ",
        "E'",
        "#",
        "BEGIN",
        "END",
        "CASE",
        "CREATE",
        "TRIGGER",
        "IF",
        "DELIMITER //\n",
        "//",
        "é",
        "x",
        "\u{2003}",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn pieces_joined_are_the_text(text in texts()) {
        for syntax in ALL {
            if let Ok(found) = pieces(&text, syntax) {
                prop_assert_eq!(&found.iter().map(|piece| piece.text).collect::<String>(), &text);
            }
        }
    }

    #[test]
    fn quoted_statements_are_found_again(bodies in proptest::collection::vec("[a-z;\n/*$ -]{0,12}", 1..6)) {
        for syntax in ALL {
            let wanted: Vec<String> = bodies.iter().map(|body| format!("SELECT '{body}'")).collect();
            let text = wanted.join(" ;\n-- c;\n");
            prop_assert_eq!(statements(&text, syntax), wanted.clone());
        }
    }
}
