-- A clinic that no rule set knows: other names, no foreign keys, one master, free text here and there.
CREATE TABLE KJ_KIHON (KJ_NO CHAR(8) PRIMARY KEY, KJ_SIMEI VARCHAR(40), KJ_KANA VARCHAR(40), SEIBETU CHAR(1),
  SEINEN_YMD VARCHAR(8), YUBIN_NO CHAR(8), JUSYO VARCHAR(80), DENWA VARCHAR(16), SAKUJO_FLG CHAR(1), KOUSIN_DT CHAR(14));
CREATE TABLE SBY_REKI (KJ_NO CHAR(8), RENBAN INTEGER, BYOMEI_CD VARCHAR(8), BYOMEI_MEI VARCHAR(60), KAISI_YMD CHAR(8),
  TENKI_YMD CHAR(8), TENKI CHAR(1), UTAGAI_FLG CHAR(1), MEMO VARCHAR(80), KOUSIN_DT CHAR(14), PRIMARY KEY (KJ_NO, RENBAN));
CREATE TABLE KNS_KEKKA (KENSA_NO CHAR(10), KOUMOKU_CD VARCHAR(8), KJ_NO CHAR(8), KENSA_YMD CHAR(8), KEKKA VARCHAR(20),
  TANI VARCHAR(10), IJO_KBN CHAR(1), KOUSIN_DT CHAR(14), PRIMARY KEY (KENSA_NO, KOUMOKU_CD));
CREATE TABLE KNS_KOUMOKU_M (KOUMOKU_CD VARCHAR(8) PRIMARY KEY, KOUMOKU_MEI VARCHAR(40));
CREATE TABLE KINKI (KJ_NO CHAR(8), RENBAN INTEGER, YAKUHIN_CD VARCHAR(8), YAKUHIN_MEI VARCHAR(60), SYOJO VARCHAR(60),
  TOUROKU_YMD CHAR(8), KOUSIN_DT CHAR(14), PRIMARY KEY (KJ_NO, RENBAN));
CREATE TABLE SHH_MEISAI (SYOHO_NO CHAR(10), GYO_NO INTEGER, KJ_NO CHAR(8), SYOHO_YMD CHAR(8), YAKUHIN_CD VARCHAR(8),
  YAKUHIN_MEI VARCHAR(60), YORYO VARCHAR(8), TANI VARCHAR(10), YOHO_CD VARCHAR(6), YOHO_MEI VARCHAR(40), NISSU INTEGER,
  KOUSIN_DT CHAR(14), PRIMARY KEY (SYOHO_NO, GYO_NO));

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO KJ_KIHON SELECT printf('%08d', i * 37), '患者' || char(0x4E00 + i * 53) || '　' || char(0x5200 + i * 31) || '子',
  'ｶﾝｼﾞｬ ' || char(0xFF71 + i % 40) || 'ｺ', 1 + i % 2,
  CASE i % 3 WHEN 0 THEN printf('S%02d%02d%02d', 20 + i % 40, 1 + i % 12, 1 + i % 28)
             WHEN 1 THEN printf('H%02d%02d%02d', 1 + i % 28, 1 + i % 12, 1 + i % 28)
             ELSE printf('%04d%02d%02d', 1935 + i, 1 + i % 12, 1 + i % 28) END,
  printf('231-%04d', i * 7), '横浜市中区' || i || '丁目' || (i + 1), printf('045-%03d-%04d', 200 + i, 1000 + i * 11),
  CASE WHEN i % 20 = 0 THEN '1' ELSE '0' END, printf('2025%02d%02d0930%02d', 1 + i % 12, 1 + i % 28, i % 60) FROM n;

