"""fhirpy (PyPI) against a running Genkan: read, search, paging, includes, references, errors.

Usage: fhirpy_reads.py BASE
"""

import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound


def main(base: str) -> None:
    client = SyncFHIRClient(url=base)

    patients = client.resources("Patient").limit(7).fetch_all()
    ids = [patient["id"] for patient in patients]
    assert len(ids) > 7, "paging follows the next link"
    assert len(ids) == len(set(ids)), "no patient is on two pages"
    print(f"paging: {len(ids)} patients")

    patient = client.reference("Patient", ids[0]).to_resource()
    assert patient["id"] == ids[0] and patient["resourceType"] == "Patient"
    print("read by reference")

    first = client.resources("Observation").limit(1).fetch()[0]
    subject = first["subject"]
    own = client.resources("Observation").search(patient=subject["reference"]).limit(1000).fetch_all()
    assert own and all(result["subject"]["reference"] == subject["reference"] for result in own)
    dated = [result for result in own if "effectiveDateTime" in result]
    day = dated[0]["effectiveDateTime"][:10]
    found = client.resources("Observation").search(patient=subject["reference"], date=day).fetch_all()
    expected = {r["id"] for r in dated if r["effectiveDateTime"].startswith(day)}
    assert {result["id"] for result in found} == expected
    print(f"search by patient and day: {len(found)} of {len(own)} results")

    bundle = client.resources("Observation").search(_id=first["id"]).include("Observation", "subject").fetch_raw()
    modes = {entry["search"]["mode"] for entry in bundle["entry"]}
    assert modes == {"match", "include"}, modes
    print("include")

    newest = client.resources("Observation").search(patient=subject["reference"]).sort("-date").fetch_all()
    dates = [result["effectiveDateTime"] for result in newest if "effectiveDateTime" in result]
    assert dates == sorted(dates, reverse=True)
    print("sort")

    try:
        client.reference("Patient", "nobody").to_resource()
        raise AssertionError("a patient that is not there was found")
    except ResourceNotFound:
        print("404 is ResourceNotFound")
    try:
        client.resources("Patient").search(brithdate="1950").fetch()
        raise AssertionError("an unknown parameter was ignored")
    except OperationOutcome as outcome:
        assert "birthdate" in str(outcome), outcome
        print("a misspelt parameter is an OperationOutcome that names the right one")


main(sys.argv[1])
