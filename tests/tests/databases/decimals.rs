//! Columns of `rust_decimal`.

use rust_decimal::Decimal;
use thing::driver::{Result as DriverResult, Row, Value, ValueType};
use thing::{ColumnType, ComparableType, Db, ErrorKind, Model, Query, Result};

use crate::support::{Stack, placeholders};

matrix! {
    every: [
        decimals_are_compared_and_ordered_as_numbers,
        decimals_come_back_as_they_were,
        decimals_that_rust_can_not_hold_are_refused,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Price {
    id: i64,
    #[thing(index)]
    amount: Decimal,
    discount: Option<Decimal>,
}

const AMOUNTS: [&str; 12] = [
    "0",
    "0.1",
    "1.10",
    "9.5",
    "10",
    "-1",
    "-10.25",
    "0.0000000000000000000000000001",
    "-0.0000000000000000000000000001",
    "1234567890.0987654321",
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
];

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn prices(stack: &Stack) -> Result<Db> {
    let db = stack.db::<Price>().await;
    let price = |text: &str| Price { id: 0, amount: decimal(text), discount: None };
    db.things::<Price>().create_many(AMOUNTS.map(price)).await?;
    Ok(db)
}

/// The amounts that a query finds, asked twice: the second time from the cache where there is one.
async fn amounts(query: Query<'_, Price>) -> Result<Vec<String>> {
    let first: Vec<_> = query.clone().all().await?.iter().map(|price| price.amount.to_string()).collect();
    let second: Vec<_> = query.clone().all().await?.iter().map(|price| price.amount.to_string()).collect();
    assert_eq!(first, second);
    assert_eq!(query.count().await?, first.len() as u64);
    Ok(first)
}

async fn decimals_come_back_as_they_were(stack: &Stack) -> Result<()> {
    let db = prices(stack).await?;
    for (id, text) in (1..).zip(AMOUNTS) {
        for _ in 0..2 {
            let found = Price::by_id(&db, id).await?;
            assert_eq!((found.amount, found.discount), (decimal(text), None));
        }
        let mut changed = Price::by_id(&db, id).await?;
        changed.discount = Some(-changed.amount);
        changed.save(&db).await?;
        assert_eq!(Price::by_id(&db, id).await?.discount, Some(-decimal(text)));
        assert_eq!(db.things::<Price>().by_id_uncached(id).await?, changed);
    }
    Ok(())
}

async fn decimals_are_compared_and_ordered_as_numbers(stack: &Stack) -> Result<()> {
    let db = prices(stack).await?;
    let mut sorted = AMOUNTS.map(decimal);
    sorted.sort_unstable();
    let expected: Vec<String> = sorted.iter().map(|amount| amount.normalize().to_string()).collect();
    assert_eq!(amounts(db.things::<Price>().order_by(Price::AMOUNT.asc())).await?, expected);
    for text in AMOUNTS.into_iter().chain(["1.1", "1.1000", "10.0", "0.00", "0.2", "5"]) {
        let amount = decimal(text);
        let of = |keep: fn(&Decimal, &Decimal) -> bool| -> Vec<String> {
            sorted.iter().filter(|one| keep(one, &amount)).map(|one| one.normalize().to_string()).collect()
        };
        let found = |filter| amounts(db.things::<Price>().filter(filter).order_by(Price::AMOUNT.asc()));
        assert_eq!(found(Price::AMOUNT.eq(amount)).await?, of(|a, b| a == b), "= {text}");
        assert_eq!(found(Price::AMOUNT.ne(amount)).await?, of(|a, b| a != b), "<> {text}");
        assert_eq!(found(Price::AMOUNT.lt(amount)).await?, of(|a, b| a < b), "< {text}");
        assert_eq!(found(Price::AMOUNT.ge(amount)).await?, of(|a, b| a >= b), ">= {text}");
        assert_eq!(found(Price::AMOUNT.is_in([amount])).await?, of(|a, b| a == b), "in {text}");
    }
    Ok(())
}

/// A decimal of the contract, which has more digits than `rust_decimal`.
#[derive(Clone)]
struct Wide(thing::driver::Decimal);

impl ComparableType for Wide {}

impl ColumnType for Wide {
    const TYPE: ValueType = ValueType::Decimal;

    fn to_value(&self) -> DriverResult<Value<'_>> {
        Ok(Value::Decimal(self.0))
    }

    fn from_row(_: &dyn Row, _: usize) -> DriverResult<Self> {
        unreachable!("it is only written")
    }
}

async fn decimals_that_rust_can_not_hold_are_refused(stack: &Stack) -> Result<()> {
    let db = prices(stack).await?;
    let wide = Wide("99999999999999999999999999999999999".parse()?);
    let text = placeholders(&db, "UPDATE prices SET amount = ? WHERE id = ?");
    assert_eq!(db.raw(text).bind(wide).bind(1_i64).execute().await?, 1);
    let error = Price::by_id(&db, 1).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error}");
    assert!(error.to_string().contains("28 digits"), "{error}");
    assert_eq!(Price::by_id(&db, 2).await?.amount, decimal("0.1"));
    let listed = Price::filter(&db, Price::AMOUNT.gt(decimal("100"))).all().await.unwrap_err();
    assert!(matches!(listed.kind(), ErrorKind::InvalidData { .. }), "{listed}");
    assert_eq!(Price::filter(&db, Price::AMOUNT.gt(decimal("100"))).count().await?, 3, "counting reads no value");
    Ok(())
}
