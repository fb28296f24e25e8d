/** Checks quickly whether a server listens: a gRPC client retries for seconds after a refused connection. */
import { connect } from 'node:net';

/** Resolves if the port accepts; rejects with the system's reason (ECONNREFUSED, ENOTFOUND, ...) if not. */
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
      // A name with several addresses gives several errors; one of them is enough.
      end(Array.isArray(error.errors) ? (error.errors[0] as Error) : error);
    });
    socket.once('timeout', () => {
      end(new Error(`no answer for ${String(Math.round(timeoutMs / 1000))} s`));
    });
  });
}
