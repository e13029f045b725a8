import { fails } from './failing-draws.ts';
import { guest } from './guest-draws.ts';
import { createAndUse, mapAgain, onFile, unmap } from './object-draws.ts';
import { size, type RandomWriter } from './random-writer.ts';
import { isMapped, isTouchable, type KnownObject } from './script-state.ts';
import { end, limit, onGroups, start, setMachine } from './task-draws.ts';

/** Writes a line or a few, or none where nothing fits. */
export type RandomStep = (writer: RandomWriter) => void;

const ADVICE = [
  'dontneed',
  'dontneed',
  'remove',
  'remove',
  'populate_read',
  'populate_write',
  'hugepage',
  'nohugepage',
  'collapse',
  'free',
  'pageout',
  'mergeable',
] as const;

/** What random scripts consist of, with the weight of each. */
export const RANDOM_STEPS: readonly (readonly [weight: number, step: RandomStep])[] = [
  [8, createAndUse],
  [7, onFile],
  [
    4,
    onMapping(
      (writer, { name, mapped }) =>
        `touch ${name} ${writer.range(mapped)} ${writer.dice.oneIn(3) ? 'read' : 'write'}`,
    ),
  ],
  [
    1,
    onMapping(
      (writer, { name, mapped }) =>
        `touch ${name} 0 ${size(mapped)} write random=${1 + writer.dice.below(mapped)} seed=${writer.dice.below(99)}`,
    ),
  ],
  [3, onMapping((writer, { name, mapped }) => `where ${name} ${writer.range(mapped)}`)],
  [2, onMapping((writer, { name, mapped }) => `move_pages ${name} ${writer.range(mapped)} ${writer.node()}`)],
  [4, bind],
  [
    2,
    onMapping(
      (writer, { name, mapped }) =>
        `${writer.dice.oneIn(3) ? 'munlock' : 'mlock'} ${name} ${writer.range(mapped)}`,
    ),
  ],
  [
    2,
    onMapping(
      (writer, { name, mapped }) => `madvise ${name} ${writer.range(mapped)} ${writer.dice.one(ADVICE)}`,
    ),
  ],
  [2, mapAgain],
  [2, unmap],
  [4, (writer) => writer.by(writer.worker(), `mempolicy ${writer.policy()}`)],
  [2, (writer) => writer.by(writer.worker(), `affinity ${writer.node()}`)],
  [2, start],
  [1, end],
  [5, onGroups],
  [
    2,
    (writer) =>
      writer.lines.push(`migratepages ${writer.worker().name} ${writer.nodeList()} ${writer.nodeList()}`),
  ],
  [1, setMachine],
  [3, guest],
  [1, limit],
  [2, fails],
];

/** A step on something that a worker may access through a mapping. */
function onMapping(words: (writer: RandomWriter, object: KnownObject) => string): RandomStep {
  return (writer) => {
    const worker = writer.worker();
    const object = writer.object(worker, isTouchable);
    if (object) writer.by(worker, words(writer, object));
  };
}

/** mbind(2) on a mapping. */
function bind(writer: RandomWriter): void {
  const { dice } = writer;
  const worker = writer.worker();
  const object = writer.object(worker, isMapped);
  if (!object) return;
  const flags = [dice.oneIn(3) ? ' move' : '', dice.oneIn(6) ? ' strict' : ''].join('');
  writer.by(worker, `mbind ${object.name} ${writer.range(object.mapped)} ${writer.policy()}${flags}`);
}
