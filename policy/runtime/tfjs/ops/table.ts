/** All ops of the op table except Loop, which the runner executes. A missing op is a type error. */
import type { ControlOp, OpName } from '../../../graph/op-row.ts';
import type { TfjsOps } from '../tfjs-op.ts';
import { elementwiseOps } from './elementwise.ts';
import { linearOps } from './linear.ts';
import { movementOps } from './movement.ts';
import { normalizationOps } from './normalization.ts';
import { reductionOps } from './reduction.ts';

export const tfjsOps: TfjsOps<Exclude<OpName, ControlOp>> = {
  ...elementwiseOps,
  ...linearOps,
  ...movementOps,
  ...reductionOps,
  ...normalizationOps,
};
