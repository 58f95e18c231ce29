//! Rows of raw statements, whatever their columns are.

use serde_json::Value as Json;
use thing_driver_api::{Error, Executor, Flow, Result, Row, RowSink, Shape, Statement, Value};

/// The result of a raw statement.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The names of the columns; none where there are no rows.
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A value of a result.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Known(Value<'static>),
    /// Of a type of which the driver knows nothing.
    Unknown,
}

impl Rows {
    /// Runs a read.
    pub(crate) async fn read(executor: &dyn Executor, sql: &str, values: &[Value<'_>]) -> Result<Self> {
        let mut rows = Self::default();
        executor.fetch(&Statement::new(&Shape::raw(sql), values), &mut rows).await?;
        Ok(rows)
    }

    /// The first column of the first row as text.
    pub(crate) async fn one_text(executor: &dyn Executor, sql: &str) -> Result<String> {
        let rows = Self::read(executor, sql, &[]).await?;
        let first = rows.rows.into_iter().next().and_then(|row| row.into_iter().next());
        first.map(|cell| cell.text()).ok_or_else(|| Error::backend(format!("`{sql}` gave no row")))
    }

    /// The texts of each row.
    pub(crate) fn texts(&self) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| row.iter().map(Cell::text).collect()).collect()
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
    }

    /// The columns with values of types of which the driver knows nothing.
    pub(crate) fn unread(&self) -> Vec<usize> {
        let is_unread = |at: &usize| self.rows.iter().any(|row| matches!(row.get(*at), Some(Cell::Unknown)));
        (0..self.names.len()).filter(is_unread).collect()
    }

    /// The rows as objects.
    pub(crate) fn json(&self) -> Json {
        let object = |row: &Vec<Cell>| {
            let members = self.names.iter().zip(row).map(|(name, cell)| (name.clone(), cell.json()));
            Json::Object(members.collect())
        };
        self.rows.iter().map(object).collect()
    }
}

impl RowSink for Rows {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.names = names.iter().map(|&name| name.to_owned()).collect();
        Ok(())
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let cell = |at| row.any_value(at).map_or(Cell::Unknown, |value| Cell::Known(value.into_owned()));
        self.rows.push((0..row.len()).map(cell).collect());
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}

impl Cell {
    /// What a person reads.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Unknown => "(of another type)".to_owned(),
            Self::Known(Value::Null) => "NULL".to_owned(),
            Self::Known(Value::Bytes(bytes)) => hexadecimal(bytes),
            Self::Known(Value::Json(json)) => json.to_string(),
            Self::Known(_) => match self.json() {
                Json::String(text) => text,
                other => other.to_string(),
            },
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Known(Value::I64(number)) => Some(*number),
            Self::Known(Value::F64(number)) => Some(*number as i64),
            Self::Known(Value::Text(text)) => text.parse().ok(),
            Self::Known(Value::Decimal(number)) => number.to_string().parse().ok(),
            _ => None,
        }
    }

    /// Numbers, truth values, NULL and documents are themselves, bytes hexadecimal, everything else is text.
    pub(crate) fn json(&self) -> Json {
        let Self::Known(value) = self else { return Json::Null };
        match value {
            Value::Bool(truth) => Json::Bool(*truth),
            Value::I64(number) => (*number).into(),
            Value::F64(number) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::Text(text) => Json::String(text.to_string()),
            Value::Bytes(bytes) => Json::String(hexadecimal(bytes)),
            Value::Uuid(bytes) => Json::String(uuid(bytes)),
            Value::Timestamp(time) => Json::String(timestamp(*time)),
            Value::Date(days) => Json::String(date(*days)),
            Value::Time(time) => Json::String(time_of_day(*time)),
            Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_string())),
            Value::Decimal(number) => Json::String(number.to_string()),
            _ => Json::Null,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid(bytes: &[u8; 16]) -> String {
    let digits = hexadecimal(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// What is beyond the calendar is shown as its number.
fn timestamp(microseconds: i64) -> String {
    jiff::Timestamp::from_microsecond(microseconds).map_or_else(|_| microseconds.to_string(), |time| time.to_string())
}

fn date(days: i32) -> String {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).unwrap_or_default());
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}

fn time_of_day(microseconds: i64) -> String {
    let span = jiff::Span::new().try_microseconds(microseconds).unwrap_or_default();
    jiff::civil::Time::midnight().checked_add(span).map_or_else(|_| microseconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_become_json_and_text() {
        let cell = |value| Cell::Known(value);
        assert_eq!(cell(Value::Timestamp(1_500_000)).json(), json!("1970-01-01T00:00:01.5Z"));
        assert_eq!(cell(Value::Date(-1)).json(), json!("1969-12-31"));
        assert_eq!(cell(Value::Time(3_600_000_000)).json(), json!("01:00:00"));
        assert_eq!(cell(Value::Uuid([0xab; 16])).text(), "abababab-abab-abab-abab-abababababab");
        assert_eq!(cell(Value::Bytes(vec![1, 255].into())).text(), "01ff");
        assert_eq!(cell(Value::Json("{\"a\": 1}".into())).json(), json!({ "a": 1 }));
        assert_eq!(cell(Value::Null).text(), "NULL");
        assert_eq!(cell(Value::F64(f64::INFINITY)).json(), Json::Null);
        assert_eq!(Cell::Unknown.json(), Json::Null);
    }
}
