//! The cache protocol as a state machine, explored exhaustively, and the rules without which it fails.
//!
//! ```text
//!  process 0                              shared cache                                    process 1
//!  ┌──────────────────────┐   quarantine  ┌───────────────────────────┐   lease, store   ┌──────────────────────┐
//!  │ writer               │──────────────▶│ cell of each tag:         │◀─────────────────│ reader               │
//!  │  close own near      │   release     │   marks {tokens}, stamps  │   load, restamp  │  near hit, if the    │
//!  │  quarantine ─ settle │──────────────▶│ entry: value, stamps      │─────────────────▶│  gate is open        │
//!  │  COMMIT              │               │ log: changes by stamp     │                  │                      │
//!  │  release             │   void        │ registrations             │  closed, barrier │ near cache:          │
//!  │ repairer ────────────│──────────────▶│                           │═════ stream ════▶│  entry, gate, reads  │
//!  └─────────┬────────────┘               └───────────────────────────┘   ask, answer    └──────────┬───────────┘
//!            │ COMMIT, debt row                  ┌──────────┐                        read           │
//!            └──────────────────────────────────▶│ database │◀─────────────────────────────────────┘
//!                                                └──────────┘
//! ```
//!
//! The database is a number, the version of what one entry says. Each writer adds one; a value is old if it is smaller
//! than a number that was promised. The entry is a row with its one tag, or a list with two. Every order of the steps
//! of all members is seen, with every fault at every place, up to a budget of faults; the state space is finite because
//! each writer writes once. [`property`] says what must hold and which faults excuse what; [`limits`] shows that these
//! excuses are needed; [`Mutation`] lists the rules and [`catch`] where the lack of each is caught.
//!
//! Not in the model: the time to live (nothing ends by it), several keys at once (nothing is promised of them), reads
//! from replicas, a primary that goes on after it was replaced, clocks that run at different rates, lists in near
//! caches, changes that near caches judge by themselves, shards and generations of tables. The tests of this package
//! compare the clients with the [`Cell`] here, shards and generations included.

pub mod rules;
pub mod cell;
pub mod configuration;
pub mod worlds;
mod state;
mod action;
pub mod model;
mod read;
mod write;
mod message;
mod repair;
mod fault;
mod canonical;
pub mod property;
mod explorer;
pub mod catch;
pub mod limits;

pub use action::Action;
pub use cell::{Cell, Outcome, Stamp};
pub use configuration::{Configuration, Demand, Faults, Near, WriterKind, WriterPlan};
pub use explorer::{Report, explore};
pub use model::Model;
pub use property::Violation;
pub use rules::{Mutation, Rules};
