/** Every part and every named strategy. A part that is not listed here does not exist for the command line. */
import type { Part } from '../src/strategy/contract.ts';
import type { Catalogue, Preset } from '../src/strategy/plan.ts';
import { nop } from './accounting/nop.ts';
import { pageCache } from './accounting/page-cache.ts';
import { shadowVma } from './accounting/shadow-vma.ts';
import { tdpFault } from './accounting/tdp-fault.ts';
import { tracker } from './accounting/tracker.ts';
import { genericRmap } from './migration/generic-rmap.ts';
import { gmemCallback } from './migration/gmem-callback.ts';
import { shadowRmap } from './migration/shadow-rmap.ts';
import { unmovable } from './migration/unmovable.ts';
import { fbind } from './placement/fbind.ts';
import { mempolicyDup } from './placement/mempolicy-dup.ts';
import { mmapMbind } from './placement/mmap-mbind.ts';
import { shadowMbind } from './placement/shadow-mbind.ts';
import { taskPolicy } from './placement/task-policy.ts';
import { withCharge } from './with-charge.ts';

const PARTS: readonly Part[] = [
  taskPolicy,
  fbind,
  mempolicyDup,
  mmapMbind,
  shadowMbind,
  ...[pageCache, shadowVma, tdpFault, tracker].map(withCharge),
  nop,
  unmovable,
  genericRmap,
  gmemCallback,
  shadowRmap,
];

const PRESETS: readonly Preset[] = [
  {
    name: 'page-cache',
    title: 'Status quo: page cache and memcg only',
    expression: 'task-policy+page-cache+unmovable',
  },
  {
    name: 'shadow-vma',
    title: 'Shadow VMAs for private memory',
    expression: 'shadow-mbind+shadow-vma+unmovable',
  },
  {
    name: 'tdp-fault',
    title: 'RSS counted while the guest maps a page',
    expression: 'task-policy+tdp-fault+unmovable',
  },
  {
    name: 'alloc-charge',
    title: 'RSS counted from allocation to free',
    expression: 'task-policy+tdp-fault{at=allocation}+unmovable',
  },
  { name: 'tracker', title: 'A tracker beside the VMAs', expression: 'task-policy+tracker+unmovable' },
  { name: 'fbind', title: 'fbind() on the file', expression: 'fbind+page-cache+unmovable' },
  {
    name: 'mempolicy-dup',
    title: "The shared pool's policy, copied by KVM",
    expression: 'mempolicy-dup+page-cache+unmovable',
  },
  {
    name: 'upstream',
    title: 'Linux 6.19: mbind() on a mapping of the gmem',
    expression: 'mmap-mbind+page-cache+unmovable',
  },
];

export const CATALOGUE: Catalogue = { parts: PARTS, presets: PRESETS };
