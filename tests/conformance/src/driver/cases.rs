//! The list of cases, once: as data, and as tests of [`driver_suite!`](crate::driver_suite).

use thing_driver_api::Capability;

use super::case::Case;

/// Hands the list of cases to another macro: `area { case [capabilities]; ... }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __driver_cases {
    ($then:ident $argument:tt) => {
        $crate::$then! {
            $argument
            values {
                bools_round_trip [];
                small_integers_round_trip [];
                integers_round_trip [];
                large_integers_round_trip [];
                single_floats_round_trip [ExactNumbers];
                floats_round_trip [ExactNumbers];
                odd_floats_are_exact_or_refused [];
                negative_zero_is_a_zero [];
                text_round_trips [];
                text_with_zero_bytes_is_exact_or_refused [];
                large_text_round_trips [];
                bytes_round_trip [];
                large_bytes_round_trip [];
                uuids_round_trip [];
                timestamps_round_trip [ExactNumbers];
                dates_round_trip [];
                times_round_trip [ExactNumbers];
                decimals_round_trip [ExactNumbers];
                json_round_trips [];
                lists_round_trip [];
                all_types_share_a_row [ExactNumbers];
            }
            rows {
                text_is_not_read_as_another_type [];
                bytes_are_not_read_as_another_type [];
                integers_are_not_read_as_text [];
                null_has_no_bare_value [];
                a_column_out_of_range_is_an_error [];
                a_wrong_declaration_is_invalid_data [];
            }
            filters {
                comparisons_of_exact_types [];
                comparisons_of_numbers [ExactNumbers];
                comparisons_of_text [ExactText, OrderedText];
                comparisons_with_null_are_unknown [];
                in_lists [];
                in_list_is_long [];
                between [];
                like_takes_wildcards [];
                like_takes_escapes [];
                like_tells_letter_case_apart [];
                like_counts_characters [ExactText];
                is_null [];
                same_takes_null [];
                nested_conditions [];
                constants [];
                a_slot_is_used_twice [];
            }
            json {
                values_compare_with_their_kind [JsonConditions];
                integers_are_exact [JsonConditions];
                texts_compare_by_bytes [JsonConditions];
                existence_is_never_unknown [JsonConditions];
                lists_have_their_elements [JsonConditions];
                conditions_decide_what_is_written [JsonConditions];
                conditions_agree [JsonConditions];
            }
            agreement {
                conditions_on_exact_types [];
                conditions_on_numbers [ExactNumbers];
                conditions_on_text [ExactText, OrderedText];
            }
            reads {
                order_of_exact_types [];
                order_of_numbers [ExactNumbers];
                order_of_text [OrderedText];
                limit_and_offset [];
                offset_without_limit [];
                limit_zero [];
                columns_as_asked [];
                distinct_values [];
                no_rows_is_no_error [];
                counts [];
                exists_is_one_or_zero [];
                reads_see_what_was_committed [];
            }
            keys {
                no_keys [];
                one_key [];
                missing_rows_are_left_out [];
                every_small_number_of_keys [];
                thousands_of_keys [];
                text_keys [];
                uuid_keys [];
                composite_keys [];
                a_sink_stops_a_read_by_keys [];
            }
            writes {
                insert_adds_one_row [];
                insert_gives_the_generated_key [GeneratedKeys];
                insert_takes_an_explicit_key [GeneratedKeys];
                insert_without_columns [GeneratedKeys];
                left_out_columns_get_their_defaults [];
                insert_returning [Returning];
                insert_returning_the_generated_key [Returning, GeneratedKeys];
                update_changes_what_matches [];
                update_counts_unchanged_rows [];
                update_of_nothing [];
                guarded_update [];
                update_returning [Returning];
                insert_many_adds_each_row [InsertsMany];
                insert_many_is_all_or_nothing [InsertsMany];
                insert_many_makes_keys [InsertsMany, GeneratedKeys];
                upsert_adds_or_changes [Upserts];
                upsert_returning [Upserts, Returning];
                upserts_run_as_a_batch [Upserts];
                upsert_goes_by_its_key [Upserts, UpsertsByKey];
                increment_adds_and_sets [Increments];
                increment_returning [Increments, Returning];
                delete_removes_what_matches [];
                delete_of_everything_is_counted [];
                delete_returning [Returning];
                returning_nothing_gives_no_rows [Returning];
            }
            constraints {
                primary_key [];
                composite_primary_key [];
                unique [];
                composite_unique [];
                not_null [];
                unique_among_living_rows [];
            }
            atomic {
                an_empty_batch [];
                statements_run_in_order [];
                a_failure_undoes_everything [];
                generated_keys_come_in_order [GeneratedKeys];
                ten_thousand_rows [];
                others_see_all_or_nothing [];
            }
            transactions {
                commit_keeps [Transactions];
                rollback_undoes [Transactions];
                drop_without_commit_rolls_back [Transactions];
                an_empty_transaction [Transactions];
                a_transaction_reads_its_own_writes [Transactions];
                others_do_not_see_it_before_commit [Transactions];
                read_only_refuses_writes [Transactions];
                isolation_is_given_or_refused [Transactions];
                rollback_after_an_error [Transactions];
                writes_return_rows [Transactions, Returning];
                a_locked_read_holds_back_other_writers [Transactions];
                locked_rows_are_passed_over [Transactions, SkipLocked];
                locked_rows_are_told_at_once [Transactions, SkipLocked];
                savepoints_nest [Transactions, Savepoints];
                a_savepoint_survives_an_error [Transactions, Savepoints];
            }
            concurrency {
                generated_keys_differ [GeneratedKeys];
                inserts_all_succeed [];
                answers_are_not_mixed_up [];
                readers_during_a_transaction [Transactions];
                transactions_at_once [Transactions];
            }
            cancellation {
                of_fetch [];
                of_get_many [];
                of_write [];
                of_write_atomic [];
                of_begin [Transactions];
                inside_a_transaction [Transactions];
                of_commit [Transactions];
                of_rollback [Transactions];
                of_writes_under_load [];
                of_transactions_under_load [Transactions];
            }
            sinks {
                errors_are_passed_on [];
                errors_are_passed_on_in_a_transaction [Transactions];
                returned_rows_come_after_the_commit [Returning];
                a_sink_stops_the_read [];
                a_sink_stops_the_read_in_a_transaction [Transactions];
                every_row_comes_once [];
            }
            raw {
                a_constant_is_read [RawStatements];
                values_are_bound_in_order [RawStatements];
                columns_are_named [RawStatements];
                no_rows_is_no_error [RawStatements];
                a_wrong_number_of_values_is_an_error [RawStatements];
                nonsense_is_an_error [RawStatements];
                writes_count_rows [RawStatements];
            }
            raw_conditions {
                values_come_in_order [RawStatements];
                they_join_typed_conditions [RawStatements];
                they_are_negated_and_nested [RawStatements];
                unknown_stays_unknown [RawStatements];
                pieces_differ_and_shapes_too [RawStatements];
                counts_and_existence [RawStatements];
                distinct_values [RawStatements];
                updates_change_what_matches [RawStatements];
                increments_change_what_matches [RawStatements, Increments];
                deletes_remove_what_matches [RawStatements];
                streams_filter [RawStatements, Streaming];
                a_transaction_sees_its_own_writes [RawStatements, Transactions];
                nonsense_is_an_error [RawStatements];
            }
            streaming {
                a_large_result_comes_in_pages [Streaming];
                a_stream_filters [Streaming];
                a_stream_dropped_early [Streaming];
                pages_hold_every_type [Streaming, ExactNumbers];
            }
            schema {
                a_missing_table_is_none [Schema];
                every_type_holds_itself [Schema];
                keys_are_described [Schema, GeneratedKeys];
                indexes_are_described [Schema];
                an_index_is_added [Schema];
                defaults_are_described [Schema];
                a_table_is_not_made_twice [Schema];
                odd_names_work [Schema];
                tables_are_kept_apart [Schema];
                wanted_columns_are_described [SchemaSessions];
                wanted_defaults_are_described [SchemaSessions];
                wanted_keys_are_described [SchemaSessions, GeneratedKeys];
                wanted_indexes_are_described [SchemaSessions];
                wanted_indexes_of_some_rows_are_described [SchemaSessions];
                wanted_indexes_of_living_rows_are_described [SchemaSessions];
                wanted_foreign_keys_are_described [SchemaSessions];
                wanted_checks_are_described [SchemaSessions];
                conditions_are_told_as_they_are [SchemaSessions];
                names_are_kept_or_refused [SchemaSessions];
                tables_are_listed [SchemaSessions, GeneratedKeys];
                columns_are_added [SchemaSessions];
                columns_are_widened [SchemaSessions];
                columns_change_in_all_ways_at_once [SchemaSessions];
                values_that_do_not_fit_stop_the_change [SchemaSessions];
                keys_come_to_count [SchemaSessions, GeneratedKeys];
                tables_and_columns_are_renamed [SchemaSessions];
                conditions_are_renamed_with_their_columns [SchemaSessions];
                columns_are_dropped [SchemaSessions];
                constraints_come_and_go [SchemaSessions];
                constraints_that_rows_break_are_not_added [SchemaSessions];
                columns_of_foreign_keys_are_changed [SchemaSessions];
                keys_are_changed [SchemaSessions];
                tables_are_dropped [SchemaSessions];
            }
            sessions {
                statements_run [SchemaSessions];
                commit_keeps [SchemaSessions];
                rollback_undoes [SchemaSessions];
                failures_name_the_statement [SchemaSessions];
                failures_quote_no_rows [SchemaSessions];
                transactions_do_not_nest [SchemaSessions];
                one_session_at_a_time [SchemaSessions];
                other_databases_have_other_locks [SchemaSessions];
                a_dropped_session_rolls_back [SchemaSessions];
                a_session_dropped_in_a_call_rolls_back [SchemaSessions];
                a_dropped_call_ends_the_transaction [SchemaSessions];
                foreign_keys_hold_at_the_end [SchemaSessions];
            }
            changes {
                writes_of_others_are_told [ChangeFeed];
                a_changed_key_is_told_as_two_rows [ChangeFeed];
                values_are_exact_or_unknown [ChangeFeed, ExactNumbers];
                what_is_told_can_be_read [ChangeFeed];
                many_writes_are_told [ChangeFeed];
                what_was_not_confirmed_is_told_again [ChangeFeed];
                writes_between_two_feeds_are_told [ChangeFeed];
                a_late_commit_is_told [ChangeFeed, Transactions];
                recording_twice_is_harmless [ChangeFeed];
                forgetting_ends_it [ChangeFeed];
            }
            errors {
                a_missing_table_is_a_failure [];
                a_missing_column_is_a_failure [];
                a_shape_recovers [];
                messages_hold_no_values [];
            }
            plans {
                one_shape_on_two_executors [];
                many_tasks_compile_at_once [];
                one_shape_inside_and_outside [Transactions];
                hundreds_of_shapes [];
                a_shape_after_an_early_end [];
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __driver_table {
    ({} $($area:ident { $($case:ident [$($needs:ident),*];)* })*) => {
        /// Every case, with what it needs.
        pub const CASES: &[Case] = &[$($(
            Case {
                name: concat!(stringify!($area), "::", stringify!($case)),
                needs: &[$(Capability::$needs),*],
                test: |database| Box::pin(super::$area::$case(database)),
            },
        )*)*];
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __driver_tests {
    ({ $setup:expr, [$($lacking:ident),*] } $($area:ident { $($case:ident [$($needs:ident),*];)* })*) => {
        $(
            mod $area {
                #[allow(unused_imports, reason = "the setup may be written with full paths")]
                use super::*;

                $(
                    #[test]
                    fn $case() {
                        $crate::driver::run(concat!(stringify!($area), "::", stringify!($case)), &$setup);
                    }
                )*
            }
        )*

        #[test]
        fn cases_pass_on_a_current_thread() {
            $crate::driver::run_on_a_current_thread(&$setup);
        }

        #[test]
        fn cases_that_are_not_run_are_declared() {
            $crate::driver::check_declared(&$setup, &[$($crate::__private::Capability::$lacking),*]);
        }
    };
}

__driver_cases!(__driver_table {});
