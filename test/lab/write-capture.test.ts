import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Capture } from '../../src/conformance/capture.ts';
import { readCapture } from '../../src/conformance/read-capture.ts';
import { mayHoldCapture, writeCapture } from '../../src/lab/write-capture.ts';

const CAPTURE: Capture = {
  scenario: 'one',
  release: '7.3.4-x',
  profile: '7.3',
  meta: new Map([
    ['scenario', 'one'],
    ['uname', 'Linux (none) 7.3.4-x #1 SMP'],
  ]),
  hardware: 'available: 1 nodes (0)\n',
  script: 'note x\nsnapshot 00\n',
  steps: [
    { n: 1, who: 'ctl', step: 'note x', ret: 0, errno: '', msg: '' },
    { n: 2, who: 'ctl', step: 'snapshot 00', ret: 0, errno: '', msg: '' },
  ],
  log: '[1.0] Out of memory: Killed process 7 (worker)\n',
  snapshots: [{ label: '00', step: 2, files: new Map([['sys/meminfo', 'MemTotal: 1 kB\n']]) }],
};

const scratch = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'gmemlab-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

it('a capture is read as it was written, in place of an older one', () => {
  const dir = join(scratch(), 'a/b');
  writeCapture(dir, { capture: CAPTURE, stored: new Map([['log', 'hello\n']]) });
  writeFileSync(join(dir, '01.snap'), '');
  writeCapture(dir, { capture: CAPTURE, stored: new Map([['log', 'hello\n']]) });
  expect(readCapture(dir)).toEqual(CAPTURE);
  expect(existsSync(join(dir, 'exec/log'))).toBe(true);
});

it('a capture replaces captures and what failed runs left, and nothing else', () => {
  const dir = scratch();
  expect(mayHoldCapture(join(dir, 'new'))).toBe(true);
  mkdirSync(join(dir, 'failed'));
  expect(mayHoldCapture(join(dir, 'failed'))).toBe(true);
  writeFileSync(join(dir, 'failed/console.txt'), '');
  expect(mayHoldCapture(join(dir, 'failed'))).toBe(true);
  writeFileSync(join(dir, 'failed/mine'), '');
  expect(mayHoldCapture(join(dir, 'failed'))).toBe(false);
  writeCapture(join(dir, 'old'), { capture: CAPTURE, stored: new Map() });
  expect(mayHoldCapture(join(dir, 'old'))).toBe(true);
});
