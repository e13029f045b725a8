import { describe, expect, it } from 'vitest';
import { findVerb, FIRST_WORDS, secondWords } from '../../src/scenario/steps/verb-words.ts';
import type { Step, StepArgs, Verb } from '../../src/scenario/types.ts';
import { machineNamed, script } from './sample.ts';

const rig = await machineNamed('rig-4node');

/** Makes what the steps of the table use. */
const PRELUDE = ['gmem create g 1G', 'memfd create m 1G', 'file create f 1M /x', 'anon map a 1G', 'spawn w1']
  .concat(['cgroup create /a', 'vm vcpu 3 0 default'])
  .join('\n');

const M = 2 ** 20;
const none = { offset: null, bytes: null, at: null };
const policy = (mode: string, nodes: number[] = [], flags: string[] = []): object => ({ mode, nodes, flags });

type Row = { [V in Verb]: [text: string, verb: V, args: unknown] }[Verb];
const TABLE: Row[] = [
  ['snapshot 03-tool-1,2', 'snapshot', { label: '03-tool-1,2' }],
  ['spawn w2', 'spawn', { worker: 'w2' }],
  ['kill w1', 'kill', { worker: 'w1', signal: 9 }],
  ['kill w1 15', 'kill', { worker: 'w1', signal: 15 }],
  ['wait w1', 'wait', { worker: 'w1' }],
  ['cgroup create /a/b', 'cgroup create', { path: '/a/b' }],
  ['cgroup rm /a', 'cgroup rm', { path: '/a' }],
  ['cgroup move self /a', 'cgroup move', { worker: 'w0', path: '/a' }],
  ['cgroup limit /a memory.max 512M', 'cgroup limit', { path: '/a', file: 'memory.max', value: '512M' }],
  ['cgroup limit /a cpuset.mems 0-1', 'cgroup limit', { path: '/a', file: 'cpuset.mems', value: '0-1' }],
  ['migratepages w0 0,2-3 1', 'migratepages', { worker: 'w0', from: [0, 2, 3], to: [1] }],
  ['compact', 'compact', {}],
  ['dropcaches', 'dropcaches', { what: 3 }],
  ['dropcaches 1', 'dropcaches', { what: 1 }],
  ['write /proc/sys/x a  b', 'write', { path: '/proc/sys/x', value: 'a  b' }],
  ['save out.txt /proc/x', 'save', { name: 'out.txt', path: '/proc/x' }],
  ['exec out.txt /bin/p @w0 1,2 3', 'exec', { name: 'out.txt', argv: ['/bin/p', '@w0', '1,2', '3'] }],
  ['mount tmpfs /mnt huge=always', 'mount', { type: 'tmpfs', path: '/mnt', options: 'huge=always' }],
  ['mount tmpfs /mnt', 'mount', { type: 'tmpfs', path: '/mnt', options: '' }],
  ['mkdir /mnt/x', 'mkdir', { path: '/mnt/x' }],
  ['offline 12', 'offline', { block: 12, timeoutMs: 5000 }],
  ['online 12 100', 'online', { block: 12, timeoutMs: 100 }],
  ['offline_node 3 2000', 'offline_node', { node: 3, timeoutMs: 2000 }],
  ['dmesg log.txt', 'dmesg', { name: 'log.txt' }],
  ['sleep 1000', 'sleep', { ms: 1000 }],
  ['settle 0', 'settle', { ms: 0 }],
  ['note so far = 0', 'note', { text: 'so far = 0' }],
  ['note', 'note', { text: '' }],
  ['noop', 'noop', {}],
  ['numa_balance', 'numa_balance', {}],
  ['khugepaged', 'khugepaged', {}],
  ['exit', 'exit', {}],
  ['mempolicy interleave 2,3', 'mempolicy', policy('interleave', [2, 3])],
  ['mempolicy interleave=static 2,3', 'mempolicy', policy('interleave', [2, 3], ['static'])],
  ['mempolicy bind=static,balancing 0', 'mempolicy', policy('bind', [0], ['static', 'balancing'])],
  ['mempolicy default', 'mempolicy', policy('default')],
  ['affinity 3', 'affinity', { cpu: 3 }],
  ['rlimit memlock 64K', 'rlimit', { resource: 'memlock', bytes: 65_536 }],
  ['dropcap', 'dropcap', {}],
  ['oomadj -500', 'oomadj', { value: -500 }],
  ['fork w3', 'fork', { worker: 'w3' }],
  ['reap', 'reap', {}],
  ['gmem create g2 64M', 'gmem create', { name: 'g2', bytes: 64 * M, flags: 0 }],
  ['gmem create g2 3p flags=0x3', 'gmem create', { name: 'g2', bytes: 12_288, flags: 3 }],
  [
    'memfd create m2 64M',
    'memfd create',
    { name: 'm2', bytes: 64 * M, hugetlb: false, cloexec: false, file: 'm2' },
  ],
  [
    'memfd create m2 2M name=ram-shared hugetlb cloexec',
    'memfd create',
    { name: 'm2', bytes: 2 * M, hugetlb: true, cloexec: true, file: 'ram-shared' },
  ],
  ['file create f2 1M /mnt/f', 'file create', { name: 'f2', bytes: M, path: '/mnt/f' }],
  ['gmem close g', 'close', { kind: 'gmem', name: 'g' }],
  ['memfd fallocate m 1M 2M', 'fallocate', { kind: 'memfd', name: 'm', offset: M, bytes: 2 * M }],
  ['gmem punch g 0 5000', 'punch', { kind: 'gmem', name: 'g', offset: 0, bytes: 5000 }],
  [
    'gmem punchstride g 0 128M 4K 8K',
    'punchstride',
    { kind: 'gmem', name: 'g', offset: 0, bytes: 128 * M, hole: 4096, stride: 8192 },
  ],
  ['file ftruncate f 0', 'ftruncate', { kind: 'file', name: 'f', bytes: 0 }],
  ['gmem read g 4K', 'read', { kind: 'gmem', name: 'g', offset: 4096 }],
  ['gmem write g 0', 'write file', { kind: 'gmem', name: 'g', offset: 0, bytes: 64 }],
  ['memfd write m 4K 1M', 'write file', { kind: 'memfd', name: 'm', offset: 4096, bytes: M }],
  ['gmem stat g', 'stat', { kind: 'gmem', name: 'g' }],
  ['memfd map m', 'map', { kind: 'memfd', name: 'm', shared: true, readOnly: false, ...none }],
  ['memfd map m private ro', 'map', { kind: 'memfd', name: 'm', shared: false, readOnly: true, ...none }],
  [
    'gmem map g shared at=0x7f0000000000 offset=2M len=4M',
    'map',
    {
      kind: 'gmem',
      name: 'g',
      shared: true,
      readOnly: false,
      at: 0x7f00_0000_0000,
      offset: 2 * M,
      bytes: 4 * M,
    },
  ],
  [
    'anon map a2 8M',
    'anon map',
    { name: 'a2', bytes: 8 * M, shared: false, hugetlb: false, noreserve: false, at: null },
  ],
  [
    'anon map a2 8M shared hugetlb noreserve at=0x10000000',
    'anon map',
    { name: 'a2', bytes: 8 * M, shared: true, hugetlb: true, noreserve: true, at: 0x1000_0000 },
  ],
  ['anon unmap a', 'unmap', { kind: 'anon', name: 'a', range: null }],
  ['memfd unmap m 1M 2M', 'unmap', { kind: 'memfd', name: 'm', range: { offset: M, bytes: 2 * M } }],
  [
    'mbind m 0 64M bind 1',
    'mbind',
    { name: 'm', offset: 0, bytes: 64 * M, ...policy('bind', [1]), move: false, strict: false },
  ],
  [
    'mbind m 0 64M default move strict',
    'mbind',
    { name: 'm', offset: 0, bytes: 64 * M, ...policy('default'), move: true, strict: true },
  ],
  ['touch m 0 1M write', 'touch', { name: 'm', offset: 0, bytes: M, write: true, random: null }],
  [
    'touch m 0 1M read random=256 seed=5',
    'touch',
    { name: 'm', offset: 0, bytes: M, write: false, random: { count: 256, seed: 5 } },
  ],
  ['mlock m 0 8M', 'mlock', { name: 'm', offset: 0, bytes: 8 * M }],
  ['execve other', 'execve', { comm: 'other' }],
  ['cat w1 numa_maps', 'cat', { worker: 'w1', file: 'numa_maps' }],
  ['coredump filter=59', 'coredump', { filter: 59 }],
  ['mlockall future', 'mlockall', { future: true }],
  ['mremap m 48M', 'mremap', { name: 'm', bytes: 48 * M }],
  ['peek w1 m 0 4K force', 'peek', { worker: 'w1', name: 'm', offset: 0, bytes: 4096, force: true }],
  ['munlock m 4K 8M', 'munlock', { name: 'm', offset: 4096, bytes: 8 * M }],
  [
    'madvise m 0 4K populate_write',
    'madvise',
    { name: 'm', offset: 0, bytes: 4096, advice: 'populate_write' },
  ],
  ['move_pages m 0 32M 2', 'move_pages', { name: 'm', offset: 0, bytes: 32 * M, node: 2 }],
  ['soft_offline g 4K 2p', 'soft_offline', { name: 'g', offset: 4096, bytes: 8192 }],
  ['where m 0 64M', 'where', { name: 'm', offset: 0, bytes: 64 * M }],
  [
    'gmem policy g 0 1M interleave 2,3 move',
    'gmem policy',
    { name: 'g', offset: 0, bytes: M, ...policy('interleave', [2, 3]), move: true },
  ],
  ['vm create', 'vm create', { type: 'default' }],
  ['vm create snp', 'vm create', { type: 'snp' }],
  ['vm cap', 'vm cap', {}],
  [
    'vm slot 0 0 64M m 4K',
    'vm slot',
    { slot: 0, gpa: 0, bytes: 64 * M, object: 'm', offset: 4096, gmem: null, gmemOffset: 0 },
  ],
  [
    'vm slot 1 4G 64M none 0 g 2M',
    'vm slot',
    { slot: 1, gpa: 4096 * M, bytes: 64 * M, object: null, offset: 0, gmem: 'g', gmemOffset: 2 * M },
  ],
  ['vm unslot 1', 'vm unslot', { slot: 1 }],
  ['vm attr 0 1M private', 'vm attr', { gpa: 0, bytes: M, to: 'private' }],
  ['vm touch 0 1M', 'vm touch', { gpa: 0, bytes: M, code: null, step: 4096, vcpu: null, random: null }],
  ['vm touch 0 1M m 2M', 'vm touch', { gpa: 0, bytes: M, code: 'm', step: 2 * M, vcpu: null, random: null }],
  ['vm touch 0 1M 8K', 'vm touch', { gpa: 0, bytes: M, code: null, step: 8192, vcpu: null, random: null }],
  [
    'vm touch 0 1M vcpu=3 random=9',
    'vm touch',
    { gpa: 0, bytes: M, code: null, step: 4096, vcpu: 3, random: { count: 9, seed: 7 } },
  ],
  [
    'vm ttouch 48M 8M g 3 bind 2',
    'vm ttouch',
    { gpa: 48 * M, bytes: 8 * M, code: 'g', cpu: 3, ...policy('bind', [2]) },
  ],
  ['vm ttouch 0 8M 3 local', 'vm ttouch', { gpa: 0, bytes: 8 * M, code: null, cpu: 3, ...policy('local') }],
  ['vm launch-update 0 4M', 'vm launch-update', { gpa: 0, bytes: 4 * M }],
  [
    'vm convert 0 4M shared',
    'vm convert',
    { gpa: 0, bytes: 4 * M, to: 'shared', how: 'explicit', discard: 'left' },
  ],
  [
    'vm convert 0 4M private implicit keep',
    'vm convert',
    { gpa: 0, bytes: 4 * M, to: 'private', how: 'implicit', discard: 'none' },
  ],
  ...(['none', 'private', 'shared', 'both'] as const).map((discard): Row => [
    `vm convert 0 4M shared discard=${discard}`,
    'vm convert',
    { gpa: 0, bytes: 4 * M, to: 'shared', how: 'explicit', discard },
  ]),
  [
    'vm vcpu 1 2 interleave=static 0,1',
    'vm vcpu',
    { index: 1, cpu: 2, ...policy('interleave', [0, 1], ['static']) },
  ],
  ['gmem query g 4K', 'gmem query', { name: 'g', offset: 4096 }],
  [
    'vm touch 0 4M root=2',
    'vm touch',
    { gpa: 0, bytes: 4 * M, code: null, step: 4096, vcpu: null, random: null, root: 2 },
  ],
  ['vm close', 'vm close', {}],
];

