//! Errors: the servers' codes in the terms of Thing. No other module makes an error of a native one.

use std::borrow::Cow;
use std::time::Duration;

use mysql_async::{DriverError, IoError, ServerError, UrlError};
use thing_driver_api::{Constraint, ConstraintKind, Error, ErrorKind, Table};

use crate::config::MysqlConfig;

/// Why a statement gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused it, or the connection broke.
    Native(mysql_async::Error),
    /// A raw statement got too many or too few values.
    Values { wanted: usize, given: usize },
    /// The server did not answer in time. What it is doing is not known.
    TimedOut(Duration),
    /// An earlier statement of this connection was abandoned before it ended.
    Abandoned,
    /// The driver says so.
    Refused(Error),
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        Self::Native(error)
    }
}

/// What the statement that failed was about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// The table of its shape.
    pub(crate) table: Option<&'a Table>,
    /// Its text, for messages.
    pub(crate) text: Option<&'a str>,
    /// Whether it would have been committed by itself, or is the commit: when the connection breaks nobody knows.
    pub(crate) commits: bool,
}

impl Failure {
    /// The server's code.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => Some(error.code),
            _ => None,
        }
    }

    /// True when the connection is of no use any more.
    pub(crate) fn lost(&self) -> bool {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => LOST.contains(&error.code),
            Self::Native(_) => true,
            _ => false,
        }
    }

    /// True when the connection broke and the server certainly did not begin the statement.
    pub(crate) fn not_begun(&self) -> bool {
        self.code() == Some(IDLE_TOO_LONG)
    }

    /// True when the transaction certainly goes on: the server undid this statement alone.
    pub(crate) fn spares_transaction(&self) -> bool {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => {
                matches!(kind(error.code), Some(Kind::Constraint(_) | Kind::Data | Kind::Schema | Kind::Syntax))
            }
            Self::Values { .. } => true,
            _ => false,
        }
    }

    /// In the terms of Thing.
    pub(crate) fn explain(self, about: About<'_>) -> Error {
        match self {
            Self::Native(error) => translate(error, about),
            Self::Values { wanted, given } => Error::invalid_input(format!(
                "the statement has {wanted} placeholders but got {given} values; pass one value for each"
            )),
            Self::TimedOut(limit) => Error::new(
                ErrorKind::Timeout { may_have_executed: about.commits },
                format!(
                    "the server did not answer within {limit:?}; make the statement faster, or raise the statement timeout"
                ),
            ),
            Self::Abandoned => abandoned(),
            Self::Refused(error) => error,
        }
    }
}

/// A statement of a transaction was given up before it ended.
pub(crate) fn abandoned() -> Error {
    Error::invalid_input("a statement of the transaction was abandoned before it ended; begin a new transaction")
}

/// The server rolled the transaction back by itself.
pub(crate) fn ended() -> Error {
    Error::new(ErrorKind::Conflict, "an earlier failure rolled the transaction back; run it again from its start")
}

/// A raw statement that begins or ends a transaction behind the driver's back.
pub(crate) fn transaction_control() -> Error {
    Error::invalid_input("the statement begins or ends a transaction; use begin, commit and rollback instead")
}

/// A raw statement that would commit the transaction in which it runs.
pub(crate) fn implicit_commit() -> Error {
    Error::invalid_input("the statement would commit the transaction, as changes of the schema do; run it outside")
}

/// A feed of changes of a table without what records them.
pub(crate) fn not_recorded(table: &str) -> Error {
    not_recordable(format!("changes of the table `{table}` are not recorded; call record_changes, once"))
}

/// Changes can't be recorded, or followed, for a reason that lies in the database.
pub(crate) fn not_recordable(why: String) -> Error {
    Error::new(ErrorKind::Schema, why)
}

/// The server ended its binary log.
pub(crate) fn log_ended() -> Error {
    Error::new(ErrorKind::ConnectionLost { may_have_executed: false }, "the server sends its binary log no more")
}

/// A server that lacks something.
pub(crate) fn too_old(version: &str, wanted: &str) -> Error {
    Error::unsupported(format!("the server is {version}; changes of others are reported by {wanted} and later"))
}

/// All connections are in use.
pub(crate) fn exhausted(connections: usize, waited: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout { may_have_executed: false },
        format!(
            "all {connections} connections were in use for {waited:?}; end transactions sooner, or allow more connections"
        ),
    )
}

/// A statement is larger than the server takes.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::InvalidData { column: None },
        format!(
            "the values are larger than the {limit} bytes of the server's max_allowed_packet; split them, or raise it"
        ),
    )
}

/// An identifier is longer than the servers allow.
pub(crate) fn name_too_long(sort: &str, name: &str) -> Error {
    Error::invalid_input(format!(
        "the {sort} `{name}` has more than the 64 characters that MySQL allows; give it a shorter name"
    ))
}

/// A key was made that no `i64` holds. Where the row is committed already, this is not an error without effect.
pub(crate) fn key_out_of_range(committed: bool) -> Error {
    let said = "the row was added, but its generated key is beyond 64 signed bits; lower the table's AUTO_INCREMENT";
    let kind = if committed {
        ErrorKind::ConnectionLost { may_have_executed: true }
    } else {
        ErrorKind::InvalidData { column: None }
    };
    Error::new(kind, said)
}

