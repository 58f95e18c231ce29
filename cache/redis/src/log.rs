//! Changes as bytes, in the log of a table.
//!
//! A table's log is a hash of [`FIELDS`] fields. The changes of one write are one record, under a field that follows
//! from the stamp that the write gave to its tags, and name that stamp. Later records take the place of earlier ones
//! by chance, so a reader either finds the record of a stamp, whole, or knows that it is gone.
//!
//! ```text
//! format · stamp (16) · number of changes (2) · change* · digest (8)
//! change  key · columns (16) · form (8) · image before · image after
//! ```

use std::sync::Arc;

use thing_driver_api::{Change, ColumnSet, Key, RowImage, TableId, Value, digest};

use crate::cell::Stamp;

const FORMAT: u8 = 0xc1;
/// Records of a table.
const FIELDS: u64 = 1024;
/// Larger records are left out: what depends on their tags is then read again.
const MAX_RECORD: usize = 16 << 10;

const ABSENT: u8 = 0;
const UNKNOWN: u8 = 1;
const ROW: u8 = 2;
const VALUE_UNKNOWN: u8 = 0xff;

/// Where the record of a stamp is, if it is there.
pub(crate) fn field(stamp: &Stamp) -> u64 {
    u128::from_le_bytes(*stamp) as u64 % FIELDS
}

/// The record of the changes of one table; `None` if it is too large.
pub(crate) fn write<'a>(stamp: &Stamp, changes: impl Iterator<Item = &'a Change>) -> Option<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(stamp);
    bytes.extend_from_slice(&[0; 2]);
    let mut count = 0u16;
    for change in changes {
        count = count.checked_add(1)?;
        write_change(change, &mut bytes)?;
        if bytes.len() > MAX_RECORD {
            return None;
        }
    }
    bytes[17..19].copy_from_slice(&count.to_le_bytes());
    let seal = digest(&bytes);
    bytes.extend_from_slice(&seal.to_le_bytes());
    Some(bytes)
}

/// The changes in the record of a stamp; `None` if these bytes are no such record.
pub(crate) fn read(bytes: &[u8], stamp: &Stamp, table: TableId) -> Option<Vec<Arc<Change>>> {
    let (content, seal) = bytes.split_last_chunk()?;
    if digest(content) != u64::from_le_bytes(*seal) {
        return None;
    }
    let rest = content.strip_prefix(&[FORMAT])?.strip_prefix(stamp)?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let changes: Option<Vec<_>> =
        (0..u16::from_le_bytes(*count)).map(|_| read_change(&mut rest, table).map(Arc::new)).collect();
    changes.filter(|_| rest.is_empty())
}

fn write_change(change: &Change, out: &mut Vec<u8>) -> Option<()> {
    out.push(u8::try_from(change.key.parts()).ok()?);
    change.key.write_canonical(out);
    let columns = change.columns.iter().fold(0u128, |columns, column| columns | 1 << column);
    out.extend_from_slice(&columns.to_le_bytes());
    out.extend_from_slice(&change.form.to_le_bytes());
    write_image(&change.before, out)?;
    write_image(&change.after, out)
}

fn read_change(bytes: &mut &[u8], table: TableId) -> Option<Change> {
    let [parts] = take(bytes)?;
    let values: Option<Vec<_>> = (0..parts).map(|_| Value::read_canonical(bytes)).collect();
    let key = Key::from_values(&values?)?;
    let columns = u128::from_le_bytes(take(bytes)?);
    let columns: ColumnSet = (0..128).filter(|column| columns >> column & 1 == 1).collect();
    let form = u64::from_le_bytes(take(bytes)?);
    let (before, after) = (read_image(bytes)?, read_image(bytes)?);
    Some(Change::new(table, key, columns, before, after).with_form(form))
}

fn write_image(image: &RowImage, out: &mut Vec<u8>) -> Option<()> {
    match image {
        RowImage::Absent => out.push(ABSENT),
        RowImage::Row(values) => {
            out.push(ROW);
            out.extend_from_slice(&u16::try_from(values.len()).ok()?.to_le_bytes());
            for value in &**values {
                match value {
                    Some(value) => value.write_canonical(out),
                    None => out.push(VALUE_UNKNOWN),
                }
            }
        }
        _ => out.push(UNKNOWN),
    }
    Some(())
}

fn read_image(bytes: &mut &[u8]) -> Option<RowImage> {
    match take(bytes)? {
        [ABSENT] => Some(RowImage::Absent),
        [UNKNOWN] => Some(RowImage::Unknown),
        [ROW] => {
            let count = u16::from_le_bytes(take(bytes)?);
            let mut values = Vec::with_capacity(usize::from(count).min(bytes.len()));
            for _ in 0..count {
                values.push(match bytes.strip_prefix(&[VALUE_UNKNOWN]) {
                    Some(rest) => {
                        *bytes = rest;
                        None
                    }
                    None => Some(Value::read_canonical(bytes)?),
                });
            }
            Some(RowImage::Row(values.into()))
        }
        _ => None,
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAMP: Stamp = [7; 16];
    const TABLE: TableId = TableId(3);

    fn changes() -> Vec<Arc<Change>> {
        let row = |values: Vec<Option<Value<'static>>>| RowImage::Row(values.into());
        let columns: ColumnSet = [0, 5, 127].into_iter().collect();
        let composite = Key::Composite([Key::Int(1), Key::Uuid([2; 16])].into());
        let full = row(vec![
            None,
            Some(Value::Null),
            Some(Value::Bool(true)),
            Some(Value::I64(-1)),
            Some(Value::F64(0.5)),
            Some(Value::Text("text".into())),
            Some(Value::Bytes(vec![0, 255].into())),
        ]);
        let of = |key, columns, before, after| Change::new(TABLE, key, columns, before, after);
        vec![
            Arc::new(of(Key::Int(1), ColumnSet::ALL, RowImage::Absent, full.clone()).with_form(9)),
            Arc::new(of(Key::Text("k".into()), columns, full, RowImage::Unknown)),
            Arc::new(of(composite, ColumnSet::EMPTY, row(vec![]), RowImage::Absent)),
        ]
    }

    #[test]
    fn changes_come_back_as_they_were() {
        for count in 0..=3 {
            let changes = &changes()[..count];
            let record = write(&STAMP, changes.iter().map(|c| &**c)).expect("it fits");
            assert_eq!(read(&record, &STAMP, TABLE).as_deref(), Some(changes));
            assert_eq!(read(&record, &[8; 16], TABLE), None);
        }
    }

    #[test]
    fn large_records_are_left_out() {
        let large = RowImage::Row([Some(Value::Text("x".repeat(MAX_RECORD).into()))].into());
        let change = Change::new(TABLE, Key::Int(1), ColumnSet::ALL, RowImage::Absent, large);
        assert_eq!(write(&STAMP, [&change].into_iter()), None);
    }

    #[test]
    fn damaged_records_are_none() {
        let record = write(&STAMP, changes().iter().map(|c| &**c)).expect("it fits");
        for end in 0..record.len() {
            assert_eq!(read(&record[..end], &STAMP, TABLE), None);
        }
        for at in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert_eq!(read(&damaged, &STAMP, TABLE), None, "bit {at}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&bytes, &STAMP, TABLE), None);
            let mut sealed = [&[FORMAT], &STAMP[..], &bytes].concat();
            let seal = digest(&sealed);
            sealed.extend_from_slice(&seal.to_le_bytes());
            // Sealed nonsense may be a record by chance; reading it must only not panic.
            let _ = read(&sealed, &STAMP, TABLE);
        }
    }
}
