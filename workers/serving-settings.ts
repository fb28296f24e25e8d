/** Operating settings of a worker from environment variables: probes, drain timeout, version (docs/production.md). */
import type { WorkerOptions } from '@temporalio/worker';
import type { FileCacheSettings } from '../artifacts/store/file-cache.ts';
import { MtrlError } from '../core/errors.ts';
import { type Address, addressOf, type Env, valueOf } from '../infra/stack/env.ts';

export interface ServingSettings {
  /** Address of /livez and /readyz; not served if absent. */
  readonly health?: Address;
  /** Time from SIGTERM until running activities are cancelled and handed back to other workers. */
  readonly drainTimeoutMs: number;
  /** The pool that a compute worker serves instead of the common one. */
  readonly pool?: string;
  /** Cache of large files that a compute worker shares with the others of its host. */
  readonly files?: FileCacheSettings;
  /** If set, the worker is a version of a Temporal worker deployment, and workflows are pinned to their version. */
  readonly deployment?: { readonly name: string; readonly buildId?: string };
}

/** Below Kubernetes' 30 s between SIGTERM and SIGKILL, with time left to close connections. */
const defaultDrainTimeoutMs = 20_000;
/** After the drain, cancelled activities have this long to stop. */
const stopTimeoutMs = 5_000;
/** Two snapshots of a model of a few hundred million weights. */
const fileCacheByteLength = 10e9;
/** As in recipes (recipes/fields/pools-field.ts). */
const poolName = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** Throws USAGE naming the variable. */
export function servingSettings(env: Env = process.env): ServingSettings {
  const health = addressOf(env, 'MTRL_HEALTH_ADDRESS');
  const deploymentName = valueOf(env, 'MTRL_DEPLOYMENT_NAME');
  const buildId = valueOf(env, 'MTRL_BUILD_ID');
  const pool = poolOf(env);
  const folder = valueOf(env, 'MTRL_FILE_CACHE');
  return {
    ...(health && { health }),
    ...(pool !== undefined && { pool }),
    ...(folder !== undefined && {
      files: { folder, byteLengthMax: countOf(env, 'MTRL_FILE_CACHE_BYTE_LENGTH', fileCacheByteLength) },
    }),
    drainTimeoutMs: countOf(env, 'MTRL_DRAIN_TIMEOUT_MS', defaultDrainTimeoutMs),
    ...(deploymentName !== undefined && {
      deployment: { name: deploymentName, ...(buildId !== undefined && { buildId }) },
    }),
  };
}

/** Throws USAGE. */
function poolOf(env: Env): string | undefined {
  const pool = valueOf(env, 'MTRL_POOL');
  if (pool === undefined || poolName.test(pool)) return pool;
  throw new MtrlError('USAGE', 'MTRL_POOL must be the name of a pool', {
    where: 'environment variable MTRL_POOL',
    found: pool,
    hint: 'lower-case letters, digits and dashes, as under `pools` in the recipe',
  });
}

/** An integer from the environment, at least 1; `standard` if the variable is not set. Throws USAGE. */
export function countOf(env: Env, variable: string, standard: number): number {
  const text = valueOf(env, variable);
  if (text === undefined) return standard;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new MtrlError('USAGE', `${variable} must be an integer`, {
    where: `environment variable ${variable}`,
    found: text,
    hint: 'use an integer, 1 or greater',
  });
}

/** The SDK's options for these settings. `buildVersion` is the build id if the environment sets none. */
export function servingOptions(
  { drainTimeoutMs, deployment }: ServingSettings,
  buildVersion: string,
): Pick<WorkerOptions, 'shutdownGraceTime' | 'shutdownForceTime' | 'workerDeploymentOptions'> {
  return {
    shutdownGraceTime: drainTimeoutMs,
    shutdownForceTime: drainTimeoutMs + stopTimeoutMs,
    ...(deployment && {
      workerDeploymentOptions: {
        useWorkerVersioning: true,
        version: { deploymentName: deployment.name, buildId: deployment.buildId ?? buildVersion.slice(0, 16) },
        // A run may take days: it ends on the code that it started with.
        defaultVersioningBehavior: 'PINNED',
      },
    }),
  };
}
