import type { KernelVersion } from './facts.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { LAYOUT_6_12 } from './layout-6-12.ts';
import { LAYOUT_6_18 } from './layout-6-18.ts';
import { LAYOUT_7_3 } from './layout-7-3.ts';

/** The field lists of every kernel profile. */
export const LAYOUTS: Readonly<Record<KernelVersion, KernelLayout>> = {
  '6.12': LAYOUT_6_12,
  '6.18': LAYOUT_6_18,
  '7.3': LAYOUT_7_3,
};
