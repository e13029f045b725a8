import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/load-scenario.ts';
import { load, machineFile, machineNames, machineNamed, problemsOf, shown } from './sample.ts';

const KEYS =
  '$schema, title, description, sources, machine, kernel, proposed, seed, strategies, processes, steps, expect';
const MACHINES = 'cxl-2node, rig-4node, talk-4node';

const HEAD = 'title: t\nmachine: rig-4node\n';
const SMALL = `${HEAD}steps: noop\n`;

describe('a scenario', () => {
  it('gets everything it does not state', async () => {
    expect(await load(SMALL)).toEqual({
      id: 't',
      file: 't.yaml',
      title: 't',
      description: '',
      sources: [],
      kernel: '6.12',
      seed: 1,
      machine: await machineNamed('rig-4node'),
      strategies: [],
      processes: {},
      steps: [{ line: 3, column: 8, who: null, text: 'noop', expect: null, verb: 'noop', args: {} }],
      script: 'noop',
      expectations: [],
    });
  });

  it('keeps what it states', async () => {
    const scenario = await load(`$schema: ../schema/scenario.schema.json
title: T
description: d
sources: [a, b]
machine: talk-4node
kernel: "7.3"
seed: 42
strategies: [fbind, "tracker{oom=true}"]
processes:
  vmm:
    cmdline: [/usr/bin/qemu-system-x86_64, -m, 10G]
    pid: 4279
    cgroup: /machine/vm1
    image:
      - map: 55d0c0000000-55d0c0400000 r-xp 00001000 08:01 1234 /usr/bin/qemu (x)
        resident: { 0: 12, 3: 4 }
        anon: 1
        vmFlags: dw sd
      - map: 7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0          [stack]
        resident: { 1: 2 }
  other: { comm: helper }
steps: |
  vmm: noop
  cgroup move other /machine
  touch m 0 1M read random=1
  memfd create m 1M
`);
    expect(scenario).toMatchObject({
      kernel: '7.3',
      seed: 42,
      strategies: ['fbind', 'tracker{oom=true}'],
      processes: {
        vmm: {
          comm: 'qemu-system-x86',
          cmdline: ['/usr/bin/qemu-system-x86_64', '-m', '10G'],
          pid: 4279,
          cgroup: '/machine/vm1',
          image: [
            {
              start: 0x55d0_c000_0000,
              end: 0x55d0_c040_0000,
              perms: 'r-xp',
              offset: 4096,
              dev: '08:01',
              inode: 1234,
              name: '/usr/bin/qemu (x)',
              vmFlags: ['dw', 'sd'],
              resident: [12, 0, 0, 4],
              anonPages: 1,
            },
            { perms: 'rw-p', name: '[stack]', vmFlags: [], resident: [0, 2, 0, 0], anonPages: 2 },
          ],
        },
        other: { comm: 'helper', cmdline: ['/bin/helper'], pid: 0, cgroup: '/', image: [] },
      },
      steps: [{ who: 'vmm' }, {}, { args: { random: { count: 1, seed: 42 } } }, {}],
    });
  });

  it('may hold its machine, or be JSON', async () => {
    const nodes = [
      { cpus: '0-3', memory: '1G' },
      { cpus: '', memory: 2 ** 30 },
    ];
    const source = { title: 't', machine: { title: 'm', nodes }, steps: 'noop\n  touch é 0 1Z\nmbind "a' };
    const json = JSON.stringify(source, null, '\t').replace('é', String.raw`\u00e9`);
    const found = await problemsOf(json);
    const line = json.split('\n').findIndex((text) => text.includes('steps')) + 1;
    const at = (text: string): number => json.split('\n')[line - 1]!.indexOf(text) + 1;
    expect(found.map((problem) => problem.split(' ')[0])).toEqual([
      `t.yaml:${line}:${at(String.raw`\u00e9`)}`,
      `t.yaml:${line}:${at('1Z')}`,
      `t.yaml:${line}:${at('1Z') + 2}`,
      `t.yaml:${line}:${at(String.raw`\"a`)}`,
      `t.yaml:${line}:${at(String.raw`\"a`) + 3}`,
    ]);
    expect(await load(JSON.stringify({ ...source, steps: 'noop' }))).toMatchObject({
      machine: {
        nodes: [{ cpus: [0, 1, 2, 3] }, { cpus: [], memoryBytes: 2 ** 30 }],
        distances: [
          [10, 20],
          [20, 10],
        ],
      },
    });
  });

  it('may have workers of any name', async () => {
    const scenario = await load(`${SMALL}processes: { __proto__: { pid: 7 } }\n`);
    if (Array.isArray(scenario)) throw new Error(scenario.join('\n'));
    expect(Object.keys(scenario.processes)).toEqual(['__proto__']);
    expect(scenario.processes['constructor']).toBeUndefined();
  });

  it('has the name of its file as id', async () => {
    for (const [file, id] of [
      ['a/b/talk-10g.v2.yaml', 'talk-10g.v2'],
      [String.raw`c:\x\y.json`, 'y'],
      ['plain', 'plain'],
    ]) {
      const loaded = await loadScenario({ file: file!, text: SMALL, machines: machineFile, machineNames });
      expect(loaded).toMatchObject({ scenario: { id, file } });
    }
  });
});

