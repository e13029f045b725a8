import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/scenario/load-machine.ts';
import { parseSize } from '../../src/units/pages.ts';
import schema from '../../datasets/schema/machine.schema.json' with { type: 'json' };
import { machineNamed, machineNames, shown } from './sample.ts';

const G = 2 ** 30;

async function problemsOf(text: string): Promise<string[]> {
  const loaded = await loadMachine({ file: 'm', text });
  return 'problems' in loaded ? shown(loaded.problems) : ['no problem'];
}

describe('machines of the package', () => {
  it('are good', async () => {
    for (const name of machineNames) expect((await machineNamed(name)).title).not.toBe('');
  });

  it('hold the talk’s host', async () => {
    const machine = await machineNamed('talk-4node');
    expect(machine.nodes.map((node) => node.memoryBytes)).toEqual([64 * G, 64 * G, 64 * G, 64 * G]);
    expect(machine.nodes.map((node) => node.cpus.length)).toEqual([16, 16, 16, 16]);
    const cached = machine.nodes.map((node) => (node.background.pageCache / 2 ** 20).toFixed(2));
    expect(cached).toEqual(['2172.80', '3488.22', '1020.98', '2000.20']);
    expect(machine.distances[1]).toEqual([12, 10, 32, 32]);
  });

  it('hold one with a node that is memory only', async () => {
    const [first, second] = (await machineNamed('cxl-2node')).nodes;
    expect(first!.cpus).toHaveLength(32);
    expect(second).toMatchObject({ cpus: [], memoryBytes: 256 * G, movableBytes: 256 * G });
  });
});

describe('a machine', () => {
  it('gets everything it does not state', async () => {
    const text = 'title: m\nnodes: [{ cpus: 0, memory: 1G }, { cpus: "1,4-5", memory: 2147483648 }]\n';
    const background = { pageCache: 0, anon: 0, slab: 0 };
    expect(await loadMachine({ file: 'm', text })).toEqual({
      machine: {
        title: 'm',
        nodes: [
          { cpus: [0], memoryBytes: G, movableBytes: 0, background },
          { cpus: [1, 4, 5], memoryBytes: 2 * G, movableBytes: 0, background },
        ],
        distances: [
          [10, 20],
          [20, 10],
        ],
        sysctl: {},
        thp: { enabled: 'never', shmem: 'never', defrag: 'madvise' },
      },
    });
  });

  it('keeps what it states', async () => {
    const text = `title: m
nodes:
  - { cpus: 0-1, memory: 4G, movable: 0, background: { pageCache: 1.5G, anon: 1M, slab: 3p } }
  - { cpus: 2-3, memory: 4G }
distances: [[10, 11], [11, 10]]
movable: 1G
sysctl: { vm.max_map_count: 100 }
`;
    expect(await loadMachine({ file: 'm', text })).toMatchObject({
      machine: {
        nodes: [
          { movableBytes: 0, background: { pageCache: 1.5 * G, anon: 2 ** 20, slab: 12_288 } },
          { movableBytes: G },
        ],
        distances: [
          [10, 11],
          [11, 10],
        ],
        sysctl: { 'vm.max_map_count': 100 },
      },
    });
  });
});

