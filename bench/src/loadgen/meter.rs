//! Taking figures: warm up, measure for a while, report.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::extension::Agreement;
use super::failure::Failure;
use super::histogram::Histogram;
use super::options::Options;
use super::process::{Process, own_cpu_time};
use super::reader::Piece;
use super::replies::Replies;

/// Counts finished operations and the CPU time that they took during the measured time.
pub(crate) struct Meter {
    /// The program under test: a server, or clients.
    subject: Process,
    origin: Instant,
    /// When the measured time begins and ends, in nanoseconds since `origin`; the beginning is
    /// set to when it was noticed.
    begin: u64,
    end: u64,
    before: Option<CpuTimes>,
    latencies: Histogram,
    /// Of workloads with compression.
    replies: Option<Replies>,
    /// Operations that were recorded when that was last seen to change, and when it was.
    progress: (u64, u64),
    report: Option<String>,
}

impl Meter {
    /// Takes the figures of compression too if that was agreed on.
    pub(crate) fn new(options: &Options, agreement: Option<Agreement>) -> Result<Meter, Failure> {
        Ok(Meter {
            subject: Process::new(options.pid).map_err(Failure::during("process under test"))?,
            origin: Instant::now(),
            begin: options.warmup.as_nanos() as u64,
            end: (options.warmup + options.duration).as_nanos() as u64,
            before: None,
            latencies: Histogram::new(),
            replies: agreement.map(|agreement| Replies::new(options.payload, agreement)),
            progress: (0, 0),
            report: None,
        })
    }

    /// The time now, in nanoseconds since the meter was made.
    pub(crate) fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// Counts one operation that took `latency` nanoseconds.
    pub(crate) fn record(&mut self, latency: u64) {
        self.latencies.record(latency);
    }

    /// Counts a reply that ends with `piece`.
    pub(crate) fn record_reply(&mut self, piece: &Piece<'_>) {
        if let Some(replies) = &mut self.replies {
            replies.record(piece.length, piece.compressed);
        }
    }

    /// Notices the time; to be called after every turn.
    pub(crate) fn handle_time(&mut self) -> Result<(), Failure> {
        let now = self.now();
        self.check_progress(now)?;
        match &self.before {
            None if now >= self.begin => {
                self.before = Some(CpuTimes::read(&self.subject)?);
                self.latencies.clear();
                if let Some(replies) = &mut self.replies {
                    replies.clear();
                    mark_time(&self.subject)?;
                }
                self.progress = (0, now);
                self.end += now - self.begin;
                self.begin = now;
            }
            Some(before) if now >= self.end && self.report.is_none() => {
                let used = CpuTimes::read(&self.subject)?.since(before);
                let time = Duration::from_nanos(now - self.begin);
                let mut figures = self.figures(time, &used)?;
                if let Some(replies) = &self.replies {
                    mark_time(&self.subject)?;
                    figures.extend(replies.figures());
                    figures.push(("residentBytes", resident_bytes(&self.subject)?));
                }
                self.report = Some(json(&figures));
                self.progress.1 = now;
            }
            _ => {}
        }
        Ok(())
    }

    /// The figures once the measured time is over: then nothing new is begun, and what is on its way
    /// has to end, so that nothing is lost unnoticed.
    pub(crate) fn report(&self) -> Option<&String> {
        self.report.as_ref()
    }

    fn check_progress(&mut self, now: u64) -> Result<(), Failure> {
        let (count, since) = self.progress;
        if self.latencies.total() != count {
            self.progress = (self.latencies.total(), now);
        } else if now - since > MAX_STALL {
            return Err(Failure::Peer(
                "the program under test has stopped answering or lost a message",
            ));
        }
        Ok(())
    }

    fn figures(
        &self,
        time: Duration,
        used: &CpuTimes,
    ) -> Result<Vec<(&'static str, f64)>, Failure> {
        let count = self.latencies.total();
        if count == 0 {
            return Err(Failure::Peer("nothing was finished in the measured time"));
        }
        let seconds = time.as_secs_f64();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        let quantile = |share| self.latencies.quantile(share) as f64 / 1e3;
        Ok(vec![
            ("seconds", seconds),
            ("operations", count as f64),
            ("perSecond", count as f64 / seconds),
            ("cpuMicros", each(used.subject)),
            ("mainCpuMicros", each(used.subject_main)),
            ("serverBusy", used.subject.as_secs_f64() / seconds),
            ("loadBusy", used.load.as_secs_f64() / seconds),
            ("p50Micros", quantile(0.5)),
            ("p99Micros", quantile(0.99)),
            ("p999Micros", quantile(0.999)),
            ("maxMicros", self.latencies.max() as f64 / 1e3),
        ])
    }
}

