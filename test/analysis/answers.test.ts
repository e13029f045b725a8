import { describe, expect, it } from 'vitest';
import { answersOf } from '../../src/analysis/answers.ts';
import { attribution } from '../../src/analysis/attribution.ts';
import { interfaceScores } from '../../src/analysis/interface-scores.ts';
import { mainSubject } from '../../src/analysis/subject.ts';
import { timeline } from '../../src/analysis/timeline.ts';
import { fixture } from '../charts/fixture.ts';
import { sampleResult, sampleRun, sampleWorld } from './fixture.ts';

const VMM = { worker: 'vmm', cgroup: '/a' };
const MOMENT = { label: 'booted', step: 7 };

describe('answers', () => {
  const result = sampleResult();
  const rows = attribution(result);
  const answer = answersOf(rows);

  it('are about the process, its cgroup, or all nodes together', () => {
    expect(answer('page-cache', MOMENT, 'rss', VMM)).toMatchObject({ truthKb: 1800, reportedKb: 192 });
    expect(answer('page-cache', MOMENT, 'memory.current', VMM)).toMatchObject({ errorKb: -600 });
    expect(answer('page-cache', MOMENT, 'node-FilePages', VMM)).toMatchObject({
      truthKb: (1119 + 819) * 4,
      errorKb: 0,
      nodes: [{ node: 0 }, { node: 1 }],
    });
    expect(answer('page-cache', { label: 'booted', step: 8 }, 'rss', VMM)).toBeNull();
    expect(answer('page-cache', MOMENT, 'rss', { worker: 'gone', cgroup: '/a' })).toBeNull();
  });

  it('are not mixed up by a worker that is called like a node', () => {
    expect(
      answer('page-cache', MOMENT, 'node-MemUsed', { worker: 'node1', cgroup: '/a' })?.nodes,
    ).toHaveLength(2);
  });

  it('tell memory on the wrong node from memory that is missing', () => {
    const nodesOf = (reported: [number, number]) =>
      rows.map((row) =>
        row.interface === 'numa_maps' && row.subject === 'vmm'
          ? { ...row, reportedKb: row.node === null ? reported[0] + reported[1] : reported[row.node]! }
          : row,
      );
    const misplaced = (reported: [number, number]) =>
      answersOf(nodesOf(reported))('page-cache', MOMENT, 'numa_maps', VMM)?.misplacedKb;
    expect(misplaced([524, 1276])).toBe(0);
    expect(misplaced([1276, 524])).toBe(752);
    expect(misplaced([0, 0])).toBe(0);
    expect(misplaced([600, 1000])).toBe(76);
  });

  it('have no error where the interface does not count memory', () => {
    expect(answer('page-cache', MOMENT, 'vmsize', VMM)).toMatchObject({
      reportedKb: 360,
      errorKb: null,
      misplacedKb: 0,
    });
  });
});

describe('the main subject', () => {
  it('is the worker with the most private memory at the last moment that any world has some', () => {
    const empty = { ...sampleWorld(), label: 'end', step: 12 };
    empty.truth = { holdings: [], processes: [], nodes: [] };
    const runs = [sampleRun({ snapshots: [sampleWorld(), empty] }), sampleRun({ name: 'b', snapshots: [] })];
    expect(mainSubject(sampleResult(runs))).toEqual({ index: 0, snapshot: 'booted', step: 7, ...VMM });
    expect(mainSubject(sampleResult([sampleRun({ snapshots: [empty] })]))).toBeNull();
  });
});

describe('the scores of the interfaces', () => {
  it('has a score per strategy and interface that says something', () => {
    const result = sampleResult([sampleRun(), sampleRun({ name: 'stopped', snapshots: [] })]);
    const card = interfaceScores(result, attribution(result));
    expect(card.interfaces.map(({ id }) => id)).toEqual([
      'rss',
      'vmsize',
      'smaps-rss',
      'pss',
      'numa_maps',
      'numastat-p',
      'oom-badness',
      'memory.current',
      'memory.stat-total',
      'memory.numa_stat',
      'node-FilePages',
      'node-Unevictable',
      'node-MemUsed',
    ]);
    expect(
      card.scores.map((score) => [score.strategy, score.interface, score.errorKb, score.misplacedKb]),
    ).toEqual([
      ['page-cache', 'rss', -1608, 0],
      ['page-cache', 'vmsize', null, 0],
      ['page-cache', 'smaps-rss', -1616, 0],
      ['page-cache', 'pss', -1616, 0],
      ['page-cache', 'numa_maps', -1616, 0],
      ['page-cache', 'numastat-p', -1616, 0],
      ['page-cache', 'oom-badness', -1600, 0],
      ['page-cache', 'memory.current', -600, 0],
      ['page-cache', 'memory.stat-total', -600, 0],
      ['page-cache', 'memory.numa_stat', -600, 0],
      ['page-cache', 'node-FilePages', 0, 0],
      ['page-cache', 'node-Unevictable', 0, 0],
      ['page-cache', 'node-MemUsed', 0, 0],
    ]);
  });

  it('is empty when no process was ever seen', () => {
    const result = sampleResult([sampleRun({ snapshots: [] })]);
    expect(interfaceScores(result, [])).toEqual({ subject: null, interfaces: [], scores: [] });
  });
});

describe('the timeline', () => {
  it('follows truth and interfaces over the snapshots', () => {
    const { result, rows } = fixture({ strategies: ['page-cache'] });
    const series = (metric: string) =>
      timeline(result, rows)
        .filter((row) => row.metric === metric)
        .map((row) => row.kb);
    expect(series('truth')).toEqual([85_332, 21_056_852, 42_028_372]);
    expect(series('truth-private')).toEqual([0, 20_971_520, 41_943_040]);
    expect(series('truth-off-policy')).toEqual([null, null, null]);
    expect(series('rss')).toEqual([85_332, 85_332, 85_332]);
    expect(series('memory.current')).toEqual([85_332, 21_056_852, 42_028_372]);
    expect(series('node-FilePages')).toEqual([85_332, 21_056_852, 42_028_372]);
  });

  it('says who each number is about, its class and its label', () => {
    const result = sampleResult();
    const found = timeline(result, attribution(result)).filter(({ metric }) =>
      ['truth', 'truth-off-policy', 'rss', 'memory.current', 'node-MemUsed'].includes(metric),
    );
    expect(found.map((row) => [row.metric, row.subject, row.kb, row.fieldClass, row.label])).toEqual([
      ['truth', 'vmm', 1800, 'truth', 'derived'],
      ['truth-off-policy', 'vmm', 400, 'truth', 'derived'],
      ['rss', 'vmm', 192, 'stat', 'verified'],
      ['memory.current', '/a', 1200, 'accounting', 'verified'],
      ['node-MemUsed', 'nodes', 62_143 * 8, 'stat', 'verified'],
    ]);
  });
});
