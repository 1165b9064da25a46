//! The table of what can be wrong with a resource: a code that stays, its severity, and what is said
//! about it.
//!
//! `{e}` stands for the element, `{f}` for what was found, `{a}` for what is allowed.
//! 10xx structure, 11xx primitive values, 12xx cardinality, 13xx slicing, 14xx fixed values and
//! patterns, 15xx terminology, 16xx references, 17xx invariants, 18xx bundles, 19xx narratives,
//! 20xx reading, 21xx profiles.

use crate::outcome::{IssueSeverity, IssueType};

/// What is always the same about a kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// `V1001`
    pub id: &'static str,
    pub severity: IssueSeverity,
    pub issue_type: IssueType,
    pub english: &'static str,
    pub japanese: &'static str,
    pub mend_english: &'static str,
    pub mend_japanese: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $issue:ident
        $english:literal $japanese:literal $mend:literal $mend_ja:literal)*) => {
        /// Which rule was broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($name),* }

        impl Code {
            /// All codes, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn entry(self) -> Entry {
                match self {
                    $(Self::$name => Entry {
                        id: $id,
                        severity: IssueSeverity::$severity,
                        issue_type: IssueType::$issue,
                        english: $english,
                        japanese: $japanese,
                        mend_english: $mend,
                        mend_japanese: $mend_ja,
                    }),*
                }
            }
        }
    };
}

