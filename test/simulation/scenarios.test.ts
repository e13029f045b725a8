import { beforeAll, describe, expect, it } from 'vitest';
import { readDataset } from '../../src/cli/find-file.ts';
import { unmetExpectations, unmetWords } from '../../src/report/expectation-words.ts';
import { unexpectedFindings } from '../../src/result/unexpected-findings.ts';
import type { RunResult } from '../../src/result/types.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { PRESETS } from './lab.ts';
import { ownScenario, runOf, runUnder, scenarioFrom, SCENARIO_IDS } from './scenario-file.ts';

/** Strategies that a scenario runs under when nobody asks for others. */
const strategiesOf = ({ strategies }: Scenario): readonly string[] =>
  strategies.length > 0 ? strategies : PRESETS;

const unmet = (result: RunResult): string[] => unmetExpectations(result).map(unmetWords);

describe.each(SCENARIO_IDS)('%s', (id) => {
  let scenario: Scenario;
  let result: RunResult;
  beforeAll(async () => {
    scenario = await ownScenario(id);
    result = runUnder(scenario, strategiesOf(scenario));
  });

  it('meets its expectations, and nothing else goes wrong', () => {
    expect(unmet(result)).toEqual([]);
    expect(result.strategies.flatMap((run) => unexpectedFindings(run))).toEqual([]);
    expect(result.strategies.filter(({ error }) => error !== null)).toEqual([]);
  });

  it('checks each expectation under some strategy', () => {
    const checked = new Set(
      result.strategies.flatMap(({ expectations }) =>
        expectations.map(({ line, column, at }) => `${line}:${column} ${at}`),
      ),
    );
    const stated = scenario.expectations.map(({ line, column, at }) => `${line}:${column} ${at}`);
    expect(stated.filter((place) => !checked.has(place))).toEqual([]);
  });

  it('gives the same bytes when it runs again, whatever ran before each strategy', () => {
    const turned = runUnder(scenario, [...strategiesOf(scenario)].reverse());
    const differing = result.strategies.filter(
      (run) => JSON.stringify(run) !== JSON.stringify(runOf(turned, run.name)),
    );
    expect(differing.map(({ name }) => name)).toEqual([]);
  });
});

describe('the tables hold at other sizes', () => {
  const textOf = (id: string): string => readDataset('scenarios', id)!.text;
  const scaled = (text: string, unit: string, into: (count: number) => string): string =>
    text.replaceAll(new RegExp(String.raw`\b(\d+)${unit}\b`, 'g'), (_, count) => into(Number(count)));

  it.each([
    ['events', 'G', 1, 'M'],
    ['events', 'G', 3, 'M'],
    ['placement', 'M', 3, 'M'],
    ['placement', 'M', 4, 'K'],
    ['who-pays', 'M', 5, 'M'],
    ['who-pays', 'M', 1, 'p'],
    ['tdp-fault-flapping', 'M', 4, 'K'],
    ['alloc-charge-helper', 'M', 8, 'K'],
    ['mempolicy-dup-two-slots', 'M', 12, 'K'],
    ['mempolicy-dup-local', 'M', 5, 'M'],
    ['shadow-unmapped', 'M', 3, 'M'],
    ['shadow-peek', 'M', 3, 'M'],
    ['charge-the-owner', 'M', 5, 'M'],
    ['exec-keeps-memory', 'M', 7, 'M'],
    ['upstream-no-shared-for-coco', 'M', 12, 'M'],
  ])('%s, with %s as %i %s', async (id, unit, times, other) => {
    const text = scaled(textOf(id), unit, (count) => `${count * times}${other}`);
    const scenario = await scenarioFrom(`${id}.yaml`, text);
    expect(unmet(runUnder(scenario, strategiesOf(scenario)))).toEqual([]);
  });
});

describe('a planted mistake is found', () => {
  it('in a value, under the strategies where it is wrong', async () => {
    const { file, text } = readDataset('scenarios', 'tdp-fault-flapping')!;
    const wrong = text.replace('object g: 128M', 'object g: 127M');
    expect(wrong).not.toBe(text);
    const found = unmet(runUnder(await scenarioFrom(file, wrong)));
    expect(found).toHaveLength(6);
    expect(found[0]).toBe(`object g at booted: 128M instead of 127M, under ${PRESETS.join(', ')}`);
  });

  it('in what is said of one strategy', async () => {
    const { file, text } = readDataset('scenarios', 'tdp-fault-flapping')!;
    const wrong = text.replace('strategies: tdp-fault\n', 'strategies: [tdp-fault, tracker]\n');
    const found = unmet(runUnder(await scenarioFrom(file, wrong)));
    expect(found).toEqual([
      'process vmm rss at booted: 0 instead of 128M, under tracker',
      'process vmm rss at touched: 0 instead of 128M, under tracker',
      'process vmm rss at converted: 0 instead of 64M, under tracker',
      'process vmm rss at again: 0 instead of 128M, under tracker',
    ]);
  });
});
