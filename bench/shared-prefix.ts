/**
 * The speedup of an update that computes prompts once per group: the same rollouts as groups, and each as a group of
 * its own.
 */
import { openOurStep, usualWork } from './our-step.ts';
import { shapes } from './shapes.ts';
import { threadCount } from './compare.ts';
import { median, rounded } from './statistics.ts';

const groupSizes = [4, 8, 20];
const promptTokenCounts = [62, 200];
const promptCount = 4;
const roundCount = 3;

export async function prefixSpeedUps(log: (line: string) => void) {
  const results = [];
  for (const promptTokenCount of promptTokenCounts) {
    for (const groupSize of groupSizes) {
      const work = { ...usualWork, promptCount, groupSize, promptTokenCount, isFixedLength: true };
      const ours = await openOurStep(shapes.tiny, work, { threadCount });
      const rollouts = await ours.rollout();
      const shared: number[] = [];
      const naive: number[] = [];
      // The first round compiles the graph.
      for (let round = 0; round <= roundCount; round++) {
        const [sharedMs, naiveMs] = [
          await timed(() => ours.train(rollouts)),
          await timed(() => ours.trainNaive(rollouts)),
        ];
        if (round === 0) continue;
        shared.push(sharedMs);
        naive.push(naiveMs);
      }
      await ours.close();
      const result = {
        ...{ promptTokenCount, groupSize },
        sharedMs: rounded(median(shared)),
        naiveMs: rounded(median(naive)),
        timesFaster: rounded(median(naive) / median(shared)),
      };
      log(JSON.stringify(result));
      results.push(result);
    }
  }
  return results;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}
