import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { attribution } from '../../src/analysis/attribution.ts';
import { consequenceReport } from '../../src/analysis/consequence-report.ts';
import { renderTree } from '../../src/procfs/tree.ts';
import { compareStrategies } from '../../src/report/comparison.ts';
import { formatComparison } from '../../src/report/format-comparison.ts';
import { notJudged } from '../../src/conformance/conform-capture.ts';
import { conformReport } from '../../src/conformance/conform-report.ts';
import { listCommand } from '../../src/cli/commands/list.ts';
import type { Arguments } from '../../src/cli/verb.ts';
import { parseRecordedSteps, renderRecordedSteps } from '../../src/conformance/recorded-steps.ts';
import { ownScenario, runUnder, SCENARIO_IDS } from '../simulation/scenario-file.ts';

const DATASETS = new URL('../../datasets/', import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, DATASETS), 'utf8'));
const OWN = [
  'result',
  'consequences',
  'comparison',
  'conformance',
  'workers',
  'recorded-step',
  'list',
] as const;

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
for (const name of OWN) ajv.addSchema(read(`schema/${name}.schema.json`) as object, `${name}.schema.json`);
const schemaOf = (name: (typeof OWN)[number]): ValidateFunction => ajv.getSchema(`${name}.schema.json`)!;

/** What ajv finds wrong with a document after a trip through JSON: place and rule. */
function faults(name: (typeof OWN)[number], document: unknown): string[] {
  const validate = schemaOf(name);
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return validate(JSON.parse(text))
    ? []
    : (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

describe('every JSON file that the tool writes has a published schema', () => {
  it.each(SCENARIO_IDS)('what follows from %s', async (id) => {
    const scenario = await ownScenario(id);
    const result = runUnder(scenario, scenario.strategies.length > 0 ? scenario.strategies : undefined);
    const consequences = consequenceReport(result);
    expect(faults('consequences', consequences)).toEqual([]);
    const comparison = compareStrategies(result, attribution(result));
    expect(faults('comparison', formatComparison(comparison, 'json'))).toEqual([]);
    for (const { snapshots } of result.strategies) {
      for (const { facts } of snapshots) {
        expect(faults('workers', renderTree(facts).get('workers.json')!)).toEqual([]);
      }
    }
  });

  it('the conformance report', () => {
    const report = readFileSync(new URL('../reports/conformance/conformance.json', DATASETS), 'utf8');
    expect(faults('conformance', report)).toEqual([]);
    const unknown = { scenario: 's', release: '5.10.0', profile: null };
    expect(faults('conformance', conformReport([notJudged(unknown, 'no kernel profile')]))).toEqual([]);
  });

  it.each([true, false])('what there is, with all options: %s', (verbose) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    onTestFinished(() => write.mockRestore());
    listCommand({ format: 'json', verbose } as unknown as Arguments);
    const text = String(write.mock.calls[0]![0]);
    write.mockRestore();
    expect(faults('list', text)).toEqual([]);
  });

  it('steps of a capture', () => {
    const captures = new URL('captures/', DATASETS);
    const files = readdirSync(captures, { recursive: true, encoding: 'utf8' });
    const recorded = files.filter((path) => path.endsWith('steps.jsonl'));
    expect(recorded.length).toBeGreaterThan(10);
    for (const path of recorded) {
      const steps = parseRecordedSteps(path, readFileSync(new URL(path, captures), 'utf8'));
      for (const line of renderRecordedSteps(steps).trim().split('\n')) {
        expect(faults('recorded-step', line)).toEqual([]);
      }
    }
  });

  it.each([
    ['a key more', { extra: 1 }, ' additionalProperties'],
    ['no scorecard', { scorecard: undefined }, ' required'],
    ['half a page', { strategies: [{ strategy: 's' }] }, '/strategies/0 required'],
  ])('%s is a fault', async (_what, change, fault) => {
    const consequences = consequenceReport(runUnder(await ownScenario('conversion'), ['page-cache']));
    expect(faults('consequences', { ...consequences, ...change })).toContain(fault);
  });
});
