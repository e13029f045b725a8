import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';

/** A group's memory part goes offline (mm/memcontrol.c:mem_cgroup_css_offline): charges stay with the dying one or go to the parent. */
export function removeMemcg(kernel: Kernel, group: Memcg): void {
  for (const stock of kernel.stocks) stock.drain();
  group.isDying = true;
  kernel.memcgs.delete(group.path);
  group.handOverKernel();
  if (kernel.profile.reparentsFolios && group.parent) {
    group.handOverFolios();
    kernel.classes.reparent(group, group.parent);
    group.parent.children.delete(group);
  } else kernel.dyingMemcgs.add(group);
}