INSERT INTO KNS_KOUMOKU_M VALUES ('101', '総蛋白'), ('102', 'アルブミン'), ('201', 'ナトリウム'), ('202', 'カリウム'), ('301', '便潜血');

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240)
INSERT INTO SBY_REKI SELECT printf('%08d', (1 + i % 60) * 37), 1 + i / 60,
  CASE i % 4 WHEN 0 THEN 'B001' WHEN 1 THEN 'B002' WHEN 2 THEN 'B003' ELSE 'B099' END,
  CASE i % 4 WHEN 0 THEN '高血圧症' WHEN 1 THEN '２型糖尿病' WHEN 2 THEN '喘息' ELSE '院内独自病名' END,
  printf('2024%02d%02d', 1 + i % 12, 1 + i % 28), CASE WHEN i % 5 = 0 THEN printf('2025%02d%02d', 1 + i % 6, 1 + i % 28) ELSE '00000000' END,
  CASE WHEN i % 5 = 0 THEN '1' ELSE '0' END, CASE WHEN i % 7 = 0 THEN '1' ELSE '0' END,
  CASE WHEN i % 11 = 0 THEN '家族に説明済み ' || i ELSE NULL END, printf('2025%02d%02d1015%02d', 1 + i % 12, 1 + i % 28, i % 60) FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
INSERT INTO KNS_KEKKA SELECT printf('K%09d', i / 5), CASE i % 5 WHEN 0 THEN '101' WHEN 1 THEN '102' WHEN 2 THEN '201' WHEN 3 THEN '202' ELSE '301' END,
  printf('%08d', (1 + (i / 5) % 60) * 37), printf('2025%02d%02d', 1 + (i / 5) % 12, 1 + (i / 5) % 28),
  CASE i % 5 WHEN 0 THEN printf('%d.%d', 6 + i % 3, i % 10) WHEN 1 THEN printf('%d.%d', 3 + i % 2, i % 10) WHEN 2 THEN printf('%d', 135 + i % 12)
             WHEN 3 THEN printf('%d.%d', 3 + i % 3, i % 10) ELSE CASE WHEN i % 2 = 0 THEN '(-)' ELSE '(+)' END END,
  CASE i % 5 WHEN 0 THEN 'g/dL' WHEN 1 THEN 'g/dL' WHEN 4 THEN NULL ELSE 'mEq/L' END,
  CASE WHEN i % 9 = 0 THEN 'H' WHEN i % 13 = 0 THEN 'L' ELSE '' END, printf('2025%02d%02d1630%02d', 1 + (i / 5) % 12, 1 + (i / 5) % 28, i % 60) FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
INSERT INTO KINKI SELECT printf('%08d', i * 2 * 37), 1, CASE WHEN i % 3 = 0 THEN NULL ELSE printf('Y%03d', 1 + i % 3) END,
  CASE i % 3 WHEN 0 THEN 'えび' WHEN 1 THEN 'アスピリン錠' ELSE 'ペニシリン系' END, '発疹 ' || i,
  printf('2023%02d%02d', 1 + i % 12, 1 + i % 28), printf('2025%02d%02d1101%02d', 1 + i % 12, 1 + i % 28, i % 60) FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO SHH_MEISAI SELECT printf('S%09d', i / 2), 1 + i % 2, printf('%08d', (1 + (i / 2) % 60) * 37), printf('2025%02d%02d', 1 + (i / 2) % 12, 1 + (i / 2) % 28),
  printf('Y%03d', 1 + i % 4), CASE i % 4 WHEN 0 THEN 'アムロジピン錠5mg' WHEN 1 THEN 'メトホルミン錠250mg' WHEN 2 THEN 'アスピリン錠' ELSE '院内製剤A' END,
  CASE WHEN i % 6 = 0 THEN '0.5' ELSE printf('%d', 1 + i % 3) END, '錠', CASE WHEN i % 3 = 0 THEN 'A1' ELSE 'A3' END,
  CASE WHEN i % 3 = 0 THEN '1日1回 朝食後' ELSE '1日3回 毎食後' END, 7 * (1 + i % 4), printf('2025%02d%02d1205%02d', 1 + (i / 2) % 12, 1 + (i / 2) % 28, i % 60) FROM n;
