//! Names: what the server keeps of them.

use std::borrow::Cow;

use thing_driver_api::Result;

use crate::error;

/// The bytes of a name that the server keeps; it cuts off the rest.
pub(crate) const LONGEST_NAME: usize = 63;

/// Refuses a name that the server would cut.
pub(super) fn check(what: &str, name: &str) -> Result<()> {
    if name.len() > LONGEST_NAME { Err(error::long_name(what, name)) } else { Ok(()) }
}

/// The name by which the server knows an index or a constraint.
pub(super) fn kept(name: &str) -> Cow<'_, str> {
    shortened(name).map_or(Cow::Borrowed(name), Cow::Owned)
}

/// The name that stands for one that is too long: its beginning and a digest of the whole (FNV-1a), the same in every
/// program.
pub(super) fn shortened(name: &str) -> Option<String> {
    if name.len() <= LONGEST_NAME {
        return None;
    }
    let digest = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut end = LONGEST_NAME - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}_{digest:016x}", &name[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_what_the_server_keeps() {
        let name = "é".repeat(50);
        let short = shortened(&name).expect("the name is too long");
        assert!(short.len() <= LONGEST_NAME && short.len() > LONGEST_NAME - 3, "{short}");
        assert_ne!(Some(short), shortened(&"é".repeat(51)));
        assert_eq!(shortened(&"a".repeat(63)), None);
    }
}
