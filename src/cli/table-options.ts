import type { TableOptions } from '../report/comparison-table.ts';
import { isOn, type Arguments } from './verb.ts';

/** How wide a table is that goes into a file or a pipe. */
const PIPE_WIDTH = 120;

/** How the comparison is to be printed. */
export function tableOptions(args: Arguments): TableOptions {
  return {
    width: process.stdout.columns || PIPE_WIDTH,
    nodes: isOn(args, 'nodes'),
    exact: isOn(args, 'exact'),
  };
}
