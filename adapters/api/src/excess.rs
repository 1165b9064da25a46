//! What an account may do beyond reading (過剰な権限). The source is the only one that knows; the
//! product refuses to start with such an account, and its administrator has to be told what to take
//! away.

/// One right too many, in the words of the source. No row content: names of its objects only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// The right and where it was given: `INSERT, UPDATE on table ehr.PT, granted to PUBLIC`.
    pub right: String,
    /// The source's own command that takes it away.
    pub remedy: String,
    pub gravity: Gravity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// The account can change the source, or more than a reader of it could.
    Writes,
    /// The process could change what it reads, but not by the way in which the source is open: the
    /// right of an operating system on a file.
    Outside,
}
