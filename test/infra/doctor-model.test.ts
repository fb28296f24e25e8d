/** `mtrl doctor --model`: the memory that training needs, before anything is loaded. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { requireCheckpoint } from '../../cli/local-checkpoint.ts';
import { armShapes } from '../../cli/arm-shapes.ts';
import { required } from '../../core/assert.ts';
import type { ArmShape } from '../../contract/model-plan.ts';
import { formatPlan, planModel } from '../../infra/doctor/model.ts';
import { loadRecipeFile } from '../../recipes/load.ts';

const timeout = 900_000;
const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const demo = { checkpoint: at('recipes/demo-base'), threadCount: 1, imageEdge: 32 };

it('plans the arms of a recipe, and shows that adapters and recomputation need less memory', { timeout }, async () => {
  const shapes = armShapes(loadRecipeFile(at('recipes/demo.yaml'), []).parsed);
  const full = required(
    shapes.find(({ arm }) => arm === 'mt-rl'),
    'the arm mt-rl',
  );
  expect(full).toMatchObject({ imageCount: 1, withReference: false, memory: {} });
  const lora = { lora: { rank: 2, alpha: 4, modules: ['q_proj'], seed: 0 } };
  const plan = await planModel({
    ...demo,
    arms: [full, { ...full, arm: 'lora', trainable: lora }, { ...full, arm: 'again', memory: { recompute: true } }],
  });
  const [all, adapters, again] = plan.arms;
  const weights = 4 * plan.parameterCount;
  expect(all?.byteLengths).toMatchObject({ weights, m: weights, v: weights, gradients: 2 * weights, reference: 0 });
  expect(adapters?.byteLengths['m']).toBeLessThan(weights / 10);
  expect(again?.byteLengths['training']).toBeLessThan(0.8 * (all?.byteLengths['training'] ?? 0));
  expect(all?.secondsPerStep).toBeGreaterThan(0);
  expect(formatPlan(plan)).toMatch(/mt-rl: prompts of \d+ tokens with 1 images, 2 micro-batches/);
});

it('splits a step under a ceiling, and reports a ceiling that is too low for one prompt', { timeout }, async () => {
  const shapes = armShapes(loadRecipeFile(at('recipes/demo.yaml'), []).parsed);
  const arm = required(shapes.at(-1), 'an arm');
  const limited = (byteLengthMax: number): ArmShape => ({ ...arm, memory: { byteLengthMax } });
  const plan = await planModel({ ...demo, arms: [limited(380e6), limited(10e6)] });
  expect(plan.arms.map(({ fits }) => fits)).toEqual([true, false]);
  expect(plan.arms[0]?.microBatchCount).toBeGreaterThan(1);
  expect(plan.arms[0]?.byteLengthNeeded).toBeLessThanOrEqual(380e6);
});

it('passes on the error of an invalid checkpoint', { timeout }, async () => {
  await expect(planModel({ ...demo, checkpoint: '/nowhere', arms: [] })).rejects.toMatchObject({
    code: 'FILE_MISSING',
  });
});

it.each([
  ['/nowhere', 'nothing'],
  [at('package.json'), 'a file'],
  [at('docs'), 'no config.json'],
])('doctor --model %s asks for a folder in Hugging Face layout', { timeout }, (folder, found) => {
  const problem = { code: 'USAGE', details: expect.objectContaining({ where: folder, found }) as object };
  expect(() => requireCheckpoint(folder)).toThrow(expect.objectContaining(problem) as Error);
  expect(() => requireCheckpoint(folder)).toThrow(/folder/);
});

it('reads memory limits from a recipe', () => {
  const { parsed } = loadRecipeFile(at('bench/smolvlm.yaml'), []);
  expect(armShapes(parsed).map(({ arm, memory }) => [arm, memory])).toEqual([
    ['lora', { byteLengthMax: 12e9, recompute: true }],
    ['full', { byteLengthMax: 12e9, recompute: true }],
  ]);
});
