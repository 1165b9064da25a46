"""fhirclient (PyPI, the SMART project's) against a running Genkan. Its models refuse every element
that R4 does not have, so that reading all types is a check of the resources too.

Usage: fhirclient_reads.py BASE
"""

import importlib
import sys

from fhirclient import client
from fhirclient.models.fhirabstractbase import FHIRValidationError


def model(resource_type: str):
    return getattr(importlib.import_module(f"fhirclient.models.{resource_type.lower()}"), resource_type)


def main(base: str) -> None:
    smart = client.FHIRClient(settings={"app_id": "genkan-tests", "api_base": base})
    server = smart.server
    statement = server.request_json("metadata")
    model("CapabilityStatement")(statement)
    print("CapabilityStatement")

    types = [resource["type"] for resource in statement["rest"][0]["resource"]]
    counts = {}
    for resource_type in types:
        page = server.request_json(f"{resource_type}?_count=1000")
        model("Bundle")(page)
        resources = [
            entry["resource"] for entry in page.get("entry", []) if entry["search"]["mode"] == "match"
        ]
        for resource in resources:
            try:
                model(resource_type)(resource)
            except FHIRValidationError as error:
                raise AssertionError(f"{resource_type}: {error}") from error
        counts[resource_type] = len(resources)
    assert sum(counts.values()) > 1000, counts
    print(f"every resource fits the model of its type: {counts}")

    patient = model("Patient")
    found = patient.where(struct={"gender": "female"}).perform_resources(server)
    assert found and all(one.gender == "female" for one in found)
    again = patient.read(found[0].id, server)
    assert again.as_json() == found[0].as_json()
    print(f"search and read: {len(found)} women")


main(sys.argv[1])
