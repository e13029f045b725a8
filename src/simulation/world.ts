import type { Inode } from '../kernel/inode.ts';
import { Kernel } from '../kernel/kernel.ts';
import { type Policy, policyText } from '../kernel/mempolicy.ts';
import { exitProcess } from '../kernel/process.ts';
import { reclaim } from '../kernel/reclaim.ts';
import { PROFILES } from '../kernel/profiles.ts';
import { SharedPolicy } from '../kernel/shared-policy.ts';
import { Kvm } from '../kvm/kvm.ts';
import type { FindingId } from '../result/finding-ids.ts';
import type { Finding, FindingLink, OomKill } from '../result/types.ts';
import type { Scenario } from '../scenario/types.ts';
import type { Hooks } from '../strategy/contract.ts';
import type { StrategyPlan } from '../strategy/plan.ts';
import { composeHooks, installHooks, type ReaderHooks } from './compose-hooks.ts';
import { kernelOperations } from './kernel-operations.ts';
import { WorldView } from './kernel-view.ts';
import { Ledger } from './ledger.ts';
import { MappingJournal } from './mapping-journal.ts';
import { ChargeWatch } from './charge-watch.ts';
import { MoverBook } from './mover-book.ts';
import { oomKill } from './oom-kill.ts';
import { PoolBook } from './pool-book.ts';
import { placeBackground } from './background.ts';
import { fillPool } from './boot-pool.ts';
import { readPrograms, startWorker } from './start-worker.ts';
import { StaleWatch } from './stale-watch.ts';
import { isSoftOffline } from './steps/soft-offline-steps.ts';
import { activateSwap } from './steps/swap-programs.ts';
import { rootMount, type TmpfsMount } from '../kernel/tmpfs-mount.ts';
import type { MountPoint } from './steps/mount-step.ts';
import { applySysctls } from './steps/vm-files.ts';
import type { Worker } from './worker.ts';

/** A shared policy that was set, by whom, and by which kind of call. */
export interface Binding {
  worker: string;
  call: 'descriptor' | 'mapping';
  index: number;
  count: number;
  policy: Policy | null;
}

/** One strategy's world: a kernel of its own with the strategy's hooks in it, and the processes of the script. */
export class World {
  readonly scenario: Scenario;
  readonly kernel: Kernel;
  readonly kvm: Kvm;
  readonly view: WorldView;
  readonly ledger: Ledger = new Ledger();
  readonly readers: ReaderHooks;
  readonly workers: Map<string, Worker> = new Map<string, Worker>();
  readonly findings: Finding[] = [];
  /** Whom the OOM killer ended. */
  readonly kills: OomKill[] = [];
  /** What VMMs asked for, per gmem: the record that misplaced pages are judged by. */
  readonly wishes: Map<Inode, SharedPolicy> = new Map<Inode, SharedPolicy>();
  /** Who set which shared policy, in order. */
  readonly #bindings: Map<Inode, Binding[]> = new Map<Inode, Binding[]>();
  /** What the script mounted. */
  readonly mounts: MountPoint[] = [];
  readonly rootFiles: TmpfsMount = rootMount();
  /** What movers did. */
  readonly charges: ChargeWatch;
  readonly movers: MoverBook;
  /** Guest memory that lies in both pools. */
  readonly pools: PoolBook;
  /** Entries of guests' page tables that are wrong. */
  readonly stale: StaleWatch;
  /** The step that is being run: its number in the script and its line in the file. */
  at: { step: number; line: number } = { step: 0, line: 0 };