describe('steps are placed', () => {
  it.each([
    ['a block', 'steps: |\n   noop\n\n     fork\n', '6:10'],
    ['a block with its indentation stated', 'steps: |2\n   noop\n   fork\n', '5:8'],
    ['a block that keeps its end, with a comment', 'steps: |+ # why\n  noop\n  fork\n\n', '5:7'],
    ['a block with an anchor', 'steps: &a |\n  noop\n  fork\n', '5:7'],
    ['a block in a file of DOS lines', 'steps: |\r\n  noop\r\n  fork\r\n', '5:7'],
    ['plain text', 'steps: fork\n', '3:12'],
    ['single quotes', "steps: 'note it''s'' fork'\n", null],
    ['single quotes with a problem', "steps: 'memfd''x fork'\n", '3:9'],
    ['double quotes', String.raw`steps: "noop\n\tfo\x72k"`, '3:24'],
  ])('in %s', async (_, steps, place) => {
    const loaded = await load(HEAD + steps);
    if (place === null) expect(loaded).toMatchObject({ title: 't' });
    else expect(loaded).toEqual([expect.stringContaining(`t.yaml:${place} step`)]);
  });

  it('but not where YAML joins their lines', async () => {
    expect(await problemsOf(`${HEAD}steps: >\n  noop\n  fork\n`)).toEqual([
      't.yaml:3:8 schema steps: ">" joins the lines of the script: write "steps: |"',
    ]);
    expect(await problemsOf(`${HEAD}steps:\n  noop\n  fork w1\n`)).toEqual([
      't.yaml:4:3 schema steps: the lines of the script are joined here: write "steps: |" and the steps indented below it',
    ]);
  });
});

describe('problems of a file', () => {
  it.each([
    ['nothing', '', '1:1 schema the file is empty: a mapping with title, machine and steps is expected'],
    [
      'only a comment',
      '# x\n',
      '1:1 schema the file is empty: a mapping with title, machine and steps is expected',
    ],
    [
      'a list',
      '\n- a',
      '2:1 schema a mapping with title, machine and steps is expected at the top, found a list',
    ],
    [
      'a word',
      'x',
      '1:1 schema a mapping with title, machine and steps is expected at the top, found the text "x"',
    ],
    [
      'a control character',
      'title: a\nb\u0001',
      '2:2 yaml not a text file: it holds the control character 0x01',
    ],
    ['a tab', `${SMALL}\tseed: 1`, '4:1 yaml not valid YAML: Tabs are not allowed as indentation'],
    ['two documents', `${SMALL}---\nx: 1`, '4:1 yaml a second document starts here: a file holds one'],
    ['a key twice', `${SMALL}title: b\n`, '4:1 yaml key "title" stands twice in this mapping'],
    ['a loose alias', `${SMALL}seed: *s\n`, '4:7 yaml nothing above is anchored as "&s"'],
    ['a tag', `${SMALL}seed: !x 1\n`, '4:7 yaml not valid YAML: Unresolved tag: !x'],
  ])('that holds %s', async (_, text, message) => {
    expect(await problemsOf(text)).toEqual([`t.yaml:${message}`]);
  });

  it('with unclosed brackets', async () => {
    const [first] = await problemsOf('title: [a\nmachine: {');
    expect(first).toMatch(/^t\.yaml:2:1 yaml not valid YAML: /);
  });

  it('with an alias inside itself', async () => {
    const [first, second] = await problemsOf(`${SMALL}sources: &s [*s]\n`);
    expect(first).toMatch(/^t\.yaml:\d+:\d+ /);
    expect(second).toBeUndefined();
  });
});

