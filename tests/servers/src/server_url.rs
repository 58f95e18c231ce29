//! The parts of a URL that the tests exchange.

/// A URL `scheme://login@host:port/database?parameters`, cut into its parts.
pub(crate) struct ServerUrl<'a> {
    /// Scheme and login, with the characters that end them.
    before: &'a str,
    address: &'a str,
    database: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> ServerUrl<'a> {
    pub(crate) fn new(url: &'a str) -> Self {
        let Some(scheme) = url.find("://") else {
            panic!("a url of the form scheme://user:password@host:port/database is needed");
        };
        let authority = scheme + 3;
        let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
        let host = url[authority..end].rfind('@').map_or(authority, |at| authority + at + 1);
        let (path, parameters) = match url[end..].split_once('?') {
            Some((path, parameters)) => (path, Some(parameters)),
            None => (&url[end..], None),
        };
        let database = path.strip_prefix('/').unwrap_or(path);
        Self { before: &url[..host], address: &url[host..end], database, parameters }
    }

    /// `host:port`, with the usual port of the scheme when the URL has none.
    pub(crate) fn address(&self) -> String {
        if self.address.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
            return self.address.to_owned();
        }
        let port = match self.before.split(':').next() {
            Some("postgres" | "postgresql") => 5432,
            Some("mysql") => 3306,
            _ => 6379,
        };
        format!("{}:{port}", self.address)
    }

    pub(crate) fn with_address(&self, address: &str) -> String {
        self.join(address, self.database, self.parameters)
    }

    pub(crate) fn with_database(&self, database: &str) -> String {
        self.join(self.address, database, self.parameters)
    }

    pub(crate) fn with_parameter(&self, parameter: &str) -> String {
        let parameters = match self.parameters {
            Some(others) => format!("{others}&{parameter}"),
            None => parameter.to_owned(),
        };
        self.join(self.address, self.database, Some(&parameters))
    }

    fn join(&self, address: &str, database: &str, parameters: Option<&str>) -> String {
        let mut url = format!("{}{address}", self.before);
        if !database.is_empty() || parameters.is_some() {
            url.extend(["/", database]);
        }
        if let Some(parameters) = parameters {
            url.extend(["?", parameters]);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn the_address_is_exchanged_and_the_rest_stays() {
        let url = ServerUrl::new("postgres://user:p@ss@localhost:5432/name?sslmode=require");
        assert_eq!(url.address(), "localhost:5432");
        assert_eq!(url.with_address("127.0.0.1:9"), "postgres://user:p@ss@127.0.0.1:9/name?sslmode=require");
        assert_eq!(ServerUrl::new("redis://127.0.0.1:6379").with_address("127.0.0.1:9"), "redis://127.0.0.1:9");
    }

    #[test]
    fn the_database_is_exchanged_or_added() {
        assert_eq!(ServerUrl::new("mysql://a@host:1/old?x=y").with_database("new"), "mysql://a@host:1/new?x=y");
        assert_eq!(ServerUrl::new("mysql://a@host:1").with_database("new"), "mysql://a@host:1/new");
    }

    #[test]
    fn a_parameter_is_added_to_others() {
        assert_eq!(ServerUrl::new("postgres://host/name").with_parameter("x=y"), "postgres://host/name?x=y");
        assert_eq!(ServerUrl::new("postgres://host/name?a=b").with_parameter("x=y"), "postgres://host/name?a=b&x=y");
    }

    #[test]
    fn a_missing_port_is_that_of_the_scheme() {
        assert_eq!(ServerUrl::new("postgres://user@host/name").address(), "host:5432");
        assert_eq!(ServerUrl::new("mysql://user:1@host").address(), "host:3306");
        assert_eq!(ServerUrl::new("redis://[::1]").address(), "[::1]:6379");
        assert_eq!(ServerUrl::new("redis://[::1]:7").address(), "[::1]:7");
    }
}
