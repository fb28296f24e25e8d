/** What a calibration is fitted with and used for: never the split that is measured, never another judge. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../artifacts/store/folder-object-store.ts';
import { calibratingRecipe } from '../../cli/calibrating-recipe.ts';
import { createCalibrate } from '../../pipeline/asking/calibrate.ts';
import { type Calibration, calibrationIn, promptingDigest, temperatureFor } from '../../pipeline/asking/calibration.ts';
import { JsonCache } from '../../pipeline/json-cache.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';
import { refTo } from '../workflows/made-up-activities.ts';

const tiny = tinyRecipe({ sftStepCount: 1, grpoStepCount: 1 });
const validated = {
  ...tiny,
  datasets: [...tiny.datasets, { reader: 'judge-world', tasks: ['safety'], split: 'val', exampleCount: 6, seed: 3 }],
};
const whole = parseRecipe(validated);

it('takes the tasks that have validation data, without arms, and leaves their prompts as they are', () => {
  const { parsed } = calibratingRecipe(whole, [], 'direct');
  expect(parsed.evaluation).toMatchObject({ split: 'val', tasks: ['safety'], modes: ['strict', 'forced-choice'] });
  expect(parsed.arms).toMatchObject({ judge: { objective: 'none', mode: 'direct' } });
  expect(promptingDigest(parsed, 'safety')).toBe(promptingDigest(whole, 'safety'));
  // Out of distribution, and without validation data.
  expect(Object.keys(parsed.tasks)).not.toContain('pair-safety');
});

it('refuses a recipe that measures its judges on val, and tasks without validation data', () => {
  const measured = parseRecipe({
    ...validated,
    evaluation: { ...validated.evaluation, split: 'val', tasks: ['safety'] },
  });
  const refusal = (recipe: typeof whole, tasks: readonly string[]) => {
    try {
      return calibratingRecipe(recipe, tasks, 'think').digest;
    } catch (error) {
      return error;
    }
  };
  expect(refusal(measured, [])).toMatchObject({ code: 'USAGE', details: { where: 'evaluation.split' } });
  expect(refusal(whole, ['pair-safety'])).toMatchObject({ code: 'USAGE', details: { where: '--task' } });
  expect(refusal(parseRecipe(tiny), [])).toMatchObject({ code: 'USAGE', details: { where: 'datasets' } });
});

it('is not fitted on judgments of another split', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-calibration-'));
  const store = new ArtifactStore(new FolderObjectStore(folder));
  const cache = new JsonCache(store);
  const calibrate = createCalibrate({ store, codeVersion: () => 'code', log: pino({ enabled: false }) }, cache);
  const judged = [{ task: 'safety', split: 'test', judgments: refTo('judgments') }] as const;
  const of = { recipe: await store.putJson(whole), dataset: refTo('dataset'), checkpoint: refTo('checkpoint') };
  await expect(calibrate({ ...of, mode: 'think', judged })).rejects.toMatchObject({ code: 'EVALUATION_MISSING' });
  await rm(folder, { recursive: true, force: true });
});

it('is of one policy, mode, task and prompt', () => {
  const quality = { logLoss: 1, ece: 0.1 };
  const calibration: Calibration = {
    ...{ schema: 1, policy: { sha256: 'p' }, mode: 'think', split: 'val', dataset: { sha256: 'd' } },
    tasks: {
      safety: {
        ...{ prompting: promptingDigest(whole, 'safety'), examples: { count: 6, sha256: 'e' } },
        ...{ temperature: 2, before: quality, after: quality },
      },
    },
  };
  const own = { recipe: whole, policy: 'p', mode: 'think', task: 'safety' } as const;
  expect(temperatureFor(calibrationIn(JSON.parse(JSON.stringify(calibration)), 'file'), own).temperature).toBe(2);
  const { safety } = whole.tasks;
  const changed = {
    ...whole,
    tasks: { ...whole.tasks, ...(safety && { safety: { ...safety, prompt: '<image> safe ?' } }) },
  };
  for (const other of [{ policy: 'q' }, { mode: 'direct' as const }, { task: 'technical' }, { recipe: changed }])
    expect(() => temperatureFor(calibration, { ...own, ...other })).toThrow('fitted for another');
  for (const value of [null, {}, { ...calibration, tasks: { safety: { prompting: 'x', temperature: 0 } } }])
    expect(() => calibrationIn(value, 'file')).toThrow('not a calibration');
});
