/**
 * SkyRL's server: the conformance suite of engines, and a short multi-task run on texts, during which the server is
 * killed and started again. `npm run test:tinker`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../artifacts/store/open-store.ts';
import { loggedRecords } from '../../cli/show/rollout-log.ts';
import { required } from '../../core/assert.ts';
import { metricsOfRecords } from '../../pipeline/reporting/step-metrics.ts';
import { openTinker } from '../../policy/engines/tinker/open.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';
import { engineConformance } from '../policy/engine-conformance.ts';
import { needSkyrl } from '../support/needs.ts';
import { SkyrlServer } from '../support/skyrl-server.ts';
import { tinkerCheckpoint, tinkerSubject } from '../support/tinker-fixture.ts';
import { WholeStack } from './whole-stack.ts';

const server = new SkyrlServer(join(tmpdir(), 'mtrl-skyrl-server.log'));
const environment = {
  ...{ MTRL_TINKER_URL: server.url, MTRL_TINKER_BASE_MODEL: tinkerCheckpoint, MTRL_TINKER_REDUCTION: 'sequence-mean' },
  MTRL_TINKER_LOSSES: 'cross_entropy,importance_sampling,ppo,cispo',
};
/** Rollouts and training are different kernels. */
const logProbTolerance = 1e-2;
const formatStepCount = 30;
const stepCount = 4;

describe.skipIf(needSkyrl().isMissing)('SkyRL', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtrl-skyrl-'));
    await server.start({ isFresh: true });
  });
  afterAll(async () => {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  engineConformance('tinker, SkyRL', { ...tinkerSubject, open: openTinker, environment, logProbTolerance });

  it('completes a run of several tasks, killed and started again in the middle', async () => {
    const rows = Array.from({ length: 32 }, (_, i) => ({ id: String(i), word: String(100 + i), label: i % 2 }));
    await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    await WholeStack.using(
      async (stack) => {
        await stack.startExperiment('skyrl', recipeOn(folder));
        await stack.stepReached('skyrl/mt-rl/s0', 2);
        await server.kill();
        await server.start({ isFresh: false });
        const { runs } = await stack.result('skyrl');
        expect(runs.map(({ plan, evaluations }) => [plan.runName, evaluations.length])).toEqual([
          ['base/s0', 2],
          ['format/s0', 2],
          ['mt-rl/s0', 2],
        ]);
        const store = openArtifactStore(stack.settings.s3);
        const steps = await metricsOfRecords(store, await loggedRecords(store, required(runs[2], 'the run of mt-rl')));
        const updates = steps.slice(formatStepCount).map(({ values }) => values['gradientNorm']);
        expect(updates).toHaveLength(stepCount);
        expect(updates.every((norm) => norm !== undefined && norm > 0)).toBe(true);
      },
      { ...environment, MTRL_ENGINE: 'tinker' },
    );
  });
});

/** Prompts of the same length, and few of them: the server compiles a graph for each shape. */
function recipeOn(rowsFolder: string): RecipeInput {
  const dataset = (task: string) => ({
    ...{ reader: 'jsonl' as const, task, path: join(rowsFolder, 'rows.jsonl'), imageFolder: rowsFolder },
    ...{ split: { train: 0.75, test: 0.25, seed: 0 }, labelMap: { '0': 'a', '1': 'b' } },
    fields: { id: 'id', images: [], label: 'label', prompt: ['word'] },
  });
  const kind = { kind: 'pointwise' as const, labels: ['a', 'b'] as [string, string] };
  const common = { mode: 'direct' as const, optimizer: { learningRate: 3e-3 } };
  return {
    name: 'skyrl',
    policy: { checkpoint: tinkerCheckpoint },
    engine: {
      tinker: { url: server.url, baseModel: tinkerCheckpoint, reduction: 'sequence-mean', lora: { rank: 4 } },
    },
    modeWords: { think: '', direct: '' },
    tasks: { odd: { ...kind, prompt: '{{ word }}?' }, even: { ...kind, prompt: '{{ word }}!' } },
    datasets: [dataset('odd'), dataset('even')],
    arms: {
      base: { objective: 'none', mode: 'direct' },
      format: { objective: 'sft', ...common, stepCount: formatStepCount, exampleCountPerStep: 8 },
      'mt-rl': {
        ...{ objective: 'rl', ...common, from: 'format', stepCount, promptCountPerStep: 4, groupSize: 8 },
        // The final norm of a random model bounds its logits: what it samples never has the wanted form, but some of it
        // ends earlier.
        reward: { overlong: { fromTokenCount: 4, penalty: 1 } },
        ...{ tokenCountMax: 16, logProbToleranceMax: logProbTolerance, snapshotEveryStepCount: 3 },
      },
    },
    evaluation: { tokenCountMax: 8, bootstrapResampleCount: 100 },
  };
}
