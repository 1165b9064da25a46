// Evaluates cases with fhirpath.js, as the test beside this file asks for them.
//
//   node oracle.mjs <folder with node_modules/fhirpath> <cases> <answers>
//
// Cases and answers are one JSON a line; a line with "resources" comes first.

import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const [modules, cases, answers] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const fhirpath = require("fhirpath");
const r4 = require("fhirpath/fhir-context/r4");

let resources = [];
let compiled = new Map();
let root;

// What a reference says about its target; what it doesn't say is no target.
function resolve(inputs) {
  const targets = [];
  const add = (node, resource) => {
    const type = resource.resourceType;
    targets.push(node.constructor.makeResNode(this, resource, null, type, null, type));
  };
  for (const node of inputs) {
    const value = node?.data ?? node;
    const text = typeof value === "string" ? value : value?.reference;
    if (typeof text !== "string") continue;
    if (text.startsWith("#")) {
      const contained = (root.contained ?? []).find((of) => of.id === text.slice(1));
      if (contained) add(node, contained);
      continue;
    }
    const found = /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(text);
    if (found) add(node, { resourceType: found[1] });
  }
  return targets;
}

const options = {
  userInvocationTable: {
    resolve: { fn: resolve, arity: { 0: [] }, internalStructures: true },
    htmlChecks: { fn: () => [true], arity: { 0: [] } },
  },
  preciseMath: true,
  traceFn: () => {},
};

function at(resource, pointer) {
  return pointer.reduce((value, step) => value[step], resource);
}

function plain(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" && typeof value.toJSON === "function") return value.toJSON();
  return value;
}

function evaluate(request, expression) {
  try {
    root = resources[request.root];
    const resource = at(root, request.resource);
    const key = `${request.base ?? ""}\n${expression}`;
    let run = compiled.get(key);
    if (!run) {
      const path = request.base ? { base: request.base, expression } : expression;
      run = fhirpath.compile(path, r4, options);
      compiled.set(key, run);
    }
    const focus = at(root, request.focus);
    const found = run(focus, { resource, rootResource: root });
    return { items: found.map(plain) };
  } catch (error) {
    return { error: String(error.message ?? error).slice(0, 200) };
  }
}

const out = createWriteStream(answers);
for await (const line of createInterface({ input: createReadStream(cases), crlfDelay: Infinity })) {
  const request = JSON.parse(line);
  if (request.resources) {
    resources = request.resources;
    continue;
  }
  let answer = evaluate(request, request.expression);
  // R4's own dom-3 has `as` on several items, which fhirpath.js refuses.
  if (answer.error?.includes("left side of 'as'")) {
    const lenient = request.expression.replace(/\bas\(/g, "ofType(");
    answer = evaluate(request, lenient.replace(/^\((\S+) as (\w+)\)$/, "$1.ofType($2)"));
  }
  out.write(JSON.stringify(answer) + "\n");
}
out.end();
