//! The suite's table of contents: every behaviour by subject, and what it needs of a backend
//! beyond being written to.
//!
//! It is one list, from which come [`behaviours`](crate::behaviours) and the named tests. A
//! behaviour that is not in it is dead code, and so a warning.

use std::sync::LazyLock;

use crate::{
    behaviour::{Behaviour, Body, need},
    suite,
};

/// Hands the contents to another macro of this crate, after what else it needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __contents {
    ($then:ident $($given:tt)*) => {
        $crate::__with_optional_types! {
            $then
            $($given)*

            OnStore setup {
                operations_before_it_are_schema_errors;
                an_error_before_it_leaves_the_handle_usable;
                again_it_changes_nothing;
                many_at_once_do_no_harm;
                another_definition_of_the_table_is_a_schema_error;
                handles_of_one_table_share_its_rows;
                a_type_under_another_name_is_another_table;
                a_table_cannot_have_any_name;
                destroy_ends_a_handle_and_its_clones;
                a_handle_outlives_its_store;
            }
            OnStore migrations {
                create_what_is_missing [MIGRATIONS];
                have_nothing_to_do_after_a_set_up [MIGRATIONS];
                refuse_what_makes_no_sense [MIGRATIONS];
                rename_add_and_retype_and_keep_every_row [MIGRATIONS, PERSISTENT];
                lose_nothing_unless_they_may [MIGRATIONS, PERSISTENT];
                say_that_a_new_column_needs_a_default [MIGRATIONS, PERSISTENT];
                forbid_null_only_where_no_row_is [MIGRATIONS, PERSISTENT];
                change_indexes [MIGRATIONS, PERSISTENT];
                change_the_key [MIGRATIONS, PERSISTENT];
                number_rows_that_had_no_id [MIGRATIONS, PERSISTENT];
                convert_values_without_loss [MIGRATIONS, PERSISTENT];
                refuse_what_cannot_be_converted [MIGRATIONS, PERSISTENT];
                fill_the_defaults_into_rows [MIGRATIONS, PERSISTENT];
                notice_that_the_database_changed_meanwhile [MIGRATIONS, PERSISTENT];
                tell_of_a_rename_that_came_too_late [MIGRATIONS, PERSISTENT];
                are_done_once_by_many_at_once [MIGRATIONS, PERSISTENT];
                stay_in_their_schema [MIGRATIONS, PERSISTENT];
                create_tables_after_those_that_they_refer_to [MIGRATIONS, REFERENCES];
                change_references [MIGRATIONS, PERSISTENT, REFERENCES];
            }
            OnStore kv {
                put_and_get;
                values_come_back;
                keys_of_every_type;
                what_no_store_can_hold_is_refused;
                bulks_are_all_or_none;
                delete_one_and_all;
                entries_come_in_the_order_of_their_keys;
                scan_by_a_prefix;
                what_has_expired_is_not_there;
                times_to_live_change;
                compare_and_swap;
                swaps_at_once_do_not_lose_each_other;
                increments_all_count;
                a_value_is_computed_once;
                events_tell_what_was_done;
                a_panicking_listener_harms_nobody;
                join_transactions [TRANSACTIONS];
                are_seen_in_a_transaction_as_it_left_them [TRANSACTIONS, SAVEPOINTS];
                operations_before_a_set_up_are_schema_errors;
            }
            OnStore kv_changes {
                tell_what_was_put_and_deleted [CHANGES];
                wait_for_the_commit [CHANGES, TRANSACTIONS];
                begin_with_a_snapshot_and_go_on_after_a_cursor [CHANGES];
                can_be_those_of_a_prefix [CHANGES];
                tell_of_what_has_expired_once_it_is_removed [CHANGES];
                need_a_log_and_end_with_it [CHANGES];
                of_a_logged_store_are_those_of_all_its_stores [CHANGES];
                can_be_given_to_a_callback [CHANGES];
            }
            OnStore put {
                stores_a_new_row_and_returns_it;
                takes_what_may_be_left_out;
                fills_in_defaults;
                takes_a_whole_row;
                replaces_the_whole_row;
                replaces_a_row_by_its_compound_key;
                twice_into_a_table_of_keys_only;
                never_removes_the_row_in_its_way;
                of_the_same_unique_value_replaces_its_own_row;
                gives_up_the_old_unique_value;
                holds_every_unique_constraint;
                nulls_do_not_clash;
                unique_text_is_compared_by_bytes;
            }
            OnStore insert {
                stores_a_new_row_and_returns_it;
                fails_when_the_key_is_taken;
                fails_when_a_compound_key_is_taken;
                fails_when_a_unique_value_is_taken;
                fails_in_a_table_of_keys_only;
                if_absent_stores_a_new_row_and_returns_it;
                if_absent_leaves_what_is_there;
                if_absent_into_a_table_of_keys_only;
            }
            OnStore update {
                changes_only_what_the_patch_names;
                keeps_sets_and_sets_to_null;
                changes_several_columns_together;
                of_a_missing_row_is_none;
                that_names_nothing_only_reads;
                of_a_compound_key_touches_one_row;
                in_a_table_of_keys_only_reads;
                to_a_taken_unique_value_changes_nothing;
                to_a_value_that_does_not_fit_changes_nothing;
            }
            OnStore increments {
                add_to_what_is_stored;
                leave_null_as_it_is;
                out_of_range_change_nothing;
                of_floats_stay_finite;
                of_a_unique_column_are_for_one_row;
                at_once_all_count;
            }
            OnStore upsert {
                stores_a_new_row_and_returns_it;
                replaces_the_content_and_keeps_the_key;
                or_changes_only_what_the_patch_names;
                by_the_key_replaces_the_row;
                by_several_columns;
                of_null_is_always_new;
                fails_where_another_row_is_in_its_way;
                goes_by_what_is_unique;
                with_nothing_to_change_reads;
                generates_no_key_twice;
                at_once_all_count;
            }
            OnStore update_where {
                changes_what_matches_and_counts_it;
                without_a_condition_changes_every_row;
                that_names_nothing_only_counts;
                is_all_or_nothing;
                to_one_unique_value_is_a_conflict;
                keeps_indexes_right;
            }
            OnStore delete {
                by_key_and_by_row;
                by_a_compound_key;
                of_what_is_not_there_is_false;
                frees_the_unique_value;
                search_deletes_what_matches_and_counts_it;
                search_leaves_what_is_null;
                search_refuses_to_empty_the_table;
                search_for_nothing_deletes_nothing;
                search_takes_sql_for_text;
                all_empties_the_table_and_no_other;
            }
            OnStore bulk {
                answers_in_the_order_of_its_rows;
                of_nothing_is_nothing;
                with_a_conflict_stores_nothing;
                with_a_value_that_does_not_fit_stores_nothing;
                with_a_conflict_replaces_nothing;
                lets_the_last_of_two_rows_with_one_key_win;
                passes_a_unique_value_on;
                generates_a_key_for_each_row;
                can_be_very_large;
                replaces_few_rows_among_many;
            }
            OnStore large_bulks {
                hold_every_kind_of_value;
                replace_what_is_there;
                with_a_conflict_store_nothing;
                generate_a_key_for_each_row;
                belong_to_their_transaction [TRANSACTIONS];
            }
            OnStore keys {
                of_every_integer_are_generated;
                of_uuid_are_version_7_and_ascend;
                of_string_are_uuids_as_text;
                of_string_can_be_any_text_of_the_caller;
                given_are_used_if_missing_are_generated;
                given_are_ignored_with_the_policy_never;
                missing_are_refused_with_the_policy_always;
                policies_belong_to_the_handle;
                generated_never_overwrite_given_ones;
                generated_never_overwrite_given_ones_of_the_bulk;
                generated_are_not_given_again;
                generated_at_once_are_different;
                with_a_generated_column_are_unique_as_a_whole;
                at_the_greatest_integer_nothing_is_overwritten;
                can_be_zero_and_negative;
                of_three_types_find_their_row;
            }
            OnStore types {
                bools;
                integers_to_the_bit;
                floats_to_the_bit;
                texts;
                a_text_of_a_megabyte;
                bytes;
                uuids;
                json_documents;
                lists;
                any_serde_type_as_json;
            }
            OnStore date_times {
                come_back_to_the_microsecond;
                are_cut_to_the_microsecond;
                without_the_other_half_come_back;
                are_cut_in_every_operation;
            }
            OnStore enums {
                come_back_by_name_and_by_number;
                are_stored_as_their_names_or_numbers;
                are_compared_and_ordered_as_they_are_stored;
                can_be_keys;
                that_are_not_known_are_told_what_there_is;
            }
            OnStore newtypes {
                come_back_as_what_they_hold;
                are_compared_and_ordered_as_what_they_hold;
                are_keys_and_generated;
                are_checked_when_they_are_written;
                are_checked_when_they_are_read;
            }
            OnStore embedded {
                have_the_columns_of_their_fields;
                come_back_as_they_were;
                are_filtered_ordered_and_paged_by_their_fields;
                are_patched_as_a_whole;
                hold_what_their_columns_hold;
            }
            OnStore validation {
                refuses_nan;
                refuses_nul_in_text;
                refuses_a_vector_of_another_dimension_or_that_is_infinite;
                refuses_nul_in_keys;
                refuses_such_values_in_filters;
            }
            OnStore vectors {
                of_a_fixed_length_are_lists_too;
                come_back_however_they_were_written;
                come_back_from_large_bulks;
                that_no_backend_holds_are_refused;
            }
            OnStore reading {
                of_what_is_not_there_is_none;
                by_a_compound_key_takes_all_of_it;
                by_many_keys_is_in_their_order;
                by_very_many_keys;
                size_count_and_exists_agree;
                counts_no_part_of_an_answer;
                gives_values_that_are_owned;
                sees_every_write_that_was_acknowledged;
            }
            OnStore filters {
                every_comparison;
                combine_with_and_or_not;
                follow_sql_about_null;
                find_null;
                take_lists;
                take_lists_of_any_length;
                can_have_many_parts;
                compare_numbers_exactly;
                take_both_zeros_for_one;
                take_sql_for_text;
                never_take_text_for_a_number;
            }
            OnStore text_filters {
                like_has_two_wildcards;
                like_takes_the_meaning_away_by_a_backslash;
                like_has_no_other_wildcards;
                like_tells_cases_apart;
                like_counts_characters;
                like_is_quick_on_hard_patterns;
                starts_with_and_contains_take_text_as_it_is;
            }
            OnStore filter_documents {
                mean_what_typed_filters_mean;
                cannot_empty_a_table;
                look_inside_of_json;
                that_are_wrong_say_what_to_write;
            }
            OnStore json_paths {
                lead_through_objects_and_arrays;
                take_any_name;
                convert_nothing;
                know_null_from_nothing;
                follow_sql_about_null;
                compare_integers_to_the_bit;
                take_whole_numbers_for_integers;
                compare_floats_to_the_bit;
                compare_text_by_bytes;
                go_with_every_operation;
                of_one_form_do_not_mix;
                that_are_malformed_are_refused;
            }
            OnStore ordering {
                is_by_key_unless_said_otherwise;
                puts_null_first_ascending_and_last_descending;
                is_made_total_by_the_key;
                by_several_columns_in_mixed_directions;
                of_text_is_by_bytes;
                of_numbers_is_by_value;
                of_other_types_is_by_value;
            }
            OnStore paging {
                by_limit_and_offset;
                of_limit_zero_is_empty;
                by_the_greatest_numbers;
                by_cursor_gives_every_row_once_in_every_ordering;
                by_cursor_keeps_to_the_filter;
                by_cursor_takes_another_filter;
                ends_with_the_page_that_has_the_last_row;
                continues_after_a_row_that_is_gone;
                takes_cursors_that_left_the_process;
                refuses_cursors_of_other_queries;
                streams_every_row_in_the_order_of_the_key;
                streams_queries;
                streams_nothing_of_an_empty_table;
                refuses_pages_of_no_rows;
                stays_stable_while_others_write;
                can_be_left_in_the_middle;
            }
            OnStore projections {
                give_one_column_or_a_tuple_or_a_struct;
                are_ordered_by_columns_that_are_not_among_them;
                come_in_parts;
                come_in_pages_and_streams;
                decode_every_kind_of_column;
                can_be_wide_and_repeat_themselves;
                can_lock_their_rows [TRANSACTIONS, ROW_LOCKS];
                distinct_gives_each_value_once_in_order;
                distinct_takes_null_and_zero_for_one_value_each;
                of_a_compound_key_page_by_all_of_it;
                read_only_their_columns_where_there_is_sql;
            }
            OnStore aggregates {
                of_all_rows;
                of_nothing_are_none_but_the_counts;
                of_groups;
                of_groups_are_ordered_and_cut;
                of_groups_that_fulfil_a_condition;
                add_integers_exactly;
                refuse_a_sum_that_does_not_fit;
                of_floats_beyond_measure;
                of_every_type;
                of_groups_by_zero_and_text;
                of_a_part_are_refused;
                see_what_their_transaction_did [TRANSACTIONS];
                that_fail_leave_their_transaction_usable [TRANSACTIONS];
                need_a_table_that_is_set_up;
                show_their_sql_where_there_is_some;
            }
            OnStore raw_sql {
                is_where_the_backend_says;
                gives_tuples_tables_and_projections [SQL];
                says_which_columns_are_missing [SQL];
                counts_the_rows_that_it_changed [SQL];
                tells_errors_apart_as_typed_operations_do [SQL];
                leaves_transactions_to_the_store [SQL];
                is_a_part_of_its_transaction [SQL, TRANSACTIONS];
            }
            OnStore events {
                tell_of_every_operation;
                carry_what_was_generated;
                say_nothing_of_what_did_not_happen;
                of_a_kind_reach_only_its_listeners;
                are_shared_by_the_clones_of_a_handle;
                end_with_their_subscription;
                once_come_once;
                can_be_waited_for;
                come_as_a_stream;
                end_when_the_handle_is_destroyed;
                survive_a_listener_that_panics [UNWINDING];
                let_a_listener_use_the_handle;
                wait_for_the_commit [TRANSACTIONS];
                of_what_was_rolled_back_never_come [TRANSACTIONS];
                of_an_undone_savepoint_never_come [TRANSACTIONS, SAVEPOINTS];
            }
            OnStore transactions {
                commit_what_their_body_did [TRANSACTIONS];
                can_do_everything_a_handle_can [TRANSACTIONS];
                roll_back_on_an_error_and_return_it [TRANSACTIONS];
                roll_back_on_a_panic [TRANSACTIONS, UNWINDING];
                roll_back_when_dropped [TRANSACTIONS];
                begin_and_commit_by_hand [TRANSACTIONS];
                can_be_empty [TRANSACTIONS];
                are_not_seen_before_their_commit [TRANSACTIONS];
                go_on_after_an_operation_that_failed [TRANSACTIONS];
                generate_keys [TRANSACTIONS];
                lose_no_update [TRANSACTIONS];
                let_other_writers_wait [TRANSACTIONS];
                tell_of_a_deadlock_at_once [TRANSACTIONS];
                let_nobody_wait_for_ever [TRANSACTIONS];
                refuse_handles_of_other_stores [TRANSACTIONS];
            }
            OnStore savepoints {
                keep_what_succeeded_and_undo_what_failed [TRANSACTIONS, SAVEPOINTS];
                nest [TRANSACTIONS, SAVEPOINTS];
                are_undone_with_their_transaction [TRANSACTIONS, SAVEPOINTS];
                are_undone_by_a_panic [TRANSACTIONS, SAVEPOINTS, UNWINDING];
                are_undone_when_dropped [TRANSACTIONS, SAVEPOINTS];
                are_refused_beside_each_other [TRANSACTIONS, SAVEPOINTS];
                give_keys_back_without_harm [TRANSACTIONS, SAVEPOINTS];
            }
            OnStore records {
                do_what_typed_rows_do;
                are_found_by_columns_of_a_name;
                share_a_table_with_typed_rows;
                can_have_compound_keys;
                have_generated_keys_of_each_kind;
                hold_every_type_and_come_back_from_json;
                are_checked_as_typed_rows_are;
                of_another_definition_are_a_schema_error;
                come_with_events;
                go_with_transactions [TRANSACTIONS];
                look_inside_of_json;
            }
            OnStore row_locks {
                are_where_the_backend_says;
                are_refused_outside_of_a_transaction [TRANSACTIONS, ROW_LOCKS];
                go_with_every_kind_of_query [TRANSACTIONS, ROW_LOCKS];
                lose_no_update [TRANSACTIONS, ROW_LOCKS];
                share_out_rows_without_waiting [TRANSACTIONS, ROW_LOCKS];
            }
            OnStore concurrency {
                writes_at_once_all_arrive;
                reads_at_once_get_their_own_rows;
                one_bad_write_fails_alone;
                of_many_inserts_of_one_value_one_wins;
                writes_to_one_key_do_not_mix;
                a_bulk_is_seen_whole;
                different_operations_at_once;
                a_dropped_write_is_done_or_not;
                a_dropped_read_harms_nothing;
            }
            OnStore managed_times {
                are_set_where_they_are_left_out;
                created_at_can_be_given_for_a_new_row;
                created_at_is_kept_by_what_replaces_the_row;
                updated_at_is_set_by_every_write;
                of_a_large_bulk_are_set_and_kept;
                can_be_all_that_a_row_has;
                are_filled_into_rows_by_a_migration [MIGRATIONS, PERSISTENT];
                may_stand_after_embedded_columns;
            }
            OnStore versions {
                begin_at_one_and_count_every_write;
                refuse_a_row_that_was_written_since;
                tell_a_row_that_is_gone;
                of_a_bulk_are_all_checked;
                of_a_bulk_are_those_that_its_own_rows_left;
                pass_a_unique_value_on;
                of_a_large_bulk_are_checked;
                lose_no_change_of_many_writers;
                of_writes_at_once_are_told_one_by_one;
                hold_in_transactions [TRANSACTIONS];
                count_upserts;
                of_generated_and_compound_keys;
                are_never_negative;
            }
            OnStore soft_deletion {
                hides_rows_from_everything;
                deletes_once;
                of_all_hides_all;
                is_undone_by_restore;
                ends_with_a_purge;
                is_undone_by_a_put;
                is_undone_by_an_upsert;
                leaves_keys_and_unique_values_taken;
                hides_rows_from_updates;
                belongs_to_its_transaction [TRANSACTIONS];
                is_a_write_for_other_managed_columns;
                fires_the_events_of_a_deletion;
            }
            OnStore hidden_rows {
                are_not_projected;
                are_no_part_of_aggregates;
                are_not_related [REFERENCES];
                are_not_found_by_documents;
                are_no_records;
                are_not_incremented;
                are_seen_by_raw_sql [SQL];
            }
            OnStore errors {
                say_where_they_happened;
                name_the_columns_of_a_conflict;
                are_not_retryable_when_a_retry_would_not_help;
                say_what_to_do;
                keep_the_values_to_themselves;
            }
            OnStore capabilities {
                of_a_handle_are_those_of_its_store;
                tell_of_sql;
                tell_of_transactions;
                tell_of_savepoints [TRANSACTIONS];
                let_every_backend_explain;
                come_with_a_name;
            }
            OnStore names {
                in_camel_case_are_kept;
                can_be_reserved_words;
                can_be_those_of_the_database_itself;
                can_be_those_of_its_statements;
                can_be_as_long_as_63_bytes;
                in_a_schema_do_not_clash;
            }
            OnStore references {
                to_what_is_not_there_are_refused [REFERENCES];
                are_held_when_many_rows_change [REFERENCES];
                to_a_unique_column_are_held [REFERENCES];
                hold_at_the_end_of_a_bulk [REFERENCES];
                of_null_refer_to_nothing [REFERENCES];
                can_be_to_their_own_table [REFERENCES];
                hold_in_very_large_bulks [REFERENCES];
                belong_to_their_transaction [REFERENCES, TRANSACTIONS];
                need_the_other_table_first [REFERENCES];
                are_set_up_by_many_at_once [REFERENCES];
                in_a_circle_are_refused [REFERENCES];
                follow_a_table_to_another_name [REFERENCES];
                go_from_schema_to_schema [REFERENCES];
                hold_while_many_write [REFERENCES];
            }
            OnStore on_delete {
                restrict_keeps_what_is_referred_to [REFERENCES];
                cascade_takes_rows_along [REFERENCES];
                cascade_stops_at_what_is_kept [REFERENCES];
                restrict_looks_when_all_is_done [REFERENCES];
                set_null_keeps_the_rows [REFERENCES];
                means_no_put_that_replaces [REFERENCES];
                restrict_within_a_table [REFERENCES];
                is_undone_with_a_savepoint [REFERENCES, TRANSACTIONS, SAVEPOINTS];
                tells_listeners_of_what_was_asked_for [REFERENCES];
            }
            OnStore related {
                rows_are_those_that_are_referred_to [REFERENCES];
                rows_are_those_that_refer [REFERENCES];
                rows_can_be_narrowed_ordered_and_limited [REFERENCES];
                rows_are_linked_by_a_third_table [REFERENCES];
                of_nothing_is_nothing [REFERENCES];
                rows_can_be_of_the_same_table [REFERENCES];
                rows_of_a_transaction_are_seen_in_it [REFERENCES, TRANSACTIONS];
                rows_of_a_very_long_page_are_found [REFERENCES];
                rows_take_one_query_or_two [REFERENCES];
                errors_say_where_they_are_from [REFERENCES];
            }
            OnStore changes {
                tell_what_happened_to_each_row [CHANGES];
                come_from_every_operation [CHANGES];
                wait_for_the_commit [CHANGES, TRANSACTIONS];
                leave_out_what_a_savepoint_undid [CHANGES, TRANSACTIONS, SAVEPOINTS];
                go_on_after_a_cursor [CHANGES];
                begin_with_a_snapshot_if_asked [CHANGES];
                miss_nothing_between_a_snapshot_and_what_follows [CHANGES];
                pass_a_filter_by_the_old_or_the_new_row [CHANGES];
                refuse_a_cursor_of_another_table [CHANGES];
                end_with_the_handle [CHANGES];
                come_to_each_at_its_own_pace [CHANGES];
                are_in_order_for_each_key [CHANGES];
                come_to_those_who_keep_up [CHANGES];
                can_be_given_to_a_callback [CHANGES];
            }
            OnStore changes_of_rows {
                carry_every_value_to_the_bit [CHANGES];
                follow_compound_keys_and_schemas [CHANGES];
                tell_of_rows_that_went_with_others [CHANGES, REFERENCES, TRANSACTIONS];
                are_those_of_the_rows_that_a_handle_sees [CHANGES];
                of_hidden_rows_pass_a_filter_as_those_do [CHANGES];
            }
            OnStore logs_of_changes {
                are_needed [CHANGES];
                can_be_asked_for_later_and_by_one_program_alone [CHANGES];
                can_be_asked_for_of_a_whole_store [CHANGES, TRANSACTIONS];
                end_those_who_follow_when_removed [CHANGES];
                tell_what_raw_sql_did [CHANGES, SQL];
                fit_the_columns_after_a_migration [CHANGES, MIGRATIONS, PERSISTENT];
                are_begun_by_a_migration [CHANGES, MIGRATIONS];
            }
            OnStore live_queries {
                are_kept_up_to_date [CHANGES];
                cannot_be_of_a_transaction [CHANGES, TRANSACTIONS];
            }
            OnDatabase changes_elsewhere {
                of_before_are_there_after_reopening [CHANGES, PERSISTENT];
                of_other_stores_are_seen [CHANGES, PERSISTENT, MULTI_PROCESS];
                of_transactions_of_other_stores_are_seen [CHANGES, PERSISTENT, MULTI_PROCESS, TRANSACTIONS];
            }
            OnDatabase reopening {
                finds_every_row_again [PERSISTENT];
                never_generates_a_key_again [PERSISTENT];
                keeps_what_was_committed_and_nothing_else [PERSISTENT, TRANSACTIONS];
                refuses_another_definition [PERSISTENT];
                takes_cursors_from_before [PERSISTENT];
                refuses_other_references [PERSISTENT, REFERENCES];
            }
            OnDatabase sharing {
                shows_what_others_wrote [PERSISTENT, MULTI_PROCESS];
                is_set_up_by_many_at_once [PERSISTENT, MULTI_PROCESS];
                generates_different_keys [PERSISTENT, MULTI_PROCESS];
                holds_unique_values_across [PERSISTENT, MULTI_PROCESS];
                loses_no_update [PERSISTENT, MULTI_PROCESS, TRANSACTIONS];
                shows_no_transaction_before_its_commit [PERSISTENT, MULTI_PROCESS, TRANSACTIONS];
                tells_a_writer_that_it_waited_too_long [PERSISTENT, MULTI_PROCESS, TRANSACTIONS];
            }
            #[cfg(not(target_family = "wasm"))]
            OnStore threads {
                write_and_read_at_once;
                lose_no_update [TRANSACTIONS];
                see_bulks_whole;
                can_be_those_of_a_runtime;
            }
        }
    };
}

