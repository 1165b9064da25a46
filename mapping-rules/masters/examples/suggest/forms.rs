//! Names as hospitals write them: half-width, shortened, in another order.

use unicode_normalization::UnicodeNormalization as _;

/// Half-width kana, letters and digits.
pub fn half(text: &str) -> String {
    const FULL: &str = "ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノ\
                        ハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロワヲンヴー・「」";
    const HALF: &str = "ｧ ｱ ｨ ｲ ｩ ｳ ｪ ｴ ｫ ｵ ｶ ｶﾞ ｷ ｷﾞ ｸ ｸﾞ ｹ ｹﾞ ｺ ｺﾞ ｻ ｻﾞ ｼ ｼﾞ ｽ ｽﾞ ｾ ｾﾞ ｿ ｿﾞ ﾀ ﾀﾞ ﾁ ﾁﾞ ｯ ﾂ ﾂﾞ ﾃ ﾃﾞ ﾄ \
                        ﾄﾞ ﾅ ﾆ ﾇ ﾈ ﾉ ﾊ ﾊﾞ ﾊﾟ ﾋ ﾋﾞ ﾋﾟ ﾌ ﾌﾞ ﾌﾟ ﾍ ﾍﾞ ﾍﾟ ﾎ ﾎﾞ ﾎﾟ ﾏ ﾐ ﾑ ﾒ ﾓ ｬ ﾔ ｭ ﾕ ｮ ﾖ ﾗ ﾘ ﾙ ﾚ ﾛ ﾜ ｦ ﾝ ｳﾞ ｰ ･ ｢ ｣";
    let halves: Vec<&str> = HALF.split(' ').collect();
    let letters: String = text.nfkc().collect();
    letters
        .chars()
        .map(|letter| match FULL.chars().position(|known| known == letter) {
            Some(place) => halves[place].to_owned(),
            None => letter.to_string(),
        })
        .collect()
}

/// Without the maker, and without the units of numbers: アムロジピン錠5「サワイ」 → アムロジピン錠5.
pub fn short_drug(name: &str) -> String {
    let text: String = name.nfkc().collect();
    let text = text.split('「').next().unwrap_or(&text).to_owned();
    ["mg", "μg", "mL", "ml"].iter().fold(text, |text, unit| text.replace(unit, ""))
}

/// The strength in front of the form, which many hospitals write: アマリール1mg錠.
pub fn reordered_drug(name: &str) -> Option<String> {
    let text: String = name.nfkc().collect();
    let begin = text.find(|c: char| c.is_ascii_digit())?;
    let form = ["錠", "カプセル", "散", "細粒", "顆粒"];
    let form = form.iter().find(|form| text[..begin].ends_with(**form))?;
    let end = text[begin..].find('「').map_or(text.len(), |end| begin + end);
    let name = text[..begin].strip_suffix(form)?;
    Some(format!("{name}{}{form}{}", text[begin..end].trim(), &text[end..]))
}

/// What is left when a letter in the middle is left out.
pub fn dropped(name: &str) -> String {
    let count = name.chars().count();
    name.chars().enumerate().filter(|(at, _)| *at != count / 2).map(|(_, c)| c).collect()
}
