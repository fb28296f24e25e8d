/** Checks every execution provider of both backends for availability. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { programAt } from '../../core/program.ts';
import { projectRoot } from '../../core/project.ts';
import type { DoctorCheck } from './doctor.ts';

/** Output of policy/runtime/list-providers.ts. */
interface ProviderReport {
  readonly backend: string;
  readonly executionProvider: string;
  readonly isAvailable: boolean;
  readonly found: string;
  readonly hint?: string;
}

/** Providers to probe, by process: probing for a graphics device may crash its process. */
const questions = [['onnxruntime/cpu', 'onnxruntime/cuda', 'tfjs'], ['onnxruntime/webgpu']] as const;

export async function checkProviders(environment: NodeJS.ProcessEnv = process.env): Promise<DoctorCheck[]> {
  const backend = environment['MTRL_ENGINE_BACKEND'] || 'onnxruntime';
  const provider = environment['MTRL_ENGINE_PROVIDER'] || (backend === 'onnxruntime' ? 'cpu' : undefined);
  const reports = (await Promise.all(questions.map((question) => listProviders(question, environment)))).flat();
  return reports.map((report) => checkOf(report, report.backend === backend && report.executionProvider === provider));
}

/** A missing provider is a failure only if the settings select it. */
function checkOf(
  { backend, executionProvider, isAvailable, found, hint }: ProviderReport,
  isWanted: boolean,
): DoctorCheck {
  const name = `${backend} ${executionProvider}`;
  if (isAvailable) return { name, status: 'ok', found: isWanted ? `${found}, used by engines` : found };
  return {
    name,
    status: isWanted ? 'fail' : 'ok',
    found: `not available: ${found}`,
    ...(hint === undefined ? {} : { hint: isWanted ? hint : `optional; ${hint}` }),
  };
}

/**
 * Lists providers in each backend's order of preference, as probed by a separate process. `question`: backends, or
 * `backend/provider`.
 */
export async function listProviders(
  question: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ProviderReport[]> {
  try {
    const { path, execArgv } = programAt(new URL('../../policy/runtime/list-providers.ts', import.meta.url));
    const args = [...execArgv, path, ...question];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: projectRoot,
      env: environment,
      timeout: 120_000,
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ProviderReport[];
  } catch (error) {
    const { signal, message } = error as Error & { signal?: string };
    const found = signal == null ? (message.split('\n')[0] ?? '') : `the check was killed by ${signal}`;
    return question.map((name) => {
      const [backend = name, executionProvider = ''] = name.split('/');
      return { backend, executionProvider, isAvailable: false, found };
    });
  }
}
