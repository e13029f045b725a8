import type { Part } from '../../src/strategy/contract.ts';

/** No hook at all: what is left is the price of the engine. */
export const nop: Part = {
  meta: {
    axis: 'accounting',
    id: 'nop',
    title: 'No accounting hooks',
    summary: 'Costs nothing and adds nothing: the base line for the cost of every other design.',
    origin: 'what-if',
    source: 'a yardstick of this tool',
    options: {},
  },
  create: () => ({}),
};

export default nop;
