//! The account that can only read (読み取り専用アカウント): a source whose account can do more is not
//! served. There is no switch for it.

use std::fmt::Write as _;

use genkan_adapter::{Excess, Gravity};
use genkan_mapping::diagnostic::Text;

/// Rights that a message spells out; an account with more of them is not mended one by one.
const SHOWN_MAX: usize = 20;

/// Why the source of this section is not served; `None` if its account can only read.
pub fn refusal(section: &str, excess: &[Excess]) -> Option<Text> {
    let writes: Vec<&Excess> =
        excess.iter().filter(|excess| excess.gravity == Gravity::Writes).collect();
    if writes.is_empty() {
        return None;
    }
    let mut rights = String::new();
    for excess in writes.iter().take(SHOWN_MAX) {
        // To a string nothing fails.
        let _ = write!(rights, "\n  {}\n    {};", excess.right, excess.remedy);
    }
    let more = writes.len().saturating_sub(SHOWN_MAX);
    let (mut en, mut ja) = (rights.clone(), rights);
    if more > 0 {
        let _ = write!(en, "\n  … and {more} more");
        let _ = write!(ja, "\n  … ほか {more} 件");
    }
    Some(Text::new(
        format!(
            "{section} the account can do more than read, and Genkan does not start with it. What it \
             can do, and the command that takes it away:{en}\nGive Genkan an account of its own that \
             can only read. A function that runs with the rights of others and is known to write \
             nothing can be named in `functions_allowed`."
        ),
        format!(
            "{section} このアカウントは読み取り以外のこともできるため、Genkan は起動しません。\
             余分な権限と、それを取り消すコマンド:{ja}\nGenkan 専用の読み取り専用アカウントを使ってください。\
             他者の権限で動く関数のうち、何も書き込まないと分かっているものは `functions_allowed` に\
             書くことができます。"
        ),
    ))
}

/// What the administrator should know, but is no reason not to start.
pub fn warnings(section: &str, excess: &[Excess]) -> Vec<Text> {
    let outside = excess.iter().filter(|excess| excess.gravity == Gravity::Outside);
    let warning = |excess: &Excess| {
        let Excess { right, remedy, .. } = excess;
        Text::new(
            format!(
                "{section} Genkan opens it read-only, but its process has {right}; to be safe: {remedy}"
            ),
            format!(
                "{section} 読み取り専用で開いていますが、プロセスには余分な権限があります（{right}）。対処: {remedy}"
            ),
        )
    };
    outside.map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(number: usize, gravity: Gravity) -> Excess {
        let (right, remedy) = (format!("right {number}."), format!("revoke {number}."));
        Excess { right, remedy, gravity }
    }

    #[test]
    fn rights_are_told_with_their_remedy_and_counted_where_they_are_many() {
        assert_eq!(refusal("[source]", &[excess(1, Gravity::Outside)]), None);
        assert_eq!(warnings("[source]", &[excess(1, Gravity::Outside)]).len(), 1);
        let many: Vec<Excess> = (0..SHOWN_MAX + 3).map(|n| excess(n, Gravity::Writes)).collect();
        let text = refusal("[sources.lab]", &many).expect("it is refused");
        assert_eq!(warnings("[sources.lab]", &many), []);
        for (said, more) in [(&text.en, "and 3 more"), (&text.ja, "ほか 3 件")] {
            for part in ["[sources.lab]", "right 0.", "revoke 19.", "functions_allowed", more] {
                assert!(said.contains(part), "`{part}` is not in {said}");
            }
            assert!(!said.contains("right 20."), "{said}");
        }
    }
}
