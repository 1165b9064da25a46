"""A facade over the demo hospital's tables, written by hand on fhirstarter, for the benchmark: the
read of a patient and the search of a patient's laboratory results. It shows less than Genkan does (no
code maps, no ids of its own, no data problems). fhirstarter has no R4: this is R4B.

Usage: FHIR_SEQUENCE=R4B python python_facade.py POSTGRES_URL PORT
"""

import re
import sys

import asyncpg
import uvicorn
from fhir.resources.R4B.bundle import Bundle, BundleEntry, BundleEntrySearch
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

URL, PORT = sys.argv[1], int(sys.argv[2])
ERAS = {"M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018}
NUMBER = re.compile(r"-?\d+(\.\d+)?")

app = FHIRStarter()
provider = FHIRProvider()
pool = None


async def rows(query: str, key: str):
    global pool
    if pool is None:
        pool = await asyncpg.create_pool(URL, min_size=1, max_size=4)
    async with pool.acquire() as connection:
        return await connection.fetch(query, key)


def trimmed(text):
    return (text or "").strip() or None


def day(text):
    return None if (text or "").strip("09 ") == "" else f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def time(text):
    return f"{day(text)}T{text[8:10]}:{text[10:12]}:{text[12:14]}+09:00" if day(text) else None


def birth(text):
    era = re.match(r"([MTSHR])(\d\d)(\d\d)(\d\d)", text or "")
    return f"{ERAS[era[1]] + int(era[2])}-{era[3]}-{era[4]}" if era else day(text)


def there(**elements):
    return {name: value for name, value in elements.items() if value is not None}


@provider.read(Patient)
async def patient_read(context: InteractionContext, id_: str) -> Patient:
    found = await rows(
        """SELECT "PT_ID", "KANJI_NM", "KANA_NM", "SEX", "BIRTH", "TEL", "ZIP", "ADDR", "UPD_DT" FROM "PT_MST"
           WHERE "PT_ID" = $1 AND "DEL_FLG" <> '1' AND "TEST_FLG" <> '1'""",
        id_,
    )
    if not found:
        raise FHIRResourceNotFoundError
    row = found[0]
    return Patient(
        id=row["PT_ID"].strip(),
        meta={"lastUpdated": time(row["UPD_DT"])},
        identifier=[
            {"system": "urn:oid:1.2.392.100495.20.3.51.11411234567", "value": row["PT_ID"].strip()}
        ],
        active=True,
        name=[{"text": text} for text in map(trimmed, (row["KANJI_NM"], row["KANA_NM"])) if text],
        telecom=[there(system="phone", use="home", value=trimmed(row["TEL"]))],
        gender={"1": "male", "2": "female"}.get(row["SEX"], "unknown"),
        birthDate=birth(row["BIRTH"]),
        address=[there(text=trimmed(row["ADDR"]), postalCode=trimmed(row["ZIP"]), country="JP")],
    )


@provider.search_type(Observation)
async def observation_search(context: InteractionContext, patient: str | None) -> Bundle:
    found = await rows(
        """SELECT r."IRAI_NO", r."KOUMOKU_CD", r."KOUMOKU_NM", r."KEKKA", r."TANI", r."KIJUN_L", r."KIJUN_H",
                  r."IJO_FLG", r."KEKKA_STS", r."HOUKOKU_DT", r."UPD_DT", o."PT_ID", o."SAISYU_DT"
           FROM "LAB_KEKKA" r JOIN "LAB_IRAI" o ON o."IRAI_NO" = r."IRAI_NO"
           WHERE o."PT_ID" = $1 AND r."LATEST_FLG" = '1' AND o."TORIKESI" <> '1'
           ORDER BY r."IRAI_NO", r."KOUMOKU_CD" LIMIT 20""",
        patient,
    )
    entries = [
        BundleEntry(resource=observation(row), search=BundleEntrySearch(mode="match")) for row in found
    ]
    return Bundle(type="searchset", entry=entries)


def observation(row) -> Observation:
    number = NUMBER.fullmatch(row["KEKKA"] or "")
    flag, low, high = trimmed(row["IJO_FLG"]), trimmed(row["KIJUN_L"]), trimmed(row["KIJUN_H"])

    def quantity(value):
        return there(value=float(value), unit=trimmed(row["TANI"]))

    return Observation(
        **there(
            id=f"{row['IRAI_NO'].strip()}-{row['KOUMOKU_CD'].strip()}",
            meta={"lastUpdated": time(row["UPD_DT"])},
            identifier=[{"system": "urn:oid:1.2.392.100495.20.3.11", "value": row["IRAI_NO"].strip()}],
            status={"P": "preliminary", "F": "final", "C": "corrected", "X": "cancelled"}[row["KEKKA_STS"]],
            category=[
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                            "code": "laboratory",
                        }
                    ]
                }
            ],
            code=there(
                text=trimmed(row["KOUMOKU_NM"]),
                coding=[{"system": "urn:house", "code": row["KOUMOKU_CD"].strip()}],
            ),
            subject={"reference": f"Patient/{row['PT_ID'].strip()}"},
            effectiveDateTime=time(row["SAISYU_DT"]),
            issued=time(row["HOUKOKU_DT"]),
            valueQuantity=quantity(row["KEKKA"]) if number else None,
            valueString=None if number else trimmed(row["KEKKA"]),
            interpretation=[{"coding": [{"code": flag}]}] if flag else None,
            referenceRange=[there(low=quantity(low), high=quantity(high) if high else None)]
            if number and low and NUMBER.fullmatch(low) and (not high or NUMBER.fullmatch(high))
            else None,
        )
    )


app.add_providers(provider)
uvicorn.run(app, host="127.0.0.1", port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning")
