//! What the operating system knows about the program under test, and about ourselves.

use std::fs;
use std::io;
use std::time::Duration;

/// A running process whose resources are read from outside.
pub(crate) struct Process {
    pid: i32,
    clock: libc::clockid_t,
}

impl Process {
    pub(crate) fn new(pid: i32) -> io::Result<Process> {
        let mut clock = 0;
        // SAFETY: `clock` is a valid place for the result.
        match unsafe { libc::clock_getcpuclockid(pid, &mut clock) } {
            0 => Ok(Process { pid, clock }),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// CPU time of all threads, also of those that have ended.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        read_clock(self.clock)
    }

    /// CPU time of the first thread, which runs JavaScript.
    pub(crate) fn main_thread_cpu_time(&self) -> io::Result<Duration> {
        let text = self.read(&format!("task/{}/schedstat", self.pid))?;
        field(text.split_whitespace().next()).map(Duration::from_nanos)
    }

    /// Memory that the process occupies, in bytes.
    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        let text = self.read("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        field(line.and_then(|line| line.split_whitespace().next())).map(|kib| kib * 1024)
    }

    /// How many descriptors the process may have open at present.
    pub(crate) fn max_open_files(&self) -> io::Result<usize> {
        let text = self.read("limits")?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        match line.and_then(|line| line.split_whitespace().next()) {
            Some("unlimited") => Ok(usize::MAX),
            soft => field(soft).map(|limit| limit as usize),
        }
    }

    /// Asks a server of the benchmark to collect its garbage.
    pub(crate) fn collect_garbage(&self) -> io::Result<()> {
        self.signal(libc::SIGUSR2)
    }

    /// Tells a server of the benchmark that the measured time begins, or ends.
    ///
    /// The signal is one that does nothing to a server which does not listen for it.
    pub(crate) fn mark_time(&self) -> io::Result<()> {
        self.signal(libc::SIGURG)
    }

    fn signal(&self, signal: libc::c_int) -> io::Result<()> {
        // SAFETY: takes no pointers.
        match unsafe { libc::kill(self.pid, signal) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn read(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid))
    }
}

/// CPU time of this process.
pub(crate) fn own_cpu_time() -> io::Result<Duration> {
    read_clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Raises our limit of open descriptors as far as we may and returns it.
pub(crate) fn raise_max_open_files() -> io::Result<usize> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the result.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is initialised and outlives the call.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

fn read_clock(clock: libc::clockid_t) -> io::Result<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the result.
    match unsafe { libc::clock_gettime(clock, &mut time) } {
        0 => Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32)),
        _ => Err(io::Error::last_os_error()),
    }
}

fn field(text: Option<&str>) -> io::Result<u64> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a field of /proc is missing"))
}

/// No process has a higher number (`PID_MAX_LIMIT` of the kernel), nor this one.
pub(crate) const MAX_PID: i32 = 1 << 22;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn counts_the_cpu_time_of_all_threads_ended_ones_too() {
        let process = Process::new(std::process::id() as i32).unwrap();
        let before = process.cpu_time().unwrap();
        let worker = std::thread::spawn(|| {
            let start = own_cpu_time().unwrap();
            while own_cpu_time().unwrap() - start < Duration::from_millis(20) {}
        });
        worker.join().unwrap();
        let used = process.cpu_time().unwrap() - before;
        assert!(used >= Duration::from_millis(20), "{used:?}");
    }

    #[test]
    fn reads_the_main_threads_time_memory_and_limit() {
        let started = Instant::now();
        let process = Process::new(std::process::id() as i32).unwrap();
        assert!(process.main_thread_cpu_time().unwrap() > Duration::ZERO);
        assert!(process.resident_bytes().unwrap() > 100_000);
        let limit = raise_max_open_files().unwrap();
        assert_eq!(process.max_open_files().unwrap(), limit);
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn knows_that_a_process_does_not_exist() {
        assert!(Process::new(MAX_PID).is_err());
    }
}
