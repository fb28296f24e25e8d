/** Clients of Temporal. No other code makes one: each must read and write payloads as the workers do, encrypted or not. */
import { Client, Connection } from '@temporalio/client';
import { dataConverterOf } from '../payloads/data-converter.ts';
import type { Env } from './env.ts';
import { connectionOptions, type TemporalSettings } from './temporal-settings.ts';

/** @param env names the keys of payloads. Throws USAGE if they cannot be used. */
export function temporalClient(
  connection: Connection,
  { namespace }: Pick<TemporalSettings, 'namespace'>,
  env: Env = process.env,
): Client {
  return new Client({ connection, namespace, dataConverter: dataConverterOf(env) });
}

/** Connects, calls `body` and closes. */
export async function withTemporalClient<T>(
  settings: TemporalSettings,
  body: (client: Client) => Promise<T>,
  env: Env = process.env,
): Promise<T> {
  const connection = await Connection.connect(connectionOptions(settings));
  try {
    return await body(temporalClient(connection, settings, env));
  } finally {
    await connection.close();
  }
}
