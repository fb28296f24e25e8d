/**
 * A Temporal server outside the local stack, configured as for other Temporal tools: `TEMPORAL_ADDRESS` and related
 * variables (TLS, API key, headers), or a profile of a `temporal.toml`. A profile applies only if the environment names
 * it or its file: a laptop's default profile must not send `npm start` to a cluster.
 */
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { MtrlError } from '../../core/errors.ts';
import { type Env, urlOf, valueOf } from './env.ts';

export interface TemporalSettings extends Pick<NativeConnectionOptions, 'tls' | 'apiKey' | 'metadata'> {
  /** host:port of the gRPC frontend */
  readonly address: string;
  readonly namespace: string;
  /** Base URL of the Web UI; undefined if it is not known. */
  readonly uiUrl: string | undefined;
  /** Only for a local stack: proof that the server at the address is this stack's (temporal-proof.ts). */
  readonly proof?: {
    /** The id of the namespace; absent until `up` has recorded it. */
    readonly namespaceId?: string;
  };
}

const defaultNamespace = 'default';
const naming = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'] as const;

export function namespaceOf(env: Env): string {
  return valueOf(env, 'TEMPORAL_NAMESPACE') ?? defaultNamespace;
}

/** undefined if the environment names none. Throws USAGE. */
export function temporalOverride(env: Env): TemporalSettings | undefined {
  const named = naming.find((variable) => valueOf(env, variable) !== undefined);
  if (named === undefined) return undefined;
  const { connectionOptions, namespace } = loadProfile(env, named);
  const { address = '', tls, apiKey, metadata } = connectionOptions;
  if (!/^[^\s/:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(address)) {
    throw new MtrlError('USAGE', 'the address of Temporal is not host:port', {
      where: `environment variable ${named}`,
      found: address === '' ? 'no address' : JSON.stringify(address),
      hint: 'set the gRPC frontend as host:port, e.g. 127.0.0.1:7233, in TEMPORAL_ADDRESS or in the profile',
    });
  }
  return {
    address,
    namespace: namespace ?? defaultNamespace,
    uiUrl: urlOf(env, 'MTRL_TEMPORAL_UI_URL', 'the Web UI'),
    ...(tls !== undefined && tls !== null && { tls }),
    ...(apiKey !== undefined && { apiKey }),
    ...(metadata !== undefined && { metadata }),
  };
}

function loadProfile(env: Env, named: string): ReturnType<typeof loadClientConnectConfig> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => (entry[1] ?? '').trim() !== '');
  try {
    return loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(set),
      disableFile: valueOf(env, 'TEMPORAL_PROFILE') === undefined && valueOf(env, 'TEMPORAL_CONFIG_FILE') === undefined,
      configFileStrict: true,
    });
  } catch (cause) {
    throw new MtrlError('USAGE', 'the settings of the connection to Temporal are invalid', {
      where: `environment variable ${named}`,
      found: cause instanceof Error ? cause.message : String(cause),
      hint: 'check TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and the paths of certificates (docs/production.md)',
      cause,
    });
  }
}

/** For `Connection.connect` and `NativeConnection.connect`. */
export function connectionOptions({
  address,
  tls,
  apiKey,
  metadata,
}: Pick<TemporalSettings, 'address' | 'tls' | 'apiKey' | 'metadata'>): Pick<
  NativeConnectionOptions,
  'address' | 'tls' | 'apiKey' | 'metadata'
> {
  return {
    address,
    ...(tls !== undefined && { tls }),
    ...(apiKey !== undefined && { apiKey }),
    ...(metadata !== undefined && { metadata }),
  };
}
