import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadSteps } from '../../src/scenario/load-steps.ts';
import { machineNamed, shown } from './sample.ts';

const rig = await machineNamed('rig-4node');
const fixtures = new URL('fixtures/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, fixtures), 'utf8');

/** Lines that are steps: no block words stand in scripts of the rig. */
const stepLines = (text: string): string[] =>
  text.split('\n').flatMap((line) => line.replace(/#.*/, '').trim() || []);

describe('scripts of the rig', () => {
  it.each(readdirSync(fixtures).filter((name) => name.endsWith('.steps')))('%s', (name) => {
    const text = read(name);
    const loaded = loadSteps({ file: `x/${name}`, text, machine: rig, kernel: '7.3' });
    if ('problems' in loaded) throw new Error(shown(loaded.problems).join('\n'));
    const { scenario } = loaded;
    expect(scenario.steps.map((step) => step.text)).toEqual(stepLines(text));
    expect(scenario).toMatchObject({
      id: name.replace('.steps', ''),
      kernel: '7.3',
      machine: rig,
      script: text,
    });
    for (const { line, column, text: step, who } of scenario.steps) {
      const words = text.split('\n')[line - 1]!.slice(column - 1);
      expect(words.startsWith(who === null ? step : step.replace(/^\S+\s+/, ''))).toBe(true);
    }
  });

  it('describe themselves, headers left out', () => {
    const loaded = loadSteps({
      file: 's.steps',
      text: read('S08-thp-hugetlb.steps'),
      machine: rig,
      kernel: '6.12',
    });
    expect(loaded).toMatchObject({
      scenario: { description: 'huge page formats. THP enabled=always, shmem_enabled=always.', title: 's' },
    });
  });

  it('may use blocks and state results, too', () => {
    const text = 'repeat 2\ngmem create g 4K\nend\nmempolicy bind 5 = -EINVAL\n';
    const loaded = loadSteps({ file: 's', text, machine: rig, kernel: '6.12' });
    expect(loaded).toMatchObject({ scenario: { steps: [{ line: 2 }, { line: 2 }, { expect: 'EINVAL' }] } });
  });

  it('say where they are wrong', () => {
    const loaded = loadSteps({
      file: 'a/s.steps',
      text: '\n  mempolicy bind 5\n',
      machine: rig,
      kernel: '6.12',
    });
    expect(loaded).toEqual({
      problems: [
        {
          file: 'a/s.steps',
          line: 2,
          column: 18,
          reason: 'reference',
          message: '5 is not a node of this machine (0-3)',
        },
      ],
    });
  });
});
