//! How much of its allowance an evaluation has used.

use std::cell::Cell;

use super::{context::Limits, error::Fault};

/// Nesting of JSON that is compared. serde_json reads 128 levels by itself; what was built in
/// another way may have more.
const DEPTH_MAX: u32 = 256;

pub(super) struct Budget {
    limits: Limits,
    left: Cell<u64>,
    depth: Cell<u32>,
}

/// Gives its level back when it goes.
pub(super) struct Level<'b>(&'b Cell<u32>);

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self { limits, left: Cell::new(limits.steps_max), depth: Cell::new(0) }
    }

    pub fn spend(&self, steps: usize) -> Result<(), Fault> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Fault::Limit { what: "steps", max: self.limits.steps_max }),
        }
    }

    pub fn spent(&self) -> u64 {
        self.limits.steps_max.saturating_sub(self.left.get())
    }

    /// Before a string of so many bytes is made.
    pub fn spend_string(&self, bytes: usize) -> Result<(), Fault> {
        self.check_string(bytes)?;
        self.spend(1 + bytes / 16)
    }

    /// Whether a string that is being made may become so long.
    pub fn check_string(&self, bytes: usize) -> Result<(), Fault> {
        if bytes <= self.limits.string_bytes_max {
            return Ok(());
        }
        let max = u64::try_from(self.limits.string_bytes_max).unwrap_or(u64::MAX);
        Err(Fault::Limit { what: "bytes in a string", max })
    }

    pub fn deeper(&self) -> Result<Level<'_>, Fault> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_MAX {
            return Err(Fault::Limit { what: "levels of nested JSON", max: u64::from(DEPTH_MAX) });
        }
        self.depth.set(depth);
        Ok(Level(&self.depth))
    }
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
