//! This process as the system sees it, from `/proc/self`. What can't be read is left out.
//!
//! Spec: <https://man7.org/linux/man-pages/man5/proc.5.html>, and for the names of the metrics
//! <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>

use std::fs;

/// Of user space, for every architecture that Linux runs on today.
const TICKS_A_SECOND: f64 = 100.0;

pub fn resident_bytes() -> Option<u64> {
    resident_in(&fs::read_to_string("/proc/self/status").ok()?)
}

pub fn open_files() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    // The folder itself is open while it is read.
    Some((entries.count() as u64).saturating_sub(1))
}

/// The limit that holds now, of open files.
pub fn open_files_max() -> Option<u64> {
    open_files_in(&fs::read_to_string("/proc/self/limits").ok()?)
}

pub fn processor_seconds() -> Option<f64> {
    processor_in(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// `VmRSS:      1234 kB`
fn resident_in(status: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// `Max open files            1024                 524288               files`
fn open_files_in(limits: &str) -> Option<u64> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The 14th and 15th field; the second is the name, in parentheses, and may hold anything.
fn processor_in(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_files_and_a_limit_of_them() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(open_files().is_some_and(|files| files > 2));
        assert!(open_files_max() > open_files());
        assert!(processor_seconds().is_some());
    }

    #[test]
    fn the_texts_of_the_system_are_read_and_others_are_not() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(open_files_in("Max open files            1024  524288  files \n"), Some(1024));
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(processor_in(stat), Some(2.0));
        for text in ["", "VmRSS: many kB", "Max open files unlimited", "7 (x) S"] {
            assert_eq!((resident_in(text), open_files_in(text)), (None, None), "{text}");
            assert_eq!(processor_in(text), None, "{text}");
        }
    }
}
