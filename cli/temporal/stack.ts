/** Clients for the verbs; connection failures become coded errors. */
import { type Client, Connection } from '@temporalio/client';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { studioMemo } from '../../contract/studio-memo.ts';
import { MtrlError } from '../../core/errors.ts';
import { readOverrides, readSettings, type StackSettings } from '../../infra/stack/settings.ts';
import { temporalClient } from '../../infra/stack/temporal-client.ts';
import { proveTemporal } from '../../infra/stack/temporal-proof.ts';
import { connectionOptions } from '../../infra/stack/temporal-settings.ts';
import { commandText, say } from '../show/output.ts';
import { isUnreachable } from './patience.ts';

export interface Stack {
  readonly settings: StackSettings;
  readonly client: Client;
  readonly store: ArtifactStore;
}

/** For verbs that use only Temporal: the store's packages are not loaded, so they answer sooner. */
export type TemporalStack = Omit<Stack, 'store'>;

const connectTimeoutMs = 5_000;

/**
 * Connects, calls `body` and closes. `startMissing`: starts a local stack first; a Temporal server that the user named
 * is used as it is. Throws TEMPORAL_UNREACHABLE, or SERVER_FOREIGN if another stack's server answers.
 */
export async function withStack<T>(
  { startMissing }: { startMissing: boolean },
  body: (stack: Stack) => Promise<T>,
): Promise<T> {
  const isLocal = readOverrides().temporal === undefined;
  const settings = startMissing && isLocal ? await bringUp() : readSettings();
  return connected(settings, async (stack) => {
    const { openArtifactStore } = await import('../../artifacts/store/open-store.ts');
    const prove = async () => (await import('../../infra/stack/store-proof.ts')).proveStore(settings.s3);
    return body({ ...stack, store: openArtifactStore(settings.s3, { prove }) });
  });
}

/** Like `withStack`, but starts nothing and opens no store. */
export async function withTemporal<T>(body: (stack: TemporalStack) => Promise<T>): Promise<T> {
  return connected(readSettings(), body);
}

async function bringUp(): Promise<StackSettings> {
  const { up } = await import('../../infra/stack/up.ts');
  return up({ workers: true, log: say });
}

async function connected<T>(settings: StackSettings, body: (stack: TemporalStack) => Promise<T>): Promise<T> {
  const connection = await connect(settings.temporal);
  try {
    await proveTemporal(connection, settings.temporal);
    return await body({ settings, client: temporalClient(connection, settings.temporal) });
  } catch (error) {
    throw isUnreachable(error) ? unreachable(settings.temporal.address, error) : error;
  } finally {
    await connection.close();
  }
}

async function connect(temporal: StackSettings['temporal']): Promise<Connection> {
  try {
    return await Connection.connect({ ...connectionOptions(temporal), connectTimeout: connectTimeoutMs });
  } catch (cause) {
    throw unreachable(temporal.address, cause);
  }
}

function unreachable(address: string, cause: unknown): MtrlError {
  const isLocal = readOverrides().temporal === undefined;
  return new MtrlError('TEMPORAL_UNREACHABLE', 'Temporal does not answer', {
    where: address,
    found: firstMessageOf(cause),
    hint: isLocal
      ? `run \`${commandText('up')}\``
      : 'check TEMPORAL_ADDRESS (or the profile), its certificates and key, and that the server is up',
    cause,
  });
}

/** First line of what the server or the connection said; the errors around it name only the request. */
function firstMessageOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error ? (root.message.split('\n')[0] ?? '') : String(root);
}

/** Page of the workflow in the Web UI; undefined if the address of the Web UI is not known. */
export function uiLink({ temporal }: StackSettings, workflowId: string): string | undefined {
  if (temporal.uiUrl === undefined) return undefined;
  return `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(workflowId)}`;
}

/** For the start of a workflow, whose details then link to the studio; empty if its address is not known. */
export function memoOf({ studioUrl }: StackSettings): { readonly memo?: Readonly<Record<string, string>> } {
  return studioUrl === undefined ? {} : { memo: { [studioMemo]: studioUrl } };
}
