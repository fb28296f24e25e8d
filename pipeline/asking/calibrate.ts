/** Fits the temperatures of a policy's label probabilities on the judgments of a validation split. */
import { asJson, jsonBytes } from '../../artifacts/codecs/json-value.ts';
import { batchesOf } from '../../artifacts/store/bounded.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import type { CalibrateInput, CalibrateResult } from '../../contract/calibration.ts';
import type { JudgedTask } from '../../contract/retraining.ts';
import { calibrationBins, expectedCalibrationError, type ProbableOutcome } from '../../judge/evaluation/calibration.ts';
import { atTemperature, fittedTemperature, logLoss } from '../../judge/evaluation/temperature.ts';
import { classOf } from '../../judge/kinds/table.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { openDataset } from '../data/dataset-artifact.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import type { JsonCache } from '../json-cache.ts';
import { promptingOf, recipeOf, taskOf } from '../recipe-access.ts';
import { type Calibration, type CalibrationQuality, promptingDigest, type TaskCalibration } from './calibration.ts';
import { judgmentsFormat } from './judgments-artifact.ts';

/** Throws EVALUATION_MISSING for judgments without label probabilities, or of another split than `val`. */
export function createCalibrate(deps: ControlDeps, cache: JsonCache) {
  return async (input: CalibrateInput): Promise<CalibrateResult> => {
    const { dataset, checkpoint, mode, judged } = input;
    const recipe = await recipeOf(cache, input.recipe);
    requireValidation(judged);
    const tasks = judged.map(({ task }) => task);
    const key = {
      inputs: { dataset, checkpoint, judgments: judged.map(({ judgments }) => judgments) },
      config: { mode, tasks, prompting: promptingOf(recipe, tasks) },
    };
    const { outputs, ...made } = await durable(deps, 'calibrate', key, async () => {
      const fitted: [string, TaskCalibration][] = [];
      for (const { task, judgments } of judged)
        fitted.push([task, await calibrated(cache, recipe, { task, dataset, judgments })]);
      const calibration: Calibration = {
        ...{ schema: 1, policy: { sha256: checkpoint.sha256 }, mode, split: 'val' },
        dataset: { sha256: dataset.sha256 },
        tasks: Object.fromEntries(fitted),
      };
      return { outputs: { calibration: await cache.put(calibration) }, summary: {} };
    });
    await keep(cache, outputs.calibration, made.manifest);
    return { ...made, calibration: outputs.calibration };
  };
}

/** A document outside the artifacts, so that a garbage collection keeps the calibration and what it was made from. */
async function keep({ store }: JsonCache, calibration: ArtifactRef, manifest: ArtifactRef): Promise<void> {
  const key = `calibrations/${calibration.sha256}.json`;
  await store.objects.putIfAbsent(key, jsonBytes({ schema: 1, calibration, manifest }));
}

function requireValidation(judged: readonly JudgedTask[]): void {
  const other = judged.find(({ split }) => split !== 'val');
  if (other !== undefined || judged.length === 0)
    throw new MtrlError('EVALUATION_MISSING', 'a calibration is fitted on judgments of the split val alone', {
      where: other?.task ?? 'evaluations',
      found: other === undefined ? 'none' : `judgments of the split ${other.split}`,
    });
}

async function calibrated(
  cache: JsonCache,
  recipe: Recipe,
  { task, dataset, judgments: ref }: { task: string; dataset: ArtifactRef; judgments: ArtifactRef },
): Promise<TaskCalibration> {
  const spec = taskOf(recipe, task);
  const { judgments } = await cache.getDocument(ref, judgmentsFormat);
  const before = judgments.map(({ label, probabilities }): ProbableOutcome => {
    if (probabilities === undefined)
      throw new MtrlError('EVALUATION_MISSING', `the judgments of ${task} have no label probabilities`, {
        where: ref.uri,
        hint: 'evaluate with the mode forced-choice a task whose verdicts are labels',
      });
    return { probabilities, labelIndex: spec.labels.indexOf(classOf(spec, label)) };
  });
  const temperature = fittedTemperature(before);
  const after = before.map((one) => ({ ...one, probabilities: atTemperature(one.probabilities, temperature) }));
  const rows = [...new Set(judgments.map(({ exampleIndex }) => exampleIndex))];
  return {
    prompting: promptingDigest(recipe, task),
    examples: { count: rows.length, sha256: await contentDigest(cache, dataset, rows) },
    ...{ temperature, before: qualityOf(before), after: qualityOf(after) },
  };
}

function qualityOf(outcomes: readonly ProbableOutcome[]): CalibrationQuality {
  return { logLoss: logLoss(outcomes), ece: expectedCalibrationError(calibrationBins(outcomes)) };
}

/** Over the content of each example; few of them are in memory at a time. */
async function contentDigest(cache: JsonCache, dataset: ArtifactRef, rows: readonly number[]): Promise<string> {
  const opened = await openDataset(cache, dataset);
  const digests: string[] = [];
  for await (const batch of batchesOf(rows))
    for (const example of await opened.examplesAt(batch)) digests.push(digestOf(asJson(example)));
  return digestOf(digests);
}
