import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type ArchiveEntry, entriesOf } from '../../../artifacts/archive/archive.ts';
import { writeArchiveFolder } from '../../../artifacts/archive/archive-folder.ts';
import { writeTar } from '../../../artifacts/archive/archive-tar.ts';
import { convertCheckpoint, type WeightDtype, weightDtypes } from '../../../artifacts/codecs/checkpoint-dtype.ts';
import { hubSettings } from '../../../artifacts/hub/hub-settings.ts';
import { uploadFolder } from '../../../artifacts/hub/upload.ts';
import { materializeFolder } from '../../../artifacts/store/files.ts';
import { wholeFolder } from '../../../artifacts/store/whole-folder.ts';
import { MtrlError } from '../../../core/errors.ts';
import { type HubAddress, isHubAddress, parseHubAddress } from '../../../core/hub-address.ts';
import { modelCard, type ModelCardData } from '../../../judge/report/model-card.ts';
import { findExperimentIndex } from '../../../pipeline/reporting/experiment-index.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { PolicyState } from '../../../contract/activities.ts';
import { type AdapterBase, adapterBase, writeAdapterFiles } from '../../adapter-files.ts';
import { type MadeRun, madeBy } from '../../show/made.ts';
import { print, printJson } from '../../show/output.ts';
import { promotedAs } from '../../temporal/promotions.ts';
import { type Stack, withStack } from '../../temporal/stack.ts';
import { userPath } from '../../user-path.ts';

interface ExportOptions {
  readonly to: string;
  readonly run?: string;
  readonly adapter?: boolean;
  readonly all?: boolean;
  readonly dtype?: WeightDtype;
  readonly json?: boolean;
}

/** File beside an exported checkpoint that records its origin. */
const provenanceFile = 'provenance.json';

export function addExport(command: Command): void {
  command
    .argument('<id>', 'an experiment, or a promoted name[@version]')
    .requiredOption(
      '--to <place>',
      'a folder that does not exist yet, or is empty; hf:org/name for a repository of the Hub; with --all also a file named *.tar',
    )
    .option('--all', 'export the whole experiment with all artifacts, for `import` elsewhere')
    .option('--run <run>', 'the run, as `status` names it; required if the experiment has several')
    .option('--adapter', 'export only the trained LoRA adapters of a finished run, in PEFT layout')
    .addOption(
      new Option('--dtype <type>', 'type of the exported weights, rounded to nearest (default: as stored)')
        .choices(Object.keys(weightDtypes))
        .conflicts('adapter'),
    )
    .option('--json', 'one JSON document on stdout')
    .action(async (id: string, options: ExportOptions) => {
      await withStack({ startMissing: false }, async (stack) => {
        if (options.all === true) return exportAll(stack, id, options);
        const { experimentId, runName, checkpoint, policy } = await named(stack, id, options.run);
        const repository = repositoryOf(options.to);
        const base = options.adapter === true ? await baseOf(stack, experimentId, runName) : undefined;
        const provenance = {
          experimentId,
          run: runName,
          checkpoint: { sha256: checkpoint.sha256 },
          madeBy: checkpoint.producer,
        };
        const write = async (folder: string): Promise<void> => {
          if (options.adapter === true)
            await writeAdapterFiles(stack.store, ended(runName, policy).snapshot, folder, base);
          else await materializeFolder(stack.store, checkpoint, folder);
          if (options.dtype !== undefined) await convertCheckpoint(folder, options.dtype);
          await writeFile(join(folder, provenanceFile), `${JSON.stringify(provenance, null, 2)}\n`);
        };
        const place =
          repository === undefined
            ? await written(userPath(options.to), write)
            : await uploaded(stack, repository, write, {
                ...{ name: repository.name, experimentId, runName, isAdapter: options.adapter === true },
                checkpointSha256: checkpoint.sha256,
              });
        if (options.json === true) printJson({ folder: place, ...provenance });
        else print(`${runName} of ${experimentId} (${checkpoint.sha256}) is in ${place}`);
        if (base !== undefined && 'runName' in base)
          process.stderr.write(
            `its base is the policy of ${base.runName}, where the run began: mtrl export ${experimentId} --run ${base.runName} --to FOLDER\n`,
          );
      });
    });
}

async function baseOf({ store }: Stack, experimentId: string, runName: string): Promise<AdapterBase | undefined> {
  const index = await findExperimentIndex(store, experimentId);
  const run = index?.runs.find(({ plan }) => plan.runName === runName);
  return index && run && adapterBase((await store.getJson(index.recipe)) as Recipe, run.plan.from);
}

async function named(
  stack: Stack,
  id: string,
  run: string | undefined,
): Promise<Omit<MadeRun, 'arm'> & { readonly experimentId: string }> {
  const promoted = await promotedAs(stack.store, id);
  if (promoted !== undefined) return promoted;
  const { runs } = await madeBy(stack, id);
  return { experimentId: id, ...theRun(id, runs, run) };
}

/** The repository that `--to hf:...` names; undefined for a folder. Throws USAGE. */
function repositoryOf(to: string): HubAddress | undefined {
  if (!isHubAddress(to)) return undefined;
  const address = parseHubAddress(to);
  if (address?.type === 'model' && address.path === '') return address;
  throw new MtrlError('USAGE', 'not the address of a model repository', {
    where: '--to',
    found: to,
    hint: 'hf:org/name, or hf:org/name@branch',
  });
}

type Write = (folder: string) => Promise<void>;

async function written(folder: string, write: Write): Promise<string> {
  await wholeFolder(folder, write);
  return folder;
}

async function uploaded(stack: Stack, repository: HubAddress, write: Write, origin: Origin): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'mtrl-export-'));
  try {
    const folder = join(scratch, 'checkpoint');
    await write(folder);
    return await upload(stack, repository, folder, origin);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Origin = Omit<ModelCardData, 'recipe' | 'scores'>;

/** Adds a model card, and commits the folder. Returns the commit's address. */
async function upload({ store }: Stack, repository: HubAddress, folder: string, origin: Origin): Promise<string> {
  const index = await findExperimentIndex(store, origin.experimentId);
  const scores = index?.runs
    .find(({ plan }) => plan.runName === origin.runName)
    ?.evaluations.map((evaluation) => evaluation.scores);
  const recipe = index && ((await store.getJson(index.recipe)) as Recipe);
  await writeFile(
    join(folder, 'README.md'),
    modelCard({ ...origin, ...(recipe && { recipe }), ...(scores && { scores }) }),
  );
  const title = `${origin.runName} of experiment ${origin.experimentId}`;
  let shown = '';
  return uploadFolder(hubSettings(process.env), repository, folder, title, ({ file, done }) => {
    const line = `${file}: ${Math.floor(done * 10) * 10} %`;
    if (line !== shown) process.stderr.write(`${line}\n`);
    shown = line;
  });
}

async function exportAll({ store }: Stack, experimentId: string, { to, json = false }: ExportOptions): Promise<void> {
  const path = userPath(to);
  const counts = { objectCount: 0, byteLength: 0 };
  const entries = counted(entriesOf(store, experimentId), counts);
  if (path.endsWith('.tar')) await writeTar(path, entries);
  else await writeArchiveFolder(path, entries);
  if (json) printJson({ experimentId, path, ...counts });
  else
    print(`${experimentId} is in ${path}: ${String(counts.objectCount)} objects, ${String(counts.byteLength)} bytes`);
}

async function* counted(
  entries: AsyncIterable<ArchiveEntry>,
  counts: { objectCount: number; byteLength: number },
): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entries) {
    counts.objectCount++;
    counts.byteLength += entry.byteLength;
    yield entry;
  }
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
