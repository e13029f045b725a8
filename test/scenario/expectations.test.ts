import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './sample.ts';

const HEAD = `title: t
machine: rig-4node
processes:
  vmm: { cgroup: /machine/vm }
steps: |
  vmm: gmem create g 8M
  snapshot one
  vmm: gmem fallocate g 0 8M
  snapshot two
expect:
`;

/** Problems of one table, without the file and the lines before it. */
async function problems(table: string): Promise<string[]> {
  const before = HEAD.split('\n').length - 1;
  return (await problemsOf(`${HEAD}${table}`)).map((text) =>
    text.replace(/^t\.yaml:(\d+)/, (_, line) => String(Number(line) - before)),
  );
}

describe('a table of expectations', () => {
  it('has a cell for each value, at its place', async () => {
    const scenario = await load(`${HEAD}  - at: [one, two]
    since: one
    strategies: [fbind, tracker]
    values:
      object   g: [0, 8M +-1p]
      process vmm rss: 0
  - values: { 'step vmm: gmem create g 8M': 0 }
`);
    if (Array.isArray(scenario)) throw new Error(scenario.join('\n'));
    const bytes = (expected: number, tolerance = 0): object => ({ unit: 'bytes', expected, tolerance });
    const common = { strategies: ['fbind', 'tracker'], since: 'one' };
    expect(scenario.expectations).toEqual([
      { ...common, line: 15, column: 20, at: 'one', reading: 'object g', value: bytes(0) },
      { ...common, line: 15, column: 23, at: 'two', reading: 'object g', value: bytes(8 * 2 ** 20, 4096) },
      { ...common, line: 16, column: 24, at: 'one', reading: 'process vmm rss', value: bytes(0) },
      { ...common, line: 16, column: 24, at: 'two', reading: 'process vmm rss', value: bytes(0) },
      {
        line: 17,
        column: 45,
        strategies: null,
        at: null,
        since: null,
        reading: 'step vmm: gmem create g 8M',
        value: { unit: 'errno', expected: '0', tolerance: 0 },
      },
    ]);
  });

  it('may speak of everything that the script makes', async () => {
    const known = await load(`title: t
machine: rig-4node
steps: |
  cgroup create /a
  anon map own 1M
  fork child
  spawn other
  snapshot s
expect:
  - at: s
    values: { process w0 rss: 0, process child rss: 0, process other rss: 0, cgroup /a memory.current: 0, cgroup / memory.stat/anon: 0, object own: 0, node 3 MemFree: 0 }
`);
    expect(known).toMatchObject({ title: 't' });
  });
});

describe('a table with mistakes', () => {
  it.each([
    ['  - values: {}\n', '1:13 schema expect[0].values: the mapping is empty'],
    ['  - at: two\n', '1:5 schema expect[0]: "values" is missing'],
    [
      '  - at: tow\n    values: { object g: 0 }\n',
      '1:9 reference expect[0].at: no snapshot "tow": did you mean "two"? One of one, two',
    ],
    [
      '  - at: [one, three]\n    values: { object g: 0 }\n',
      '1:15 reference expect[0].at[1]: no snapshot "three": one of one, two',
    ],
    [
      '  - at: two\n    since: zero\n    values: { object g: 0 }\n',
      '2:12 reference expect[0].since: no snapshot "zero": one of one, two',
    ],
    [
      '  - since: one\n    values: { finding rss-not-negative: absent }\n',
      '1:12 reference expect[0].since: a difference needs a snapshot at its end: at',
    ],
    [
      '  - at: [one, two]\n    values: { object g: [0, 1M, 2M] }\n',
      '2:25 range expect[0].values.object g: 3 values for 2 snapshots: one for each, or one for all',
    ],
    [
      '  - at: [one, two]\n    values: { object g: [0, many] }\n',
      '2:29 range expect[0].values.object g[1]: "many" is no value here: a size such as 40G, 85332K or 12p, with +-2p or +-1% behind it where it may be off, or none',
    ],
    [
      '  - at: two\n    strategies: [all, fbind]\n    values: { object g: 0 }\n',
      '2:17 reference expect[0].strategies: "all" stands alone: it leaves nothing to add',
    ],
    [
      '  - values: { object g: 0 }\n',
      '1:15 reference expect[0].values.object g: this is read from a snapshot: at is missing',
    ],
    [
      '  - at: two\n    values: { operations x: 0 }\n',
      '2:15 reference expect[0].values.operations x: this is of the whole run: leave at out',
    ],
    [
      '  - at: two\n    since: one\n    values: { oom-victim: vmm }\n',
      '3:15 reference expect[0].values.oom-victim: this is no number: it has no difference since a snapshot',
    ],
  ])('%j: %s', async (table, problem) => {
    expect(await problems(table)).toEqual([problem]);
  });

  it.each([
    ['objekt g', '"objekt" is nothing that can be read; did you mean "object"?: one of process, cgroup,'],
    ['object h', 'no object "h": object NAME'],
    ['object g node 4', 'no node "4": nodes are 0 to 3: object NAME'],
    ['object g node', 'the node is missing: object NAME'],
    ['object g mapped', '"mapped" does not belong here: object NAME'],
    [
      'process vnm rss',
      'no worker "vnm"; did you mean "vmm"?: process WORKER FIELD [node N], FIELD one of rss, vmsize',
    ],
    ['process vmm RssFiles', 'no field "RssFiles"; did you mean "RssFile"?: process WORKER'],
    ['process vmm rss node 1', 'rss has no split by node: process WORKER'],
    ['process vmm', 'the field is missing: process WORKER'],
    [
      'cgroup /machine/wm memory.current',
      'no cgroup "/machine/wm"; did you mean "/machine/vm"?: cgroup PATH',
    ],
    ['cgroup /machine memory.stat', 'no file "memory.stat"'],
    ['cgroup /machine memory.stat/fil', 'no item of memory.stat "fil"; did you mean "file"?: cgroup PATH'],
    ['cgroup /machine memory.stat/file node 1', 'memory.stat has no split by node: cgroup PATH'],
    ['cgroup /machine memory.numa_stat/file', 'memory.numa_stat is by node: node N is missing: cgroup PATH'],
    ['node 2 FilePage', 'no field "FilePage"; did you mean "FilePages"?: node N FIELD'],
    ['meminfo FilePages', 'no field "FilePages"'],
    ['finding rss-negative', 'no finding "rss-negative"; did you mean "rss-not-negative"?: finding ID'],
  ])('%s is no reading: %s', async (reading, words) => {
    const [problem, ...more] = await problems(`  - at: two\n    values: { '${reading}': 0 }\n`);
    expect(more).toEqual([]);
    expect(problem).toContain(`2:15 reference expect[0].values.${reading}: ${words}`);
  });

  it('names steps of the script only', async () => {
    const [problem] = await problems("  - values: { 'step vmm: gmem create g 9M': 0 }\n");
    expect(problem).toContain(
      'no step of the script reads "vmm: gmem create g 9M"; did you mean "vmm: gmem create g 8M"?',
    );
  });

  it('is reported as a whole, with what is wrong elsewhere', async () => {
    const text = `${HEAD.replace('fallocate g', 'falocate g')}  - at: [one, 2]\n    sinse: one\n    values: { object g: true, process vmm rss: 1Q }\n`;
    expect((await problemsOf(text)).map((problem) => problem.split(' ')[0])).toEqual([
      't.yaml:8:13',
      't.yaml:11:15',
      't.yaml:12:5',
      't.yaml:13:25',
      't.yaml:13:48',
    ]);
  });
});
