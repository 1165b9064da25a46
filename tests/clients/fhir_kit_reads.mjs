// fhir-kit-client (npm) against a running Genkan: capabilities, read, vread, search by GET and POST,
// paging, includes, resolving references, errors.
//
// Usage: node fhir_kit_reads.mjs BASE

import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.argv[2] });
const matches = (bundle) =>
  (bundle.entry ?? []).filter((entry) => entry.search.mode === 'match').map((entry) => entry.resource);

const statement = await client.capabilityStatement();
assert.equal(statement.fhirVersion, '4.0.1');
console.log('capabilities');

let page = await client.search({ resourceType: 'Patient', searchParams: { _count: 9 } });
const ids = new Set();
let pages = 0;
while (page) {
  for (const patient of matches(page)) {
    assert.ok(!ids.has(patient.id), 'no patient is on two pages');
    ids.add(patient.id);
  }
  pages += 1;
  page = await client.nextPage({ bundle: page });
}
assert.ok(pages > 2);
console.log(`paging: ${ids.size} patients on ${pages} pages`);

const [id] = ids;
const patient = await client.read({ resourceType: 'Patient', id });
assert.equal(patient.id, id);
const version = await client.vread({ resourceType: 'Patient', id, version: patient.meta.versionId });
assert.deepEqual(version, patient);
console.log('read and vread');

const byPost = await client.search({
  resourceType: 'Patient',
  searchParams: { gender: 'female', _count: 5 },
  options: { postSearch: true },
});
assert.ok(matches(byPost).length > 0 && matches(byPost).every((one) => one.gender === 'female'));
const self = byPost.link.find((link) => link.relation === 'self').url;
assert.ok(!self.includes('female'), 'what was posted is not in an address');
console.log('search by POST');

const results = await client.search({
  resourceType: 'Observation',
  searchParams: { _count: 1, _include: 'Observation:subject' },
});
const [result] = matches(results);
const subject = await client.resolve({ reference: result.subject.reference });
assert.equal(subject.resourceType, 'Patient');
const included = results.entry.find((entry) => entry.search.mode === 'include').resource;
assert.deepEqual(included, subject);
console.log('include and resolve');

for (const [what, ask, status] of [
  ['nobody', () => client.read({ resourceType: 'Patient', id: 'nobody' }), 404],
  ['a misspelt parameter', () => client.search({ resourceType: 'Patient', searchParams: { brithdate: '1950' } }), 400],
  ['a type without rules', () => client.search({ resourceType: 'Basic', searchParams: {} }), 404],
]) {
  await assert.rejects(ask, (error) => {
    assert.equal(error.response.status, status, what);
    assert.equal(error.response.data.resourceType, 'OperationOutcome', what);
    return true;
  });
}
console.log('refusals are OperationOutcomes');
