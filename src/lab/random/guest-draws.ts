import { size, type RandomWriter } from './random-writer.ts';
import { isTouchable } from './script-state.ts';

/** Threads of vCPUs that a script makes: the lab's agent has room for 15. */
const MOST_VCPUS = 12;

/** A VM with memory at guest address 0, slots more, and accesses by the guest. */
export function guest(writer: RandomWriter): void {
  const { dice, state, request } = writer;
  const worker = writer.worker();
  if (!worker.guest) {
    const file = writer.object(
      worker,
      (object) => object.isOpen && object.mapped >= 16 && object.isTouchable && object.kind !== 'gmem',
    );
    if (!file) return;
    const slot = state.slotCount++ % 8;
    if (!worker.hasVm) writer.by(worker, 'vm create');
    writer.by(worker, `vm slot ${slot} 0 ${size(file.mapped)} ${file.name} 0`);
    worker.hasVm = true;
    worker.guest = { code: file.name, pages: file.mapped };
    return;
  }
  const { code, pages } = worker.guest;
  const what = dice.one([
    'touch',
    'touch',
    'touch',
    'some',
    'thread',
    'vcpu',
    'cap',
    'attr',
    'unslot',
    'close',
    'slot',
  ]);
  const from = dice.below(pages);
  const range = `${size(from)} ${size(1 + dice.below(pages - from))}`;
  if (what === 'touch') writer.by(worker, `vm touch ${range} ${code}`);
  else if (what === 'thread')
    writer.by(worker, `vm ttouch ${range} ${code} ${writer.node()} ${writer.policy()}`);
  else if (what === 'some') {
    const length = 1 + dice.below(pages);
    writer.by(
      worker,
      `vm touch 0 ${size(length)} ${code} random=${1 + dice.below(length)} seed=${dice.below(99)}`,
    );
  } else if (what === 'vcpu') {
    const index = 1 + state.vcpuCount++;
    if (index >= MOST_VCPUS) return;
    writer.by(worker, `vm vcpu ${index} ${writer.node()} ${writer.policy()}`);
    writer.by(worker, `vm touch ${range} ${code} vcpu=${index}`);
  } else if (what === 'cap') writer.by(worker, 'vm cap');
  else if (what === 'attr') writer.by(worker, `vm attr ${range} ${dice.one(['private', 'shared'])}`);
  else if (what === 'unslot') writer.by(worker, `vm unslot ${8 + dice.below(3)}`);
  else if (what === 'close' && dice.oneIn(2)) {
    writer.by(worker, 'vm close');
    worker.guest = null;
    worker.hasVm = false;
  } else if (what === 'slot' && request.kernel !== '6.12') {
    const gmem = writer.object(
      worker,
      (object) => object.kind === 'gmem' && object.isOpen && object.isTouchable,
    );
    const memory = writer.object(worker, isTouchable);
    if (gmem && memory) {
      const length = size(Math.min(gmem.pages, memory.mapped));
      writer.by(
        worker,
        `vm slot ${8 + dice.below(3)} ${size(65_536 + 65_536 * dice.below(3))} ${length} ${memory.name} 0 ${gmem.name} 0`,
      );
    }
  }
}
