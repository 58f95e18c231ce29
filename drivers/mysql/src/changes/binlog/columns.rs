//! Columns: the log names none, so that they are looked up in the schema.

use mysql_async::Value as Native;
use mysql_async::binlog::events::{RowsEventData, TableMapEvent};
use mysql_async::binlog::row::BinlogRow;
use mysql_async::binlog::value::BinlogValue;
use thing_driver_api::{Change, Dialect, Result, RowImage, Table, Value, ValueType};

use crate::calendar::{self, Moment};
use crate::changes::image::LONGEST;
use crate::error;
use crate::executor::MysqlExecutor;
use crate::schema::cell;

/// The columns of a table in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<Column>);

#[derive(Debug)]
struct Column {
    /// Its place in the model, if it has one.
    of_model: Option<usize>,
    declared: String,
    collation: String,
}

impl Columns {
    pub(super) async fn of(executor: &MysqlExecutor, table: &Table) -> Result<Self> {
        let mut name = String::new();
        executor.database.dialect.identifier(table.name(), &mut name);
        let Some(rows) = executor.show(format!("SHOW FULL COLUMNS FROM {name}")).await? else {
            return Err(error::not_recordable(format!("there is no table `{}`; run sync first", table.name())));
        };
        let column = |row| {
            let field = cell(row, "Field").unwrap_or_default();
            Column {
                of_model: table.columns().iter().position(|column| column.name.eq_ignore_ascii_case(&field)),
                declared: cell(row, "Type").unwrap_or_default().to_ascii_lowercase(),
                collation: cell(row, "Collation").unwrap_or_default(),
            }
        };
        Ok(Self(rows.iter().map(column).collect()))
    }

    /// Whether the rows are of these columns, all of them.
    pub(super) fn fit(&self, map: &TableMapEvent<'_>, rows: &RowsEventData<'_>) -> bool {
        let whole = |image: Option<usize>| image.is_none_or(|columns| columns == self.0.len());
        map.columns_count() == self.0.len() as u64
            && whole(rows.columns_before_image().map(|image| image.count_ones()))
            && whole(rows.columns_after_image().map(|image| image.count_ones()))
    }

    /// What happened to a row; `None` where it is not known to which.
    pub(super) fn changes(
        &self,
        table: &Table,
        before: Option<&BinlogRow>,
        after: Option<&BinlogRow>,
    ) -> Option<Vec<Change>> {
        let image = |row: Option<&BinlogRow>| row.map_or(RowImage::Absent, |row| self.image(table, row));
        // Columns that the log does not have are taken for changed.
        let stays = |of_model: usize| {
            let at = self.0.iter().position(|column| column.of_model == Some(of_model))?;
            Some(before?.as_ref(at)? == after?.as_ref(at)?)
        };
        Change::observed(table, |of_model| stays(of_model) != Some(true), image(before), image(after))
    }

    fn image(&self, table: &Table, row: &BinlogRow) -> RowImage {
        let mut values = vec![None; table.columns().len()];
        for (at, column) in self.0.iter().enumerate() {
            if let (Some(of_model), Some(value)) = (column.of_model, row.as_ref(at)) {
                values[of_model] = column.value(value, table.column(of_model).value_type);
            }
        }
        RowImage::Row(values.into())
    }
}

impl Column {
    /// The value as the model has it; `None` where that is not certain.
    fn value(&self, value: &BinlogValue<'_>, value_type: ValueType) -> Option<Value<'static>> {
        let BinlogValue::Value(native) = value else { return None };
        let kind = self.declared.split(['(', ' ']).next().unwrap_or_default();
        Some(match (value_type, native) {
            (_, Native::NULL) => Value::Null,
            (ValueType::Bool, Native::Int(0)) => Value::Bool(false),
            (ValueType::Bool, Native::Int(1)) => Value::Bool(true),
            (ValueType::Bool, Native::Bytes(bits)) if kind == "bit" => match bits.as_slice() {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return None,
            },
            // Not every server says which integers have no sign.
            (ValueType::I16 | ValueType::I32 | ValueType::I64, Native::Int(number)) => {
                if *number < 0 && self.declared.contains("unsigned") {
                    return None;
                }
                Value::I64(*number)
            }
            (ValueType::I16 | ValueType::I32 | ValueType::I64, Native::UInt(number)) => {
                Value::I64(i64::try_from(*number).ok()?)
            }
            (ValueType::F32, Native::Float(number)) => Value::F64(f64::from(*number)),
            (ValueType::F64, Native::Double(number)) => Value::F64(*number),
            (ValueType::Text, Native::Bytes(bytes)) => {
                let is_text = kind.ends_with("text") || kind == "varchar";
                if !is_text || !self.collation.starts_with("utf8") || bytes.len() > LONGEST {
                    return None;
                }
                Value::Text(String::from_utf8(bytes.clone()).ok()?.into())
            }
            (ValueType::Bytes, Native::Bytes(bytes)) => {
                let is_bytes = kind.ends_with("blob") || kind == "varbinary";
                if !is_bytes || bytes.len() > LONGEST {
                    return None;
                }
                Value::Bytes(bytes.clone().into())
            }
            (ValueType::Uuid, Native::Bytes(bytes)) => {
                // Zero bytes at the end of a `binary` are not logged.
                let padded = if kind == "binary" { 16 } else { bytes.len() };
                let mut all = bytes.clone();
                all.resize(padded.max(bytes.len()), 0);
                Value::Uuid(all.try_into().ok()?)
            }
            (ValueType::Timestamp, &Native::Date(year, month, day, hour, minute, second, micros)) => {
                Value::Timestamp(calendar::micros(Moment { year, month, day, hour, minute, second, micros })?)
            }
            (ValueType::Date, &Native::Date(year, month, day, 0, 0, 0, 0)) => {
                Value::Date(calendar::days(year, month, day)?)
            }
            (ValueType::Time, &Native::Time(false, 0, hour, minute, second, micros)) => {
                Value::Time(calendar::micros_of_day(hour, minute, second, micros)?)
            }
            (ValueType::Decimal, Native::Bytes(text)) if kind == "decimal" => {
                Value::Decimal(std::str::from_utf8(text).ok()?.parse().ok()?)
            }
            _ => return None,
        })
    }
}
