import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { missingProfile } from '../../src/conformance/conform-capture.ts';
import { profileOf } from '../../src/conformance/capture-meta.ts';
import { readCapture } from '../../src/conformance/read-capture.ts';
import { parseSnap, renderSnap } from '../../src/conformance/snap-format.ts';
import { trimCapture } from '../../src/conformance/trim-capture.ts';
import { captureOf } from './captures.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'capture-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};

const META = 'scenario: T1\nuname: Linux (none) 6.12.107+deb12-amd64 #1 SMP x86_64 GNU/Linux\n';
const STEP = '{"n":1,"who":"ctl","step":"snapshot 00-a","ret":0,"errno":"","us":5,"t_ms":7,"msg":""}\n';

/** A capture of one snapshot, whose files a test may replace before it reads. */
function putCapture(files: Record<string, string> = {}): void {
  const all = {
    'meta.txt': META,
    'script.steps': 'snapshot 00-a\n',
    'steps.jsonl': STEP,
    '00-a.snap': '==> sys/a 2 <==\nx\n\n',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) put(path, text);
}

describe('both forms', () => {
  const stored = captureOf('6.12', 'S03');

  it('reads raw directories as the stored form', () => {
    for (const [name, text] of trimCapture(stored)) if (!name.endsWith('.snap')) put(name, text);
    for (const { label, files } of stored.snapshots) {
      for (const [path, text] of files) put(`${label}/${path}`, text);
    }
    const raw = readCapture(dir);
    expect(raw).toEqual(stored);
  });

  it('stores what it trims so that it reads as the same capture', () => {
    for (const [name, text] of trimCapture(stored)) put(name, text);
    expect(readCapture(dir)).toEqual(stored);
  });

  it('drops what the comparison does not read, and times and host details', () => {
    putCapture({
      'meta.txt': `${META}qemu_args: -m 4G -drive file=secret\ndate: 2026-01-01\n`,
      '00-a.snap': renderSnap(
        new Map([
          ['sys/pagetypeinfo', 'a 1\n'],
          ['sys/meminfo', 'b\n'],
          ['proc.w0/limits', 'c\n'],
        ]),
      ),
    });
    const kept = trimCapture(readCapture(dir));
    expect(kept.get('meta.txt')).toBe(META);
    expect(kept.get('00-a.snap')).toBe('==> sys/meminfo 2 <==\nb\n\n');
    expect(kept.get('steps.jsonl')).not.toMatch(/t_ms|"us"/);
  });

  it('keeps of the kernel log who was killed', () => {
    const kill =
      '[   95.7] oom-kill:constraint=CONSTRAINT_NONE,task=worker,pid=213\n[   95.8] Killed process 213 (worker)\n';
    putCapture({ 'dmesg.txt': `[    0.1] Linux version\n${kill}[   96.0] bye\n` });
    const capture = readCapture(dir);
    expect(capture.log).toBe(kill);
    expect(trimCapture(capture).get('dmesg.txt')).toBe(kill);
    expect(trimCapture({ ...capture, log: '' }).has('dmesg.txt')).toBe(false);
  });

  it('round-trips any paths and texts, sizes counted in bytes of UTF-8', () => {
    const path = fc.stringMatching(/^[a-zé0-9][a-zé0-9 ./]{0,20}$/).map((text) => text.trim());
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.dictionary(path, text), (files) => {
        const map = new Map(Object.entries(files));
        const bytes = new TextEncoder().encode(renderSnap(map));
        // A decoder takes a mark at the very start of a text as no part of it.
        fc.pre([...map.values()].every((one) => !one.startsWith('\uFEFF')));
        expect(Object.fromEntries(parseSnap('x.snap', bytes))).toEqual(files);
      }),
    );
  });
});

describe('malformed captures', () => {
  const cases: [title: string, files: Record<string, string>, message: RegExp][] = [
    [
      'a section header of another form',
      { '00-a.snap': '== sys/a 2 ==\nx\n\n' },
      /00-a\.snap: byte 0: expected "==> PATH/,
    ],
    [
      'a wrong size',
      { '00-a.snap': '==> sys/a 3 <==\nx\n\n' },
      /00-a\.snap: byte 19: sys\/a has not the 3 bytes/,
    ],
    ['a cut-off section', { '00-a.snap': '==> sys/a 30 <==\nx\n\n' }, /has not the 30 bytes/],
    [
      'a file that is there twice',
      { '00-a.snap': '==> sys/a 1 <==\nx\n==> sys/a 1 <==\ny\n' },
      /byte 18: sys\/a is there twice/,
    ],
    [
      'a line of steps.jsonl that is no JSON',
      { 'steps.jsonl': '{"n":1\n' },
      /steps\.jsonl: line 1: is no JSON/,
    ],
    [
      'a step without errno',
      { 'steps.jsonl': '{"n":1,"who":"","step":"","ret":0}\n' },
      /line 1: "errno" must be a string/,
    ],
    [
      'a missing step',
      { 'steps.jsonl': STEP + STEP.replace('"n":1', '"n":3') },
      /line 2: expected step 2, not 3/,
    ],
    ['an empty line between steps', { 'steps.jsonl': `\n${STEP}` }, /line 1: is no JSON/],
    [
      'a line of meta.txt without key',
      { 'meta.txt': `${META}nonsense\n` },
      /meta\.txt: line 3: expected "key: value"/,
    ],
    ['no kernel', { 'meta.txt': 'scenario: T1\n' }, /meta\.txt: uname: expected "uname: Linux/],
    ['a snapshot that no step took', { '01-b.snap': '' }, /01-b\.snap: no step of .* took this snapshot/],
    [
      'a raw snapshot that no step took',
      { '01-b/sys/meminfo': '' },
      /01-b: no step of .* took this snapshot/,
    ],
  ];
  it.each(cases)('refuses %s', (_, files, message) => {
    putCapture(files);
    expect(() => readCapture(dir)).toThrow(message);
  });

  it.each(['meta.txt', 'steps.jsonl', 'script.steps', '00-a.snap'])('says that %s is missing', (name) => {
    putCapture();
    rmSync(join(dir, name));
    expect(() => readCapture(dir)).toThrow(new RegExp(`${name}: is missing`));
  });

  it('refuses text that is no UTF-8', () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('==> a 1 <==\n'), 0xff, 10]);
    expect(() => parseSnap('x.snap', bytes)).toThrow(/x\.snap: byte 12: is no UTF-8/);
  });

  it('refuses a directory that is not there', () => {
    expect(() => readCapture(join(dir, 'nowhere'))).toThrow(/nowhere: is no directory/);
  });
});

describe('kernel profiles', () => {
  it('takes the profile of the same major and minor number', () => {
    expect(profileOf('7.3.4+deb13-amd64')).toBe('7.3');
    expect(profileOf('6.12.117-swp')).toBe('6.12');
    expect(profileOf('6.1.2')).toBe(null);
    expect(profileOf('6.120.1')).toBe(null);
  });

  it('names the profiles there are for a kernel without one', () => {
    putCapture({ 'meta.txt': META.replace('6.12.107', '6.6.1') });
    expect(missingProfile(readCapture(dir))).toBe(
      'no kernel profile for 6.6.1+deb12-amd64; there are 6.12, 6.18, 7.3',
    );
  });
});
