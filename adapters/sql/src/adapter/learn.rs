//! What a server's character set can't express is learnt from its refusals.

use std::sync::Arc;

use futures::TryStreamExt;
use genkan_adapter::{AdapterError, RowQuery};

use super::SqlAdapter;
use crate::driver::Driver;
use crate::failure::Failure;
use crate::repertoire::Repertoire;
use crate::session::Sessions;
use crate::statement::{Cells, Plan};
use crate::ties::Ties;

impl SqlAdapter {
    /// The repertoire without the characters of this query that the server has just refused.
    pub(super) async fn learn<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        query: &RowQuery,
        known: &Arc<Repertoire>,
        failure: Failure,
    ) -> Result<Arc<Repertoire>, AdapterError> {
        let refused = self.probe(sessions, known.suspects(query)).await?;
        if refused.is_empty() {
            return Err(self.classify(failure));
        }
        let mut wiser = Repertoire::clone(known);
        wiser.refused.extend(refused);
        Ok(self.knowledge.keep(wiser))
    }

    /// Asks the server which of these characters it cannot express; halves the text each time.
    async fn probe<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        suspects: Vec<char>,
    ) -> Result<Vec<char>, AdapterError> {
        let mut refused = Vec::new();
        let mut open = vec![suspects];
        while let Some(mut characters) = open.pop() {
            let text: String = characters.iter().collect();
            if text.is_empty() || self.is_expressible(sessions, text).await? {
                continue;
            }
            match characters.as_slice() {
                [only] => refused.push(*only),
                _ => {
                    open.push(characters.split_off(characters.len() / 2));
                    open.push(characters);
                }
            }
        }
        Ok(refused)
    }

    async fn is_expressible<DB: Driver>(
        &self,
        sessions: &Sessions<DB>,
        text: String,
    ) -> Result<bool, AdapterError> {
        let probe = Plan {
            sql: "SELECT CAST($1 AS text)".to_owned(),
            values: vec![text.into()],
            cells: Cells::InOrder(Vec::new()),
            ties: Ties::default(),
        };
        let mut session = self.borrow(sessions).await?;
        let connection = session.start().map_err(|failure| self.classify(failure))?;
        let answer = match DB::rows(&mut **connection, &probe) {
            Ok(rows) => rows.try_for_each(|_| async { Ok(()) }).await,
            Err(error) => Err(error),
        };
        match answer.map_err(Failure::Driver) {
            Ok(()) => {
                session.finish();
                Ok(true)
            }
            Err(failure) if failure.is_untranslatable() => {
                session.finish();
                Ok(false)
            }
            Err(failure) => Err(self.classify(failure)),
        }
    }
}
