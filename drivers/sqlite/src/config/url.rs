//! URLs: `sqlite:path?parameter=value`.

use std::time::Duration;

use thing_driver_api::Result;
use thing_driver_api::url::{decoded, wrong};

use super::{SqliteConfig, Synchronous};

/// What a URL begins with.
pub(crate) const SCHEME: &str = "sqlite:";

const PARAMETERS: &str = "busy_timeout, cache_size, changes_interval, foreign_keys, max_pages, mode, readers, statement_cache and synchronous";

pub(super) fn parse(url: &str) -> Result<SqliteConfig> {
    let Some(rest) = url.strip_prefix(SCHEME) else {
        return Err(wrong("does not begin with sqlite:"));
    };
    if rest.contains('#') {
        return Err(wrong("holds a #; write it as %23"));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decoded(place.strip_prefix("//").unwrap_or(place))?;
    let mut parameters = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(wrong(&format!("has the parameter {parameter} without a value")));
        };
        if parameters.iter().any(|(known, _)| *known == name) {
            return Err(wrong(&format!("has the parameter {name} twice")));
        }
        parameters.push((name, decoded(value)?));
    }
    let config = if parameters.iter().any(|(name, value)| *name == "mode" && value == "memory") {
        SqliteConfig::memory()
    } else if path.is_empty() {
        return Err(wrong("names no file; for a database in memory write sqlite::memory:"));
    } else {
        SqliteConfig::file(path)
    };
    parameters.into_iter().try_fold(config, |config, (name, value)| set(config, name, &value))
}

fn set(config: SqliteConfig, name: &str, value: &str) -> Result<SqliteConfig> {
    Ok(match name {
        "mode" => mode(config, value)?,
        "busy_timeout" => config.busy_timeout(Duration::from_millis(number(name, value, "milliseconds")?)),
        "changes_interval" => config.changes_interval(Duration::from_millis(number(name, value, "milliseconds")?)),
        "synchronous" => config.synchronous(synchronous(value)?),
        "foreign_keys" => config.foreign_keys(switch(name, value)?),
        "readers" => config.readers(number(name, value, "connections")?),
        "cache_size" => config.cache_size(number(name, value, "bytes")?),
        "statement_cache" => config.statement_cache(number(name, value, "statements")?),
        "max_pages" => config.max_pages(number(name, value, "pages")?),
        _ => return Err(wrong(&format!("has the unknown parameter {name}; there are {PARAMETERS}"))),
    })
}

fn mode(config: SqliteConfig, value: &str) -> Result<SqliteConfig> {
    Ok(match value {
        "ro" if config.in_memory() => {
            return Err(wrong("has mode=ro for a database in memory, which would stay empty"));
        }
        "ro" => config.read_only(true).create_if_missing(false),
        "rw" => config.create_if_missing(false),
        "rwc" | "memory" => config,
        _ => return Err(wrong("has an unknown mode; there are ro, rw, rwc and memory")),
    })
}

fn synchronous(value: &str) -> Result<Synchronous> {
    Ok(match value.to_ascii_lowercase().as_str() {
        "off" => Synchronous::Off,
        "normal" => Synchronous::Normal,
        "full" => Synchronous::Full,
        _ => return Err(wrong("has an unknown value of synchronous; there are off, normal and full")),
    })
}

fn switch(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(wrong(&format!("has an unknown value of {name}; there are true and false"))),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str, unit: &str) -> Result<T> {
    value.parse().map_err(|_| wrong(&format!("has a {name} that is no number of {unit}, or too large")))
}
