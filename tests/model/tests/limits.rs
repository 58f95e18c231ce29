//! The limits of the promise are where they are said to be: not wider, and not narrower.

use thing_test_model::limits::{UNTIL_RELEASE, UNTIL_TIME_TO_LIVE, explore_pair, explore_single, pairs};
use thing_test_model::worlds::ROW;
use thing_test_model::{Faults, Violation};

#[test]
fn a_lost_mark_alone_is_harmful_until_the_release() {
    let breaks = |kind: &Faults| {
        let violation = explore_single(ROW, *kind, usize::MAX).violation.map(|(violation, _)| violation);
        assert!(matches!(violation, None | Some(Violation::Committed | Violation::Monotonic)), "{kind}: {violation:?}");
        violation.is_some()
    };
    let kinds: Vec<Faults> = Faults::NAMES.map(|(kind, _)| kind).into_iter().filter(breaks).collect();
    assert_eq!(kinds, UNTIL_RELEASE);
}

#[test]
fn the_named_double_faults_are_harmful_until_the_time_to_live_and_no_others() {
    let breaks = |pair: &[Faults; 2]| explore_pair(ROW, *pair, usize::MAX).violation.is_some();
    let found: Vec<[Faults; 2]> = pairs().filter(breaks).collect();
    let named =
        |pair: &[Faults; 2]| UNTIL_TIME_TO_LIVE.contains(pair) || UNTIL_TIME_TO_LIVE.contains(&[pair[1], pair[0]]);
    assert!(found.iter().all(named), "not named: {found:?}");
    assert_eq!(found.len(), UNTIL_TIME_TO_LIVE.len());
}
