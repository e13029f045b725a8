import { expect, it } from 'vitest';
import { consequenceReport } from '../../src/analysis/consequence-report.ts';
import { poolTable } from '../../src/report/consequence-tables.ts';
import { ownScenario, runUnder } from '../simulation/scenario-file.ts';

it('memory in both pools: the most, for how long, and what is left, with the step that shows it', async () => {
  const result = runUnder(await ownScenario('conversion-discard'), ['page-cache', 'tracker']);
  const table = poolTable(consequenceReport(result))!;
  expect(table.header).toEqual(['File', 'page-cache', 'tracker']);
  const [[object, cell]] = table.rows as unknown as [[string, { text: string; note: string; link: unknown }]];
  expect([object, cell.text]).toEqual(['private', 'at most 64.0 MiB']);
  expect(cell.note).toMatch(/^after \d+ steps, .* added up over them; 32\.0 MiB at the end$/);
  const peak = result.strategies[0]!.inBothPools![0]!;
  expect(cell.link).toEqual({
    to: `step-${peak.peakStep}`,
    text: `step ${peak.peakStep}, line ${peak.peakLine}`,
  });
});

it('there is no such table where nothing was in both', async () => {
  const result = runUnder(await ownScenario('conversion-in-place'), ['page-cache']);
  expect(poolTable(consequenceReport(result))).toBeNull();
});