describe('problems of a machine', () => {
  const two = 'nodes: [{ cpus: 0, memory: 1G }, { cpus: 1, memory: 1G }]';
  it.each([
    ['nodes: []', '2:8 schema nodes: the list is empty'],
    ['nodes: { cpus: 0 }', '2:8 schema nodes: a list is expected here, found a mapping'],
    ['nodes: [{ cpus: 0 }]', '2:9 schema nodes[0]: "memory" is missing'],
    [
      'nodes: [{ cpus: 0, memory: [1] }]',
      '2:28 schema nodes[0].memory: text or a whole number is expected here, found a list',
    ],
    [
      'nodes: [{ cpus: a, memory: 1G }]',
      '2:17 schema nodes[0].cpus: "a" does not fit: CPUs are numbers and ranges, as in 0-15 or 0-3,8-11, or "" for none',
    ],
    [
      'nodes: [{ cpus: 2-1, memory: 1G }]',
      '2:17 range nodes[0].cpus: "2-1" is no list of CPUs: a range counts upwards, as in 0-15',
    ],
    [
      'nodes: [{ cpus: 0-8192, memory: 1G }]',
      '2:17 range nodes[0].cpus: CPU 8192 is too large: at most 8191',
    ],
    [
      'nodes: [{ cpus: 0-3, memory: 1G }, { cpus: 3-4, memory: 1G }]',
      '2:44 reference nodes[1].cpus: CPU 3 belongs to node 0 already',
    ],
    ['nodes: [{ cpus: "", memory: 1G }]', '2:8 range nodes: no node has CPUs: at least one must'],
    ['nodes: [{ cpus: 0, memory: 0 }]', '2:8 range nodes: no node has memory: at least one must'],
    [
      'nodes: [{ cpus: 0, memory: 65T }]',
      '2:8 range nodes: the nodes have 65T of memory: at most 64T can be addressed',
    ],
    [
      'nodes: [{ cpus: 0, memory: 5000 }]',
      '2:28 range nodes[0].memory: 5000 is no whole number of 4 KiB pages',
    ],
    [
      'nodes: [{ cpus: 0, memory: 99999999T }]',
      '2:28 range nodes[0].memory: 99999999T is larger than anything that can be counted here',
    ],
    [
      'nodes: [{ cpus: 0, memory: 1G, movable: 2G }]',
      '2:41 range nodes[0].movable: 2G of ZONE_MOVABLE do not fit into node 0, which has 1G',
    ],
    [
      'nodes: [{ cpus: 0, memory: 1G, background: { anon: 1G, slab: 1M } }]',
      '2:44 range nodes[0].background: 1025M do not fit into node 0, which has 1G',
    ],
    [`${two}\ndistances: [[10, 20]]`, '3:12 range distances: 1 rows for 2 nodes: one row for each node'],
    [
      `${two}\ndistances: [[10, 20], [20]]`,
      '3:23 range distances[1]: 1 distances for 2 nodes: one for each node',
    ],
    [
      `${two}\ndistances: [[11, 20], [20, 10]]`,
      '3:14 range distances[0][0]: 11 is no distance of a node to itself: that is 10',
    ],
    [`${two}\ndistances: [[10, 255], [255, 10]]`, null],
    [
      `${two}\ndistances: [[10, 20], [21, 10]]`,
      '3:24 range distances[1][0]: 21 from node 1 to node 0, but 20 the other way: both must be the same',
    ],
    [
      `${two}\nthp: { enabled: sometimes }`,
      '3:17 schema thp.enabled: "sometimes" is not valid: one of always, madvise, never',
    ],
    [
      `${two}\nsysctl: { vm.max_map_cnt: 1 }`,
      '3:11 schema sysctl: unknown key "vm.max_map_cnt": did you mean "vm.max_map_count"? One of vm.max_map_count, vm.overcommit_memory, vm.overcommit_ratio, vm.overcommit_kbytes',
    ],
    [`${two}\nmovable: -1`, '3:10 schema movable: -1 is too small: at least 0'],
  ])('%s', async (text, message) => {
    const found = await problemsOf(`title: m\n${text}\n`);
    if (message === null) expect(found).toHaveLength(2);
    else expect(found).toEqual([`m:${message}`]);
  });

  it('in a value that editors accept are found nowhere else', () => {
    const pattern = new RegExp(schema.$defs.size.pattern, 'u');
    const word = fc.stringMatching(/^[0-9a-fxA-FKMGTPkmgtpiBb. -]{0,8}$/);
    fc.assert(
      fc.property(
        word,
        (text) => pattern.test(text) === (parseSize(text.replaceAll(' ', '_')) !== undefined),
      ),
    );
  });
});
