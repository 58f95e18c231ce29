//! Refusals: the servers' codes, and what is said of each without the values that the servers quote.

use std::borrow::Cow;

use mysql_async::{DriverError, ServerError};
use thing_driver_api::sql::shortened;
use thing_driver_api::{ConstraintKind, Error, ErrorKind};

use super::{About, constraint};

pub(super) const LOST: [u16; 9] = [1053, 1077, 1079, 1158, 1159, 1160, 1161, 1927, IDLE_TOO_LONG];
/// The client was disconnected because of inactivity: said in answer to the next command.
pub(super) const IDLE_TOO_LONG: u16 = 4031;

pub(super) fn translate(error: mysql_async::Error, about: About<'_>) -> Error {
    let may_have_executed = about.commits;
    match error {
        mysql_async::Error::Server(native) => server(native, about),
        mysql_async::Error::Driver(
            native @ (DriverError::StmtParamsMismatch { .. }
            | DriverError::StmtParamsNumberExceedsLimit { .. }
            | DriverError::Params(_)
            | DriverError::MixedParams),
        ) => Error::invalid_input(
            "the values don't fit the placeholders; write them as `?`, and pass one value for each",
        )
        .with_source(mysql_async::Error::Driver(native)),
        mysql_async::Error::Driver(native @ DriverError::LocalInfile(_)) => {
            Error::unsupported("LOAD DATA LOCAL is not supported; insert the rows instead")
                .with_source(mysql_async::Error::Driver(native))
        }
        other => Error::new(
            ErrorKind::ConnectionLost { may_have_executed },
            "the connection to the server broke; check the server and the network",
        )
        .with_source(other),
    }
}

/// What a code of the servers is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Constraint(ConstraintKind),
    Conflict,
    Busy,
    Timeout,
    Killed,
    ReadOnly,
    Full,
    Corrupt,
    Data,
    Schema,
    Syntax,
    Unsupported,
}

/// The codes are those of <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html> and
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
pub(super) fn kind(code: u16) -> Option<Kind> {
    Some(match code {
        1062 | 1169 | 1557 | 1586 | 1859 => Kind::Constraint(ConstraintKind::Unique),
        1048 | 1263 | 1364 | 1566 => Kind::Constraint(ConstraintKind::NotNull),
        1216 | 1217 | 1451 | 1452 | 1834 => Kind::Constraint(ConstraintKind::ForeignKey),
        3819 | 4025 => Kind::Constraint(ConstraintKind::Check),
        1213 | 1020 | 1614 | 3101 => Kind::Conflict,
        1205 | 3572 => Kind::Busy,
        1969 | 3024 => Kind::Timeout,
        1317 => Kind::Killed,
        1290 | 1792 | 1836 | 3100 => Kind::ReadOnly,
        1021 | 1041 | 1114 | 1206 | 1037 | 1038 => Kind::Full,
        1034 | 1035 | 1194 | 1195 | 1712 => Kind::Corrupt,
        1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1411 | 1416 | 1425 | 1690 | 3140 | 3141 | 1153 | 1162 | 1525 => {
            Kind::Data
        }
        1054 | 1051 | 1072 | 1091 | 1109 | 1146 | 1305 | 1176 => Kind::Schema,
        1064 | 1065 | 1149 | 1210 => Kind::Syntax,
        1235 | 1295 => Kind::Unsupported,
        _ => return None,
    })
}

