/** A TCP proxy in front of Temporal, which can cut all connections and hold back what is sent. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TemporalProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #held = false;

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, host);
      const pair = [client, server] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          to.destroy();
          this.#pairs.delete(pair);
        });
      }
      if (this.#held) pause(pair);
    });
  }

  /**
   * @param target host:port
   * @param at where it listens; default: a free port
   */
  static async start(target: string, at = { host: '127.0.0.1', port: 0 }): Promise<TemporalProxy> {
    const { hostname, port } = new URL(`http://${target}`);
    const proxy = new TemporalProxy(hostname, Number(port));
    await new Promise<void>((resolve) => proxy.#server.listen(at, resolve));
    return proxy;
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${String(port)}`;
  }

  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing passes until `release`. */
  hold(): void {
    this.#held = true;
    for (const pair of this.#pairs) pause(pair);
  }

  release(): void {
    this.#held = false;
    for (const [client, server] of this.#pairs) {
      client.pipe(server);
      server.pipe(client);
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pause([client, server]: readonly [Socket, Socket]): void {
  client.unpipe(server);
  server.unpipe(client);
  client.pause();
  server.pause();
}
