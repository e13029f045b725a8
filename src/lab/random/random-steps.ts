import { fails } from './failing-draws.ts';
import { guest } from './guest-draws.ts';
import { createAndUse, mapAgain, onFile, unmap } from './object-draws.ts';
import { size, type RandomWriter } from './random-writer.ts';
import { isMapped, isTouchable, type KnownObject, type Themes } from './script-state.ts';
import { limitGroup, setMachine } from './machine-draws.ts';
import { end, limit, onGroups, start } from './task-draws.ts';

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
      (writer, object) =>
        `touch ${object.name} ${writer.rangeOf(object)} ${writer.dice.oneIn(3) ? 'read' : 'write'}`,
    ),
  ],
  [
    1,
    onMapping(
      (writer, { name, mapped }) =>
        `touch ${name} 0 ${size(mapped)} write random=${1 + writer.dice.below(mapped)} seed=${writer.dice.below(99)}`,
    ),
  ],
  [3, onMapping((writer, object) => `where ${object.name} ${writer.rangeOf(object)}`)],
  [2, onMapping((writer, object) => `move_pages ${object.name} ${writer.rangeOf(object)} ${writer.node()}`)],
  [4, bind],
  [
    2,
    onMapping(
      (writer, object) =>
        `${writer.dice.oneIn(3) ? 'munlock' : 'mlock'} ${object.name} ${writer.rangeOf(object)}`,
    ),
  ],
  [
    2,
    onMapping(
      (writer, object) => `madvise ${object.name} ${writer.rangeOf(object)} ${writer.dice.one(ADVICE)}`,
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
  [2, setMachine],
  [
    2,
    when(
      'thp',
      onMapping(
        (writer, object) =>
          `madvise ${object.name} ${writer.rangeOf(object)} ${writer.dice.oneIn(3) ? 'nohugepage' : 'hugepage'}`,
      ),
    ),
  ],
  [
    2,
    when(
      'thp',
      onMapping((_, { name, mapped }) => `touch ${name} 0 ${size(mapped)} write`),
    ),
  ],
  [
    2,
    when(
      'thp',
      onMapping((_, { name, mapped }) => `madvise ${name} 0 ${size(mapped)} collapse`),
    ),
  ],
  [
    3,
    when(
      'limits',
      onMapping((_, { name, mapped }) => `touch ${name} 0 ${size(mapped)} write`),
    ),
  ],
  [2, when('limits', limitGroup)],
  [2, when('hugetlb', createAndUse)],
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

/** A step of scenarios of one theme. */
function when(theme: keyof Themes, step: RandomStep): RandomStep {
  return (writer) => {
    if (writer.state.themes[theme]) step(writer);
  };
}

/** mbind(2) on a mapping. */
function bind(writer: RandomWriter): void {
  const { dice } = writer;
  const worker = writer.worker();
  const object = writer.object(worker, isMapped);
  if (!object) return;
  const flags = [dice.oneIn(3) ? ' move' : '', dice.oneIn(6) ? ' strict' : ''].join('');
  writer.by(worker, `mbind ${object.name} ${writer.rangeOf(object)} ${writer.policy()}${flags}`);
}
