import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseMeta, profileOf, releaseOf } from './capture-meta.ts';
import { CaptureError, type Capture, type CaptureSnapshot } from './capture.ts';
import { parseRecordedSteps } from './recorded-steps.ts';
import { parseSnap } from './snap-format.ts';

const STORED = '.snap';
const LOG_FILE = 'dmesg.txt';

/**
 * Reads a capture's directory in either form: each snapshot one LABEL.snap, or a directory LABEL of raw files. Snapshots
 * come in the order of the script.
 */
export function readCapture(dir: string): Capture {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new CaptureError(dir, '', 'is no directory');
  const metaFile = join(dir, 'meta.txt');
  const meta = parseMeta(metaFile, readText(metaFile));
  const stepsFile = join(dir, 'steps.jsonl');
  const steps = parseRecordedSteps(stepsFile, readText(stepsFile));
  const release = releaseOf(metaFile, meta);
  const hardware = join(dir, 'numactl-hardware.txt');
  const taken = steps.flatMap(({ n, step }) => {
    const label = /^snapshot\s+(\S+)$/.exec(step)?.[1];
    return label === undefined ? [] : [{ label, step: n }];
  });
  refuseStrays(dir, stepsFile, new Set(taken.map(({ label }) => label)));
  return {
    scenario: meta.get('scenario') ?? basename(dir),
    release,
    profile: profileOf(release),
    meta,
    hardware: existsSync(hardware) ? readText(hardware) : '',
    script: readText(join(dir, 'script.steps')),
    steps,
    log: killLines(join(dir, LOG_FILE)),
    snapshots: taken.map(({ label, step }): CaptureSnapshot => ({
      label,
      step,
      files: readFiles(dir, label),
    })),
  };
}

/** Directories at or below `root` that hold a capture, by path. */
export function findCaptures(root: string): string[] {
  if (existsSync(join(root, 'steps.jsonl'))) return [root];
  return entries(root)
    .filter(({ isDir }) => isDir)
    .flatMap(({ name }) => findCaptures(join(root, name)));
}

/** The lines of a kernel log that tell who was killed for memory. */
function killLines(file: string): string {
  if (!existsSync(file)) return '';
  return readText(file)
    .split('\n')
    .filter((line) => /oom-kill:|Killed process/.test(line))
    .map((line) => `${line}\n`)
    .join('');
}

function readText(file: string): string {
  if (!existsSync(file)) throw new CaptureError(file, '', 'is missing');
  return readFileSync(file, 'utf8');
}

function entries(dir: string): { name: string; isDir: boolean }[] {
  return readdirSync(dir, { withFileTypes: true })
    .map((entry) => ({ name: entry.name, isDir: entry.isDirectory() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A snapshot that no step took would be left out of the comparison without a word. */
function refuseStrays(dir: string, stepsFile: string, labels: ReadonlySet<string>): void {
  for (const { name, isDir } of entries(dir)) {
    const label = isDir ? name : name.endsWith(STORED) ? name.slice(0, -STORED.length) : null;
    const isSnapshot = label !== null && (!isDir || existsSync(join(dir, name, 'sys')));
    if (isSnapshot && !labels.has(label)) {
      throw new CaptureError(join(dir, name), '', `no step of ${stepsFile} took this snapshot`);
    }
  }
}

function readFiles(dir: string, label: string): Map<string, string> {
  const stored = join(dir, `${label}${STORED}`);
  if (existsSync(stored)) return parseSnap(stored, readFileSync(stored));
  const raw = join(dir, label);
  if (!existsSync(raw)) throw new CaptureError(stored, '', `is missing, and there is no directory ${raw}`);
  return new Map(walk(raw, ''));
}

function walk(root: string, below: string): [string, string][] {
  return entries(join(root, below)).flatMap(({ name, isDir }) => {
    const path = below === '' ? name : `${below}/${name}`;
    return isDir ? walk(root, path) : [[path, readFileSync(join(root, path), 'utf8')] as [string, string]];
  });
}
