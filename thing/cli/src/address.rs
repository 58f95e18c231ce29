//! Addresses: URLs of databases and caches, and what of them may be shown.

use std::path::PathBuf;

/// A URL that may hold a password. `Display` and `Debug` hide it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

/// What stands for a password.
const HIDDEN: &str = "***";

impl Address {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password, for drivers.
    pub(crate) fn url(&self) -> &str {
        &self.0
    }

    /// What it begins with, before the first colon.
    pub(crate) fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Whether it leads to another machine.
    pub(crate) fn is_remote(&self) -> bool {
        let Some((_, rest)) = self.0.split_once("://") else { return false };
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let host = place.split(['/', '?']).next().unwrap_or_default();
        let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
        // Without a host it is a socket; a path is percent-encoded.
        let local = host.is_empty() || host == "localhost" || host.starts_with("127.") || host.starts_with('%');
        !local && !host.starts_with("[::1]") && self.scheme() != "sqlite"
    }

    /// The file of a database that is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let rest = self.0.strip_prefix("sqlite:")?;
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let path = decoded(path.strip_prefix("//").unwrap_or(path));
        let in_memory = path.is_empty() || path == ":memory:" || parameters.split('&').any(|p| p == "mode=memory");
        (!in_memory).then(|| path.into())
    }

    /// Whether it is one of a cache that this program knows.
    pub(crate) fn is_cache(&self) -> bool {
        ["redis", "rediss"].contains(&self.scheme())
    }

    pub(crate) fn has_password(&self) -> bool {
        !self.passwords().is_empty()
    }

    /// Hides passwords in a text: those of URLs in it, and the one of this address wherever it stands.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        let shown = self.to_string();
        let mut hidden = hide_in(text);
        for password in self.passwords() {
            // A password that is the name of the user too, or of the host, is no secret, and hiding it hides the message.
            if password.len() >= 4 && !shown.contains(&password) {
                hidden = hidden.replace(&password, HIDDEN);
            }
        }
        hidden
    }

    /// The password as it is written, and as it is meant.
    fn passwords(&self) -> Vec<String> {
        let Some((_, rest)) = self.0.split_once("://") else { return Vec::new() };
        let mut found: Vec<&str> = Vec::new();
        if let Some((user, _)) = rest.rsplit_once('@') {
            found.extend(user.split_once(':').map(|(_, password)| password));
        }
        let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
        let named = parameters.split('&').filter_map(|parameter| parameter.split_once('='));
        found.extend(named.filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
        let written = found.into_iter().filter(|password| !password.is_empty());
        let mut both: Vec<String> = written.flat_map(|password| [password.to_owned(), decoded(password)]).collect();
        both.dedup();
        both
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hide(&self.0))
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Hides the passwords of all URLs in a text.
pub(crate) fn hide_in(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let begin = rest[..at].rfind(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).map_or(0, |b| b + 1);
        // `begin` follows a sign that may be longer than a byte.
        let begin = (begin..=at).find(|&b| rest.is_char_boundary(b)).unwrap_or(at);
        let end = rest[at..].find([' ', '\n', '\t', '"', '`']).map_or(rest.len(), |length| at + length);
        hidden.push_str(&rest[..begin]);
        hidden.push_str(&hide(&rest[begin..end]));
        rest = &rest[end..];
    }
    hidden.push_str(rest);
    hidden
}

/// Hides the password of one URL. What stands before the last `@` counts as user and password, so that a password with
/// signs that should have been encoded is hidden whole.
fn hide(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => match user.split_once(':') {
            Some((name, password)) if !password.is_empty() => (format!("{name}:{HIDDEN}@"), place),
            _ => (format!("{user}@"), place),
        },
        None => (String::new(), rest),
    };
    let place = match place.split_once('?') {
        Some((place, parameters)) => format!("{place}?{}", hide_parameters(parameters)),
        None => place.to_owned(),
    };
    format!("{scheme}://{user}{place}")
}

fn hide_parameters(parameters: &str) -> String {
    let hidden = parameters.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    });
    hidden.collect::<Vec<_>>().join("&")
}

fn is_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    ["pass", "secret", "token"].iter().any(|word| name.contains(word))
}

/// Replaces `%20` and its like; what is not encoded well stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(meant) if byte == b'%' => {
                bytes.push(meant);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_however_they_are_written() {
        for (url, shown) in [
            ("postgres://app:hunter2@localhost/shop", "postgres://app:***@localhost/shop"),
            ("postgres://app:hun@ter2/x@localhost:5432/shop", "postgres://app:***@localhost:5432/shop"),
            (
                "postgres://app@localhost/shop?password=hunter2&sslmode=require",
                "postgres://app@localhost/shop?password=***&sslmode=require",
            ),
            ("redis://:hunter2@cache/0", "redis://:***@cache/0"),
            ("mysql://app@localhost/shop", "mysql://app@localhost/shop"),
            ("sqlite:///var/lib/shop.db?mode=ro", "sqlite:///var/lib/shop.db?mode=ro"),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            let address = Address::new(url);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("hunter2"));
            assert_eq!(address.has_password(), shown.contains(HIDDEN), "{url}");
        }
    }

    #[test]
    fn other_machines_are_told_from_this_one() {
        for near in [
            "sqlite://app.db",
            "postgres:///shop",
            "mysql://a:b@localhost:3306/shop",
            "redis://[::1]:6379",
            "postgres://127.0.0.1",
        ] {
            assert!(!Address::new(near).is_remote(), "{near}");
        }
        for far in ["postgres://a:b@db.example.com/shop", "mysql://10.0.0.1:3306/shop", "redis://[fe80::1]:6379"] {
            assert!(Address::new(far).is_remote(), "{far}");
        }
    }

    #[test]
    fn passwords_are_hidden_in_messages() {
        let address = Address::new("mysql://app:hunter%202@db/shop");
        let told = "can't open \"mysql://app:hunter%202@db/shop\" nor redis://u:other@cache; it said hunter 2 and hunter%202 – é://é";
        let hidden = address.hide_in(told);
        assert!(!hidden.contains("hunter") && !hidden.contains("other"), "{hidden}");
        assert!(hidden.contains("mysql://app:***@db/shop") && hidden.ends_with("– é://é"), "{hidden}");
        let plain = Address::new("postgres://postgres:postgres@db/shop");
        assert_eq!(plain.hide_in("the postgres server is away"), "the postgres server is away");
    }
}
