/** Checks at once whether anyone listens: a gRPC client backs off and retries for seconds after a refused connection. */
import { connect } from 'node:net';

/** Resolves when the port accepts; rejects with the system's reason (ECONNREFUSED, ENOTFOUND, ...) when not. */
export function assertAccepts(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) failed(error);
      else done();
    };
    socket.once('connect', () => {
      end();
    });
    socket.once('error', (error: AggregateError & Error) => {
      // Of a name with several addresses: one reason is enough.
      end(Array.isArray(error.errors) ? (error.errors[0] as Error) : error);
    });
    socket.once('timeout', () => {
      end(new Error(`no answer for ${String(Math.round(timeoutMs / 1000))} s`));
    });
  });
}
