import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/scenario/load-machine.ts';
import { fourNodes, MiB } from '../simulation/lab.ts';
import { play } from '../simulation/play.ts';
import { shown } from './sample.ts';

const machineText = (more: string, node = ''): string =>
  `title: m\n${more}nodes:\n  - { cpus: 0, memory: 1G${node} }\n  - { cpus: 1, memory: 1G }\n`;

async function problemsOf(more: string, node = ''): Promise<string[]> {
  const loaded = await loadMachine({ file: 'm', text: machineText(more, node) });
  return 'problems' in loaded ? shown(loaded.problems) : ['no problem'];
}

describe('huge pages of a machine', () => {
  it('are a size, of all nodes or of one', async () => {
    const loaded = await loadMachine({ file: 'm', text: machineText('hugepages: 64M\n') });
    expect(loaded).toMatchObject({ machine: { hugepages: 32 } });
    const single = await loadMachine({ file: 'm', text: machineText('', ', hugepages: 8M') });
    expect(single).toMatchObject({ machine: { nodes: [{ hugepages: 4 }, {}] } });
  });

  it.each([
    ['hugepages: 3M\n', '', '3M is no whole number of 2 MiB pages'],
    ['hugepages: 4G\n', '', '4G of huge pages do not fit: there are 2G of memory'],
    ['', ', hugepages: 2G', '2G of huge pages do not fit: there are 1G of memory'],
    ['hugepages: 8M\n', ', hugepages: 8M', 'either it does, or its nodes do'],
    ['hugepages: many\n', '', 'a size is digits'],
  ])('%s%s is refused', async (more, node, message) => {
    const problems = await problemsOf(more, node);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it('are there when the first step runs', () => {
    const base = fourNodes(256 * MiB);
    const nodes = base.nodes.map((node, nid) => (nid === 2 ? { ...node, hugepages: 7 } : node));
    const text = 'noop\nsnapshot first\nwrite /proc/sys/vm/nr_hugepages 20\nsnapshot more';
    const pools = (config: Parameters<typeof play>[2]): number[][] =>
      play('page-cache', text, config).run.snapshots.map(({ facts }) =>
        facts.nodes.map((node) => node.hugepages.total),
      );
    // Threads take two pages at a time, and each time begin with the first node; with one thread nodes take turns.
    const machine = { ...base, hugepages: 18 };
    expect(pools({ machine, kernel: '6.12' })).toEqual([
      [9, 9, 0, 0],
      [10, 10, 0, 0],
    ]);
    expect(pools({ machine, kernel: '7.3' })).toEqual([
      [5, 5, 4, 4],
      [6, 6, 4, 4],
    ]);
    expect(pools({ machine: { ...base, nodes } })).toEqual([
      [0, 0, 7, 0],
      [4, 3, 10, 3],
    ]);
  });

  it('must find room', () => {
    const machine = { ...fourNodes(256 * MiB), hugepages: 512 };
    expect(() => play('page-cache', 'noop', { machine })).toThrow(/no room for its huge pages/);
  });
});
