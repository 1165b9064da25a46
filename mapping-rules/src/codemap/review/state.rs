//! The states of a row of a code map, and the moves between them.
//!
//! ```text
//!            ┌──────────────────────────────── reopen ───────────────────────────────┐
//! (no row) → proposed → draft → reviewed → accepted                                  │
//!                 └───────┴────────┴──────→ rejected, no-map ────────────────────────┘
//! ```

use crate::diagnostic::Text;

/// `status` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A program found it; nobody has looked.
    Proposed,
    /// Somebody works on it.
    Draft,
    /// Somebody finds it right; it does not serve yet.
    Reviewed,
    /// It serves.
    Accepted,
    /// It serves, because it was the only exact match and nobody was asked.
    Auto,
    Rejected,
    /// There is no standard code for this house code.
    NoMap,
}

/// What somebody does with a row: the state that it is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Propose,
    Draft,
    Review,
    Accept,
    Reject,
    NoMap,
    /// Back to draft: it is not decided any more.
    Reopen,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Proposed,
        Self::Draft,
        Self::Reviewed,
        Self::Accepted,
        Self::Auto,
        Self::Rejected,
        Self::NoMap,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Draft => "draft",
            Self::Reviewed => "reviewed",
            Self::Accepted => "accepted",
            Self::Auto => "auto",
            Self::Rejected => "rejected",
            Self::NoMap => "no-map",
        }
    }

    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Event {
    pub const ALL: [Self; 7] = [
        Self::Propose,
        Self::Draft,
        Self::Review,
        Self::Accept,
        Self::Reject,
        Self::NoMap,
        Self::Reopen,
    ];

    /// As people ask for it: the state that comes of it, or `reopen`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Propose => "proposed",
            Self::Draft => "draft",
            Self::Review => "reviewed",
            Self::Accept => "accepted",
            Self::Reject => "rejected",
            Self::NoMap => "no-map",
            Self::Reopen => "reopen",
        }
    }

    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }
}

/// A move that there is none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Illegal {
    /// `None`: there was no row.
    pub from: Option<State>,
    pub event: Event,
}

impl Illegal {
    pub fn message(&self) -> Text {
        let event = self.event.word();
        let ways: Vec<&str> = Event::ALL
            .into_iter()
            .filter(|event| next(self.from, *event).is_ok())
            .map(Event::word)
            .collect();
        let ways = ways.join(", ");
        match self.from {
            Some(state) => Text::new(
                format!("a row that is {} can't become {event}; {ways} can be asked", state.word()),
                format!("状態 {} の行は {event} にできません（可能: {ways}）", state.word()),
            ),
            None => Text::new(
                format!("there is no such row, so that it can't become {event}; begin with {ways}"),
                format!("該当する行がないため {event} にできません（最初は {ways}）"),
            ),
        }
    }
}

/// What becomes of a row, and of one that is not there yet. The only place that decides it.
pub fn next(from: Option<State>, event: Event) -> Result<State, Illegal> {
    use Event::{Accept, Draft, NoMap, Propose, Reject, Reopen, Review};
    match (from, event) {
        (None, Propose) => Ok(State::Proposed),
        (None | Some(State::Proposed), Draft)
        | (
            Some(State::Reviewed | State::Accepted | State::Auto | State::Rejected | State::NoMap),
            Reopen,
        ) => Ok(State::Draft),
        (Some(State::Draft), Review) => Ok(State::Reviewed),
        // Whoever looks at what was accepted by itself may say that it is right.
        (Some(State::Reviewed | State::Auto), Accept) => Ok(State::Accepted),
        (Some(State::Proposed | State::Draft | State::Reviewed | State::Auto), Reject) => {
            Ok(State::Rejected)
        }
        (None | Some(State::Proposed | State::Draft | State::Reviewed), NoMap) => Ok(State::NoMap),
        (None, Review | Accept | Reject | Reopen)
        | (Some(State::Proposed), Propose | Review | Accept | Reopen)
        | (Some(State::Draft), Propose | Draft | Accept | Reopen)
        | (Some(State::Reviewed), Propose | Draft | Review)
        | (Some(State::Accepted), Propose | Draft | Review | Accept | Reject | NoMap)
        | (Some(State::Auto), Propose | Draft | Review | NoMap)
        | (
            Some(State::Rejected | State::NoMap),
            Propose | Draft | Review | Accept | Reject | NoMap,
        ) => Err(Illegal { from, event }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_is_one_of_the_table() {
        // proposed draft reviewed accepted rejected no-map reopen
        for (from, expected) in [
            (None, "proposed draft - - - no-map -"),
            (Some(State::Proposed), "- draft - - rejected no-map -"),
            (Some(State::Draft), "- - reviewed - rejected no-map -"),
            (Some(State::Reviewed), "- - - accepted rejected no-map draft"),
            (Some(State::Accepted), "- - - - - - draft"),
            (Some(State::Auto), "- - - accepted rejected - draft"),
            (Some(State::Rejected), "- - - - - - draft"),
            (Some(State::NoMap), "- - - - - - draft"),
        ] {
            let found = Event::ALL.map(|event| next(from, event).map_or("-", State::word));
            assert_eq!(found.join(" "), expected, "{from:?}");
        }
    }

    #[test]
    fn the_words_are_those_of_the_file() {
        let mut words = State::ALL.map(State::word);
        let mut known = crate::codemap::table::STATES;
        words.sort_unstable();
        known.sort_unstable();
        assert_eq!(words, known);
        let illegal = Illegal { from: Some(State::Proposed), event: Event::Accept };
        assert!(illegal.message().en.contains("draft, rejected, no-map"), "{illegal:?}");
    }
}
