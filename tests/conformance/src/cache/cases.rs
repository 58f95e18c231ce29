//! The list of cases, once: as data, and as tests of [`cache_suite!`](crate::cache_suite).

use super::case::Case;

/// Hands the list of cases to another macro: `area { case; ... }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __cache_cases {
    ($then:ident $argument:tt) => {
        $crate::$then! {
            $argument
            entries {
                an_empty_cache_misses;
                what_is_stored_is_found;
                absent_rows_are_known;
                a_later_fill_replaces_the_entry;
                answers_come_in_order;
                leases_come_in_order;
                tables_do_not_meet;
                kinds_of_keys_do_not_meet;
                questions_do_not_meet;
                large_values_are_kept;
                many_entries_at_once;
                time_to_live_ends;
            }
            quarantine {
                it_hides_entries;
                it_leaves_other_entries_alone;
                it_needs_no_entry;
                a_running_fill_is_refused;
                release_gives_life_to_new_fills_only;
                a_late_store_is_refused;
                a_late_store_does_not_replace_a_newer_entry;
                writers_are_a_set;
                nothing_of_one_is_not_nothing_of_all;
                nothing_may_keep_the_entry;
                release_of_an_unknown_token_voids;
                release_of_an_unknown_token_leaves_others;
                it_lapses;
                a_store_after_the_lapse_is_refused;
                a_release_after_the_lapse_voids;
                repeating_it_prolongs;
                a_short_one_does_not_end_a_long_one;
            }
            voids {
                a_void_drops_entries;
                a_void_refuses_running_fills;
                a_void_leaves_quarantines;
                a_void_outlives_a_quarantine;
                a_void_of_nothing;
                a_table_is_forgotten;
                voiding_a_table_refuses_running_fills;
                voiding_a_table_leaves_quarantines;
            }
            tables {
                a_closed_table_has_no_entries;
                a_table_is_closed_before_its_first_entry;
                a_closed_table_refuses_running_fills;
                a_released_table_is_empty;
                writers_of_a_table_are_a_set;
                a_closed_table_lapses;
                nothing_opens_a_table;
                a_void_of_the_tag_forgets_the_table;
                a_void_leaves_a_closed_table_closed;
                rows_and_table_in_one_write;
            }
            leases {
                a_running_fill_is_named;
                a_fill_that_lost_is_not_waited_for;
                a_fill_that_was_voided_is_not_waited_for;
                a_list_that_lost_is_not_waited_for;
                an_abandoned_fill_makes_room;
                a_store_ends_the_fill;
                an_empty_store_ends_the_fill;
                a_refused_store_ends_the_fill;
                several_stores_at_once;
            }
            rows {
                untouched_rows_are_stored;
                touched_rows_are_refused;
                a_writer_at_work_at_the_lease_counts;
                a_lapse_since_the_lease_counts;
                an_unseen_lapse_counts;
                other_tables_do_not_matter;
                an_older_read_does_not_replace_a_newer;
                a_touch_long_ago_counts;
            }
            lists {
                any_tag_that_moves_ends_the_entry;
                any_tag_that_moves_refuses_the_fill;
                an_entry_depends_on_its_own_tags;
                behind_has_every_change;
                behind_has_all_changes_of_a_write;
                behind_is_complete_or_a_miss;
                unlisted_changes_end_the_entry;
                a_void_ends_an_entry_that_is_behind;
                one_unlisted_writer_ends_the_entry;
                two_listed_writers_at_once;
                nothing_is_behind_under_quarantine;
                restamp_revives;
                a_late_restamp_hides_nothing;
                a_restamp_under_quarantine_hides_nothing;
                a_restamp_does_not_bring_back_the_old_content;
            }
            stale {
                only_who_asks_gets_it;
                a_valid_entry_is_a_hit;
                it_is_what_was_stored;
                nothing_older_is_given;
                a_restamp_makes_nothing_younger;
                rows_are_never_stale;
            }
            declarations {
                a_program_alone_is_told_so;
                own_writes_end_what_they_touch_alone;
                a_declared_list_is_a_list;
            }
            repetition {
                quarantine_twice;
                release_twice;
                store_twice;
                abandon_twice;
                void_twice;
                tags_named_twice;
                a_late_quarantine_lapses;
                commands_without_tags;
            }
            statistics {
                a_new_cache_counts_nothing;
                hits_and_misses;
                stores_and_refusals;
                quarantines_and_releases;
            }
            promise {
                of_rows_in_one_task;
                of_rows_in_many_tasks;
                of_rows_where_writers_crash;
                of_lists_in_one_task;
                of_lists_in_many_tasks;
                of_rows_brought_along;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cache_table {
    ({} $($area:ident { $($case:ident;)* })*) => {
        /// Every case.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($area), "::", stringify!($case)),
                test: |subject| Box::pin(super::$area::$case(subject)),
            },
        )*)*];
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __cache_tests {
    ({ $setup:expr } $($area:ident { $($case:ident;)* })*) => {
        $(
            mod $area {
                #[allow(unused_imports, reason = "the setup may be written with full paths")]
                use super::*;

                $(
                    #[test]
                    fn $case() {
                        $crate::cache::run(concat!(stringify!($area), "::", stringify!($case)), &$setup);
                    }
                )*
            }
        )*
    };
}

__cache_cases!(__cache_table {});
