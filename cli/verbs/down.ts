import type { Command } from 'commander';
import { down } from '../../infra/stack/down.ts';
import { say } from '../show/output.ts';

export function addDown(program: Command): void {
  program
    .command('down')
    .description('stop what `up` started; data is kept')
    .action(async () => {
      await down({ log: say });
    });
}
