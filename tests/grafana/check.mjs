// check.mjs FILE... - holds dashboards to the types that Grafana publishes, unknown options included.
//
// Panels are checked one by one, each by the options of its own type: as one big type, the errors of
// every other kind of panel would drown the one that matters. Queries are no part of those types:
// tests/integration/test_dashboards.py runs them.
import fs from 'node:fs';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const RAW = './node_modules/@grafana/schema/dist/types/raw';
const PANELS = ['barchart', 'bargauge', 'stat', 'statetimeline', 'statushistory', 'table', 'timeseries'];
const WITH_FIELDS = ['barchart', 'statetimeline', 'statushistory', 'timeseries']; // have field options of their own

function validator(name, from, type) {
  const path = `${name}.ts`;
  fs.writeFileSync(path, `import * as G from '${RAW}/${from}/x/types.gen';\nexport type Checked = ${type};\n`);
  const schema = createGenerator({
    path, type: 'Checked', expose: 'none', skipTypeCheck: true, additionalProperties: false,
  }).createSchema('Checked');
  return new Ajv({ strict: false, allErrors: true }).compile(schema);
}

const record = 'Record<string, unknown>';
const types = {
  dashboard: validator('dashboard', 'dashboard',
    `Omit<G.Dashboard, 'panels' | 'annotations'> & {panels: ${record}[], annotations: ${record}}`),
  panel: validator('panel', 'dashboard', 'Omit<G.Panel, never>'),
  row: validator('row', 'dashboard', "Omit<G.RowPanel, 'panels'> & {panels: unknown[]}"),
  annotation: validator('annotation', 'dashboard', "Omit<G.AnnotationQuery, 'target'>"),
};
const options = {};
const fields = {};
for (const kind of PANELS) {
  options[kind] = validator(`${kind}-options`, `composable/${kind}/panelcfg`, 'G.Options');
  if (WITH_FIELDS.includes(kind)) {
    fields[kind] = validator(`${kind}-fields`, `composable/${kind}/panelcfg`, 'G.FieldConfig');
  }
}

let faults = 0;

function check(validate, value, where) {
  if (validate(value)) {
    return;
  }
  for (const { instancePath, message, params } of validate.errors) {
    console.log(`${where}: ${instancePath || '/'} ${message} ${JSON.stringify(params)}`);
    faults += 1;
  }
}

function checkPanel(panel, where) {
  if (panel.type === 'row') {
    check(types.row, panel, where);
    return;
  }
  const kind = panel.type.replace('-', '');
  check(types.panel, panel, where);
  check(options[kind], panel.options, `${where}, options`);
  if (kind in fields) {
    check(fields[kind], panel.fieldConfig.defaults.custom, `${where}, custom`);
  }
}

for (const file of process.argv.slice(2)) {
  const dashboard = JSON.parse(fs.readFileSync(file));
  check(types.dashboard, dashboard, file);
  // What an annotation asks is no part of those types either: Prometheus keeps it beside them.
  for (const { target, expr, step, titleFormat, textFormat, tagKeys, useValueForTime, ...annotation }
    of dashboard.annotations.list) {
    check(types.annotation, annotation, `${file}: ${annotation.name}`);
  }
  for (const panel of dashboard.panels) {
    checkPanel(panel, `${file}: ${panel.title}`);
  }
}
console.log(`${process.argv.length - 2} dashboards, ${faults} faults`);
process.exitCode = faults === 0 && process.argv.length > 2 ? 0 : 1;
