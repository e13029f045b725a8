import type { ProcessTruth, Snapshot, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { agrees, at, kb, moments, privateVmas, said, verdictOver, type Observation } from './judge.ts';
import { sum } from './node-lists.ts';
import type { Judgement } from './requirement-types.ts';
import { privateKb, truthKb } from './truth.ts';

/** Processes with private guest memory, at each snapshot that has some. */
function owners(run: StrategyRun): { snapshot: Snapshot; process: ProcessTruth }[] {
  return moments(run).flatMap((snapshot) =>
    snapshot.truth.processes
      .filter((process) => privateKb(process) > 0)
      .map((process) => ({ snapshot, process })),
  );
}

/**
 * Visible per process: VmRSS and the sum of smaps are what the process really uses. Partly: one of them, or either too high, or
 * private memory alone in a file of its own (fdinfo).
 */
export function judgeVisiblePerProcess(run: StrategyRun): Judgement {
  return verdictOver(
    owners(run).map(({ snapshot, process }): Observation => {
      const { worker } = process;
      const truth = truthKb(process);
      const rss = said('rss', snapshot, worker)?.totalKb ?? 0;
      const smaps = said('smaps-rss', snapshot, worker)?.totalKb ?? 0;
      const tracked = said('tracker', snapshot, worker)?.totalKb ?? 0;
      const evidence = at(run, snapshot);
      const inRss = kb(rss, truth, `in VmRSS of ${worker}`);
      if (agrees(rss, truth) && agrees(smaps, truth)) return { mark: 'yes', figure: inRss, evidence };
      if (Math.max(rss, smaps) > truth || agrees(smaps, truth))
        return { mark: 'partly', figure: inRss, evidence };
      if (agrees(rss, truth)) {
        return {
          mark: 'partly',
          figure: kb(smaps, truth, `in smaps of ${worker}, though VmRSS has it`),
          evidence,
        };
      }
      if (agrees(tracked, privateKb(process))) {
        return {
          mark: 'partly',
          figure: kb(tracked, privateKb(process), `in fdinfo of ${worker} alone`),
          evidence,
        };
      }
      return { mark: 'no', figure: inRss, evidence, gap: truth - rss };
    }),
  );
}

/** Visible per node: numa_maps puts every page on its node. Partly: a file of its own (fdinfo) does for private memory. */
export function judgeVisiblePerNode(run: StrategyRun): Judgement {
  return verdictOver(
    owners(run).map(({ snapshot, process }): Observation => {
      const { worker, nodePages, privateNodePages } = process;
      const evidence = at(run, snapshot);
      const shown = onNode(said('numa_maps', snapshot, worker)?.nodesKb ?? [], nodePages);
      const figure = kb(shown.right, truthKb(process), `on its node in numa_maps of ${worker}`);
      if (shown.isRight) return { mark: 'yes', figure, evidence };
      const tracked = onNode(said('tracker', snapshot, worker)?.nodesKb ?? [], privateNodePages);
      if (tracked.isRight) {
        const words = `on its node in fdinfo of ${worker} alone`;
        return { mark: 'partly', figure: kb(tracked.right, privateKb(process), words), evidence };
      }
      return { mark: 'no', figure, evidence, gap: truthKb(process) - shown.right };
    }),
  );
}

/** How much of a split stands on the right node, and whether all of it does. */
function onNode(
  nodesKb: readonly number[],
  nodePages: readonly number[],
): { right: number; isRight: boolean } {
  const total = pagesToKb(sum(nodePages));
  const pairs = nodePages.map((pages, nid) => [nodesKb[nid] ?? 0, pagesToKb(pages)] as const);
  const off = sum(pairs.map(([reported, truth]) => Math.abs(reported - truth)));
  return {
    right: sum(pairs.map(([reported, truth]) => Math.min(reported, truth))),
    isRight: agrees(total + off, total),
  };
}

/** No VMA needed: no mapping of private memory in any process. (One that a design hides from maps can't be seen here.) */
export function judgeNoVma(run: StrategyRun): Judgement {
  return verdictOver(
    moments(run).map((snapshot): Observation => {
      const vmas = snapshot.facts.processes.flatMap(privateVmas);
      const figure = {
        value: vmas.length,
        of: null,
        unit: 'count',
        words: `VMA${vmas.length === 1 ? '' : 's'} of private memory`,
      } as const;
      return {
        mark: vmas.length === 0 ? 'yes' : 'no',
        figure,
        evidence: at(run, snapshot),
        gap: vmas.length,
      };
    }),
  );
}
