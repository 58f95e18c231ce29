#![allow(clippy::expect_used, reason = "x")]
mod support;
use std::time::Instant;
use support::near::*;
use support::*;
use thing_driver_api::*;
use thing_test_servers::Instance;
async fn stats(server: &Server) -> Vec<(String, u64, f64)> {
    let info: String = server.run(&[b"INFO", b"commandstats"]).await;
    info.lines()
        .filter_map(|l| {
            let (n, r) = l.strip_prefix("cmdstat_")?.split_once(':')?;
            let calls = r.split("calls=").nth(1)?.split(',').next()?.parse().ok()?;
            let us = r.split("usec_per_call=").nth(1)?.split(',').next()?.parse().ok()?;
            Some((n.to_owned(), calls, us))
        })
        .collect()
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let server = Server::connect(instance.url()).await;
    cache.settle().await.expect("x");
    for near in [false, true] {
        let nears = if near { vec![Near::start(&other, BOUND).await] } else { vec![] };
        let tags = [row_tag(1), LIST_TAGS[0], LIST_TAGS[1]];
        for (what, n) in [("write", 2000), ("settle", 2000), ("fill", 2000), ("hit", 5000)] {
            let _: () = server.run(&[b"CONFIG", b"RESETSTAT"]).await;
            fill(&cache, &object(500), &[row_tag(500)], 1).await;
            let mut times = Vec::new();
            for i in 0..n {
                let key = object(1000 + i);
                let began = Instant::now();
                match what {
                    "write" => write(&cache, &tags, changed(1, 0, 1)).await,
                    "settle" => cache.settle().await.expect("x"),
                    "fill" => {
                        let l = lease(&cache, &key, &[row_tag(1000 + i)]).await;
                        store(&cache, &l, &key, &[row_tag(1000 + i)], 1).await;
                    }
                    _ => {
                        hit(&cache, &object(500)).await;
                    }
                }
                times.push(began.elapsed());
            }
            times.sort();
            println!("near={near} {what}: p50 {:?} p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
            for (n_, calls, us) in stats(&server).await {
                if calls > 50 {
                    println!("    {n_}: {:.2} per op, {us} us", calls as f64 / n as f64);
                }
            }
            cache.void_table(TABLE).await.expect("x");
        }
        drop(nears);
    }
}
