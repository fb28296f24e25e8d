/** The ended runs of a recorded experiment whose policies can be compared with those of other libraries. */
import { type MadeRun, madeBy } from '../../cli/show/made.ts';
import type { Stack } from '../../cli/temporal/stack.ts';
import type { PolicyState } from '../../contract/activities.ts';
import { MtrlError } from '../../core/errors.ts';

/** @param runName one run; default: all. Throws NOT_FOUND if there is none. */
export async function trainedRuns(
  stack: Stack,
  experimentId: string,
  runName?: string,
): Promise<(MadeRun & { readonly policy: PolicyState })[]> {
  const { runs } = await madeBy(stack, experimentId);
  const trained = runs.flatMap((run) => (run.policy === undefined ? [] : [{ ...run, policy: run.policy }]));
  const wanted = trained.filter((run) => runName === undefined || run.runName === runName);
  if (wanted.length > 0) return wanted;
  throw new MtrlError('NOT_FOUND', `${experimentId} has no ended run ${runName ?? ''}`.trim(), {
    hint: `one of ${trained.map((run) => run.runName).join(', ')}`,
  });
}
