import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderRecordedSteps } from '../conformance/recorded-steps.ts';
import { renderSnap } from '../conformance/snap-format.ts';
import type { LabCapture } from './run-capture.ts';

/** What a guest printed, kept when its run failed. */
export const CONSOLE_FILE = 'console.txt';

/** Whether a directory may be written to: it is not there, holds a capture, or no more than what a failed run left. */
export function mayHoldCapture(dir: string): boolean {
  if (!existsSync(dir)) return true;
  return existsSync(join(dir, 'steps.jsonl')) || readdirSync(dir).every((name) => name === CONSOLE_FILE);
}

/** Stores a capture in a directory of its own, in place of an older one. */
export function writeCapture(dir: string, { capture, stored }: LabCapture): void {
  rmSync(dir, { recursive: true, force: true });
  const files: [string, string][] = [
    ['meta.txt', [...capture.meta].map(([key, value]) => `${key}: ${value}\n`).join('')],
    ['numactl-hardware.txt', capture.hardware],
    ['script.steps', capture.script.endsWith('\n') ? capture.script : `${capture.script}\n`],
    ['steps.jsonl', renderRecordedSteps(capture.steps)],
    ...capture.snapshots.map(({ label, files: parts }): [string, string] => [
      `${label}.snap`,
      renderSnap(parts),
    ]),
    ...(capture.log === '' ? [] : [['dmesg.txt', capture.log] as [string, string]]),
    ...[...stored].map(([name, text]): [string, string] => [`exec/${name}`, text]),
  ];
  for (const [name, text] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}