/** Steps of a script without problems, the prelude's left out. */
function stepsOf(text: string): Step[] {
  const { steps, problems } = script(`${PRELUDE}\n${text}`, rig);
  expect(problems).toEqual([]);
  return steps.slice(PRELUDE.split('\n').length);
}

describe('verbs', () => {
  it.each(TABLE)('%s', (text, verb, args) => {
    const [step] = stepsOf(text);
    expect(step).toMatchObject({ verb, text, who: null, expect: null });
    expect(step!.args).toEqual(args as StepArgs[Verb]);
  });

  it('all stand in the table above', () => {
    const written = FIRST_WORDS.flatMap(
      (first) => secondWords(first)?.map((word) => [first, word]) ?? [[first]],
    );
    const verbs = new Set(written.map(([first, second]) => findVerb(first!, second)!.verb));
    expect([...verbs].sort()).toEqual([...new Set(TABLE.map(([, verb]) => verb))].sort());
  });

  it('on files exist for every kind of file', () => {
    for (const kind of ['gmem', 'memfd', 'file']) {
      expect(secondWords(kind)).toEqual(
        expect.arrayContaining(['create', 'map', 'write', 'stat', 'punchstride']),
      );
    }
  });
});

describe('a line', () => {
  it('may name a worker, end in a comment and state its result', () => {
    const [step] = stepsOf('\tw1:  memfd  punch m 0 4K  = -EINVAL   # as expected = 0');
    expect(step).toEqual({
      line: 8,
      column: 7,
      who: 'w1',
      text: 'w1:  memfd  punch m 0 4K',
      expect: 'EINVAL',
      verb: 'punch',
      args: { kind: 'memfd', name: 'm', offset: 0, bytes: 4096 },
    });
  });

  it('may state that it succeeds', () => {
    expect(stepsOf('noop = 0')[0]).toMatchObject({ expect: 0, text: 'noop' });
  });

  it('that states a failure may name what is not there', () => {
    expect(stepsOf('mempolicy bind 9 = -EINVAL')[0]!.args).toEqual(policy('bind', [9]));
    stepsOf('affinity 64 = -EINVAL\nmlock nothing 0 4K = -EINVAL\nw9: noop = -ESRCH');
  });
});

describe('repeat blocks', () => {
  it('are unrolled, nested ones too', () => {
    const steps = stepsOf('repeat 2\n noop\n repeat 3\n  exit\n end # inner\nend\nreap');
    const round = 'noop exit exit exit';
    expect(steps.map((step) => step.verb).join(' ')).toBe(`${round} ${round} reap`);
    expect(steps.map((step) => step.line)).toEqual([9, 11, 11, 11, 9, 11, 11, 11, 14]);
  });
});
