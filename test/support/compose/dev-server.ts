/**
 * `dev-server ADDRESS PORT OWN_PORT COMMAND...`: runs Temporal's dev server, and relays connections to it from the
 * address of its container. The dev server expects its own parts at 127.0.0.1, whatever address it is given.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAccepts } from '../../../infra/stack/tcp.ts';
import { TemporalProxy } from '../temporal-proxy.ts';

const [host = '', port, ownPort, program = '', ...args] = process.argv.slice(2);

const server = spawn(program, args, { stdio: 'inherit' });
server.once('exit', (code) => process.exit(code ?? 1));
process.once('SIGTERM', () => server.kill('SIGTERM'));

// Its health check must not succeed before the server answers.
while (!(await answers())) await sleep(100);
await TemporalProxy.start(`127.0.0.1:${String(ownPort)}`, { host, port: Number(port) });

function answers(): Promise<boolean> {
  return assertAccepts('127.0.0.1', Number(ownPort), 1_000).then(
    () => true,
    () => false,
  );
}
