import type { Command } from 'commander';
import { describe } from '../../temporal/describe-experiment.ts';
import { follow, sayGoesOn } from '../../show/follow.ts';
import { Interrupted } from '../../show/interrupted.ts';
import { indexOf } from '../../show/outcome.ts';
import { fetchReport } from '../../reports.ts';
import { withStack } from '../../temporal/stack.ts';
import { printOutcome } from './run.ts';

export function addWatch(command: Command): void {
  command.argument('<id>').action(async (experimentId: string) => {
    await withStack({ startMissing: false }, async (stack) => {
      await describe(stack.client, experimentId);
      try {
        const result = await follow(stack, experimentId);
        printOutcome(await indexOf(stack, result), await fetchReport(stack, experimentId, result.report));
      } catch (error) {
        if (error instanceof Interrupted) sayGoesOn(experimentId);
        throw error;
      }
    });
  });
}