/// The server did not say what a write did.
pub(crate) fn no_answer() -> Error {
    Error::new(
        ErrorKind::ConnectionLost { may_have_executed: true },
        "the server did not say what the write did; look whether it is there",
    )
}

/// The address of a server is none.
pub(crate) fn no_address(what: &str) -> Error {
    Error::invalid_input(format!(
        "the address of the server can't be used: {what}; write mysql://user:password@host:3306/database"
    ))
}

/// The client library can't read an address. What it says may hold the password.
pub(crate) fn address(error: UrlError) -> Error {
    match error {
        UrlError::UnknownParameter { param } => no_address(&format!("there is no parameter `{param}`")),
        UrlError::InvalidParamValue { param, .. } => no_address(&format!("the value of `{param}` is wrong")),
        UrlError::FeatureRequired { param, .. } => no_address(&format!("`{param}` is not supported")),
        UrlError::Parse(error) => no_address(&error.to_string()),
        _ => no_address("it is incomplete"),
    }
}

/// Connecting took too long.
pub(crate) fn connecting_timed_out(config: &MysqlConfig) -> Error {
    Error::new(
        ErrorKind::Timeout { may_have_executed: false },
        format!(
            "{} did not let the program in within {:?}; check that it runs, or raise the connect timeout",
            config.server(),
            config.connect_timeout
        ),
    )
}

/// Translates an error of connecting, naming the server.
pub(crate) fn connecting(error: mysql_async::Error, config: &MysqlConfig) -> Error {
    let server = config.server();
    let lost = ErrorKind::ConnectionLost { may_have_executed: false };
    let (kind, said) = match &error {
        mysql_async::Error::Server(native) => match native.code {
            1045 | 1698 | 1251 | 2061 => {
                (ErrorKind::Backend, format!("{server} refuses the user `{}`; check name and password", config.user()))
            }
            1044 | 1049 => (
                ErrorKind::Backend,
                format!("{server} has no database `{}` for this user; create it, or check the name", config.database()),
            ),
            1040 | 1203 | 1226 => {
                (lost, format!("{server} has too many connections; lower max_connections here, or raise it there"))
            }
            1129 | 1130 => (
                ErrorKind::Backend,
                format!("{server} lets nobody in from this machine; grant the user access from here"),
            ),
            _ => return translate(error, About::default()).context(format!("connecting to {server}")),
        },
        mysql_async::Error::Io(IoError::Tls(error)) => (ErrorKind::Backend, untrusted(&server, &error.to_string())),
        mysql_async::Error::Io(IoError::Io(io)) => match io.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(error) => (ErrorKind::Backend, untrusted(&server, &error.to_string())),
            None if io.to_string().contains("lookup address") => {
                (lost, format!("there is no address of the host `{}`; check its name, and the network", config.host()))
            }
            None => (lost, format!("{server} can't be reached ({io}); check that it runs, and the network")),
        },
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            (ErrorKind::Backend, format!("{server} offers no TLS; give it a certificate, or do without"))
        }
        mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { .. }) => (
            ErrorKind::Unsupported,
            format!("{server} wants the user `{}` to log in by a way that is not supported", config.user()),
        ),
        _ => (lost, format!("{server} can't be reached; check that a MySQL or MariaDB server runs there")),
    };
    Error::new(kind, said).with_source(error)
}

fn untrusted(server: &str, why: &str) -> String {
    format!("{server} can't be trusted ({why}); check its certificate, or give the authority that signed it")
}

const LOST: [u16; 9] = [1053, 1077, 1079, 1158, 1159, 1160, 1161, 1927, IDLE_TOO_LONG];
/// The client was disconnected because of inactivity: said in answer to the next command.
const IDLE_TOO_LONG: u16 = 4031;

