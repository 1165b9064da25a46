//! `$review`: what somebody decides of a row is written into the code map.

use genkan_mapping::codemap::MapRow;
use genkan_mapping::codemap::review::{Decision, Event, NotWritten};
use serde_json::{Value, json};

use super::{Call, ReviewRefusal, refused, row_part};
use crate::error::{Error, Refusal};
use crate::review::{Document, Refused};
use crate::terminology::Given;

/// Of a name, a note: they go into one field of a line.
const LETTERS_MAX: usize = 200;

pub async fn run(call: &Call<'_>, mut given: Given) -> Result<Vec<Value>, Error> {
    let local = given.needed("code");
    let state = given.needed("state");
    let by = who(call, &mut given)?;
    let [target, code, valid_from, name, note, version] =
        ["target", "standard", "validFrom", "name", "note", "version"].map(|name| given.text(name));
    for (name, value) in [
        ("code", Some(&local)),
        ("standard", code.as_ref()),
        ("name", name.as_ref()),
        ("note", note.as_ref()),
    ] {
        value.into_iter().for_each(|value| check_text(&mut given, name, value));
    }
    let event = Event::by_word(&state);
    if event.is_none() {
        let words = Event::ALL.map(Event::word).join(", ");
        let en = format!("has to be one of {words}");
        given.refuse("state", Refusal::Invalid, &en, &format!("は {words} のいずれかです"));
    }
    given.end()?;
    let event = event.ok_or(Error::Internal("an event that was checked"))?;
    let on = call.service.wall_clock().date();
    let decision = Decision { local, name, target, code, valid_from, event, by, on, note };
    let (version, row) = written(call, decision, version).await?;
    call.review.written.notify_one();
    // Who did what stands in the file; that it was done, in the log.
    let client = call.exchange.client.name();
    tracing::info!(map = call.code_map.id, state = row.status, %client, "a row of a code map was reviewed");
    Ok(vec![json!({"name": "version", "valueString": version}), row_part(&row)])
}

/// A client that showed its certificate is who decided, and `by` is the person that it names. Where clients
/// are told apart nobody else decides, so that no one can write another's name before their own.
fn who(call: &Call<'_>, given: &mut Given) -> Result<String, Error> {
    let client = &call.exchange.client;
    if !client.is_known() {
        if call.review.only_known {
            return Err(Error::Review(ReviewRefusal::UnknownClient));
        }
        let by = given.needed("by");
        check_text(given, "by", &by);
        return Ok(by);
    }
    let by = given.text("by");
    by.iter().for_each(|by| check_text(given, "by", by));
    let client = client.name();
    Ok(by.map_or_else(|| client.to_string(), |by| format!("{client}: {by}")))
}

fn check_text(given: &mut Given, name: &str, text: &str) {
    if text.chars().count() > LETTERS_MAX || text.chars().any(char::is_control) {
        let en = format!("has at most {LETTERS_MAX} letters, on one line");
        let ja = format!("は {LETTERS_MAX} 文字以内の 1 行です");
        given.refuse(name, Refusal::Invalid, &en, &ja);
    }
}

/// One after the other: files are small, and whoever comes second sees what the first one wrote.
async fn written(
    call: &Call<'_>,
    decision: Decision,
    seen: Option<String>,
) -> Result<(String, MapRow), Error> {
    let (rules, suggester) = (call.service.rules.clone(), call.review.suggester.clone());
    let place = call.map.place();
    let directory = call.review.directory.clone();
    let work = tokio::task::spawn_blocking(move || {
        let map = &rules.code_maps[place];
        let document = Document::read(&directory, &map.id)?;
        if seen.is_some_and(|seen| seen != document.version()) {
            return Err(Refused::Changed);
        }
        let mut rows = document.rows()?;
        let row = rows.decide(map, &decision)?;
        let target = map.targets.iter().find(|target| target.id == row.target);
        let denied = target.is_some_and(|target| {
            !row.code.is_empty() && suggester.denies(&target.system, &row.code)
        });
        let keeps = matches!(decision.event, Event::Reject | Event::NoMap);
        if denied && !keeps {
            return Err(NotWritten::UnknownCode { target: row.target }.into());
        }
        let version = document.replace(&rows, map, suggester.masters())?;
        Ok((version, row))
    });
    let done = work.await.map_err(|_| Error::Internal("a code map could not be written"))?;
    done.map_err(refused)
}
