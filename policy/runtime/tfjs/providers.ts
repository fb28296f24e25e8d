/**
 * Detects which TensorFlow.js backends can be used. A missing package, a native binding that was not built and one that
 * does not fit this machine are reported as obstacles; none of them crashes the process.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MtrlError } from '../../../core/errors.ts';
import { requireHere, tf } from './tf.ts';

/** Fastest first; the default is the first available one. */
const tfjsProviders = ['tfjs-node-gpu', 'tfjs-node', 'wasm', 'cpu'] as const;
type TfjsProvider = (typeof tfjsProviders)[number];

interface ProviderPackage {
  readonly packageName: string;
  /** Name under which the package registers with tfjs-core. */
  readonly registeredAs: string;
  readonly isNative: boolean;
}

const packages: Readonly<Record<TfjsProvider, ProviderPackage>> = {
  'tfjs-node-gpu': { packageName: '@tensorflow/tfjs-node-gpu', registeredAs: 'tensorflow', isNative: true },
  'tfjs-node': { packageName: '@tensorflow/tfjs-node', registeredAs: 'tensorflow', isNative: true },
  wasm: { packageName: '@tensorflow/tfjs-backend-wasm', registeredAs: 'wasm', isNative: false },
  cpu: { packageName: '@tensorflow/tfjs-backend-cpu', registeredAs: 'cpu', isNative: false },
};

/** Why a backend cannot be used on this machine; undefined if it can. */
async function obstacleOf(provider: TfjsProvider): Promise<string | undefined> {
  const { packageName, isNative } = packages[provider];
  const folder = folderOf(packageName);
  if (folder === undefined) return `${packageName} is not installed`;
  if (!isNative) return undefined;
  if (!hasBinding(folder)) return `${packageName} is installed without its native binding (tfjs_binding.node)`;
  // A binding that does not fit may abort the process that loads it, so a child process tries it first.
  try {
    await promisify(execFile)(process.execPath, ['-e', `require(${JSON.stringify(folder)})`], { timeout: 60_000 });
    return undefined;
  } catch (error) {
    return `${packageName} cannot be loaded: ${/^\w*Error.*$/m.exec((error as Error).message)?.[0] ?? 'its binding crashes the process'}`;
  }
}

/** A loaded backend. */
export interface LoadedProvider {
  readonly name: TfjsProvider;
  /** Makes it the active backend; tfjs-core has one per process. */
  readonly activate: () => Promise<void>;
}

/** Loads the wanted backend, or the first available one. Throws PROVIDER_UNAVAILABLE, naming what is missing. */
export async function loadProvider(wanted: string | undefined): Promise<LoadedProvider> {
  if (wanted !== undefined && !isProvider(wanted)) {
    throw new MtrlError('PROVIDER_UNAVAILABLE', `the tfjs backend has no execution provider ${wanted}`, {
      hint: `one of ${tfjsProviders.join(', ')}`,
    });
  }
  const obstacles: string[] = [];
  for (const provider of wanted === undefined ? tfjsProviders : [wanted]) {
    const obstacle = await obstacleOf(provider);
    if (obstacle === undefined) {
      const activate = (): Promise<void> => activated(packages[provider]);
      await activate();
      return { name: provider, activate };
    }
    obstacles.push(obstacle);
  }
  throw new MtrlError('PROVIDER_UNAVAILABLE', `TensorFlow.js cannot compute with ${wanted ?? 'any of its backends'}`, {
    found: obstacles.join('; '),
    hint: 'npm install @tensorflow/tfjs-core with @tensorflow/tfjs-backend-wasm or -cpu; `mtrl doctor` shows how to build tfjs-node-gpu',
  });
}

function isProvider(name: string): name is TfjsProvider {
  return tfjsProviders.some((provider) => provider === name);
}

/** Serializes activations: tfjs-core abandons a backend that is still starting when another one is requested. */
let starting: Promise<void> = Promise.resolve();

function activated(provider: ProviderPackage): Promise<void> {
  const started = starting.then(() => start(provider));
  starting = started.catch(() => undefined);
  return started;
}

async function start({ packageName, registeredAs }: ProviderPackage): Promise<void> {
  if (tf.getBackend() === registeredAs) return;
  // Otherwise its first use prints an advertisement of tfjs-node.
  tf.enableProdMode();
  await withOwnErrorHandlers(async () => {
    requireHere(packageName);
    if (!(await tf.setBackend(registeredAs)))
      throw new MtrlError('PROVIDER_UNAVAILABLE', `${packageName} does not start`);
    await tf.ready();
  });
}

/**
 * Runs `load` and removes the process-wide error handlers that it adds: the wasm loader's would end the process on any
 * unhandled rejection.
 */
async function withOwnErrorHandlers(load: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  try {
    await load();
  } finally {
    for (const event of events) {
      for (const listener of process.rawListeners(event))
        if (before.get(event)?.has(listener) !== true)
          process.removeListener(event, listener as (...args: unknown[]) => void);
    }
  }
}

/** Folder of an installed package; resolving it works even where loading it would fail. */
function folderOf(packageName: string): string | undefined {
  try {
    return dirname(requireHere.resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

function hasBinding(folder: string): boolean {
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some((entry) => existsSync(join(lib, entry, 'tfjs_binding.node')));
}
