// A facade over the demo hospital's tables, written by hand on @asymmetrik/node-fhir-server-core, for the
// benchmark: the read of a patient and the search of a patient's laboratory results. It shows less than
// Genkan does (no code maps, no ids of its own, no data problems) and checks nothing.
//
// Usage: node node_facade.cjs POSTGRES_URL PORT

const fhir = require('@asymmetrik/node-fhir-server-core');
const { Pool } = require('pg');

const [, , url, port] = process.argv;
const pool = new Pool({ connectionString: url, max: 4 });

const ERAS = { M: 1867, T: 1911, S: 1925, H: 1988, R: 2018 };
const day = (text) => (/[1-8]/.test(text ?? '') ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}` : undefined);
const time = (text) =>
  day(text) && `${day(text)}T${text.slice(8, 10)}:${text.slice(10, 12)}:${text.slice(12, 14)}+09:00`;
const birth = (text) => {
  const era = /^([MTSHR])(\d\d)(\d\d)(\d\d)/.exec(text ?? '');
  return era ? `${ERAS[era[1]] + Number(era[2])}-${era[3]}-${era[4]}` : day(text);
};
const trimmed = (text) => (text ?? '').trim() || undefined;

const patient = {
  searchById: async ({ id }) => {
    const query = {
      name: 'patient',
      text: `SELECT "PT_ID", "KANJI_NM", "KANA_NM", "SEX", "BIRTH", "TEL", "ZIP", "ADDR", "UPD_DT" FROM "PT_MST"
             WHERE "PT_ID" = $1 AND "DEL_FLG" <> '1' AND "TEST_FLG" <> '1'`,
      values: [id],
    };
    const { rows } = await pool.query(query);
    if (rows.length === 0) throw new fhir.ServerError('not found', { statusCode: 404, issue: [] });
    const [row] = rows;
    const Patient = fhir.resolveSchema('4_0_0', 'patient');
    return new Patient({
      resourceType: 'Patient',
      id: row.PT_ID.trim(),
      meta: { lastUpdated: time(row.UPD_DT) },
      identifier: [{ system: 'urn:oid:1.2.392.100495.20.3.51.11411234567', value: row.PT_ID.trim() }],
      active: true,
      name: [{ text: trimmed(row.KANJI_NM) }, { text: trimmed(row.KANA_NM) }],
      telecom: [{ system: 'phone', use: 'home', value: trimmed(row.TEL) }],
      gender: { 1: 'male', 2: 'female' }[row.SEX] ?? 'unknown',
      birthDate: birth(row.BIRTH),
      address: [{ text: trimmed(row.ADDR), postalCode: trimmed(row.ZIP), country: 'JP' }],
    });
  },
};

const observation = {
  search: async (_args, { req }) => {
    const query = {
      name: 'results',
      text: `SELECT r."IRAI_NO", r."KOUMOKU_CD", r."KOUMOKU_NM", r."KEKKA", r."TANI", r."KIJUN_L", r."KIJUN_H",
                    r."IJO_FLG", r."KEKKA_STS", r."HOUKOKU_DT", r."UPD_DT", o."PT_ID", o."SAISYU_DT"
             FROM "LAB_KEKKA" r JOIN "LAB_IRAI" o ON o."IRAI_NO" = r."IRAI_NO"
             WHERE o."PT_ID" = $1 AND r."LATEST_FLG" = '1' AND o."TORIKESI" <> '1'
             ORDER BY r."IRAI_NO", r."KOUMOKU_CD" LIMIT 20`,
      values: [req.query.patient],
    };
    const { rows } = await pool.query(query);
    const Observation = fhir.resolveSchema('4_0_0', 'observation');
    const Bundle = fhir.resolveSchema('4_0_0', 'bundle');
    const resources = rows.map((row) => {
      const number = /^-?\d+(\.\d+)?$/.test(row.KEKKA ?? '');
      const quantity = (value) => ({ value: Number(value), unit: trimmed(row.TANI) });
      return new Observation({
        resourceType: 'Observation',
        id: `${row.IRAI_NO.trim()}-${row.KOUMOKU_CD.trim()}`,
        meta: { lastUpdated: time(row.UPD_DT) },
        identifier: [{ system: 'urn:oid:1.2.392.100495.20.3.11', value: row.IRAI_NO.trim() }],
        status: { P: 'preliminary', F: 'final', C: 'corrected', X: 'cancelled' }[row.KEKKA_STS],
        category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
        code: { text: trimmed(row.KOUMOKU_NM), coding: [{ system: 'urn:house', code: row.KOUMOKU_CD.trim() }] },
        subject: { reference: `Patient/${row.PT_ID.trim()}` },
        effectiveDateTime: time(row.SAISYU_DT),
        issued: time(row.HOUKOKU_DT),
        valueQuantity: number ? quantity(row.KEKKA) : undefined,
        valueString: number ? undefined : trimmed(row.KEKKA),
        interpretation: trimmed(row.IJO_FLG) && [{ coding: [{ code: row.IJO_FLG }] }],
        referenceRange: number && row.KIJUN_L ? [{ low: quantity(row.KIJUN_L), high: quantity(row.KIJUN_H) }] : undefined,
      });
    });
    const entry = resources.map((resource) => ({ resource, search: { mode: 'match' } }));
    return new Bundle({ type: 'searchset', entry });
  },
};

const versions = ['4_0_0'];
const config = {
  logging: { level: 'error' },
  profiles: { patient: { service: patient, versions }, observation: { service: observation, versions } },
};
fhir.initialize(config).listen(Number(port));