fn translate(error: mysql_async::Error, about: About<'_>) -> Error {
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
enum Kind {
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
fn kind(code: u16) -> Option<Kind> {
    Some(match code {
        1062 | 1169 | 1557 | 1586 | 1859 => Kind::Constraint(ConstraintKind::Unique),
        1048 | 1263 | 1364 | 1566 => Kind::Constraint(ConstraintKind::NotNull),
        1216 | 1217 | 1451 | 1452 | 1834 => Kind::Constraint(ConstraintKind::ForeignKey),
        3819 | 4025 => Kind::Constraint(ConstraintKind::Check),
        1213 | 1020 | 1614 | 3101 | 3572 => Kind::Conflict,
        1205 => Kind::Busy,
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
            let constraint = constraint(kind, message, about.table);
            let said = violated(&constraint);
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

fn violated(constraint: &Constraint) -> String {
    let mut said = format!("{} constraint failed", constraint.kind);
    if let Some(table) = &constraint.table {
        said.push_str(&format!(": {table}"));
        if !constraint.columns.is_empty() {
            said.push_str(&format!(".{}", constraint.columns.join(", ")));
        }
    }
    if let Some(name) = constraint.name.as_deref().filter(|name| *name != PRIMARY) {
        said.push_str(&format!(" (`{name}`)"));
    }
    said
}

/// What the servers call the index of every primary key.
const PRIMARY: &str = "PRIMARY";

fn constraint(kind: ConstraintKind, message: &str, table: Option<&Table>) -> Constraint {
    let constraint = Constraint::new(kind);
    match kind {
        ConstraintKind::Unique => unique(message, table),
        ConstraintKind::NotNull => match (quoted(message, '\''), table) {
            (Some(column), Some(table)) => constraint.on(table.name(), vec![column.to_owned()]),
            (Some(column), None) => {
                let mut constraint = constraint;
                constraint.columns.push(column.to_owned());
                constraint
            }
            _ => constraint,
        },
        ConstraintKind::ForeignKey => foreign_key(message, constraint),
        ConstraintKind::Check => {
            let name = quoted(message, '`').or_else(|| quoted(message, '\''));
            let constraint = match table {
                Some(table) => constraint.on(table.name(), Vec::new()),
                None => constraint,
            };
            match name {
                // MariaDB calls the check of a column `table`.`column`.
                Some(name) => constraint.named(name.rsplit_once("`.`").map_or(name, |(_, name)| name)),
                None => constraint,
            }
        }
        _ => constraint,
    }
}

/// Reads `Duplicate entry '...' for key 'name'`, and MySQL's `... for key 'table.name'`.
fn unique(message: &str, table: Option<&Table>) -> Constraint {
    let named = message.rsplit_once(" for key ").map(|(_, name)| name.trim_matches(['\'', '`']));
    let Some(named) = named else {
        return Constraint::new(ConstraintKind::Unique);
    };
    let Some(table) = table else {
        let name = named.rsplit_once('.').map_or(named, |(_, name)| name);
        let kind = if name == PRIMARY { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique };
        return Constraint::new(kind).named(name);
    };
    let name = named.strip_prefix(table.name()).and_then(|name| name.strip_prefix('.')).unwrap_or(named);
    let columns = |columns: &[usize]| columns.iter().map(|&column| table.column(column).name.to_string()).collect();
    if name == PRIMARY {
        return Constraint::new(ConstraintKind::PrimaryKey).on(table.name(), columns(table.key())).named(name);
    }
    let index = table.indexes().iter().find(|index| index.name.eq_ignore_ascii_case(name));
    let columns = index.map(|index| columns(&index.columns)).unwrap_or_default();
    Constraint::new(ConstraintKind::Unique).on(table.name(), columns).named(name)
}

/// Reads ``... fails (`database`.`table`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES ...``.
fn foreign_key(message: &str, constraint: Constraint) -> Constraint {
    let Some((place, rest)) = message.split_once(", CONSTRAINT ") else {
        return constraint;
    };
    let table = place.rsplit_once("`.`").map(|(_, table)| table.trim_end_matches('`').to_owned());
    let name = quoted(rest, '`').map(str::to_owned);
    let columns = rest
        .split_once("FOREIGN KEY (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(columns, _)| columns.split(", ").map(|column| column.trim_matches('`').to_owned()).collect());
    let constraint = match table {
        Some(table) => constraint.on(table, columns.unwrap_or_default()),
        None => constraint,
    };
    match name {
        Some(name) => constraint.named(name),
        None => constraint,
    }
}

/// Reads `... for column 'name' at row 1`, and MariaDB's ``... for column `database`.`table`.`name` at row 1``.
fn column_of_data(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once(" column ")?;
    let named = rest.rsplit_once(" at row ").map_or(rest, |(named, _)| named);
    let named = named.rsplit_once("`.`").map_or(named, |(_, name)| name);
    Some(named.trim_matches(['\'', '`'])).filter(|name| !name.is_empty())
}

/// What stands between the first two marks.
fn quoted(message: &str, mark: char) -> Option<&str> {
    let (_, rest) = message.split_once(mark)?;
    rest.split_once(mark).map(|(quoted, _)| quoted)
}

fn lowered(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_messages_of_both_servers_give_the_index() {
        for message in
            ["Duplicate entry 'a for key b' for key 'by_name'", "Duplicate entry 'x' for key 'users.by_name'"]
        {
            let found = unique(message, None);
            assert_eq!((found.kind, found.name.as_deref()), (ConstraintKind::Unique, Some("by_name")), "{message}");
        }
        assert_eq!(unique("Duplicate entry '1' for key 'users.PRIMARY'", None).kind, ConstraintKind::PrimaryKey);
    }

    #[test]
    fn foreign_key_messages_give_table_columns_and_name() {
        let message = "Cannot add or update a child row: a foreign key constraint fails (`db`.`child`, CONSTRAINT \
                       `fk` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`x`, `y`))";
        let found = foreign_key(message, Constraint::new(ConstraintKind::ForeignKey));
        assert_eq!(found.table.as_deref(), Some("child"));
        assert_eq!(found.columns, ["a", "b"]);
        assert_eq!(found.name.as_deref(), Some("fk"));
    }

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
