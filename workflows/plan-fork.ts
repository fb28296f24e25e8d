/** Plans what a fork shares with its original experiment; `mtrl fork` passes the result to the new experiment. */
import type { PlanForkInput, PlanForkResult } from '../contract/fork.ts';
import { bulk } from './activity-options.ts';
import { endedBadly } from './failure.ts';

export async function planFork(input: PlanForkInput): Promise<PlanForkResult> {
  try {
    return await bulk.planFork.executeWithOptions({ summary: `${input.arm} from step ${String(input.fromStep)}` }, [
      input,
    ]);
  } catch (error) {
    throw endedBadly(error);
  }
}
