import { expect, it } from 'vitest';
import { guestAccess } from '../../src/kvm/page-fault.ts';
import { Lab, MiB, step } from '../simulation/lab.ts';

/** A VM with 256 private frames in a gmem and 256 shared ones in a memfd, all of them touched. */
function touched(): Lab {
  const lab = new Lab();
  lab.do('vm create', { type: 'snp' });
  lab.do('gmem create', { name: 'g', bytes: 2 * MiB, flags: 0 });
  lab.do('memfd create', { name: 'm', bytes: 2 * MiB, hugetlb: false, cloexec: false, file: 'm' });
  lab.do('map', {
    kind: 'memfd',
    name: 'm',
    shared: true,
    readOnly: false,
    at: null,
    offset: null,
    bytes: null,
  });
  lab.do('vm slot', { slot: 0, gpa: 0, bytes: 2 * MiB, object: 'm', offset: 0, gmem: 'g', gmemOffset: 0 });
  lab.do('vm attr', { gpa: 0, bytes: MiB, to: 'private' });
  access(lab);
  return lab;
}

function access(lab: Lab): void {
  const { kvm, workers } = lab.world;
  const [vm] = kvm.vms;
  guestAccess(kvm, vm!, workers.get('w0')!.task, 0, 256, 'attribute');
  guestAccess(kvm, vm!, workers.get('w0')!.task, 256, 256, 'attribute');
}

const entries = (lab: Lab): { shared: number; private: number } => {
  const [vm] = lab.world.kvm.vms;
  return { shared: vm!.tdp.size, private: [...vm!.slots.values()][0]!.mapped.size };
};

it('migration takes second-level entries of shared memory, which come back at the new place; private ones stay', () => {
  const lab = touched();
  expect(entries(lab)).toEqual({ shared: 256, private: 256 });
  lab.run(step('migratepages', { worker: 'w0', from: [0], to: [2] }));
  expect(entries(lab)).toEqual({ shared: 0, private: 256 });
  access(lab);
  const [vm] = lab.world.kvm.vms;
  expect(entries(lab)).toEqual({ shared: 256, private: 256 });
  expect(lab.world.kernel.nidOf(vm!.tdp.get(300))).toBe(2);
});
