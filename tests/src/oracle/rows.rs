//! The rows that the proof needs and a small demo hospital lacks: each with the reason why it is there.
//! They are rows as a hospital could have them, in SQL that every engine reads.

use anyhow::{Context, Result};

use crate::harness::{Database, Engine};

/// Why, and the statement.
const ROWS: &[(&str, &str)] = &[
    (
        "masters came with the last replacement, all at one time: an order by _lastUpdated needs several",
        r#"UPDATE "M_SISETU" SET "UPD_DT" = '20220510093000' WHERE "SISETU_CD" = '1411234575'"#,
    ),
    (
        "the same of departments",
        r#"UPDATE "M_KA" SET "UPD_DT" = '20230401060000' WHERE "KA_CD" IN ('02', '05')"#,
    ),
    (
        "the same of wards",
        r#"UPDATE "M_BYOTO" SET "UPD_DT" = '20220901080000' WHERE "BYOTO_CD" = '3W'"#,
    ),
    (
        "the same of rooms",
        r#"UPDATE "M_BASYO" SET "UPD_DT" = '20240115120000' WHERE "BASYO_CD" IN ('G02', '3W1')"#,
    ),
    (
        "the same of staff",
        r#"UPDATE "M_SYOKUIN" SET "UPD_DT" = '20240401090000' WHERE "SYOKUIN_CD" IN ('101002', '200003')"#,
    ),
    (
        "patients to refer to with all that a patient can have: one alive, one dead",
        r#"INSERT INTO "PT_MST" ("PT_ID", "KANJI_NM", "KANA_NM", "SEX", "BIRTH", "TEL", "KEITAI", "ZIP",
            "ADDR", "SIBOU_YMD", "TEST_FLG", "TOUGOU_PT_ID", "DEL_FLG", "TOUROKU_YMD", "UPD_DT") VALUES
            ('0000000901', '潮見　渚', 'ｼｵﾐ ﾅｷﾞｻ', '2', 'S500412', '046-555-0101', '090-5550-0101', '2310801',
             '神奈川県みなと市本町2-2', '', '0', '', '0', '20210405', '20240501100000'),
            ('0000000902', '波多野　亮', 'ﾊﾀﾉ ﾘｮｳ', '1', 'S100203', '046-555-0102', '', '231-0803',
             '神奈川県みなと市汐見台1-9', '20250610', '0', '', '0', '20210406', '20250611090000')"#,
    ),
    (
        "Patient:link and its chains: duplicates of both, and a duplicate of a duplicate",
        r#"INSERT INTO "PT_MST" ("PT_ID", "KANJI_NM", "KANA_NM", "SEX", "BIRTH", "TEL", "KEITAI", "ZIP",
            "ADDR", "SIBOU_YMD", "TEST_FLG", "TOUGOU_PT_ID", "DEL_FLG", "TOUROKU_YMD", "UPD_DT") VALUES
            ('0005000901', '潮見　渚', 'ｼｵﾐ ﾅｷﾞｻ', '2', 'S500412', '046-555-0101', '090-5550-0101', '2310801',
             '神奈川県みなと市本町2-2', '', '0', '0000000901', '0', '20210501', '20240502100000'),
            ('0005000902', '塩見　なぎさ', 'ｼｵﾐ ﾅｷﾞｻ', '2', 'S500412', '', '', '',
             '', '', '0', '0005000901', '0', '20210502', '20240503100000'),
            ('0005000903', '波多野　亮', 'ﾊﾀﾉ ﾘｮｳ', '1', '19350203', '', '', '',
             '', '20250610', '0', '0000000902', '0', '20210503', '20250611100000')"#,
    ),
    (
        "PractitionerRole?date: nobody else came and left within a year, so that no period is inside one",
        r#"UPDATE "M_SYOKUIN" SET "SAIYO_YMD" = '20200401', "TAISYOKU_YMD" = '20200930'
            WHERE "SYOKUIN_CD" = '102004'"#,
    ),
    (
        "Coverage:payor and its chains: a patient who pays, one who died, and one who is a duplicate",
        r#"INSERT INTO "PT_HOKEN" ("PT_ID", "HOKEN_SEQ", "HOKEN_SYU", "HOKENSYA_NO", "KIGOU", "BANGOU",
            "EDABAN", "HONKE_KBN", "KOUHI_NO", "JYUKYU_NO", "YUKO_FROM", "YUKO_TO", "YUKO_FLG", "UPD_DT") VALUES
            ('0000000901', 1, '01', '39131156', 'み５', '187', '05', '1', '', '', '20210401', '99999999', '1', '20240501100000'),
            ('0000000901', 2, '90', '', '', '', '', '1', '', '', '20210401', '20220331', '0', '20220401100000'),
            ('0000000902', 1, '90', '', '', '', '', '1', '', '', '20210406', '99999999', '1', '20210406100000'),
            ('0005000901', 1, '90', '', '', '', '', '', '', '', '20210501', '99999999', '0', '20210501100000')"#,
    ),
    (
        "Group:member and its chains: the same patients, each in another registry",
        r#"INSERT INTO "PT_DAICHO" ("DAICHO_CD", "PT_ID", "TOUROKU_YMD", "KAIJO_YMD", "UPD_DT") VALUES
            ('DM', '0000000901', '20230401', '99999999', '20230401180000'),
            ('CKD', '0000000902', '20230402', '20250610', '20250610180000'),
            ('HF', '0005000901', '20230403', '', '20230403180000')"#,
    ),
    (
        "Encounter:diagnosis and its chains: main diseases with all that a disease can have, and with tags",
        r#"INSERT INTO "PT_BYOMEI" ("PT_ID", "BYOMEI_SEQ", "BYOMEI_CD", "BYOMEI_NM", "START_YMD", "END_YMD",
            "TENKI", "UTAGAI_FLG", "SYUBYO_FLG", "NYUGAI_KBN", "KA_CD", "ISI_CD", "RAIIN_NO", "NYUIN_NO",
            "LTS_FLG", "MIKOKUTI_FLG", "MITEIKYO_FLG", "TOUROKU_YMD", "BIKO", "DEL_FLG", "UPD_DT") VALUES
            ('0000000901', 1, 'B0107', '高血圧症', '20240304', '20240312', '1', '0', '1', '1', '01', '101001',
             '', 'N00000009001', '1', '0', '0', '20240304', '経過良好', '0', '20240312170000'),
            ('0000000902', 1, 'B0121', '２型糖尿病の疑い', '20250601', '', '', '1', '1', '2', '02', '102001',
             'V00000009002', '', '0', '1', '1', '20250601', '', '0', '20250601170000')"#,
    ),
    (
        "the admissions of these diseases",
        r#"INSERT INTO "PT_NYUIN" ("NYUIN_NO", "PT_ID", "NYUIN_DT", "TAIIN_YMD", "KA_CD", "SYUJII_CD", "BYOTO_CD",
            "BASYO_CD", "NYUIN_KEIRO", "TAIIN_KBN", "SYUBYO_SEQ", "STS", "UPD_DT") VALUES
            ('N00000009001', '0000000901', '202403041030', '20240312', '01', '101001', '3E', '3E1', '1', '1', 1,
             '2', '20240312170000'),
            ('N00000009002', '0000000902', '202506021400', '99999999', '02', '102001', '3W', '', '4', '', 1,
             '1', '20250602150000')"#,
    ),
    (
        "the visit at which the second disease was found",
        r#"INSERT INTO "PT_RAIIN" ("RAIIN_NO", "PT_ID", "RAIIN_YMD", "RAIIN_HM", "KA_CD", "ISI_CD", "BASYO_CD",
            "SYOSAI_KBN", "KYUKYU_FLG", "STS", "SYUSO", "UPD_DT") VALUES
            ('V00000009002', '0000000902', '20250601', '0915', '02', '102001', 'G02', '1', '1', '3', 'めまい',
             '20250601120000')"#,
    ),
    (
        "_tag of allergies and contraindications, and the chains to it: the physician's decision is rare",
        r#"INSERT INTO "PT_ALG" ("PT_ID", "ALG_NO", "KBN", "ALG_CD", "ALG_NM", "JUTOKU", "KAKUTEI_KBN", "SYOJO",
            "HASSYO_YMD", "MUKO_FLG", "KA_CD", "ISI_CD", "LTS_FLG", "TOUROKU_YMD", "BIKO", "DEL_FLG", "UPD_DT") VALUES
            ('0000000901', 1, '2', 'F001', '鶏卵', '2', '1', '全身に発疹', '20050000', '0', '01', '101001', '1',
             '20211126', '要確認', '0', '20211126100000')"#,
    ),
    (
        "patient:Patient.link of what was left under the number of a duplicate: an allergy",
        r#"INSERT INTO "PT_ALG" ("PT_ID", "ALG_NO", "KBN", "ALG_CD", "ALG_NM", "JUTOKU", "KAKUTEI_KBN", "SYOJO",
            "HASSYO_YMD", "MUKO_FLG", "KA_CD", "ISI_CD", "LTS_FLG", "TOUROKU_YMD", "BIKO", "DEL_FLG", "UPD_DT") VALUES
            ('0005000901', 1, '2', 'F002', '牛乳', '1', '2', '', '', '0', '01', '101001', '', '20210501', '', '0',
             '20210501100000')"#,
    ),
    (
        "and a disease",
        r#"INSERT INTO "PT_BYOMEI" ("PT_ID", "BYOMEI_SEQ", "BYOMEI_CD", "BYOMEI_NM", "START_YMD", "TENKI",
            "KA_CD", "ISI_CD", "RAIIN_NO", "TOUROKU_YMD", "DEL_FLG", "UPD_DT") VALUES
            ('0005000901', 1, 'B0107', '高血圧症', '20210501', '', '01', '101001', 'V00000009001', '20210501',
             '0', '20210501100000')"#,
    ),
    (
        "and a visit",
        r#"INSERT INTO "PT_RAIIN" ("RAIIN_NO", "PT_ID", "RAIIN_YMD", "RAIIN_HM", "KA_CD", "ISI_CD", "BASYO_CD",
            "SYOSAI_KBN", "KYUKYU_FLG", "STS", "SYUSO", "UPD_DT") VALUES
            ('V00000009001', '0005000901', '20210501', '9999', '01', '101001', 'G01', '2', '0', '3', '',
             '20210501120000')"#,
    ),
    (
        "and an order of the laboratory",
        r#"INSERT INTO "LAB_IRAI" ("IRAI_NO", "PT_ID", "IRAI_DT", "SAISYU_DT", "KA_CD", "ISI_CD", "NYUGAI_KBN",
            "RAIIN_NO", "NYUIN_NO", "GAICHU_FLG", "TORIKESI", "UPD_DT") VALUES
            ('L00000009001', '0005000901', '20210501091500', '20210501093000', '01', '101001', '2',
             'V00000009001', '', '0', '0', '20210501120000')"#,
    ),
    (
        "with its result",
        r#"INSERT INTO "LAB_KEKKA" ("IRAI_NO", "KOUMOKU_CD", "GEN_NO", "LATEST_FLG", "KOUMOKU_NM", "KEKKA",
            "KEKKA_NUM", "TANI", "KIJUN_L", "KIJUN_H", "IJO_FLG", "KEKKA_STS", "HOUKOKU_DT", "GISI_CD", "UPD_DT") VALUES
            ('L00000009001', '00122', 1, '1', 'K', '＜4.2', 4.2, '', '3.6', '4.8', '', 'F', '20210501110000',
             '400001', '20210501110000')"#,
    ),
    (
        "and a prescription; the other is of an admission with a diagnosis and an attending physician",
        r#"INSERT INTO "RX_HEAD" ("RX_NO", "PT_ID", "RX_DT", "START_YMD", "KA_CD", "ISI_CD", "INGAI_KBN",
            "NYUGAI_KBN", "RAIIN_NO", "NYUIN_NO", "STS", "UPD_DT") VALUES
            ('R00000009001', '0005000901', '20210501113000', '20210501', '01', '101001', '1', '2',
             'V00000009001', '', '2', '20210501120000'),
            ('R00000009002', '0000000901', '20240305083000', '20240305', '01', '101001', '2', '1',
             '', 'N00000009001', '2', '20240305120000')"#,
    ),
    (
        "their usages",
        r#"INSERT INTO "RX_RP" ("RX_NO", "RP_NO", "YOHO_CD", "YOHO_NM", "NISSU") VALUES
            ('R00000009001', 1, 'Y01', '1日1回 朝食後', 14), ('R00000009002', 1, 'Y02', '1日2回 朝夕食後', 7)"#,
    ),
    (
        "and their drugs",
        r#"INSERT INTO "RX_YAKU" ("RX_NO", "RP_NO", "YAKU_NO", "YAKU_CD", "YAKU_NM", "RYO", "RYO_NITI", "SURYO",
            "TANI") VALUES
            ('R00000009001', 1, 1, 'D0101', 'ｱﾑﾛｼﾞﾝOD錠5mg', '1', 1, 14, '錠'),
            ('R00000009002', 1, 1, 'D0102', 'ﾆﾌｪｼﾞﾋﾟﾝCR錠20mg｢ｻﾜｲ｣', '１', 2, 14, '錠')"#,
    ),
    (
        "the same of contraindications",
        r#"INSERT INTO "PT_KINKI" ("PT_ID", "KINKI_NO", "YAKU_CD", "YAKU_NM", "RIYU_KBN", "RIYU", "JUTOKU",
            "START_YMD", "END_YMD", "KA_CD", "ISI_CD", "LTS_FLG", "DEL_FLG", "UPD_DT") VALUES
            ('0000000902', 1, 'D0101', 'ｱﾑﾛｼﾞﾝOD錠5mg', '1', '発疹', '1', '20220301', '', '02', '102001', '1', '0',
             '20220301100000')"#,
    ),
    (
        "_tag of infections, and the chains to it from patient, visit and admission, physician",
        r#"INSERT INTO "LAB_KANSEN" ("PT_ID", "KANSEN_SEQ", "KANSEN_CD", "KANSEN_NM", "KENSA_YMD", "KEKKA", "HANTEI",
            "ZAIRYO_NM", "KA_CD", "ISI_CD", "RAIIN_NO", "NYUIN_NO", "LTS_FLG", "DEL_FLG", "UPD_DT") VALUES
            ('0000000902', 1, 'K01', 'HBs抗原', '20250601', '(+)', '1', '血清', '02', '102001', 'V00000009002', '',
             '1', '0', '20250601180000'),
            ('0000000901', 1, 'K02', 'HCV抗体', '20240304', '(-)', '2', '血清', '01', '101001', '', 'N00000009001',
             '1', '0', '20240304180000')"#,
    ),
];

/// Adds them to a filled database.
pub(super) fn add(database: &Database) -> Result<()> {
    for (reason, sql) in ROWS {
        let sql = match database.engine {
            Engine::MariaDb => sql.replace('"', "`"),
            Engine::Sqlite | Engine::Postgres => (*sql).to_owned(),
        };
        database.run(&sql).with_context(|| (*reason).to_owned())?;
    }
    Ok(())
}
