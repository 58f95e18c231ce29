//! The files of a folder, as text that is part of the program.

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};

/// An expression of type `&[(&str, &str)]`: names and texts of the files that end in `.sql`, by name.
pub(crate) fn expand(folder: &LitStr) -> Result<TokenStream> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let path = package.join(folder.value());
    let mut files = read(&path).map_err(|error| {
        let said = format!("the folder {} can't be read: {error}; the path is relative to Cargo.toml", path.display());
        Error::new(folder.span(), said)
    })?;
    files.sort();
    let mut pairs = Vec::with_capacity(files.len());
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str());
        let (Some(name), Some(path)) = (name, file.to_str()) else {
            return Err(Error::new(folder.span(), format!("the name {} is not UTF-8", file.display())));
        };
        // By `include_str` the compiler knows that the program depends on the file.
        pairs.push(quote! { (#name, ::core::include_str!(#path)) });
    }
    Ok(quote! { &[#(#pairs),*] })
}

fn read(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    Ok(files)
}
