//! Arguments of the bench programs.

use std::process::ExitCode;
use std::str::FromStr;
use std::vec::IntoIter;

/// What follows an option.
#[derive(Debug)]
pub struct Values {
    option: String,
    rest: IntoIter<String>,
}

impl Values {
    /// The next value.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn text(&mut self) -> Result<String, String> {
        self.rest.next().ok_or(format!("{} needs a value", self.option))
    }

    /// The next value, as a number.
    ///
    /// # Errors
    ///
    /// When there is none, or it is no such number.
    pub fn number<N: FromStr>(&mut self) -> Result<N, String> {
        self.text()?.parse().map_err(|_| format!("{} needs a number", self.option))
    }

    /// The next value, as names between commas.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn names(&mut self) -> Result<Vec<String>, String> {
        Ok(self.text()?.split(',').map(|name| name.trim().to_owned()).collect())
    }
}

/// What an option that is not known is answered with.
///
/// # Errors
///
/// Always.
pub fn unknown(option: &str) -> Result<(), String> {
    Err(format!("unknown option `{option}`"))
}

/// Reads the program's arguments: `set` changes `options` as each says.
///
/// # Errors
///
/// With what to exit instead of measuring: when Cargo only tests, when help is asked for, and when an option is wrong.
pub fn read<T>(
    usage: &str,
    mut options: T,
    set: fn(&mut T, &str, &mut Values) -> Result<(), String>,
) -> Result<T, ExitCode> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so when it benches; when it only tests, there is nothing to do.
    if !given.iter().any(|argument| argument == "--bench") {
        return Err(ExitCode::SUCCESS);
    }
    let mut values = Values { option: String::new(), rest: given.into_iter() };
    while let Some(option) = values.rest.next() {
        values.option.clone_from(&option);
        let result = match option.as_str() {
            "--bench" => Ok(()),
            "--help" => {
                println!("{usage}");
                return Err(ExitCode::SUCCESS);
            }
            option => set(&mut options, option, &mut values),
        };
        if let Err(problem) = result {
            eprintln!("{problem}\n\n{usage}");
            return Err(ExitCode::from(2));
        }
    }
    Ok(options)
}
