/** The artifact of a calibration, and the check that it is of the policy, the mode and the prompt that it is used for. */
import { asJson, isRecord } from '../../artifacts/codecs/json-value.ts';
import { type Format, inFormat } from '../../artifacts/format.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import type { AnswerMode } from '../../judge/example.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { promptingOf } from '../recipe-access.ts';

export interface Calibration {
  readonly schema: 1;
  readonly policy: { readonly sha256: string };
  readonly mode: AnswerMode;
  /** Never the split that judges are measured on. */
  readonly split: 'val';
  readonly dataset: { readonly sha256: string };
  readonly tasks: Readonly<Record<string, TaskCalibration>>;
}

export interface TaskCalibration {
  /** sha256 of what the task's prompts are made of: template, labels, words of the mode. */
  readonly prompting: string;
  /** Of the examples that it was fitted on: their number, and the sha256 of their content, pictures by their digests. */
  readonly examples: { readonly count: number; readonly sha256: string };
  readonly temperature: number;
  /** Measured on these examples, in each of their orders. */
  readonly before: CalibrationQuality;
  readonly after: CalibrationQuality;
}

export interface CalibrationQuality {
  /** Mean -log p(label), nats. */
  readonly logLoss: number;
  /** Expected calibration error (judge/evaluation/calibration.ts). */
  readonly ece: number;
}

/** The temperature that a judgment was calibrated with, and the digest of its calibration. */
export interface AppliedTemperature {
  readonly sha256: string;
  readonly temperature: number;
}

/** Who is to be calibrated. */
export interface CalibratedJudge {
  readonly recipe: Recipe;
  /** Digest of the policy's checkpoint. */
  readonly policy: string;
  readonly mode: AnswerMode;
  readonly task: string;
}

export function promptingDigest(recipe: Recipe, task: string): string {
  return digestOf(asJson(promptingOf(recipe, [task])));
}

const calibrationFormat: Format<Calibration> = {
  ...{ what: 'the calibration', schema: 1 },
  again: 'fit one again: `mtrl calibrate`',
};

/** The value as a calibration. Throws USAGE, FORMAT_UNSUPPORTED. */
export function calibrationIn(value: unknown, where: string): Calibration {
  if (isRecord(value) && isRecord(value['policy']) && isRecord(value['tasks']))
    inFormat(calibrationFormat, value, where);
  const isCalibration =
    isRecord(value) &&
    isRecord(value['policy']) &&
    typeof value['policy']['sha256'] === 'string' &&
    isRecord(value['tasks']) &&
    Object.values(value['tasks']).every(
      (task) => isRecord(task) && typeof task['prompting'] === 'string' && isPositive(task['temperature']),
    );
  if (isCalibration) return value as unknown as Calibration;
  throw new MtrlError('USAGE', 'this is not a calibration', {
    where,
    found: isRecord(value) ? `an object with ${Object.keys(value).slice(0, 8).join(', ')}` : 'no JSON object',
    hint: 'make one with `mtrl calibrate --to FILE`',
  });
}

const isPositive = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value > 0;

/** Throws USAGE if the calibration was fitted for another policy, mode, task or prompt. */
export function temperatureFor(calibration: Calibration, judge: CalibratedJudge): AppliedTemperature {
  const { recipe, policy, mode, task } = judge;
  const own = Object.hasOwn(calibration.tasks, task) ? calibration.tasks[task] : undefined;
  if (calibration.policy.sha256 !== policy) throw unfitting('policy', calibration.policy.sha256, policy);
  if (calibration.mode !== mode) throw unfitting('mode', calibration.mode, mode);
  if (own === undefined) throw unfitting('task', Object.keys(calibration.tasks).join(', '), task);
  const prompting = promptingDigest(recipe, task);
  if (own.prompting !== prompting) throw unfitting(`prompt of ${task}`, own.prompting, prompting);
  // As the store has it.
  return { sha256: digestOf(asJson(calibration)), temperature: own.temperature };
}

function unfitting(what: string, fitted: string, asked: string): MtrlError {
  return new MtrlError('USAGE', `the calibration was fitted for another ${what}`, {
    where: 'the calibration',
    found: `fitted for ${fitted}, used for ${asked}`,
    hint: 'fit one for this judge: `mtrl calibrate`',
  });
}
