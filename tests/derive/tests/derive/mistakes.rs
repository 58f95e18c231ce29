//! Mistakes: each is reported where it stands, with what to do about it.

#[test]
fn mistakes_are_reported_where_they_stand() {
    trybuild::TestCases::new().compile_fail("ui/*/case.rs");
}
