//! The macro that makes one test of each function on each stack.

/// Makes a module for each stack, with a test for each function `async fn(&Stack) -> Result<()>`:
///
/// - `every`: with each cache and without one (of the shared caches one for each kind of SQLite),
/// - `cached`: with each cache,
/// - `uncached`: without a cache,
/// - `one_thread`: with each cache and without one, on a runtime of one thread.
macro_rules! matrix {
    (@stack $name:ident $database:ident $cache:ident $($run:ident [$($test:ident),* $(,)?])*) => {
        mod $name {
            $($(
                #[test]
                fn $test() -> thing::Result<()> {
                    use crate::support::{Cache, Database, Stack};
                    Stack::new(stringify!($name), Database::$database, Cache::$cache).$run(super::$test)
                }
            )*)*
        }
    };
    (
        @three
        $(every $every:tt)? $(cached $cached:tt)? $(uncached $uncached:tt)? $(one_thread $one_thread:tt)?;
        $database:ident $without:ident $memory:ident $shared:ident $cache:ident
    ) => {
        matrix!(@stack $without $database None $(run $every)? $(run $uncached)? $(run_on_one_thread $one_thread)?);
        matrix!(@stack $memory $database Memory $(run $every)? $(run $cached)? $(run_on_one_thread $one_thread)?);
        matrix!(@stack $shared $database $cache $(run $every)? $(run $cached)? $(run_on_one_thread $one_thread)?);
    };
    (
        @four
        $(every $every:tt)? $(cached $cached:tt)? $(uncached $uncached:tt)? $(one_thread $one_thread:tt)?;
        $database:ident $without:ident $memory:ident $redis:ident $tiered:ident
    ) => {
        matrix!(@three $(every $every)? $(cached $cached)? $(uncached $uncached)? $(one_thread $one_thread)?;
            $database $without $memory $redis Redis);
        matrix!(@stack $tiered $database Tiered $(run $every)? $(run $cached)? $(run_on_one_thread $one_thread)?);
    };
    (
        $(every: $every:tt)?
        $(cached: $cached:tt)?
        $(uncached: $uncached:tt)?
        $(one_thread: $one_thread:tt)?
    ) => {
        matrix!(@three $(every $every)? $(cached $cached)? $(uncached $uncached)? $(one_thread $one_thread)?;
            SqliteFile sqlite_file sqlite_file_memory sqlite_file_tiered Tiered);
        matrix!(@three $(every $every)? $(cached $cached)? $(uncached $uncached)? $(one_thread $one_thread)?;
            SqliteMemory sqlite_memory sqlite_memory_memory sqlite_memory_redis Redis);
        matrix!(@four $(every $every)? $(cached $cached)? $(uncached $uncached)? $(one_thread $one_thread)?;
            Postgres postgres postgres_memory postgres_redis postgres_tiered);
        matrix!(@four $(every $every)? $(cached $cached)? $(uncached $uncached)? $(one_thread $one_thread)?;
            Mysql mysql mysql_memory mysql_redis mysql_tiered);
    };
}
