import type { Command } from 'commander';
import { describe } from '../describe-experiment.ts';
import { commandText, print } from '../output.ts';
import { withTemporal } from '../stack.ts';

export function addCancel(program: Command): void {
  program
    .command('cancel')
    .description('end an experiment; what it has made stays')
    .argument('<id>')
    .action(async (experimentId: string) => {
      await withTemporal(async ({ client }) => {
        const { status } = await describe(client, experimentId);
        if (status.name !== 'RUNNING' && status.name !== 'PAUSED') {
          print(`${experimentId} has ended already: ${status.name.toLowerCase()}`);
          return;
        }
        await client.workflow.getHandle(experimentId).cancel();
        print(
          `${experimentId} is being cancelled; \`${commandText('resume', experimentId)}\` would go on from what is kept`,
        );
      });
    });
}
