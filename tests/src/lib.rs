//! The tests of the Thing ORM; see the folder `tests`.
