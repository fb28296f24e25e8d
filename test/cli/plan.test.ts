/** `mtrl plan`: figures worked by hand, the paper's protocol, and what is said of data and models that are not here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { answerCount } from '../../cli/plan/answer-counts.ts';
import { hoursOn, knownDevices, parseDevice } from '../../cli/plan/devices.ts';
import { exampleCounts } from '../../cli/plan/example-counts.ts';
import { makePlan } from '../../cli/plan/make-plan.ts';
import { type PolicyCosts, policyCosts } from '../../cli/plan/policy-costs.ts';
import { parameterCounts, publishedModels } from '../../cli/plan/published-models.ts';
import { runWork } from '../../cli/plan/run-work.ts';
import { samplingFlops, updateFlops } from '../../cli/plan/transformer-flops.ts';
import { planLines } from '../../cli/show/plan-lines.ts';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { planRuns } from '../../pipeline/training/plan-runs.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import type { Recipe, TrainedArm } from '../../recipes/recipe.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-plan-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const paper = (): Recipe => loadRecipeFile(join(projectRoot, 'recipes', 'paper.yaml'), []).parsed;
const nothingGiven = { given: new Map<string, number>(), assumedCount: 1000 };
const here = { threadCount: 1, imageEdge: 512 };

describe('operations of a model', () => {
  // One layer each: a decoder of width 2 with 2 query and 1 key-value channels, a tower of width 2 over 4 patches.
  const sizes = {
    decoder: {
      ...{ layerCount: 1, hiddenSize: 2, queryWidth: 2, keyValueWidth: 1, feedForwardWidth: 3 },
      ...{ expertCount: 0, vocabularySize: 5 },
    },
    tower: { layerCount: 1, width: 2, feedForwardWidth: 4, patchWidth: 3, mergerProductCount: 6 },
  };
  const images = [{ patchCount: 4, tokenCount: 1 }];
  const work = { promptCount: 1, groupSize: 2, promptTokenCount: 2, completionTokenCount: 2 };
  // Patches 4*2*3*2 = 48, layer 4*2*(4*4 + 2*2*4) = 256, its attention 4*4*4*2 = 128, merger 2*6 = 12.
  const tower = 48 + 256 + 128 + 12;

  it('counts prompts and images once per group, and the last token of a completion not at all', () => {
    // A token: 2*(2*2*2 + 2*2*1 + 3*2*3) = 60. A pair of query and key: 4*2 = 8. A token in the head: 2*2*5 = 20.
    // Tokens 2 + 2*1; pairs 1+2 of the prompt, 2+1 of each completion.
    const forward = tower + 4 * 60 + 9 * 8 + 4 * 20;
    expect(updateFlops(sizes, images, work)).toBe(3 * forward);
    expect(samplingFlops(sizes, images, work)).toEqual({
      prompts: tower + 2 * 60 + 3 * 8,
      completions: 2 * 60 + 6 * 8 + 4 * 20,
    });
  });

  it('counts the parameters of the 30B backbone of the paper, of which a token passes through a tenth', () => {
    const model = required(publishedModels.get('Qwen3-VL-30B-A3B-Instruct'), 'the model');
    const attention = 2 * 2048 * (4096 + 512);
    const [head, router] = [151_936 * 2048, 2048 * 128];
    const tower = 27 * (4 * 1152 ** 2 + 2 * 1152 * 4304) + (1536 + 2304) * 1152 + 4 * (4608 ** 2 + 4608 * 2048);
    expect(parameterCounts(model)).toEqual({
      all: 48 * (attention + 128 * 3 * 2048 * 768 + router) + 2 * head + tower,
      active: 48 * (attention + 8 * 3 * 2048 * 768 + router) + head,
    });
    expect(parameterCounts(model).all).toBe(31_070_089_216);
  });

  it('computes hours from the share of the peak that each phase reaches', () => {
    const device = parseDevice('slow=2.5');
    // 3600 s at 2.5e12 * 0.4, and as long at 2.5e12 * 0.1.
    const flops = { training: 3.6e15, sampling: 0.9e15 };
    expect(hoursOn(device, flops, { training: 0.4, sampling: 0.1 })).toBeCloseTo(2, 12);
    expect(() => parseDevice('slow')).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});

describe('the work of a run', () => {
  const workOf = (change: object): ReturnType<typeof runWork> => {
    const recipe = parseRecipe({ ...tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }), ...change });
    const plan = required(
      planRuns(recipe).find(({ arm }) => arm === 'one'),
      'the run',
    );
    return runWork(recipe, recipe.arms['one'] as TrainedArm, plan, 8);
  };
  const optimizer = { learningRate: 1e-3 };

  it('ends supervised updates where a snapshot is due', () => {
    const arm = { objective: 'sft', mode: 'direct', exampleCountPerStep: 16, optimizer };
    const lengths = { stepCount: 100, stepCountPerActivity: 10, snapshotEveryStepCount: 25 };
    const { activities, completionTokenCount } = workOf({ arms: { one: { ...arm, ...lengths } } });
    // 10 + 10 + 5 steps, four times.
    expect(activities).toMatchObject({ optimize: 12, snapshot: 4, rollout: 0, reward: 0, mix: 1 });
    expect(completionTokenCount).toBe(100 * 16 * 8);
  });

  it('counts rollout shards, rounds of dynamic sampling, and the snapshots that a full log forces', () => {
    const arm = { objective: 'rl', mode: 'direct', promptCountPerStep: 4, groupSize: 5, tokenCountMax: 8, optimizer };
    const lengths = { stepCount: 300, snapshotEveryStepCount: 1000, rolloutShardCount: 3 };
    const dynamicSampling = { informativeGroupCountMin: 2, roundCountMax: 2 };
    const { activities, ...work } = workOf({ arms: { one: { ...arm, ...lengths, dynamicSampling } } });
    // Snapshots after 128, 256 and 300 steps.
    expect(activities).toMatchObject({ rollout: 1800, reward: 600, optimize: 300, snapshot: 3 });
    expect(work).toMatchObject({
      promptCount: 2400,
      rolloutCount: 12_000,
      completionTokenCount: 96_000,
      stepFactor: 2,
    });
  });

  it('counts several updates and passes of a step, and validations with their snapshots', () => {
    const arm = { objective: 'rl', mode: 'direct', promptCountPerStep: 4, groupSize: 5, tokenCountMax: 8, optimizer };
    const lengths = { stepCount: 10, snapshotEveryStepCount: 6, updateCount: 2, epochCount: 3 };
    const validation = { everyStepCount: 4, exampleCountMax: 5 };
    const datasets = [
      ...(tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 })['datasets'] as readonly object[]),
      { reader: 'judge-world', tasks: ['technical', 'safety'], split: 'val', exampleCount: 12, seed: 3 },
    ];
    const { activities, ...work } = workOf({ arms: { one: { ...arm, ...lengths, validation } }, datasets });
    expect(work).toMatchObject({ stepCount: 10, updateCount: 60, passCount: 3, validationCount: 3, promptCount: 40 });
    // Snapshots after 4, 6, 8 and 10 steps; three validations of two tasks.
    expect(activities).toMatchObject({ step: 10, snapshot: 4, evaluate: 6 });
  });

  it('asks pairs in both orders, and other prompts for at most so many examples', () => {
    const evaluation = { modes: ['strict', 'think-prompt'], probes: ['blank-image'], extraExampleCountMax: 4 };
    const recipe = parseRecipe({ ...tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }), evaluation });
    const counts = ['technical', 'safety', 'pair-safety'].map((task) => {
      return { task, split: 'test' as const, count: 6, source: 'recipe' as const };
    });
    // 6 + 4 * 2 in each of the four orders of the three tasks.
    const plan = required(planRuns(recipe)[0], 'the run');
    expect(answerCount(recipe, required(recipe.arms['base'], 'the arm'), plan, counts)).toBe(4 * 14);
    // A specialist of one task is asked two pairs of orders fewer.
    const specialist = { ...plan, evaluatedTasks: ['safety', 'pair-safety'] };
    expect(answerCount(recipe, required(recipe.arms['base'], 'the arm'), specialist, counts)).toBe(3 * 14);
  });
});

describe('counts of examples', () => {
  const task = { kind: 'pointwise', labels: ['yes', 'no'], prompt: 'good? {{ mode_word }}' };
  const dataset = { reader: 'csv', task: 'quality', fields: { images: [], label: 'label' } };
  const recipe = (path: string, split: unknown = { train: 0.8, test: 0.2, seed: 0 }): Recipe =>
    parseRecipe({
      ...tinyRecipe({ sftStepCount: 2, grpoStepCount: 2 }),
      ...{
        tasks: { quality: task },
        datasets: [{ ...dataset, path, split }],
        arms: { base: { objective: 'none', mode: 'direct' } },
      },
    });

  it('come from the rows of files that are here, by the shares of the split', async () => {
    const path = join(folder, 'rows.csv');
    writeFileSync(path, ['id,label', ...Array.from({ length: 10 }, (_, i) => `${String(i)},yes`)].join('\n'));
    expect(await exampleCounts(recipe(path), nothingGiven)).toEqual([
      { task: 'quality', split: 'train', count: 8, source: 'files' },
      { task: 'quality', split: 'test', count: 2, source: 'files' },
    ]);
  });

  it('are assumed, or given, for files that are not', async () => {
    const given = new Map([['quality.test', 605]]);
    expect(await exampleCounts(recipe(join(folder, 'none.csv')), { given, assumedCount: 7 })).toEqual([
      { task: 'quality', split: 'train', count: 7, source: 'assumed' },
      { task: 'quality', split: 'test', count: 605, source: 'given' },
    ]);
  });

  it('are refused for a task or split that the recipe does not have', async () => {
    const wrong = exampleCounts(recipe('none.csv', 'test'), { given: new Map([['quality.val', 1]]), assumedCount: 1 });
    await expect(wrong).rejects.toMatchObject({ code: 'USAGE', details: { hint: 'name one of quality.test' } });
  });
});

describe('the plan of an experiment', () => {
  const utilization = { training: 0.3, sampling: 0.1 };

  it('adds up its arms over all seeds', () => {
    const recipe = parseRecipe({ ...tinyRecipe({ sftStepCount: 4, grpoStepCount: 6 }), seeds: [0, 1] });
    const counts = ['technical', 'safety', 'pair-safety'].flatMap((task) => [
      ...(task === 'pair-safety' ? [] : [{ task, split: 'train' as const, count: 24, source: 'recipe' as const }]),
      { task, split: 'test' as const, count: 6, source: 'recipe' as const },
    ]);
    const cost = {
      ...{ promptTokenCount: 10, byteLengths: { weights: 50 }, byteLengthNeeded: 50, fits: true },
      ...{ snapshotByteLength: 1000, secondsPerStep: 2 },
    };
    const costs: PolicyCosts = {
      ...{ modelType: 'made up', parameterCount: 5, assumptions: [] },
      arms: new Map([
        ['sft-start', { ...cost, flops: { training: 100, rollouts: 0 } }],
        ['mt-rl', { ...cost, flops: { training: 200, rollouts: 30 } }],
      ]),
      answer: { promptTokenCount: 10, completionTokenCount: 8, flops: 7, seconds: 0.5 },
    };
    const plan = makePlan(recipe, { counts, costs, devices: knownDevices, utilization, imageEdge: 32 });
    // 6 + 6 + 2 * 6 answers at the end of each of the five runs; the base arm has one.
    expect(
      plan.arms.map(({ arm, runCount, stepCount, answerCount: asked }) => [arm, runCount, stepCount, asked]),
    ).toEqual([
      ['base', 1, 0, 24],
      ['sft-start', 2, 4, 24],
      ['mt-rl', 2, 6, 24],
    ]);
    expect(plan.arms[2]).toMatchObject({
      epochCount: (6 * 4) / 48,
      flops: { training: 1200, rollouts: 180, evaluation: 168 },
    });
    expect(plan.totals).toMatchObject({
      ...{ runCount: 5, stepCount: 20, answerCount: 120 },
      promptTokenCount: 10 * (120 + 2 * (4 * 16 + 6 * 4)),
      completionTokenCountMax: 8 * (120 + 2 * (4 * 16 + 6 * 4 * 4)),
      flops: 2 * (400 + 1200 + 180) + 5 * 168,
      hoursHere: (2 * (4 * 2 + 6 * 2) + 120 * 0.5) / 3600,
    });
    expect(planLines(plan).join('\n')).toMatch(/tiny: 5 runs, 20 steps; made up, 5 parameters/);
  });

  it("covers the paper's protocol without its data or its backbone, and says what was assumed", async () => {
    const recipe = paper();
    const counts = await exampleCounts(recipe, nothingGiven);
    expect(counts.every(({ source }) => source === 'assumed')).toBe(true);
    const costs = await policyCosts(recipe, here);
    const plan = makePlan(recipe, { counts, costs, devices: knownDevices, utilization, imageEdge: 512 });
    expect(plan.model).toMatchObject({ modelType: 'qwen3_vl_moe' });
    expect(plan.totals.runCount).toBe(15);
    const rl = plan.arms.filter(({ objective }) => objective === 'rl');
    expect(rl).toHaveLength(7);
    for (const { completionTokenCountMax, answerCount: asked } of rl)
      expect(completionTokenCountMax).toBe(100 * 512 * 20 * 2048 + asked * 2048);
    // 16 bytes per parameter, and 2 for the reference.
    expect(rl[0]?.byteLengthNeeded).toBe(18 * 31_070_089_216);
    const onH200 = plan.totals.hours.find(({ device }) => device === 'H200');
    expect(onH200?.deviceCountMin).toBe(4);
    // Seven arms of 2.1e9 tokens, 3 times 2 * 3.04e9 operations each at 30 % of 989e12 a second and 1 time at 10 %: 500
    // hours; attention over 2,048 tokens adds an eighth, prompts and pictures the rest.
    expect(onH200?.hours).toBeGreaterThan(500);
    expect(onH200?.hours).toBeLessThan(800);
    const text = planLines(plan).join('\n');
    expect(text).toMatch(/rows were assumed .*mjbench-safety\.test 1000/);
    expect(text).toContain('Qwen3-VL-30B-A3B-Instruct is not on this machine');
  });

  it('refuses a model whose sizes are unknown, and names those that are known', async () => {
    await expect(policyCosts(paper(), { ...here, model: 'no-such-model' })).rejects.toMatchObject({
      ...{ code: 'USAGE', details: { where: '--model', hint: expect.stringContaining('Qwen3-VL-30B') as string } },
    });
  });
});
