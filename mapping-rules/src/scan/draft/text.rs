//! The text of a drafted rule, in blocks that can be put into comments one by one.

/// Lines that belong together: a section, or an element with everything below it.
struct Block {
    lines: Vec<String>,
    /// Without it there is no rule.
    essential: bool,
    wrong: Option<String>,
}

#[derive(Default)]
pub(super) struct Sheet {
    blocks: Vec<Block>,
    hopeless: bool,
}

impl Sheet {
    /// Lines without which there is no rule.
    pub fn head(&mut self, lines: impl IntoIterator<Item = String>) {
        let lines = lines.into_iter().collect();
        self.blocks.push(Block { lines, essential: true, wrong: None });
    }

    /// Lines that the rule can do without.
    pub fn part(&mut self, lines: impl IntoIterator<Item = String>) {
        let lines = lines.into_iter().collect();
        self.blocks.push(Block { lines, essential: false, wrong: None });
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for Block { lines, wrong, .. } in &self.blocks {
            if let Some(reason) = wrong {
                text.push_str(&format!("  # TODO: {reason}\n"));
            }
            for line in lines {
                match wrong {
                    Some(_) => text.push_str(&format!("  # {}\n", line.trim_start_matches("  "))),
                    None => text.push_str(&format!("{line}\n")),
                }
            }
        }
        text
    }

    /// Puts the blocks of these lines (from 1) into comments.
    pub fn comment_out(&mut self, wrong: Vec<(usize, String)>) {
        for (line, reason) in wrong {
            let mut first = 1;
            for block in &mut self.blocks {
                let lines = block.lines.len() + usize::from(block.wrong.is_some());
                if (first..first + lines).contains(&line) {
                    self.hopeless |= block.essential || block.wrong.is_some();
                    // The lines of the blocks behind it move; they are looked at in the next round.
                    block.wrong.get_or_insert(reason);
                    break;
                }
                first += lines;
            }
        }
    }

    /// Something is wrong that can't be left out.
    pub fn is_hopeless(&self) -> bool {
        self.hopeless
    }
}

/// A name as YAML takes it between brackets.
pub(super) fn yaml_name(name: &str) -> String {
    crate::schema::scalar(name)
}

/// A name that an expression can hold; others have to be renamed by a view.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '#'))
}