codes! {
    UnknownElement "V1001" Error Structure
        "{e} has no element {f}" "{e} に要素 {f} はありません"
        "remove it, or mend its name" "削除するか、名前を直してください"
    UnknownResourceType "V1002" Error Structure
        "{f} is not a resource type of R4" "{f} は R4 のリソース型ではありません"
        "set resourceType to a type of R4" "resourceType に R4 の型を設定してください"
    NotPrimitive "V1003" Error Structure
        "{e} is {f}, but a value is expected: {a}" "{e} は {f} ですが、値（{a}）でなければなりません"
        "write the value itself" "値そのものを書いてください"
    NotComplex "V1004" Error Structure
        "{e} is a value, but an element with children is expected: {a}"
        "{e} は値ですが、子要素を持つ要素（{a}）でなければなりません"
        "write an object of this type" "この型のオブジェクトを書いてください"
    NotList "V1005" Error Structure
        "{e} is not written as a list" "{e} が配列として書かれていません"
        "write it in an array, even a single one" "1個でも配列に入れてください"
    List "V1006" Error Structure
        "{e} is written as a list, but there is at most one" "{e} は最大1個なのに配列として書かれています"
        "write it without the array" "配列をはずしてください"
    Empty "V1007" Error Invalid
        "{e} is empty: {f}" "{e} が空です（{f}）"
        "give it a value or leave it out" "値を設定するか、省略してください"
    Null "V1008" Error Invalid
        "{e} is null" "{e} が null です"
        "leave it out" "省略してください"
    WrongType "V1009" Error Structure
        "{e} has the type {f}; allowed here: {a}" "{e} の型は {f} です。使える型: {a}"
        "use one of the allowed types" "使える型で書いてください"
    WrongForm "V1010" Error Value
        "{e} is written as {f}; its type {a} is written otherwise"
        "{e} が {f} として書かれていますが、型 {a} の書き方ではありません"
        "write numbers and booleans without quotes, everything else with quotes"
        "数値と真偽値は引用符なし、他は引用符ありで書いてください"
    OutOfOrder "V1011" Error Structure
        "{e} is out of order: it comes before {a}" "{e} の順序が違います（{a} より前に書く要素です）"
        "write the elements of XML in R4's order" "XML の要素は R4 の定義順に書いてください"
    ResourceTypeNotAllowed "V1012" Error Structure
        "a resource of type {f} may not be here; allowed: {a}"
        "型 {f} のリソースはここでは使えません。使える型: {a}"
        "put a resource of an allowed type here" "使える型のリソースにしてください"
    ExtensionUnknown "V1013" Error Extension
        "the extension {f} is not known" "拡張 {f} の定義が見つかりません"
        "add the package that defines it, or remove it" "定義のあるパッケージを追加するか、削除してください"
    ExtensionContext "V1014" Error Extension
        "the extension {f} may not be on {e}; allowed on: {a}"
        "拡張 {f} は {e} では使えません。使える場所: {a}"
        "move it to an element where it is allowed" "使える要素に移してください"
    ExtensionUrl "V1015" Error Extension
        "an extension needs a url that is absolute: {f}" "拡張には絶対 URL の url が必要です（{f}）"
        "set url to the canonical URL of the extension" "url に拡張の正規 URL を設定してください"
    ExtensionModifier "V1016" Error Extension
        "the extension {f} belongs in {a}" "拡張 {f} は {a} に書く必要があります"
        "move it there" "そちらに移してください"
    SubExtension "V1017" Error Extension
        "the extension has no part {f}; its parts: {a}" "この拡張に {f} という部分はありません。部分: {a}"
        "use a part that the extension defines" "拡張が定義する部分を使ってください"
    DuplicateId "V1018" Error Invalid
        "the id {f} is there twice" "id {f} が重複しています"
        "give each element its own id" "要素ごとに別の id を付けてください"
    ExtensionNotChecked "V1019" Information NotSupported
        "the extension {f} is defined in no package that is loaded: it was not checked"
        "拡張 {f} の定義が読み込まれていないため、確認していません"
        "add the package that defines it" "定義のあるパッケージを追加してください"
    PrimitiveValue "V1101" Error Value
        "{e} is not a {a}" "{e} は {a} の形式ではありません"
        "write it as the type asks" "型の形式どおりに書いてください"
    TooLong "V1102" Error TooLong
        "{e} has {f} characters, at most {a} are allowed" "{e} は {f} 文字です（最大 {a} 文字）"
        "shorten it" "短くしてください"
    TooShort "V1103" Error Value
        "{e} has {f} characters, at least {a} are needed" "{e} は {f} 文字です（最小 {a} 文字）"
        "give the whole value" "値を全部書いてください"
    OutOfRange "V1104" Error Value
        "{e} is outside the allowed range {a}" "{e} が範囲 {a} の外です"
        "correct the value" "値を直してください"
    NoTimeZone "V1105" Error Value
        "{e} has a time without a time zone" "{e} の時刻に時差（タイムゾーン）がありません"
        "add the offset, as +09:00" "+09:00 のような時差を付けてください"
    RelativeUri "V1106" Error Value
        "{e} must be an absolute URI" "{e} は絶対 URI でなければなりません"
        "write the URI with its scheme" "スキームから書いてください"
    ValueRequired "V1108" Error Required
        "{e} needs a value, not only extensions" "{e} には拡張だけでなく値が必要です"
        "give the value" "値を書いてください"
    BoundUnknown "V1109" Warning Value
        "{e} can not be compared with the bound {a}, so it was not checked"
        "{e} は境界 {a} と比べられないため、確認していません"
        "write it with the same precision or unit" "同じ精度・単位で書いてください"
    HtmlTag "V1110" Warning Security
        "{e} has what looks like an HTML tag" "{e} に HTML タグのような文字列があります"
        "write plain text" "タグを除いて、文字だけで書いてください"
    Digits "V1111" Warning Value
        "{e} is a number that many receivers can not hold: {f}; they hold {a}"
        "{e} は多くのシステムが保持できない数値です（{f}）。保持できるのは {a} です"
        "round it to what was measured" "測定した桁数に丸めてください"
    Minimum "V1201" Error Required
        "{e} is missing: {a} needed, {f} found" "{e} がありません（{a}個以上必要・{f}個）"
        "add it" "追加してください"
    Maximum "V1202" Error Structure
        "{e} is there {f} times, at most {a} allowed" "{e} が {f} 個あります（最大 {a} 個）"
        "remove what is too many" "余分なものを削除してください"
    SliceMinimum "V1301" Error Required
        "the slice {e} is missing: {a} needed, {f} found" "スライス {e} がありません（{a}個以上必要・{f}個）"
        "add an item that belongs to the slice" "このスライスに当てはまる項目を追加してください"
    SliceMaximum "V1302" Error Structure
        "the slice {e} is there {f} times, at most {a} allowed" "スライス {e} が {f} 個あります（最大 {a} 個）"
        "remove what is too many" "余分なものを削除してください"
    SliceClosed "V1303" Error Structure
        "{e} belongs to no slice, and no other items are allowed; the nearest is {a}: {f}"
        "{e} はどのスライスにも当てはまらず、他の項目は使えません。最も近いスライスは {a} です: {f}"
        "mend the value that tells the slice" "スライスを決める値を直してください"
    SliceOrder "V1304" Error Structure
        "{e} is out of order: {f} after {a}" "{e} の順序が違います（{a} の後に {f}）"
        "put the items in the profile's order" "プロファイルの順に並べてください"
    SliceAmbiguous "V1305" Error Structure
        "{e} belongs to several slices: {f}" "{e} が複数のスライスに当てはまります: {f}"
        "make the item belong to one slice" "1つのスライスだけに当てはまるようにしてください"
    Fixed "V1401" Error Value
        "{e} must be {a}" "{e} は {a} でなければなりません"
        "set the fixed value" "固定値を設定してください"
    Pattern "V1402" Error Value
        "{e} must contain {a}" "{e} は {a} を含まなければなりません"
        "set the values of the pattern" "パターンの値を設定してください"
    NotInValueSet "V1501" Error CodeInvalid
        "{f} is not in the value set {a}" "{f} は値セット {a} にありません"
        "use a code of the value set" "値セットのコードを使ってください"
    NotInExtensible "V1502" Warning CodeInvalid
        "{f} is not in the value set {a}, from which codes should come"
        "{f} は使うべき値セット {a} にありません"
        "use a code of the value set if one fits" "合うコードがあれば値セットから使ってください"
    NoCode "V1503" Error CodeInvalid
        "{e} has no code, and one of the value set {a} is required" "{e} にコードがありません（値セット {a} のコードが必須）"
        "add a coding with system and code" "system と code のあるコードを追加してください"
    NotChecked "V1504" Information NotSupported
        "the codes of {a} are not loaded: {e} was not checked" "{a} のコードが読み込まれていないため、{e} は確認していません"
        "import the master or add the package that holds them" "マスタを取り込むか、パッケージを追加してください"
    WrongDisplay "V1505" Warning CodeInvalid
        "the display of {f} is wrong; right: {a}" "{f} の表示名が違います。正: {a}"
        "use the display of the code system" "コード体系の表示名を使ってください"
    UnknownCode "V1506" Error CodeInvalid
        "the code system {a} has no code {f}" "コード体系 {a} にコード {f} はありません"
        "use a code that exists" "存在するコードを使ってください"
    SystemIsValueSet "V1507" Error CodeInvalid
        "{f} is a value set, not a code system" "{f} は値セットで、コード体系ではありません"
        "set system to the code system" "system にコード体系を設定してください"
    SystemIsSupplement "V1508" Error CodeInvalid
        "{f} only adds to another code system and is none itself"
        "{f} は他のコード体系への補足で、コード体系としては使えません"
        "set system to the code system that it adds to" "補足先のコード体系を system に設定してください"
    SupplementContent "V1509" Error BusinessRule
        "a code system that supplements another one has the content {a}, not {f}"
        "他のコード体系への補足の content は {a} でなければなりません（{f}）"
        "set content to supplement" "content に supplement を設定してください"
    ConceptsPresent "V1510" Error BusinessRule
        "the content of the code system is not-present, but there are concepts"
        "content が not-present なのに concept があります"
        "say what of the code system is there, or leave the concepts out"
        "content を実際の内容に合わせるか、concept を省略してください"
    ConceptCount "V1511" Error BusinessRule
        "the code system counts {a} concepts and has {f}" "count は {a} ですが、concept は {f} 個です"
        "mend the count, or say that it is not complete" "count を直すか、content を complete 以外にしてください"
    FilterValue "V1512" Error CodeInvalid
        "the value of the filter on {f} must be: {a}" "{f} のフィルタの値は次のものでなければなりません: {a}"
        "mend the value of the filter" "フィルタの値を直してください"
    NotInRelease "V1513" Warning CodeInvalid
        "the code system {a} had no code {f} when R4 (4.0.1) was published"
        "R4（4.0.1）公開時のコード体系 {a} にコード {f} はありません"
        "use a code that exists; a newer one is known once its code system is added as a package"
        "存在するコードを使ってください。後で追加されたコードの場合は、そのコード体系のパッケージを追加してください"
    ContainedMissing "V1601" Error NotFound
        "the resource contains none with the id {f}" "id {f} の contained リソースがありません"
        "add the contained resource, or mend the reference" "contained を追加するか、参照を直してください"
    TargetType "V1602" Error Structure
        "{e} refers to a {f}; allowed: {a}" "{e} は {f} を参照しています。参照できる型: {a}"
        "refer to a resource of an allowed type" "参照できる型のリソースを参照してください"
    ReferenceForm "V1603" Error Invalid
        "{e} is neither Type/id nor an absolute URL" "{e} は Type/id でも絶対 URL でもありません"
        "write the reference as Type/id" "Type/id の形で書いてください"
    ContainedUnused "V1604" Error Invalid
        "nothing refers to the contained resource {f}" "contained リソース {f} を参照しているものがありません"
        "refer to it, or remove it" "参照するか、削除してください"
    TargetProfile "V1605" Error Structure
        "{e} refers to a resource that conforms to none of: {a}" "{e} の参照先はどのプロファイルにも適合しません: {a}"
        "refer to a resource that conforms to the profile" "プロファイルに適合するリソースを参照してください"
    Aggregation "V1606" Error Structure
        "{e} refers to a resource that is {f}; allowed: {a}" "{e} の参照先は {f} です。許される形: {a}"
        "put the resource where the profile wants it" "プロファイルが求める場所にリソースを置いてください"
    TypeMismatch "V1607" Error Structure
        "{e} says type {f}, but the target is {a}" "{e} の type は {f} ですが、参照先は {a} です"
        "mend the type" "type を直してください"
    NestedContained "V1608" Error Structure
        "a contained resource may not contain resources" "contained リソースの中に contained は置けません"
        "put all contained resources into the outermost resource" "すべて最も外側のリソースの contained に置いてください"
    Invariant "V1701" Error Invariant
        "{e} breaks the rule {f}: {a}" "{e} が規則 {f} に反しています: {a}"
        "mend what the rule asks for" "規則のとおりに直してください"
    InvariantWarning "V1702" Warning Invariant
        "{e} does not keep the recommendation {f}: {a}" "{e} が推奨規則 {f} に沿っていません: {a}"
        "see what the rule asks for" "規則の内容を確認してください"
    InvariantUnknown "V1703" Warning Processing
        "the rule {f} could not be evaluated on {e}: {a}" "{e} で規則 {f} を評価できませんでした: {a}"
        "check the rule's expression and what it needs" "規則の式と、評価に必要なものを確認してください"
    ExpressionSyntax "V1704" Error Invalid
        "{e} is no FHIRPath: {f}" "{e} は FHIRPath として読めません（{f}）"
        "mend the expression" "式を直してください"
    EntryFullUrl "V1801" Error Required
        "{e} needs a fullUrl" "{e} に fullUrl が必要です"
        "add the fullUrl that identifies the resource" "リソースを識別する fullUrl を追加してください"
    FullUrlForm "V1802" Error Invalid
        "the fullUrl of {e} is not absolute" "{e} の fullUrl が絶対 URL ではありません"
        "write urn:uuid: or a whole URL" "urn:uuid: または完全な URL で書いてください"
    FullUrlId "V1803" Error Invalid
        "the fullUrl of {e} must end with {a}" "{e} の fullUrl は {a} で終わる必要があります"
        "make fullUrl and id agree" "fullUrl と id を合わせてください"
    Unreachable "V1804" Error Invalid
        "{e} can not be reached by references from the first entry" "{e} は先頭のエントリから参照でたどれません"
        "refer to it, or remove it" "参照するか、削除してください"
    NotInBundle "V1805" Error NotFound
        "{e} refers to {f}, which is not in the bundle" "{e} の参照先 {f} がバンドルにありません"
        "add the resource, or mend the reference" "リソースを追加するか、参照を直してください"
    SeveralInBundle "V1806" Error MultipleMatches
        "several entries are {f}" "{f} に当たるエントリが複数あります"
        "give each entry its own fullUrl" "エントリごとに別の fullUrl を付けてください"
    FirstEntry "V1807" Error Invalid
        "the first entry is {f}, not {a}" "先頭のエントリは {a} でなければなりません（{f}）"
        "put it first" "先頭に置いてください"
    LinkTwice "V1808" Error Invalid
        "the link {f} is there twice" "リンク {f} が重複しています"
        "remove one" "1つにしてください"
    EntryId "V1809" Error Required
        "the resource of {e} needs an id" "{e} のリソースに id が必要です"
        "add the id" "id を追加してください"
    NarrativeSyntax "V1901" Error Invalid
        "{e} is not well-formed XHTML in one div" "{e} は1つの div に入った正しい XHTML ではありません"
        "write one div with the XHTML namespace" "XHTML 名前空間の div を1つ書いてください"
    NarrativeElement "V1902" Error Security
        "the narrative may not have {f}" "説明文に {f} は使えません"
        "remove it" "削除してください"
    NarrativeEmpty "V1903" Error Invalid
        "{e} has no text" "{e} に文字がありません"
        "write a text or leave the narrative out" "文章を書くか、省略してください"
    NarrativeLink "V1904" Error Security
        "the narrative links to a place that is not allowed: {f}" "説明文のリンク先が許されません: {f}"
        "remove the link" "リンクを削除してください"
    NotUtf8 "V2001" Error Structure
        "the document is not UTF-8 but {f}" "文書が UTF-8 ではありません（{f}）"
        "save it as UTF-8" "UTF-8 で保存してください"
    ByteOrderMark "V2002" Warning Structure
        "the document starts with a byte order mark" "文書の先頭に BOM があります"
        "save it as UTF-8 without one" "BOM なしの UTF-8 で保存してください"
    TooLarge "V2003" Fatal TooLong
        "the document is too large: {f}" "文書が大きすぎます（{f}）"
        "split it" "分割してください"
    TooDeep "V2004" Fatal TooLong
        "the document is nested too deeply" "文書の入れ子が深すぎます"
        "no resource is that deep: check how it was made" "これほど深いリソースはありません。作成元を確認してください"
    JsonSyntax "V2005" Fatal Structure
        "the JSON is broken: {f} where {a} is expected" "JSON が壊れています（{a} のところに {f}）"
        "mend the JSON there" "その場所の JSON を直してください"
    ControlCharacter "V2006" Fatal Structure
        "a control character stands in a string" "文字列に制御文字がそのまま入っています"
        "escape or remove it" "エスケープするか、削除してください"
    DuplicateName "V2007" Error Structure
        "the name {f} is there twice in an object" "オブジェクトに名前 {f} が重複しています"
        "remove one" "1つにしてください"
    LoneSurrogate "V2008" Error Structure
        "an escape is half a character" "エスケープが文字の半分しかありません（片側サロゲート）"
        "write the whole character" "文字全体を書いてください"
    TwinLength "V2009" Error Structure
        "{f} and _{f} have lists of different lengths" "{f} と _{f} の配列の長さが違います"
        "fill with null" "null で長さを揃えてください"
    TwinOfObject "V2010" Error Structure
        "_{f} is only for primitive values" "_{f} は基本型の値にしか使えません"
        "put id and extension into the element itself" "id と extension は要素の中に書いてください"
    XmlSyntax "V2011" Fatal Structure
        "the XML is not well-formed" "XML が整形式ではありません"
        "mend the XML there" "その場所の XML を直してください"
    XmlForbidden "V2012" Fatal Security
        "the XML has a {f}, which FHIR does not allow" "XML に FHIR で禁じられた {f} があります"
        "remove it" "削除してください"
    Namespace "V2013" Error Structure
        "an element is not in the namespace of FHIR" "要素の名前空間が FHIR のものではありません"
        "write xmlns=\"http://hl7.org/fhir\" on the root" "ルートに xmlns=\"http://hl7.org/fhir\" を書いてください"
    TextContent "V2014" Error Structure
        "text stands between elements" "要素の間に文字があります"
        "put values into the value attribute" "値は value 属性に書いてください"
    UnknownAttribute "V2015" Error Structure
        "{e} has no attribute {f}" "{e} に属性 {f} はありません"
        "remove it" "削除してください"
    NoResourceType "V2016" Fatal Structure
        "the document is no resource: no resourceType" "リソースではありません（resourceType がありません）"
        "give a FHIR resource" "FHIR のリソースを指定してください"
    UnknownProfile "V2101" Error NotFound
        "the profile {f} is not loaded" "プロファイル {f} が読み込まれていません"
        "add the package that holds it" "このプロファイルを含むパッケージを追加してください"
    ProfileType "V2102" Error Structure
        "the profile {f} is for {a}" "プロファイル {f} は {a} 用です"
        "use a profile for this type" "この型のプロファイルを使ってください"
    NoProfileMatch "V2103" Error Structure
        "{e} conforms to none of the profiles: {a}" "{e} はどのプロファイルにも適合しません: {a}"
        "mend the first issue below" "下の最初の問題を直してください"
    TooManyFindings "V2104" Error TooCostly
        "the validation came to its limit of {a}: the rest was not checked"
        "検証が上限（{a}）に達したため、残りは確認していません"
        "mend what was found first, or split the document" "見つかった問題を先に直すか、文書を分割してください"
    ProfileNotChecked "V2105" Warning NotSupported
        "the profile {f} that the resource claims is not loaded, so it was not checked"
        "リソースが宣言するプロファイル {f} が読み込まれていないため、確認していません"
        "add the package that holds it" "このプロファイルを含むパッケージを追加してください"
    ProfileUnusable "V2106" Error Invalid
        "this profile can not be used: {f}" "このプロファイルは使えません（{f}）"
        "mend the definition there, or add what it builds on" "定義を直すか、元になる定義を追加してください"
}
