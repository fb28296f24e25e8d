/**
 * Prints as JSON which execution providers are available on this machine. `mtrl doctor` starts it as a separate
 * process, because probing for a device may crash the process. Arguments: which ones, as `tfjs` or
 * `onnxruntime/webgpu`; default: all. With --strict the exit code is 1 if one is not available.
 */
import { MtrlError } from '../../core/errors.ts';
import { type BackendName, backendNames } from './graph-runner.ts';
import { openRuntime } from './open-runtime.ts';

/** Providers of each backend, in order of preference. */
const providers: Readonly<Record<BackendName, readonly string[]>> = {
  onnxruntime: ['cpu', 'webgpu', 'cuda'],
  tfjs: ['tfjs-node-gpu', 'tfjs-node', 'wasm', 'cpu'],
};

export interface ProviderReport {
  readonly backend: BackendName;
  readonly executionProvider: string;
  readonly isAvailable: boolean;
  /** The runtime's version, or what is missing. */
  readonly found: string;
  readonly hint?: string;
}

async function report(backend: BackendName, executionProvider: string): Promise<ProviderReport> {
  try {
    const { info } = await openRuntime({ threadCount: 1, backend, executionProvider });
    return { backend, executionProvider, isAvailable: true, found: `${info.backend} ${info.runtimeVersion}` };
  } catch (error) {
    if (!(error instanceof MtrlError)) throw error;
    const { found, hint } = error.details;
    return {
      backend,
      executionProvider,
      isAvailable: false,
      found: found ?? error.message,
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

const wanted = process.argv.slice(2).filter((argument) => argument !== '--strict');
const isWanted = (backend: string, provider: string): boolean =>
  wanted.length === 0 || wanted.includes(backend) || wanted.includes(`${backend}/${provider}`);
const reports: ProviderReport[] = [];
for (const backend of backendNames)
  for (const provider of providers[backend])
    if (isWanted(backend, provider)) reports.push(await report(backend, provider));
process.stdout.write(`${JSON.stringify(reports)}\n`);
process.exit(process.argv.includes('--strict') && reports.some(({ isAvailable }) => !isAvailable) ? 1 : 0);
