//! The meter: time, CPU time and allocations of a number of operations.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Starts measurements.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    allocations: Option<fn() -> u64>,
}

impl Meter {
    /// A meter that counts allocations too; `counter` gives those of the process since its start.
    pub fn with_allocations(counter: fn() -> u64) -> Self {
        Self { allocations: Some(counter) }
    }

    /// Starts; `samples` is how many times will be noted.
    pub fn start(self, samples: usize) -> Running {
        let latencies = Vec::with_capacity(samples);
        Running {
            allocations: self.allocations.map(|counter| (counter, counter())),
            latencies,
            cpu: process_cpu(),
            started: Instant::now(),
        }
    }
}

/// A measurement in progress.
#[derive(Debug)]
pub struct Running {
    latencies: Vec<Duration>,
    allocations: Option<(fn() -> u64, u64)>,
    cpu: Duration,
    started: Instant,
}

impl Running {
    /// Runs one operation and notes its time.
    pub async fn time<T>(&mut self, operation: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let result = operation.await;
        self.latencies.push(started.elapsed());
        result
    }

    /// Notes times taken elsewhere.
    pub fn note(&mut self, latencies: &[Duration]) {
        self.latencies.extend_from_slice(latencies);
    }

    /// Ends it.
    pub fn stop(mut self, tasks: usize, operations: usize) -> Measurement {
        let elapsed = self.started.elapsed();
        let cpu = process_cpu().saturating_sub(self.cpu);
        let allocations = self.allocations.map(|(counter, before)| (counter() - before) as f64 / operations as f64);
        self.latencies.sort_unstable();
        let quantile = |part: f64| {
            let at = (self.latencies.len().saturating_sub(1) as f64 * part).round() as usize;
            let latency = self.latencies.get(at).copied().unwrap_or_default();
            latency.as_secs_f64() * 1e6
        };
        Measurement {
            tasks,
            operations,
            seconds: elapsed.as_secs_f64(),
            p50: quantile(0.5),
            p99: quantile(0.99),
            cpu: cpu.as_secs_f64() * 1e6 / operations as f64,
            allocations,
        }
    }
}

/// User and system time of this process.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measurement {
    /// How many tasks worked at the same time.
    pub tasks: usize,
    /// How many operations they did.
    pub operations: usize,
    /// How long that took.
    pub seconds: f64,
    /// Microseconds that half of the operations took at most.
    pub p50: f64,
    /// Microseconds that 99 in 100 operations took at most.
    pub p99: f64,
    /// Microseconds of CPU time of the process for each operation.
    pub cpu: f64,
    /// Allocations for each operation, where they are counted. Those of SQLite itself are not among them.
    pub allocations: Option<f64>,
}

impl Measurement {
    /// Operations per second.
    pub fn rate(&self) -> f64 {
        self.operations as f64 / self.seconds
    }

    /// The measurement of the smaller operations that each operation consisted of.
    #[must_use]
    pub fn shared_by(self, operations: usize) -> Self {
        let part = |value: f64| value / operations as f64;
        Self {
            operations: self.operations * operations,
            p50: part(self.p50),
            p99: part(self.p99),
            cpu: part(self.cpu),
            allocations: self.allocations.map(part),
            ..self
        }
    }

    /// The measurement as one line of JSON.
    pub fn line(&self, peer: &str, workload: &str) -> String {
        let Self { tasks, operations, seconds, p50, p99, cpu, .. } = self;
        let rate = self.rate();
        format!(
            "{{\"peer\":\"{peer}\",\"db\":\"sqlite\",\"workload\":\"{workload}\",\"concurrency\":{tasks},\
             \"ops\":{operations},\"seconds\":{seconds:.6},\"ops_per_s\":{rate:.1},\"p50_us\":{p50:.2},\
             \"p99_us\":{p99:.2},\"cpu_us_per_op\":{cpu:.3}}}"
        )
    }
}
