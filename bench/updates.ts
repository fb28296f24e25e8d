/**
 * Two updates on the rollouts of one step, as one step and as two steps of one update each, alternately: what a step of
 * several updates costs beside its updates. The demo's model, 32 prompts x 8 rollouts, one thread. Processor time, which
 * other work on the machine disturbs less, and wall time.
 */
import { Rng } from '../core/rng.ts';
import type { StepOutcome } from '../pipeline/policies/step-record.ts';
import { applySteps, type ReadyStep } from '../pipeline/training/apply-update.ts';
import { grpo } from '../policy/algorithms/grpo.ts';
import { minibatchPrompts } from '../policy/algorithms/minibatches.ts';
import type { RolloutBatch } from '../policy/algorithms/rollout-batch.ts';
import type { PolicyVerbs } from '../policy/engine.ts';
import { ourRollouts } from './demo.ts';
import { median, rounded } from './statistics.ts';

const warmupCount = 2;
const roundCount = 12;
const adam = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 };

export async function bench(log: (line: string) => void) {
  const rng = new Rng('bench-updates', 0);
  const { engine, prompts, tokens, sample, close } = await ourRollouts(
    Array.from({ length: 32 }, () => rng.integer(31, 51)),
  );
  const rows: { readonly one: Cost; readonly two: Cost }[] = [];
  let clippedShare = 0;
  for (let round = 0; round < warmupCount + roundCount; round++) {
    const rollouts = await sample(round);
    const rewards = rollouts.map((group) => group.map(() => rng.uniform()));
    const { one, two } = stepsOf({ prompts, rollouts, rewards }, round);
    // The log-probs of the second are of weights that have changed: only the first can be checked.
    const first = await costOf(engine, [one], tokens);
    const second = await costOf(engine, two, tokens);
    clippedShare = first.outcomes[0]?.ratio?.clippedShare ?? Number.NaN;
    log(`one step ${first.cpuMs.toFixed(0)} ms, two steps ${second.cpuMs.toFixed(0)} ms of processor time`);
    if (round >= warmupCount) rows.push({ one: first, two: second });
  }
  await close();
  const ratioOf = (ms: 'cpuMs' | 'wallMs'): number => rounded(median(rows.map(({ one, two }) => one[ms] / two[ms])));
  return {
    ...{ roundCount, promptCount: prompts.length },
    oneStepMs: rounded(median(rows.map(({ one }) => one.cpuMs))),
    twoStepsMs: rounded(median(rows.map(({ two }) => two.cpuMs))),
    ...{ ratioOfProcessorTime: ratioOf('cpuMs'), ratioOfWallTime: ratioOf('wallMs'), clippedShare },
  };
}

/** The same two minibatches as one step and as two. */
function stepsOf(batch: RolloutBatch, step: number): { readonly one: ReadyStep; readonly two: readonly ReadyStep[] } {
  const minibatches = minibatchPrompts(batch.prompts.length, step, { updateCount: 2, epochCount: 1, seed: 0 });
  const updates = minibatches.map((chosen) => grpo.groups(batch, {}, chosen));
  const common = { step, learningRate: 1e-4, loss: grpo.loss({}), temperature: 1 };
  const needs = { reference: false, trainer: false };
  return {
    one: {
      ...{ ...common, ...grpo.groups(batch, {}), logProbToleranceMax: 1e-4 },
      split: { needs, epochCount: 1, updatesOf: () => updates },
    },
    two: updates.map((update) => ({ ...common, ...update })),
  };
}

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly outcomes: readonly StepOutcome[];
}

/** As `optimize` makes them, with a digest after each step. */
async function costOf(
  engine: PolicyVerbs,
  steps: readonly ReadyStep[],
  tokens: Parameters<typeof applySteps>[1]['tokens'],
): Promise<Cost> {
  const [startedAtMs, before] = [performance.now(), process.cpuUsage()];
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    const applied = await applySteps(engine, { steps: [step], tokens }, { adam });
    if (step.split === undefined) await engine.weightsDigest();
    outcomes.push(...applied);
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - startedAtMs, outcomes };
}
