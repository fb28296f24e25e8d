import type { Command } from 'commander';
import { up } from '../../infra/stack/up.ts';
import { print, say } from '../output.ts';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('start what is missing of the local stack: Temporal, the store, the workers')
    .option('--no-workers', 'only the servers, and what they must have: search attributes, bucket')
    .action(async ({ workers }: { workers: boolean }) => {
      const { temporal, s3 } = await up({ workers, log: say });
      print(`Temporal ${temporal.address}${temporal.uiUrl === undefined ? '' : `, Web UI ${temporal.uiUrl}`}`);
      print(`store    ${s3.endpoint}${s3.consoleUrl === undefined ? '' : `, console ${s3.consoleUrl}`}`);
    });
}
