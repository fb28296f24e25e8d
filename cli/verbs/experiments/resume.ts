import { WorkflowIdReusePolicy } from '@temporalio/client';
import type { Command } from 'commander';
import { describe } from '../../temporal/describe-experiment.ts';
import { failingText, failingWorkflows, terminateFailing } from '../../temporal/failing-workflows.ts';
import { commandText, print, say } from '../../show/output.ts';
import { withStack } from '../../temporal/stack.ts';
import { startAgain } from '../../temporal/start-again.ts';

export function addResume(command: Command): void {
  command.argument('<id>').action(async (experimentId: string) => {
    await withStack({ startMissing: true }, async (stack) => {
      const { status } = await describe(stack.client, experimentId);
      if (status.name === 'COMPLETED') {
        print(`${experimentId} is done; \`${commandText('report', experimentId)}\` shows it`);
        return;
      }
      if (status.name === 'RUNNING' || status.name === 'PAUSED') {
        const failing = await failingWorkflows(stack.client, experimentId);
        const handle = stack.client.workflow.getHandle(experimentId);
        if (failing.length === 0) {
          await handle.signal('resume');
          print(`${experimentId} is running; if it was paused, it goes on now`);
          return;
        }
        for (const workflow of failing) say(failingText(workflow));
        await handle.cancel();
        const terminated = await terminateFailing(stack.client, experimentId, failing);
        say(`terminated ${terminated.join(', ')}`);
      }
      await startAgain(stack, experimentId, WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY);
      print(
        `${experimentId} had ended (${status.name.toLowerCase()}) and was started again with the same recipe: what it had made is found, not made anew`,
      );
    });
  });
}
