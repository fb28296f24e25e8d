/**
 * Where the stack is: the one answer to "which Temporal, which store" for workers, CLI, tests and benches.
 * Environment variables that name a server win; otherwise the local stack as `up` wrote it down in `stack.json`.
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MtrlError } from '../../core/errors.ts';
import { readStackFile } from './stack-file.ts';

export interface StackSettings {
  /** Folder of the local stack: data, logs, pid files. */
  readonly home: string;
  readonly temporal: {
    /** host:port of the gRPC frontend */
    readonly address: string;
    readonly namespace: string;
    /** Base URL of the Web UI; undefined when the server is not ours. */
    readonly uiUrl: string | undefined;
  };
  readonly s3: {
    /** http(s) URL without a path */
    readonly endpoint: string;
    readonly accessKey: string;
    readonly secretKey: string;
    readonly bucket: string;
    readonly region: string;
    readonly consoleUrl: string | undefined;
  };
  readonly taskQueues: { readonly control: 'mtrl'; readonly compute: 'mtrl-compute' };
}

export type Env = Readonly<Record<string, string | undefined>>;

export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

const taskQueues = { control: 'mtrl', compute: 'mtrl-compute' } as const;
const defaultNamespace = 'default';
const defaultBucket = 'mtrl';
const defaultRegion = 'us-east-1';

export interface SettingsOptions {
  /** Default: env MTRL_HOME, else `.mtrl` in the project. */
  readonly home?: string;
  /** Default: process.env. */
  readonly env?: Env;
}

export function stackHome({ home, env = process.env }: SettingsOptions = {}): string {
  return resolve(home ?? valueOf(env, 'MTRL_HOME') ?? join(projectRoot, '.mtrl'));
}

/** The servers that the user named instead of ours; undefined where ours is to be used. */
export function readOverrides(env: Env = process.env): {
  temporal: StackSettings['temporal'] | undefined;
  s3: StackSettings['s3'] | undefined;
} {
  return { temporal: temporalOverride(env), s3: s3Override(env) };
}

/** Throws SETUP_FAILED when neither the environment nor a local stack says where the servers are. */
export function readSettings(options: SettingsOptions = {}): StackSettings {
  const env = options.env ?? process.env;
  const home = stackHome(options);
  const overrides = readOverrides(env);
  const file = overrides.temporal && overrides.s3 ? undefined : readStackFile(home);

  const temporal = overrides.temporal ?? (file?.temporal && localTemporal(file.temporal, namespaceOf(env)));
  if (!temporal) throw notSetUp(home, 'Temporal', 'TEMPORAL_ADDRESS');
  const s3 = overrides.s3 ?? (file?.s3 && localS3(file.s3, valueOf(env, 'MTRL_S3_BUCKET')));
  if (!s3) throw notSetUp(home, 'the store', 'MTRL_S3_ENDPOINT');
  return { home, temporal, s3, taskQueues };
}

function localTemporal(
  { port, uiPort }: { port: number; uiPort: number },
  namespace: string,
): StackSettings['temporal'] {
  return { address: `127.0.0.1:${String(port)}`, namespace, uiUrl: `http://127.0.0.1:${String(uiPort)}` };
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
  };
}

function namespaceOf(env: Env): string {
  return valueOf(env, 'TEMPORAL_NAMESPACE') ?? defaultNamespace;
}

const overrideVariables = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'MTRL_S3_ENDPOINT', 'MTRL_S3_BUCKET'];

/** For a child process: the surroundings of this one (PATH, proxies), but the servers that `env` names and no others. */
export function childEnv(env: Env): Record<string, string> {
  const surroundings = Object.entries(process.env).filter(([name]) => !overrideVariables.includes(name));
  const all = [...surroundings, ...Object.entries(env)];
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** An empty variable counts as unset, as everywhere in shells. */
function valueOf(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function temporalOverride(env: Env): StackSettings['temporal'] | undefined {
  const address = valueOf(env, 'TEMPORAL_ADDRESS');
  if (address === undefined) return undefined;
  if (!/^[^\s/:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(address)) {
    throw new MtrlError('USAGE', 'TEMPORAL_ADDRESS is not host:port', {
      where: 'environment variable TEMPORAL_ADDRESS',
      found: JSON.stringify(address),
      hint: 'name the gRPC frontend as host:port, e.g. 127.0.0.1:7233',
    });
  }
  return { address, namespace: namespaceOf(env), uiUrl: undefined };
}

function s3Override(env: Env): StackSettings['s3'] | undefined {
  const endpoint = valueOf(env, 'MTRL_S3_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/') {
    throw new MtrlError('USAGE', 'MTRL_S3_ENDPOINT is not the URL of a store', {
      where: 'environment variable MTRL_S3_ENDPOINT',
      found: JSON.stringify(endpoint),
      hint: 'name it as http(s)://host:port without a path; the bucket goes in MTRL_S3_BUCKET',
    });
  }
  // Credentials of the environment count only for a store of the environment: a user's AWS keys must not reach MinIO.
  const accessKey = valueOf(env, 'AWS_ACCESS_KEY_ID');
  const secretKey = valueOf(env, 'AWS_SECRET_ACCESS_KEY');
  if (accessKey === undefined || secretKey === undefined) {
    throw new MtrlError('USAGE', 'the store has no credentials', {
      where: url.origin,
      found: `${accessKey === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY'} is not set`,
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY beside MTRL_S3_ENDPOINT',
    });
  }
  const bucket = valueOf(env, 'MTRL_S3_BUCKET') ?? defaultBucket;
  const region = valueOf(env, 'AWS_REGION') ?? defaultRegion;
  return { endpoint: url.origin, accessKey, secretKey, bucket, region, consoleUrl: undefined };
}

function notSetUp(home: string, what: string, variable: string): MtrlError {
  return new MtrlError('SETUP_FAILED', `there is no local stack yet: ${what} is not known`, {
    where: join(home, 'stack.json'),
    found: `no entry for it there, and ${variable} is not set`,
    hint: `run \`npm run mtrl -- up\`, or set ${variable}`,
  });
}
