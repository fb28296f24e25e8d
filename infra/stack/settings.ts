/**
 * Settings of the stack (which Temporal, which store) for workers, CLI, tests and benches. Environment variables that
 * name a server take precedence over the local stack that `up` recorded in `stack.json`.
 */
import { join, resolve } from 'node:path';
import { MtrlError } from '../../core/errors.ts';
import { projectRoot } from '../../core/project.ts';
import { isStampOf, pathOfStamp } from '../process/home-stamp.ts';
import { type Env, urlOf, valueOf } from './env.ts';
import { defaultBucket, defaultRegion, s3Override, type StoreSettings } from './s3-settings.ts';
import { readStackFile, type StackFile } from './stack-file.ts';
import { namespaceOf, temporalOverride, type TemporalSettings } from './temporal-settings.ts';

export interface StackSettings {
  /** Folder of the local stack: data, logs, pid files. */
  readonly home: string;
  readonly temporal: TemporalSettings;
  readonly s3: StoreSettings;
  /** `compute` is always `control` with the suffix `-compute`, so workflows can derive it. */
  readonly taskQueues: { readonly control: string; readonly compute: string };
  /** Address of the studio, ending in `/`, to which workflows link; undefined if it is not configured. */
  readonly studioUrl?: string;
}

/** Task queue on a configured Temporal, and of local stacks of older versions. */
const defaultTaskQueue = 'mtrl';

export interface SettingsOptions {
  /** Default: env MTRL_HOME, else `.mtrl` in the project. */
  readonly home?: string;
  /** Default: process.env. */
  readonly env?: Env;
}

export function stackHome({ home, env = process.env }: SettingsOptions = {}): string {
  return resolve(home ?? valueOf(env, 'MTRL_HOME') ?? join(projectRoot, '.mtrl'));
}

/** Servers that the user configured; undefined for those of the local stack. */
export function readOverrides(env: Env = process.env): {
  temporal: StackSettings['temporal'] | undefined;
  s3: StackSettings['s3'] | undefined;
} {
  return { temporal: temporalOverride(env), s3: s3Override(env) };
}

/** Throws SETUP_FAILED if neither the environment nor a local stack of this folder names the servers. */
export function readSettings(options: SettingsOptions = {}): StackSettings {
  const env = options.env ?? process.env;
  const home = stackHome(options);
  const overrides = readOverrides(env);
  const isFileNeeded = !overrides.temporal || !overrides.s3 || isLoopback(overrides.temporal.address);
  const file = isFileNeeded ? readStackFile(home) : undefined;
  if (file?.home !== undefined && !isStampOf(file.home, home) && (!overrides.temporal || !overrides.s3))
    throw copied(home, file.home);

  const temporal = overrides.temporal ?? (file?.temporal && localTemporal(file.temporal, namespaceOf(env)));
  if (!temporal) throw notSetUp(home, 'Temporal', 'TEMPORAL_ADDRESS');
  const s3 = overrides.s3 ?? (file?.s3 && localS3(file.s3, valueOf(env, 'MTRL_S3_BUCKET')));
  if (!s3) throw notSetUp(home, 'the store', 'MTRL_S3_ENDPOINT');
  const studioUrl = urlOf(env, 'MTRL_STUDIO_URL', 'the studio');
  const taskQueues = taskQueuesOf(env, temporal, file);
  return { home, temporal, s3, taskQueues, ...(studioUrl !== undefined && { studioUrl: `${studioUrl}/` }) };
}

/**
 * A local stack has its own task queue, so that a worker that reconnects to another stack's server finds no work there.
 * The queue also applies if TEMPORAL_ADDRESS names the local server, as it does for the `temporal` command.
 */
function taskQueuesOf(
  env: Env,
  { address }: TemporalSettings,
  file: StackFile | undefined,
): StackSettings['taskQueues'] {
  const isOwn = isLoopback(address) && address.endsWith(`:${String(file?.temporal?.port)}`);
  const own = isOwn ? file?.taskQueue : undefined;
  const control = valueOf(env, 'MTRL_TASK_QUEUE') ?? own ?? defaultTaskQueue;
  return { control, compute: `${control}-compute` };
}

function isLoopback(address: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\]):/.test(address);
}

function localTemporal(
  { port, uiPort, namespaceIds }: NonNullable<StackFile['temporal']>,
  namespace: string,
): StackSettings['temporal'] {
  const namespaceId = namespaceIds?.[namespace];
  return {
    address: `127.0.0.1:${String(port)}`,
    namespace,
    uiUrl: `http://127.0.0.1:${String(uiPort)}`,
    proof: { ...(namespaceId !== undefined && { namespaceId }) },
  };
}

function localS3(
  {
    port,
    consolePort,
    accessKey,
    secretKey,
  }: { port: number; consolePort: number; accessKey: string; secretKey: string },
  bucket = defaultBucket,
): StackSettings['s3'] {
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    accessKey,
    secretKey,
    bucket,
    region: defaultRegion,
    consoleUrl: `http://127.0.0.1:${String(consolePort)}`,
    isLocal: true,
  };
}

/** Environment of a child process: that of this process (PATH, proxies), with only the servers that `env` names. */
export function childEnv(env: Env): Record<string, string> {
  const surroundings = Object.entries(process.env).filter(([name]) => !isOfServers(name));
  const all = [...surroundings, ...Object.entries(env)];
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isOfServers(variable: string): boolean {
  return /^TEMPORAL_|^MTRL_(S3_|TASK_QUEUE|TEMPORAL_)|^AWS_ENDPOINT_URL_S3$/.test(variable);
}

function copied(home: string, stamp: string): MtrlError {
  return new MtrlError('SETUP_FAILED', 'the local stack in this folder was copied from another one', {
    where: join(home, 'stack.json'),
    found: `the settings of ${pathOfStamp(stamp)}, whose servers are not this stack's`,
    hint: 'run `npm run mtrl -- up`, which gives it its own ports',
  });
}

function notSetUp(home: string, what: string, variable: string): MtrlError {
  return new MtrlError('SETUP_FAILED', `there is no local stack yet: ${what} is unknown`, {
    where: join(home, 'stack.json'),
    found: `no entry for it, and ${variable} is not set`,
    hint: `run \`npm run mtrl -- up\`, or set ${variable}`,
  });
}
