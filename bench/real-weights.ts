/**
 * `npm run bench -- real-weights [--prepare] [--peer]`: brings model and labels of recipes/real-text.yaml, and measures
 * the agreement of people, how long the model takes from its GGUF file to a ready engine, and the time and memory of a
 * GRPO step; with --peer beside TRL.
 */
import { join } from 'node:path';
import { stackHome } from '../infra/stack/settings.ts';
import { intensityCeiling, pairsCeiling, polarityCeiling } from './human-ceiling.ts';
import { loadingTimes } from './loading.ts';
import type { BenchOptions } from './main.ts';
import { compareRealSteps } from './real-step.ts';
import { prepareRealText, tableIn } from './real-text-data.ts';

export async function bench(log: (line: string) => void, { onlyPrepares = false, withPeers }: BenchOptions) {
  const folder = join(stackHome(), 'real-text');
  await prepareRealText(folder, log);
  log(`model and rows are in ${folder}`);
  if (onlyPrepares) return { folder };
  return {
    folder,
    humanCeiling: {
      polarity: polarityCeiling(await tableIn(join(folder, 'polarity.test.jsonl'))),
      intensity: intensityCeiling(await tableIn(join(folder, 'intensity.test.jsonl'))),
      pairs: pairsCeiling(await tableIn(join(folder, 'pairs.test.jsonl'))),
    },
    loading: await loadingTimes(join(folder, 'model.gguf')),
    step: await compareRealSteps(folder, withPeers, log),
  };
}
