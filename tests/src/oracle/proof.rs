//! What is declared, and how much of it was shown to be true: each declaration needs an answer that
//! holds something, one that leaves something out, and none that is wrong.

use std::collections::BTreeMap;
use std::fmt;

use super::claim::Verdict;

/// `Observation?date:sa`, `Observation?_include=Observation:subject`, with what was seen of it.
#[derive(Debug, Default)]
pub struct Proof {
    seen: BTreeMap<String, Seen>,
    wrong: Vec<String>,
    refused: Vec<String>,
    asked: usize,
}

#[derive(Debug, Default)]
struct Seen {
    holds: bool,
    leaves_out: bool,
}

impl Proof {
    /// From here on the declaration counts, whether it is asked or not.
    pub fn declare(&mut self, declaration: &str) {
        self.seen.entry(declaration.to_owned()).or_default();
    }

    /// What became of a claim that holds so many out of so many. A refusal is honest, and proves nothing.
    pub fn note(
        &mut self,
        declaration: &str,
        query: &str,
        (found, all): (usize, usize),
        verdict: Verdict,
    ) {
        self.asked += 1;
        let seen = self.seen.entry(declaration.to_owned()).or_default();
        match verdict {
            Verdict::Right => {
                seen.holds |= found > 0;
                seen.leaves_out |= found < all;
            }
            Verdict::Refused(said) => self.refused.push(format!("{declaration}: {query}: {said}")),
            Verdict::Wrong(said) => self.wrong.push(format!("{declaration}: {query}: {said}")),
        }
    }

    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    pub fn declared(&self) -> usize {
        self.seen.len()
    }

    /// Declarations of which no answer, or only one side, was seen.
    pub fn unproven(&self) -> Vec<&str> {
        let open = self.seen.iter().filter(|(_, seen)| !(seen.holds && seen.leaves_out));
        open.map(|(declaration, _)| declaration.as_str()).collect()
    }

    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (declared, unproven) = (self.declared(), self.unproven());
        write!(
            f,
            "{} of {declared} declarations proven by {} searches; {} unproven, {} wrong; {} searches \
             were refused",
            declared - unproven.len(),
            self.asked,
            unproven.len(),
            self.wrong.len(),
            self.refused.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_proven_by_both_sides() {
        let mut proof = Proof::default();
        for declaration in ["a", "b", "c", "d"] {
            proof.declare(declaration);
        }
        proof.note("a", "a=1", (3, 9), Verdict::Right);
        proof.note("b", "b=1", (9, 9), Verdict::Right);
        proof.note("c", "c=1", (9, 9), Verdict::Right);
        proof.note("c", "c=2", (0, 9), Verdict::Right);
        proof.note("d", "d=1", (3, 9), Verdict::Refused("no such value".to_owned()));
        proof.note("e", "e=1", (3, 9), Verdict::Wrong("two are missing".to_owned()));
        assert_eq!(proof.unproven(), ["b", "d", "e"]);
        assert_eq!(proof.wrong(), ["e: e=1: two are missing"]);
        assert_eq!(proof.declared(), 5);
    }
}
