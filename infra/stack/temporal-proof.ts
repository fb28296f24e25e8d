/**
 * Checks that the Temporal server that answers is this stack's. Ports are recorded, and the port of a dead server may
 * be taken by any program, such as another checkout's stack. So a local server is checked before it is used. A server
 * that the environment names is used as configured.
 */
import type { Connection } from '@temporalio/client';
import { foreignServer } from './foreign-server.ts';
import type { TemporalSettings } from './temporal-settings.ts';

/** The common part of a client's and a worker's connection. */
type AnyConnection = Pick<Connection, 'workflowService' | 'withDeadline'>;

const timeoutMs = 5_000;

/** Throws SERVER_FOREIGN, or the connection's error if the server does not answer. */
export async function proveTemporal(connection: AnyConnection, settings: TemporalSettings): Promise<void> {
  const { proof, namespace, address } = settings;
  if (!proof) return;
  const found = await namespaceIdAt(connection, namespace);
  if (found !== undefined && found === proof.namespaceId) return;
  const expected = proof.namespaceId === undefined ? 'none is recorded yet' : `this stack's is ${proof.namespaceId}`;
  throw foreignServer(
    'Temporal',
    address,
    `namespace ${namespace} ${found === undefined ? 'does not exist' : `has the id ${found}`}; ${expected}`,
  );
}

/** undefined if there is no such namespace. */
export async function namespaceIdAt(connection: AnyConnection, namespace: string): Promise<string | undefined> {
  try {
    const described = await connection.withDeadline(Date.now() + timeoutMs, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return described.namespaceInfo?.id ?? undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code === grpcNotFound) return undefined;
    throw error;
  }
}

const grpcNotFound = 5;
