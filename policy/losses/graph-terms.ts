/** Adds a loss to a training graph: declares its inputs, computes its scalar, and provides the data of the inputs. */
import type { TrainCompletion } from '../engine.ts';
import { mul, reduceSum } from '../graph/build.ts';
import type { Graph, Value } from '../graph/ir.ts';
import type { LossUnit } from './loss.ts';
import { type Loss, type LossName, lossNamed } from './table.ts';

/** Graph inputs of a loss. */
export interface LossTerms {
  readonly unit: LossUnit<Loss>;
  readonly usesReference: boolean;
  /** float32 [N]. */
  readonly tokenWeights: Value;
  readonly inputs: ReadonlyMap<string, Value>;
}

export function declareLossTerms(g: Graph, name: LossName, usesReference: boolean): LossTerms {
  const unit = lossNamed(name);
  const tokenWeights = g.input('tokenWeights', 'float32', ['N']);
  const inputs = Object.entries(unit.inputs(usesReference)).map(([input, kind]) => {
    const shape = 'perToken' in kind ? ['N'] : [];
    return [input, g.input(input, 'float32', shape)] as const;
  });
  return { unit, usesReference, tokenWeights, inputs: new Map(inputs) };
}

/** The scalar loss: sum of weight * token loss. `logProbs` [N]. */
export function lossOf(g: Graph, { unit, usesReference, tokenWeights, inputs }: LossTerms, logProbs: Value): Value {
  const input = (name: string): Value => inputs.get(name) as Value;
  const tokenLoss = unit.tokenLoss(g, logProbs, input, usesReference);
  return reduceSum(g, mul(g, tokenLoss, tokenWeights), [0], false);
}

/** Data of the inputs that `declareLossTerms` declares; `make` converts values to tensors. */
export function lossInputs<T>(
  loss: Loss,
  make: {
    readonly perToken: (of: (completion: TrainCompletion) => number | readonly number[]) => T;
    readonly scalar: (value: number) => T;
  },
): [name: string, tensor: T][] {
  const unit = lossNamed(loss.name);
  const inputs = Object.entries(unit.inputs(unit.usesReference(loss)));
  return [
    ['tokenWeights', make.perToken(({ tokenWeight }) => tokenWeight)],
    ...inputs.map(([name, kind]): [string, T] => [
      name,
      'perToken' in kind ? make.perToken(kind.perToken) : make.scalar(kind.scalar(loss)),
    ]),
  ];
}
