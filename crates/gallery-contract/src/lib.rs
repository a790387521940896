//! The contract of [`Gallery`](clippy_core::gallery::Gallery) as runnable checks.
//!
//! A check takes an empty collection of [`DIMENSION`], and panics when the contract is broken. The
//! macro [`gallery_contract`] makes one test of each, so that no implementation leaves one out.

mod collections;
mod data;
mod newest;
mod points;
mod proposals;
mod restoring;
mod searching;

pub use collections::*;
pub use data::{DIMENSION, model};
pub use newest::*;
pub use points::*;
pub use proposals::*;
pub use restoring::*;
pub use searching::*;

/// Makes one `#[tokio::test]` for each check. The argument is an async function that returns an
/// empty collection, as `Arc<dyn Gallery>`, and anything that must live as long as it does. It
/// should build graphs at 100 KB of vectors. With `if_there` before it, the function returns
/// an `Option`, and the checks are skipped when it is `None`.
#[macro_export]
macro_rules! gallery_contract {
    ($make:path) => {
        $crate::gallery_contract! { always $make: }
    };
    (if_there $make:path) => {
        $crate::gallery_contract! { if_there $make: }
    };
    ($when:ident $make:path:) => {
        $crate::gallery_contract! { $when $make:
            the_info_follows_the_collection,
            an_upsert_replaces_the_whole_point,
            an_upsert_replaces_the_whole_point_with_graphs,
            the_last_point_of_an_id_in_a_batch_is_stored,
            vectors_come_back_with_unit_length_and_the_same_bits,
            update_vectors_keeps_the_others_bit_for_bit,
            update_vectors_keeps_the_others_bit_for_bit_with_graphs,
            set_payload_keeps_the_other_fields,
            retrieve_keeps_the_order_asked_for,
            scroll_walks_in_the_order_of_ids,
            a_walk_visits_every_point_that_stays,
            the_newest_points_come_first,
            deleted_points_are_gone_everywhere,
            bad_vectors_are_refused_with_their_whole_batch,
            filters_select_what_they_say,
            tags_are_found_in_any_case,
            facets_count_the_selected_points,
            exact_hybrid_equals_brute_force,
            hybrid_finds_what_brute_force_finds,
            hybrid_with_graphs_finds_what_brute_force_finds,
            hybrid_scores_missing_vectors_as_none,
            floors_show_whether_there_are_more_points,
            points_with_lexical_tags_have_a_list_of_their_own,
            points_with_proposed_tags_are_found_for_the_model_that_proposed_them,
            points_that_lack_a_vector_have_a_list_of_their_own,
            payloads_are_returned_only_on_request,
            crowding_is_the_mean_cosine_to_the_nearest_others,
            writes_while_graphs_are_built_are_kept,
            one_note_is_kept_for_each_name,
            fields_of_several_points_are_set_together,
            filters_by_groups_of_styles_select_what_they_say,
            points_are_stored_again_as_they_were_bit_for_bit,
        }
    };
    (always $make:path: $($check:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                let (gallery, _kept) = $make().await;
                $crate::$check(gallery).await;
            }
        )*
    };
    (if_there $make:path: $($check:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $check() {
                if let Some((gallery, _kept)) = $make().await {
                    $crate::$check(gallery).await;
                }
            }
        )*
    };
}
