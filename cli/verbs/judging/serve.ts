import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { pino } from 'pino';
import { ArtifactStore } from '../../../artifacts/store/artifact-store.ts';
import { FolderObjectStore } from '../../../artifacts/store/folder-object-store.ts';
import { MtrlError } from '../../../core/errors.ts';
import { projectRoot } from '../../../core/project.ts';
import { stackHome } from '../../../infra/stack/settings.ts';
import { JsonCache } from '../../../pipeline/json-cache.ts';
import { recipeOf } from '../../../pipeline/recipe-access.ts';
import { loadRecipeFile } from '../../../recipes/load.ts';
import type { Recipe } from '../../../recipes/recipe.ts';
import type { Wanted } from '../../../serve/policies/served-policy.ts';
import { type ServerOptions, startServer } from '../../../serve/server.ts';
import { Tokens } from '../../../serve/tokens.ts';
import { answerMode, policySetting } from '../../asked.ts';
import { calibrationForms, readCalibration } from '../../calibration-source.ts';
import { policyFolder, policyForms, policySource } from '../../policy-source.ts';
import { repeated } from '../../repeated.ts';
import { addTlsOptions, certificateOf, type TlsOptions } from '../../tls-options.ts';
import { print, printJson, say } from '../../show/output.ts';
import { promotedAs } from '../../temporal/promotions.ts';
import { withStack } from '../../temporal/stack.ts';
import { untilInterrupted } from '../../until-interrupted.ts';
import { userPath } from '../../user-path.ts';
import { wholeNumber, wholeNumberFrom } from '../../whole-number.ts';

interface ServeVerbOptions extends TlsOptions {
  readonly policy?: string;
  readonly recipe?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly engines: number;
  readonly pictureHost: readonly string[];
  readonly calibration?: string;
  /** false: --no-audit. */
  readonly audit?: string | false;
}

const demoRecipe = join(projectRoot, 'recipes', 'demo.yaml');

export function addServe(command: Command): void {
  addTlsOptions(command)
    .option('--policy <policy>', policyForms)
    .option(
      '--recipe <recipe>',
      'the recipe that declares the tasks (default: that of the promoted name, else the demo)',
    )
    .option('--mode <mode>', 'think or direct: the mode of answering (default: that of the named run, else think)')
    .option('--name <name>', 'the model, as clients name it (default: the policy as it is given here)')
    .option('--host <address>', 'address to listen on; others than this machine need a token', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber, 8000)
    .option('--engines <count>', 'compute processes, each with the whole policy in memory', wholeNumberFrom(1), 1)
    .option('--picture-host <host>', 'a host from which pictures may be fetched (repeatable)', repeated, [])
    .option('--calibration <calibration>', `of the label probabilities: ${calibrationForms}`)
    .option('--audit <folder>', 'folder of the records of all judgments (default: serve/audit beside the local stack)')
    .option('--no-audit', 'keep no records of judgments')
    .action(serve);
  addToken(command.command('token').description('create, list and revoke bearer tokens'));
}

async function serve(options: ServeVerbOptions): Promise<void> {
  const { policy } = options;
  if (policy === undefined)
    throw new MtrlError('USAGE', 'there is nothing to serve', { where: '--policy', hint: `name ${policyForms}` });
  const mode = answerMode(options.mode);
  const folder = policyFolder(policy);
  const name = options.name ?? policy;
  const recipeWith = (sets: readonly string[]): Recipe => loadRecipeFile(options.recipe ?? demoRecipe, sets).parsed;
  if (folder !== undefined) {
    const calibration = await calibrationWith(options, undefined);
    const wanted: Wanted = { name, recipe: recipeWith([policySetting(folder)]), mode: mode ?? 'think', ...calibration };
    const store = new ArtifactStore(new FolderObjectStore(join(serveHome(), 'store')));
    await untilStopped(store, options, { find: () => Promise.resolve(wanted), mayChange: false });
    return;
  }
  await withStack({ startMissing: true }, async (stack) => {
    const { store } = stack;
    const cache = new JsonCache(store);
    const calibration = await calibrationWith(options, store);
    const find = async (): Promise<Wanted> => {
      const promoted = await promotedAs(store, policy);
      if (promoted === undefined) {
        const { source, mode: own } = await policySource(stack, policy);
        return {
          name,
          recipe: recipeWith([]),
          mode: mode ?? own ?? 'think',
          ...(source && { source }),
          ...calibration,
        };
      }
      const { policy: state, checkpoint, version, mode: own, recipe } = promoted;
      return {
        ...{ name, mode: mode ?? own, version, source: { kind: 'state', policy: state, checkpoint }, ...calibration },
        recipe: options.recipe === undefined ? await recipeOf(cache, recipe) : recipeWith([]),
      };
    };
    await untilStopped(store, options, { find, mayChange: (await promotedAs(store, policy)) !== undefined });
  });
}

async function calibrationWith(
  { calibration }: ServeVerbOptions,
  store: ArtifactStore | undefined,
): Promise<Pick<Wanted, 'calibration'>> {
  return calibration === undefined ? {} : { calibration: await readCalibration(calibration, store) };
}

async function untilStopped(
  store: ArtifactStore,
  { host, port, engines, pictureHost, audit, ...tls }: ServeVerbOptions,
  served: Pick<ServerOptions, 'find' | 'mayChange'>,
): Promise<void> {
  const certificate = certificateOf(tls);
  mkdirSync(serveHome(), { recursive: true });
  const spoolFolder = await mkdtemp(join(serveHome(), 'spool-'));
  try {
    const server = await startServer({
      ...{ ...served, store, host, port, pictureHosts: pictureHost, engineCount: engines, spoolFolder },
      ...{ log: pino(pino.destination(2)), environment: process.env, tokenFolder: tokenFolder() },
      ...(certificate && { certificate }),
      ...(audit !== false && { auditFolder: audit === undefined ? join(serveHome(), 'audit') : userPath(audit) }),
    });
    print(`${server.address}/v1`);
    await untilInterrupted();
    say('answering the requests that have arrived, then stopping');
    await server.close();
  } finally {
    await rm(spoolFolder, { recursive: true, force: true });
  }
}

function addToken(command: Command): void {
  command
    .command('add')
    .description('create a token and print it; it cannot be shown again')
    .argument('<name>', 'whose it is')
    .action(async (name: string) => {
      print(await new Tokens(tokenFolder()).add(name, new Date().toISOString()));
    });
  command
    .command('list')
    .description('list the tokens by id, name and time of creation')
    .option('--json', 'one JSON document on stdout')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const tokens = await new Tokens(tokenFolder()).list();
      if (json === true) printJson({ tokens });
      else print(tokens.map(({ id, name, createdAt }) => `${id}  ${createdAt}  ${name}`).join('\n') || 'no tokens');
    });
  command
    .command('revoke')
    .description('revoke a token at once, also in running servers')
    .argument('<id-or-name>', 'as `list` shows it')
    .action(async (named: string) => {
      const { id, name } = await new Tokens(tokenFolder()).revoke(named);
      print(`revoked ${id} (${name})`);
    });
}

/** Beside the data of the local stack, which the server does not need for a checkpoint on this machine. */
function serveHome(): string {
  return join(stackHome(), 'serve');
}

function tokenFolder(): string {
  return join(serveHome(), 'tokens');
}
