import type { Activities } from './activities.ts';

/** The activities of compute workers: those that need an engine, or its backend in their key. */
export type ComputeActivities = Pick<
  Activities,
  | 'importPolicy'
  | 'admit'
  | 'findRun'
  | 'keepRun'
  | 'rollout'
  | 'optimize'
  | 'step'
  | 'snapshot'
  | 'averageSnapshots'
  | 'evaluate'
  | 'judgeRows'
>;
