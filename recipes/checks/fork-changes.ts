/**
 * What a fork may change: how one arm is trained from the fork's step on, and how the result is evaluated. The steps
 * before the fork used the other experiment's data, tasks and initial policy. Changing those would make a judge that no
 * recipe describes, and could test it on its training data.
 */
import { type Difference, differences } from '../../core/difference.ts';
import { MtrlError } from '../../core/errors.ts';
import { isTrained, trainedArms } from '../arms.ts';
import { valueText } from './problem.ts';
import type { Recipe } from '../recipe.ts';

/** Top-level fields that a fork may change. */
const freeFields: ReadonlySet<string> = new Set(['name', 'summary', 'engine', 'pools', 'evaluation', 'promotion']);

/** Arm fields on which the existing training state depends. */
const fixedArmFields: ReadonlySet<string> = new Set(['objective', 'from', 'lora', 'freeze']);

export interface ForkChange {
  readonly experimentId: string;
  readonly arm: string;
  /** The first step with the new settings. */
  readonly fromStep: number;
}

/** Throws FORK_CHANGE_REFUSED, naming every path that may not change. */
export function requireForkable(before: Recipe, after: Recipe, fork: ForkChange): void {
  const { arm: name, fromStep, experimentId } = fork;
  const arm = before.arms[name];
  if (!isTrained(arm)) {
    throw refused(fork, arm === undefined ? 'the experiment has no such arm' : 'the arm trains nothing', {
      found: name,
      hint: `fork one of ${
        trainedArms(before)
          .map(([known]) => known)
          .join(', ') || '(it trains none)'
      }`,
    });
  }
  const closed = differences(before, after).filter((difference) => !isOpen(difference, name));
  if (closed.length > 0) {
    throw refused(fork, 'a fork cannot change this field', {
      found: closed.map(({ path, there, here }) => `${path}: ${valueText(there)} to ${valueText(here)}`).join('; '),
      hint: `change arms.${name}.* (but not ${[...fixedArmFields].join(', ')}), evaluation, promotion, pools or engine; for other changes start a new experiment from the exported checkpoint`,
    });
  }
  const changed = after.arms[name];
  if (!isTrained(changed)) return;
  if (changed.stepCount >= fromStep || changed.stepCount === arm.stepCount) return;
  throw refused(fork, 'the last step is before the step to fork from', {
    where: `arms.${name}.stepCount`,
    found: `${String(changed.stepCount)}, and --from-step ${String(fromStep)} of ${experimentId}`,
    hint: 'stepCount counts all steps of the run, including the shared ones',
  });
}

/** A curriculum is planned from its own earlier rewards, so it cannot be added in the middle. */
function isOpen({ path, there }: Difference, arm: string): boolean {
  const [field = '', name, setting = ''] = path.split('.');
  if (freeFields.has(field)) return true;
  if (field !== 'arms' || name !== arm || fixedArmFields.has(setting)) return false;
  return !(path === `arms.${arm}.curriculum` && there === undefined);
}

function refused(
  { experimentId }: ForkChange,
  message: string,
  details: { readonly where?: string; readonly found: string; readonly hint: string },
): MtrlError {
  return new MtrlError('FORK_CHANGE_REFUSED', message, { where: `fork of ${experimentId}`, ...details });
}
