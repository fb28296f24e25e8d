/** Adds a loss to a training graph: declares its inputs, computes its scalar, and provides the data of the inputs. */
import type { TrainCompletion } from '../engine.ts';
import { mul, reduceSum } from '../graph/build.ts';
import { product, type Shape } from '../graph/dim.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { LossInput, LossUnit, LossVariant, Membership } from './loss.ts';
import { type Loss, type LossName, lossNamed } from './table.ts';

/** Graph inputs of a loss. */
export interface LossTerms {
  readonly unit: LossUnit<Loss>;
  readonly usesReference: boolean;
  readonly variant: LossVariant | undefined;
  /** float32 [N]. */
  readonly tokenWeights: Value;
  readonly inputs: ReadonlyMap<string, Value>;
}

export function declareLossTerms(
  g: Graph,
  name: LossName,
  usesReference: boolean,
  variant: LossVariant | undefined,
): LossTerms {
  const unit = lossNamed(name);
  const tokenWeights = g.input('tokenWeights', 'float32', ['N']);
  const inputs = Object.entries(unit.inputs(usesReference, variant)).map(
    ([input, kind]) => [input, g.input(input, 'float32', shapeOf(kind))] as const,
  );
  return { unit, usesReference, variant, tokenWeights, inputs: new Map(inputs) };
}

function shapeOf(kind: LossInput<Loss>): Shape {
  if ('perToken' in kind) return ['N'];
  if ('scalar' in kind) return [];
  return [kind.membership === 'group' ? 'B' : product(['B', 'G']), 'N'];
}

/** The scalar loss: sum of weight * token loss. `logProbs` [N]. */
export function lossOf(g: Graph, terms: LossTerms, logProbs: Value): Value {
  const { unit, usesReference, variant, tokenWeights, inputs } = terms;
  const input = (name: string): Value => inputs.get(name) as Value;
  const tokenLoss = unit.tokenLoss(g, logProbs, input, usesReference, variant);
  return reduceSum(g, mul(g, tokenLoss, tokenWeights), [0], false);
}

/** Data of the inputs that `declareLossTerms` declares; `make` converts values to tensors. */
export function lossInputs<T>(
  loss: Loss,
  make: {
    readonly perToken: (of: (completion: TrainCompletion) => number | readonly number[]) => T;
    readonly scalar: (value: number) => T;
    readonly membership: (of: Membership) => T;
  },
): [name: string, tensor: T][] {
  const unit = lossNamed(loss.name);
  const inputs = Object.entries(unit.inputs(unit.usesReference(loss), unit.variant?.(loss)));
  const valueOf = (kind: LossInput<Loss>): T => {
    if ('perToken' in kind) return make.perToken(kind.perToken);
    return 'scalar' in kind ? make.scalar(kind.scalar(loss)) : make.membership(kind.membership);
  };
  return [
    ['tokenWeights', make.perToken(({ tokenWeight }) => tokenWeight)],
    ...inputs.map(([name, kind]): [string, T] => [name, valueOf(kind)]),
  ];
}
