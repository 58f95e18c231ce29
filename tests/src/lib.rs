//! The tests of the Thing ORM; see the folder `tests`. The modules here hold the pages of the documentation, so that every
//! program in them is compiled and run as a doc test.

#[doc = include_str!("../../README.md")]
pub mod readme {}

#[doc = include_str!("../../docs/guide/models.md")]
pub mod guide_models {}

#[doc = include_str!("../../docs/guide/queries.md")]
pub mod guide_queries {}

#[doc = include_str!("../../docs/guide/relations.md")]
pub mod guide_relations {}

#[doc = include_str!("../../docs/guide/writing.md")]
pub mod guide_writing {}

#[doc = include_str!("../../docs/guide/hooks.md")]
pub mod guide_hooks {}

#[doc = include_str!("../../docs/guide/json.md")]
pub mod guide_json {}

#[doc = include_str!("../../docs/guide/schema.md")]
pub mod guide_schema {}

#[doc = include_str!("../../docs/guide/caching.md")]
pub mod guide_caching {}

#[doc = include_str!("../../docs/guide/databases.md")]
pub mod guide_databases {}

#[doc = include_str!("../../docs/guide/from-an-existing-database.md")]
pub mod guide_from_an_existing_database {}

#[expect(clippy::needless_doctest_main, reason = "one of its programs is a whole `build.rs`")]
#[doc = include_str!("../../docs/guide/migrations.md")]
pub mod guide_migrations {}

#[doc = include_str!("../../docs/writing-a-driver.md")]
pub mod writing_a_driver {}

#[doc = include_str!("../../docs/writing-a-cache.md")]
pub mod writing_a_cache {}

#[doc = include_str!("../../docs/caveats.md")]
pub mod caveats {}

#[doc = include_str!("../../docs/architecture.md")]
pub mod architecture {}
