import { size, type RandomWriter } from './random-writer.ts';
import { isFile, isMapped } from './script-state.ts';

/** Calls that a kernel refuses. */
export function fails(writer: RandomWriter): void {
  const { dice, request } = writer;
  const worker = writer.worker();
  const beyond = request.nodes + 5;
  const file = writer.object(worker, isFile);
  const mapped = writer.object(worker, isMapped);
  const what = dice.one(['policy', 'policy', 'bind', 'node', 'closed', 'group', 'gmem', 'mode']);
  if (what === 'policy')
    writer.by(worker, `mempolicy ${dice.one(['bind', 'interleave', 'preferred'])} ${beyond} = -EINVAL`);
  else if (what === 'mode')
    writer.by(
      worker,
      `mempolicy ${dice.one(['default 1', 'local 1', 'bind', 'interleave', 'bind=static,relative 1'])}`,
    );
  else if (what === 'bind' && mapped)
    writer.by(worker, `mbind ${mapped.name} 0 ${size(mapped.mapped)} bind ${beyond} = -EINVAL`);
  else if (what === 'node' && mapped) writer.by(worker, `move_pages ${mapped.name} 0 1p ${beyond} = -ENODEV`);
  else if (what === 'closed' && file) {
    writer.by(worker, `${file.kind} close ${file.name}`);
    writer.by(worker, `${file.kind} ${dice.one(['fallocate', 'punch'])} ${file.name} 0 1p`);
    file.isOpen = false;
  } else if (what === 'group') writer.lines.push(`cgroup move ${worker.name} /none = -ENOENT`);
  else if (what === 'gmem')
    writer.by(worker, `gmem create x${writer.newName()} ${dice.one(['0', '100', '1p flags=64'])}`);
}
