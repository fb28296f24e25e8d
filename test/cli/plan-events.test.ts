/** Planned Temporal events are at least those of recorded histories, and not many more. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { experimentEvents, runEvents } from '../../cli/plan/history-events.ts';
import { planOf } from '../workflows/made-up-activities.ts';

const recorded = (name: string): number => {
  const path = fileURLToPath(new URL(`../fixtures/histories/${name}.json`, import.meta.url));
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly events: readonly unknown[] }).events.length;
};

// The histories are older than findRun, keepRun, admit and pixelBaselines, each an activity, and than their three patches.
const none = { findRun: 0, keepRun: 0, averageSnapshots: 0, evaluate: 0, step: 0 };
const wave = { waveRunCount: 2, evaluationCount: 2 };
const sft = runEvents(
  planOf({ arm: 'sft', objective: 'sft', stepCount: 4, stepCountPerActivity: 2 }),
  { ...none, mix: 1, rollout: 0, reward: 0, optimize: 2, snapshot: 2 },
  wave,
);
const rl = runEvents(
  planOf({ arm: 'rl', objective: 'grpo', stepCount: 3, from: 'sft/s0', rolloutShardCount: 2 }),
  { ...none, mix: 1, rollout: 6, reward: 3, optimize: 3, snapshot: 2 },
  wave,
);

it('counts the events of a run with rollouts and of its evaluation', () => {
  const found = recorded('run-grpo') + recorded('evaluate');
  expect(rl.own).toBeGreaterThanOrEqual(found);
  expect(rl.own).toBeLessThan(1.2 * found);
});

it('counts the events of a supervised run', () => {
  const found = recorded('run-sft') + recorded('evaluate');
  expect(sft.own).toBeGreaterThanOrEqual(found);
  expect(sft.own).toBeLessThan(1.2 * found);
});

it('counts the events of an experiment with both', () => {
  const found = recorded('experiment');
  const planned = experimentEvents() + sft.inExperiment + rl.inExperiment;
  expect(planned).toBeGreaterThanOrEqual(found);
  expect(planned).toBeLessThan(1.3 * found);
});
