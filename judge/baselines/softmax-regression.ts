/**
 * Multinomial logistic regression with L2, fitted by L-BFGS: scikit-learn's LogisticRegression. Features are a vector
 * that all examples have, and the same vector once more for each group that an example is in (its products with one-hot
 * groups), each with a constant 1.
 */
import { minimize } from './lbfgs.ts';

export interface Features {
  /** [vectorLength] */
  readonly vector: Float32Array;
  /** Of [0, groupCount). */
  readonly groups: readonly number[];
}

export interface Labelled extends Features {
  /** Of [0, classCount). */
  readonly label: number;
}

export interface RegressionShape {
  readonly vectorLength: number;
  readonly groupCount: number;
  readonly classCount: number;
}

/** scikit-learn's C: the weight of the sum of losses beside half the sum of squared weights. */
const inverseRegularization = 0.01;

const options = { iterationCountMax: 200, gradientMax: 1e-2 };

export function parameterCountOf({ vectorLength, groupCount, classCount }: RegressionShape): number {
  return (1 + groupCount) * classCount * (vectorLength + 1);
}

export class SoftmaxRegression {
  readonly #shape: RegressionShape;
  /** [1 + groupCount, classCount, vectorLength + 1]; the last of each row is that of the constant. */
  readonly #weights: Float64Array;

  constructor(shape: RegressionShape, weights: Float64Array) {
    this.#shape = shape;
    this.#weights = weights;
  }

  /** [classCount], in [0, 1]. */
  probabilities(of: Features): Float64Array {
    const logits = new Float64Array(this.#shape.classCount);
    addLogits(logits, this.#weights, this.#shape, of);
    softmax(logits);
    return logits;
  }
}

/** Yields between passes over the examples. */
export function* fitSoftmax(
  examples: readonly Labelled[],
  shape: RegressionShape,
  { c = inverseRegularization, ...change }: { readonly c?: number } & Partial<typeof options> = {},
): Generator<void, SoftmaxRegression> {
  const logits = new Float64Array(shape.classCount);
  const objective = (weights: Float64Array, gradient: Float64Array): number => {
    let loss = penalty(weights, gradient, shape);
    for (const example of examples) {
      logits.fill(0);
      addLogits(logits, weights, shape, example);
      softmax(logits);
      loss -= c * Math.log(Math.max(logits[example.label] as number, Number.MIN_VALUE));
      logits[example.label] = (logits[example.label] as number) - 1;
      addGradient(gradient, logits, c, shape, example);
    }
    return loss;
  };
  const start = new Float64Array(parameterCountOf(shape));
  return new SoftmaxRegression(shape, yield* minimize(objective, start, { ...options, ...change }));
}

/** Half the sum of squares; sets the gradient to its own. The intercepts of all examples are free. */
function penalty(weights: Float64Array, gradient: Float64Array, { vectorLength, classCount }: RegressionShape): number {
  gradient.set(weights);
  for (let k = 0; k < classCount; k++) gradient[k * (vectorLength + 1) + vectorLength] = 0;
  return gradient.reduce((sum, weight) => sum + weight * weight, 0) / 2;
}

function blocksOf({ groups }: Features): readonly number[] {
  return [0, ...groups.map((group) => group + 1)];
}

function addLogits(
  logits: Float64Array,
  weights: Float64Array,
  { vectorLength, classCount }: RegressionShape,
  of: Features,
): void {
  const { vector } = of;
  for (const block of blocksOf(of))
    for (let k = 0; k < classCount; k++) {
      const at = (block * classCount + k) * (vectorLength + 1);
      let sum = weights[at + vectorLength] as number;
      for (let i = 0; i < vectorLength; i++) sum += (weights[at + i] as number) * (vector[i] as number);
      logits[k] = (logits[k] as number) + sum;
    }
}

function addGradient(
  gradient: Float64Array,
  errors: Float64Array,
  c: number,
  { vectorLength, classCount }: RegressionShape,
  of: Features,
): void {
  const { vector } = of;
  for (const block of blocksOf(of))
    for (let k = 0; k < classCount; k++) {
      const at = (block * classCount + k) * (vectorLength + 1);
      const error = c * (errors[k] as number);
      for (let i = 0; i < vectorLength; i++)
        gradient[at + i] = (gradient[at + i] as number) + error * (vector[i] as number);
      gradient[at + vectorLength] = (gradient[at + vectorLength] as number) + error;
    }
}

/** In place. */
function softmax(logits: Float64Array): void {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    const power = Math.exp((logits[k] as number) - most);
    logits[k] = power;
    sum += power;
  }
  for (let k = 0; k < logits.length; k++) logits[k] = (logits[k] as number) / sum;
}
