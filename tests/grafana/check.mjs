// check.mjs FILE... - holds dashboards (.json) and alert rules (.yaml) to the types that Grafana publishes,
// unknown options included.
//
// Panels are checked one by one, each by the options of its own type: as one big type, the errors of
// every other kind of panel would drown the one that matters. There is no type for queries in InfluxQL.
// tests/integration/test_dashboards.py runs all queries.
import fs from 'node:fs';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import yaml from 'yaml';

const RAW = './node_modules/@grafana/schema/dist/types/raw';
const SDK = './node_modules/@grafana/grafana-foundation-sdk/dist';
const PANELS = ['barchart', 'bargauge', 'stat', 'statetimeline', 'statushistory', 'table', 'timeseries'];
const WITH_FIELDS = ['barchart', 'statetimeline', 'statushistory', 'timeseries']; // have field options of their own

function validator(name, from, type, file = `${RAW}/${from}/x/types.gen`) {
  const path = `${name}.ts`;
  fs.writeFileSync(path, `import * as G from '${file}';\nexport type Checked = ${type};\n`);
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
// Builders of the SDK have a method in their types.
const plain = (type) => `Omit<${type}, '_implementsDataqueryVariant'>`;
const sdk = (name, folder, type) => validator(name, '', type, `${SDK}/${folder}/types.gen`);
const queries = { prometheus: sdk('prometheus', 'prometheus', plain('G.Dataquery')) };
const alerting = {
  rule: sdk('rule', 'alerting', "Omit<G.Rule, 'folderUID' | 'ruleGroup' | 'orgID' | 'data'>"),
  query: sdk('query', 'alerting', `Omit<G.Query, 'model' | 'relativeTimeRange'> & {model: ${record},
    relativeTimeRange: {from: number, to: number}}`),
  reduce: sdk('reduce', 'expr', plain('G.TypeReduce')),
  threshold: sdk('threshold', 'expr', plain('G.TypeThreshold')),
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

function checkDashboard(dashboard, file) {
  check(types.dashboard, dashboard, file);
  // What an annotation asks is no part of those types either: Prometheus keeps it beside them.
  for (const { target, expr, step, titleFormat, textFormat, tagKeys, useValueForTime, ...annotation }
    of dashboard.annotations.list) {
    check(types.annotation, annotation, `${file}: ${annotation.name}`);
  }
  for (const panel of dashboard.panels) {
    checkPanel(panel, `${file}: ${panel.title}`);
    for (const target of panel.targets ?? []) {
      if (target.datasource.type in queries) {
        check(queries[target.datasource.type], target, `${file}: ${panel.title} ${target.refId}`);
      }
    }
  }
}

function checkRule({ data, ...rule }, where) {
  check(alerting.rule, rule, where);
  for (const query of data) {
    const { model } = query;
    check(alerting.query, query, `${where} ${query.refId}`);
    const validate = alerting[model.type] ?? queries[model.datasource.type];
    if (validate !== undefined) {
      check(validate, model, `${where} ${query.refId}, model`);
    }
  }
}

let count = 0;
for (const file of process.argv.slice(2)) {
  const text = fs.readFileSync(file, 'utf8');
  if (file.endsWith('.json')) {
    checkDashboard(JSON.parse(text), file);
    count += 1;
    continue;
  }
  for (const group of yaml.parse(text).groups) {
    for (const rule of group.rules) {
      checkRule(rule, `${file}: ${rule.uid}`);
      count += 1;
    }
  }
}
console.log(`${count} dashboards and alert rules, ${faults} faults`);
process.exitCode = faults === 0 && count > 0 ? 0 : 1;
