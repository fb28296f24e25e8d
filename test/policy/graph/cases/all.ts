import type { OpCase } from '../op-case.ts';
import { controlCases } from './control.ts';
import { elementwiseCases } from './elementwise.ts';
import { linearCases } from './linear.ts';
import { movementCases } from './movement.ts';
import { normalizationCases } from './normalization.ts';
import { reductionCases } from './reduction.ts';

export const opCases: readonly OpCase[] = [
  ...elementwiseCases,
  ...linearCases,
  ...movementCases,
  ...reductionCases,
  ...normalizationCases,
  ...controlCases,
];