describe('problems of values', () => {
  it.each([
    ['titel: x', `4:1 schema unknown key "titel": did you mean "title"? One of ${KEYS}`],
    ['kernel: 6.12', '4:9 schema kernel: write "6.12" in quotes, without them it is a number'],
    ['kernel: "6.13"', '4:9 schema kernel: "6.13" is not valid: did you mean "6.12"? One of 6.12, 6.18, 7.3'],
    ['kernel: [a]', '4:9 schema kernel: a list is not valid: one of 6.12, 6.18, 7.3'],
    ['seed: -1', '4:7 schema seed: -1 is too small: at least 0'],
    ['seed: 4294967296', '4:7 schema seed: 4294967296 is too large: at most 4294967295'],
    ['seed: 1.5', '4:7 schema seed: a whole number is expected here, found 1.5'],
    ['seed:', '4:1 schema seed: a whole number is expected here, found nothing'],
    ['sources: x', '4:10 schema sources: a list is expected here, found the text "x"'],
    ['sources: [a, ""]', '4:14 schema sources[1]: the text is empty'],
    ['strategies: [a, b, a]', '4:20 schema strategies: entry 2 repeats entry 0'],
    [
      'processes: { "a b": {} }',
      '4:14 schema processes: "a b" does not fit: a worker\'s name is up to 31 letters, digits, _, . and -',
    ],
    [
      'processes: { ctl: {} }',
      '4:14 reference processes.ctl: "ctl" stands for the controller: give the worker another name',
    ],
    [
      'processes: { w: { comm: sixteen-letters- } }',
      '4:25 schema processes.w.comm: "sixteen-letters-" is too long: at most 15 characters',
    ],
    ['processes: { w: { cmdline: [] } }', '4:28 schema processes.w.cmdline: the list is empty'],
    [
      'processes: { w: { cgroup: a } }',
      '4:27 schema processes.w.cgroup: "a" does not fit: a cgroup is a path from the root of the hierarchy, as in /machine/vm1',
    ],
    [
      'processes: { v: { pid: 7 }, w: { pid: 7 } }',
      '4:39 reference processes.w.pid: 7 is the pid of "v" already',
    ],
  ])('%s', async (line, message) => {
    expect(await problemsOf(`${SMALL}${line}\n`)).toEqual([`t.yaml:${message}`]);
  });

  it.each([
    [
      'map: foo',
      '6:15 range processes.w.image[0].map: "foo" does not fit: START-END PERMS OFFSET DEV INODE [NAME], as a line of /proc/PID/maps',
    ],
    [
      'map: 2000-1000 rw-p 0 00:00 0',
      '6:15 range processes.w.image[0].map: the mapping ends where it starts, or before',
    ],
    [
      'map: 1000-1800 rw-p 0 00:00 0',
      '6:15 range processes.w.image[0].map: the mapping starts or ends inside a page',
    ],
    [
      'map: 1000-2000 rw-p 10 00:00 0',
      '6:15 range processes.w.image[0].map: the offset is no multiple of 4096 (1000 in hexadecimal)',
    ],
    [
      'map: ffffffffff600000-ffffffffff601000 --xp 0 00:00 0',
      '6:15 range processes.w.image[0].map: the mapping ends above 800000000000, the last user address',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0, resident: { 0: 2 }',
      '6:51 range processes.w.image[0].resident: 2 resident pages in a mapping of 1',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0, resident: { 4: 1 }',
      '6:53 reference processes.w.image[0].resident.4: 4 is not a node of this machine (0-3)',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0, resident: { x: 1 }',
      '6:53 schema processes.w.image[0].resident: "x" does not fit: resident pages are given per node number, as in { 0: 12, 3: 4 }',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0 /f, anon: 1',
      '6:50 range processes.w.image[0].anon: 1 anonymous pages of 0 resident ones',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0, resident: { 0: 1 }, anon: 0',
      '6:67 range processes.w.image[0].anon: 0 anonymous pages of 1 resident ones, but in a mapping without a file all are anonymous',
    ],
    [
      'map: 1000-2000 rw-p 0 00:00 0, vmFlags: sdx',
      '6:50 schema processes.w.image[0].vmFlags: "sdx" does not fit: flags are two-letter codes of smaps with a space between them, as in gd dd',
    ],
  ])('image { %s }', async (entry, message) => {
    const text = `${SMALL}processes:\n  w: { image: [\n       { ${entry} }] }\n`;
    expect(await problemsOf(text)).toEqual([`t.yaml:${message}`]);
  });

  it('of mappings that overlap', async () => {
    const image = ['1000-3000 rw-p 0 00:00 0', '2000-4000 rw-p 0 00:00 0'].map((map) => ({ map }));
    const text = `${SMALL}processes: ${JSON.stringify({ w: { image } })}\n`;
    const column = text.split('\n')[3]!.indexOf('"2000') + 1;
    expect(await problemsOf(text)).toEqual([
      `t.yaml:4:${column} range processes.w.image[1].map: overlaps 1000-3000, which is mapped already`,
    ]);
  });

  it('that are missing', async () => {
    expect(await problemsOf('seed: 1\n')).toEqual(
      ['title', 'machine', 'steps'].map((key) => `t.yaml:1:1 schema "${key}" is missing`),
    );
  });
});

