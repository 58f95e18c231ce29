//! Values of keys on their way into this process.

use std::collections::HashMap;

use redis::{RedisResult, Value};

use crate::batch::{self, bytes};
use crate::cell::Cell;
use crate::link::Link;
use crate::name::Name;

/// Values of keys, each fetched once.
#[derive(Default)]
pub(crate) struct Fetched {
    pub(crate) names: Vec<Name>,
    pub(crate) values: Vec<Value>,
    /// Where a name is, for many names.
    index: HashMap<Name, usize>,
}

/// Up to so many names, looking through them is faster than a hash map.
const FEW: usize = 16;

impl Fetched {
    /// Where the value of a name will be.
    pub(crate) fn ask(&mut self, name: Name) -> usize {
        if let Some(at) = self.place(name) {
            return at;
        }
        let at = self.names.len();
        self.names.push(name);
        if at == FEW {
            self.index = self.names.iter().copied().zip(0..).collect();
        } else if at > FEW {
            self.index.insert(name, at);
        }
        at
    }

    pub(crate) fn place(&self, name: Name) -> Option<usize> {
        if self.names.len() <= FEW {
            return self.names.iter().position(|known| *known == name);
        }
        self.index.get(&name).copied()
    }

    /// Fetches what was asked for since the last time.
    pub(crate) async fn fetch(&mut self, link: &Link) -> RedisResult<()> {
        let values = batch::get(link, &self.names[self.values.len()..]).await?;
        self.values.extend(values);
        Ok(())
    }

    pub(crate) fn cell(&self, name: Name) -> Cell<'_> {
        Cell::read(self.place(name).and_then(|at| bytes(&self.values[at])))
    }
}

#[cfg(test)]
mod tests {
    use thing_driver_api::Tag;

    use super::*;

    #[test]
    fn names_are_asked_for_once_however_many() {
        let mut fetched = Fetched::default();
        for round in 0..2 {
            for n in 0..100 {
                assert_eq!(fetched.ask(Name::tag(Tag(n))), n as usize, "round {round}");
            }
        }
    }
}
