import type { Command } from 'commander';
import { down } from '../../infra/stack/down.ts';
import { say } from '../show/output.ts';

export function addDown(program: Command): void {
  program
    .command('down')
    .description('end what `up` started; data stay')
    .action(async () => {
      await down({ log: say });
    });
}
