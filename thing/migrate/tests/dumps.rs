//! Scripts that other programs wrote: what they hide in comments is run, and what they set holds for them alone.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Database, files, has_table, integers, session, version};
use thing_driver_api::Executor;
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_migrate::Migrator;
use thing_test_servers::PostgresSchema;

const MYSQLDUMP: &str = "\
-- MariaDB dump 10.19
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!80000 SET SESSION information_schema_stats_expiry=0 */;
CREATE TABLE `books` (
  `id` bigint NOT NULL PRIMARY KEY,
  `author` bigint,
  CONSTRAINT `by` FOREIGN KEY (`author`) REFERENCES `authors` (`id`)
) /*!50100 COMMENT='of; paper' */;
CREATE TABLE `authors` (`id` bigint NOT NULL PRIMARY KEY);
/*!50001 CREATE VIEW `ids` AS SELECT `id` FROM `books` */;
DELIMITER ;;
/*!50003 CREATE*//*!50003 TRIGGER `noted` BEFORE INSERT ON `books` FOR EACH ROW
BEGIN
  INSERT INTO `authors` VALUES (NEW.author);
END */;;
DELIMITER ;
/*M!100000 CREATE TABLE `of_maria` (`id` bigint) */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
";

#[tokio::test(flavor = "multi_thread")]
async fn what_mysqldump_hides_in_comments_is_run() {
    let [.., database] = Database::each().await;
    let executor = database.open().await;
    let migrations = files(&[(MYSQLDUMP, "")]);
    Migrator::new(&*executor, &migrations).up().await.unwrap();
    assert!(has_table(&*executor, "of_maria").await);
    session(&*executor).await.execute("INSERT INTO books VALUES (1, 7)").await.unwrap();
    assert_eq!(integers(&*executor, "SELECT id FROM ids").await.unwrap(), [1]);
    assert_eq!(integers(&*executor, "SELECT id FROM authors").await.unwrap(), [7], "the trigger is there");
}

fn pg_dump(schema: &str, head: &str) -> String {
    format!(
        "{head}SET client_min_messages = warning;\nSELECT pg_catalog.set_config('search_path', '', false);\n\
         CREATE TABLE {schema}.users (id bigint NOT NULL);\n\
         ALTER TABLE ONLY {schema}.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pg_dump_sets_holds_for_its_own_migration() {
    for head in ["", "-- thing: no transaction\n"] {
        let schema = PostgresSchema::create().await;
        let executor = support::open(schema.url()).await;
        let dump = pg_dump(schema.name(), head);
        let migrations = files(&[(&dump, ""), ("ALTER TABLE users ADD COLUMN age BIGINT", "")]);
        let migrator = Migrator::new(&*executor, &migrations);
        assert_eq!(migrator.up().await.unwrap(), [version(1), version(2)]);
        assert_eq!(migrator.up().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_has_a_history_of_its_own() {
    let (shared, own) = (PostgresSchema::create().await, PostgresSchema::create().await);
    let migrations = files(&[("CREATE TABLE users (id BIGINT)", "DROP TABLE users")]);
    let executor = support::open(shared.url()).await;
    Migrator::new(&*executor, &migrations).up().await.unwrap();
    let path = format!("{}, {}", own.name(), shared.name());
    let config = PostgresConfig::from_url(own.url()).unwrap().search_path(&path);
    let tenant: Box<dyn Executor> = Box::new(PostgresExecutor::connect(config).await.unwrap());
    let migrator = Migrator::new(&*tenant, &migrations);
    assert_eq!(migrator.pending().await.unwrap(), [version(1)]);
    assert_eq!(migrator.up().await.unwrap(), [version(1)]);
    assert_eq!(migrator.down(1).await.unwrap(), [version(1)]);
    assert!(has_table(&*executor, "users").await, "that of the other schema");
}
