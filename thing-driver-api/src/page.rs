//! Pages: rows that have left their driver, in one byte buffer and one table of cells.

use std::borrow::Cow;

use crate::{Decimal, Error, ErrorKind, Flow, Result, Row, RowSink, Value, ValueType};

/// A block of rows in a few allocations. A driver whose rows can't leave their thread fills one there; the receiving
/// side replays it into a [`RowSink`], or reads [`Page::row`] by row.
#[derive(Clone, Debug, Default)]
pub struct Page {
    names: Vec<String>,
    width: usize,
    cells: Vec<Cell>,
    bytes: Vec<u8>,
    decode: Option<Decode>,
}

/// Turns a cell that is as the database holds it into a value of the expected type, or says why it isn't one: what
/// [`Row::value`] of the driver's own rows does. The first argument is the column's index.
pub type Decode = for<'a> fn(usize, Value<'a>, ValueType) -> Result<Value<'a>>;

#[derive(Clone, Copy, Debug)]
enum Cell {
    Value(Scalar),
    Text { start: usize, end: usize },
    Bytes { start: usize, end: usize },
    Json { start: usize, end: usize },
}

#[derive(Clone, Copy, Debug)]
enum Scalar {
    Null,
    Bool(bool),
    I64(i64),
    F64(f64),
    Uuid([u8; 16]),
    Timestamp(i64),
    Date(i32),
    Time(i64),
    Decimal(Decimal),
}

impl Page {
    /// An empty page of rows with so many columns.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// An empty page whose columns have names, for raw statements.
    pub fn with_names(names: Vec<String>) -> Self {
        Self { width: names.len(), names, ..Self::default() }
    }

    /// Says that the cells are as the database holds them, and how they become values: for raw statements, whose types
    /// are not known when the page is filled.
    #[must_use]
    pub fn decode_with(mut self, decode: Decode) -> Self {
        self.decode = Some(decode);
        self
    }

    /// The names of the columns, empty where the statement was not raw.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes of memory that the rows take.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.cells.len() * size_of::<Cell>()
    }

    /// Appends one cell; every row is `width` cells, left to right.
    pub fn push(&mut self, value: &Value<'_>) {
        let cell = match value {
            Value::Null => Cell::Value(Scalar::Null),
            Value::Bool(v) => Cell::Value(Scalar::Bool(*v)),
            Value::I64(v) => Cell::Value(Scalar::I64(*v)),
            Value::F64(v) => Cell::Value(Scalar::F64(*v)),
            Value::Uuid(v) => Cell::Value(Scalar::Uuid(*v)),
            Value::Timestamp(v) => Cell::Value(Scalar::Timestamp(*v)),
            Value::Date(v) => Cell::Value(Scalar::Date(*v)),
            Value::Time(v) => Cell::Value(Scalar::Time(*v)),
            Value::Decimal(v) => Cell::Value(Scalar::Decimal(*v)),
            Value::Text(v) => {
                let (start, end) = self.append(v.as_bytes());
                Cell::Text { start, end }
            }
            Value::Bytes(v) => {
                let (start, end) = self.append(v);
                Cell::Bytes { start, end }
            }
            Value::Json(v) => {
                let (start, end) = self.append(v.as_bytes());
                Cell::Json { start, end }
            }
        };
        self.cells.push(cell);
    }

    fn append(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        (start, self.bytes.len())
    }

    /// Forgets the rows, keeps the memory and the names.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.bytes.clear();
    }

    /// One row; `None` behind the last.
    pub fn row(&self, index: usize) -> Option<PageRow<'_>> {
        (index < self.len()).then_some(PageRow { page: self, first: index * self.width })
    }

    /// Hands every row to the sink.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    pub fn replay(&self, rows: &mut dyn RowSink) -> Result<Flow> {
        for index in 0..self.len() {
            let row = PageRow { page: self, first: index * self.width };
            if rows.row(&row)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}

/// One row of a [`Page`].
#[derive(Clone, Copy, Debug)]
pub struct PageRow<'a> {
    page: &'a Page,
    first: usize,
}

impl PageRow<'_> {
    fn cell(&self, index: usize) -> Result<Cell> {
        if index < self.page.width
            && let Some(cell) = self.page.cells.get(self.first + index)
        {
            return Ok(*cell);
        }
        Err(Error::new(
            ErrorKind::InvalidData { column: None },
            format!("column {index} does not exist in a row of {}", self.page.width),
        ))
    }

    fn slice(&self, start: usize, end: usize) -> &[u8] {
        &self.page.bytes[start..end]
    }

    fn str(&self, start: usize, end: usize) -> Result<Cow<'_, str>> {
        std::str::from_utf8(self.slice(start, end)).map(Cow::Borrowed).map_err(|error| {
            Error::new(ErrorKind::InvalidData { column: None }, "text is not valid UTF-8").with_source(error)
        })
    }
}

impl Row for PageRow<'_> {
    fn len(&self) -> usize {
        self.page.width
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        Ok(matches!(self.cell(index)?, Cell::Value(Scalar::Null)))
    }

    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>> {
        let value = self.any_value(index)?;
        if let Some(decode) = self.page.decode {
            return decode(index, value, expected);
        }
        let fits = match (&value, expected) {
            (Value::Null, _)
            | (Value::Bool(_), ValueType::Bool)
            | (Value::F64(_), ValueType::F32 | ValueType::F64)
            | (Value::Text(_), ValueType::Text)
            | (Value::Bytes(_), ValueType::Bytes)
            | (Value::Uuid(_), ValueType::Uuid)
            | (Value::Timestamp(_), ValueType::Timestamp)
            | (Value::Date(_), ValueType::Date)
            | (Value::Time(_), ValueType::Time)
            | (Value::Json(_), ValueType::Json | ValueType::List(_))
            | (Value::Decimal(_), ValueType::Decimal) => true,
            (Value::I64(_), t) => t.is_integer(),
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        Err(Error::new(
            ErrorKind::InvalidData { column: None },
            format!("column {index} holds {}, expected {expected}", value.kind()),
        ))
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        Ok(match self.cell(index)? {
            Cell::Value(Scalar::Null) => Value::Null,
            Cell::Value(Scalar::Bool(v)) => Value::Bool(v),
            Cell::Value(Scalar::I64(v)) => Value::I64(v),
            Cell::Value(Scalar::F64(v)) => Value::F64(v),
            Cell::Value(Scalar::Uuid(v)) => Value::Uuid(v),
            Cell::Value(Scalar::Timestamp(v)) => Value::Timestamp(v),
            Cell::Value(Scalar::Date(v)) => Value::Date(v),
            Cell::Value(Scalar::Time(v)) => Value::Time(v),
            Cell::Value(Scalar::Decimal(v)) => Value::Decimal(v),
            Cell::Text { start, end } => Value::Text(self.str(start, end)?),
            Cell::Bytes { start, end } => Value::Bytes(Cow::Borrowed(self.slice(start, end))),
            Cell::Json { start, end } => Value::Json(self.str(start, end)?),
        })
    }
}