/// CPU times at a moment.
struct CpuTimes {
    subject: Duration,
    subject_main: Duration,
    load: Duration,
}

impl CpuTimes {
    fn read(subject: &Process) -> Result<CpuTimes, Failure> {
        let read = || {
            Ok(CpuTimes {
                subject: subject.cpu_time()?,
                subject_main: subject.main_thread_cpu_time()?,
                load: own_cpu_time()?,
            })
        };
        read().map_err(Failure::during("CPU time of the program under test"))
    }

    fn since(&self, before: &CpuTimes) -> CpuTimes {
        CpuTimes {
            subject: self.subject.saturating_sub(before.subject),
            subject_main: self.subject_main.saturating_sub(before.subject_main),
            load: self.load.saturating_sub(before.load),
        }
    }
}

fn mark_time(subject: &Process) -> Result<(), Failure> {
    subject
        .mark_time()
        .map_err(Failure::during("process under test"))
}

fn resident_bytes(subject: &Process) -> Result<f64, Failure> {
    let bytes = subject.resident_bytes();
    bytes
        .map(|bytes| bytes as f64)
        .map_err(Failure::during("memory of the program under test"))
}

/// A JSON object of finite numbers.
pub(crate) fn json(fields: &[(&str, f64)]) -> String {
    let mut text = String::from("{");
    for (index, (name, value)) in fields.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}\"{name}\":{value}").expect("a String takes everything");
    }
    text.push('}');
    text
}

/// Longest time without a finished operation, in nanoseconds.
const MAX_STALL: u64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::super::frame::Opcode;
    use super::super::options::Options;
    use super::*;

    fn meter(seconds: &str) -> Meter {
        meter_of(seconds, None)
    }

    fn meter_of(seconds: &str, agreement: Option<Agreement>) -> Meter {
        let pid = std::process::id();
        let line = format!("echo --port 1 --pid {pid} --warmup 0 --seconds {seconds}");
        let options = Options::parse(line.split(' ').map(String::from)).unwrap();
        Meter::new(&options, agreement).unwrap()
    }

    #[test]
    fn counts_only_what_ends_after_the_warm_up() {
        let mut meter = meter("0.001");
        meter.record(5_000);
        meter.handle_time().unwrap();
        assert_eq!(meter.report(), None);
        meter.record(1_000);
        meter.record(3_000);
        std::thread::sleep(Duration::from_millis(2));
        meter.handle_time().unwrap();
        meter.record(9_000);
        meter.handle_time().unwrap();
        let report = meter.report().unwrap();
        assert!(report.contains("\"operations\":2,"), "{report}");
        assert!(report.contains("\"maxMicros\":3}"), "{report}");
    }

    #[test]
    fn tells_how_large_replies_are_if_they_may_be_compressed() {
        let agreement = Agreement {
            client_takeover: true,
            server_takeover: true,
            client_window_bits: 15,
        };
        let mut meter = meter_of("0.001", Some(agreement));
        let reply = |length, compressed| Piece {
            opcode: Opcode::TEXT,
            compressed,
            length,
            offset: length,
            bytes: &[],
        };
        meter.record_reply(&reply(99, false));
        meter.handle_time().unwrap();
        meter.record(1_000);
        meter.record_reply(&reply(16, true));
        std::thread::sleep(Duration::from_millis(2));
        meter.handle_time().unwrap();
        let report = meter.report().unwrap();
        let figures = "\"replyBytes\":16,\"compressionRatio\":4,\"plainReplies\":0,";
        assert!(report.contains(figures), "{report}");
        assert!(report.contains("\"residentBytes\":"), "{report}");
    }

    #[test]
    fn fails_if_nothing_was_finished() {
        let mut meter = meter("0.001");
        meter.handle_time().unwrap();
        std::thread::sleep(Duration::from_millis(2));
        assert!(meter.handle_time().is_err());
    }

    #[test]
    fn fails_if_the_server_stops_answering() {
        let mut meter = meter("60");
        meter.record(1);
        meter.check_progress(1).unwrap();
        meter.check_progress(MAX_STALL).unwrap();
        assert!(meter.check_progress(MAX_STALL + 2).is_err());
    }

    #[test]
    fn writes_json() {
        assert_eq!(json(&[("a", 1.0), ("b", 0.25)]), "{\"a\":1,\"b\":0.25}");
    }
}
