import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load-scenario.ts';
import { Played } from '../simulation/play.ts';
import { runOf, runUnder, scenarioFrom } from '../simulation/scenario-file.ts';
import { readDataset } from '../../src/cli/find-file.ts';

const text = (steps: string, kernel = '7.3'): string => `title: t
machine: rig-4node
kernel: "${kernel}"
proposed: [in-place-conversion]
steps: |
${steps.replace(/^ */gm, '  ')}
`;

async function run(steps: string, strategy = 'page-cache', kernel = '7.3'): Promise<Played> {
  return new Played(runOf(runUnder(await scenarioFrom('t.yaml', text(steps, kernel)), [strategy]), strategy));
}

const VM = `
vm create snp
gmem create g 16M flags=1
gmem map g shared
vm slot 0 0 16M g 0 g 0`;

describe('conversion in place (proposed)', () => {
  it('needs a kernel whose guest_memfd can be mapped', async () => {
    const loaded = await loadScenario({
      file: 't.yaml',
      text: text('vm create snp', '6.12'),
      machines: (name) => readDataset('machines', name) ?? null,
      machineNames: ['rig-4node'],
    });
    const problems = 'problems' in loaded ? loaded.problems : [];
    expect(problems.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      expect.stringMatching(/^4: proposed.*which 6\.12 lacks: kernel is to be "6\.18" or "7\.3"$/),
    ]);
  });

  it.each(['6.18', '7.3'])('the page stays, and only who sees it changes, on %s', async (kernel) => {
    const played = await run(
      `${VM}
vm touch 0 16M
snapshot private
vm convert 4M 4M shared
touch g 5M 1M write
snapshot shared
vm touch 4M 4M
vm convert 4M 4M private
snapshot back`,
      'page-cache',
      kernel,
    );
    const frames = (label: string): number[] => played.nodesOf(label, 'g');
    expect(frames('shared')).toEqual(frames('private'));
    expect(frames('back')).toEqual(frames('private'));
    expect(['private', 'shared', 'back'].map((label) => played.rss(label))).toEqual([0, 256, 0]);
    expect(
      ['private', 'shared', 'back'].map((label) => played.holding(label, 'g')!.guestMappedPages),
    ).toEqual([4096, 3072, 3072]);
    expect(['private', 'shared', 'back'].map((label) => played.counter(label, 'nr_unevictable'))).toEqual([
      4096, 4096, 4096,
    ]);
  });

  it('what is private kills who touches it, also the last page of a range', async () => {
    const played = await run(`${VM}
vm convert 0 4M shared
touch g 0 4M write
touch g 0 4100K read
snapshot killed`);
    expect(played.errno('touch g 0 4M write')).toBe('0');
    expect(played.errno('touch g 0 4100K read')).toBe('ECONNRESET');
    expect(played.rss('killed')).toBeNull();
  });

  it('the file remembers what is shared when its slot goes and comes back elsewhere', async () => {
    const played = await run(`${VM}
vm convert 4M 4M shared
vm unslot 0
vm slot 1 64M 8M g 4M g 4M
vm touch 64M 8M
touch g 4M 4M read
snapshot s`);
    expect(played.rss('s')).toBe(1024);
    expect(played.holding('s', 'g')!.guestMappedPages).toBe(2048);
  });

  it('a file without the flag keeps two pools', async () => {
    const played = await run(`vm create snp
gmem create g 16M
memfd create ram 16M
memfd map ram shared
vm slot 0 0 16M ram 0 g 0
vm attr 0 16M private
vm touch 0 4M
vm convert 0 2M shared keep
vm touch 0 2M
snapshot s`);
    expect(played.pagesOf('s', 'ram')).toBe(512);
    expect(played.run.inBothPools?.[0]?.peakPages).toBe(512);
  });

  it('a slot that keeps attributes in its file stands beside one that does not', async () => {
    const played = await run(`vm create snp
gmem create a 4M flags=1
gmem create b 4M
memfd create ram 4M
memfd map ram shared
vm slot 0 0 4M none 0 a 0
vm slot 1 4M 4M ram 0 b 0
vm attr 0 8M private
vm touch 0 8M
vm attr 2M 4M shared
vm touch 0 8M
snapshot s`);
    expect(['a', 'b', 'ram'].map((name) => played.pagesOf('s', name))).toEqual([1024, 1024, 512]);
    expect(['a', 'b', 'ram'].map((name) => played.holding('s', name)!.guestMappedPages)).toEqual([
      1024, 512, 512,
    ]);
  });

  it('no conversion allocates or frees, whatever is converted, touched by the guest, or by the VMM', async () => {
    const range = fc
      .tuple(fc.nat(15), fc.integer({ min: 1, max: 8 }))
      .map(([at, n]) => `${at * 64}p ${n * 64 - 7}p`);
    const step = fc.oneof(
      fc.tuple(range, fc.constantFrom('private', 'shared')).map(([at, to]) => `vm convert ${at} ${to}`),
      range.map((at) => `vm touch ${at}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('page-cache', 'shadow-vma', 'alloc-charge', 'tdp-fault'),
        async (steps, strategy) => {
          const script = steps.map((one, i) => `${one}\nsnapshot s${i}`).join('\n');
          const played = await run(
            `${VM}\nsnapshot base\n${script}\ngmem unmap g\ngmem close g\nvm close\nsnapshot end`,
            strategy,
          );
          let before = 0;
          steps.forEach((one, i) => {
            const pages = played.pagesOf(`s${i}`, 'g');
            if (one.startsWith('vm convert')) expect(pages).toBe(before);
            before = pages;
            expect(played.run.inBothPools).toBeUndefined();
          });
          expect(played.pagesOf('end', 'g')).toBe(0);
          expect(played.rss('end')).toBe(0);
          expect(played.run.findings.filter(({ kind }) => kind === 'law')).toEqual([]);
        },
      ),
      { numRuns: 30, seed: 11 },
    );
  });
});
