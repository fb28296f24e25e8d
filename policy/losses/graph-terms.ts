/** A loss in a training graph: what the graph declares for it, the scalar that it computes, and the numbers that it is given. */
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

/** What is fed to the inputs that `declareLossTerms` declares; `perToken` and `scalar` make tensors of it. */
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
