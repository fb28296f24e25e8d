/** Table of all supported ops, one row each, grouped by kind in ops/. */
import { MtrlError } from '../../core/errors.ts';
import type { OpName, OpRow, OpRows } from './op-row.ts';
import { controlOps } from './ops/control.ts';
import { elementwiseOps } from './ops/elementwise.ts';
import { linearOps } from './ops/linear.ts';
import { movementOps } from './ops/movement.ts';
import { normalizationOps } from './ops/normalization.ts';
import { reductionOps } from './ops/reduction.ts';

const table: OpRows<OpName> = {
  ...elementwiseOps,
  ...linearOps,
  ...movementOps,
  ...reductionOps,
  ...normalizationOps,
  ...controlOps,
};

export const opNames = Object.keys(table) as OpName[];

export function opRow(name: OpName): OpRow {
  const row = (table as Partial<Record<OpName, OpRow>>)[name];
  if (row === undefined)
    throw new MtrlError('GRAPH_INVALID', `no op named ${name}`, { hint: `ops: ${opNames.join(', ')}` });
  return row;
}
