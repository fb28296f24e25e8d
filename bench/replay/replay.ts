/**
 * `npm run bench -- parity --replay ID`: makes the updates of a recorded experiment again in PyTorch, from the recorded
 * rollouts and rewards, and compares the whole change of the weights.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withStack } from '../../cli/temporal/stack.ts';
import { required } from '../../core/assert.ts';
import { FolderStates } from '../../policy/engines/embedded/folder-states.ts';
import { type RecordedRun, recordedRun, type RecordedUpdate } from './recorded-run.ts';
import { torchReplay } from './torch-replay.ts';
import { trainedRuns } from './trained-runs.ts';

/** @param runName one run of the experiment; default: all that have updates */
export async function replayExperiment(log: (line: string) => void, experimentId: string, runName?: string) {
  return withStack({ startMissing: false }, async ({ store, ...stack }) => {
    const wanted = await trainedRuns({ ...stack, store }, experimentId, runName);
    const replayed: Record<string, Awaited<ReturnType<typeof one>>> = {};
    for (const { runName: name, policy } of wanted) {
      const folder = await mkdtemp(join(tmpdir(), 'mtrl-replay-'));
      try {
        const run = await recordedRun(store, policy, join(folder, 'processors'));
        if (run === undefined) log(`${name}: no updates`);
        else replayed[name] = await one(name, run, folder);
      } finally {
        await rm(folder, { recursive: true });
      }
    }
    return { experimentId, runs: replayed };

    async function one(name: string, run: RecordedRun, folder: string) {
      const states = new FolderStates(store, join(folder, 'states'));
      const [start, final] = await Promise.all(
        [run.start, run.final].map((checkpoint) => states.fetch({ checkpoint, optimizer: null })),
      );
      const asked: Pick<RecordedUpdate, 'recorded' | 'isFirst'>[] = [];
      const noted = (async function* () {
        for await (const { recorded, isFirst, ...step } of run.updates) {
          asked.push({ recorded, isFirst });
          yield step;
        }
      })();
      const folders = { start: required(start, 'start').folder, final: required(final, 'final').folder };
      const work = { ...run, ...folders, steps: noted };
      const { steps, weights } = await torchReplay(folder, work, ({ step, logProbDifferenceMax }) => {
        log(`${name} step ${step}: log-probs differ by at most ${logProbDifferenceMax.toExponential(1)}`);
      });
      const { change, relativeDifference } = required(weights, 'the comparison of the weights');
      log(`${name}: ${steps.length} updates; the change differs by ${(100 * relativeDifference).toFixed(3)} %`);
      return {
        updateCount: steps.length,
        isLora: run.trainable.lora !== undefined,
        change,
        relativeDifference,
        // Those of later updates of a step are of a policy that has changed since it sampled.
        logProbDifferenceMax: Math.max(
          ...steps.filter((_, i) => asked[i]?.isFirst).map((step) => step.logProbDifferenceMax),
        ),
        gradientNormDifferenceMax: Math.max(
          ...steps.map(({ gradientNorm }, i) => {
            const ours = required(asked[i], 'a recorded update').recorded.gradientNorm;
            return Math.abs(gradientNorm - ours) / ours;
          }),
        ),
      };
    }
  });
}
