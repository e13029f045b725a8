import { describe, expect, it } from 'vitest';
import { moverSteps, whyNot } from '../../src/analysis/mover-steps.ts';
import { play } from '../simulation/play.ts';
import { sampleMover, sampleRun } from './fixture.ts';
import { sampleStep, verdicts } from './played.ts';

describe('movers', () => {
  it('are told by what was recorded of each, with the step that called it', () => {
    const steps = [
      sampleStep(1, 'compact'),
      sampleStep(2, 'migratepages vmm 0 1', { ret: 12 }),
      sampleStep(3, 'offline 33', { ret: -1, errno: 'EINTR', message: 'timeout' }),
    ];
    const movers = [
      sampleMover(1, 'compaction', { passed: 30 }, { gainedHugeBlocks: [1, 2] }),
      sampleMover(2, 'migratepages', {}, { askedPages: 10 }),
      sampleMover(3, 'offlining', { moved: 4, failed: 6, errno: 'EIO' }, { askedPages: 10, rehomedPages: 4 }),
      sampleMover(9, 'allocation', { moved: 1 }),
    ];
    const told = moverSteps(sampleRun({ steps, movers }));
    const brief = told.map((one) => [
      one.step,
      one.mover,
      one.outcome,
      one.wantedKb,
      one.movedKb,
      whyNot(one),
    ]);
    expect(brief).toEqual([
      [1, 'compaction', '0', 120, 0, ', passed over'],
      [2, 'migratepages', '12', 40, 0, ', not found by it'],
      [3, 'offlining', 'EINTR', 40, 16, ', refused with EIO'],
    ]);
    expect(told[0]).toMatchObject({ gainedHugeBlocks: 3, passedKb: 120, line: 11 });
    expect(told[2]).toMatchObject({ rehomedKb: 16, failedKb: 24, message: 'timeout' });
  });
});

describe('movers of a script', () => {
  const SCRIPT = `
spawn vmm
cgroup create /vm
cgroup move vmm /vm
vmm: affinity 1
vmm: vm create swprot
vmm: memfd create ram 8M
vmm: memfd map ram shared
vmm: gmem create g 8M
vmm: vm slot 0 0 8M ram 0 g 0
vmm: vm attr 2M 6M private
vmm: vm touch 0 8M
vmm: affinity 2
vmm: gmem policy g 0 8M bind 2
snapshot booted
`;
  const MIB6 = 6 * 1024;
  const of = (strategy: string, steps: string): (string | number)[][] =>
    moverSteps(play(strategy, SCRIPT + steps).run).map(
      ({ mover, wantedKb, movedKb, failedKb, rehomedKb, lostKb }) => [
        mover,
        wantedKb,
        movedKb,
        failedKb,
        rehomedKb,
        lostKb,
      ],
    );

  it('find private memory in no address space of the status quo', () => {
    const steps = 'vmm: numa_balance\nmigratepages vmm 1 2\ncgroup limit /vm cpuset.mems 2\n';
    expect(of('page-cache', steps)).toEqual([
      ['NUMA balancing', MIB6, 0, 0, 0, 0],
      ['migratepages', MIB6, 0, 0, 0, 0],
      ['cpuset', MIB6, 0, 0, 0, 0],
    ]);
  });

  it('are asked about what the process has on the nodes that they empty, and nothing else', () => {
    expect(of('page-cache', 'migratepages vmm 0,3 2\nvmm: affinity 1\nvmm: numa_balance\n')).toEqual([]);
  });

  it('bring it home where a shadow VMA may be migrated', () => {
    const strategy = 'task-policy+shadow-vma+shadow-rmap{kvm-knows-shadow=true}';
    expect(of(strategy, 'migratepages vmm 1 2\ncgroup limit /vm cpuset.mems 3\n')).toEqual([
      ['migratepages', MIB6, MIB6, 0, MIB6, 0],
      ['cpuset', MIB6, MIB6, 0, -MIB6, 0],
    ]);
    expect(verdicts(play(strategy, `${SCRIPT}migratepages vmm 1 2\n`).run)['movable']).toBe('met');
    expect(verdicts(play('page-cache', `${SCRIPT}migratepages vmm 1 2\n`).run)['movable']).toBe('not met');
    const both = `${SCRIPT}migratepages vmm 1 2\nvmm: affinity 0\nvmm: numa_balance\n`;
    expect(verdicts(play(strategy, both).run)['movable']).toBe('partly');
  });

  it('are not to blame where kernel memory keeps a block on line', () => {
    // The first block of a node holds its page structures.
    const { run } = play('page-cache', `${SCRIPT}offline 2\n`);
    const [tried] = moverSteps(run);
    expect(tried).toMatchObject({
      mover: 'offlining',
      outcome: 'EBUSY',
      wantedKb: MIB6,
      movedKb: 0,
      failedKb: 0,
    });
    expect(whyNot(tried!)).toBe(', which other memory in the block stopped before');
    expect(verdicts(run)['movable']).toBe('not tried');
  });

  it('may drop a page instead of moving it', () => {
    expect(of('page-cache', 'vmm: soft_offline g 4M 8K\n')).toEqual([['soft offline', 8, 0, 0, 0, 8]]);
  });
});
