/** All losses. To add one, add its file and a line here. */
import { MtrlError } from '../../core/errors.ts';
import { crossEntropy } from './cross-entropy.ts';
import { dpo } from './dpo.ts';
import type { LossUnit, LossVariant } from './loss.ts';
import { ppo } from './ppo.ts';

const losses = {
  cross_entropy: crossEntropy,
  ppo,
  dpo,
} as const;

export type LossName = keyof typeof losses;
export const lossNames = Object.keys(losses) as LossName[];
type ParametersOf<U> = U extends LossUnit<infer P> ? P : never;
/** Name and parameters of a loss, as in a request. */
export type Loss = ParametersOf<(typeof losses)[LossName]>;

/** Looks up a loss by name. Throws INVARIANT for an unknown name. */
export function lossNamed(name: string): LossUnit<Loss> {
  const unit = Object.hasOwn(losses, name) ? losses[name as LossName] : undefined;
  // The cast is safe: parameters contain the name of their loss.
  if (unit !== undefined) return unit as LossUnit<Loss>;
  throw new MtrlError('INVARIANT', `no loss is called ${name}`, {
    where: 'policy/losses/table.ts',
    found: name,
    hint: `the losses are ${lossNames.join(', ')}`,
  });
}

/** Whether completions must have log-probs of the reference policy. */
export function usesReference(loss: Loss): boolean {
  return lossNamed(loss.name).usesReference(loss);
}

/** The graph that the loss needs, if it is not its usual one. */
export function lossVariant(loss: Loss): LossVariant | undefined {
  return lossNamed(loss.name).variant?.(loss);
}
