import { checkPool } from './pool-laws.ts';
import type { World } from './world.ts';

/** Laws that hold in every world at every moment; a design that breaks one is reported, with the step. */
export function checkLaws(world: World): void {
  const { kernel } = world;
  const present = kernel.nodes.reduce((sum, node) => sum + node.pages, 0);
  const free = kernel.nodes.reduce((sum, node) => sum + node.freePages, 0);
  if (free + kernel.frames.size + kernel.kernelFrames + kernel.poisoned.size !== present) {
    world.report(
      'law',
      'frames-conserved',
      `${free} free and ${kernel.frames.size + kernel.kernelFrames} used frames of ${present}`,
    );
  }
  checkPool(world);
  for (const process of kernel.processes.values()) {
    const { mm } = process;
    if (!mm) continue;
    if (mm.rss.anon < 0 || mm.rss.file < 0 || mm.rss.shmem < 0 || mm.rss.gmem < 0) {
      world.report('law', 'rss-not-negative', `an RSS counter of ${process.worker} is negative`);
    }
    if (mm.rssPages > mm.totalVm) {
      world.report(
        'hazard',
        'rss-exceeds-vm-size',
        `VmRSS of ${process.worker} is ${mm.rssPages * 4} kB, more than its VmSize of ${mm.totalVm * 4} kB`,
      );
    }
  }
  for (const memcg of kernel.memcgs.values()) {
    const below = [...memcg.children].reduce((sum, child) => sum + child.usage, 0);
    if (memcg.parent && below > memcg.usage) {
      world.report(
        'law',
        'memcg-children-below-parent',
        `children of ${memcg.path} exceed it by ${below - memcg.usage} pages`,
      );
    }
  }
}
