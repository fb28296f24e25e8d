import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { materializeFolder } from '../../artifacts/files.ts';
import { MtrlError } from '../../core/errors.ts';
import type { PolicyState } from '../../activities/contract.ts';
import { writeAdapterFiles } from '../adapter-files.ts';
import { type MadeRun, madeBy } from '../made.ts';
import { print, printJson } from '../output.ts';
import { withStack } from '../stack.ts';

interface ExportOptions {
  readonly to: string;
  readonly run?: string;
  readonly adapter?: boolean;
  readonly json?: boolean;
}

/** Where an exported checkpoint came from, beside it. */
const provenanceFile = 'provenance.json';

export function addExport(program: Command): void {
  program
    .command('export')
    .description('write the newest checkpoint of a run to a folder in Hugging Face layout')
    .argument('<id>')
    .requiredOption('--to <folder>', 'a folder that does not exist yet, or is empty')
    .option('--run <run>', 'which run, as `status` names it; needed where the experiment has several')
    .option('--adapter', 'only the adapters that an ended run trained, in the layout of PEFT')
    .option('--json', 'one JSON document on stdout')
    .action(async (experimentId: string, options: ExportOptions) => {
      await withStack({ startMissing: false }, async (stack) => {
        const { runs } = await madeBy(stack, experimentId);
        const { runName, checkpoint, policy } = theRun(experimentId, runs, options.run);
        const folder = resolve(process.env['INIT_CWD'] ?? '.', options.to);
        if (options.adapter === true) await writeAdapterFiles(stack.store, ended(runName, policy).snapshot, folder);
        else await materializeFolder(stack.store, checkpoint, folder);
        const provenance = {
          experimentId,
          run: runName,
          checkpoint: { sha256: checkpoint.sha256 },
          madeBy: checkpoint.producer,
        };
        await writeFile(join(folder, provenanceFile), `${JSON.stringify(provenance, null, 2)}\n`);
        if (options.json === true) printJson({ folder, ...provenance });
        else print(`${runName} of ${experimentId} (${checkpoint.sha256}) is in ${folder}`);
      });
    });
}

function ended(runName: string, policy: PolicyState | undefined): PolicyState {
  if (policy !== undefined) return policy;
  throw new MtrlError('NOT_FOUND', 'the run has not ended yet', { where: runName });
}

function theRun(experimentId: string, runs: readonly MadeRun[], wanted: string | undefined): MadeRun {
  const found = wanted === undefined && runs.length === 1 ? runs[0] : runs.find(({ runName }) => runName === wanted);
  if (found !== undefined) return found;
  throw new MtrlError(
    'NOT_FOUND',
    wanted === undefined ? 'the experiment has several runs' : 'the experiment has no such run',
    {
      where: experimentId,
      ...(wanted === undefined ? {} : { found: wanted }),
      hint: `--run ${runs.map(({ runName }) => runName).join(' | ') || '(none has a checkpoint yet)'}`,
    },
  );
}
