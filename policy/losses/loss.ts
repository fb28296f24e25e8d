/**
 * What a loss is: a value of each token, from its log-prob and from inputs of the loss. One file a loss, listed in
 * table.ts. Every token carries its own weight, so normalisation is the caller's.
 */
import type { TrainCompletion } from '../engine.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** An input of the loss's graph: float32 [N], one a completion token, or a scalar. */
export type LossInput<P> =
  /** One number stands for all tokens of a completion. */
  | { readonly perToken: (completion: TrainCompletion) => number | readonly number[] }
  | { readonly scalar: (parameters: P) => number };

export interface LossUnit<P extends { readonly name: string }> {
  readonly name: P['name'];
  /** Whether completions need log-probs of the reference policy: a graph of its own, with more inputs. */
  usesReference(parameters: P): boolean;
  /** By name, in the order in which the graph declares them. */
  inputs(usesReference: boolean): Readonly<Record<string, LossInput<P>>>;
  /** [N] from the chosen tokens' log-probs [N]; `input` gives those above. */
  tokenLoss(g: Graph, logProbs: Value, input: (name: string) => Value, usesReference: boolean): Value;
}