describe('the machine of a scenario', () => {
  it('must be known', async () => {
    expect(await problemsOf('title: t\nmachine: rig-4nod\nsteps: noop\n')).toEqual([
      `t.yaml:2:10 reference machine: no machine "rig-4nod": did you mean "rig-4node"? One of ${MACHINES}`,
    ]);
  });

  it('is checked where it stands', async () => {
    const text = 'title: t\nmachine: bad\nsteps: mempolicy bind 2\n';
    const machine = { file: 'bad.yaml', text: 'title: m\nnodes: [{ cpus: 0, memory: 1Q }]\n' };
    const loaded = await loadScenario({
      file: 't.yaml',
      text,
      machines: () => machine,
      machineNames: ['bad'],
    });
    expect('problems' in loaded && shown(loaded.problems)).toEqual([
      't.yaml:3:23 reference 2 is not a node of this machine (0)',
      'bad.yaml:2:28 schema nodes[0].memory: "1Q" does not fit: a size is digits and one of K, M, G, T or p (pages of 4 KiB), as in 64G, 2172.80M or 512p',
    ]);
  });
});

it('all problems of a file come at once, in reading order', async () => {
  const found = await problemsOf(`title: t
titel: u
kernel: "6.13"
machine:
  title: m
  nodes:
    - { cpus: 0-3, memory: 64Q, backgroud: {} }
    - { cpus: 3-4, memory: 1G, background: { slab: 2G } }
processes:
  w: { pid: 0, image: [{ map: x }] }
steps: |
  mempolicy bind 9
  snapsot a
    gmem create g 12Q
title: v
`);
  expect(found.map((problem) => problem.split(' ').slice(0, 2).join(' '))).toEqual([
    't.yaml:2:1 schema',
    't.yaml:3:9 schema',
    't.yaml:7:28 schema',
    't.yaml:7:33 schema',
    't.yaml:8:15 reference',
    't.yaml:8:44 range',
    't.yaml:10:13 schema',
    't.yaml:10:31 range',
    't.yaml:12:18 reference',
    't.yaml:13:3 step',
    't.yaml:14:19 step',
    't.yaml:15:1 yaml',
  ]);
});
