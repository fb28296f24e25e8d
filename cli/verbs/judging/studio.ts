import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { serveStudio } from '../../../studio/server/serve-studio.ts';
import { print } from '../../show/output.ts';
import { runningExperiments } from '../../temporal/running-experiments.ts';
import { withStack } from '../../temporal/stack.ts';
import { untilInterrupted } from '../../until-interrupted.ts';
import { addTlsOptions, certificateOf, type TlsOptions } from '../../tls-options.ts';
import { wholeNumber } from '../../whole-number.ts';
import { withLibrary } from '../../with-library.ts';

const usualPort = 8720;

interface StudioOptions extends TlsOptions {
  readonly port: number;
  /** true for the name of the system account. */
  readonly label?: string | true;
}

export function addStudio(command: Command): void {
  addTlsOptions(command)
    .option('--port <port>', 'port on 127.0.0.1; 0 for any free one', wholeNumber, usualPort)
    .option('--label [name]', 'take labels, as those of this person (default: the name of the system account)')
    .action(async ({ port, label, ...tls }: StudioOptions) => {
      const certificate = certificateOf(tls);
      const labeller = label === true ? userInfo().username : label;
      await withStack({ startMissing: false }, async ({ client, store }) => {
        const serve = async (library: Parameters<typeof serveStudio>[0]): Promise<void> => {
          const studio = await serveStudio(library, {
            ...{ port, ...(labeller !== undefined && { labeller }), ...(certificate && { certificate }) },
          });
          print(studio.address);
          await untilInterrupted();
          await studio.close();
        };
        await withLibrary(store, serve, runningExperiments(client));
      });
    });
}
