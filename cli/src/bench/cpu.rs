//! Cores and the time spent on them, as Linux tells it.

use std::io;
use std::time::Duration;

/// The CPU time of all threads of a process. What threads spent that have ended is lost.
///
/// # Errors
/// Where there is no such process, and no Linux.
pub fn time_of(process: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        match std::fs::read_to_string(task?.path().join("schedstat")) {
            Ok(line) => nanos += on_cpu(&line)?,
            // The thread has ended since the directory was read.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(Duration::from_nanos(nanos))
}

/// Runs the calling thread on one core only.
///
/// # Errors
/// If there is no such core.
#[cfg(target_os = "linux")]
pub fn pin(core: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if core >= CpuSet::MAX_CPU {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// Not here.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn pin(_core: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The first of the three numbers: nanoseconds on a core.
fn on_cpu(schedstat: &str) -> io::Result<u64> {
    let first = schedstat.split_whitespace().next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_time() {
        assert_eq!(on_cpu("12345 67 8\n").unwrap(), 12345);
        assert!(on_cpu("").is_err() && on_cpu("x 1 2").is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_spent_some() {
        assert!(time_of(std::process::id()).unwrap() > Duration::ZERO);
        assert!(pin(usize::MAX).is_err());
    }
}
