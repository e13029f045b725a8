import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dirName, snapshotDirs } from '../../src/cli/report-paths.ts';

describe('names of directories', () => {
  it("are the strategies' own where they can be", () => {
    expect(dirName('fbind+tracker{oom=true,show=both}+unmovable')).toBe(
      'fbind+tracker{oom=true,show=both}+unmovable',
    );
    expect(dirName('mine{path=../../etc}')).toBe('mine{path=..%2F..%2Fetc}');
    expect(dirName('..')).toBe('%2E.');
    expect(dirName('ä~%')).toBe('%C3%A4%7E%25');
  });

  it('never meet, and stay one level deep', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1 }), { maxLength: 5 }), (labels) => {
        const twice = [...labels, ...labels].map((label) => ({ label }));
        const dirs = snapshotDirs(twice);
        expect(new Set(dirs).size).toBe(twice.length);
        for (const dir of dirs) expect(dir).toMatch(/^(?!\.)[^/\0\\]+$/);
      }),
    );
  });

  it('count a label that comes back', () => {
    expect(snapshotDirs(['a', 'b', 'a', 'a'].map((label) => ({ label })))).toEqual(['a', 'b', 'a~2', 'a~3']);
  });
});
