//! `[site]`: what is constant for the hospital: `site.NAME` in rules, and its wall clock.

use std::collections::BTreeMap;

use chrono::FixedOffset;
use genkan_mapping::Text;
use genkan_mapping::program::Site;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// 10桁医療機関コード
    pub institution_no: String,
    pub name: String,
    #[serde(default = "japan")]
    pub utc_offset: String,
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
}

fn japan() -> String {
    "+09:00".to_owned()
}

impl SiteConfig {
    /// Where rules are looked at without a configuration.
    pub fn example() -> Self {
        SiteConfig {
            institution_no: "1312345670".to_owned(),
            name: "みなと総合病院".to_owned(),
            utc_offset: japan(),
            constants: BTreeMap::new(),
        }
    }

    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn check(&self) -> Result<(), Text> {
        let digits = self.institution_no.bytes().all(|byte| byte.is_ascii_digit());
        if self.institution_no.len() != 10 || !digits {
            return Err(Text::new(
                "[site] institution_no has to be 10 digits (10桁医療機関コード)",
                "[site] institution_no は 10 桁の数字（10桁医療機関コード）です",
            ));
        }
        for reserved in ["institution_no", "name"] {
            if self.constants.contains_key(reserved) {
                return Err(Text::new(
                    format!("[site.constants] `{reserved}` stands in [site] already"),
                    format!("[site.constants]「{reserved}」は [site] にあります"),
                ));
            }
        }
        self.zone().map(|_| ())
    }

    fn zone(&self) -> Result<FixedOffset, Text> {
        self.utc_offset.parse().map_err(|_| {
            Text::new(
                "[site] utc_offset has to be like \"+09:00\"",
                "[site] utc_offset は \"+09:00\" の形です",
            )
        })
    }

    /// # Errors
    /// As [`SiteConfig::check`].
    pub fn site(&self) -> Result<Site, Text> {
        let mut constants = self.constants.clone();
        constants.insert("institution_no".to_owned(), self.institution_no.clone());
        constants.insert("name".to_owned(), self.name.clone());
        Ok(Site { constants, zone: self.zone()? })
    }
}
