/** All losses, a line each: to add one is to add its file and its line here. */
import { MtrlError } from '../../core/errors.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossUnit } from './loss.ts';
import { ppo } from './ppo.ts';

const losses = {
  cross_entropy: crossEntropy,
  ppo,
} as const;

export type LossName = keyof typeof losses;
export const lossNames = Object.keys(losses) as LossName[];
type ParametersOf<U> = U extends LossUnit<infer P> ? P : never;
/** A loss by name with its parameters: what a request says. */
export type Loss = ParametersOf<(typeof losses)[LossName]>;

/** Of a table with another loss in it, that loss too. Throws INVARIANT for a name that no loss has. */
export function lossNamed(name: string): LossUnit<Loss> {
  const unit = Object.hasOwn(losses, name) ? losses[name as LossName] : undefined;
  // Methods take what they are given: parameters come with the name of their loss.
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
