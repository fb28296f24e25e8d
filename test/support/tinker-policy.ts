/**
 * The policy behind the tests' Tinker server: a token's logits are a row of a table, chosen by the token before it. The
 * base model's rows are given; adapters are a table that is added, and learns by its own gradient.
 */
import { required } from '../../core/assert.ts';

export interface Sequence {
  /** Tokens of the model input; the one before each target. */
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
  readonly advantages: readonly number[];
  readonly logProbs: readonly number[];
}

export interface Adam {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  readonly grad_clip_norm: number;
}

export type LossConfig = Readonly<Record<string, number>>;

/** Derivative of a token's loss by its log-prob. */
type Slope = (logProb: number, sampled: number, advantage: number, config: LossConfig) => number;

const clipOf = (
  ratio: number,
  { clip_low_threshold: low = 0.8, clip_high_threshold: high = 1.2 }: LossConfig,
): number => Math.min(Math.max(ratio, low), high);

/** As in SkyRL's loss_fns.py, for each token, before its weight. */
export const slopes: Readonly<Record<string, Slope>> = {
  cross_entropy: () => -1,
  importance_sampling: (logProb, sampled, advantage) => -Math.exp(logProb - sampled) * advantage,
  ppo(logProb, sampled, advantage, config) {
    const ratio = Math.exp(logProb - sampled);
    return clipOf(ratio, config) * advantage < ratio * advantage ? 0 : -ratio * advantage;
  },
  cispo: (logProb, sampled, advantage, config) => -clipOf(Math.exp(logProb - sampled), config) * advantage,
};

export class TablePolicy {
  readonly #base: readonly (readonly number[])[];
  readonly #size: number;
  #table: Float64Array;
  #m: Float64Array;
  #v: Float64Array;
  #stepCount = 0;
  #gradient: Float64Array;
  #sequenceCount = 0;
  /** Log-probs by the token before, until the next step. */
  readonly #known = new Map<number, readonly number[]>();

  constructor(base: readonly (readonly number[])[]) {
    this.#base = base;
    this.#size = base.length;
    const zeros = (): Float64Array => new Float64Array(this.#size ** 2);
    [this.#table, this.#m, this.#v, this.#gradient] = [zeros(), zeros(), zeros(), zeros()];
  }

  /** A copy of what a save holds: no gradients. */
  copy(withOptimizer = true): TablePolicy {
    const copied = new TablePolicy(this.#base);
    copied.#table = this.#table.slice();
    if (!withOptimizer) return copied;
    [copied.#m, copied.#v, copied.#stepCount] = [this.#m.slice(), this.#v.slice(), this.#stepCount];
    return copied;
  }

  /** Gradient of one row, as it is now. */
  gradientOf(token: number): number[] {
    return [...this.#gradient.subarray(token * this.#size, (token + 1) * this.#size)];
  }

  get stepCount(): number {
    return this.#stepCount;
  }

  logits(before: number): number[] {
    return required(this.#base[before], `row ${String(before)}`).map(
      (value, token) => value + (this.#table[before * this.#size + token] ?? 0),
    );
  }

  logProbs({ inputs, targets }: Pick<Sequence, 'inputs' | 'targets'>): number[] {
    return inputs.map((before, i) => required(this.#logProbsAfter(before)[targets[i] ?? -1], 'a target token'));
  }

  #logProbsAfter(before: number): readonly number[] {
    const known = this.#known.get(before) ?? logSoftmax(this.logits(before));
    this.#known.set(before, known);
    return known;
  }

  /** Adds to the gradient. @param divide mean over each sequence, as SkyRL's JAX backend does */
  accumulate(sequences: readonly Sequence[], lossFn: string, config: LossConfig, divide: boolean): void {
    const slope = required(slopes[lossFn], lossFn);
    for (const { inputs, targets, weights, advantages, logProbs } of sequences) {
      this.#sequenceCount++;
      const total = divide ? weights.reduce((a, b) => a + b, 0) : 1;
      inputs.forEach((before, i) => {
        const weight = weights[i] ?? 0;
        if (weight === 0) return;
        const target = targets[i] ?? -1;
        const own = this.#logProbsAfter(before);
        const by = (weight * slope(own[target] ?? NaN, logProbs[i] ?? NaN, advantages[i] ?? NaN, config)) / total;
        own.forEach((value, token) => {
          const at = before * this.#size + token;
          this.#gradient[at] = (this.#gradient[at] ?? 0) + by * ((token === target ? 1 : 0) - Math.exp(value));
        });
      });
    }
  }

  /** AdamW. Returns the norm of the gradient before clipping. */
  step(
    { learning_rate: rate, beta1, beta2, eps, weight_decay: decay, grad_clip_norm: normMax }: Adam,
    divide: boolean,
  ): number {
    const mean = this.#gradient.map((value) => (divide ? value / Math.max(1, this.#sequenceCount) : value));
    const norm = Math.sqrt(mean.reduce((sum, value) => sum + value ** 2, 0));
    const by = !divide && normMax > 0 && norm > normMax ? normMax / norm : 1;
    this.#stepCount++;
    mean.forEach((whole, i) => {
      const value = whole * by;
      const m = (this.#m[i] = beta1 * (this.#m[i] ?? 0) + (1 - beta1) * value);
      const v = (this.#v[i] = beta2 * (this.#v[i] ?? 0) + (1 - beta2) * value ** 2);
      const step = m / (1 - beta1 ** this.#stepCount) / (Math.sqrt(v / (1 - beta2 ** this.#stepCount)) + eps);
      this.#table[i] = (this.#table[i] ?? 0) * (1 - rate * decay) - rate * step;
    });
    this.#gradient.fill(0);
    this.#known.clear();
    this.#sequenceCount = 0;
    return norm;
  }

  /** Samples until a stop token; log-probs are those at temperature 1. */
  sample(
    last: number,
    seed: number,
    options: { readonly stop: readonly number[]; readonly max_tokens: number; readonly temperature: number },
  ) {
    const tokens: number[] = [];
    const logProbs: number[] = [];
    const uniform = mulberry(seed);
    let before = last;
    while (tokens.length < options.max_tokens) {
      const own = this.#logProbsAfter(before);
      before =
        options.temperature === 0
          ? own.indexOf(Math.max(...own))
          : pick(
              options.temperature === 1 ? own : logSoftmax(own.map((value) => value / options.temperature)),
              uniform(),
            );
      tokens.push(before);
      logProbs.push(required(own[before], 'a token'));
      if (options.stop.includes(before)) return { tokens, logprobs: logProbs, stop_reason: 'stop' };
    }
    return { tokens, logprobs: logProbs, stop_reason: 'length' };
  }
}

function logSoftmax(logits: readonly number[]): number[] {
  const max = Math.max(...logits);
  const logSum = max + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - max), 0));
  return logits.map((value) => value - logSum);
}

function pick(logProbs: readonly number[], uniform: number): number {
  let left = uniform;
  const index = logProbs.findIndex((value) => (left -= Math.exp(value)) < 0);
  return index < 0 ? logProbs.length - 1 : index;
}

function mulberry(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