/// Adds the behaviours of other crates' types. A feature of this crate is seen by its own macros
/// alone, and not where they are used.
#[cfg(feature = "optional-types")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_optional_types {
    ($then:ident $($contents:tt)*) => {
        $crate::$then! {
            $($contents)*
            OnStore changes_of_optional_types {
                carry_them_to_the_bit [CHANGES];
            }
            OnStore decimals {
                come_back_by_their_value;
                are_equal_whatever_zeros_they_end_with;
                sort_by_their_value;
                are_added_exactly;
            }
            OnStore half_vectors {
                come_back_to_the_bit;
                come_back_from_large_bulks;
                that_no_backend_holds_are_refused;
            }
            OnStore jiff_date_times {
                come_back_to_the_microsecond;
                are_cut_to_the_microsecond;
                are_keys_operands_and_in_order;
                are_kept_up_by_the_store;
            }
            OnStore time_date_times {
                come_back_to_the_microsecond;
                are_cut_to_the_microsecond_in_utc;
                are_keys_operands_and_in_order;
                are_kept_up_by_the_store;
            }
        }
    };
}

/// Adds nothing, since the feature `optional-types` is off.
#[cfg(not(feature = "optional-types"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_optional_types {
    ($then:ident $($contents:tt)*) => {
        $crate::$then! { $($contents)* }
    };
}

/// Every behaviour, in the order of the contents.
pub(crate) static BEHAVIOURS: LazyLock<Vec<Behaviour>> =
    LazyLock::new(|| crate::__contents! { __behaviours });
