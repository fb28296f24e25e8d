/**
 * Interface of a loss: a value per token, computed from its log-prob and the loss's inputs. Each loss is a file listed
 * in table.ts. Every token has its own weight, which the caller normalises.
 */
import type { TrainCompletion } from '../engine.ts';
import type { Graph, Value } from '../graph/ir.ts';

/** A graph input of the loss: float32 [N], one value per completion token, or a scalar. */
export type LossInput<P> =
  /** A single number applies to all tokens of the completion. */
  | { readonly perToken: (completion: TrainCompletion) => number | readonly number[] }
  | { readonly scalar: (parameters: P) => number }
  /** float32 [B*G, N] or [B, N]: a row for each completion or group, 1 at its tokens and 0 elsewhere. */
  | { readonly membership: Membership };

export type Membership = 'completion' | 'group';

/** Parameters that change the graph, beside the reference: each combination is a graph of its own. */
export type LossVariant = Readonly<Record<string, string>>;

export interface LossUnit<P extends { readonly name: string }> {
  readonly name: P['name'];
  /** Whether completions need log-probs of the reference policy, which selects a separate graph with more inputs. */
  usesReference(parameters: P): boolean;
  /** undefined for the usual graph. Default: there is no other. */
  variant?(parameters: P): LossVariant | undefined;
  /** Inputs by name, in the order in which the graph declares them. */
  inputs(usesReference: boolean, variant?: LossVariant): Readonly<Record<string, LossInput<P>>>;
  /** Loss of each token [N], from the log-probs of the target tokens [N]; `input` looks up an input by name. */
  tokenLoss(
    g: Graph,
    logProbs: Value,
    input: (name: string) => Value,
    usesReference: boolean,
    variant?: LossVariant,
  ): Value;
}
