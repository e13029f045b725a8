import type { FieldLabel, RunResult, StrategyRun } from '../result/types.ts';
import { deaths, nextVictims, type Death, type NextVictim } from './deaths.ts';
import { hazards, type Hazard } from './hazards.ts';
import { weakestLabel } from './labels.ts';
import { limits, payers, type LimitRow, type PayerRow } from './payers.ts';
import { moverSteps, type MoverStep } from './mover-steps.ts';
import { placements, type PlacementRow } from './placement-losses.ts';
import { operationRows, structureRows, type OperationRow, type StructureRow } from './cost-rows.ts';
import { poolRows, type PoolRow } from './pool-rows.ts';
import type { Judgement, Requirement } from './requirement-types.ts';
import { REQUIREMENTS } from './requirements.ts';
import { THREADS, type Thread } from './threads.ts';
import { toolRows, type ToolRow } from './tool-rows.ts';

/** A row of the scorecard: one verdict per strategy, in their order. */
export interface JudgedRequirement extends Pick<Requirement, 'id' | 'title' | 'demand'> {
  threads: Thread[];
  cells: ({ strategy: string } & Judgement)[];
}

/** At which snapshot something is so. */
export interface Moment {
  snapshot: string;
  step: number;
}

/** What follows from one strategy, over all of its snapshots. */
export interface StrategyConsequences {
  strategy: string;
  /** How far any of it can be trusted: it rests on the engine's own record. */
  label: FieldLabel;
  payers: (Moment & PayerRow)[];
  limits: (Moment & LimitRow)[];
  deaths: Death[];
  nextVictims: NextVictim[];
  placements: PlacementRow[];
  movers: MoverStep[];
  pools: PoolRow[];
  structures: StructureRow[];
  operations: OperationRow[];
  tools: ToolRow[];
  hazards: Hazard[];
}

/** What follows from each design for the people who run hosts; every number and verdict is computed from the run. */
export interface ConsequenceReport {
  scorecard: JudgedRequirement[];
  strategies: StrategyConsequences[];
}

/** Works out all consequences of a result. */
export function consequenceReport({
  scenario: { kernel },
  strategies,
}: Pick<RunResult, 'strategies'> & { scenario: Pick<RunResult['scenario'], 'kernel'> }): ConsequenceReport {
  return {
    scorecard: REQUIREMENTS.map(({ id, title, demand, threads, judge }) => ({
      id,
      title,
      demand,
      threads: threads.map((name) => THREADS[name]),
      cells: strategies.map((run) => ({ strategy: run.name, ...judge(run) })),
    })),
    strategies: strategies.map((run) => ofStrategy(run, kernel)),
  };
}

function ofStrategy(run: StrategyRun, kernel: string): StrategyConsequences {
  const moments = run.snapshots.map((snapshot) => ({
    snapshot,
    moment: { snapshot: snapshot.label, step: snapshot.step },
  }));
  return {
    strategy: run.name,
    label: weakestLabel(run.label, 'derived'),
    payers: moments.flatMap(({ snapshot, moment }) => payers(snapshot).map((row) => ({ ...moment, ...row }))),
    limits: moments.flatMap(({ snapshot, moment }) => limits(snapshot).map((row) => ({ ...moment, ...row }))),
    deaths: deaths(run),
    nextVictims: nextVictims(run),
    placements: run.snapshots.flatMap(placements),
    movers: moverSteps(run),
    pools: poolRows(run),
    structures: run.snapshots.flatMap((snapshot) => structureRows(snapshot, kernel)),
    operations: operationRows(run),
    tools: run.snapshots.flatMap(toolRows),
    hazards: hazards(run),
  };
}
