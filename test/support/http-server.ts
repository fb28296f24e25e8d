/** What the tests' own HTTP servers share. */
import type { IncomingMessage, Server } from 'node:http';

export async function requestText(request: IncomingMessage): Promise<string> {
  return (await requestBytes(request)).toString('utf8');
}

export async function requestBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Ends open connections too. */
export async function stopServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