  constructor(config: { scenario: Scenario; plan: StrategyPlan }) {
    const { machine, kernel: version } = config.scenario;
    this.scenario = config.scenario;
    this.kernel = new Kernel({
      machine: {
        nodes: machine.nodes.map(({ cpus, memoryBytes, movableBytes, zones }) => ({
          cpus,
          memoryBytes,
          movableBytes,
          zones,
        })),
        distances: machine.distances,
        belowFourGib: machine.belowFourGib,
      },
      profile: PROFILES[version],
      maxMapCount: machine.sysctl['vm.max_map_count'],
      compactUnevictable: machine.sysctl['vm.compact_unevictable_allowed'] !== 0,
      thp: machine.thp,
      proposed: {
        gmemHugePages: config.scenario.proposed?.includes('gmem-huge-pages') ?? false,
        inPlaceConversion: config.scenario.proposed?.includes('in-place-conversion') ?? false,
      },
    });
    this.kernel.reclaim = (request) => reclaim(this.kernel, request);
    this.kernel.exitProcess = (process) => {
      if (process.killedBy === 'oom') this.kills.push(oomKill(this, process));
      exitProcess(this.kernel, process);
    };
    this.kernel.onBadRss = (process) =>
      this.report('law', 'rss-balanced-at-exit', `Bad rss-counter state when ${process.worker} exited`);
    this.kvm = new Kvm({ kernel: this.kernel });
    this.view = new WorldView({ kvm: this.kvm, ledger: this.ledger });
    const parts = config.plan.parts.map((planned) => createPart(planned, this.view));
    const hooks = composeHooks([kernelOperations(this.kernel, this.view), ...parts]);
    installHooks(this.kvm, hooks);
    this.readers = hooks.readers;
    const journal = new MappingJournal();
    // The book costs a little with each fault, so it is kept only where pages can lose their frames.
    const mayLose =
      parts.some((part) => part.mayMigrate !== undefined) || config.scenario.steps.some(isSoftOffline);
    if (mayLose) this.kvm.hooks = journal.around(this.kvm.hooks, () => this.at);
    this.stale = new StaleWatch({ world: this, journal });
    this.charges = new ChargeWatch({ world: this });
    this.movers = new MoverBook({ world: this });
    this.pools = new PoolBook({ world: this });
    applySysctls(this, machine.sysctl);
    fillPool(this.kernel, machine);
    placeBackground(this.kernel, machine.nodes);
    if (machine.swap?.isOn) activateSwap(this);
    readPrograms(this);
    // A worker that the script itself starts is not there before.
    const spawned = new Set(
      config.scenario.steps.flatMap((step) => (step.verb === 'spawn' ? [step.args.worker] : [])),
    );
    for (const name of Object.keys(config.scenario.processes)) {
      if (!spawned.has(name)) startWorker(this, name);
    }
  }

  /** Notes something that the design or the script ran into. */
  report(kind: Finding['kind'], id: FindingId, message: string, chain?: readonly FindingLink[]): void {
    const finding: Finding = { kind, id, message, step: this.at.step, line: this.at.line };
    this.findings.push(chain ? { ...finding, chain: [...chain] } : finding);
  }

  /** Notes that a shared policy was set; one that somebody else set for the same pages, or by the other call, is overruled: last wins. */
  bound(inode: Inode, binding: Binding): void {
    const earlier = this.#bindings.get(inode) ?? [];
    const { index, count, worker, call, policy } = binding;
    const overruled = earlier.findLast((one) => one.index < index + count && index < one.index + one.count);
    if (overruled && (overruled.worker !== worker || overruled.call !== call)) {
      const [before, after] = [overruled.policy, policy].map(policyText);
      if (before !== after) {
        const words = `${after} by ${worker} (${call}) overrules ${before} by ${overruled.worker} (${overruled.call})`;
        this.report('hazard', 'policy-conflict', `${inode.name}: ${words}`);
      }
    }
    this.#bindings.set(inode, [...earlier, binding]);
  }

  /** Remembers a wish for the placement of private memory. */
  wish(inode: Inode, index: number, count: number, policy: Policy | null): void {
    let wishes = this.wishes.get(inode);
    if (!wishes) this.wishes.set(inode, (wishes = new SharedPolicy()));
    wishes.set(index, index + count, policy);
  }
}

/** A part threw: the run of its strategy ends here. */
export class PartError extends Error {
  readonly part: string;

  constructor(part: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'PartError';
    this.part = part;
  }
}

/** A part's hooks, each of which says whose it is when it throws. No hook has more than five arguments. */
function createPart(planned: StrategyPlan['parts'][number], view: WorldView): Hooks {
  const { id } = planned.part.meta;
  const blame = (error: unknown): Error => (error instanceof PartError ? error : new PartError(id, error));
  const guard =
    (hook: (...args: unknown[]) => unknown) =>
    (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown): unknown => {
      try {
        return hook(a, b, c, d, e);
      } catch (error) {
        throw blame(error);
      }
    };
  const hooks = guard(() => planned.part.create(view, planned.options))() as Hooks;
  return Object.fromEntries(
    Object.entries(hooks).map(([name, hook]) => [name, guard(hook as (...args: unknown[]) => unknown)]),
  ) as Hooks;
}
