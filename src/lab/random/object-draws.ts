import { PAGES_PER_PMD } from '../../units/pages.ts';
import { size, type RandomWriter } from './random-writer.ts';

import { MOUNT } from './machine-draws.ts';
import { isFile, isMapped, type KnownObject, type KnownWorker } from './script-state.ts';

const MOST_OBJECTS = 6;

/** A new object of any kind, mapped and used at once as it comes. */
export function createAndUse(writer: RandomWriter): void {
  const { dice } = writer;
  const worker = writer.worker();
  if (worker.objects.length >= MOST_OBJECTS) return;
  const name = writer.newName();
  const pages = writer.newSize();
  if (writer.state.themes.hugetlb && dice.oneIn(3)) {
    createHugetlb(writer, worker);
    return;
  }
  if (writer.state.themes.mount && dice.oneIn(3)) {
    writer.by(worker, `file create ${name} ${size(pages)} ${MOUNT}/${name}`);
    const file = add(worker, { name, kind: 'file', pages, isMappable: true, isTouchable: true });
    if (!dice.oneIn(4)) map(writer, worker, file);
    return;
  }
  const kind = dice.one(['gmem', 'gmem', 'memfd', 'memfd', 'anon', 'anon', 'shared']);
  if (kind === 'gmem') {
    const flags = writer.request.kernel === '6.12' ? 0 : dice.one([0, 1, 3, 3]);
    writer.by(worker, `gmem create ${name} ${size(pages)}${flags === 0 ? '' : ` flags=${flags}`}`);
    worker.hasVm = true;
    const gmem = add(worker, { name, kind, pages, isMappable: flags > 0, isTouchable: flags === 3 });
    if (flags > 0 && dice.oneIn(2)) map(writer, worker, gmem);
    if (dice.oneIn(2)) writer.by(worker, `gmem fallocate ${name} ${writer.range(pages)}`);
    return;
  }
  if (kind === 'memfd') {
    writer.by(worker, `memfd create ${name} ${size(pages)}`);
    const file = add(worker, { name, kind, pages, isMappable: true, isTouchable: true });
    if (!dice.oneIn(4)) map(writer, worker, file);
    return;
  }
  const words = [kind === 'shared' ? ' shared' : '', dice.oneIn(6) ? ' noreserve' : ''].join('');
  writer.by(worker, `anon map ${name} ${size(pages)}${words}`);
  const memory = add(worker, { name, kind: 'anon', pages, isMappable: true, isTouchable: true });
  memory.mapped = pages;
  if (dice.oneIn(2))
    writer.by(worker, `touch ${name} ${writer.range(pages)} ${dice.oneIn(4) ? 'read' : 'write'}`);
}

/** Memory from the pool of huge pages, now and then more than it holds. */
function createHugetlb(writer: RandomWriter, worker: KnownWorker): void {
  const { dice } = writer;
  const name = writer.newName();
  const pages = PAGES_PER_PMD * dice.one([1, 2, 5, 8, 16, 50]);
  const made = { name, pages, isMappable: true, isTouchable: true, isHugetlb: true };
  if (dice.oneIn(2)) {
    writer.by(worker, `memfd create ${name} ${size(pages)} hugetlb`);
    const file = add(worker, { ...made, kind: 'memfd' });
    if (!dice.oneIn(4)) map(writer, worker, file);
    return;
  }
  const words = [dice.oneIn(3) ? ' shared' : '', dice.oneIn(4) ? ' noreserve' : ''].join('');
  writer.by(worker, `anon map ${name} ${size(pages)} hugetlb${words}`);
  const memory = add(worker, { ...made, kind: 'anon' });
  memory.mapped = pages;
  if (dice.oneIn(2)) writer.by(worker, `touch ${name} ${writer.rangeOf(memory)} write`);
}

