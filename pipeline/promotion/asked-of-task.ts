/** What the gate of a promoted version asked of a task: from the gate that is stored with the version. */
import type { Format } from '../../artifacts/format.ts';
import { MtrlError } from '../../core/errors.ts';
import type { AskedOfTask } from '../../judge/promotion/drift.ts';
import { type GateCheck, type GateRules, minimumText } from '../../judge/promotion/gate.ts';
import { labelsText } from '../../judge/report/labels-text.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { PromotedVersion } from '../../contract/retraining.ts';
import type { JsonCache } from '../json-cache.ts';
import { recipeOf } from '../recipe-access.ts';
import { versionText } from './version-text.ts';

/** The artifact that `gate` stores. */
export interface KeptGate {
  readonly schema: 1;
  readonly rules: GateRules;
  /** The version that the candidate was compared with; null for the first. */
  readonly against: string | null;
  readonly passed: boolean;
  readonly checks: readonly GateCheck[];
}

export const gateFormat: Format<KeptGate> = { what: 'the result of a gate', schema: 1, again: 'promote again' };

/** Throws USAGE if the gate asked nothing of the task, or if the sample has other labels than the version judges. */
export async function askedOfTask(
  cache: JsonCache,
  promoted: PromotedVersion,
  task: string,
  sample: TaskSpec,
): Promise<AskedOfTask> {
  const where = versionText(promoted);
  const { tasks } = await recipeOf(cache, promoted.recipe);
  const spec = tasks[task];
  const form = (each: TaskSpec): string => `${each.kind} with ${labelsText(each)}`;
  if (spec === undefined || form(spec) !== form(sample))
    throw new MtrlError('USAGE', `${where} was not promoted to judge this task`, {
      where: '--task',
      found: `${task}, ${form(sample)}`,
      hint:
        spec === undefined ? `its tasks: ${Object.keys(tasks).join(', ')}` : `its ${task} is ${form(spec)}: use these`,
    });
  if (promoted.gate === undefined)
    throw new MtrlError('EVALUATION_MISSING', 'the version was promoted without a gate', { where });
  const { rules, checks } = await cache.getDocument(promoted.gate, gateFormat);
  const minimums = rules.minimums.filter((minimum) => minimum.task === task);
  if (minimums.length === 0)
    throw new MtrlError('USAGE', `the gate of ${where} asked no minimum of ${task}`, {
      where: '--against',
      found:
        rules.minimums.length === 0 ? 'no minimums' : `minimums of ${rules.minimums.map((m) => m.task).join(', ')}`,
      hint: 'add promotion.gate.minimums to the recipe, and promote again',
    });
  return {
    minimums: minimums.map((minimum) => {
      const check = checks.find(({ rule }) => rule === minimumText(minimum));
      return { ...minimum, ...(check && { atPromotion: check.value }) };
    }),
    unparsableRateMax: rules.unparsableRateMax,
  };
}
