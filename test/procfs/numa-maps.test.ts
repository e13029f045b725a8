import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleVma } from './sample-facts.ts';
import { parseNumaMaps, renderNumaMaps, renderNumaMapsLine } from '../../src/procfs/numa-maps.ts';

const counts = {
  pages: 0,
  anon: 0,
  dirty: 0,
  mapMax: 1,
  swapcache: 0,
  active: 0,
  writeback: 0,
  nodes: [] as number[],
};

describe('numa_maps lines', () => {
  const ram = sampleVma({
    start: 0x7f291bc00000,
    policy: 'interleave:2-3',
    hasFile: true,
    name: '/memfd:memory-backend-memfd-shared (deleted)',
  });

  it('print the QEMU RAM line of an SNP guest', () => {
    const numa = { ...counts, pages: 38, anon: 8, dirty: 8, active: 7, nodes: [0, 0, 21, 17] };
    expect(renderNumaMapsLine({ ...ram, numa })).toBe(
      '7f291bc00000 interleave:2-3 file=/memfd:memory-backend-memfd-shared\\040(deleted) anon=8 dirty=8 mapped=38 active=7 N2=21 N3=17 kernelpagesize_kB=4',
    );
  });

  it('leave out mapped when all pages are dirty', () => {
    const numa = { ...counts, pages: 892, dirty: 892, nodes: [0, 0, 446, 446] };
    expect(renderNumaMapsLine({ ...ram, numa })).toMatch(
      /\(deleted\) dirty=892 active=0 N2=446 N3=446 kernelpagesize_kB=4$/,
    );
  });

  it('leave out active when all pages are active, and mapmax when each is mapped once', () => {
    const numa = { ...counts, pages: 3, active: 3, nodes: [3] };
    expect(renderNumaMapsLine({ ...ram, numa })).toMatch(/\(deleted\) mapped=3 N0=3 kernelpagesize_kB=4$/);
    expect(renderNumaMapsLine({ ...ram, numa: { ...numa, mapMax: 2 } })).toContain(
      ' mapped=3 mapmax=2 N0=3 ',
    );
  });

  it('count huge pages, without active', () => {
    const numa = { ...counts, pages: 16, dirty: 16, nodes: [16] };
    expect(renderNumaMapsLine({ ...ram, numa, hugetlb: true, kernelPageKb: 2048 })).toMatch(
      / huge dirty=16 N0=16 kernelpagesize_kB=2048$/,
    );
  });

  it('say nothing after the policy of an empty VMA, and nothing at all of [vsyscall]', () => {
    expect(renderNumaMaps([sampleVma({ start: 0x400000 }), sampleVma({ name: '[vsyscall]' })])).toBe(
      '00400000 default\n',
    );
    expect(renderNumaMaps([sampleVma({ name: '[vdso]' }), sampleVma({ name: '[stack]' })])).toBe(
      '7f0000000000 default\n7f0000000000 default stack\n',
    );
  });

  it('keep policies with blanks apart from the fields', () => {
    for (const policy of ['prefer (many):1-2', 'weighted interleave:0-1', 'bind=static:0']) {
      const text = `00400000 ${policy} file=/x anon=1 dirty=1 active=0 N0=1 kernelpagesize_kB=4\n`;
      expect(parseNumaMaps(text)[0]!.policy).toBe(policy);
      expect(renderNumaMaps(parseNumaMaps(text))).toBe(text);
    }
  });

  it.each([
    '00400000 default bogus=1',
    '00400000 default anon=1',
    '00400000 default N0=4',
    '00400000 default mapped=3 N0=4 kernelpagesize_kB=4',
  ])('refuse %s', (line) => {
    expect(() => parseNumaMaps(`${line}\n`)).toThrow(line);
  });
});

describe('numa_maps of any VMA', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', '/', ' ', '=', '\t', '\n', ':', '(', 'é', 'N'),
    minLength: 1,
    maxLength: 12,
  });
  const vma = fc
    .record({
      start: fc.integer({ min: 1, max: 2 ** 34 }).map((page) => page * 4096),
      name,
      hasFile: fc.boolean(),
      hugetlb: fc.boolean(),
      policy: fc.constantFrom(
        'default',
        'local',
        'bind:0',
        'interleave:0,2-3',
        'prefer:1',
        'prefer (many):0-1',
        'weighted interleave:1',
      ),
      nodes: fc.array(fc.nat(1000), { maxLength: 4 }),
      mapMax: fc.integer({ min: 1, max: 9 }),
      fraction: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 }),
    })
    .map(({ nodes, mapMax, fraction, ...rest }) => {
      while (nodes.at(-1) === 0) nodes.pop();
      const pages = nodes.reduce((sum, count) => sum + count, 0);
      const part = (index: number): number => Math.floor((pages * fraction[index]!) / 4);
      const active = rest.hugetlb ? pages : part(2);
      const numa = {
        pages,
        anon: part(0),
        dirty: part(1),
        mapMax: pages > 0 ? mapMax : 0,
        swapcache: part(3),
        active,
        writeback: part(4),
        nodes,
      };
      return {
        ...rest,
        name: rest.hasFile ? rest.name : '',
        kernelPageKb: rest.hugetlb && pages > 0 ? 2048 : 4,
        numa,
      };
    });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(fc.array(vma, { maxLength: 5 }), (vmas) => {
        expect(parseNumaMaps(renderNumaMaps(vmas))).toEqual(vmas);
      }),
    );
  });
});
