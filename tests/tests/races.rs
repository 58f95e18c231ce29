//! Races between readers and writers, played in chosen orders instead of by chance.

#[path = "races/explorer.rs"]
mod explorer;
#[path = "races/fake.rs"]
mod fake;
#[path = "races/interleavings.rs"]
mod interleavings;
#[path = "races/stage.rs"]
mod stage;
