/** The actual memory of a compute process, as counted by the kernel, under a ceiling that the plan just fits. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { SampleRequest, TrainGroup } from '../../policy/engine.ts';
import { callByteLength, planOf, residentBytes, total } from '../../policy/engines/embedded/memory/memory-plan.ts';
import { peakByteLength } from '../../policy/engines/embedded/memory/memory-watch.ts';
import { packGroups } from '../../policy/engines/embedded/packing/pack-groups.ts';
import { spawnEmbeddedEngine } from '../../policy/engines/embedded/spawn.ts';
import { readConfig } from '../../policy/engines/embedded/weights.ts';
import { trainingGraph } from '../../policy/models/training-graph.ts';

const demo = fileURLToPath(new URL('../../recipes/demo-base/config.json', import.meta.url));
const tokens = { stopTokenId: 2, padTokenId: 0, bannedTokenIds: [2] };
const prompt = { tokenIds: Array.from({ length: 100 }, (_, i) => 5 + (i % 50)), images: [] };
const sampling: SampleRequest = {
  ...{ prompts: Array.from({ length: 10 }, () => prompt), groupSize: 2, tokens, seed: 0, step: 0, promptOffset: 0 },
  ...{ sampling: { temperature: 1, greedy: false, tokenCountMax: 8 }, promptTokenCountMax: 100 },
};
const groups: TrainGroup[] = sampling.prompts.map((own) => ({
  prompt: own,
  completions: Array.from({ length: 2 }, () => ({ tokenIds: own.tokenIds.slice(0, 8), tokenWeight: 1 })),
}));

/** Writes a config with 51 MB of weights, so that excess memory is visible next to the process itself. */
async function writeConfig(folder: string): Promise<void> {
  const config = JSON.parse(await readFile(demo, 'utf8')) as { text_config: object };
  const text = { hidden_size: 512, intermediate_size: 1536, num_hidden_layers: 4, num_attention_heads: 8 };
  const text_config = { ...config.text_config, ...text, num_key_value_heads: 4, head_dim: 64 };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, text_config }));
}

test.each([
  { atWork: 1, promptCount: 3 },
  { atWork: 2, promptCount: groups.length / 2 },
])(
  'a compute process of two lanes, of which $atWork fit, trains, saves and loads under its ceiling',
  async ({ atWork, promptCount }) => {
    const folder = await mkdtemp(join(tmpdir(), 'mtrl-ceiling-'));
    const engine = spawnEmbeddedEngine({ threadCount: 2 });
    try {
      await writeConfig(folder);
      const { architecture } = await readConfig(folder);
      const specs = architecture.parameterSpecs;
      const graph = trainingGraph(architecture, specs, { loss: 'cross_entropy', recompute: true, withImages: false });
      const call = callByteLength(planOf(graph), packGroups(architecture, groups.slice(0, promptCount)).tensors);
      const byteLengthMax = total(residentBytes(specs, false, atWork)) + atWork * call;
      const memory = { byteLengthMax, recompute: true };
      await engine.initialize(folder, 0);
      for (let step = 0; step < 2; step++) {
        await engine.sample({ ...sampling, step, memory });
        await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens, memory });
        await engine.optimStep({
          ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1, memory },
        });
      }
      await engine.saveState(folder);
      await engine.loadState(folder);
      const peak = required(peakByteLength(engine.pid), 'a living process');
      expect(peak).toBeLessThan(byteLengthMax);
      // A plan that overestimates by far would split too finely.
      expect(peak).toBeGreaterThan(byteLengthMax / 2);
    } finally {
      engine.kill();
      await engine.exited;
      await rm(folder, { recursive: true });
    }
  },
);
