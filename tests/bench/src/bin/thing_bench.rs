//! Runs Thing alone and prints one line of JSON for each workload.
//!
//! `thing-bench sqlite <file> [W1,W2,…] [scale] [NORMAL|FULL] [cached]`; `thing-bench seed <file>` makes the database.

// A benchmark that meets an error has nothing to recover: it stops with the error.
#![allow(clippy::expect_used)]

use std::path::PathBuf;

use thing_bench::meter::Meter;
use thing_bench::seed::Template;
use thing_bench::subject::Synchronous;
use thing_bench::subjects::Kind;
use thing_bench::suite;
use thing_bench::workload::{Load, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str).filter(|text| !text.is_empty());
    let (Some(database), Some(file)) = (argument(0), argument(1).map(PathBuf::from)) else {
        eprintln!("usage: thing-bench sqlite <file> [W1,W2,...] [scale] [NORMAL|FULL] [cached]");
        std::process::exit(2);
    };
    match database {
        "seed" => return Template::fill(&file),
        "sqlite" => {}
        other => {
            eprintln!("unknown database `{other}`; known is `sqlite`");
            std::process::exit(2);
        }
    }
    let workloads: Vec<Workload> = argument(2)
        .unwrap_or("W1,W2,W3,W8,W9,W6,W4,W5,W7")
        .split(',')
        .map(|name| Workload::named(name).expect("the workloads are W1 to W9 and W6s"))
        .collect();
    let load = Load {
        scale: argument(3).map_or(1.0, |scale| scale.parse().expect("the scale is a number")),
        meter: Meter::default(),
    };
    let synchronous = match argument(4) {
        None | Some("NORMAL") => Synchronous::Normal,
        Some("FULL") => Synchronous::Full,
        Some(other) => panic!("`{other}` is not NORMAL or FULL"),
    };
    let kind = match argument(5) {
        None => Kind::Thing,
        Some("cached") => Kind::ThingCached,
        Some(other) => panic!("unknown variant `{other}`; known is `cached`"),
    };
    suite::runtime().block_on(async {
        let subject = kind.open(&file, synchronous).await;
        for workload in workloads {
            let measured = subject.start(workload, load).await.expect("a workload ends without panic");
            println!("{}", measured.line(kind.name(), workload.name()));
        }
    });
}
