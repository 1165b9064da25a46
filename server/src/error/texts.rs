//! What a person is told, where that takes more than a line of the table.

use genkan_adapter::{AdapterError, ErrorCategory};
use genkan_mapping::diagnostic::Text;

use super::is_too_much;
use crate::review::ReviewRefusal;

pub(super) fn unknown_type(resource_type: &str, hint: &Option<String>) -> Text {
    let mut text = Text::new(
        format!("{resource_type} is not offered here; see `/fhir/metadata`"),
        format!("{resource_type} は提供していません。`/fhir/metadata` を見てください"),
    );
    if let Some(near) = hint {
        text.en.push_str(&format!("; did you mean `{near}`?"));
        text.ja.push_str(&format!("（もしかして: {near}）"));
    }
    text
}

pub(super) fn unsupported_coding() -> Text {
    Text::new(
        "bodies are read as they are; send it without `Content-Encoding`",
        "圧縮した本文は受け取りません。`Content-Encoding` なしで送ってください",
    )
}

pub(super) fn body_too_large(bytes_max: usize) -> Text {
    Text::new(
        format!("the body is larger than {bytes_max} bytes"),
        format!("本文が {bytes_max} バイトを超えています"),
    )
}

pub(super) fn uri_too_long(bytes_max: usize) -> Text {
    Text::new(
        format!("the URL is longer than {bytes_max} bytes; use POST `_search`"),
        format!("URL が {bytes_max} バイトを超えています。POST `_search` を使ってください"),
    )
}

pub(super) fn body_timeout(timeout_secs: u64) -> Text {
    Text::new(
        format!("the body did not arrive within {timeout_secs} s"),
        format!("本文が {timeout_secs} 秒以内に届きませんでした"),
    )
}

pub(super) fn request_timeout(timeout_secs: u64) -> Text {
    Text::new(
        format!("no answer within {timeout_secs} s; narrow the search"),
        format!("{timeout_secs} 秒以内に応答できません。検索条件を絞ってください"),
    )
}

pub(super) fn too_many_included(rows_max: usize) -> Text {
    Text::new(
        format!("the includes bring more than {rows_max} resources; ask for a smaller page"),
        format!("_include の結果が合わせて {rows_max} 件を超えます。_count を小さくしてください"),
    )
}

pub(super) fn source_spared() -> Text {
    Text::new(
        "the hospital's system did not answer several times in a row, and is not asked for a moment; \
         try again later",
        "院内システムが続けて応答しなかったため、しばらく問い合わせを止めています。少し待ってから再度\
         お試しください",
    )
}

pub(super) fn source(error: &AdapterError) -> Text {
    match error.category {
        ErrorCategory::Unreachable => Text::new(
            "the hospital's system can't be reached; try again later",
            "院内システムに接続できません。しばらくしてから再度お試しください",
        ),
        ErrorCategory::Busy => Text::new(
            "the hospital's system is busy; try again shortly",
            "院内システムが混み合っています。少し待ってから再度お試しください",
        ),
        ErrorCategory::LimitExceeded if is_too_much(error) => Text::new(
            "this is more than may be asked of the hospital's system at once; narrow the search",
            "院内システムに一度に問い合わせられる量を超えています。検索条件を絞ってください",
        ),
        ErrorCategory::LimitExceeded => Text::new(
            "this takes longer than may be asked of the hospital's system; narrow the search",
            "院内システムに許可された時間を超えています。検索条件を絞ってください",
        ),
        ErrorCategory::Denied => Text::new(
            "the hospital's system refused Genkan's account",
            "院内システムが Genkan のアカウントを拒否しました",
        ),
        ErrorCategory::Mismatch => Text::new(
            "the hospital's system has changed and the rules no longer fit it",
            "院内システムの構造が変わり、規則と合わなくなっています",
        ),
        ErrorCategory::Unreadable => Text::new(
            "the hospital's system answered something that can't be read",
            "院内システムの応答を読み取れません",
        ),
    }
}

pub(super) fn review(reason: &ReviewRefusal) -> Text {
    match reason {
        ReviewRefusal::Off => Text::new(
            "code maps are not reviewed over HTTP here: [codes] review is not set",
            "HTTP によるコード対応表のレビューは無効です（[codes] review）",
        ),
        ReviewRefusal::NoHouseCode => Text::new(
            "nothing is known of this house code: give its `name`, or let rows be read with `rows`",
            "この院内コードの名称が分かりません。name を渡すか、rows で行を読ませてください",
        ),
        ReviewRefusal::Changed => Text::new(
            "the code map was changed meanwhile; nothing was written, look again",
            "コード対応表がその間に変更されたため、書き込みませんでした。読み直してください",
        ),
        ReviewRefusal::File => Text::new(
            "the file of the code map can't be read or written; the log has the reason",
            "コード対応表のファイルを読み書きできません。理由はログにあります",
        ),
        ReviewRefusal::UnknownClient => Text::new(
            "who reviews has to be one of [clients]: this client showed no certificate of theirs",
            "レビューできるのは [clients] に登録された証明書のクライアントだけです",
        ),
        ReviewRefusal::Change(why) => why.message(),
    }
}
