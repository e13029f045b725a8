import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/conformance/capture.ts';
import { notJudged, type CaptureResult } from '../../src/conformance/conform-capture.ts';
import type { Offence } from '../../src/conformance/tally.ts';
import { findDifference, randomLines, type RandomLab } from '../../src/lab/random/find-difference.ts';
import { shrinkLines, type Shrinking } from '../../src/lab/random/shrink-lines.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { fourNodes, GiB } from '../simulation/lab.ts';

const letters = 'abcdefghijklmnop'.split('');
const shrinking = (
  shows: (lines: readonly string[]) => boolean,
  more: Partial<Shrinking> = {},
): Shrinking => ({
  valid: (lines) => [...lines],
  shows: async (lines) => shows(lines),
  keeps: () => false,
  most: 500,
  ...more,
});

describe('shrinking', () => {
  it.each(['c', 'p', 'a', 'ahp', 'bcd', 'aceg'])(
    'finds exactly the lines that it takes: %s',
    async (needed) => {
      const shows = (lines: readonly string[]): boolean =>
        needed.split('').every((one) => lines.includes(one));
      expect(await shrinkLines(letters, shrinking(shows))).toEqual({
        lines: needed.split(''),
        isMinimal: true,
      });
    },
  );

  it('keeps lines that it must, and what other lines need', async () => {
    const valid = (lines: readonly string[]): string[] =>
      lines.filter((line) => line !== 'm' || lines.includes('d'));
    const shows = (lines: readonly string[]): boolean => lines.includes('m');
    const { lines } = await shrinkLines(letters, shrinking(shows, { valid, keeps: (line) => line === 'a' }));
    expect(lines).toEqual(['a', 'd', 'm']);
  });

  it('asks no question twice, and says when it gave up', async () => {
    const asked: string[] = [];
    const shows = (lines: readonly string[]): boolean => {
      asked.push(lines.join(''));
      return lines.includes('c') && lines.includes('n');
    };
    await shrinkLines(letters, shrinking(shows));
    expect(new Set(asked).size).toBe(asked.length);
    const { isMinimal, lines } = await shrinkLines(letters, shrinking(shows, { most: 3 }));
    expect(isMinimal).toBe(false);
    expect(lines).toEqual(expect.arrayContaining(['c', 'n']));
  });
});

describe('a random scenario', () => {
  const machine = fourNodes(GiB);
  const ground = { machine, kernel: '6.12' as const };
  const captureOf = (scenario: Scenario): Capture => ({
    scenario: scenario.id,
    release: '6.12.1',
    profile: '6.12',
    meta: new Map(),
    hardware: '',
    script: scenario.script,
    steps: scenario.steps.map(({ text }, at) => ({
      n: at + 1,
      who: 'w0',
      step: text,
      ret: 0,
      errno: '',
      msg: '',
    })),
    log: '',
    snapshots: [],
  });
  /** A model that is wrong at the snapshot after a step of some kind, when there was one of another kind before it. */
  const faulty =
    (first: RegExp, second: RegExp) =>
    (capture: Capture): CaptureResult => {
      const texts = capture.steps.map(({ step }) => step);
      const from = texts.findIndex((text) => first.test(text));
      const at = texts.findIndex((text, n) => from >= 0 && n > from && second.test(text));
      const shown = texts.findIndex((text, n) => at >= 0 && n > at && text.startsWith('snapshot'));
      const agreed = { ...notJudged(capture, ''), verdict: 'exact' as const, reason: null };
      if (shown < 0) return agreed;
      const offence: Offence = {
        fieldClass: 'meminfo',
        step: shown + 1,
        snapshot: 'x',
        where: 'sys/meminfo',
        field: 'Cached',
        kernel: '1',
        model: '2',
      };
      return { ...agreed, verdict: 'off', offences: [offence] };
    };
  const lab = (judge: RandomLab['judge']): RandomLab => ({
    ...ground,
    capture: async (scenario) => captureOf(scenario),
    judge,
    known: [],
    progress: () => undefined,
  });
  const seedWith = (...wanted: RegExp[]): number => {
    for (let seed = 0; seed < 200; seed++) {
      const lines = randomLines(seed, ground);
      let from = -1;
      if (wanted.every((word) => (from = lines.findIndex((line, at) => at > from && word.test(line))) >= 0))
        return seed;
    }
    throw new Error('no seed has these steps');
  };

  it('is shrunk to the steps that the planted fault needs, with what these refer to', async () => {
    const seed = seedWith(/cgroup move/, /punch/);
    const outcome = await findDifference(seed, lab(faulty(/cgroup move/, /punch/)));
    expect(outcome.kind).toBe('different');
    const { lines, isMinimal } = outcome as Extract<typeof outcome, { kind: 'different' }>;
    expect(isMinimal).toBe(true);
    expect(lines).toContain('snapshot 00');
    expect(lines.filter((line) => /cgroup move/.test(line))).toHaveLength(1);
    expect(lines.filter((line) => /punch/.test(line))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^snapshot/);
    expect(lines.length).toBeLessThanOrEqual(9);
  });

  it('is not shrunk to lines where a step ends otherwise, which no longer shows why', async () => {
    const seed = seedWith(/cgroup move/, /punch/);
    const withMove = faulty(/./, /punch/);
    const judge = (capture: Capture): CaptureResult => {
      const result = withMove(capture);
      if (capture.steps.some(({ step }) => /cgroup move/.test(step))) return result;
      const failed: Offence = {
        fieldClass: 'step results',
        step: 1,
        snapshot: null,
        where: 'noop',
        field: 'errno',
        kernel: 'ENOENT',
        model: 'success',
      };
      return { ...result, offences: [failed, ...result.offences] };
    };
    const { lines } = (await findDifference(seed, lab(judge))) as { lines: string[] };
    expect(lines.filter((line) => /cgroup move/.test(line))).toHaveLength(1);
  });

  it('is not shrunk again for the same field', async () => {
    const seed = seedWith(/cgroup move/, /punch/);
    const judge = faulty(/cgroup move/, /punch/);
    const outcome = await findDifference(seed, lab(judge));
    const [first] = (outcome as Extract<typeof outcome, { kind: 'different' }>).offences as [Offence];
    expect(await findDifference(seed, { ...lab(judge), known: [first] })).toMatchObject({ kind: 'known' });
    const other = { ...first, field: 'AnonPages' };
    expect(await findDifference(seed, { ...lab(judge), known: [other] })).toMatchObject({
      kind: 'different',
    });
  });

  it('that agrees is left alone', async () => {
    expect(await findDifference(3, lab(faulty(/never/, /never/)))).toMatchObject({ kind: 'same' });
  });

  it('whose difference does not come again says so', async () => {
    let runs = 0;
    const once = faulty(/./, /./);
    const judge: RandomLab['judge'] = (capture) =>
      runs++ === 0 ? once(capture) : faulty(/never/, /x/)(capture);
    expect(await findDifference(3, lab(judge))).toMatchObject({ kind: 'passing' });
  });
});

describe('the agent', () => {
  it('draws random pages as the model does', () => {
    // The two share constants; a change of one must be made in the other.
    const agent = readFileSync(
      fileURLToPath(new URL('../../src/lab/guest/agent.c', import.meta.url)),
      'utf8',
    );
    const model = readFileSync(
      join(fileURLToPath(new URL('../../src/random/', import.meta.url)), 'random-order.ts'),
      'utf8',
    );
    for (const constant of model.match(/0x[0-9a-f]{8}/g) ?? []) expect(agent).toContain(`${constant}u`);
  });
});
