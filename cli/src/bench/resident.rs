//! Memory, as Linux tells it.

use std::fs;
use std::io;

/// The bytes of a process that are resident.
///
/// # Errors
/// Where there is no such process, and no Linux.
pub fn of(process: u32) -> io::Result<u64> {
    read(process, "VmRSS:")
}

/// The most that ever were.
///
/// # Errors
/// Where there is no such process, and no Linux.
pub fn peak_of(process: u32) -> io::Result<u64> {
    read(process, "VmHWM:")
}

fn read(process: u32, name: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    in_status(&status, name).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn in_status(status: &str, name: &str) -> Option<u64> {
    let resident = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_among_the_others() {
        let status = "Name:\tx\nVmHWM:\t 456 kB\nVmRSS:\t     123 kB\nThreads:\t1\n";
        assert_eq!(in_status(status, "VmRSS:"), Some(123 << 10));
        assert_eq!(in_status(status, "VmHWM:"), Some(456 << 10));
        assert_eq!(in_status("VmHWM:\t 9 kB\n", "VmRSS:"), None);
        assert_eq!(in_status("VmRSS:\t 9 MB\n", "VmRSS:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_some() {
        assert!(of(std::process::id()).unwrap() > 100 << 10);
        assert!(peak_of(std::process::id()).unwrap() > 100 << 10);
        assert!(of(u32::MAX).is_err());
    }
}