function add(
  worker: KnownWorker,
  object: Omit<KnownObject, 'isOpen' | 'mapped' | 'isHugetlb'> & { isHugetlb?: boolean },
): KnownObject {
  const known = { isHugetlb: false, ...object, isOpen: true, mapped: 0 };
  worker.objects.push(known);
  return known;
}

/** Maps a file whole, or a part of it. */
function map(writer: RandomWriter, worker: KnownWorker, file: KnownObject): void {
  const { dice } = writer;
  const isShared = file.kind === 'gmem' || !dice.oneIn(4);
  const unit = file.isHugetlb || (writer.state.themes.thp && dice.oneIn(2)) ? PAGES_PER_PMD : 1;
  const units = Math.floor(file.pages / unit);
  const from = units > 0 && dice.oneIn(4) ? dice.below(units) * unit : 0;
  const length =
    units > 0 && dice.oneIn(4) ? (1 + dice.below(units - from / unit)) * unit : file.pages - from;
  const part = from > 0 || length < file.pages ? ` offset=${size(from)} len=${size(length)}` : '';
  writer.by(worker, `${file.kind} map ${file.name}${isShared ? '' : ' private'}${part}`);
  if (file.isMappable) file.mapped = length;
}

/** Maps a file that is not mapped. */
export function mapAgain(writer: RandomWriter): void {
  const worker = writer.worker();
  const file = writer.object(worker, (object) => isFile(object) && object.mapped === 0);
  if (file && (file.isMappable || writer.dice.oneIn(3))) map(writer, worker, file);
}

/** Unmaps all of an object or its end. */
export function unmap(writer: RandomWriter): void {
  const worker = writer.worker();
  const object = writer.object(worker, isMapped);
  if (!object || worker.guest?.code === object.name) return;
  if (writer.dice.oneIn(2)) {
    writer.by(worker, `${object.kind} unmap ${object.name}`);
    object.mapped = 0;
    return;
  }
  // What is left at the front stays accessible; a hole would kill who touches it.
  const unit = object.isHugetlb ? PAGES_PER_PMD : 1;
  const left = writer.dice.below(object.mapped / unit) * unit;
  writer.by(worker, `${object.kind} unmap ${object.name} ${size(left)} ${size(object.mapped - left)}`);
  object.mapped = left;
}

/** A step on a file by its descriptor. */
export function onFile(writer: RandomWriter): void {
  const { dice } = writer;
  const worker = writer.worker();
  const file = writer.object(worker, isFile);
  if (!file) return;
  const { kind, name, pages } = file;
  const verb = dice.one([
    'fallocate',
    'fallocate',
    'fallocate',
    'punch',
    'punch',
    'punchstride',
    'read',
    'write',
    'stat',
    'close',
    'ftruncate',
  ]);
  if (verb === 'fallocate' || verb === 'punch') {
    const range =
      kind === 'gmem' ? writer.range(pages, { mayFail: true }) : writer.rangeOf({ ...file, mapped: pages });
    writer.by(worker, `${kind} ${verb} ${name} ${range}`);
  } else if (verb === 'punchstride') {
    const stride = 2 + dice.below(6);
    writer.by(
      worker,
      `${kind} punchstride ${name} 0 ${size(Math.min(pages, 1024))} ${1 + dice.below(stride - 1)}p ${stride}p`,
    );
  } else if (verb === 'read') writer.by(worker, `${kind} read ${name} ${size(dice.below(pages))}`);
  else if (verb === 'write') {
    // A write beyond the end would make the file larger than its mapping.
    writer.by(worker, `${kind} write ${name} ${size(dice.below(pages))}`);
  } else if (verb === 'stat') writer.by(worker, `${kind} stat ${name}`);
  else if (verb === 'close' && dice.oneIn(2)) {
    writer.by(worker, `${kind} close ${name}`);
    file.isOpen = false;
  } else if (verb === 'ftruncate' && kind === 'gmem')
    writer.by(worker, `gmem ftruncate ${name} ${size(pages)}`);
}
