import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../result/types.ts';
import { dirName } from './report-paths.ts';

/** What a report of a run holds at its top, beside a directory per strategy. */
const TOP_NAMES: readonly string[] = [
  'result.json',
  'report.html',
  'summary.md',
  'attribution.csv',
  'timeline.csv',
  'payers.csv',
  'consequences.json',
  'charts',
];

/** What a conformance report holds. */
const CONFORMANCE_NAMES: readonly string[] = ['conformance.json', 'report.html', 'report.md'];

/** Why a path must not be replaced by a new report; null when nothing is there, or an older report and nothing else. */
export function whyNotOurs(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return null;
  if (!found.isDirectory()) return 'there is a file of that name';
  const names = readdirSync(path);
  if (names.length === 0) return null;
  const ours = namesOf(path, names);
  if (!ours) return 'the directory holds something else than an older report; name a new or an empty one';
  const others = names.filter((name) => !ours.has(name));
  if (others.length === 0) return null;
  return `the directory holds more than an older report: ${others.slice(0, 5).join(', ')}`;
}

/** Names that may stand in an older report; null when the directory is none. */
function namesOf(path: string, names: readonly string[]): ReadonlySet<string> | null {
  if (names.includes('conformance.json')) return new Set(CONFORMANCE_NAMES);
  const strategies = names.includes('result.json') ? strategiesOf(join(path, 'result.json')) : null;
  return strategies && new Set([...TOP_NAMES, ...strategies.map(dirName)]);
}

/** Names of the strategies in a result document; null when the file is none. */
function strategiesOf(file: string): string[] | null {
  try {
    const { format, tool, strategies } = JSON.parse(readFileSync(file, 'utf8')) as Partial<RunResult>;
    if (typeof format !== 'number' || tool?.name !== 'gmemlab' || !strategies) return null;
    return strategies.map(({ name }) => name);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
