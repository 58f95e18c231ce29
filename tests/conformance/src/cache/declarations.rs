//! Declarations: which scopes a program touches, and who else writes.

use thing_driver_api::{Outcome, Scope, Tag, Value};

use super::Subject;
use super::subject::{OTHER_TABLE, TABLE, column_tag, list, object, row_tag};

/// The scopes that the program touches, as far as a cache has to know.
const SCOPES: u64 = 0x5c09e5;

fn is_alone(subject: &Subject) -> bool {
    subject.cache().declare(TABLE, SCOPES)
}

/// A program that has the cache for itself is told so, before its first write and after it.
pub async fn a_program_alone_is_told_so(subject: &Subject) {
    assert!(is_alone(subject));
    subject.write(&[row_tag(1), Tag::writer(TABLE, SCOPES)], Outcome::Unlisted).await;
    subject.fill(&list(TABLE, "all"), &[column_tag("a")], 1).await;
    assert!(is_alone(subject) && is_alone(subject));
    assert!(subject.cache().declare(OTHER_TABLE, 1));
}

/// To say who writes ends nothing that the write does not touch.
pub async fn own_writes_end_what_they_touch_alone(subject: &Subject) {
    assert!(is_alone(subject));
    let scoped = [Tag::rows(TABLE, &Scope::equal("a", &Value::I64(1)))];
    subject.fill(&list(TABLE, "scoped"), &scoped, 1).await;
    subject.fill(&list(TABLE, "all"), &[Tag::rows(TABLE, &Scope::Table)], 2).await;
    subject.fill(&object(1), &[row_tag(1)], 3).await;
    let written = [row_tag(2), Tag::rows(TABLE, &Scope::Table), Tag::writer(TABLE, SCOPES)];
    subject.write(&written, Outcome::Unlisted).await;
    assert!(is_alone(subject));
    subject.assert_hit(&list(TABLE, "scoped"), 1).await;
    subject.assert_hit(&object(1), 3).await;
    subject.assert_unusable(&list(TABLE, "all")).await;
}

/// A list that depends on scopes is filled, ended and filled again like any other.
pub async fn a_declared_list_is_a_list(subject: &Subject) {
    assert!(is_alone(subject));
    let tags = [column_tag("a"), column_tag("b")];
    for round in 0..3 {
        subject.fill(&list(TABLE, "scoped"), &tags, round).await;
        subject.assert_hit(&list(TABLE, "scoped"), round).await;
        subject.write(&[tags[1], Tag::writer(TABLE, SCOPES)], Outcome::Unlisted).await;
        subject.assert_unusable(&list(TABLE, "scoped")).await;
    }
}
