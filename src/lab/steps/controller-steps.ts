import { setTimeout as sleep } from 'node:timers/promises';
import { parseSize } from '../../units/pages.ts';
import { asZero, cgroupFile, failure, ok, type LabOutcome, type LabRun } from '../lab-run.ts';
import { CALL, cString, mask } from '../system-calls.ts';
import type { ControllerSteps } from './step-handler.ts';

const SIGKILL = 9;
const SIGTERM = 15;
const MASK_BITS = 64;
const BLOCKS = '/sys/devices/system/memory';

/** Steps of the controller but for `snapshot`. */
export const CONTROLLER_STEPS: ControllerSteps<
  | 'spawn'
  | 'kill'
  | 'wait'
  | 'cgroup create'
  | 'cgroup rm'
  | 'cgroup move'
  | 'cgroup limit'
  | 'migratepages'
  | 'compact'
  | 'dropcaches'
  | 'write'
  | 'save'
  | 'exec'
  | 'mount'
  | 'mkdir'
  | 'offline'
  | 'online'
  | 'offline_node'
  | 'dmesg'
  | 'sleep'
  | 'settle'
  | 'note'
> = {
  spawn: async (run, { worker }) => ok((await run.spawn(worker)).pid),
  kill: async (run, { worker: name, signal }) => {
    const worker = run.workers.get(name);
    if (!worker) return failure('ESRCH');
    const sent = plain(await run.control('call', CALL.kill, worker.pid, signal));
    if (sent.ret >= 0 && (signal === SIGKILL || signal === SIGTERM)) {
      await run.control('end', name);
      worker.isAlive = false;
    }
    return sent;
  },
  wait: async (run, { worker: name }) => {
    const waited = plain(await run.control('wait', name));
    const worker = run.workers.get(name);
    if (worker && waited.errno !== 'ETIMEDOUT') {
      worker.isAlive = false;
      worker.isReaped = true;
    }
    return waited;
  },
  'cgroup create': async (run, { path }) => {
    const made = plain(await run.control('call', CALL.mkdir, cString(directory(path)), 0o755));
    if (made.ret >= 0) run.cgroups.add(path);
    return made;
  },
  'cgroup rm': async (run, { path }) => {
    const removed = plain(await run.control('call', CALL.rmdir, cString(directory(path))));
    if (removed.ret >= 0) run.cgroups.delete(path);
    return removed;
  },
  'cgroup move': async (run, { worker: name, path }) => {
    const worker = run.workers.get(name);
    if (!worker) return failure('ESRCH');
    return run.put(cgroupFile(path, 'cgroup.procs'), String(worker.pid));
  },
  'cgroup limit': async (run, { path, file, value }) => {
    const bytes = /^(memory|hugetlb)\./.test(file) ? parseSize(value) : undefined;
    return run.put(cgroupFile(path, file), bytes === undefined ? value : String(bytes));
  },
  migratepages: async (run, { worker: name, from, to }) => {
    const worker = run.workers.get(name);
    if (!worker) return failure('ESRCH');
    const words = [worker.pid, MASK_BITS, mask(from), mask(to)];
    return plain(await run.control('call', CALL.migrate_pages, ...words));
  },
  compact: async (run) => run.put('/proc/sys/vm/compact_memory', '1'),
  dropcaches: async (run, { what }) => run.put('/proc/sys/vm/drop_caches', String(what)),
  write: async (run, { path, value }) => {
    if (!run.overwritten.has(path)) {
      const before = await run.control('cat', path);
      if (before.files.has(path)) run.overwritten.set(path, before.files.get(path)!);
    }
    return run.put(path, value);
  },
  save: async (run, { name, path }) => {
    const { ret, files } = await run.control('cat', path);
    if (ret === 0) return failure('ENOENT');
    run.stored.set(name, files.get(path)!);
    return ok();
  },
  exec: async (run, { name, argv }) => {
    const pidOf = (word: string): string =>
      word.startsWith('@') ? String(run.workers.get(word.slice(1))?.pid ?? word) : word;
    const outcome = await execute(run, name, argv.map(pidOf));
    if (outcome.ret === 0 && argv.some((word) => /(^|\/)swapon$/.test(word))) run.swaps.add(argv.at(-1)!);
    return outcome;
  },
  mount: async (run, { type, path, options }) => {
    await makeDirectories(run, path);
    const words = [cString(type), cString(path), cString(type), 0, cString(options)];
    const mounted = plain(await run.control('call', CALL.mount, ...words));
    if (mounted.ret >= 0) run.mounts.add(path);
    return mounted;
  },
  mkdir: async (run, { path }) => {
    const made = await makeDirectories(run, path);
    return made.errno === 'EEXIST' ? ok() : made;
  },
  offline: async (run, { block, timeoutMs }) => setBlock(run, block, 'offline', timeoutMs),
  online: async (run, { block, timeoutMs }) => setBlock(run, block, 'online', timeoutMs),
  offline_node: async (run, { node, timeoutMs }) => offlineNode(run, node, timeoutMs),
  dmesg: async (run, { name }) => execute(run, name, ['/bin/dmesg']),
  sleep: async (_run, { ms }) => {
    await sleep(ms);
    return ok();
  },
  settle: async (run, { ms }) => {
    run.settleMs = ms;
    return ok();
  },
  note: async () => ok(),
};

const plain = ({ ret, errno, message }: LabOutcome): LabOutcome => ({ ret, errno, message });
const directory = (path: string): string => cgroupFile(path, '').slice(0, -1);

/** Makes a directory with its parents; the outcome is that of the last. */
async function makeDirectories(run: LabRun, path: string): Promise<LabOutcome> {
  let made = ok();
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const prefix = end < 0 ? path : path.slice(0, end);
    made = plain(await run.control('call', CALL.mkdir, cString(prefix), 0o755));
    if (end < 0) return made;
  }
}

async function execute(run: LabRun, name: string, argv: readonly string[]): Promise<LabOutcome> {
  const { ret, errno, message, files } = await run.control('run', ...argv);
  run.stored.set(name, (run.stored.get(name) ?? '') + (files.get('output') ?? ''));
  return { ret, errno, message };
}

async function setBlock(run: LabRun, block: number, to: string, timeoutMs: number): Promise<LabOutcome> {
  return plain(await run.control('put-within', timeoutMs, `${BLOCKS}/memory${block}/state`, to));
}

/** Tries to take every block of a node out of use, counts how it went, and brings those back that went. */
async function offlineNode(run: LabRun, node: number, timeoutMs: number): Promise<LabOutcome> {
  const { files } = await run.control('run', '/bin/ls', `/sys/devices/system/node/node${node}`);
  const blocks = [...(files.get('output') ?? '').matchAll(/^memory(\d+)$/gm)].map((match) =>
    Number(match[1]),
  );
  const counts = { ok: 0, EBUSY: 0, timeout: 0, other: 0 };
  const words: string[] = [];
  const gone: number[] = [];
  for (const block of blocks.sort((a, b) => a - b)) {
    const { ret, errno, message } = await setBlock(run, block, 'offline', timeoutMs);
    const isLate = message !== '';
    counts[ret >= 0 ? 'ok' : isLate ? 'timeout' : errno === 'EBUSY' ? 'EBUSY' : 'other']++;
    words.push(`${block}:${ret >= 0 ? 'ok' : isLate ? 'TIMEOUT' : errno}`);
    if (ret >= 0) gone.push(block);
  }
  for (const block of gone) await setBlock(run, block, 'online', 5000);
  const sums = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  return asZero(ok(0, `${words.join(' ')} | ${sums.join(' ')}`));
}
