import { limitGroup } from './machine-draws.ts';
import { size, type RandomWriter } from './random-writer.ts';
import { forked } from './script-state.ts';

const MOST_WORKERS = 4;
const GROUPS = ['/a', '/b', '/a/x', '/a/y', '/b/z'] as const;

/** A new worker, mostly by fork. */
export function start(writer: RandomWriter): void {
  const { dice, state } = writer;
  if (state.workers.length >= MOST_WORKERS) return;
  if (dice.oneIn(8)) {
    writer.spawn();
    return;
  }
  const name = `w${state.workerCount++}`;
  const parent = writer.worker();
  writer.by(parent, `fork ${name}`);
  state.workers.push(forked(parent, name));
}

/** The end of a worker. */
export function end(writer: RandomWriter): void {
  const { dice, state } = writer;
  const worker = writer.worker();
  if (state.workers.length < 2) return;
  if (dice.oneIn(2)) writer.by(worker, 'exit');
  else {
    writer.lines.push(`kill ${worker.name} 9`);
    if (worker.isChild) writer.lines.push(`wait ${worker.name}`);
  }
  state.workers = state.workers.filter((other) => other !== worker);
}

/** Groups: made, removed, given nodes, and workers that move between them. */
export function onGroups(writer: RandomWriter): void {
  const { dice, state } = writer;
  const isParent = (path: string): boolean =>
    state.cgroups.some((other) => path !== '/' && other.startsWith(`${path}/`));
  const holds = (path: string): boolean => state.workers.some(({ cgroup }) => cgroup === path);
  const what = dice.one(['create', 'create', 'move', 'move', 'move', 'rm', 'mems', 'mems', 'limit']);
  if (what === 'create') {
    const path = dice.pick(GROUPS.filter((group) => !state.cgroups.includes(group)));
    const parent = path?.slice(0, path.lastIndexOf('/')) || '/';
    // A group that holds processes hands no controllers down.
    if (path === undefined || !state.cgroups.includes(parent) || (parent !== '/' && holds(parent))) return;
    if (parent !== '/')
      writer.lines.push(`write /sys/fs/cgroup${parent}/cgroup.subtree_control +memory +cpuset`);
    writer.lines.push(`cgroup create ${path}`);
    state.cgroups.push(path);
  } else if (what === 'move') {
    const path = dice.pick(state.cgroups.filter((group) => !isParent(group)));
    const worker = writer.worker();
    if (path === undefined) return;
    writer.lines.push(`cgroup move ${worker.name} ${path}`);
    worker.cgroup = path;
  } else if (what === 'rm') {
    const path = dice.pick(state.cgroups.filter((group) => group !== '/'));
    if (path === undefined) return;
    writer.lines.push(`cgroup rm ${path}`);
    if (!isParent(path) && !holds(path)) state.cgroups = state.cgroups.filter((group) => group !== path);
  } else if (what === 'limit') limitGroup(writer);
  else {
    const path = dice.pick(state.cgroups.filter((group) => group !== '/'));
    if (path !== undefined) writer.lines.push(`cgroup limit ${path} cpuset.mems ${writer.nodeList()}`);
  }
}

/** Limits of a worker. */
export function limit(writer: RandomWriter): void {
  const { dice } = writer;
  const worker = writer.worker();
  const what = dice.one(['memlock', 'as', 'oomadj']);
  if (what === 'oomadj') writer.by(worker, `oomadj ${dice.one([0, 300, 1000])}`);
  else if (what === 'memlock') writer.by(worker, `rlimit memlock ${size(dice.one([0, 256, 2048]))}`);
  else writer.by(worker, 'rlimit as 4G');
}
