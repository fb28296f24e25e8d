import type { Command } from 'commander';
import { spawn } from 'node:child_process';
import { MtrlError } from '../../../core/errors.ts';
import { print, say } from '../../show/output.ts';
import { userPath } from '../../user-path.ts';
import { fetchReport, fetchTables } from '../../reports.ts';
import { madeBy } from '../../show/made.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';

interface ReportOptions {
  readonly open?: boolean;
  readonly table?: string;
  readonly bundle?: string;
}

export function addReport(command: Command): void {
  command
    .argument('<id>')
    .option('--open', 'open it in the browser')
    .option('--table <folder>', 'also write the table of arms: table.md, table.csv, table.tex')
    .option('--bundle <folder>', 'write the studio of this experiment as a folder that opens without a server')
    .action(async (experimentId: string, { open = false, table, bundle }: ReportOptions) => {
      await withStack({ startMissing: false }, async (stack) => {
        const { report, status } = await madeBy(stack, experimentId);
        if (report === undefined) {
          throw new MtrlError('NOT_FOUND', 'the experiment has no report yet', {
            where: experimentId,
            found: `it is ${status.toLowerCase()}`,
            hint: 'the report is written when all runs are evaluated',
          });
        }
        const path = await fetchReport(stack, experimentId, report);
        print(path);
        if (table !== undefined)
          for (const file of await fetchTables(stack, experimentId, userPath(table))) print(file);
        if (bundle !== undefined) print(await bundled(stack, experimentId, userPath(bundle)));
        if (open) openFile(path);
      });
    });
}

/** Path of the first page. */
async function bundled({ store }: Stack, experimentId: string, folder: string): Promise<string> {
  const { withLibrary } = await import('../../with-library.ts');
  const { writeBundle } = await import('../../../studio/bundle/write-bundle.ts');
  return withLibrary(store, async (library) => (await writeBundle(library, experimentId, folder)).page);
}

function openFile(path: string): void {
  const [command, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? [
    'xdg-open',
  ];
  const child = spawn(command ?? 'xdg-open', [...args, path], { detached: true, stdio: 'ignore' });
  child.on('error', () => {
    say(`cannot open a browser (${command ?? ''}): open the file yourself`);
  });
  child.unref();
}
