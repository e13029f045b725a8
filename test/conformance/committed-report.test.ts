import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { conformanceFiles } from '../../src/cli/conformance-files.ts';
import { judgeCapture } from '../../src/cli/judge-capture.ts';
import { conformReport } from '../../src/conformance/conform-report.ts';
import { CAPTURES } from './captures.ts';

const DIR = fileURLToPath(new URL('../../reports/conformance/', import.meta.url));

it('is what the present model says of the present captures: if not, npm run conformance', () => {
  const files = conformanceFiles(conformReport(CAPTURES.map(([, capture]) => judgeCapture(capture))));
  expect(readdirSync(DIR).sort()).toEqual([...files.keys()].sort());
  for (const [name, text] of files) {
    // Not toBe: the difference of two texts of this size takes vitest long, and nobody reads it.
    expect(readFileSync(DIR + name, 'utf8') === text, `reports/conformance/${name} is up to date`).toBe(true);
  }
});