fn server(native: ServerError, about: About<'_>) -> Error {
    let message = native.message.as_str();
    let (kind, said): (ErrorKind, Cow<'static, str>) = match kind(native.code) {
        Some(Kind::Constraint(kind)) => {
            let constraint = constraint::read(kind, message, about.table);
            let said = constraint::violated(&constraint);
            (ErrorKind::Constraint(constraint), said.into())
        }
        Some(Kind::Conflict) => (
            ErrorKind::Conflict,
            "the write met another transaction and was rolled back; run it again from its start".into(),
        ),
        Some(Kind::Busy) => (
            ErrorKind::Busy,
            "a row or table is held by another transaction; try again, or raise the lock timeout".into(),
        ),
        Some(Kind::Timeout) => (
            ErrorKind::Timeout { may_have_executed: false },
            "the statement took longer than allowed and was undone; make it faster, or raise the statement timeout"
                .into(),
        ),
        Some(Kind::Killed) => {
            (ErrorKind::Timeout { may_have_executed: false }, "the statement was killed and undone; try again".into())
        }
        Some(Kind::ReadOnly) => (
            ErrorKind::ReadOnly,
            "the server or the transaction accepts no writes; write where writes are allowed".into(),
        ),
        Some(Kind::Full) => (ErrorKind::StorageFull, "the server has no room left; make room".into()),
        Some(Kind::Corrupt) => {
            (ErrorKind::Corrupt, "a table of the server is damaged; restore it from a backup".into())
        }
        Some(Kind::Data) => {
            let column = column_of_data(message).map(str::to_owned);
            let said = match &column {
                Some(column) => {
                    format!("column `{column}` can't hold the value; it is too large, too long or of another type")
                }
                None => "a value does not fit; it is too large, too long or of another type".to_owned(),
            };
            (ErrorKind::InvalidData { column }, said.into())
        }
        Some(Kind::Schema) => (
            ErrorKind::Schema,
            format!("{}; run sync, or compare the models with the database", lowered(message)).into(),
        ),
        Some(Kind::Syntax) => {
            let text = about.text.map_or(String::new(), |text| format!(" (in: {})", shortened(text)));
            (ErrorKind::InvalidInput, format!("the server can't read the statement; correct it{text}").into())
        }
        Some(Kind::Unsupported) => {
            (ErrorKind::Unsupported, format!("{}; do it in another way", lowered(message)).into())
        }
        None if LOST.contains(&native.code) => (
            ErrorKind::ConnectionLost { may_have_executed: about.commits && native.code != IDLE_TOO_LONG },
            "the server closed the connection; try again when it is back".into(),
        ),
        None if native.code == 1461 => (
            ErrorKind::Backend,
            "the server keeps too many prepared statements; lower statement_cache, or raise its max_prepared_stmt_count"
                .into(),
        ),
        // What the server says may hold values of the statement.
        None => (ErrorKind::Backend, format!("the server failed with error {}; see its manual", native.code).into()),
    };
    Error::new(kind, said).with_source(mysql_async::Error::Server(without_values(native)))
}

/// What the server says, unless it may quote a row, or is said already.
pub(super) fn said_of_schema(error: &ServerError) -> Option<String> {
    let quotes = matches!(kind(error.code), Some(Kind::Constraint(_) | Kind::Data | Kind::Schema | Kind::Unsupported));
    (!quotes).then(|| error.message.clone())
}

/// The native error as a source: what it says of values stays out of logs.
fn without_values(mut native: ServerError) -> ServerError {
    if matches!(kind(native.code), Some(Kind::Constraint(ConstraintKind::Unique) | Kind::Data | Kind::Syntax)) {
        // `Duplicate entry '...' for key 'name'`: what is left is behind the last value.
        let end = [" for key ", " for column ", " for function "]
            .iter()
            .find_map(|word| native.message.rfind(word))
            .map(|at| native.message.split_off(at));
        native.message = format!("(values are left out){}", end.unwrap_or_default());
    }
    native
}

/// Reads `... for column 'name' at row 1`, and MariaDB's ``... for column `database`.`table`.`name` at row 1``.
fn column_of_data(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once(" column ")?;
    let named = rest.rsplit_once(" at row ").map_or(rest, |(named, _)| named);
    let named = named.rsplit_once("`.`").map_or(named, |(_, name)| name);
    Some(named.trim_matches(['\'', '`'])).filter(|name| !name.is_empty())
}

fn lowered(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_messages_of_both_servers_give_the_column() {
        for message in [
            "Data too long for column 'name' at row 1",
            "Incorrect integer value: 'x for column y' for column `db`.`t`.`name` at row 2",
            "Out of range value for column 'name' at row 1",
        ] {
            assert_eq!(column_of_data(message), Some("name"), "{message}");
        }
        assert_eq!(column_of_data("nothing"), None);
    }

    #[test]
    fn values_stay_out_of_the_source() {
        let message = "Duplicate entry 'secret' for key 'name'".to_owned();
        let native = without_values(ServerError { code: 1062, message, state: "23000".to_owned() });
        assert!(!native.message.contains("secret") && native.message.contains("name"));
    }
}
