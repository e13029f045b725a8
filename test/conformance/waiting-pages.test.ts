import { describe, expect, it } from 'vitest';
import { waitingPages } from '../../src/conformance/waiting-pages.ts';
import { captureOf } from './captures.ts';

describe('waitingPages', () => {
  it('adds up the lists of the CPUs for zones at their low watermark only', () => {
    const { snapshots } = captureOf('6.12', 'S10');
    // Node 2 has 16283 free pages, then 10298, then 10424; its low watermark is at 10866.
    expect(snapshots.slice(1, 4).map(({ files }) => waitingPages(files))).toEqual([
      0,
      2457 + 1218 + 64,
      6418 + 1218 + 64,
    ]);
  });

  it('knows nothing without zoneinfo', () => {
    expect(waitingPages(new Map())).toBe(0);
  });
});
