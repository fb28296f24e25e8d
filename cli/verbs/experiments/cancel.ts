import type { Command } from 'commander';
import { describe } from '../../temporal/describe-experiment.ts';
import { failingText, failingWorkflows, terminateFailing } from '../../temporal/failing-workflows.ts';
import { commandText, print } from '../../show/output.ts';
import { withTemporal } from '../../temporal/stack.ts';

export function addCancel(command: Command): void {
  command.argument('<id>').action(async (experimentId: string) => {
    await withTemporal(async ({ client }) => {
      const { status } = await describe(client, experimentId);
      const isOpen = status.name === 'RUNNING' || status.name === 'PAUSED';
      if (isOpen) await client.workflow.getHandle(experimentId).cancel();
      const failing = await failingWorkflows(client, experimentId);
      if (failing.length > 0) {
        for (const workflow of failing) print(failingText(workflow));
        const terminated = await terminateFailing(client, experimentId, failing);
        print(
          `terminated ${terminated.join(', ')}; \`${commandText('resume', experimentId)}\` goes on from what is kept`,
        );
        return;
      }
      if (!isOpen) {
        print(`${experimentId} has ended already: ${status.name.toLowerCase()}`);
        return;
      }
      print(
        `${experimentId} is being cancelled; \`${commandText('resume', experimentId)}\` would go on from what is kept`,
      );
    });
  });
}
